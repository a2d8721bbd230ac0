"""`modeldeck key`."""

import asyncio
import sys

import click

from modeldeck.app.config.key_files import NAMES
from modeldeck.app.config.settings import read_settings
from modeldeck.app.usecases import keys as usecase
from modeldeck.backends.api.errors import UnconfirmedError

from . import output, streams
from .common import answer
from .options import format_option


@click.group()
def key() -> None:
    """The keys that you and this machine sign with."""


@key.command()
@click.option("--p256", is_flag=True, help="One of P-256 instead of Ed25519.")
@click.option("--file", "in_file", is_flag=True, help="Keep it in a file, not in the keyring.")
@format_option
def new(p256: bool, in_file: bool, form: str) -> None:
    """Make a key to sign with, in the keyring or in a file that only you can read.

    A key of OpenSSH is used instead where config.toml names it: [signing] key = "~/.ssh/...".
    """
    signing = read_settings().signing
    made, where = asyncio.run(usecase.new_key(signing, p256=p256, in_file=in_file))
    if form != "table":
        output.write_document(usecase.key_object(made), form)
    streams.say(f"made {made.fingerprint}, kept in {where}")
    if not made.use:
        streams.say(f"but {signing.key} of config.toml goes before it")
    streams.say("next: modeldeck key show; its line goes under [people.NAME] of modeldeck.toml")


@key.command()
@format_option
def ls(form: str) -> None:
    """List the keys."""
    found = usecase.list_keys(read_settings().signing)
    columns: output.Columns = {
        "NAME": lambda item: item["name"],
        "SIGNS": lambda item: item["use"] or "-",
        "KIND": lambda item: item["kind"] or "-",
        "FINGERPRINT": lambda item: item["fingerprint"] or "-",
        "WHERE": lambda item: item["where"],
        "TROUBLE": lambda item: item["trouble"] or "",
    }
    output.write_list([usecase.key_object(one) for one in found], columns, form)


@key.command()
@click.argument("name", required=False, default="")
@format_option
def show(name: str, form: str) -> None:
    """Print the public line of a key, as it goes under [people.NAME] of modeldeck.toml."""
    found = usecase.find_key(read_settings().signing, name)
    if form != "table":
        output.write_document(usecase.key_object(found), form)
        return
    print(output.safe(found.public))
    streams.say('next: [people.NAME] keys = ["..."] in modeldeck.toml, with this line')


@key.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def rm(name: str, yes: bool) -> None:
    """Remove a key of modeldeck's own. What it signed stays signed by it."""
    found = usecase.find_key(read_settings().signing, name)
    if not yes:
        if not streams.is_terminal(sys.stdin):
            raise UnconfirmedError(
                "not confirmed, and there is no terminal to ask at", way_out="--yes confirms"
            )
        sure = answer(f"Remove {output.safe(found.fingerprint)} for good? [y/N] ")
        if sure.strip().lower() not in {"y", "yes"}:
            raise UnconfirmedError("not confirmed; nothing was removed")
    streams.say(f"removed: {', '.join(asyncio.run(usecase.remove(name)))}")
