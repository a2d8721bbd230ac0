"""`modeldeck login`."""

import asyncio
import sys
from pathlib import Path

import click
from msgspec.structs import replace

from modeldeck.app.config import editing
from modeldeck.app.config.contexts import ENV, LOCAL, Slot, expanded
from modeldeck.app.config.keyrings import Keyring
from modeldeck.app.config.paths import config_file
from modeldeck.app.config.secrets import Secret, keep_in_keyring, read_secret
from modeldeck.app.config.settings import read_settings
from modeldeck.backends.api.errors import RefusedError, UnconfirmedError, UsageError

from . import output, streams
from .common import answer
from .options import complete_context

_LARGEST = 1 << 16


@click.command()
@click.argument("name", metavar="CONTEXT", shell_complete=complete_context)
@click.option("--user", default="", help="Whose password it is.")
@click.option("--token", is_flag=True, help="It is a token, of no user.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from the first line of stdin.")
@click.option("--file", "in_file", is_flag=True, help="Keep it in a file that only you can read.")
@click.option("--logout", is_flag=True, help="Forget it.")
def login(name: str, user: str, token: bool, from_stdin: bool, in_file: bool, logout: bool) -> None:
    """Keep the password or the token of CONTEXT in the keyring; --logout forgets it.

    On stdin it is a token, USER:PASSWORD, or with --user the password.
    """
    if user and token:
        raise UsageError("--user and --token exclude each other", way_out="Give one of them")
    from modeldeck.app.remote import forget_answers

    slot = _slot_of(name)
    if logout:
        asyncio.run(_forget(name, slot))
        forget_answers(name)
        return
    asked = slot
    if user or token:
        asked = replace(slot, user=user, auth="token" if token else "basic")
    asyncio.run(_keep(name, slot, asked, from_stdin=from_stdin, in_file=in_file))
    forget_answers(name)


def _slot_of(name: str) -> Slot:
    from modeldeck.app.remote import find_context

    if name == ENV:
        raise UsageError(
            "who you are to this context is in MLflow's own variables",
            where=f"context {ENV}",
            way_out="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    slot = find_context(name, read_settings())[0].registry
    if slot is None or slot.type == LOCAL or slot.auth == "none":
        raise UsageError("needs no login", where=f"context {name}")
    return slot


async def _keep(name: str, slot: Slot, asked: Slot, *, from_stdin: bool, in_file: bool) -> None:
    keyring = Keyring()
    reason = await keyring.choose()
    if reason and not in_file:
        in_file = _offer_file(name, slot, reason, ask=not from_stdin)
    secret = await _told(name, asked, from_stdin=from_stdin)
    who = f" of {secret.user}" if secret.user else ""
    what = f"{'password' if secret.user else 'token'}{who} for {slot.url}"
    if in_file:
        path = _keep_in_file(name, slot, secret)
        await keyring.forget(name, slot.url)
        streams.say(f"kept the {what} in {path}, which only you can read")
    else:
        await keep_in_keyring(keyring, name, slot, secret)
        _note(name, slot, secret)
        streams.say(f"kept the {what} in the {keyring.words}")
    streams.say(f"next: modeldeck context test {name}")


async def _told(name: str, slot: Slot, *, from_stdin: bool) -> Secret:
    if from_stdin:
        return read_secret(sys.stdin.readline(_LARGEST), slot)
    if not _at_terminal():
        raise UnconfirmedError("there is no terminal to ask at", way_out="--stdin reads it")
    from .asking import ask_secret

    secret = await ask_secret(name, slot)
    if secret is None:
        raise UnconfirmedError("nothing was said; nothing was kept")
    return secret


def _at_terminal() -> bool:
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)


def _offer_file(name: str, slot: Slot, reason: str, *, ask: bool) -> bool:
    path = _file_of(name, slot)
    if ask and _at_terminal():
        streams.say(f"no keyring can be used: {reason}")
        if (
            answer(f"Keep it in {output.safe(str(path))}, which only you can read? [y/N] ")[
                :1
            ].lower()
            == "y"
        ):
            return True
        raise UnconfirmedError("nothing was kept")
    raise RefusedError(
        f"no keyring can be used: {reason}",
        way_out=f"--file keeps it in {path}; credential_command asks a program of yours",
    )


def _file_of(name: str, slot: Slot) -> Path:
    if slot.credential_file:
        return expanded(slot.credential_file)
    return config_file().absolute().parent / "credentials" / name


def _keep_in_file(name: str, slot: Slot, secret: Secret) -> Path:
    if read_secret(secret.text, slot) != secret:
        raise UsageError(
            "config.toml says that somebody else logs in there",
            where=f"contexts.{name}.registry",
            way_out="Change user or auth there: `modeldeck context edit`",
        )
    path = _file_of(name, slot)
    editing.make_private_folder(path.parent)
    editing.replace_file(path, f"{secret.text}\n".encode())
    _note(name, slot, secret, credential_file="" if slot.credential_file else str(path))
    return path


def _note(name: str, slot: Slot, secret: Secret, *, credential_file: str = "") -> None:
    """Say in config.toml that there is something to look for, so that it is sent at once."""
    table = ("contexts", name, "registry")

    def edit(text: str) -> str:
        if not slot.auth:
            text = editing.set_value(text, table, "auth", "basic" if secret.user else "token")
        if credential_file:
            text = editing.set_value(text, table, "credential_file", credential_file)
        return text

    editing.change(edit)


async def _forget(name: str, slot: Slot) -> None:
    keyring = Keyring()
    gone = [keyring.words] if await keyring.forget(name, slot.url) else []
    own = _file_of(name, replace(slot, credential_file=""))
    if slot.credential_file and expanded(slot.credential_file) == own:
        own.unlink(missing_ok=True)
        table = ("contexts", name, "registry")
        editing.change(lambda text: editing.set_value(text, table, "credential_file", None))
        gone.append(str(own))
    streams.say(f"forgotten: {', '.join(gone)}" if gone else f"nothing was kept for {name}")
