"""Which Python a command runs, and what that Python is and has."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from . import probe
from .ask import ask

_PYTHON = re.compile(r"(python|pypy)[0-9.]*w?$")
_EXEC = re.compile(rb"'exec' (\S+)")
_HEAD = 512


class Interpreter(Struct, frozen=True, kw_only=True):
    """An interpreter and its packages: rows of name, version, digest of RECORD, editable URL."""

    python: str
    implementation: str
    executable: str
    packages: Sequence[tuple[str, str, str | None, str | None]]


def python_of(command: Sequence[str], cwd: str | os.PathLike[str]) -> str:
    """The interpreter that `command` runs by its first word; "" when that is no Python.

    The first word is an interpreter, or a script whose first line names one (also through `env`,
    and through `/bin/sh` as installers do for long paths).
    """
    if not command:
        return ""
    word = _located(command[0], cwd)
    if word is None or _PYTHON.match(os.path.basename(word)):  # noqa: PTH119
        return word or ""
    named = _shebang(word)
    if named is None:
        return ""
    found = _located(named, cwd)
    return found if found and _PYTHON.match(os.path.basename(named)) else ""  # noqa: PTH119


def interpreter(python: str | None, cwd: str | os.PathLike[str]) -> Interpreter | None:
    """What `python` is and has; our own for None; None when it does not tell."""
    if python is None or os.path.abspath(python) == os.path.abspath(sys.executable):  # noqa: PTH100
        return _checked(probe.describe())
    if not python:
        return None
    source = Path(probe.__file__).read_text(encoding="utf-8")
    answer = ask([python, "-I", "-c", source], cwd=cwd, limit=8 << 20, seconds=20)
    if answer is None or not answer.good or answer.cut:
        return None
    try:
        return _checked(msgspec.json.decode(answer.output))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _checked(told: Any) -> Interpreter | None:
    try:
        return msgspec.convert(told, Interpreter)
    except msgspec.ValidationError:
        return None


def _located(word: str, cwd: str | os.PathLike[str]) -> str | None:
    """Where a command's word lies, as a shell standing in `cwd` would find it."""
    if os.sep in word:
        path = os.path.join(cwd, word)  # noqa: PTH118
        return path if os.access(path, os.X_OK) else None
    return shutil.which(word)


def _shebang(path: str) -> str | None:
    """The program that a script's first line names."""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        head = os.read(descriptor, _HEAD)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if not head.startswith(b"#!"):
        return None
    first, _, rest = head[2:].partition(b"\n")
    words = [os.fsdecode(word) for word in first.split()]
    if not words:
        return None
    name = os.path.basename(words[0])  # noqa: PTH119
    if name == "env":
        return next(
            (word for word in words[1:] if not word.startswith("-") and "=" not in word), None
        )
    if name == "sh" and (found := _EXEC.search(rest)):
        return os.fsdecode(found[1].strip(b"'\""))
    return words[0]
