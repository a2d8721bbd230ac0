"""What the first and the last line say, also when the width is short."""

from collections.abc import Sequence
from datetime import datetime

from modeldeck.app.usecases.session import Session
from modeldeck.widgets.bar import Part
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


def part_names(words: Sequence[str], present: int, room: int) -> list[str]:
    """`1 Charts`, `2 Metrics`; where they have no `room`, all but the present one by number."""
    names = [f"{at} {word}" for at, word in enumerate(words, 1)]
    if sum(map(cells, names)) <= room:
        return names
    return [name if at == present else f"{at + 1}" for at, name in enumerate(names)]


def top_line(session: Session, path: Sequence[str], width: int) -> tuple[list[Part], list[Part]]:
    """The first line: where one is, who one is, whether anything can be changed, the time."""
    mode = "READ-ONLY" if session.readonly else "READ-WRITE"
    clock = f"{session.clock():%H:%M}"
    right = [
        Part(f"{session.actor.user}  "),
        Part(mode, "warn" if session.readonly else "dim"),
        Part(f"  {clock}"),
    ]
    room = width - sum(len(part.text) for part in right) - 2
    name = f"[PROTECTED {session.context}]" if session.protected else session.context
    context, rest = crumbs(name, path, room)
    return [Part(context, "alert" if session.protected else "strong"), Part(rest)], right


def clock_time(at: datetime | None) -> str:
    """A time of day in seconds."""
    return f"{at:%H:%M:%S}" if at else "-"


def short_size(size: int) -> str:
    """Bytes in few letters: whole K above 999, and 10 K steps above 100 K, so that it rests."""
    if size < 1000:
        return f"{size}B" if size < 100 else "<1K"
    thousands = size // 1000
    return f"{thousands}K" if thousands < 100 else f"{thousands // 10 * 10}K"
