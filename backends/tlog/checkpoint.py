"""Checkpoints of C2SP (c2sp.org/tlog-checkpoint): origin, size and root of a log as a note."""

from collections.abc import Sequence

from msgspec import Struct

from .merkle import SIZE
from .note import Note, NoteError, NoteSigner, decoded, encoded, parse, sign


class Checkpoint(Struct, frozen=True):
    """What a log says of itself: that its first `size` leaves have this root.

    `extensions` are lines that mean nothing here, and are signed all the same.
    """

    origin: str
    size: int
    root: bytes
    extensions: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The text of its note."""
        return "".join(
            f"{line}\n"
            for line in (self.origin, str(self.size), encoded(self.root), *self.extensions)
        )

    def signed(self, signers: Sequence[NoteSigner]) -> str:
        """It as a note."""
        if not self.origin or "\n" in self.origin:
            raise NoteError("a log has an origin of one line")
        return sign(self.text, signers)


def read_checkpoint(note: str) -> tuple[Checkpoint, Note]:
    """The checkpoint in a note, of which nothing is verified yet; NoteError when it is none."""
    found = parse(note)
    lines = found.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteError("no checkpoint: it has an origin, a size and a root, a line each")
    root = decoded(lines[2])
    if len(root) != SIZE:
        raise NoteError("the root of a checkpoint has 32 bytes")
    return Checkpoint(lines[0], number(lines[1]), root, tuple(lines[3:])), found


def number(text: str) -> int:
    """A count as C2SP writes it: decimal digits, no zero before them; NoteError for others."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise NoteError(f"{text[:30]!r} is no count")
    if len(text) > 19:
        raise NoteError("a count of more than 19 digits")
    return int(text)
