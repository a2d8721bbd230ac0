"""Opening the console: find the registry, open it, run the program."""

import asyncio
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from modeldeck.app.config.settings import Settings, read_settings
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import NothingFoundError, Wish, open_session
from modeldeck.backends.api.errors import ModeldeckError, UsageError
from modeldeck.widgets.text import show

from .asking import Asking

if TYPE_CHECKING:
    from .console import Console

SIGNALLED = 128
"""An exit code above it is that of a signal; the terminal may go away with any of them."""
AHEAD = 0.05
"""Seconds after which the program is imported while what is far or long is still being read."""
PATIENCE = 0.7
"""Seconds after which a person is told that a store is being read."""


def run_console(wish: Wish, address: str = "", *, back: bool = False) -> int:
    """Run the console; gives the exit code. Errors on the way there are raised.

    `back` goes to where one was the last time.
    """
    check_terminal()
    # The first frame is a burst of imports: nothing to collect, much to walk through.
    gc.disable()
    code = asyncio.run(_run(wish, address, back=back))
    if code > SIGNALLED:
        _drop_output()
    return code


def _drop_output() -> None:
    # What is left to say would end the interpreter with a code of its own.
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with suppress(OSError):
                stream.flush()
            os.dup2(sink, stream.fileno())
    os.close(sink)


def check_terminal() -> None:
    """Raise UsageError where there is no terminal that a console can be shown on."""
    way_out = "`modeldeck status` prints the overview, `modeldeck --help` lists what else does"
    for name, stream in (("stdin", sys.__stdin__), ("stderr", sys.__stderr__)):
        try:
            there = stream is not None and stream.isatty()
        except ValueError:
            there = False
        if not there:
            raise UsageError(f"the console needs a terminal, and {name} is none", way_out=way_out)
    if os.environ.get("TERM", "") in ("", "dumb"):
        term = os.environ.get("TERM", "")
        raise UsageError(
            f"a terminal that moves no cursor (TERM={term}) cannot show the console",
            way_out=way_out,
        )


async def _run(wish: Wish, address: str, *, back: bool) -> int:
    settings, asking = read_settings(), Asking()
    if wish.low_bandwidth:
        settings = replace(settings, low_bandwidth=True)
    try:
        session = await _open(wish, asking)
    except NothingFoundError as nothing:
        found = await _start(settings, nothing, asking)
        if found is None:
            return 0
        session = found
    goes = ""
    while True:
        try:
            console = await _show(session, settings, address, goes, wish, asking, back=back)
        finally:
            await session.registry.close()
        if console.following is None:
            return console.return_code or console.return_value or 0
        session, goes, address = console.following.session, console.following.goes, ""
        back = False


async def _show(
    session: Session,
    settings: Settings,
    address: str,
    goes: str,
    wish: Wish,
    asking: Asking,
    *,
    back: bool,
) -> "Console":
    first = None
    if not address and not session.remote:
        from .first_look import FirstLook

        # The registry is read while the program is imported, which takes longer.
        first = FirstLook(session)
        await asyncio.to_thread(_import_console)
    from .console import Console
    from .deck import mouse_wanted

    console = Console(
        session,
        settings,
        address,
        goes=goes,
        readonly=wish.readonly,
        asking=asking,
        back=back,
        first_look=first,
    )
    asking.console = console
    try:
        await console.run_async(mouse=mouse_wanted(settings))
    finally:
        asking.console = None
        if first is not None:
            first.drop()
    return console


async def _open(wish: Wish, asking: Asking | None = None) -> Session:
    loop = asyncio.get_running_loop()
    begun, told = loop.time(), False

    def tell(runs: int = 0) -> None:
        nonlocal told
        if loop.time() - begun >= PATIENCE:
            told = True
            count = f" {runs:,} runs" if runs else ""
            sys.stderr.write(
                f"\rreading {show(wish.path or wish.context or 'what lies here')} ...{count}"
            )
            sys.stderr.flush()

    timers = [
        loop.call_later(AHEAD, loop.run_in_executor, None, _import_console),
        loop.call_later(PATIENCE, tell),
    ]
    try:
        return await open_session(wish, progress=tell, ask=asking)
    finally:
        for timer in timers:
            timer.cancel()
        if told:
            sys.stderr.write("\n")


def _import_console() -> None:
    for name in (".screens.overview", ".console"):
        import_module(name, __package__)


async def _start(settings: Settings, nothing: NothingFoundError, asking: Asking) -> Session | None:
    from .deck import mouse_wanted
    from .startapp import StartApp

    said = ""
    while True:
        app = StartApp(settings, nothing.looked_for, said)
        await app.run_async(mouse=mouse_wanted(settings))
        if app.chosen is None:
            return None
        try:
            return await _open(app.chosen, asking)
        except ModeldeckError as error:
            said = str(error)
