"""Whatever goes wrong, as one line on stderr and an exit code."""

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from modeldeck.backends.api.errors import FilterError, ModeldeckError

from . import streams

_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


def guarded(main: Callable[[], Any]) -> int:
    """Run the program; gives its exit code. Errors are one line each on stderr."""
    streams.prepare()
    try:
        result = main()
        sys.stdout.flush()
    except ModeldeckError as error:
        return _fail(error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as error:
        streams.say(f"modeldeck: {error.format_message()}")
        return 2
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except OSError as error:
        return _fail_system(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence
        return _crash(error)
    return result if isinstance(result, int) else 0


def _fail(error: ModeldeckError) -> int:
    streams.say(f"modeldeck: {error}")
    if isinstance(error, FilterError):
        from .output import pointed

        for line in pointed(error.text, error.position):
            print(line, file=sys.stderr)
    return error.exit_code


def _drop_stdout() -> None:
    # Whoever read us has gone: let the interpreter's last flush go nowhere.
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    finally:
        os.close(sink)


def _fail_system(error: OSError) -> int:
    if error.errno in {errno.ENOSPC, errno.EDQUOT} and error.filename is None:
        _drop_stdout()
    where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    what = error.strerror or str(error) or type(error).__name__
    code, way_out = 3, "Try again when that is mended"
    if error.errno in _REFUSED:
        code, way_out = 4, "Check the rights of the file and of its folder"
    elif error.errno in _ABSENT:
        code, way_out = 2, "Check the path"
    streams.say(f"modeldeck: {where}{what}. {way_out}")
    return code


def _crash(error: Exception) -> int:
    """Write a report without values of variables, say where it lies."""
    name = type(error).__name__
    try:
        path = _report(error)
    except OSError:
        streams.say(f"modeldeck: an error of modeldeck itself ({name}). Please report it")
        return 1
    streams.say(f"modeldeck: an error of modeldeck itself ({name}). Please report it with {path}")
    return 1


def _report(error: Exception) -> str:
    import platform
    import sqlite3
    import traceback
    from datetime import UTC, datetime

    from modeldeck.app.config.paths import state_folder
    from modeldeck.app.config.redaction import redact
    from modeldeck.app.workspace import TOOL
    from modeldeck.widgets.text import show

    folder = state_folder() / "crashes"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    lines = [
        f"{TOOL}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {platform.platform()}",
        *redact("".join(traceback.format_exception(error))).splitlines(),
    ]
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(f"{show(line)}\n" for line in lines)
    return str(path)
