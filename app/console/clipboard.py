"""Copying over SSH: through tmux where it runs, else by the terminal's own escape, else a file."""

import asyncio
import base64
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from modeldeck.app.config.paths import state_folder
from modeldeck.app.config.redaction import redact

LARGEST = 74_994
"""Bytes of text that terminals take in one escape: 100,000 in all, as base64."""
PIECE = 512
"""Bytes of an escape that GNU screen passes on at once; it cuts what is longer than 768."""
PATIENCE = 2.0

Route = Literal["tmux", "screen", "terminal", "file"]


def route(environ: Mapping[str, str], size: int) -> Route:
    """Which way `size` bytes can go."""
    if environ.get("TMUX"):
        return "tmux"
    if size > LARGEST or environ.get("TERM", "") in ("", "dumb", "linux"):
        return "file"
    return "screen" if environ.get("STY") else "terminal"


def escape(text: str, *, in_screen: bool = False) -> str:
    """OSC 52 for `text`; in GNU screen wrapped in pieces that it passes on."""
    whole = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if not in_screen:
        return whole
    pieces = (whole[at : at + PIECE] for at in range(0, len(whole), PIECE))
    return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)


async def by_tmux(text: str) -> bool:
    """Give it to tmux; whether it was taken within `PATIENCE` seconds."""
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", "load-buffer", "-w", "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate(text.encode())
    except (TimeoutError, OSError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return process.returncode == 0


def to_file(text: str) -> Path:
    """Write it where only its owner reads."""
    path = state_folder() / "copied.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(text.encode())
    return path


def copied(text: str, way: str) -> str:
    """What to say of it: what, how much, which way it went."""
    count = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
    shown = f"{text} " if len(text) <= 60 and text.isprintable() else ""
    return f"copied {shown}({count}, {way})"


def safe(text: str) -> str:
    """The text without the secrets that are known."""
    return redact(text)
