"""The composition root: from what was asked for and what lies here to an open session."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, UsageError

from .config.actor import current_actor
from .config.contexts import ENV
from .config.key_files import me
from .config.policy import Policy
from .config.settings import Settings, read_project, read_settings
from .recorder.rundir import waiting
from .statements import share, statements_of
from .usecases.audit_keys import attach
from .usecases.gates.kinds import read_policy_of
from .usecases.session import Session, local_now

if TYPE_CHECKING:
    from .config.secrets import Ask

TOOL = "modeldeck 0.1.0"
_FOLDER = ".modeldeck"
_DATABASE = "registry.db"
_FOUND = ("mlflow.db", "mlruns", "wandb")
_URI = "MLFLOW_TRACKING_URI"
_PATIENCE = 5.0


class Wish(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line; empty where nothing was."""

    registry: str = ""
    path: str = ""
    context: str = ""
    readonly: bool = False
    low_bandwidth: bool = False


class Place(Struct, frozen=True, kw_only=True):
    """What was found: a registry of ours, something to open in place, or a context of that `name`.

    `why` says how. The `path` of a context is where we are.
    """

    kind: Literal["registry", "path", "context"]
    path: Path
    why: str
    name: str = ""

    @property
    def context(self) -> str:
        """Its name, or the name that it makes: that of the folder it belongs to."""
        if self.name:
            return self.name
        path = self.path.absolute()
        if path.name == _DATABASE:
            path = path.parent
        if path.name == _FOLDER:
            path = path.parent
        return path.name or "local"

    @property
    def project(self) -> Path:
        """The folder it belongs to, where its `modeldeck.toml` may lie."""
        path = self.path.absolute()
        folder = path if path.is_dir() else path.parent
        return folder.parent if folder.name == _FOLDER else folder


class NothingFoundError(NotFoundError):
    """No registry anywhere; `looked_for` says where, in order."""

    def __init__(self, looked_for: Sequence[str]) -> None:
        super().__init__(
            "no registry found; looked for " + ", ".join(looked_for),
            way_out="`modeldeck demo DIR` makes one to look at, `modeldeck init` an empty one,"
            " `modeldeck context add` names a server",
        )
        self.looked_for = looked_for


def find(wish: Wish, cwd: Path) -> Place:
    """The registry to open, in the order that the documentation gives."""
    if wish.registry and wish.context:
        raise UsageError("--registry and --context name two places", way_out="Give one of them")
    if wish.registry:
        return Place(kind="registry", path=Path(wish.registry), why="--registry")
    if wish.path:
        return Place(kind="path", path=Path(wish.path), why="the command line")
    if wish.context:
        return _context(wish.context, "--context", cwd)
    if named := os.environ.get("MODELDECK_REGISTRY"):
        return Place(kind="registry", path=Path(named), why="MODELDECK_REGISTRY")
    if named := os.environ.get("MODELDECK_CONTEXT"):
        return _context(named, "MODELDECK_CONTEXT", cwd)
    looked = ["MODELDECK_REGISTRY"]
    for folder in (cwd, *cwd.parents):
        if _exists(folder / _FOLDER / _DATABASE):
            return Place(kind="registry", path=folder / _FOLDER, why=f"found in {folder}")
    looked.append(f"{_FOLDER} in {cwd} and above")
    if os.environ.get(_URI):
        return _of_mlflow(_URI, cwd)
    looked.append(_URI)
    for name in _FOUND:
        if _exists(cwd / name):
            return Place(kind="path", path=cwd / name, why=f"found in {cwd}")
        looked.append(f"./{name}")
    if named := read_settings().context:
        return _context(named, "context in config.toml", cwd)
    raise NothingFoundError([*looked, "context in config.toml"])


def _context(name: str, why: str, cwd: Path) -> Place:
    if name == ENV:
        return _of_mlflow(why, cwd)
    known = read_settings().contexts
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, 1)
        raise UsageError(
            f"there is no context {name!r}",
            where=why,
            way_out=f"Did you mean {near[0]}?" if near else "`modeldeck context ls` lists them",
        )
    return Place(kind="context", path=cwd, why=why, name=name)


def _of_mlflow(why: str, cwd: Path) -> Place:
    uri = os.environ.get(_URI, "")
    if not uri or uri.lower().startswith(("http:", "https:")):
        return Place(kind="context", path=cwd, why=why, name=ENV)
    return Place(kind="path", path=_local_store(uri), why=why)


def _exists(path: Path) -> bool:
    # A folder above that we may not look into is no reason to stop.
    try:
        return path.exists()
    except OSError:
        return False


def _local_store(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        return Path(unquote(parts.path)[1:])
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if not parts.scheme:
        return Path(uri)
    raise UsageError(
        f"{_URI} names a store that cannot be opened here ({parts.scheme}:)",
        way_out="Name an http(s) server or a local store, or unset it",
    )


async def open_session(
    wish: Wish,
    cwd: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
    ask: "Ask | None" = None,
) -> Session:
    """Find, check and open. Raises NothingFoundError when there is nothing to open.

    `progress` gets the number of runs read while a store of another tool is indexed. `ask` asks the
    person for the secret of a server; without it nobody is asked.
    """
    session = await _open(find(wish, cwd or Path.cwd()), wish, progress, ask)
    attach(session.registry)
    if not session.readonly and session.folder and waiting(session.folder / "runs"):
        from .usecases.adoption import settle

        # What ails one old run is no reason not to open.
        with contextlib.suppress(ModeldeckError, OSError):
            await settle(session)
    if session.remote and not session.readonly:
        await _reconcile(session)
    return session


async def _reconcile(session: Session) -> None:
    """Find out what became of changes that a crash left open, if the server can be asked now."""
    registry: Any = session.registry
    if not (hasattr(registry, "reconcile") and await registry.records.opened()):
        return
    with contextlib.suppress(ModeldeckError, OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await registry.reconcile()


async def _open(
    place: Place, wish: Wish, progress: Callable[[int], None], ask: "Ask | None"
) -> Session:
    settings = read_settings()
    allowed = frozenset(settings.safe_directories)
    project = read_project(place.project, allowed)
    readonly = readonly_reason(wish, settings)
    if place.kind == "context":
        from .remote import open_context

        session = await open_context(
            place.name, settings, readonly=readonly, project=project, tool=TOOL, ask=ask
        )
        return replace(session, reread=partial(_policy_now, place))
    from modeldeck.backends.local.opening import open_registry

    if place.kind == "registry" and _is_ours(place.path):
        registry = open_registry(
            place.path, read_only=readonly, allowed=allowed, tool=TOOL, clock=local_now
        )
    else:
        from .mirror import open_in_place

        registry = await open_in_place(
            place.path, settings, tool=TOOL, read_only=readonly, progress=progress
        )
    policy = await asyncio.to_thread(read_policy_of, project, settings)
    who = me(settings.signing)
    statements = statements_of(registry, None, policy, local_now)
    share(registry, statements, who)
    return Session(
        context=place.context,
        registry=registry,
        actor=current_actor(who.key),
        directions=dict(project.project.metrics),
        readonly=readonly or registry.read_only,
        policy=policy,
        statements=statements,
        signer=who.signer,
        project=project.path,
        folder=registry.layout.folder,
        clock=local_now,
        reread=partial(_policy_now, place),
    )


def _policy_now(place: Place) -> Policy:
    """The policy in force at a place now."""
    settings = read_settings()
    project = read_project(place.project, frozenset(settings.safe_directories))
    context = None
    if place.kind == "context":
        from .remote import find_context

        context, _ = find_context(place.name, settings)
    return read_policy_of(project, settings, context)


def _is_ours(path: Path) -> bool:
    # What is not there is ours too: then the error speaks of a registry.
    if not _exists(path) or path.name == _DATABASE:
        return True
    return any(_exists(path / place) for place in (_DATABASE, f"{_FOLDER}/{_DATABASE}"))


def make_registry(folder: Path) -> tuple[Path, bool]:
    """Make an empty registry in `folder`; gives its file, and whether it is new."""
    from modeldeck.backends.local.opening import create_registry, open_registry

    home = folder / _FOLDER
    new = not _exists(home / _DATABASE)
    if new:
        registry = create_registry(folder, tool=TOOL)
        # Runs, models and their history are no business of the project's own repository.
        (home / ".gitignore").write_text("*\n", encoding="utf-8")
    else:
        allowed = frozenset(read_settings().safe_directories)
        registry = open_registry(home, allowed=allowed, tool=TOOL)
    asyncio.run(registry.close())
    return registry.layout.database, new


def readonly_reason(wish: Wish, settings: Settings) -> str:
    """Why nothing may be changed; empty when it may."""
    if wish.readonly:
        return "this session was opened with --readonly"
    if os.environ.get("MODELDECK_READONLY", "") not in ("", "0"):
        return "MODELDECK_READONLY is set"
    return "config.toml says readonly" if settings.readonly else ""
