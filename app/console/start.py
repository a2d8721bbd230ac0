"""Opening the console: find the registry, open it, run the program."""

import asyncio

from modeldeck.app.config.settings import read_settings
from modeldeck.app.workspace import Wish, open_session


def run_console(wish: Wish, address: str = "") -> int:
    """Run the console; gives the exit code. Errors on the way there are raised."""
    return asyncio.run(_run(wish, address))


async def _run(wish: Wish, address: str) -> int:
    from .console import Console, mouse_wanted

    settings = read_settings()
    session = await open_session(wish)
    try:
        console = Console(session, settings, address)
        result = await console.run_async(mouse=mouse_wanted(settings))
        return console.return_code or result or 0
    finally:
        await session.registry.close()
