"""Every screen and dialog of the program, opened on hostile data.

`OPENED` says how each class is opened; a class that is not there, and is nobody's base, fails
`test_every_screen.py`: who writes a screen says here how to reach it.
"""

import importlib
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from textual.screen import Screen

from modeldeck.app.config.contexts import Slot
from modeldeck.app.config.settings import Settings
from modeldeck.app.console import screens
from modeldeck.app.console.console import Console
from modeldeck.app.console.user_commands import Started
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.shelf import plan_tags
from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ConflictError
from modeldeck.backends.api.query import Field
from modeldeck.widgets.bar import Part
from tests.hostile.place import RUN, STORED, WORST, ids, place_of
from tests.hostile.strings import LOOKALIKES, NAMES, PATHS

Opened = Screen[Any]
Open = Callable[[Console], Awaitable[Opened]]

ELSEWHERE = {"StartScreen"}
"""Opened by another program, before there is a registry: `test_every_screen.py` does."""


def every_screen() -> dict[str, type[Opened]]:
    """The screens and dialogs that the program has, by name: those that are nobody's base.

    A base that is opened itself is in `OPENED`.
    """
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    found = {cls.__name__: cls for cls in _below(Screen)}
    return {name: cls for name, cls in found.items() if name in OPENED or not any(_below(cls))}


def _below(cls: type[Opened]) -> Iterator[type[Opened]]:
    for one in cls.__subclasses__():
        if one.__module__.startswith("modeldeck.app."):
            yield one
        yield from _below(one)


def session_of(path: Path, **options: Any) -> Session:
    """Of one who may approve; the name of the context and of the person is hostile too."""
    return place_of(path).of("rev2", context=WORST, **options)


def console_of(session: Session) -> Console:
    """The program on it."""
    return Console(session, Settings())


def _made(name: str, *args: Any, **options: Any) -> Open:
    async def make(_: Console) -> Opened:
        return every_screen()[name](*args, **options)

    return make


def _over(name: str) -> Open:
    async def make(console: Console) -> Opened:
        return every_screen()[name](console.screen_stack[-1])

    return make


async def _output(_: Console) -> Opened:
    child = subprocess.Popen([sys.executable, "-c", ""])  # noqa: ASYNC220 - ends at once
    child.wait()
    log = Path(tempfile.mkdtemp()) / "command.log"
    log.write_text("\n".join(NAMES), "utf-8", "replace")
    return every_screen()["CommandLogScreen"](Started(WORST, child, log), WORST)


async def _plan(console: Console) -> Opened:
    session = console.bridge.session
    plan = await plan_tags(session, "run", [RUN], {WORST: WORST, "password": "hunter2"})
    return every_screen()["PlanDialog"](plan, "", WORST, needs=WORST)


def _conflict() -> Open:
    return _made("ConflictDialog", ConflictError(WORST, where=WORST, way_out=WORST))


def _groups(name: str) -> Open:
    """Runs by a tag of that name."""

    async def make(_: Console) -> Opened:
        screens_ = every_screen()
        return screens_["GroupsScreen"](screens_["RunsScreen"](), Field(name, "tags"))

    return make


OPENED: dict[str, Sequence[Open]] = {
    "OverviewScreen": [_made("OverviewScreen")],
    "ExperimentsScreen": [_made("ExperimentsScreen"), _made("ExperimentsScreen", where=WORST)],
    "RunsScreen": [
        _made("RunsScreen"),
        _made("RunsScreen", experiment=WORST),
        _made("RunsScreen", where=WORST, sort=WORST),
    ],
    "GroupsScreen": [_groups(name) for name in (NAMES[0], WORST)],
    "RunScreen": [
        *[
            _made("RunScreen", RUN, part)
            for part in (
                "charts",
                "metrics",
                "tags",
                "data",
                "evaluations",
                "artifacts",
                "lock",
                "log",
            )
        ],
        _made("RunScreen", WORST),
    ],
    "CompareScreen": [_made("CompareScreen", [RUN, ids(0), ids(12)])],
    "PlotScreen": [
        _made("PlotScreen", experiment=WORST, metric=STORED[0]),
        _made("PlotScreen", run_ids=[RUN, ids(0), ids(12)], metric=STORED[0]),
    ],
    "HangsScreen": [
        _made("HangsScreen", address.run(RUN)),
        _made("HangsScreen", address.version(WORST, 1)),
        _made("HangsScreen", address.run(WORST)),
    ],
    "ModelsScreen": [_made("ModelsScreen")],
    "VersionsScreen": [_made("VersionsScreen"), _made("VersionsScreen", WORST)],
    "VersionScreen": [
        *[
            _made("VersionScreen", WORST, 1, part=part)
            for part in (
                "Facts",
                "Metrics",
                "Lineage",
                "Lock",
                "Card",
                "Approvals",
                "History",
                "Files",
            )
        ],
        *[_made("VersionScreen", name, 1) for name in STORED[:3]],
        _made("VersionScreen", WORST, None, alias=WORST),
    ],
    "EventsScreen": [_made("EventsScreen"), _made("EventsScreen", where=WORST)],
    "TimelineScreen": [
        _made("TimelineScreen"),
        _made("TimelineScreen", WORST),
        _made("TimelineScreen", WORST, "[x]$y"),
    ],
    "InboxScreen": [_made("InboxScreen")],
    "ApprovalsScreen": [_made("ApprovalsScreen")],
    "TrashScreen": [_made("TrashScreen")],
    "ContextsScreen": [_made("ContextsScreen", where=WORST)],
    "CallsScreen": [_made("CallsScreen")],
    "KeysScreen": [_over("KeysScreen")],
    "PaletteScreen": [_over("PaletteScreen")],
    "TextScreen": [
        _made("TextScreen", WORST, [*NAMES, *PATHS], numbers=True, about=[Part(WORST, "bad")]),
        _made("TextScreen", WORST, NAMES, wrap=True, address=WORST, command=WORST),
    ],
    "JsonScreen": [_made("JsonScreen", {name: name for name in NAMES}, WORST, WORST)],
    "PlanDialog": [_plan],
    "ConflictDialog": [_conflict()],
    "ColumnsDialog": [
        _made("ColumnsDialog", [], [f"tags.{name}" for name in (*NAMES, *LOOKALIKES)])
    ],
    "CommandLogScreen": [_output],
    "ConfirmDialog": [_made("ConfirmDialog", WORST, WORST, WORST)],
    "ViewsScreen": [_made("ViewsScreen"), _made("ViewsScreen", where=WORST)],
    "JumpScreen": [_made("JumpScreen")],
    "LoginDialog": [
        _made("LoginDialog", WORST, Slot(url=f"https://h/{WORST}", user=WORST)),
        _made("LoginDialog", WORST, Slot(url=WORST, auth="token")),
    ],
}
