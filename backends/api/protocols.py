"""What a backend can do, one small protocol a verb group. All verbs are async and may be cancelled.

`ref` is an id, a unique beginning of one, or a name that only one thing has; NotFoundError says
what came near. Lists are windows (see `lists`). Errors are those of `errors`, nothing else.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from msgspec import Struct

from .artifacts import Artifact
from .events import Actor, Entry, Event
from .exchanges import Exchange
from .ingest import Batch, ModelRecord, RunRecord
from .lists import RunQuery, Window
from .looks import Look
from .models import Alias, Model, Version
from .plan import Change, Plan
from .query import Expression, Sort
from .runs import (
    Dataset,
    Evaluation,
    Experiment,
    Keys,
    Lock,
    Points,
    Run,
    SeriesInfo,
    Shelf,
    Usage,
)


class Availability(Struct, frozen=True):
    """Whether something can be done, and why not."""

    supported: bool
    reason: str = ""


YES = Availability(supported=True)
READS = frozenset({"read", "list", "export", "open"})
"""The verbs of operations that change nothing."""


@runtime_checkable
class Backend(Protocol):
    """What every backend has. `name` is for people; `place` says where it lies."""

    name: str
    place: str

    def availability(self, operation: str, subject: str = "") -> Availability: ...
    async def close(self) -> None: ...


@runtime_checkable
class Experiments(Protocol):
    """Sets of runs."""

    async def experiments(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Experiment]: ...
    async def experiment(self, ref: str) -> Experiment: ...


@runtime_checkable
class Runs(Protocol):
    """Runs and what each holds."""

    async def runs(self, query: RunQuery, first: int = 100) -> Window[Run]: ...
    async def run(self, ref: str) -> Run: ...
    async def run_keys(self, query: RunQuery) -> Keys: ...
    async def datasets(self, run_id: str) -> Sequence[Dataset]: ...
    async def evaluations(self, run_id: str) -> Sequence[Evaluation]: ...
    async def usage(self, run_id: str) -> Usage: ...
    async def lock(self, digest: str) -> Lock | None: ...


@runtime_checkable
class Histories(Protocol):
    """Series of metrics. `points` with bounds gives those with low <= x <= high, `by` step or time.

    Bounds by time are microseconds since the epoch. `sampled` gives one series of several runs for
    drawing, between two steps (both included): where there are more than about `most` points a run,
    some of them, spread over the interval, the first and the last among them.
    """

    async def series(self, run_id: str) -> Sequence[SeriesInfo]: ...
    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points: ...
    async def sampled(
        self,
        run_ids: Sequence[str],
        key: str,
        most: int,
        low: int | None = None,
        high: int | None = None,
    ) -> Mapping[str, Points]: ...


@runtime_checkable
class Outlines(Protocol):
    """Series so long that nobody draws all of their points.

    `outline` is as `points` where there are fewer than about `most` of them in the interval. Of
    more it gives at least so many, some forty times as many at most: every lowest, every highest
    point and every gap of a stretch that is shorter than one `most`-th of the interval, exactly.
    """

    async def outline(
        self,
        run_id: str,
        key: str,
        most: int,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points: ...


@runtime_checkable
class Artifacts(Protocol):
    """Files of a run or version, named by its address.

    `download` gives the digest of the file that is whole at `target` then; where it broke off, what
    has come stays beside it, and the next one may go on from there.
    """

    async def artifacts(self, owner: str) -> Sequence[Artifact]: ...
    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes: ...
    async def download(self, owner: str, path: str, target: Path) -> str: ...


@runtime_checkable
class Models(Protocol):
    """Models, versions, aliases. `model` of `versions` None means those of all."""

    async def models(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Model]: ...
    async def model(self, name: str) -> Model: ...
    async def versions(
        self,
        model: str | None = None,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Version]: ...
    async def version(self, model: str, number: int) -> Version: ...
    async def aliases(self, model: str | None = None) -> Sequence[Alias]: ...


@runtime_checkable
class Trail(Protocol):
    """The audit trail, newest first unless sorted otherwise."""

    async def events(
        self, where: Expression | None = None, sort: Sequence[Sort] = (), first: int = 100
    ) -> Window[Event]: ...


@runtime_checkable
class Around(Protocol):
    """A trail that is asked for an instant. Subjects are those from `first` on, before `after`.

    `around` gives, in order, enough of the events of each to tell how it was then, of those that
    hold the text `holding` somewhere. `begun` is when the trail begins; `looks` what was last seen
    of a field of what others may change.
    """

    async def around(
        self, first: str, after: str, instant: datetime, holding: str = ""
    ) -> Sequence[Event]: ...
    async def begun(self) -> datetime | None: ...
    async def looks(self, context: str, field: str, first: str, after: str) -> Sequence[Look]: ...


@runtime_checkable
class Changes(Protocol):
    """The one way to change anything. `request` says in words what applying would send or write.

    `caveats` says what of an operation this backend cannot hold anybody to: who else may do it,
    past every gate.
    """

    def request(self, changes: Sequence[Change]) -> str: ...
    def caveats(self, operation: str) -> Sequence[str]: ...
    async def apply(self, plan: Plan, actor: Actor, context: str) -> Sequence[Event]: ...


@runtime_checkable
class Trash(Protocol):
    """A registry from which what was deleted can be removed for good.

    `sizes` are bytes of the files of runs and versions, by address; `purged` the numbers of a
    model's versions that were removed for good, which no other version ever gets.
    """

    async def sizes(self, owners: Sequence[str]) -> Mapping[str, int]: ...
    async def purged(self, model: str) -> Sequence[int]: ...


@runtime_checkable
class Recording(Protocol):
    """Runs written while they run. `positions`: up to which byte each file of a run was read."""

    async def begin_run(self, record: RunRecord, actor: Actor, context: str) -> Run: ...
    async def note_lock(self, run: Run, lock: Lock) -> None: ...
    async def log(self, run_id: str, batch: Batch, *, last: bool = False) -> None: ...
    async def end_run(self, record: RunRecord, actor: Actor, context: str) -> None: ...
    async def positions(self, run_id: str) -> Mapping[str, int]: ...
    async def open_runs(self) -> Sequence[str]: ...
    def keep(self, source: BinaryIO, path: str) -> Artifact: ...
    def run_folder(self, run_id: str) -> Path: ...


@runtime_checkable
class Collecting(Protocol):
    """Records of other stores taken in. `stamp` and `loaded` say what is here already."""

    async def take(
        self,
        origin: str,
        kind: str,
        *,
        experiments: Iterable[Experiment] = (),
        runs: Iterable[RunRecord] = (),
        models: Iterable[ModelRecord] = (),
        mirror: bool = False,
    ) -> Sequence[str]: ...
    async def take_histories(self, histories: Mapping[str, Mapping[str, Points]]) -> None: ...
    async def take_artifacts(self, owner: str, artifacts: Sequence[Artifact]) -> None: ...
    async def keep_only(
        self,
        origin: str,
        *,
        experiments: Collection[str],
        runs: Collection[str],
        models: Mapping[str, Collection[int]],
    ) -> None: ...
    async def native_ids(
        self, origin: str, only: Sequence[str] | None = None
    ) -> Mapping[str, str]: ...
    async def native_models(self, origin: str) -> Mapping[str, str]: ...
    async def loaded(self) -> Mapping[str, str]: ...
    async def mark_loaded(self, stamps: Mapping[str, str]) -> None: ...
    async def stamp(self, origin: str) -> str | None: ...
    async def note_stamp(self, origin: str, kind: str, stamp: str) -> None: ...
    async def note(self, entry: Entry) -> Event: ...


@runtime_checkable
class Fields(Protocol):
    """Single fields of what has an address, read and written on a server.

    `write_field` sends `change.after` once, whatever is there, and raises RefusedError where the
    server said no, UnreachableError where it is not known whether the request arrived.
    """

    async def read_field(self, subject: str, field: str) -> Any: ...
    async def write_field(self, change: Change) -> None: ...
    def request(self, changes: Sequence[Change]) -> str: ...
    def caveats(self, operation: str) -> Sequence[str]: ...


Teach = Callable[[Sequence[str]], Awaitable[Mapping[str, Sequence[Entry]]]]


@runtime_checkable
class Records(Trail, Protocol):
    """Where what happens to a server is written down.

    `note` writes one outcome an intent: of a second one it gives the first. `opened` gives the
    intents whose outcome nobody wrote, and `applying` keeps everybody else who has these records
    from applying for the length of a block; BusyError when that takes longer than `wait` seconds.

    `observe` compares what was seen of a field of some subjects with what was seen or done before;
    what nobody did from here becomes an event of phase observed, with its earliest and latest time.
    `at` is when it was asked for, or earlier; a value None says that it is not there, and `below`
    names the beginnings of subjects of which all that are there were seen. `teach` gives for
    subjects that are not as they were the entries of phase learned that others have signed for,
    oldest first: these are written in the place of observed ones, each once.
    """

    def availability(self, operation: str, subject: str = "") -> Availability: ...
    def applying(self, wait: float) -> AbstractAsyncContextManager[None]: ...
    async def note(self, entry: Entry) -> Event: ...
    async def opened(self) -> Sequence[Event]: ...
    async def observe(
        self,
        seen: Mapping[str, Any],
        at: datetime,
        *,
        field: str,
        context: str,
        below: Collection[str] = (),
        teach: Teach | None = None,
    ) -> Sequence[Event]: ...
    async def close(self) -> None: ...


@runtime_checkable
class Server(Backend, Experiments, Runs, Histories, Artifacts, Models, Fields, Protocol):
    """What an adapter of a remote registry gives; with `Records` it makes a `Registry`.

    `exchanges` are the latest requests, oldest first. `link` is the address of a thing in the
    server's own web pages, None where it has none.
    """

    @property
    def exchanges(self) -> Sequence[Exchange]: ...
    def link(self, address: str) -> str | None: ...


@runtime_checkable
class Registry(Backend, Experiments, Runs, Histories, Artifacts, Models, Trail, Changes, Protocol):
    """All of the above: what the console opens."""
