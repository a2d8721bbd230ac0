"""What puts known things into a backend under test, and the words that the contract puts in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from msgspec import Struct

from ..api.events import Actor, Event
from ..api.lists import all_of
from ..api.plan import LIFETIME, Change, Plan
from ..api.protocols import Registry, Server
from ..api.query import Compare, Expression, Field, Sort, Vocabulary
from ..api.runs import Dataset, Status

ME = Actor(user="ada", host="jump1")
CONTEXT = "contract"
START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
"""When what a maker makes began; the milliseconds are kept by every backend."""

TEXTS = (
    "plain",
    " spaces around ",
    "é ü ß 漢字 🙂",
    "e\u0301 is not \u00e9",
    "line\nbreak\ttab",
    "quotes ' \" ` and \\ backslash",
    "%2F %s {x} $(y) ;--",
    "right\u202eto left",
    "zero\u200bwidth",
    "\x1b[31mred",
    "x" * 400,
)
NAMES = ("plain", "two words", "é漢🙂", "per%2Fcent", "a#b?c&d=e", "..", 'it\'s "so"', "a/b:c@d")
KEYS = ("team", "a.b-c_d", "two words", "a/b", "x:y=z", "é漢")


class Given(Struct, frozen=True, kw_only=True):
    """A run to be made. `series` are (step, value) by key; the latest value is the last one.

    Point n of a series was logged n seconds after the run began. `parent` is the id of another.
    """

    name: str
    status: Status = Status.FINISHED
    started_at: datetime = START
    lasted: timedelta | None = timedelta(minutes=1)
    params: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    series: Mapping[str, Sequence[tuple[int, float]]] = {}
    datasets: Sequence[Dataset] = ()
    parent: str | None = None

    @property
    def ended_at(self) -> datetime | None:
        """None while it runs."""
        return None if self.lasted is None else self.started_at + self.lasted


class Maker(Protocol):
    """Puts known things where a backend finds them. What is made with one name is made once.

    `run` gives the run's id, `experiment` the experiment's. `point` is what somebody else does:
    an alias goes to another version, or away, behind the backend's back.
    """

    async def experiment(self, name: str, *, tags: Mapping[str, str], note: str) -> str: ...
    async def run(self, experiment: str, given: Given) -> str: ...
    async def file(self, run_id: str, path: str, content: bytes) -> None: ...
    async def model(
        self, name: str, *, versions: int, tags: Mapping[str, str], note: str
    ) -> None: ...
    async def point(self, model: str, alias: str, version: int | None) -> None: ...


def opened(backend: Registry | Server, folder: Path) -> Registry:
    """What an adapter's `connect` gave as an open registry; the records of a server in `folder`."""
    if isinstance(backend, Registry):
        return backend
    from ..journal import Journaled
    from ..local import create_registry

    records = create_registry(folder)
    return Journaled(backend, records, tool="contract", clock=now, context=CONTEXT)


def now() -> datetime:
    """Now."""
    return datetime.now(UTC)


def unique(word: str) -> str:
    """A name that nothing else has."""
    return f"{word} {uuid4().hex[:12]}"


def plan(registry: Registry, operation: str, *changes: Change) -> Plan:
    """A plan over `changes`, good from now on."""
    made = now()
    return Plan(
        operation=operation,
        arguments={},
        context=CONTEXT,
        changes=changes,
        request=registry.request(changes),
        caveats=tuple(registry.caveats(operation)),
        created_at=made,
        lapses_at=made + LIFETIME,
        reason="the contract",
    )


async def events_of(registry: Registry, subject: str) -> Sequence[Event]:
    """The events of one subject, oldest first."""
    where: Expression = Compare(Field("subject"), "=", subject)
    return await all_of(await registry.events(where, [Sort(Field("seq"))]))


def is_server(registry: Registry) -> bool:
    """Whether its changes go to a server, with an intent first."""
    from ..journal import Journaled

    return isinstance(registry, Journaled)


def anew(registry: Registry) -> None:
    """Somebody else has changed something: answer nothing from memory."""
    from ..journal import Journaled

    if isinstance(registry, Journaled):
        registry.forget()


async def settle(registry: Registry) -> None:
    """Wait until what a server's reads have seen is compared."""
    from ..journal import Journaled

    if isinstance(registry, Journaled):
        await registry.settled()


def parsed(text: str, vocabulary: Vocabulary) -> Expression | None:
    """A filter as a person writes it."""
    from ..api.parse import parse_filter

    return parse_filter(text, vocabulary, now())
