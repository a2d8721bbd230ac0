"""The composition root: from what was asked for and what lies here to an open session."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from modeldeck.backends.api.errors import NotFoundError, UsageError

from .config.actor import current_actor
from .config.settings import Settings, read_project, read_settings
from .usecases.session import Session

TOOL = "modeldeck 0.1.0"
_MLFLOW = ("mlflow.db", "mlruns")


class Wish(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line; empty where nothing was."""

    registry: str = ""
    path: str = ""
    context: str = ""
    readonly: bool = False


class Place(Struct, frozen=True, kw_only=True):
    """What was found: a registry of ours, or something to open in place. `why` says how."""

    kind: str
    path: Path
    why: str


class NothingFoundError(NotFoundError):
    """No registry anywhere; `looked_for` says where, in order."""

    def __init__(self, looked_for: Sequence[str]) -> None:
        super().__init__(
            "no registry found; looked for " + ", ".join(looked_for),
            way_out="`modeldeck demo DIR` makes one to look at, `modeldeck init` an empty one",
        )
        self.looked_for = looked_for


def find(wish: Wish, cwd: Path) -> Place:
    """The registry to open, in the order that the documentation gives."""
    if wish.registry:
        return Place(kind="registry", path=Path(wish.registry), why="--registry")
    if wish.path:
        return Place(kind="path", path=Path(wish.path), why="the command line")
    if wish.context:
        raise UsageError(
            f"there is no context {wish.context!r}", way_out="Name a registry with --registry"
        )
    looked = []
    if named := os.environ.get("MODELDECK_REGISTRY"):
        return Place(kind="registry", path=Path(named), why="MODELDECK_REGISTRY")
    looked.append("MODELDECK_REGISTRY")
    for folder in (cwd, *cwd.parents):
        if (folder / ".modeldeck" / "registry.db").exists():
            return Place(kind="registry", path=folder / ".modeldeck", why=f"found in {folder}")
    looked.append(f".modeldeck in {cwd} and above")
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return Place(kind="path", path=_local_store(uri), why="MLFLOW_TRACKING_URI")
    looked.append("MLFLOW_TRACKING_URI")
    for name in _MLFLOW:
        if (cwd / name).exists():
            return Place(kind="path", path=cwd / name, why=f"found in {cwd}")
        looked.append(f"./{name}")
    raise NothingFoundError(looked)


def _local_store(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        return Path(unquote(parts.path)[1:])
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if not parts.scheme:
        return Path(uri)
    raise UsageError(
        f"MLFLOW_TRACKING_URI names a server ({parts.scheme}://), which this version cannot reach",
        way_out="Name a local store, or unset it",
    )


async def open_session(wish: Wish, cwd: Path | None = None) -> Session:
    """Find, check and open. Raises NothingFoundError when there is nothing to open."""
    from modeldeck.backends.local.opening import open_registry

    cwd = cwd or Path.cwd()
    settings = read_settings()
    place = find(wish, cwd)
    project, project_file = read_project(_beside(place))
    readonly = _readonly(wish, settings)
    if place.kind == "registry":
        allowed = frozenset(settings.safe_directories)
        registry = open_registry(place.path, read_only=readonly, allowed=allowed, tool=TOOL)
    else:
        from .mirror import open_in_place

        registry = await open_in_place(place.path, settings, tool=TOOL, read_only=readonly)
    return Session(
        context=_name(place),
        registry=registry,
        actor=current_actor(),
        directions=dict(project.metrics),
        readonly=readonly or registry.read_only,
        project=project_file,
    )


def _readonly(wish: Wish, settings: Settings) -> str:
    if wish.readonly:
        return "this session was opened with --readonly"
    if os.environ.get("MODELDECK_READONLY", "") not in ("", "0"):
        return "MODELDECK_READONLY is set"
    return "config.toml says readonly" if settings.readonly else ""


def _beside(place: Place) -> Path:
    path = place.path.absolute()
    folder = path if path.is_dir() else path.parent
    return folder.parent if folder.name == ".modeldeck" else folder


def _name(place: Place) -> str:
    path = place.path.absolute()
    if path.name == "registry.db":
        path = path.parent
    if path.name == ".modeldeck":
        path = path.parent
    return path.name or "local"
