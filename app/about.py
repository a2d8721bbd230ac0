"""What `modeldeck info` tells: versions, paths, what is open and why, settings in force."""

import platform
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec

from modeldeck.backends.api.errors import ModeldeckError

from .config import paths
from .config.settings import read_project, read_settings
from .remote import adapters
from .workspace import Wish, find, open_session

_PACKAGES = ("click", "msgspec", "textual", "plotext", "numpy", "scikit-learn")


async def about(wish: Wish, cwd: Path | None = None) -> dict[str, Any]:
    """All of it; what cannot be told is there as its error."""
    return {
        "versions": _versions(),
        "backends": dict(sorted(adapters().items())),
        "paths": {
            "config": str(paths.config_file()),
            "system_config": str(paths.system_config_file()),
            "state": str(paths.state_folder()),
            "cache": str(paths.cache_folder()),
        },
        "settings": _settings(),
        "registry": await _registry(wish, cwd or Path.cwd()),
    }


def _versions() -> dict[str, str | None]:
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for name in ("modeldeck", *_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return {
        **found,
        "python": platform.python_version(),
        "executable": sys.executable,
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
    }


def _settings() -> dict[str, Any]:
    try:
        settings: dict[str, Any] = msgspec.to_builtins(read_settings())
    except ModeldeckError as error:
        return {"error": str(error)}
    for context in settings["contexts"].values():
        for slot in context.values():
            if isinstance(slot, dict):
                _hide(slot)
    return settings


def _hide(slot: dict[str, Any]) -> None:
    """Leave out what may hold a secret: words of a command, and of other people's adapters."""
    if command := slot.get("credential_command"):
        slot["credential_command"] = [command[0], *(["..."] if len(command) > 1 else [])]
    if options := slot.get("options"):
        slot["options"] = dict.fromkeys(options, "...")


async def _registry(wish: Wish, cwd: Path) -> dict[str, Any]:
    try:
        place = find(wish, cwd)
        session = await open_session(wish, cwd)
    except ModeldeckError as error:
        return {"error": str(error)}
    try:
        later = (
            read_project(session.project.parent, frozenset("*")).later if session.project else ()
        )
        return {
            "context": session.context,
            "place": session.registry.place,
            "why": place.why,
            "folder": None if session.folder is None else str(session.folder),
            "readonly": session.readonly or None,
            "protected": session.protected,
            "actor": session.actor.sudo_user or session.actor.user,
            "project": None if session.project is None else str(session.project),
            "metrics": dict(session.directions),
            "not_understood_yet": list(later),
        }
    finally:
        await session.registry.close()
