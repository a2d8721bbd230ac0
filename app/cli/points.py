"""Points of series on stdout, as they come."""

from collections.abc import AsyncIterator

from modeldeck.app.usecases import encode, views
from modeldeck.app.usecases.export import Point

from . import output

HEADS = ("run", "key", "step", "time", "value")


async def print_points(points: AsyncIterator[Point], form: str) -> None:
    """Points in long form: one a line, or one an item."""
    if form == "json":
        print(f'{{"schema": {encode.SCHEMA}, "items": [', end="")
    elif form == "csv":
        output.write_csv_row(HEADS)
    between = ""
    async for point in points:
        row = views.point(point)
        if form == "csv":
            output.write_csv_row(row.values())
        elif form == "jsonl":
            print(encode.line(row))
        else:
            print(between, encode.line(row), sep="", end="")
            between = ", "
    if form == "json":
        print('], "next": null}')
