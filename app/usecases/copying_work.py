"""A copy under way: runs in batches, versions one by one, each compared when it is there."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import (
    ConflictError,
    DeniedError,
    ModeldeckError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.ingest import Problem, RunRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.receiving import HOLDS, Origin
from modeldeck.backends.api.runs import Experiment, Metric, Points, Run

from .copying_files import Files, brought, described
from .copying_points import Mark, mark_of
from .copying_runs import whole
from .copying_sides import (
    Loaded,
    arrival_of,
    arrivals,
    carried,
    faithful,
    home_of,
    load,
    note,
    one_trail,
    origin_of,
    receiver_of,
)
from .session import Session

RUNS = 100
POINTS = 400_000
"""So many runs or points are one batch: other writers wait no longer than one takes."""
WAIT = 10.0
"""Seconds to wait for another process that changes something on the same server."""


class Step(Struct, frozen=True, kw_only=True):
    """How far a copy is, in runs, versions, points, files and bytes."""

    runs: int = 0
    versions: int = 0
    points: int = 0
    files: int = 0
    size: int = 0


class Copied(Struct, frozen=True, kw_only=True):
    """What came of a copy. `passed` were there already; `left` are files whose bytes are elsewhere.

    What `problems` name was not copied, or is not what it is there.
    """

    step: Step
    passed: int
    left: Sequence[Problem]
    problems: Sequence[Problem]
    event: int

    @classmethod
    def nothing(cls) -> "Copied":
        """Of a copy of what is there already."""
        return cls(step=Step(), passed=0, left=(), problems=(), event=0)


Tell = Callable[[Step], None]


def silent(_: Step) -> None:
    """No progress."""


class Copying:
    """One copy, from its first event to its last."""

    def __init__(self, source: Session, target: Session, plan: Plan, tell: Tell) -> None:
        self._source, self._target, self._plan, self._tell = source, target, plan, tell
        self._receiver = receiver_of(target)
        self._files = Files(source.registry, target.registry, self._receiver)
        self._experiments: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._passed = 0
        self._step = Step()
        self._problems: list[Problem] = []

    async def carried_out(self) -> Copied:
        """Do all of it, with an event before the first and after the last."""
        arguments = self._plan.arguments
        numbers: Mapping[str, int] = arguments.get("versions", {})
        started = await self._event(
            "started", {"runs": len(arguments["runs"]), "versions": len(numbers)}
        )
        try:
            await self._runs(arguments["runs"])
            for number, here in numbers.items():
                await self._version(arguments["model"], int(number), arguments["as"], here)
        except ModeldeckError as error:
            await self._event("failed", self._figures | {"why": error.what}, started)
            raise
        ended = await self._event("ended", self._figures, started)
        return Copied(
            step=self._step,
            passed=self._passed,
            left=self._files.left,
            problems=self._problems,
            event=ended,
        )

    @property
    def _figures(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self._step) | {"problems": len(self._problems)}

    async def _event(self, phase: str, after: Mapping[str, Any], cause: int | None = None) -> int:
        plan, target = self._plan, self._target
        entry = Entry(
            actor=target.actor,
            tool="",
            context=target.context,
            phase=phase,
            action=plan.operation,
            subject=home_of(self._source.registry),
            after=dict(after),
            reason=plan.reason,
            ticket=plan.ticket,
            plan=plan.digest,
            caused_by=cause,
        )
        return (await note(target, entry)).seq

    def _count(self, **more: int) -> None:
        fields = {name: getattr(self._step, name) + value for name, value in more.items()}
        self._step = msgspec.structs.replace(
            self._step,
            files=self._files.count,
            size=self._files.size,
            **fields,
        )
        self._tell(self._step)

    # Runs

    async def _runs(self, ids: Sequence[str]) -> None:
        """Parents before children, so that a child can name its parent as it is called here."""
        runs = [await self._source.registry.run(run_id) for run_id in ids]
        depths = _depths(runs)
        for _, level in groupby(runs, key=lambda run: depths[run.id]):
            batch: list[Loaded] = []
            for run in level:
                batch.append(await load(self._source.registry, run))
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
            self._problems.append(Problem(address.run(batch[0].run.id), str(error)))

    async def _together(self, batch: Sequence[Loaded]) -> None:
        known = await arrivals(
            self._target, self._source, {address.run(one.run.id): one.origin for one in batch}
        )
        going: dict[Origin, Loaded] = {}
        changed_here = set()
        for one in batch:
            origin, arrival = known[address.run(one.run.id)]
            if arrival is not None and whole(one, arrival):
                self._passed += 1
                self._ids[one.run.id] = address.parse_address(arrival.address).name
            else:
                going[origin] = one
                if arrival is not None and arrival.stamp is not None:
                    # What somebody has changed of it here stays, and is no problem.
                    changed_here.add(one.run.id)
        if not going:
            return
        records = {origin: await self._record(one, origin) for origin, one in going.items()}
        ids = await self._receiver.receive_runs(records)
        here = {ids[origin]: one for origin, one in going.items()}
        self._ids.update((one.run.id, run_id) for run_id, one in here.items())
        marks = await self._series(here)
        for run_id, one in here.items():
            owner = address.run(run_id)
            problems = await self._files.all_of(address.run(one.run.id), owner, one.files)
            problems = [*problems, *await self._points(run_id, marks[run_id])]
            if one.run.id not in changed_here:
                problems += await self._texts(run_id, one.run)
            if problems:
                self._problems += problems
                continue
            # Marked only now: whatever stops it before makes the next copy do this one again.
            stamp = f"{one.stamp} but {self._files.lacking}" if self._files.lacking else one.stamp
            await self._receiver.settle({owner: stamp})
            self._count(runs=1)

    async def _record(self, one: Loaded, origin: Origin) -> RunRecord:
        registry, run = self._source.registry, one.run
        name = self._plan.arguments["experiment"] or run.experiment
        if name not in self._experiments:
            found = await registry.experiment(run.experiment)
            there = Origin(origin.registry, address.experiment(found.id))
            if name != run.experiment:
                found = Experiment(id="", name=name)
            self._experiments[name] = await self._receiver.receive_experiment(
                found, there if name == run.experiment else None
            )
        known = {series.key for series in one.series}
        return RunRecord(
            run=msgspec.structs.replace(
                run,
                experiment=name,
                parent_id=await self._here(run.parent_id),
                tags=self._tags(run.tags),
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
        return msgspec.structs.replace(evaluation, run_id=await self._here(evaluation.run_id))

    def _tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        return tags if faithful(self._source.registry) else carried(tags)

    async def _here(self, run_id: str | None) -> str | None:
        """The id here of a run there; the id there of one that is not here."""
        if not run_id:
            return run_id
        if run_id not in self._ids:
            found = await arrival_of(self._target, self._source, run_id)
            self._ids[run_id] = address.parse_address(found.address).name if found else run_id
        return self._ids[run_id]

    async def _series(self, here: Mapping[str, Loaded]) -> Mapping[str, Mapping[str, Mark]]:
        """Copy all points of some runs; gives the marks that they must have here, too."""
        waiting: dict[str, dict[str, Points]] = {}
        marks: dict[str, dict[str, Mark]] = {run_id: {} for run_id in here}
        count = 0
        for run_id, one in here.items():
            for info in one.series:
                points = await self._source.registry.points(one.run.id, info.key)
                marks[run_id][info.key] = self._mark(points)
                waiting.setdefault(run_id, {})[info.key] = points
                count += len(points)
                if count >= POINTS:
                    await self._receiver.receive_series(waiting)
                    self._count(points=count)
                    waiting, count = {}, 0
        if waiting:
            await self._receiver.receive_series(waiting)
            self._count(points=count)
        return marks

    async def _texts(self, run_id: str, there: Run) -> Sequence[Problem]:
        """The parameters and tags that are not here as they are there."""
        here = await self._target.registry.run(run_id)
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
        for key, mark in marks.items():
            found = self._mark(await self._target.registry.points(run_id, key))
            if found == mark:
                continue
            what = f"has {found.count:,} points here and {mark.count:,} there"
            if found.count == mark.count:
                what = f"its {mark.count:,} points are not what they are there"
            wrong.append(Problem(f"{address.run(run_id)}, series {key}", what))
        return wrong

    def _mark(self, points: Points) -> Mark:
        return mark_of(points, exactly=self._receiver.exactly)

    # Versions

    async def _version(self, model: str, number: int, name: str, here: int) -> None:
        source = self._source.registry
        version = await source.version(model, number)
        there, owner = address.version(model, number), address.version(name, here)
        (change,) = [one for one in self._plan.changes if one.subject == owner]
        if version.digest != change.after["digest"] or version.deleted_at is not None:
            raise ConflictError(
                "is not what the plan saw", where=there, way_out="Make the plan again"
            )
        origin = origin_of(source, version, there)
        origin, arrival = (await arrivals(self._target, self._source, {there: origin}))[there]
        if arrival is not None:
            self._passed += 1
            return
        files = await source.artifacts(there)
        version = msgspec.structs.replace(version, run_id=await self._run_of(version))
        await self._receiver.make_room(origin, owner, version.run_id)
        if version.digest is None and files:
            with tempfile.TemporaryDirectory(prefix="modeldeck-copy-") as name_of:
                folder = Path(name_of)
                files = await brought(source, there, files, folder)
                version = await described(version, files, folder)
                problems = await self._files.all_of(there, owner, files, folder)
        else:
            problems = await self._files.all_of(there, owner, files)
        if problems:
            self._problems += problems
            return
        await self._make(change, origin, await source.model(model), name, version, here)
        self._count(versions=1)

    async def _run_of(self, version: Version) -> str | None:
        """The id here of the run that a version came from; not of one that only holds its files."""
        if version.run_id:
            try:
                run = await self._source.registry.run(version.run_id)
            except NotFoundError:
                return version.run_id
            if HOLDS in run.tags:
                return None
        return await self._here(version.run_id)

    async def _make(
        self,
        change: Change,
        origin: Origin,
        model: Model,
        name: str,
        version: Version,
        number: int,
    ) -> None:
        made = msgspec.structs.replace(
            version,
            model=name,
            version=number,
            aliases=(),
            tags=self._tags(version.tags),
        )
        lock = await self._source.registry.lock(version.lock) if version.lock else None
        model = msgspec.structs.replace(model, name=name, aliases={}, tags=self._tags(model.tags))
        plan, target = self._plan, self._target

        def entry(phase: str, cause: int | None = None) -> Entry:
            return plan.entry(
                change,
                phase,
                actor=target.actor,
                tool="",
                context=target.context,
                caused_by=cause,
            )

        files = self._files.kept
        if one_trail(target):
            await self._receiver.receive_version(origin, model, made, files, lock, entry("done"))
            return
        records: Any = getattr(target.registry, "records", None)
        async with records.applying(WAIT):
            intent = (await note(target, entry("intent"))).seq
            try:
                number = await self._receiver.receive_version(
                    origin, model, made, files, lock, None
                )
            except ModeldeckError as error:
                sure = isinstance(error, RefusedError | UsageError)
                await note(target, entry("failed" if sure else "unknown", intent))
                raise
            await note(target, entry("done", intent))
        if number != made.version:
            what = f"is version {number}: somebody made one meanwhile"
            self._problems.append(Problem(change.subject, what))


def _depths(runs: Sequence[Run]) -> Mapping[str, int]:
    """How many parents of each are among the runs, which come before their children."""
    depths: dict[str, int] = {}
    for run in runs:
        depths[run.id] = depths.get(run.parent_id or "", -1) + 1
    return depths
