"""A person's own commands: what goes into their arguments, how they are started."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual.app import SuspendNotSupported

from modeldeck.app.config.hands import UserCommand, begins_with_field, filled
from modeldeck.app.config.paths import state_folder
from modeldeck.app.config.redaction import masked_word, names_secret
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import ModeldeckError, RefusedError, UsageError
from modeldeck.widgets.text import file_name

if TYPE_CHECKING:
    from .screens.base import DeckScreen

KEPT_LOGS = 20
_SEPARATOR = "--"


class Started(NamedTuple):
    """A program that runs beside the console, and the file that its output goes to."""

    name: str
    child: "subprocess.Popen[bytes]"
    log: Path


def values_of(screen: "DeckScreen") -> tuple[str, Mapping[str, str]]:
    """The noun under the cursor, empty where there is none, and what can stand in braces."""
    session = screen.session
    values = {"context": session.context, "registry": session.registry.place}
    try:
        address = parse_address(screen.address_now())
    except ModeldeckError:
        return "", values
    noun = _noun(address)
    if not noun:
        return "", values
    values["address"] = str(address)
    if address.noun == "models":
        values["model"] = address.name
        if address.version is not None:
            values["version"] = str(address.version)
        if address.alias is not None:
            values["alias"] = address.alias
    else:
        values["id"] = address.name
    return noun, values


def _noun(address: Address) -> str:
    if not address.name:
        return ""
    pointed = address.version is not None or address.alias is not None
    return "versions" if pointed else address.noun


def why_not(screen: "DeckScreen", command: UserCommand) -> str:
    """Why a command cannot be started here and now; empty when it can."""
    if command.danger and screen.session.readonly:
        return screen.session.readonly
    noun, values = values_of(screen)
    if "all" not in command.scopes and noun not in command.scopes:
        return f"it is for {', '.join(command.scopes)}"
    try:
        argv_of(command, values)
    except ModeldeckError as error:
        return str(error)
    return ""


def hidden(screen: "DeckScreen", command: UserCommand) -> bool:
    """Whether a command is not even offered: it changes things, and nothing may be changed."""
    return command.danger and bool(screen.session.readonly)


def argv_of(command: UserCommand, values: Mapping[str, str]) -> list[str]:
    """The arguments, each value within its own.

    RefusedError for a value at the beginning of an argument that the program would take for an
    option: a name may begin with a dash. After an argument `--` it cannot be one.
    """
    found: list[str] = []
    for argument in command.command:
        try:
            text = filled(argument, values)
        except KeyError as missing:
            raise UsageError(f"there is no {missing.args[0]} here") from None
        if "\0" in text:
            raise RefusedError("a value holds a NUL, which no argument can")
        if begins_with_field(argument) and text.startswith("-") and _SEPARATOR not in found:
            raise RefusedError(
                f"{text!r} would be read as an option", way_out='Put "--" before it in the command'
            )
        found.append(text)
    return found


def line_of(argv: list[str]) -> str:
    """The command line as a shell would have to be given it, without secrets."""
    return shlex.join(masked_word(word) for word in argv)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what is called like a secret, or holds a password in a URL."""
    return {
        name: value
        for name, value in environ.items()
        if not names_secret(name) and not ("://" in value and "@" in value.partition("://")[2])
    }


def start(screen: "DeckScreen", name: str, command: UserCommand) -> None:
    """Start a command of a screen, after a question where it wants one."""
    reason = why_not(screen, command)
    if reason:
        screen.say(f"{name}: {reason}", "warn")
        return
    argv = argv_of(command, values_of(screen)[1])

    def go() -> None:
        try:
            if command.background:
                _beside(screen, name, argv)
            else:
                code = _in_front(screen, argv)
                screen.say(f"{name} ended with {code}", "ok" if code == 0 else "bad")
                screen.console.look_again()
        except ModeldeckError as error:
            screen.say(f"{name}: {error}", "bad")

    if command.confirm or command.danger:
        from .screens.confirm import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                go()
            else:
                screen.say(f"{name} was not started")

        question = ConfirmDialog(name, command.description, line_of(argv))
        screen.console.push_screen(question, answered)
    else:
        go()


def _in_front(screen: "DeckScreen", argv: list[str]) -> int:
    """Run it on the terminal, which the console lends it; gives its exit code."""
    try:
        with screen.console.suspend():
            code = subprocess.run(argv, env=clean_environment(os.environ), check=False).returncode
            sys.stdout.write(f"\nended with {code}; Enter goes back to modeldeck ")
            sys.stdout.flush()
            with open(0, "rb", buffering=0, closefd=False) as keys:
                keys.readline()
    except SuspendNotSupported:
        raise ModeldeckError("this terminal cannot be lent to a command") from None
    except (OSError, ValueError) as error:
        raise _cannot(argv, error) from None
    return code


def _beside(screen: "DeckScreen", name: str, argv: list[str]) -> None:
    """Start it with its output in a file, and show that."""
    from .screens.command_log import CommandLogScreen

    log = _new_log(screen, name)
    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=clean_environment(os.environ),
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        log.unlink(missing_ok=True)
        raise _cannot(argv, error) from None
    started = Started(name, child, log)
    screen.console.started.append(started)
    screen.console.push_screen(CommandLogScreen(started, line_of(argv)))


def _new_log(screen: "DeckScreen", name: str) -> Path:
    folder = state_folder() / "commands"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        for path in kept[: max(len(kept) - KEPT_LOGS + 1, 0)]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(error.strerror or str(error), where=str(folder)) from None
    stamp = f"{screen.session.clock():%Y%m%dT%H%M%S}-{os.getpid()}-{len(screen.console.started)}"
    return folder / f"{file_name(name)}-{stamp}.log"


def _cannot(argv: list[str], error: Exception) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return UsageError(f"cannot be started: {reason}", where=argv[0])
