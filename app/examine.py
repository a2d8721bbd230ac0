"""What `modeldeck doctor` looks at: the registry's own files, settings, the surroundings."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.checkup import Weight, check
from modeldeck.backends.local.files import Layout, locate

from .config.paths import config_file, system_config_file
from .config.settings import read_project, read_settings
from .usecases.findings import (
    Finding,
    State,
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

_LITTLE_SPACE = 1 << 29


async def examine(wish: Wish, cwd: Path | None = None) -> Sequence[Finding]:
    """Everything that can be looked at from here. Raises nothing: what fails is a finding."""
    found = [python_finding(), sqlite_finding(), *_configuration()]
    cwd = cwd or Path.cwd()
    place = None
    try:
        place = find(wish, cwd)
        session = await open_session(wish, cwd)
    except ModeldeckError as error:
        where = f"{error.where}: " if error.where else ""
        found.append(bad("registry", f"{where}{error.what}", error.way_out))
        if place is not None and place.kind == "registry":
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
    backend = session.registry
    found = [good("registry", f"{backend.place} ({place.why})")]
    if session.readonly:
        found.append(doubtful("registry", session.readonly))
    found.extend(_project(session))
    if isinstance(backend, LocalBackend) and backend.source is None:
        found.extend(await _files(backend.layout))
    return found


async def _damaged(place: Place) -> Sequence[Finding]:
    try:
        return await _files(Layout(locate(place.path)))
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


async def _files(layout: Layout) -> Sequence[Finding]:
    free = shutil.disk_usage(layout.folder).free
    disk = good("disk", f"{free >> 30} GiB are free")
    if free < _LITTLE_SPACE:
        disk = doubtful("disk", f"{free >> 20} MiB are free", "Free some space")
    found = [
        Finding(
            about="files",
            state=_STATES[one.weight],
            shows=f"{one.where}: {one.what}",
            way_out=one.way_out,
        )
        for one in await asyncio.to_thread(check, layout)
    ]
    if all(one.state == "ok" for one in found):
        found.append(
            good("files", "whole and private; artifacts, aliases and the audit trail hold")
        )
    return [disk, *found]


_STATES: Mapping[Weight, State] = {Weight.BAD: "fail", Weight.DOUBTFUL: "warn", Weight.NOTE: "ok"}
