"""Checkpoints held against the trail while it is read."""

from collections.abc import Sequence
from typing import NamedTuple

from ..api.trail import Broken, Compared, Mark
from ..tlog.checkpoint import Checkpoint, read_checkpoint
from ..tlog.merkle import Growing
from ..tlog.note import Key, NoteError, parse_vkey, verified


class _Read(NamedTuple):
    """A mark taken apart; `known` are the keys that have signed it."""

    mark: Mark
    said: Checkpoint
    known: Sequence[Key]


class Comparing:
    """Some checkpoints of a log of that `origin`; `keys` are the vkeys that are trusted."""

    def __init__(self, origin: str, marks: Sequence[Mark], keys: Sequence[str]) -> None:
        self._origin = origin
        self._keys = [parse_vkey(key) for key in keys]
        self._read: list[_Read] = []
        self._done: list[Compared] = []
        self._roots: dict[int, bytes] = {}
        for mark in marks:
            self._take(mark)
        self.sizes = {one.said.size for one in self._read}

    def _take(self, mark: Mark) -> None:
        if mark.trouble:
            self._done.append(_compared(mark, None, "away", mark.trouble))
            return
        try:
            said, note = read_checkpoint(mark.note)
            known = verified(note, self._keys)
        except NoteError as error:
            self._done.append(_compared(mark, None, "damaged", str(error)))
            return
        if said.origin != self._origin:
            words = f"is of {said.origin}, this is {self._origin}"
            self._done.append(_compared(mark, said, "other", words))
        elif self._keys and not known:
            words = f"counts {said.size:,} events, signed by no key that is known here"
            self._done.append(_compared(mark, said, "stranger", words))
        else:
            self._read.append(_Read(mark, said, known))

    def at(self, growing: Growing) -> None:
        """Remember the root, where some checkpoint wants it."""
        if growing.size in self.sizes:
            self._roots[growing.size] = growing.root()

    def compared(self, size: int, *, whole: bool) -> tuple[Sequence[Compared], Broken | None]:
        """What became of each, and what they say is broken, for a trail of that size.

        Without `whole` the trail was read only so far.
        """
        good, bad, gone = 0, 0, 0
        for one in self._read:
            counts = one.said.size
            named = f"{counts:,} events"
            if counts not in self._roots and not whole:
                state, words = "unread", f"counts {named}; the trail is broken before"
            elif counts > size:
                state, words = "gone", f"counts {named}, here are {size:,}"
                gone = gone or size + 1
            elif self._roots[counts] == one.said.root:
                state, words = "same", f"counts {named}, and they are these"
                good = max(good, counts)
            else:
                state, words = "differs", f"counts {named}, and some of them were others"
                bad = min(bad or counts, counts)
            self._done.append(_compared(one.mark, one.said, state, words, one.known))
        return self._done, _against(good, bad, gone)


def _against(good: int, bad: int, gone: int) -> Broken | None:
    if bad:
        what = "are not those that a checkpoint counts"
        return Broken(seq=min(good, bad - 1) + 1, what=what, by="checkpoint", last=bad)
    if gone:
        what = "is gone, with those after it: a checkpoint counts more"
        return Broken(seq=gone, what=what, by="checkpoint")
    return None


def _compared(
    mark: Mark, said: Checkpoint | None, state: str, words: str, known: Sequence[Key] = ()
) -> Compared:
    return Compared(
        place=mark.place,
        state=state,  # type: ignore[arg-type]
        words=words,
        size=said.size if said else 0,
        time=mark.time,
        key=known[0].vkey if known else "",
        outside=mark.outside,
        asked=mark.asked,
    )
