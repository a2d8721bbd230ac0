"""A context opened: its adapter, who we are to it, and the records of what is done through it."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modeldeck.backends.api.connect import GROUP, Connection, Credentials, Limits, Trust
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, UsageError
from modeldeck.backends.api.protocols import Registry, Server
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.files import check_file_system
from modeldeck.backends.local.opening import create_registry, open_registry

from .config.actor import current_actor
from .config.contexts import ENV, GIT, LOCAL, Context, Slot, expanded, strict
from .config.key_files import me
from .config.paths import cache_folder, state_folder
from .config.secrets import Ask, Kept
from .config.settings import ProjectFile, Settings
from .statements import share, statements_of
from .usecases.gates.kinds import read_policy_of
from .usecases.session import Session, local_now

OURS = {
    "local": "modeldeck.backends.local:LocalBackend",
    "mlflow": "modeldeck.backends.mlflow:connect",
}
"""Our own adapters, as `pyproject.toml` registers them: no other package takes their names."""


def find_context(name: str, settings: Settings) -> tuple[Context, Credentials | None]:
    """The context of that name, and who we are to its registry where that is known already."""
    if name == ENV:
        from .config.mlflow_env import read_environment

        named = read_environment()
        return strict(named.context, settings.contexts), named.credentials
    if name not in settings.contexts:
        raise UsageError(
            f"there is no context {name!r}", way_out="`modeldeck context ls` lists them"
        )
    return settings.contexts[name], None


async def open_context(
    name: str,
    settings: Settings,
    *,
    readonly: str,
    project: ProjectFile,
    tool: str,
    ask: Ask | None = None,
    credentials: Credentials | None = None,
) -> Session:
    """Open it; a server is not spoken to before it is asked something.

    `credentials` are looked for where the context says, unless they are given.
    """
    context, known = find_context(name, settings)
    readonly = readonly or (
        f"context {name} is readonly in config.toml" if context.readonly else ""
    )
    slot = context.registry
    if slot is None:
        raise UsageError(
            f"context {name} has no registry",
            way_out=f"Add [contexts.{name}.registry] to config.toml",
        )
    policy = await asyncio.to_thread(read_policy_of, project, settings, context)
    folder = None
    if slot.type == LOCAL:
        allowed = frozenset(settings.safe_directories)
        registry: Any = await asyncio.to_thread(
            open_registry, expanded(slot.path), read_only=readonly, allowed=allowed, tool=tool
        )
        readonly, folder = readonly or registry.read_only, registry.layout.folder
    else:
        credentials = credentials or known or Kept(name, slot, ask=ask)
        connection = connection_of(name, slot, credentials, readonly, tool)
        registry = await _opened(name, context, slot.type, connection)
    who = me(settings.signing)
    statements = statements_of(registry, context.records, policy, local_now)
    share(registry, statements, who)
    return Session(
        context=name,
        registry=registry,
        actor=current_actor(who.key),
        directions=dict(project.project.metrics),
        readonly=readonly,
        protected=context.protected,
        policy=policy,
        statements=statements,
        signer=who.signer,
        project=project.path,
        folder=folder,
        clock=local_now,
    )


def connection_of(
    name: str, slot: Slot, credentials: Credentials, readonly: str, tool: str
) -> Connection:
    """What the slot's adapter is given."""
    return Connection(
        context=name,
        url=slot.url.rstrip("/"),
        options={**slot.options, "workspace": slot.workspace, "cache": slot.cache},
        credentials=credentials,
        trust=trust_of(slot),
        limits=Limits(deadline=slot.deadline, total=max(Limits().total, slot.deadline)),
        read_only=readonly,
        tool=tool,
        cache_folder=answers_folder(name) if slot.cache == "disk" else None,
    )


def trust_of(slot: Slot) -> Trust:
    """Whom the slot believes on the way to its server."""
    return Trust(
        ca_file=_file(slot.ca_file),
        client_cert=_file(slot.client_cert),
        client_key=_file(slot.client_key),
        proxy=slot.proxy,
        verify=slot.verify,
    )


def _file(path: str) -> str:
    return str(expanded(path)) if path else ""


async def _opened(name: str, context: Context, kind: str, connection: Connection) -> Any:
    backend = _call(kind, load_adapter(kind), connection)
    if isinstance(backend, Registry):
        return backend
    if not isinstance(backend, Server):
        raise UsageError(
            f"the backend {kind} gives neither a registry nor a server",
            where=f"context {name}",
            way_out="Update the package that brings it",
        )
    from modeldeck.backends.journal import Journaled

    try:
        records = await asyncio.to_thread(open_records, name, context.records, connection.tool)
    except BaseException:
        await backend.close()
        raise
    return Journaled(
        backend,
        records,
        tool=connection.tool,
        clock=local_now,
        context=name,
        read_only=connection.read_only,
    )


def _call(kind: str, connect: Callable[[Connection], Any], connection: Connection) -> Any:
    try:
        return connect(connection)
    except ModeldeckError:
        raise
    except Exception as error:
        raise _broken(kind, error) from error


def records_folder(name: str) -> Path:
    """Where what is done in a context is written down, unless its records slot says otherwise."""
    return state_folder() / "contexts" / name


def answers_folder(name: str) -> Path:
    """Where answers of a context's server are kept, if they are."""
    return cache_folder() / "contexts" / name


def forget_answers(name: str) -> None:
    """Remove what is kept of a context's server: somebody else is going to ask it, or nobody."""
    shutil.rmtree(answers_folder(name), ignore_errors=True)


def open_records(name: str, slot: Slot | None, tool: str) -> LocalBackend:
    """The registry that holds them, made at first; RefusedError on a network file system."""
    if slot is not None and slot.type == GIT:
        slot = None
    folder = expanded(slot.path) if slot else records_folder(name)
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    check_file_system(above)
    try:
        return open_registry(folder, tool=tool)
    except NotFoundError:
        if not slot:
            # Not by `parents`, which would make them for everybody to read.
            for made in (state_folder(), folder.parent, folder):
                made.mkdir(mode=0o700, parents=made == state_folder(), exist_ok=True)
        return create_registry(folder, tool=tool)


def adapters() -> Mapping[str, str]:
    """The names and places of all adapters that are installed; none is imported."""
    from importlib.metadata import entry_points

    found = {point.name: point.value for point in entry_points(group=GROUP)}
    return {**found, **OURS}


def load_adapter(kind: str) -> Callable[[Connection], Any]:
    """The adapter of that name. UsageError when there is none, or when it cannot be loaded."""
    from importlib.metadata import EntryPoint, entry_points

    if kind in OURS:
        point = EntryPoint(kind, OURS[kind], GROUP)
    else:
        known = list(entry_points(group=GROUP, name=kind))
        if not known:
            raise UsageError(
                f"there is no backend {kind!r}",
                way_out=f"Installed: {', '.join(sorted(adapters()))}",
            )
        point = known[0]
    try:
        connect: Callable[[Connection], Any] = point.load()
    except (Exception, SystemExit) as error:
        raise _broken(kind, error, str(error)) from error
    return connect


def _broken(kind: str, error: BaseException, words: str = "") -> UsageError:
    name = type(error).__name__
    return UsageError(
        f"the backend {kind!r} is broken ({name}{': ' if words else ''}{words})",
        way_out="Update or uninstall the package that brings it; `modeldeck info` names its place",
    )
