"""Copies of what other registries hold, made on a server.

Runs get ids of the server's own; a tag says which run of which registry each is, another the stamp
it had when it was whole. What MLflow has no field for lies in a file of the run.
"""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import structs

from ..api import address
from ..api.artifacts import Artifact
from ..api.errors import NotFoundError, RefusedError
from ..api.events import Entry
from ..api.ingest import RunRecord
from ..api.models import Model, Version
from ..api.receiving import BESIDE, HOLDS, OWN, TAG, WHOLE, Arrival, Beside, Origin
from ..api.runs import Experiment, Lock, Points, Run, Status
from ..api.times import to_micros
from ..mlflow_words import COMMIT, NOTE, PARENT, USER, whole
from . import grammar, wire
from .artifacts import Files, is_safe
from .client import Client
from .mapping import pairs
from .names import Names
from .registered import Registered
from .runs import Runs
from .writing import Writing

DIGEST, FORMAT = "modeldeck.digest", "modeldeck.format"
HOLDERS = "modeldeck copies"
"""The experiment of runs that hold the files of versions whose own run is not here."""
_HOLDERS = Experiment(id="", name=HOLDERS, note="files of versions that modeldeck copied here")
SINGLY = 20
"""Of more origins than that, all copies from their registry are asked for at once."""
PAGE = 1000
_LONGEST = 250
_PUNCTUATION = frozenset("/_.- :")


class Receiver:
    """The part of a server that takes copies."""

    place: str
    client: Client
    writing: Writing
    _names: Names
    _runs: Runs
    _registered: Registered
    _files: Files
    _workspace: str
    _rooms: dict[str, tuple[str, str]]

    exactly = False
    losses: Sequence[str] = (
        "they get other ids there, and remember these",
        "times are kept to the millisecond, infinities as the largest number there is",
        f"evaluations, lock and exit code become a file of the run: {BESIDE}",
    )

    @property
    def origin(self) -> str:
        """The name of this server for good: its URL, with the workspace where it has some."""
        return f"{self.place}?workspace={quote(self._workspace)}" if self._workspace else self.place

    def forget(self) -> None:
        """Ask the server anew for everything from here on."""
        self._names.forget()
        self._runs.forget()
        self._registered.forget()
        self._files.forget()

    def number_for(self, wanted: int, taken: Collection[int]) -> int:
        """MLflow counts by itself."""
        return max(taken, default=0) + 1

    async def arrived(self, origins: Sequence[Origin]) -> Mapping[Origin, Arrival]:
        """What of these is here."""
        runs = [one for one in origins if one.address.startswith("runs/")]
        found: dict[Origin, Arrival] = {}
        for text in _filters(runs):
            found.update(await self._arrived_runs(text))
        for one in origins:
            if one not in runs:
                found.update(await self._arrived_version(one))
            if one.registry == self.origin:
                found.update(await self._mine(one))
        return {one: found[one] for one in origins if one in found}

    async def _arrived_runs(self, text: str) -> Mapping[Origin, Arrival]:
        ids = [one.id for one in await self._names.all()]
        found: dict[Origin, Arrival] = {}
        token: str | None = None
        while ids:
            page = await self.client.search(
                "runs/search",
                wire.RunsPage,
                experiment_ids=ids,
                filter=text,
                run_view_type="ALL",
                max_results=PAGE,
                page_token=token,
            )
            for item in page.runs:
                tags = pairs(item.data.tags)
                registry, _, where = tags.get(TAG, "").rpartition("#")
                here = address.run(item.info.run_id or item.info.run_uuid)
                found[Origin(registry, where)] = Arrival(address=here, stamp=tags.get(WHOLE))
            if not page.next_page_token or page.next_page_token == token:
                break
            token = page.next_page_token
        return found

    async def _arrived_version(self, origin: Origin) -> Mapping[Origin, Arrival]:
        text = grammar.text(str(origin))
        if text is None:
            return {}
        pages = self.client.pages(
            "model-versions/search",
            wire.VersionsPage,
            max_results=PAGE,
            filter=f"tags.`{TAG}` = {text}",
        )
        async for page in pages:
            for item in page.model_versions:
                here = address.version(item.name, whole(item.version) or 0)
                stamp = pairs(item.tags).get(DIGEST)
                return {origin: Arrival(address=here, stamp=stamp)}
        return {}

    async def _mine(self, origin: Origin) -> Mapping[Origin, Arrival]:
        parts = address.parse_address(origin.address)
        try:
            if parts.version is not None:
                await self._registered.item(parts.name, parts.version)
            else:
                await self._runs.item(parts.name)
        except NotFoundError:
            return {}
        return {origin: Arrival(address=origin.address, own=True)}

    async def receive_experiment(self, experiment: Experiment, origin: Origin | None) -> str:
        """The id here of the experiment of that name, which is made where there is none."""
        for one in await self._names.named([experiment.name]):
            if one.deleted_at is None:
                return one.id
        tags = {**experiment.tags, **({NOTE: experiment.note} if experiment.note else {})}
        made = await self.writing.experiment(experiment.name, tags)
        self._names.forget()
        return made

    async def receive_runs(self, records: Mapping[Origin, RunRecord]) -> Mapping[Origin, str]:
        """Write runs as they are there, without their series; gives their ids here."""
        for record in records.values():
            _check(record)
        known = await self.arrived(list(records))
        ids = {}
        for origin, record in records.items():
            old = known.get(origin)
            run_id = address.parse_address(old.address).name if old else ""
            ids[origin] = await self._run(run_id, origin, record)
        self._runs.forget()
        return ids

    async def _run(self, run_id: str, origin: Origin, record: RunRecord) -> str:
        run = record.run
        tags = {**run.tags, **_told(run), TAG: str(origin)}
        if not run_id:
            run_id = await self.writing.run(record.experiment_id, run, {TAG: str(origin)})
        at = 0 if run.started_at is None else to_micros(run.started_at)
        lone = {key: Points() for key in record.latest}
        for key, points in lone.items():
            points.append(record.latest[key].step, at, record.latest[key].value)
        await self.writing.log(run_id, points=lone, params=run.params, tags=tags)
        if record.datasets:
            await self.writing.datasets(run_id, record.datasets)
        beside = Beside.of(record)
        if beside != Beside():
            with tempfile.NamedTemporaryFile(prefix="modeldeck-") as file:
                file.write(msgspec.json.encode(beside))
                file.flush()
                await self.writing.file(run_id, BESIDE, Path(file.name))
        await self.writing.end(run_id, run)
        return run_id

    async def receive_series(
        self, series: Mapping[str, Mapping[str, Points]], latest: Mapping[str, Mapping[str, float]]
    ) -> None:
        """Add whole series of some runs; what is there already stays once."""
        for history in series.values():
            for key in history:
                _check_name("metric", key)
        for run_id, history in series.items():
            await self.writing.log(run_id, points=history)
        self._runs.forget()

    async def make_room(self, origin: Origin, owner: str, run_id: str | None) -> None:
        """Have a run whose files those of a version can be: MLflow takes no other source.

        That is the one that it came from, or one that is made for it.
        """
        if run_id is None or not await self._is_there(run_id):
            run_id = await self._holder(origin, owner)
        self._rooms[owner] = (run_id, f"{OWN}versions/{_folder(origin)}/")

    async def _is_there(self, run_id: str) -> bool:
        try:
            return (await self._runs.run(run_id)).deleted_at is None
        except NotFoundError:
            return False

    async def _holder(self, origin: Origin, owner: str) -> str:
        text = grammar.text(str(origin))
        ids = [one.id for one in await self._names.named([HOLDERS]) if one.deleted_at is None]
        if ids and text is not None:
            page = await self.client.search(
                "runs/search",
                wire.RunsPage,
                experiment_ids=ids,
                filter=f"tags.`{HOLDS}` = {text}",
            )
            for item in page.runs:
                return item.info.run_id or item.info.run_uuid
        where = ids[0] if ids else await self.receive_experiment(_HOLDERS, None)
        run = Run(id="", name=owner, experiment=HOLDERS, status=Status.FINISHED)
        now = datetime.now(UTC)
        run = structs.replace(run, started_at=now, ended_at=now)
        run_id = await self.writing.run(where, run, {HOLDS: str(origin)})
        await self.writing.end(run_id, run)
        return run_id

    async def receive_file(
        self, owner: str, file: Artifact, pieces: AsyncIterator[bytes]
    ) -> Artifact:
        """Send the bytes, and read them back: the digest is that of what came."""
        if not is_safe(file.path):
            raise RefusedError(f"{file.path!r} leaves its folder", where=owner)
        parts = address.parse_address(owner)
        with tempfile.TemporaryDirectory(prefix="modeldeck-copy-") as folder:
            sent, back = Path(folder, "sent"), Path(folder, "back")
            await _spool(sent, pieces)
            run_id, below = self._rooms.get(owner, (parts.name, ""))
            await self.writing.file(run_id, below + file.path, sent)
            digest = await self._files.download(address.run(run_id), below + file.path, back)
            size = (await asyncio.to_thread(back.stat)).st_size
        self._files.forget()
        return structs.replace(file, size=size, digest=digest, location=None)

    async def receive_version(
        self,
        origin: Origin,
        model: Model,
        version: Version,
        files: Sequence[Artifact],
        lock: Lock | None,
        entry: Entry | None,
    ) -> int:
        """Make the version over files that are there already; gives its number."""
        try:
            await self._registered.model(model.name)
        except NotFoundError:
            await self.writing.model(model.name, model.note, model.tags)
        tags = {**version.tags, TAG: str(origin), FORMAT: version.format}
        if version.digest:
            tags[DIGEST] = version.digest
        owner = address.version(model.name, version.version)
        run_id, below = self._rooms.pop(owner)
        source = f"runs:/{run_id}/{below.rstrip('/')}"
        made = await self.writing.version(model.name, source, run_id, version.note, tags)
        self.forget()
        return made

    async def settle(self, stamps: Mapping[str, str]) -> None:
        """Note on the runs that they are whole as they were at their stamps."""
        for where, stamp in stamps.items():
            await self.writing.log(address.parse_address(where).name, tags={WHOLE: stamp})
        self.forget()


async def _spool(place: Path, pieces: AsyncIterator[bytes]) -> None:
    file = await asyncio.to_thread(place.open, "wb")
    with contextlib.closing(file):
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)


def _filters(runs: Sequence[Origin]) -> Sequence[str]:
    """Filters that find at least the copies of these."""
    if len(runs) > SINGLY:
        registries = dict.fromkeys(one.registry for one in runs)
        texts = [(grammar.text(f"{one}#runs/%"), "LIKE") for one in registries]
    else:
        texts = [(grammar.text(str(one)), "=") for one in runs]
    return [f"tags.`{TAG}` {sign} {text}" for text, sign in texts if text is not None]


def _folder(origin: Origin) -> str:
    # Names may be anything: a digest is a folder everywhere.
    return hashlib.sha256(str(origin).encode()).hexdigest()[:16]


def _told(run: Run) -> Mapping[str, str]:
    """What MLflow keeps of a run as tags."""
    told: Mapping[str, Any] = {
        PARENT: run.parent_id,
        USER: run.user,
        COMMIT: run.git,
        NOTE: run.note,
    }
    return {key: value for key, value in told.items() if value}


def _check(record: RunRecord) -> None:
    """Refuse, before anything is sent, names that MLflow does not take."""
    names = {"parameter": record.run.params, "metric": record.latest, "tag": record.run.tags}
    for kind, found in names.items():
        for name in found:
            _check_name(kind, name)


def _check_name(kind: str, name: str) -> None:
    """Refuse a name of a parameter, metric or tag that MLflow would not take."""
    plain = all(char.isalnum() or char in _PUNCTUATION for char in name)
    parts = name.split("/")
    if plain and name and len(name) <= _LONGEST and not {"", ".", ".."} & set(parts):
        return
    raise RefusedError(
        f"MLflow takes no {kind} called {name[:80]!r}",
        way_out="A name there has at most 250 letters, digits and _-./: and spaces",
    )
