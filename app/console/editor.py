"""A text edited in the person's own editor, through a private file."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from modeldeck.backends.api.errors import ModeldeckError, UsageError

if TYPE_CHECKING:
    from .console import Console

FALLBACKS = ("vi", "nano")


def editor_command(chosen: str, environ: Mapping[str, str]) -> list[str]:
    """The argv of the editor: the setting, VISUAL, EDITOR, then what is usual.

    UsageError when there is none, or when the one that is named cannot be found.
    """
    named = (
        ("editor in config.toml", chosen),
        ("VISUAL", environ.get("VISUAL", "")),
        ("EDITOR", environ.get("EDITOR", "")),
    )
    for where, text in named:
        if not text.strip():
            continue
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"{text!r} is no command: {error}", where=where) from None
        if words and shutil.which(words[0], path=environ.get("PATH")):
            return words
        raise UsageError(
            f"there is no program {words[0]!r}" if words else "it names no program",
            where=where,
            way_out="Set EDITOR to one that is installed",
        )
    for name in FALLBACKS:
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise UsageError(
        "no editor was found; looked for VISUAL, EDITOR, " + ", ".join(FALLBACKS),
        way_out='Set EDITOR, or editor = "..." in config.toml',
    )


def edit_text(console: "Console", text: str, name: str) -> str | None:
    """`text` as it was left in the editor; None when it was left as it was.

    The console waits meanwhile. `name` is the name of the file, which shows the editor its kind.
    """
    command = editor_command(console.settings.editor, os.environ)
    with tempfile.TemporaryDirectory(prefix="modeldeck-") as folder:
        path = Path(folder) / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
        try:
            with console.suspend():
                code = subprocess.run([*command, str(path)], check=False).returncode
        except SuspendNotSupported:
            raise ModeldeckError("this terminal cannot be lent to an editor") from None
        except OSError as error:
            raise UsageError(
                f"cannot be started: {error.strerror}", where=command[0], way_out="Set EDITOR"
            ) from None
        if code:
            raise ModeldeckError(
                f"{Path(command[0]).name} ended with {code}; what it left was not taken"
            )
        return _left(path, text)


def _left(path: Path, text: str) -> str | None:
    try:
        found = path.read_bytes().decode()
    except FileNotFoundError:
        raise ModeldeckError("the editor left no file; nothing was taken") from None
    except UnicodeDecodeError as error:
        raise ModeldeckError(
            f"what the editor left is no UTF-8, at byte {error.start}; it was not taken",
            way_out="Save it as UTF-8",
        ) from None
    if not text.endswith("\n") and found == f"{text}\n":
        return None  # an editor ends the last line of its own accord
    return None if found == text else found
