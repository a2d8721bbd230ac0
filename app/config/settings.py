"""`config.toml` of the user and of the machine, and the project's `modeldeck.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from modeldeck.backends.api.errors import UsageError

from .contexts import Context, check_contexts, merged
from .hands import SavedView, UserCommand, check_hands
from .key_files import Signing
from .paths import config_file, system_config_file
from .policy import Direction, Person
from .toml import parse_toml, place_of, read_keys, read_text, read_toml, top_keys
from .trust import check_trusted

PROJECT_FILE = "modeldeck.toml"
LATER = (
    "environments",
    "pipelines",
    "monitors",
    "budgets",
    "policies",
    "alerts",
    "applicability",
)
"""Tables of `modeldeck.toml` that a later version understands: accepted, and of no effect yet."""

POLICY = ("people", "gates", "trash")
"""Its tables that make the policy (see `policy_file`)."""


class Anchor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where checkpoints of audit trails are put: a file that grows, or a git work tree.

    `push` sends each commit on to where the branch of that repository comes from.
    """

    type: Literal["file", "git"]
    path: str
    push: bool = False


class AuditSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done for the audit trail."""

    anchors: tuple[Anchor, ...] = ()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user sets.

    `safe_directories` are folders of other owners that are trusted, `"*"` trusts all. `mouse` auto
    is off over SSH and in tmux, where it breaks selection. `low_bandwidth` sends as little as can
    be, auto is on over SSH; `title` names the window after where one is. `context` is opened where
    nothing nearer is found. A server is asked again after `refresh` seconds, with 0 only when a
    person asks.

    `policy_repo` and `policy_ref` say where the policy is read for contexts that do not say it.
    `people` are those of the machine's own file alone: nobody gives themselves a role. `signing`
    names the key that this person signs with.

    `keys` are other keys for actions, `aliases` other words for `:`, `commands` programs that a key
    starts, `views` ways to show a list. `restore` says whether the console goes back to where it
    was: when asked, always, or never, and then keeps nothing.
    """

    safe_directories: tuple[str, ...] = ()
    theme: str = ""
    ascii: bool = False
    mouse: Literal["auto", "on", "off"] = "auto"
    readonly: bool = False
    editor: str = ""
    refresh: float = 15.0
    low_bandwidth: bool | Literal["auto"] = False
    title: bool = True
    context: str = ""
    policy_repo: str = ""
    policy_ref: str = ""
    people: Mapping[str, Person] = {}
    signing: Signing = Signing()
    audit: AuditSettings = AuditSettings()
    contexts: Mapping[str, Context] = {}
    keys: Mapping[str, str | tuple[str, ...]] = {}
    aliases: Mapping[str, str] = {}
    commands: Mapping[str, UserCommand] = {}
    views: Mapping[str, SavedView] = {}
    restore: Literal["ask", "always", "off"] = "ask"


class Project(Struct, frozen=True, kw_only=True):
    """What a project declares. `metrics` says for each which way is better."""

    metrics: Mapping[str, Direction] = {}


class ProjectFile(Struct, frozen=True, kw_only=True):
    """The project in force, its file (None without one), and the tables that mean nothing yet.

    `text` is the whole file, which may hold a policy too.
    """

    project: Project = Project()
    path: Path | None = None
    later: tuple[str, ...] = ()
    text: str = ""
    has_policy: bool = False


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
    _check_hands(fixed, system, None)
    return fixed


def enforced_keys() -> frozenset[str]:
    """The keys that the machine's own file sets."""
    return frozenset(read_keys(system_config_file()))


def _in_force(settings: Settings, path: Path, text: str | None) -> Settings:
    keys = enforced_keys()
    fixed = enforced() if keys else Settings()
    if settings.contexts:
        check_contexts(settings.contexts, path, fixed=fixed.contexts, text=text)
    _check_hands(settings, path, text)
    if settings.people:
        raise UsageError(
            "people: who may do what is not for a user to say",
            where=place_of(path, ("people",), text),
            way_out=f"Write it to {PROJECT_FILE}, or to {system_config_file()}",
        )
    if not keys:
        return settings
    contexts = merged(settings.contexts, fixed.contexts)
    ours = {name: getattr(fixed, name) for name in ("policy_repo", "policy_ref") if name in keys}
    return replace(
        settings,
        **{name: getattr(fixed, name) for name in keys if name != "contexts"},
        contexts={
            name: context if name in fixed.contexts else replace(context, **ours)
            for name, context in contexts.items()
        },
    )


def _check_hands(one: Settings, path: Path, text: str | None) -> None:
    if one.keys or one.aliases or one.commands or one.views:
        check_hands(one.keys, one.aliases, one.commands, one.views, path, text)


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
        text = read_text(path) or ""
        keys = top_keys(text, path)
        return ProjectFile(
            project=parse_toml(text, path, Project, later=(*LATER, *POLICY)),
            path=path,
            later=tuple(name for name in keys if name in LATER),
            text=text,
            has_policy=any(name in keys for name in POLICY),
        )
    return ProjectFile()
