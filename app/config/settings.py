"""`config.toml` of the user and of the machine, and the project's `modeldeck.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .paths import config_file, system_config_file
from .toml import read_keys, read_toml
from .trust import check_trusted

PROJECT_FILE = "modeldeck.toml"
LATER = (
    "environments",
    "pipelines",
    "gates",
    "monitors",
    "budgets",
    "policies",
    "alerts",
    "applicability",
)
"""Tables of `modeldeck.toml` that a later version understands: accepted, and of no effect yet."""

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


class ProjectFile(Struct, frozen=True, kw_only=True):
    """The project in force, its file (None without one), and the tables that mean nothing yet."""

    project: Project = Project()
    path: Path | None = None
    later: tuple[str, ...] = ()


def read_settings() -> Settings:
    """The user's settings; what the machine's own file names holds over them."""
    settings = read_toml(config_file(), Settings)
    system = system_config_file()
    enforced = read_keys(system)
    if enforced:
        fixed = read_toml(system, Settings)
        settings = replace(settings, **{name: getattr(fixed, name) for name in enforced})
    return settings


def read_project(start: Path, allowed: frozenset[str] = frozenset()) -> ProjectFile:
    """The `modeldeck.toml` in `start` or in the nearest folder above.

    RefusedError when it belongs to somebody else: who writes there says what counts as better.
    """
    for folder in (start, *start.parents):
        path = folder / PROJECT_FILE
        try:
            if not path.is_file():
                continue
        except OSError:
            continue
        check_trusted(path, allowed)
        later = tuple(name for name in read_keys(path) if name in LATER)
        return ProjectFile(project=read_toml(path, Project, later=LATER), path=path, later=later)
    return ProjectFile()
