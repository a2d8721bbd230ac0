"""Contexts as rows, and config.toml in an editor."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modeldeck.app.config.contexts import ENV, Context
from modeldeck.app.config.paths import config_file, system_config_file
from modeldeck.app.config.settings import enforced, read_settings
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
    """Every context that can be named, without secrets."""
    settings = read_settings()
    fixed = enforced().contexts
    rows = []
    for name, context in settings.contexts.items():
        source = system_config_file() if name in fixed else config_file()
        rows.append(_row(name, context, str(source), chosen=name == settings.context))
    if os.environ.get("MLFLOW_TRACKING_URI"):
        from modeldeck.app.config.mlflow_env import names_server, read_environment

        if names_server():
            try:
                env = read_environment().context
            except ModeldeckError as error:
                streams.say(f"modeldeck: {error}")
            else:
                chosen = settings.context == ENV
                rows.append(_row(ENV, env, "MLFLOW_TRACKING_URI", chosen=chosen))
    return rows


def _row(name: str, context: Context, source: str, *, chosen: bool) -> dict[str, Any]:
    slot = context.registry
    return {
        "name": name,
        "chosen": chosen,
        "type": slot.type if slot else "",
        "url": slot.url or None if slot else None,
        "path": slot.path or None if slot else None,
        "workspace": slot.workspace or None if slot else None,
        "user": slot.user or None if slot else None,
        "protected": context.protected,
        "readonly": context.readonly,
        "slots": [one for one, _ in context.slots()],
        "source": source,
    }


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
