"""What the first and the last line say when the width is short. Plain text in, plain text out."""

from collections.abc import Sequence

from modeldeck.widgets.text import cells, clip, show

SEPARATOR = " > "
DROPPED = ".."


def crumbs(context: str, words: Sequence[str], room: int) -> tuple[str, str]:
    """The context, and the path below it, in `room` cells: what is far from here goes first.

    The last word is cut only when nothing else is left to drop.
    """
    for dropped in range(max(len(words), 1)):
        kept = words[dropped:]
        path = "".join(SEPARATOR + word for word in ([DROPPED] if dropped else []) + list(kept))
        if cells(show(context + path)) <= room:
            return context, path
    last = SEPARATOR + words[-1] if words else ""
    if len(words) > 1:
        last = SEPARATOR + DROPPED + last
    return context, clip(last, max(room - cells(show(context)), 0), "..")


def key_line(keys: Sequence[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """As many of `keys` (key, words) as have room with two blanks between; none is cut."""
    taken = []
    for key, words in keys:
        wide = cells(key) + 1 + cells(words)
        if wide > room:
            break
        taken.append((key, words))
        room -= wide + 2
    return taken
