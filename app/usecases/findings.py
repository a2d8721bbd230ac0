"""What a look for trouble finds, and what can be told from the surroundings alone."""

import re
import shutil
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from modeldeck.app.config.terminal import MILLIONS, colours

OLDEST_SQLITE = (3, 37, 0)
SMALLEST = (60, 16)
SLOW_ESCAPE = 100
"""Milliseconds for which a key that begins with Esc may be held back."""


State = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing looked at. `way_out` says what to do when its state is not ok."""

    about: str
    state: State
    shows: str
    way_out: str = ""


def good(about: str, shows: str) -> Finding:
    """All is well."""
    return Finding(about=about, state="ok", shows=shows)


def doubtful(about: str, shows: str, way_out: str = "") -> Finding:
    """It works, and could be better."""
    return Finding(about=about, state="warn", shows=shows, way_out=way_out)


def bad(about: str, shows: str, way_out: str = "") -> Finding:
    """Something is wrong."""
    return Finding(about=about, state="fail", shows=shows, way_out=way_out)


def sqlite_finding(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Finding:
    """Whether SQLite can do what the registry needs."""
    text = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return bad("sqlite", f"{text} is too old", f"Use a Python with SQLite {oldest} or newer")
    return good("sqlite", text)


def python_finding(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Whether this Python is one that we are tested on."""
    text = ".".join(map(str, version))
    if (3, 11) <= version < (3, 14):
        return good("python", text)
    return doubtful("python", f"{text} is not tested", "Use Python 3.11, 3.12 or 3.13")


def terminal_findings(
    environ: Mapping[str, str],
    *,
    terminal: bool,
    size: tuple[int, int] | None = None,
    encoding: str | None = None,
) -> Sequence[Finding]:
    """Whether the console can be drawn here, and in which colours."""
    kind = environ.get("TERM", "")
    found = []
    if not terminal:
        found.append(good("terminal", "stdout is none; the command line is all there is"))
    elif kind in {"", "dumb"}:
        found.append(
            doubtful(
                "terminal",
                f"TERM is {kind or 'not set'}: the console cannot be drawn",
                "Use another terminal, or the command line",
            )
        )
    else:
        columns, lines = size or shutil.get_terminal_size()
        if columns < SMALLEST[0] or lines < SMALLEST[1]:
            needed = f"{SMALLEST[0]}x{SMALLEST[1]}"
            found.append(
                doubtful("terminal", f"{kind}, {columns}x{lines}", f"The console needs {needed}")
            )
        else:
            found.append(good("terminal", f"{kind}, {columns}x{lines}"))
    found.append(good("colour", _colour(environ)))
    encoding = encoding or getattr(sys.stdout, "encoding", None) or ""
    if encoding.lower().replace("-", "") != "utf8":
        found.append(
            doubtful("encoding", encoding or "none", "Set LANG to a UTF-8 locale, or use ascii")
        )
    else:
        found.append(good("encoding", "UTF-8"))
    return found


def _colour(environ: Mapping[str, str]) -> str:
    found = colours(environ)
    if not found:
        return "none: NO_COLOR is set"
    return "16 million" if found == MILLIONS else str(found)


def escape_finding(environ: Mapping[str, str], answer: str | None) -> Finding | None:
    """Whether tmux holds Esc back; `answer` is what it says of escape-time. None outside tmux."""
    if not environ.get("TMUX"):
        return None
    digits = re.search(r"\d+", answer or "")
    if digits is None:
        return doubtful("tmux", "escape-time could not be asked", "Try tmux show -s escape-time")
    time = int(digits.group())
    if time > SLOW_ESCAPE:
        return doubtful(
            "tmux", f"holds Esc back for {time} ms", "Put `set -sg escape-time 10` in ~/.tmux.conf"
        )
    return good("tmux", f"escape-time is {time} ms")


def environment_findings(environ: Mapping[str, str], chosen: str) -> Sequence[Finding]:
    """Variables that decide what is opened. `chosen` says how the registry was found."""
    known = {"REGISTRY", "CONTEXT", "READONLY", "CONFIG", "RUN_DIR", "ON_BEHALF_OF", "COMPLETE"}
    found = []
    for name in sorted(environ):
        head, _, rest = name.partition("_")
        if head == "MODELDECK" and rest not in known and not rest.startswith("TEST_"):
            found.append(
                doubtful("environment", f"{name} means nothing", "Unset it, or mend its name")
            )
    if "MLFLOW_TRACKING_URI" in environ and chosen not in {"", "MLFLOW_TRACKING_URI"}:
        found.append(
            good("environment", f"MLFLOW_TRACKING_URI is set, and {chosen} goes before it")
        )
    return found or [good("environment", "no variable is in the way")]
