"""The program in a real terminal, going through every screen.

`python -m tests.hostile.walk REGISTRY LOG`.

Screens are scrolled through, prompts filled and completed; the log says which were seen.
"""

import asyncio
import sys
from pathlib import Path

from textual.pilot import Pilot

from tests.console.dump import settled
from tests.hostile.screens import OPENED, console_of, session_of
from tests.hostile.strings import ESCAPES

KEYS = ("down", "end", "home", "pagedown")


async def walk(pilot: Pilot[int]) -> None:
    """Open each screen, go through it, leave it."""
    from modeldeck.widgets.prompt import Prompt

    console, seen = pilot.app, []
    await settled(pilot)
    for name, ways in OPENED.items():
        for open_it in ways:
            screen = await open_it(console)
            below = console.screen
            console.push_screen(screen)
            await settled(pilot)
            for key in KEYS:
                await pilot.press(key)
            await settled(pilot)
            found = screen.query(Prompt)
            if hasattr(screen, "ask_line") and found:
                screen.ask_line(
                    "walk", ESCAPES[0], lambda _: None, text=ESCAPES[0], hint=ESCAPES[1]
                )
                await pilot.press("x", "tab", "escape")
            while console.screen is not below:
                console.pop_screen()
            await settled(pilot)
        seen.append(name)
    Path(sys.argv[2]).write_text("\n".join(seen))  # noqa: ASYNC240 - it is over
    console.exit(0)


async def _main(path: Path) -> None:
    session = session_of(path)
    try:
        await console_of(session).run_async(auto_pilot=walk)
    finally:
        await session.registry.close()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
