"""Tables of faults at the end of a session: what became of each kind of work under each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PROPERTY = "faults"
COLUMNS = ("runs", "next page", "models", "write", "write on")
TICKS = "ticks"
HEADS = {
    PROPERTY: ("fault", *COLUMNS),
    TICKS: ("console under", "keys handled before an answer", "longest tick meanwhile"),
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    lines = [head, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return [padded[0], "-" * max(map(len, padded)), *padded[1:]]
