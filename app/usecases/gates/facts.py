"""What the rules of one report look at: two versions with what was measured of them, read once."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import NotFoundError, RefusedError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.runs import Evaluation, Run

from .evaluation_files import PLACES, evaluations_in

LARGEST = 256 << 20
"""Bytes of a file of predictions that are read at most."""
_PAGE = 8 << 20


class Side:
    """A version, its source run (None when it is not here) and its evaluations."""

    def __init__(self, session: Session, version: Version) -> None:
        self.version = version
        self._registry = session.registry
        self._run: Run | None = None
        self._measured: Sequence[Evaluation] | None = None
        self._files: Mapping[str, Artifact] | None = None
        self._read: dict[str, tuple[bytes, str]] = {}

    @property
    def name(self) -> str:
        """`v13`."""
        return f"v{self.version.version}"

    async def run(self) -> Run | None:
        """The run that it came from."""
        if self._run is None and self.version.run_id:
            try:
                self._run = await self._registry.run(self.version.run_id)
            except NotFoundError:
                return None
        return self._run

    async def evaluations(self) -> Sequence[Evaluation]:
        """Those of this version and those of its run that name no version, in a fixed order.

        One that gives no digest of its dataset has that of the run's dataset of the same name.
        Where the registry has none they are those of a file of the run; DamagedError for a bad one.
        """
        if self._measured is None:
            run = await self.run()
            self._measured = () if run is None else await self._evaluations(run.id)
        return self._measured

    async def _evaluations(self, run_id: str) -> Sequence[Evaluation]:
        mine = (self.version.model, self.version.version)
        told = await self._registry.evaluations(run_id) or await self._of_files()
        found = [one for one in told if one.model is None or (one.model, one.version) == mine]
        if any(not one.dataset_digest for one in found):
            datasets = {one.name: one.digest for one in await self._registry.datasets(run_id)}
            found = [
                one
                if one.dataset_digest
                else replace(one, dataset_digest=datasets.get(one.dataset, ""))
                for one in found
            ]
        return sorted(found, key=_order)

    async def _of_files(self) -> Sequence[Evaluation]:
        files = await self.files()
        for path in PLACES:
            if path in files and (found := evaluations_in(path, (await self.file(path))[0])):
                return found
        return ()

    async def file(self, path: str) -> tuple[bytes, str]:
        """A file of the run, whole, and its digest; RefusedError for one that is too large."""
        if path not in self._read:
            self._read[path] = await self._whole(path)
        return self._read[path]

    async def _whole(self, path: str) -> tuple[bytes, str]:
        owner = run_address(self.version.run_id or "")
        known = (await self.files()).get(path)
        size = known.size if known else None
        data = bytearray()
        while size is None or len(data) < size:
            page = await self._registry.read_artifact(owner, path, len(data), _PAGE)
            data += page
            if not page:
                break
            if len(data) > LARGEST:
                raise RefusedError(f"is larger than {LARGEST >> 20} MiB", where=path)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if known and known.digest not in (None, digest):
            raise RefusedError("its bytes are not those of its digest", where=path)
        return bytes(data), digest

    async def files(self) -> Mapping[str, Artifact]:
        """The files of its run, by path."""
        if self._files is None:
            owner = run_address(self.version.run_id or "")
            found = await self._registry.artifacts(owner) if await self.run() else ()
            self._files = {one.path: one for one in found}
        return self._files

    async def digest_of(self, path: str) -> str:
        """The digest of a file of the run; words where there is none, or it is not read."""
        known = (await self.files()).get(path)
        if known and known.digest:
            return known.digest
        try:
            return (await self.file(path))[1]
        except NotFoundError:
            return "not there"
        except RefusedError:
            return "too large to read"


class Facts(Struct, frozen=True, kw_only=True):
    """What a rule may look at. `holder` has the alias now, None when nobody has.

    `evidence` is the root over the candidate's facts. `directions` are those of the policy.
    """

    session: Session
    model: str
    alias: str
    candidate: Side
    holder: Side | None
    purpose: str
    ticket: str = ""
    evidence: str = ""
    directions: Mapping[str, str] = {}

    @property
    def target(self) -> str:
        """`fraud@champion`."""
        return f"{self.model}@{self.alias}"


def _order(item: Evaluation) -> tuple[Any, ...]:
    return item.metric, item.dataset, item.dataset_digest, item.slice, item.model is None
