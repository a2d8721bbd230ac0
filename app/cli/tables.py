"""Rows as aligned text. Cells are foreign and are shown here, once."""

from collections.abc import Iterator, Sequence

from modeldeck.widgets.text import cells, clip, show_name

WIDEST = 60


def table_lines(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, room: int | None = None
) -> Iterator[str]:
    """The lines of a table, each at most `room` cells wide."""
    safe = [[clip(show_name(cell), WIDEST) for cell in row] for row in [heads, *rows]]
    widths = [max(cells(row[place]) for row in safe) for place in range(len(heads))]
    for row in safe:
        line = "  ".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        yield line if room is None else clip(line, room)


def pair_lines(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Names and values in two columns."""
    names = [show_name(name) for name, _ in pairs]
    width = max(map(cells, names), default=0)
    for name, (_, value) in zip(names, pairs, strict=True):
        yield f"{name}{' ' * (width - cells(name))}  {show_name(value)}".rstrip()
