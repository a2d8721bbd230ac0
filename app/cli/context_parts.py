"""Contexts as rows, and config.toml in an editor."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modeldeck.app.config.named import named_contexts
from modeldeck.backends.api.errors import ModeldeckError, UsageError

from . import output, streams

COLUMNS: output.Columns = {
    "": lambda item: "*" if item["chosen"] else "",
    "NAME": lambda item: item["name"],
    "TYPE": lambda item: item["type"],
    "WHERE": lambda item: item["url"] or item["path"] or "",
    "WORKSPACE": lambda item: item["workspace"] or "",
    "STATE": lambda item: ", ".join(word for word in ("protected", "readonly") if item[word]),
    "FROM": lambda item: item["source"],
}


def context_rows() -> Sequence[dict[str, Any]]:
    """Every context that can be named, without secrets; what is wrong with one goes to stderr."""
    rows, trouble = named_contexts()
    if trouble:
        streams.say(f"modeldeck: {trouble}")
    return rows


def edited(text: str, editor: str) -> str:
    """`text` as the editor leaves it; the file itself stays as it is meanwhile."""
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise UsageError(f"{editor!r} is no command: {error}", way_out="Set EDITOR") from None
    with tempfile.TemporaryDirectory(prefix="modeldeck-") as folder:
        path = Path(folder) / "config.toml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode())
        try:
            code = subprocess.run([*words, str(path)], check=False).returncode
        except OSError as error:
            why = error.strerror or "it is no program"
            raise UsageError(
                f"cannot be started: {why}", where=editor, way_out="Set EDITOR"
            ) from None
        if code:
            raise ModeldeckError(f"the editor ended with {code}; what it left was not taken")
        try:
            return path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise ModeldeckError("the editor left no file; nothing was taken") from None
        except UnicodeDecodeError:
            raise UsageError("what the editor left is not UTF-8; it was not taken") from None
