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
from .workspace import Wish, find, open_session

_PACKAGES = ("click", "msgspec", "textual", "plotext", "numpy", "scikit-learn")
_GROUP = "modeldeck.backends"


async def about(wish: Wish, cwd: Path | None = None) -> dict[str, Any]:
    """All of it; what cannot be told is there as its error."""
    return {
        "versions": _versions(),
        "backends": _backends(),
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


def _backends() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=_GROUP)}


def _settings() -> dict[str, Any]:
    try:
        settings: dict[str, Any] = msgspec.to_builtins(read_settings())
    except ModeldeckError as error:
        return {"error": str(error)}
    return settings


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
            "actor": session.actor.sudo_user or session.actor.user,
            "project": None if session.project is None else str(session.project),
            "metrics": dict(session.directions),
            "not_understood_yet": list(later),
        }
    finally:
        await session.registry.close()
