"""`config.toml` of the user, and the project's `modeldeck.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from .paths import config_file
from .toml import read_toml

PROJECT_FILE = "modeldeck.toml"
Direction = Literal["higher", "lower"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user sets.

    `safe_directories` are folders of other owners that are trusted, `"*"` trusts all. `mouse` auto
    is off over SSH and in tmux, where it breaks selection.
    """

    safe_directories: tuple[str, ...] = ()
    theme: str = ""
    ascii: bool = False
    mouse: Literal["auto", "on", "off"] = "auto"
    readonly: bool = False
    editor: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """What a project declares. `metrics` says for each which way is better."""

    metrics: Mapping[str, Direction] = {}


def read_settings() -> Settings:
    """The user's settings; defaults where there is no file."""
    return read_toml(config_file(), Settings)


def read_project(start: Path) -> tuple[Project, Path | None]:
    """The `modeldeck.toml` in `start` or the nearest folder above, and its path."""
    for folder in (start, *start.parents):
        path = folder / PROJECT_FILE
        if path.is_file():
            return read_toml(path, Project), path
    return Project(), None
