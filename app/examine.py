"""What `modeldeck doctor` looks at: the registry's own files, settings, the surroundings."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.files import Layout, locate

from .config.paths import config_file, system_config_file
from .config.settings import read_project, read_settings
from .examine_files import file_findings
from .usecases.findings import (
    Finding,
    bad,
    doubtful,
    environment_findings,
    escape_finding,
    good,
    python_finding,
    sqlite_finding,
    terminal_findings,
)
from .usecases.session import Session
from .whereabouts import secret_findings
from .workspace import Place, Wish, find, open_session

if TYPE_CHECKING:
    from .config.secrets import Ask


async def examine(
    wish: Wish, cwd: Path | None = None, ask: "Ask | None" = None
) -> Sequence[Finding]:
    """Everything that can be looked at from here. Raises nothing: what fails is a finding.

    `ask` asks the person for the secret of a server.
    """
    found = [python_finding(), sqlite_finding(), *_configuration()]
    cwd = cwd or Path.cwd()
    place = None
    try:
        place = find(wish, cwd)
        session = await open_session(wish, cwd, ask=ask)
    except ModeldeckError as error:
        where = f"{error.where}: " if error.where else ""
        found.append(bad("registry", f"{where}{error.what}", error.way_out))
        if place is not None:
            found.extend(await _damaged(place))
    else:
        try:
            found.extend(await _registry(session, place))
        finally:
            await session.registry.close()
    found.extend(environment_findings(os.environ, place.why if place else ""))
    found.extend(terminal_findings(os.environ, terminal=sys.stdout.isatty()))
    if (tmux := escape_finding(os.environ, _escape_time())) is not None:
        found.append(tmux)
    found.extend(await secret_findings())
    return found


def _configuration() -> Iterator[Finding]:
    for path in (config_file(), system_config_file()):
        if path.exists():
            yield good("settings", str(path))
    try:
        read_settings()
    except ModeldeckError as error:
        yield bad("settings", f"{error.where}: {error.what}", error.way_out)


def _escape_time() -> str | None:
    if not os.environ.get("TMUX"):
        return None
    try:
        done = subprocess.run(
            ["tmux", "show", "-sv", "escape-time"],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


async def _registry(session: Session, place: Place) -> Sequence[Finding]:
    backend: Any = session.registry
    found = [good("registry", f"{backend.place} ({place.why})")]
    if session.readonly:
        found.append(doubtful("registry", session.readonly))
    found.extend(_project(session))
    found.extend(await _sharing(session))
    if isinstance(backend, LocalBackend) and backend.source is None:
        found.extend(await file_findings(backend.layout))
    if session.remote:
        from .examine_server import server_findings

        found.extend([one async for one in server_findings(session)])
    return found


async def _sharing(session: Session) -> Sequence[Finding]:
    from .examine_sharing import sharing_findings

    return await sharing_findings(session)


async def _damaged(place: Place) -> Sequence[Finding]:
    if place.kind == "context":
        from .examine_server import records_findings

        return await records_findings(place.name)
    if place.kind == "path":
        return []
    try:
        return await file_findings(Layout(locate(place.path)))
    except NotFoundError:
        return []


def _project(session: Session) -> Iterator[Finding]:
    if session.project is None:
        yield good("project", "no modeldeck.toml; no metric has a direction")
        return
    later = read_project(session.project.parent, frozenset("*")).later
    yield good("project", f"{session.project}, metrics with a direction: {len(session.directions)}")
    if later:
        yield doubtful("project", f"{', '.join(later)}: of no effect in this version")
