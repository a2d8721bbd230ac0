"""Copies of what other registries hold, written into this one."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import msgspec

from ..api import address
from ..api.artifacts import Artifact
from ..api.errors import ConflictError, ReadOnlyError
from ..api.events import Entry
from ..api.ingest import RunRecord, Source
from ..api.models import Model, Version
from ..api.receiving import Arrival, Origin
from ..api.runs import Experiment, Lock, Points
from ..api.text import exact
from ..api.times import maybe_micros, to_micros
from . import series
from .database import Connection
from .intake import Intake
from .trail import write

KIND = "copy"
"""What an origin is called of which nothing is known but that something was copied from it."""


class Receiver(Intake):
    """The part of the registry that takes copies."""

    source: Source | None
    exactly = True
    losses: Sequence[str] = ()

    taken_from = ""
    """Of which registry this one is a copy that is only read; empty for one of its own."""

    @property
    def origin(self) -> str:
        """The name of this registry for good: where its file lies, or what it shows."""
        if self.taken_from:
            return self.taken_from
        return self.source.origin if self.source else self.layout.database.as_uri()

    def number_for(self, wanted: int, taken: Collection[int]) -> int:
        """The number that a version gets here: its own where that is free, else the next."""
        return wanted if wanted not in taken else max(taken) + 1

    async def arrived(self, origins: Sequence[Origin]) -> Mapping[Origin, Arrival]:
        """What of these is here."""
        found = await self.registry.read(lambda c: _found(c, self.origin, origins))
        runs = [address.parse_address(a.address).name for a in found.values()]
        none: Mapping[str, str] = {}
        marks = await self.from_telemetry(lambda c: _marks(c, runs), none)
        return {
            origin: arrival
            if arrival.stamp or arrival.own
            else msgspec.structs.replace(
                arrival, stamp=marks.get(address.parse_address(arrival.address).name)
            )
            for origin, arrival in found.items()
        }

    async def receive_experiment(self, experiment: Experiment, origin: Origin | None) -> str:
        """The id here of the experiment of that name, which is made where there is none."""

        def work(connection: Connection) -> str:
            row = connection.execute(
                "SELECT uid FROM experiment WHERE name = ?1 COLLATE NOCASE AND name = ?1"
                " AND deleted_at IS NULL ORDER BY id LIMIT 1",
                (exact(experiment.name),),
            ).fetchone()
            return str(row[0]) if row else _make_experiment(connection, experiment, origin)

        return await self.registry.write(work)

    async def receive_runs(self, records: Mapping[Origin, RunRecord]) -> Mapping[Origin, str]:
        """Write runs as they are there, without their series; gives their ids here."""
        from . import ingest
        from .origins import run_uid

        def work(connection: Connection) -> Mapping[Origin, str]:
            experiments = dict(connection.execute("SELECT uid, id FROM experiment").fetchall())
            ids: dict[Origin, str] = {}
            for registry in dict.fromkeys(origin.registry for origin in records):
                source = _origin_row(connection, registry)
                named = []
                for origin, record in records.items():
                    if origin.registry != registry:
                        continue
                    native = address.parse_address(origin.address).name
                    ids[origin] = run_uid(connection, source, registry, native)
                    run = msgspec.structs.replace(record.run, id=ids[origin])
                    named.append(msgspec.structs.replace(record, run=run, native_id=native))
                ingest.put_runs(connection, named, experiments, source)
            return ids

        ids = await self.registry.write(work)
        # With its series goes the mark that it is whole.
        await self.telemetry.write(lambda c: series.forget(c, ids.values()))
        return ids

    async def receive_series(
        self, series: Mapping[str, Mapping[str, Points]], latest: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Add whole series of some runs, with their latest values; by run id here, then by key."""
        from . import ingest, points

        def note(connection: Connection) -> None:
            for run_id, history in series.items():
                row = connection.execute("SELECT id FROM run WHERE uid = ?", (run_id,)).fetchone()
                told = latest.get(run_id, {})
                found = {
                    # Of points at the same time another tool may take another one.
                    key: msgspec.structs.replace(one, value=told.get(key, one.value))
                    for key, one in points.latest(history).items()
                }
                ingest.put_latest(connection, row[0], found)

        def measure(connection: Connection) -> None:
            for run_id, history in series.items():
                points.append(connection, run_id, history, last=True)

        await self.registry.write(note)
        await self.telemetry.write(measure)

    async def make_room(self, origin: Origin, owner: str, run_id: str | None) -> None:
        """Files lie by their content here: there is room."""

    async def receive_file(
        self, owner: str, file: Artifact, pieces: AsyncIterator[bytes]
    ) -> Artifact:
        """Keep the bytes; those of a run are named at once."""
        if self.read_only:
            raise ReadOnlyError(self.read_only)
        with self.store.adding() as new:
            async for piece in pieces:
                await asyncio.to_thread(new.write, piece)
            digest, size = await asyncio.to_thread(new.done)
        kept = Artifact(path=file.path, size=size, digest=digest)
        if address.parse_address(owner).noun == "runs":
            await self.take_artifacts(owner, [kept])
        return kept

    async def receive_version(
        self,
        origin: Origin,
        model: Model,
        version: Version,
        files: Sequence[Artifact],
        lock: Lock | None,
        entry: Entry | None,
    ) -> int:
        """Make the version with its files, all or nothing."""
        from . import ingest
        from .purging import check_number
        from .versions import put_version

        def work(connection: Connection) -> int:
            now = self.clock()
            check_number(connection, model.name, version.version)
            row = _model_row(connection, model, to_micros(now))
            taken = connection.execute(
                "SELECT 1 FROM version WHERE model_id = ? AND number = ?", (row, version.version)
            ).fetchone()
            if taken:
                raise ConflictError(
                    f"version {version.version} is there already",
                    where=address.model(model.name),
                    way_out="Look at what changed, then plan again",
                )
            made = put_version(connection, row, version, kept=False)
            connection.execute(
                "UPDATE version SET origin_id = ?, native = ? WHERE id = ?",
                (_origin_row(connection, origin.registry), origin.address, made),
            )
            ingest.put_artifacts(connection, address.version(model.name, version.version), files)
            if lock is not None and version.lock is not None:
                ingest.put_lock(connection, version.lock, lock)
            if entry is not None:
                write(connection, self._signed(entry), now, self.signer)
            return version.version

        return await self.registry.write(work)

    async def settle(self, stamps: Mapping[str, str]) -> None:
        """Note that these runs, named by address, are whole as they were at their stamps."""
        parts = {address.parse_address(one): stamp for one, stamp in stamps.items()}
        await self.mark_loaded(
            {one.name: stamp for one, stamp in parts.items() if one.noun == "runs"}
        )


def _found(connection: Connection, own: str, origins: Sequence[Origin]) -> Mapping[Origin, Arrival]:
    found: dict[Origin, Arrival] = {}
    for registry in dict.fromkeys(origin.registry for origin in origins):
        wanted = [origin.address for origin in origins if origin.registry == registry]
        runs = {
            address.run(row[0]): Arrival(address=address.run(row[1]))
            for row in connection.execute(
                "SELECT native_id, uid FROM run WHERE native_id IN (SELECT value FROM json_each(?))"
                " AND origin_id = (SELECT id FROM origin WHERE uri = ?)",
                (_names(wanted), registry),
            )
        }
        versions = {
            row[0]: Arrival(address=address.version(row[1], row[2]), stamp=row[3])
            for row in connection.execute(
                "SELECT v.native, m.name, v.number, v.digest FROM version v"
                " JOIN model m ON m.id = v.model_id"
                " WHERE v.native IN (SELECT value FROM json_each(?))"
                " AND v.origin_id = (SELECT id FROM origin WHERE uri = ?)",
                (json.dumps(wanted), registry),
            )
        }
        mine = _mine(connection, wanted) if registry == own else {}
        known = {**runs, **versions, **mine}
        found.update({Origin(registry, one): known[one] for one in wanted if one in known})
    return found


def _mine(connection: Connection, wanted: Sequence[str]) -> Mapping[str, Arrival]:
    """What of these addresses was made here."""
    found = {
        address.run(row[0]): Arrival(address=address.run(row[0]), own=True)
        for row in connection.execute(
            "SELECT uid FROM run WHERE origin_id IS NULL"
            " AND uid IN (SELECT value FROM json_each(?))",
            (_names(wanted),),
        )
    }
    for one in wanted:
        parts = address.parse_address(one)
        row = connection.execute(
            "SELECT v.digest FROM version v JOIN model m ON m.id = v.model_id"
            " WHERE m.name = ? AND v.number = ? AND v.origin_id IS NULL",
            (parts.name, parts.version),
        ).fetchone()
        if row:
            found[one] = Arrival(address=one, stamp=row[0], own=True)
    return found


def _names(wanted: Sequence[str]) -> str:
    parts = map(address.parse_address, wanted)
    return json.dumps([one.name for one in parts if one.noun == "runs"])


def _marks(connection: Connection, runs: Sequence[str]) -> Mapping[str, str]:
    return dict(
        connection.execute(
            "SELECT run, stamp FROM loaded WHERE run IN (SELECT value FROM json_each(?))",
            (json.dumps(runs),),
        ).fetchall()
    )


def _origin_row(connection: Connection, registry: str) -> int:
    connection.execute("INSERT OR IGNORE INTO origin(uri, kind) VALUES(?, ?)", (registry, KIND))
    row = connection.execute("SELECT id FROM origin WHERE uri = ?", (registry,)).fetchone()
    return int(row[0])


def _make_experiment(connection: Connection, experiment: Experiment, origin: Origin | None) -> str:
    from . import ingest

    hashed = hashlib.sha256(f"{origin}\0{experiment.id}".encode()).hexdigest()[:32]
    uid = next(
        one
        for one in (experiment.id, hashed, secrets.token_hex(16))
        if one
        and not connection.execute("SELECT 1 FROM experiment WHERE uid = ?", (one,)).fetchone()
    )
    source, native = None, None
    if origin is not None:
        source, native = _origin_row(connection, origin.registry), experiment.id
        known = connection.execute(
            "SELECT 1 FROM experiment WHERE origin_id = ? AND native_id = ?", (source, native)
        ).fetchone()
        if known:
            # Deleted here, or of another name by now: the new one is not that one.
            source = native = None
    row = connection.execute(
        "INSERT INTO experiment(uid, name, created_at, updated_at, note, origin_id, native_id)"
        " VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            uid,
            exact(experiment.name),
            maybe_micros(experiment.created_at),
            maybe_micros(experiment.updated_at),
            exact(experiment.note),
            source,
            native,
        ),
    ).fetchone()
    ingest.put_tags(connection, "experiment", row[0], experiment.tags, kept=False)
    return uid


def _model_row(connection: Connection, model: Model, now: int) -> int:
    from . import ingest

    known = connection.execute(
        "SELECT id, deleted_at FROM model WHERE name = ?", (exact(model.name),)
    ).fetchone()
    if known and known[1] is not None:
        raise ConflictError(
            "the model is deleted", where=address.model(model.name), way_out="Restore it first"
        )
    if known:
        connection.execute("UPDATE model SET updated_at = ? WHERE id = ?", (now, known[0]))
        return int(known[0])
    row = connection.execute(
        "INSERT INTO model(name, created_at, updated_at, note) VALUES(?, ?, ?, ?) RETURNING id",
        (exact(model.name), now, now, exact(model.note)),
    ).fetchone()
    ingest.put_tags(connection, "model", row[0], model.tags, kept=False)
    return int(row[0])
