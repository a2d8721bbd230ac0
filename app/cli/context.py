"""`modeldeck context`."""

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from modeldeck.app.config import editing
from modeldeck.app.config.contexts import (
    CHECKS,
    ENV,
    GIT,
    SLOTS,
    Slot,
    check_branch,
    check_name,
    check_repository,
)
from modeldeck.app.config.paths import config_file
from modeldeck.app.config.settings import (
    check_settings,
    enforced,
    enforced_keys,
    read_settings,
)
from modeldeck.app.workspace import TOOL, NothingFoundError, Wish, find, readonly_reason
from modeldeck.backends.api.errors import ModeldeckError, RefusedError, UsageError

from . import output, streams
from .common import asker
from .context_parts import COLUMNS, context_rows, edited
from .options import complete_context, format_option


@click.group()
def context() -> None:
    """List, add, choose, test contexts: servers and registries by name."""


@context.command()
@format_option
def ls(form: str) -> None:
    """List the contexts of config.toml, of the machine's own file, and that of MLflow's variables.

    The one that `context use` chose has a star.
    """
    output.write_list(context_rows(), COLUMNS, form)


@context.command()
@click.argument("name")
@click.option(
    "--type",
    "kind",
    default="",
    help="Name of the adapter: mlflow (default), local; git for records.",
)
@click.option("--url", default="", help="Where the server is, without user and password.")
@click.option("--path", default="", help="Where a local registry is.")
@click.option("--branch", default="", help="The branch of records that are shared in git.")
@click.option("--workspace", default="", help="The workspace on the server.")
@click.option("--protected", is_flag=True, help="Changes need more than a yes.")
@click.option("--readonly", is_flag=True, help="Nothing is changed.")
@click.option("--auth", type=click.Choice(["none", "basic", "token"]), default=None)
@click.option("--user", default="", help="Whose password it is.")
@click.option("--credential-command", default="", help="Prints the password or token.")
@click.option("--credential-env", default="", help="The variable that holds it.")
@click.option("--credential-file", default="", help="The file that holds it, mode 0600.")
@click.option("--ca-file", default="", help="Whom to believe besides the system's own.")
@click.option("--client-cert", default="", help="The certificate that we show.")
@click.option("--client-key", default="", help="Its key.")
@click.option("--proxy", default="", help="The proxy on the way.")
@click.option(
    "--no-verify", default="", metavar="HOST", help="Believe anybody who says to be HOST."
)
@click.option("--deadline", type=float, default=None, help="Seconds that one answer may take.")
@click.option(
    "--cache",
    type=click.Choice(["off", "memory", "disk"]),
    default=None,
    help="Keep answers: disk is for when it is away.",
)
@click.option("--slot", type=click.Choice(SLOTS), default="registry", help="What it is used for.")
def add(
    name: str,
    kind: str,
    protected: bool,
    readonly: bool,
    slot: str,
    credential_command: str,
    no_verify: str,
    **given: Any,
) -> None:
    """Add a context, or a further slot to one, to config.toml.

    No secret is given here: `modeldeck login` keeps it.
    """
    check_name(name)
    content = {key: value for key, value in given.items() if value}
    content = {"type": kind or ("local" if content.get("path") else "mlflow"), **content}
    if credential_command:
        content["credential_command"] = _words(credential_command)
    _check(content, no_verify, slot)
    if no_verify:
        content["verify"] = False
    for key in ("path", "credential_file", "ca_file", "client_cert", "client_key"):
        if content.get(key) and not content[key].startswith("~"):
            content[key] = str(Path(content[key]).absolute())
    known = read_settings().contexts
    if name in enforced().contexts:
        raise _of_the_machine(name)
    if name in known and getattr(known[name], slot) is not None:
        raise UsageError(
            f"there is a context {name!r} with a {slot} already",
            way_out="`modeldeck context edit` changes it",
        )
    flags = {key: True for key, on in (("protected", protected), ("readonly", readonly)) if on}
    if name in known and flags:
        raise UsageError(
            "--protected and --readonly are for a new context",
            way_out="`modeldeck context edit` changes one",
        )
    table = ("contexts", name, slot) if name in known else ("contexts", name)
    whole = content if name in known else {**flags, slot: content}
    editing.change(lambda text: editing.add_tables(text, table, whole))
    streams.say(f"added context {name} to {config_file()}")
    if content["type"] not in ("local", GIT) and given["auth"] != "none":
        streams.say(f"next: modeldeck login {name}, if the server asks who you are")
    streams.say(f"next: modeldeck context test {name}, modeldeck context use {name}")


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:
        raise UsageError("--credential-command is no command", way_out="Mind the quotes") from None


def _check(content: dict[str, Any], no_verify: str, slot: str) -> None:
    from urllib.parse import urlsplit

    shared = content["type"] == GIT and slot == "records"
    checks = {"url": check_repository, "branch": check_branch} if shared else CHECKS
    for key, check in checks.items():
        if content.get(key):
            try:
                check(content[key])
            except UsageError as error:
                raise UsageError(error.what, where=f"--{key}", way_out=error.way_out) from None
    if no_verify and no_verify != urlsplit(content.get("url", "")).hostname:
        raise UsageError(
            "--no-verify names another host than --url",
            way_out="Name the host that need not prove who it is",
        )
    if content["type"] != "local" and not shared:
        from modeldeck.app.remote import adapters

        if content["type"] not in (known := adapters()):
            raise UsageError(
                f"there is no backend {content['type']!r}",
                where="--type",
                way_out=f"Installed: {', '.join(sorted(known))}",
            )


def _of_the_machine(name: str) -> RefusedError:
    return RefusedError(
        "belongs to the machine's own file", where=f"context {name}", way_out="Ask its owner"
    )


@context.command()
@click.argument("name", required=False, shell_complete=complete_context)
@click.option("--none", "nothing", is_flag=True, help="Choose none.")
def use(name: str | None, nothing: bool) -> None:
    """Choose the context that is opened where nothing nearer is found."""
    if bool(name) == nothing:
        raise UsageError("name a context, or give --none")
    if "context" in enforced_keys():
        raise RefusedError(
            "the machine's own file chooses the context", way_out="--context names another"
        )
    if name and name != ENV:
        _known(name)
    editing.change(lambda text: editing.set_value(text, (), "context", name))
    streams.say(f"{name} is opened from now on" if name else "no context is chosen any more")
    if name:
        _say_what_is_nearer(name)


def _say_what_is_nearer(name: str) -> None:
    try:
        place = find(Wish(), Path.cwd())
    except ModeldeckError:
        return
    if place.name != name:
        streams.say(f"but not here: {place.why} goes before it; --context {name} names it")


def _known(name: str) -> None:
    from modeldeck.app.remote import find_context

    find_context(name, read_settings())


@context.command()
@click.argument("name", required=False, shell_complete=complete_context)
@format_option
def test(name: str | None, form: str) -> int:
    """Connect, and print for each slot what works; exit 3 when it cannot be reached."""
    from modeldeck.app.probe import probe

    settings = read_settings()
    name = name or settings.context or _found()
    readonly = readonly_reason(Wish(), settings)
    found = asyncio.run(probe(name, settings, readonly=readonly, tool=TOOL, ask=asker()))
    rows = [
        {
            "context": name,
            "slot": one.slot,
            "about": one.about,
            "state": "failed" if one.code else "ok",
            "shows": one.shows,
            "way_out": one.way_out or None,
        }
        for one in found
    ]
    columns: output.Columns = {
        "SLOT": lambda item: item["slot"],
        "WHAT": lambda item: item["about"],
        "STATE": lambda item: item["state"],
        "SHOWS": lambda item: item["shows"],
    }
    output.write_list(rows, columns, form)
    for one in found:
        if one.code:
            streams.say(f"modeldeck: {one.shows}. {one.way_out}".rstrip(". "))
    codes = [one.code for one in found if one.code]
    return codes[0] if codes else 0


def _found() -> str:
    try:
        place = find(Wish(), Path.cwd())
    except NothingFoundError:
        place = None
    if place is None or not place.name:
        raise UsageError("no context was named", way_out="`modeldeck context ls` lists them")
    return place.name


@context.command()
@click.argument("name", shell_complete=complete_context)
def rm(name: str) -> None:
    """Remove a context from config.toml, and its secret from the keyring. Its records stay."""
    from modeldeck.app.config.keyrings import Keyring
    from modeldeck.app.remote import forget_answers, records_folder

    settings = read_settings()
    if name in enforced().contexts:
        raise _of_the_machine(name)
    if name not in settings.contexts:
        raise UsageError(
            f"there is no context {name!r} in config.toml",
            way_out="`modeldeck context ls` lists them",
        )
    slots = dict(settings.contexts[name].slots())

    def edit(text: str) -> str:
        text = editing.remove_table(text, ("contexts", name))
        chosen = settings.context == name and "context" not in enforced_keys()
        return editing.set_value(text, (), "context", None) if chosen else text

    editing.change(edit)
    forget_answers(name)
    streams.say(f"removed context {name} from {config_file()}")
    url = slots.get("registry", Slot()).url
    keyring = Keyring()
    if url and asyncio.run(keyring.forget(name, url)):
        streams.say(f"removed its secret from the {keyring.words}")
    if records_folder(name).exists():
        streams.say(f"the record of what was done there stays in {records_folder(name)}")


@context.command()
def edit() -> None:
    """Open config.toml in $EDITOR, and look whether it is as it must be."""
    before = editing.read_text()
    after = edited(before, read_editor())
    while True:
        if after == before:
            streams.say("nothing was changed")
            return
        try:
            check_settings(after)
            break
        except ModeldeckError as error:
            if not (streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)):
                raise
            streams.say(f"modeldeck: {error}")
            from .common import answer

            if answer("Edit it again? No leaves it as it was. [Y/n] ")[:1].lower() == "n":
                raise
        after = edited(after, read_editor())
    editing.write_text(before, after)
    streams.say(f"changed {config_file()}")


def read_editor() -> str:
    """The editor that the settings name; the file may be what has to be mended."""
    try:
        chosen = read_settings().editor
    except ModeldeckError:
        chosen = ""
    return chosen or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
