"""Errors of SQLite and of the system as ours: one clear line, naming the file and the way out."""

import errno
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..api.errors import (
    BusyError,
    DamagedError,
    ModeldeckError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
    UsageError,
)

RIGHTS = "Check the rights of the file and of its folder"
RESTORE = "`modeldeck restore BACKUP` brings back the last good one"
_SPACE = "Free some space outside the registry, then try again"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Raise whatever goes wrong with the file at `path` as one of our errors."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise of_sqlite(error, str(path)) from error
    except OSError as error:
        raise of_system(error, str(error.filename or path)) from error
    except UnicodeEncodeError as error:
        raise UsageError("half of a character cannot be stored", where=str(path)) from error
    except OverflowError as error:
        raise UsageError("a number is too large to be stored", where=str(path)) from error
    except (ValueError, RecursionError, struct.error) as error:
        raise _odd(error, str(path)) from error


def of_sqlite(error: sqlite3.Error, where: str) -> ModeldeckError:
    """Our error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    if not code and "malformed" in str(error):
        code = sqlite3.SQLITE_CORRUPT
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyError(
                "is locked by another process",
                where=where,
                way_out="Try again when it has finished",
            )
        case sqlite3.SQLITE_FULL:
            return UnreachableError(
                "the disk is full; nothing was changed", where=where, way_out=_SPACE
            )
        case sqlite3.SQLITE_IOERR:
            return UnreachableError(
                f"the disk failed ({error}); nothing was changed",
                where=where,
                way_out="Look at the disk (space, quota, health), then try again",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return ReadOnlyError("may not be written by you", where=where, way_out=RIGHTS)
        case sqlite3.SQLITE_CANTOPEN:
            return RefusedError("cannot be opened", where=where, way_out=RIGHTS)
        case sqlite3.SQLITE_NOTADB:
            return DamagedError(
                "is not a SQLite database",
                where=where,
                way_out="Name a registry.db, or restore one from a backup",
            )
        case sqlite3.SQLITE_CORRUPT:
            return DamagedError(f"is damaged ({error})", where=where, way_out=RESTORE)
        case sqlite3.SQLITE_INTERRUPT:
            return UnreachableError("was interrupted", where=where)
        case sqlite3.SQLITE_CONSTRAINT:
            return RefusedError(f"a rule of the registry says no ({error})", where=where)
        case sqlite3.SQLITE_TOOBIG:
            return UsageError("a text is too large to be stored", where=where)
        case _:
            return _odd(error, where)


def of_system(error: OSError, where: str) -> ModeldeckError:
    """Our error for one of the operating system's."""
    words = error.strerror or str(error)
    if error.errno in _FULL:
        return UnreachableError(
            "the disk is full; nothing was changed", where=where, way_out=_SPACE
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnlyError("may not be read or written by you", where=where, way_out=RIGHTS)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return NotFoundError("no such file", where=where, way_out="Check the path")
    if error.errno in (errno.ELOOP, errno.EISDIR, errno.EEXIST):
        return RefusedError(
            f"is not a plain file ({words})", where=where, way_out="Name the file itself"
        )
    return UnreachableError(f"the system says: {words}", where=where, way_out="Try again")


def _odd(error: Exception, where: str) -> ModeldeckError:
    return DamagedError(
        f"does not hold what a registry holds ({error})",
        where=where,
        way_out="`modeldeck doctor` looks closer",
    )
