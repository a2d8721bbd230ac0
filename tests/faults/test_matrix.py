"""Every fault between us and a real server, and what becomes of each kind of work under it.

The table is printed at the end of a session. It gives of a list `ok`, `ok, noted` where the list
says itself what is odd, or the exit code; of a change also what the trail says of it. In `write` an
alias is moved while only that change meets the fault, in `write on` all that comes after it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from modeldeck.backends.api.connect import Limits
from tests.faults import work
from tests.faults.place import NameServer, Place, opened
from tests.faults.report import COLUMNS, PROPERTY
from tests.servers import faults
from tests.servers.proxy import Fault, Request

pytestmark = [pytest.mark.real, pytest.mark.slow]

LIMITS = Limits(deadline=30.0, total=60.0, tries=2, most=8 << 20)
# What never comes is waited for; the work before and after has to be done within it as well.
SHORT = Limits(deadline=5.0, total=5.0, tries=1, most=8 << 20)


@dataclass(frozen=True)
class Case:
    """A fault and its row of the table: of three lists, or of all of them, and of two writes.

    `says` stands in the words of every error.
    """

    fault: Fault
    lists: str | tuple[str, str, str]
    write: str
    write_on: str = ""
    says: str = ""
    limits: Limits = LIMITS
    times: int | None = None
    pages: bool = False

    @property
    def row(self) -> tuple[str, ...]:
        lists = (self.lists,) * 3 if isinstance(self.lists, str) else self.lists
        return (*lists, self.write, self.write_on or self.write)


@dataclass(frozen=True)
class Swap:
    """A fault of connections, not of requests: `turn` begins and ends it."""

    turn: Callable[[Place, NameServer, bool], None]
    lists: str
    write: str
    says: str
    tls: bool = False
    limits: Limits = LIMITS
    row: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", (self.lists,) * 3 + (self.write,) * 2)


def lost_name(_: Place, names: NameServer, begins: bool) -> None:
    names.gone = begins


def certificate(kind: str) -> Callable[[Place, NameServer, bool], None]:
    return lambda place, _, begins: place.show(kind if begins else "good")


AWAY, UNSURE, NO = "exit 3", "exit 3, unknown", "exit 3, failed"
CASES: dict[str, Case | Swap] = {
    "dropped": Case(faults.drop, AWAY, UNSURE, says="closed without an answer"),
    "answer dropped": Case(faults.lost, AWAY, "done", UNSURE, says="closed without an answer"),
    "reset": Case(faults.reset, AWAY, UNSURE, says="lost before the answer"),
    "no answer": Case(faults.hang, AWAY, UNSURE, says="no answer within", limits=SHORT),
    "429": Case(faults.status(429), AWAY, UNSURE, says="answered 429"),
    "429, Retry-After 1": Case(
        faults.status(429, ("retry-after", "1")), AWAY, UNSURE, says="answered 429"
    ),
    "429, Retry-After a day": Case(
        faults.status(429, ("retry-after", "86400")), AWAY, UNSURE, says="answered 429"
    ),
    "429 once": Case(
        faults.status(429, ("retry-after", "0")), "ok", UNSURE, says="answered 429", times=1
    ),
    **{
        str(code): Case(faults.status(code), AWAY, UNSURE, says=f"answered {code}")
        for code in (500, 502, 503, 504)
    },
    "503 once": Case(faults.status(503), "ok", UNSURE, says="answered 503", times=1),
    "flapping": Case(faults.flapping, "ok", UNSURE, says="answered 503"),
    "no such host": Swap(lost_name, AWAY, NO, says="no such host"),
    "TLS expired": Swap(certificate("expired"), AWAY, NO, says="expired", tls=True),
    "TLS wrong host": Swap(certificate("wrong host"), AWAY, NO, says="another host", tls=True),
    "TLS self-signed": Swap(certificate("self-signed"), AWAY, NO, says="self-signed", tls=True),
    "slow header": Case(faults.slow_header, AWAY, UNSURE, says="no answer within", limits=SHORT),
    "drip": Case(faults.drip, AWAY, "done", UNSURE, says="not complete", limits=SHORT),
    "truncated": Case(faults.truncated, AWAY, "done", UNSURE, says="in the middle of the answer"),
    "malformed": Case(faults.malformed, "exit 2", "done", "exit 2, unknown", says="not JSON"),
    "wrong type": Case(
        faults.wrong_type, "exit 2", "done", "exit 2, unknown", says="not what it should be"
    ),
    "empty": Case(faults.empty, "exit 2", "done", "exit 2, unknown", says="is empty"),
    "huge": Case(faults.huge, "exit 2", "exit 2, unknown", says="8,388,608 bytes"),
    "bomb": Case(faults.bomb, "exit 2", "exit 2, unknown", says="bombs"),
    "login page": Case(faults.login_page, "exit 2", "exit 2, unknown", says="HTML page"),
    "redirect loop": Case(faults.redirect_loop, "exit 2", "exit 4, failed", says="redirects"),
    "redirect elsewhere": Case(
        faults.redirect_elsewhere, "exit 2", "exit 4, failed", says="follow"
    ),
    "401 once": Case(faults.unauthorized, "ok", "done", times=1),
    "401": Case(faults.unauthorized, "exit 4", "exit 4, failed", says="credentials"),
    "clock a day ahead": Case(faults.skewed(86_400), "ok", "done"),
    "short pages": Case(faults.partial_page, "ok", "done", pages=True),
    "page again": Case(faults.duplicate_page, ("ok", "ok, noted", "ok"), "done", pages=True),
    "token again": Case(
        faults.repeated_token, ("ok", "ok, noted", "exit 2"), "done", says="token", pages=True
    ),
}


def is_page(request: Request) -> bool:
    return request.path.endswith(("/runs/search", "/registered-models/search"))


@pytest.mark.parametrize("name", CASES)
async def test_fault(small_server, names, tmp_path, record_property, name):
    case = CASES[name]
    kinds: dict[str, Any] = {"runs": work.runs, "next page": work.page, "models": work.models}
    for place, column in enumerate(COLUMNS[3:]):
        # A model of its own for each.
        kinds[column] = work.writes(f"model {2 * list(CASES).index(name) + place:03}")

    tries: dict[str, list[str]] = {}

    async def cell(column: str) -> str:
        swap = isinstance(case, Swap)
        tls = swap and case.tls
        async with opened(
            small_server, tmp_path / column, case.limits, tls=tls, keep=not swap
        ) as place:
            begin, end = switches(case, place, names, column)
            word, found = await kinds[column](place, begin, end)
            tries[column] = [
                f"{one.status} {one.url[-40:]}: {one.outcome}" for one in place.registry.exchanges
            ]
            if word.startswith("exit"):
                assert case.says in str(found)
            work.once_each(place.proxy.changes)
            assert place.proxy.elsewhere == 0
            if name == "401 once":
                assert place.tokens.renewed == 1
            return word

    if isinstance(case, Swap):
        row = [await cell(column) for column in COLUMNS]
    else:
        row = await asyncio.gather(*(cell(column) for column in COLUMNS))
    record_property(PROPERTY, [name, *row])
    unlike = [c for c, found, due in zip(COLUMNS, row, case.row, strict=True) if found != due]
    assert tuple(row) == case.row, {column: "\n".join(tries[column]) for column in unlike}


def switches(
    case: Case | Swap, place: Place, names: NameServer, column: str
) -> tuple[Callable[[], None], Callable[[], None]]:
    """What begins the fault, and what ends it."""
    if isinstance(case, Swap):
        return partial(case.turn, place, names, True), partial(case.turn, place, names, False)

    def meets(request: Request) -> bool:
        if column == "write":
            return request.changes
        if case.times and request.path == "/version":
            return False  # asked beside the work, which is what shall meet it
        return is_page(request) if case.pages else True

    def begin() -> None:
        place.proxy.meet(case.fault, meets, times=case.times)

    return begin, place.proxy.heal
