"""The one renderer of the command line: stdout is data, stderr is narration.

Foreign text passes `show` on its way to a table, CSV or stderr; JSON escapes it.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from modeldeck.app.usecases import encode
from modeldeck.widgets.text import cells, show

from . import streams
from .tables import pair_lines, table_lines

Columns = Mapping[str, Callable[[Any], str]]
Pairs = Sequence[tuple[str, str]]


def safe(text: str) -> str:
    """Foreign text inside a line of ours."""
    return show(text)


def counted(number: int, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def pointed(text: str, position: int) -> Sequence[str]:
    """A text and a caret under one of its characters; long ones show what is around it."""
    start = max(position - 50, 0) if len(text) > 70 else 0
    before, after = show(text[start:position]), show(text[position : start + 70])
    return [f"  {before}{after}".rstrip(), f"  {' ' * cells(before)}^"]


def room() -> int | None:
    """How wide a table may be: as the terminal is, or as it likes when there is none."""
    if not streams.is_terminal(sys.stdout):
        return None
    import shutil

    return max(shutil.get_terminal_size().columns, 20)


def write_list(
    items: Sequence[Any], columns: Columns, form: str, *, following: str | None = None
) -> None:
    """A list in one of the formats; `columns` are those of the table."""
    if form == "json":
        print(encode.many(items, following))
    elif form == "jsonl":
        write_lines(items)
    elif form == "csv":
        rows = [_flat(item) for item in items]
        write_csv(rows, list(dict.fromkeys(name for row in rows for name in row)))
    else:
        cells_of = columns.values()
        write_table(list(columns), [[cell(item) for cell in cells_of] for item in items])
    if following and form != "json":
        streams.say(f"more follow: --next {following} goes on, --limit 0 gives all")


def write_lines(items: Iterable[Any]) -> None:
    """Each thing as a line of JSON."""
    for item in items:
        print(encode.line(item))


def write_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their heads; nothing but a word on stderr when there are none."""
    if not rows:
        streams.say("nothing found")
        return
    for line in table_lines(heads, rows, room=room()):
        print(line)


def write_one(item: Any, form: str, pairs: Pairs) -> None:
    """One thing in one of the formats; `pairs` are its table."""
    if form == "table":
        write_pairs(pairs)
    else:
        write_document(item, form)


def write_document(item: Any, form: str) -> None:
    """One thing as JSON, as a line of it, or as a CSV row with a head."""
    if form == "json":
        print(encode.one(item))
    elif form == "jsonl":
        print(encode.line(item))
    else:
        row = _flat(item)
        write_csv([row], list(row))


def write_pairs(pairs: Pairs) -> None:
    """Names and values in two columns."""
    for line in pair_lines(pairs):
        print(line)


def write_part(title: str, lines: Iterable[str]) -> None:
    """A part of a document with its title; nothing at all when it is empty."""
    for place, line in enumerate(lines):
        if not place:
            print(f"\n{title}")
        print(f"  {line}".rstrip())


def write_csv(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Rows under their names."""
    write_csv_row(names)
    for row in rows:
        write_csv_row([row.get(name) for name in names])


def write_csv_row(values: Iterable[Any]) -> None:
    """A row. Text that a spreadsheet would run as a formula gets an apostrophe."""
    import csv

    cells_of_row = [_cell(value) for value in values]
    if cells_of_row:
        csv.writer(sys.stdout, lineterminator="\n").writerow(cells_of_row)


def _flat(item: Any) -> dict[str, Any]:
    return encode.flat(item if isinstance(item, dict) else encode.encode(item))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = show(str(value))
    if text[:1] not in {"=", "+", "-", "@"} or isinstance(value, int | float):
        return text
    from modeldeck.backends.api.evaluate import number_of

    return f"'{text}" if number_of(text) is None else text
