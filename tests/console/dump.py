"""What stands on the screen of the console, as plain text; and a console to look at, without time.

    async with open_console(session, size=(80, 24)) as pilot:
        await pilot.press("j")
        await settled(pilot)
        check("runs-80", dump(pilot.app))

The clock stands still, nothing moves by itself, and `settled` waits until every question has been
answered. `MODELDECK_TEST_GOLDEN=write` writes the golden files instead of comparing.
"""

import difflib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from modeldeck.app.config.settings import Settings
from modeldeck.app.console.console import Console
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.events import Actor
from modeldeck.backends.local.opening import open_registry

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
ACTOR = Actor(user="ada", host="lab", session="tty1")
GOLDEN = Path(__file__).parent / "golden"
SIZES = ((80, 24), (120, 40), (200, 50))


def clock() -> datetime:
    """Half past twelve, for good."""
    return NOW


def session_of(path: Path, **options) -> Session:
    """A registry, opened by nobody in particular at half past twelve."""
    registry = open_registry(path, clock=clock)
    return Session(
        **{"context": "lab", "registry": registry, "actor": ACTOR, "clock": clock, **options}
    )


@asynccontextmanager
async def open_console(
    what: Path | Session,
    *,
    size: tuple[int, int] = (80, 24),
    address: str = "",
    settings: Settings | None = None,
) -> AsyncIterator[Pilot[int]]:
    """The console on a registry or a session, settled. A session that was made here is closed."""
    session = session_of(what) if isinstance(what, Path) else what
    console = Console(session, settings or Settings(), address)
    try:
        async with console.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot
    finally:
        if session is not what:
            await session.registry.close()


async def settled(pilot: Pilot[int]) -> None:
    """Wait until no question is open and every message is handled."""
    for _ in range(50):
        await pilot.pause()
        with suppress(WorkerCancelled):  # a newer question took its place
            await pilot.app.workers.wait_for_complete(
                [w for w in pilot.app.workers if not w.is_finished and not w.is_cancelled]
            )
        await pilot.pause()
        if not any(not worker.is_finished for worker in pilot.app.workers):
            return
    raise AssertionError("the console does not come to rest")


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys one after the other and wait for what comes of them."""
    await pilot.press(*keys)
    await settled(pilot)


async def typed(pilot: Pilot[int], text: str) -> None:
    """Type a text letter by letter, in one burst."""
    from textual.keys import _character_to_key

    await pilot.press(*(_character_to_key(char) for char in text))
    await settled(pilot)


def dump(app: App) -> str:
    """The screen as text, one line a row, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    lines = ["".join(s.text for s in strip if not s.control).rstrip() for strip in strips]
    return "\n".join(lines) + "\n"


def check(name: str, shown: str) -> None:
    """Compare with the golden file of that name, or write it when told to."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MODELDECK_TEST_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown)
        return
    wanted = path.read_text() if path.exists() else ""
    if shown != wanted:
        difference = difflib.unified_diff(
            wanted.splitlines(), shown.splitlines(), str(path), "shown", lineterm=""
        )
        raise AssertionError("\n" + "\n".join(difference))
