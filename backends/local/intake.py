"""What is written without a Plan a point: runs as they log, records of other stores."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from ..api import address
from ..api.artifacts import Artifact
from ..api.errors import NotFoundError, ReadOnlyError
from ..api.events import Actor, Entry, Event
from ..api.ingest import Batch, ModelRecord, RunRecord
from ..api.runs import Experiment, Lock, Metric, Points, Run, Status
from ..api.text import exact
from ..api.times import maybe_micros
from . import series
from .database import Connection, Database
from .noting import Noting
from .store import Store
from .trail import write

T = TypeVar("T")


class Intake(Noting):
    """The writing half of the registry. Each verb is whole or not at all."""

    telemetry: Database
    store: Store
    read_only: str

    async def from_telemetry(self, work: Callable[[Connection], T], missing: T) -> T:
        """What `work` reads from telemetry.db, or `missing` where there is none."""
        if not self.layout.telemetry.exists():
            return missing
        return await self.telemetry.read(work)

    async def begin_run(self, record: RunRecord, actor: Actor, context: str) -> Run:
        """Write a run that starts, in the experiment of its name, with its event."""
        from . import ingest

        run = record.run

        def work(connection: Connection) -> None:
            now = self.clock()
            row = ingest.experiment_named(connection, run.experiment, record.experiment_id, now)
            ingest.put_runs(connection, [record], {record.experiment_id: row})
            self._event(connection, actor, context, "started", "run", address.run(run.id), None,
                        {"name": run.name, "experiment": run.experiment}, now)  # fmt: skip

        await self.registry.write(work)
        return run

    async def note_lock(self, run: Run, lock: Lock) -> None:
        """Write what a run has, known only after it began: its code, its lock."""
        from . import ingest

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE run SET git = ?, dirty = ?, lock_digest = ? WHERE id = ?",
                (
                    run.git,
                    None if run.dirty is None else int(run.dirty),
                    run.lock,
                    _row(connection, run.id),
                ),
            )
            if run.lock is not None:
                ingest.put_lock(connection, run.lock, lock)

        await self.registry.write(work)

    async def log(self, run_id: str, batch: Batch, *, last: bool = False) -> None:
        """Add what a run has logged. Points and file positions are the second of two steps.

        After a crash between the two, what the first wrote is read and written again from the
        positions that are stored: it comes out the same.
        """
        from . import ingest

        if batch.points or batch.params or batch.tags or batch.datasets or batch.evaluations:
            latest: Mapping[str, Metric] = {}
            if batch.points:
                from . import points

                latest = points.latest(batch.points)

            def note(connection: Connection) -> None:
                row = _row(connection, run_id)
                ingest.put_latest(connection, row, latest)
                ingest.put_texts(connection, row, "params", batch.params)
                ingest.put_texts(connection, row, "tags", batch.tags)
                ingest.put_datasets(connection, row, batch.datasets)
                ingest.put_evaluations(connection, row, batch.evaluations)

            await self.registry.write(note)
        if batch.points or batch.positions or last:
            from . import points

            def measure(connection: Connection) -> None:
                points.append(connection, run_id, batch.points, last=last)
                connection.executemany(
                    "INSERT INTO position VALUES(?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET offset = excluded.offset",
                    [(run_id, name, offset) for name, offset in batch.positions.items()],
                )

            await self.telemetry.write(measure)

    async def end_run(self, record: RunRecord, actor: Actor, context: str) -> None:
        """Write how a run ended, its artifacts and usage, with its event."""
        from . import ingest

        run, usage = record.run, record.usage

        def work(connection: Connection) -> None:
            now = self.clock()
            row = _row(connection, run.id)
            connection.execute(
                "UPDATE run SET status = ?, ended_at = ?, reason = ?, exit_code = ?,"
                " wall_seconds = ?, cpu_seconds = ?, peak_memory = ? WHERE id = ?",
                (
                    run.status.value,
                    maybe_micros(run.ended_at),
                    None if run.reason is None else exact(run.reason),
                    run.exit_code,
                    usage.wall_seconds,
                    usage.cpu_seconds,
                    usage.peak_memory_bytes,
                    row,
                ),
            )
            ingest.put_artifacts(connection, address.run(run.id), record.artifacts)
            after = {"status": run.status.value, "exit_code": run.exit_code, "reason": run.reason}
            self._event(
                connection, actor, context, "ended", "run", address.run(run.id), None, after, now
            )

        await self.registry.write(work)

    async def positions(self, run_id: str) -> Mapping[str, int]:
        """Up to which byte each file of a run's directory has been read."""
        return await self.from_telemetry(lambda c: series.positions(c, run_id), {})

    async def open_runs(self) -> Sequence[str]:
        """The ids of runs that were recorded here and have not ended."""
        rows = await self.registry.read(
            lambda c: c.execute(
                "SELECT uid FROM run WHERE status = ? AND origin_id IS NULL ORDER BY id",
                (Status.RUNNING.value,),
            ).fetchall()
        )
        return [row[0] for row in rows]

    def run_folder(self, run_id: str) -> Path:
        """The directory that a run of this registry writes into while it runs."""
        return self.layout.runs / run_id

    def keep(self, source: BinaryIO, path: str) -> Artifact:
        """Keep the bytes of `source` in the store, as the artifact of that path; blocks."""
        if self.read_only:
            raise ReadOnlyError(self.read_only)
        digest, size = self.store.add(source)
        return Artifact(path=path, size=size, digest=digest)

    async def take(
        self,
        origin: str,
        kind: str,
        *,
        experiments: Iterable[Experiment] = (),
        runs: Iterable[RunRecord] = (),
        models: Iterable[ModelRecord] = (),
        mirror: bool = False,
    ) -> Sequence[str]:
        """Insert or bring up to date records of another store. Gives conflicts as words.

        Ids are kept where nothing else here has them. Runs name their experiment by its id there.
        """
        from . import ingest
        from .origins import experiment_uid, run_uid
        from .versions import put_model

        def work(connection: Connection) -> Sequence[str]:
            source = ingest.origin_id(connection, origin, kind)
            for experiment in experiments:
                uid = experiment_uid(connection, source, origin, experiment.id)
                ingest.put_experiment(connection, experiment, uid, source)
            known = dict(
                connection.execute(
                    "SELECT native_id, id FROM experiment WHERE origin_id = ?", (source,)
                ).fetchall()
            )
            named = [_named(connection, source, origin, record) for record in runs]
            ingest.put_runs(connection, named, known, source)
            conflicts: list[str] = []
            for record in models:
                versions = [
                    msgspec.structs.replace(v, run_id=run_uid(connection, source, origin, v.run_id))
                    if v.run_id
                    else v
                    for v in record.versions
                ]
                record = msgspec.structs.replace(record, versions=versions)
                conflicts.extend(put_model(connection, record, source, mirror=mirror))
            return conflicts

        return await self.registry.write(work)

    async def take_histories(self, histories: Mapping[str, Mapping[str, Points]]) -> None:
        """Write all series of some runs anew; `histories` by run id here, then by key."""
        from . import points

        def work(connection: Connection) -> None:
            series.forget(connection, histories)
            for run_id, history in histories.items():
                points.append(connection, run_id, history, last=True)

        await self.telemetry.write(work)

    async def take_artifacts(self, owner: str, artifacts: Sequence[Artifact]) -> None:
        """Name the files of an owner."""
        from . import ingest

        await self.registry.write(lambda c: ingest.put_artifacts(c, owner, artifacts))

    async def mark_loaded(self, stamps: Mapping[str, str]) -> None:
        """Note that everything of these runs is here, as it was at their stamp."""
        await self.telemetry.write(
            lambda c: (
                c.executemany(
                    "INSERT INTO loaded VALUES(?, ?)"
                    " ON CONFLICT DO UPDATE SET stamp = excluded.stamp",
                    list(stamps.items()),
                ).rowcount
            )
        )

    async def loaded(self) -> Mapping[str, str]:
        """The runs whose everything was copied from a source, with their stamps."""
        return await self.from_telemetry(series.loaded, {})

    async def keep_only(
        self,
        origin: str,
        *,
        experiments: Collection[str],
        runs: Collection[str],
        models: Mapping[str, Collection[int]],
    ) -> None:
        """Drop whatever came from an origin and is not named, by its ids there, with its data."""
        from . import leaving

        gone = await self.registry.write(
            lambda c: leaving.drop(c, origin, experiments, runs, models)
        )
        if gone:
            await self.telemetry.write(lambda c: series.forget(c, gone))

    async def native_ids(self, origin: str, only: Sequence[str] | None = None) -> Mapping[str, str]:
        """The ids here of the runs of an origin, or of some of them, by their ids there."""
        some = "" if only is None else " AND native_id IN (SELECT value FROM json_each(?))"
        bound = [] if only is None else [json.dumps(list(only))]
        rows = await self.registry.read(
            lambda c: c.execute(
                "SELECT native_id, uid FROM run WHERE origin_id ="
                f" (SELECT id FROM origin WHERE uri = ?){some}",
                (origin, *bound),
            ).fetchall()
        )
        return dict(rows)

    async def native_models(self, origin: str) -> Mapping[str, str]:
        """The names here of the models of an origin, by their names there."""
        rows = await self.registry.read(
            lambda c: c.execute(
                "SELECT native_id, name FROM model WHERE origin_id ="
                " (SELECT id FROM origin WHERE uri = ?)",
                (origin,),
            ).fetchall()
        )
        return dict(rows)

    async def stamp(self, origin: str) -> str | None:
        """The stamp that was noted for an origin."""
        row = await self.registry.read(
            lambda c: c.execute("SELECT stamp FROM origin WHERE uri = ?", (origin,)).fetchone()
        )
        return row[0] if row else None

    async def note_stamp(self, origin: str, kind: str, stamp: str) -> None:
        """Note the stamp of an origin."""
        from . import ingest

        def work(connection: Connection) -> None:
            row = ingest.origin_id(connection, origin, kind)
            connection.execute("UPDATE origin SET stamp = ? WHERE id = ?", (stamp, row))

        await self.registry.write(work)

    def _event(
        self,
        connection: Connection,
        actor: Actor,
        context: str,
        phase: str,
        action: str,
        subject: str,
        before: object,
        after: object,
        now: datetime,
    ) -> Event:
        entry = Entry(
            actor=actor,
            tool=self.tool,
            context=context,
            phase=phase,
            action=action,
            subject=subject,
            before=before,
            after=after,
        )
        return write(connection, entry, now, self.signer)


def _row(connection: Connection, uid: str) -> int:
    row = connection.execute("SELECT id FROM run WHERE uid = ?", (uid,)).fetchone()
    if row is None:
        raise NotFoundError(f"no run {uid!r}")
    return int(row[0])


def _named(connection: Connection, source: int, origin: str, record: RunRecord) -> RunRecord:
    from .origins import run_uid

    run = record.run
    parent = run.parent_id and run_uid(connection, source, origin, run.parent_id)
    uid = run_uid(connection, source, origin, run.id)
    return msgspec.structs.replace(
        record,
        native_id=run.id,
        run=msgspec.structs.replace(run, id=uid, parent_id=parent or None),
    )
