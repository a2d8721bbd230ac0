"""Runs and versions of another registry, written here as they are there.

A copy is made in steps, and whatever stops it, the same steps done again come to the same. A run is
whole here once `settle` has noted the stamp that its content had there; until then it is half one.
"""

import struct
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from .artifacts import Artifact
from .events import Entry
from .ingest import RunRecord
from .models import Model, Version
from .runs import Evaluation, Experiment, Lock, Points, Usage

TAG, WHOLE = "modeldeck.origin", "modeldeck.copied"
"""Tags on a server: where something was copied from, and the stamp it had when it was whole."""
HOLDS = "modeldeck.holds"
"""The tag of a run that was made for nothing but the files of a version."""
OWN = ".modeldeck/"
"""Below this folder of a run lies what is no file of its own."""
BESIDE = f"{OWN}run.json"
"""The file of a run with what a server has no field for."""


_FLOAT, _BITS = struct.Struct("<d"), struct.Struct("<q")


class Beside(Struct, frozen=True, kw_only=True):
    """What of a run a server may have no field for.

    JSON has no NaN: the values of the evaluations are in `bits`.
    """

    reason: str | None = None
    exit_code: int | None = None
    dirty: bool | None = None
    lock_digest: str | None = None
    lock: Lock | None = None
    evaluations: Sequence[Evaluation] = ()
    bits: Sequence[int] = ()
    usage: Usage = Usage()

    @classmethod
    def of(cls, record: RunRecord) -> "Beside":
        """That of a run."""
        run = record.run
        return cls(
            reason=run.reason,
            exit_code=run.exit_code,
            dirty=run.dirty,
            lock_digest=run.lock,
            lock=record.lock,
            evaluations=[msgspec.structs.replace(e, value=0.0) for e in record.evaluations],
            bits=[_BITS.unpack(_FLOAT.pack(e.value))[0] for e in record.evaluations],
            usage=record.usage,
        )

    @property
    def measured(self) -> Sequence[Evaluation]:
        """The evaluations with their values."""
        return [
            msgspec.structs.replace(one, value=_FLOAT.unpack(_BITS.pack(bits))[0])
            for one, bits in zip(self.evaluations, self.bits, strict=False)
        ]


class Origin(Struct, frozen=True):
    """Where something was made: a registry's name for good, and the address it has there."""

    registry: str
    address: str

    def __str__(self) -> str:
        return f"{self.registry}#{self.address}"


def origin_from(text: str, address: str) -> Origin:
    """The origin that a noun's `origin` or the tag tells; `address` where it names none."""
    registry, sign, named = text.rpartition("#")
    if sign and named.startswith(("runs/", "models/")):
        return Origin(registry, named)
    return Origin(text, address)


class Arrival(Struct, frozen=True, kw_only=True):
    """Something that is here already, or in part. `stamp` is that of its content when it was whole.

    Of a version the stamp is its digest. `own` says that it was made here.
    """

    address: str
    stamp: str | None = None
    own: bool = False


@runtime_checkable
class Receiving(Protocol):
    """What takes copies. Ids and numbers are kept where they are free and the registry can.

    `origin` is this registry's own name as an origin. `exactly` says whether times and floats come
    out bit for bit as they went in, `losses` in words what else is otherwise here than there.
    Parents, experiments and runs of versions are named by their ids here. `receive_file` gives the
    file with the digest of what was written; it belongs to a run at once. Those of a version come
    after `make_room`, which is told of its run here, and belong to it with `receive_version`; that
    makes the model where there is none, and raises ConflictError when the number is taken. Which
    value of a series counts as its latest is as it was told there. An `entry` is written with the
    change where trail and registry are one.
    """

    @property
    def origin(self) -> str: ...
    @property
    def exactly(self) -> bool: ...
    @property
    def losses(self) -> Sequence[str]: ...
    def number_for(self, wanted: int, taken: Collection[int]) -> int: ...
    async def arrived(self, origins: Sequence[Origin]) -> Mapping[Origin, Arrival]: ...
    async def receive_experiment(self, experiment: Experiment, origin: Origin | None) -> str: ...
    async def receive_runs(self, records: Mapping[Origin, RunRecord]) -> Mapping[Origin, str]: ...
    async def receive_series(
        self, series: Mapping[str, Mapping[str, Points]], latest: Mapping[str, Mapping[str, float]]
    ) -> None: ...
    async def make_room(self, origin: Origin, owner: str, run_id: str | None) -> None: ...
    async def receive_file(
        self, owner: str, file: Artifact, pieces: AsyncIterator[bytes]
    ) -> Artifact: ...
    async def receive_version(
        self,
        origin: Origin,
        model: Model,
        version: Version,
        files: Sequence[Artifact],
        lock: Lock | None,
        entry: Entry | None,
    ) -> int: ...
    async def settle(self, stamps: Mapping[str, str]) -> None: ...
