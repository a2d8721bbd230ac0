"""Proofs of C2SP (c2sp.org/tlog-proof): that a leaf is in the tree of a checkpoint, as a text."""

from collections.abc import Sequence

from msgspec import Struct

from .checkpoint import Checkpoint, number, read_checkpoint
from .merkle import SIZE, includes
from .note import Key, NoteError, decoded, encoded, verified

HEAD = "c2sp.org/tlog-proof@v1"


class LogProof(Struct, frozen=True):
    """The place of a leaf (from 0), the hashes up to the root, and the checkpoint as its note.

    `extra` is not authenticated by anything.
    """

    index: int
    path: Sequence[bytes]
    note: str
    extra: bytes = b""

    @property
    def text(self) -> str:
        """It as a `.tlog-proof` file has it."""
        extra = [f"extra {encoded(self.extra)}"] if self.extra else []
        lines = [HEAD, *extra, f"index {self.index}", *map(encoded, self.path), ""]
        return "".join(f"{line}\n" for line in lines) + self.note


def read_proof(text: str) -> LogProof:
    """A proof taken apart; NoteError when it is none. Nothing is verified yet."""
    above, gap, note = text.partition("\n\n")
    lines = above.split("\n")
    if not gap or lines.pop(0) != HEAD:
        raise NoteError(f"no proof: it begins with {HEAD}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = decoded(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise NoteError("a proof without an index")
    index = number(lines.pop(0).removeprefix("index "))
    path = tuple(map(decoded, lines))
    if len(path) > 64 or any(len(step) != SIZE for step in path):
        raise NoteError("a proof is at most 64 hashes of 32 bytes")
    return LogProof(index, path, note, extra)


def proven(proof: LogProof, leaf: bytes, keys: Sequence[Key]) -> Checkpoint:
    """The checkpoint in which the leaf of that hash is proven to be; NoteError when it is not.

    One of `keys`, which are those of its origin, must have signed it.
    """
    checkpoint, note = read_checkpoint(proof.note)
    mine = [key for key in keys if key.name == checkpoint.origin]
    if not verified(note, mine):
        raise NoteError(f"no known key of {checkpoint.origin} has signed the checkpoint")
    if not includes(proof.index, checkpoint.size, leaf, proof.path, checkpoint.root):
        raise NoteError("the hashes do not lead from the leaf to the root of the checkpoint")
    return checkpoint
