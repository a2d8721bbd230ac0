"""The one renderer of the command line: stdout is data, stderr is narration.

Foreign text passes `show` on its way to a table, CSV or stderr; JSON escapes it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from modeldeck.app.usecases import encode
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.text import show

FORMATS = ("table", "json", "jsonl", "csv")
Columns = Mapping[str, Callable[[Any], str]]


def narrate(text: str) -> None:
    """Say something on stderr."""
    print(show(text), file=sys.stderr)


def fail(error: ModeldeckError) -> int:
    """Say what went wrong in one line; gives the exit code."""
    narrate(f"modeldeck: {error}")
    return error.exit_code


def write_list(
    items: Sequence[Any], columns: Columns, form: str, *, following: str | None = None
) -> None:
    """A list in one of FORMATS; `columns` are those of the table."""
    if form == "json":
        print(encode.many(items, following))
    elif form == "jsonl":
        for item in items:
            print(encode.line(item))
    elif form == "csv":
        _csv([item if isinstance(item, dict) else encode.encode(item) for item in items])
    else:
        _table([[cell(item) for cell in columns.values()] for item in items], list(columns))
        if following:
            narrate("more rows follow: --limit shows more, --next continues")


def write_one(item: Any, form: str, lines: Sequence[tuple[str, str]]) -> None:
    """One thing in one of FORMATS; `lines` are its table."""
    if form == "json":
        print(encode.one(item))
    elif form == "jsonl":
        print(encode.line(item))
    elif form == "csv":
        _csv([item if isinstance(item, dict) else encode.encode(item)])
    else:
        width = max((len(name) for name, _ in lines), default=0)
        for name, value in lines:
            print(f"{show(name):<{width}}  {show(value)}".rstrip())


def _csv(rows: Sequence[dict[str, Any]]) -> None:
    import csv

    flat = [encode.flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([show(name) for name in names])
    for row in flat:
        writer.writerow([_plain(row.get(name)) for name in names])


def _plain(value: Any) -> str:
    if value is None:
        return ""
    text = show(str(value))
    # A cell that a spreadsheet would run as a formula gets an apostrophe, as they themselves do.
    number = isinstance(value, int | float)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} and not number else text


def _table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    from modeldeck.widgets.text import clip

    safe = [[clip(show(cell), 60) for cell in row] for row in rows]
    widths = [
        max(len(head), *(_width(row[place]) for row in safe)) if safe else len(head)
        for place, head in enumerate(heads)
    ]
    print("  ".join(f"{head:<{width}}" for head, width in zip(heads, widths, strict=True)).rstrip())
    for row in safe:
        cells = (
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def short_time(time: datetime | None, now: datetime) -> str:
    """A time for a column: the clock today, else day and month, else the date."""
    if time is None:
        return "-"
    local = time.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%d %b %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d}"


def figure(value: float | None) -> str:
    """A metric for a column: six significant digits; `-` when missing."""
    return "-" if value is None else f"{value:.6g}"
