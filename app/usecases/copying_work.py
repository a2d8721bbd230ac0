"""A copy under way: runs in batches, versions one by one, each compared when it is there."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import (
    ConflictError,
    DeniedError,
    ModeldeckError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.ingest import Problem, RunRecord
from modeldeck.backends.api.plan import Plan
from modeldeck.backends.api.receiving import Origin
from modeldeck.backends.api.runs import Experiment, Metric, Points, Run

from .copying_files import Files
from .copying_points import Mark, mark_of
from .copying_release import copy_version
from .copying_result import Copied, Step, Tell
from .copying_runs import whole
from .copying_sides import (
    AT_ONCE,
    Loaded,
    arrival_of,
    arrivals,
    carried,
    faithful,
    home_of,
    load,
    note,
    receiver_of,
    together,
)
from .session import Session

T = TypeVar("T")
RUNS = 100
POINTS = 400_000
"""So many runs or points are one batch: other writers wait no longer than one takes."""


class Copying:
    """One copy, from its first event to its last: what its parts share."""

    def __init__(self, source: Session, target: Session, plan: Plan, tell: Tell) -> None:
        self.source, self.target, self.plan, self._tell = source, target, plan, tell
        self.receiver = receiver_of(target)
        self.files = Files(source.registry, target.registry, self.receiver)
        self._experiments: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self.passed = 0
        self._step = Step()
        self.problems: list[Problem] = []

    async def carried_out(self) -> Copied:
        """Do all of it, with an event before the first and after the last."""
        arguments = self.plan.arguments
        numbers: Mapping[str, int] = arguments.get("versions", {})
        started = await self._event(
            "started", {"runs": len(arguments["runs"]), "versions": len(numbers)}
        )
        try:
            await self._runs(arguments["runs"])
            for number, here in numbers.items():
                await copy_version(self, arguments["model"], int(number), arguments["as"], here)
        except ModeldeckError as error:
            await self._event("failed", self._figures | {"why": error.what}, started)
            raise
        ended = await self._event("ended", self._figures, started)
        return Copied(
            step=self._step,
            passed=self.passed,
            left=self.files.left,
            problems=self.problems,
            event=ended,
        )

    @property
    def _figures(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self._step) | {"problems": len(self.problems)}

    async def _event(self, phase: str, after: Mapping[str, Any], cause: int | None = None) -> int:
        plan, target = self.plan, self.target
        entry = Entry(
            actor=target.actor,
            tool="",
            context=target.context,
            phase=phase,
            action=plan.operation,
            subject=home_of(self.source.registry),
            after=dict(after),
            reason=plan.reason,
            ticket=plan.ticket,
            plan=plan.agreed or plan.digest,
            caused_by=cause,
        )
        return (await note(target, entry)).seq

    def count(self, **more: int) -> None:
        """Count runs, versions or points that are here now."""
        fields = {name: getattr(self._step, name) + value for name, value in more.items()}
        self._step = msgspec.structs.replace(
            self._step,
            files=self.files.count,
            size=self.files.size,
            **fields,
        )
        self._tell(self._step)

    async def _runs(self, ids: Sequence[str]) -> None:
        """Parents before children, so that a child can name its parent as it is called here."""
        runs = [await self.source.registry.run(run_id) for run_id in ids]
        depths = _depths(runs)
        for _, level in groupby(runs, key=lambda run: depths[run.id]):
            batch: list[Loaded] = []
            for some in _batched(list(level)):
                batch += await together(lambda run: load(self.source.registry, run), some)
                if len(batch) >= RUNS or sum(one.points for one in batch) >= POINTS:
                    await self._batch(batch)
                    batch = []
            if batch:
                await self._batch(batch)

    async def _batch(self, batch: Sequence[Loaded]) -> None:
        """Copy some runs; where they cannot be together, each by itself."""
        try:
            await self._together(batch)
        except (RefusedError, UsageError) as error:
            if isinstance(error, ConflictError | ReadOnlyError | DeniedError):
                raise
            if len(batch) > 1:
                for one in batch:
                    await self._batch([one])
                return
            self.problems.append(Problem(address.run(batch[0].run.id), str(error)))

    async def _together(self, batch: Sequence[Loaded]) -> None:
        known = await arrivals(
            self.target, self.source, {address.run(one.run.id): one.origin for one in batch}
        )
        going: dict[Origin, Loaded] = {}
        changed_here = set()
        for one in batch:
            origin, arrival = known[address.run(one.run.id)]
            if arrival is not None and whole(one, arrival):
                self.passed += 1
                self._ids[one.run.id] = address.parse_address(arrival.address).name
            else:
                going[origin] = one
                if arrival is not None and arrival.stamp is not None:
                    # What somebody has changed of it here stays, and is no problem.
                    changed_here.add(one.run.id)
        if not going:
            return
        records = {origin: await self._record(one, origin) for origin, one in going.items()}
        ids = await self.receiver.receive_runs(records)
        here = {ids[origin]: one for origin, one in going.items()}
        self._ids.update((one.run.id, run_id) for run_id, one in here.items())
        marks = await self._series(here)
        stamps: dict[str, str] = {}
        try:
            for run_id, one in here.items():
                owner = address.run(run_id)
                problems = await self.files.all_of(address.run(one.run.id), owner, one.files)
                problems = [*problems, *await self._points(run_id, marks[run_id])]
                if one.run.id not in changed_here:
                    problems += await self._texts(run_id, one.run)
                if problems:
                    self.problems += problems
                    continue
                # Marked only now: whatever stops it before makes the next copy do this one again.
                lacking = self.files.lacking
                stamps[owner] = f"{one.stamp} but {lacking}" if lacking else one.stamp
                self.count(runs=1)
                if one.files:
                    await self.receiver.settle(stamps)
                    stamps = {}
        finally:
            if stamps:
                await self.receiver.settle(stamps)

    async def _record(self, one: Loaded, origin: Origin) -> RunRecord:
        registry, run = self.source.registry, one.run
        name = self.plan.arguments["experiment"] or run.experiment
        if name not in self._experiments:
            found = await registry.experiment(run.experiment)
            there = Origin(origin.registry, address.experiment(found.id))
            if name != run.experiment:
                found = Experiment(id="", name=name)
            self._experiments[name] = await self.receiver.receive_experiment(
                found, there if name == run.experiment else None
            )
        known = {series.key for series in one.series}
        return RunRecord(
            run=msgspec.structs.replace(
                run,
                experiment=name,
                parent_id=await self.here(run.parent_id),
                tags=self.tags(run.tags),
            ),
            experiment_id=self._experiments[name],
            # Of the others the latest values come with their points.
            latest={key: Metric(v) for key, v in run.metrics.items() if key not in known},
            datasets=one.datasets,
            evaluations=[await self._evaluation(e) for e in one.evaluations],
            # What was never read there is named here, too.
            artifacts=[
                file
                for file in one.files
                if file.digest is None and file.location and not file.path.endswith("/")
            ],
            lock=one.lock,
            usage=one.usage,
        )

    async def _evaluation(self, evaluation: Any) -> Any:
        return msgspec.structs.replace(evaluation, run_id=await self.here(evaluation.run_id))

    def tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """The tags that something gets here."""
        return tags if faithful(self.source.registry) else carried(tags)

    async def here(self, run_id: str | None) -> str | None:
        """The id here of a run there; the id there of one that is not here."""
        if not run_id:
            return run_id
        if run_id not in self._ids:
            found = await arrival_of(self.target, self.source, run_id)
            self._ids[run_id] = address.parse_address(found.address).name if found else run_id
        return self._ids[run_id]

    async def _series(self, here: Mapping[str, Loaded]) -> Mapping[str, Mapping[str, Mark]]:
        """Copy all points of some runs; gives the marks that they must have here, too."""
        waiting: dict[str, dict[str, Points]] = {}
        told = {run_id: one.run.metrics for run_id, one in here.items()}
        marks: dict[str, dict[str, Mark]] = {run_id: {} for run_id in here}
        count = 0
        wanted = [(run_id, one.run.id, s.key) for run_id, one in here.items() for s in one.series]
        registry = self.source.registry
        for some in _batched(wanted):
            read = await together(lambda one: registry.points(one[1], one[2]), some)
            for (run_id, _, key), points in zip(some, read, strict=True):
                marks[run_id][key] = self._mark(points)
                waiting.setdefault(run_id, {})[key] = points
                count += len(points)
            if count >= POINTS:
                await self.receiver.receive_series(waiting, told)
                self.count(points=count)
                waiting, count = {}, 0
        if waiting:
            await self.receiver.receive_series(waiting, told)
            self.count(points=count)
        return marks

    async def _texts(self, run_id: str, there: Run) -> Sequence[Problem]:
        """The parameters and tags that are not here as they are there."""
        here = await self.target.registry.run(run_id)
        pairs = (("parameter", there.params, here.params), ("tag", carried(there.tags), here.tags))
        return [
            Problem(f"{address.run(run_id)}, {kind} {key}", "is not what it is there")
            for kind, wanted, found in pairs
            for key, value in wanted.items()
            if found.get(key) != value
        ]

    async def _points(self, run_id: str, marks: Mapping[str, Mark]) -> Sequence[Problem]:
        """The series that are not here as they were read there."""
        wrong = []
        registry = self.target.registry
        read = await together(lambda key: registry.points(run_id, key), list(marks))
        for (key, mark), points in zip(marks.items(), read, strict=True):
            found = self._mark(points)
            if found == mark:
                continue
            what = f"has {found.count:,} points here and {mark.count:,} there"
            if found.count == mark.count:
                what = f"its {mark.count:,} points are not what they are there"
            wrong.append(Problem(f"{address.run(run_id)}, series {key}", what))
        return wrong

    def _mark(self, points: Points) -> Mark:
        return mark_of(points, exactly=self.receiver.exactly)


def _batched(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), AT_ONCE):
        yield items[at : at + AT_ONCE]


def _depths(runs: Sequence[Run]) -> Mapping[str, int]:
    """How many parents of each are among the runs, which come before their children."""
    depths: dict[str, int] = {}
    for run in runs:
        depths[run.id] = depths.get(run.parent_id or "", -1) + 1
    return depths
