"""`modeldeck open`."""

import sys
from pathlib import Path
from typing import Any

import click

from modeldeck.app.nouns import DOORS
from modeldeck.app.workspace import Wish
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import UsageError

from . import streams
from .options import complete_address, console_options, place_options
from .wish import without_place

_HEADLESS = {
    "overview": "status",
    "inbox": "inbox",
    "approvals": "approvals ls",
    "audit": "audit ls",
    "trash": "trash ls",
    "contexts": "context ls",
}


@click.command("open")
@click.argument("where", metavar="ADDRESS|PATH", shell_complete=complete_address)
@place_options
@console_options
@without_place
def open_(wish: Wish, where: str) -> Any:
    """Open the console on runs/ID, models/NAME/13, models/NAME@ALIAS, inbox, or on a path."""
    from .main import open_console

    if where in DOORS:
        _need_terminal(where, f"modeldeck {_HEADLESS[where]}")
        from modeldeck.app.console.start import run_console

        return run_console(wish, where)
    try:
        address = parse_address(where)
    except UsageError as error:
        if _is_there(where):
            return open_console(click.get_current_context(), where)
        raise UsageError(
            f"{where!r} is neither an address nor a path", way_out=error.way_out
        ) from None
    _need_terminal(where, _headless(address))
    return _at(wish, address)


def _need_terminal(where: str, instead: str) -> None:
    if not streams.is_terminal(sys.stdout):
        raise UsageError(
            "the console needs a terminal", where=where, way_out=f"`{instead}` prints it"
        )


def _at(wish: Wish, address: Address) -> Any:
    from msgspec.structs import replace

    from modeldeck.app.console.start import run_console
    from modeldeck.app.workspace import find

    if address.context and _here(wish) != address.context:
        # Raises where there is no such context.
        wish = replace(wish, registry="", context=address.context)
        find(wish, Path.cwd())
    return run_console(wish, str(replace(address, context="")))


def _here(wish: Wish) -> str:
    from modeldeck.app.workspace import NothingFoundError, find

    try:
        return find(wish, Path.cwd()).context
    except NothingFoundError:
        return ""


def _is_there(where: str) -> bool:
    try:
        return Path(where).exists()
    except (OSError, ValueError):
        return False


def _headless(address: Address) -> str:
    if not address.name or address.noun == "experiments":
        return f"modeldeck {'audit' if address.noun == 'events' else address.noun} ls"
    if address.noun == "events":
        return f"modeldeck audit ls --filter 'seq = {address.name}'"
    if address.version is not None:
        return f"modeldeck versions show {address.name}/{address.version}"
    if address.alias is not None:
        return f"modeldeck versions show {address.name}@{address.alias}"
    return f"modeldeck {address.noun} show {address.name}"
