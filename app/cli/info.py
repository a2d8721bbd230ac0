"""`modeldeck info`."""

import asyncio
from typing import Any

import click

from modeldeck.app.workspace import Wish

from . import output
from .options import formats_option, place_options
from .wish import without_place


@click.command()
@formats_option("table", "json", "jsonl")
@place_options
@without_place
def info(wish: Wish, form: str) -> None:
    """Print where things lie, which versions and which settings are in force."""
    from modeldeck.app.about import about

    found = asyncio.run(about(wish))
    if form != "table":
        output.write_document(found, form)
        return
    output.write_pairs([(name, _words(value)) for name, value in _flat(found)])


def _flat(item: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in item.items():
        if isinstance(value, dict) and value:
            rows.extend(_flat(value, f"{above}{name}."))
        else:
            rows.append((f"{above}{name}", value))
    return rows


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value in (None, "", {}) else str(value)
