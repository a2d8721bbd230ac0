"""`config.toml` of the user and of the machine, and the project's `modeldeck.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .contexts import Context, check_contexts, merged
from .paths import config_file, system_config_file
from .toml import parse_toml, read_keys, read_toml
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
    is off over SSH and in tmux, where it breaks selection. `context` is opened where nothing nearer
    is found. A server is asked again after `refresh` seconds, with 0 only when a person asks.
    """

    safe_directories: tuple[str, ...] = ()
    theme: str = ""
    ascii: bool = False
    mouse: Literal["auto", "on", "off"] = "auto"
    readonly: bool = False
    editor: str = ""
    refresh: float = 15.0
    context: str = ""
    contexts: Mapping[str, Context] = {}


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
    path = config_file()
    return _in_force(read_toml(path, Settings), path, None)


def check_settings(text: str) -> Settings:
    """The settings that would be in force if `text` were the user's file."""
    path = config_file()
    return _in_force(parse_toml(text, path, Settings), path, text)


def enforced() -> Settings:
    """The settings of the machine's own file alone."""
    system = system_config_file()
    fixed = read_toml(system, Settings)
    if fixed.contexts:
        check_contexts(fixed.contexts, system)
    return fixed


def enforced_keys() -> frozenset[str]:
    """The keys that the machine's own file sets."""
    return frozenset(read_keys(system_config_file()))


def _in_force(settings: Settings, path: Path, text: str | None) -> Settings:
    keys = enforced_keys()
    fixed = enforced() if keys else Settings()
    if settings.contexts:
        check_contexts(settings.contexts, path, fixed=fixed.contexts, text=text)
    if not keys:
        return settings
    return replace(
        settings,
        **{name: getattr(fixed, name) for name in keys if name != "contexts"},
        contexts=merged(settings.contexts, fixed.contexts),
    )


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
