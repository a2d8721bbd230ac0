"""`config.toml` changed by a program: its text is edited, so that all else stays as it was written.

Every edit is proved: what the new text says is what the old one said, but for what was asked for.
"""

import contextlib
import copy
import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from modeldeck.backends.api.errors import ConflictError, UsageError

from .paths import config_file
from .settings import check_settings
from .toml import key_parts

Document = dict[str, Any]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = re.compile(r"\s*\[")


def set_value(text: str, table: Sequence[str], key: str, value: object | None) -> str:
    """`text` with `key` of `table` set, or removed where `value` is None."""
    lines = text.splitlines(keepends=True)
    start, end = _span(lines, tuple(table))
    place = next((at for at in range(start, end) if _names(lines[at], key)), None)
    new = [] if value is None else [f"{_key(key)} = {_value(value)}\n"]
    if place is not None:
        lines[place : place + 1] = [line[:-1] + _comment(lines[place]) for line in new]
    elif new and start == end and table:
        return _joined(text, f"[{'.'.join(map(_key, table))}]\n{new[0]}")
    else:
        at = _after_keys(lines, start, end)
        if not table and at < len(lines) and lines[at].strip():
            new.append("\n")
        lines[at:at] = new
        if at and not lines[at - 1].endswith("\n"):
            lines[at - 1] += "\n"

    def asked(document: Document) -> None:
        inner = document
        for name in table:
            inner = inner.setdefault(name, {})
        if value is None:
            inner.pop(key, None)
        else:
            inner[key] = list(value) if isinstance(value, tuple) else value

    new_text = "".join(lines)
    return _proved(text, new_text if new_text.strip() else "", asked)


def add_tables(text: str, table: Sequence[str], content: Mapping[str, Any]) -> str:
    """`text` with a new table at its end: its plain values, then a table for each mapping."""
    parts = []
    for name, values in _tables(tuple(table), content):
        head = f"[{'.'.join(map(_key, name))}]\n"
        parts.append(head + "".join(f"{_key(k)} = {_value(v)}\n" for k, v in values.items()))

    def asked(document: Document) -> None:
        for name, values in _tables(tuple(table), content):
            inner = document
            for one in name:
                inner = inner.setdefault(one, {})
            inner |= {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    return _proved(text, _joined(text, "".join(parts)), asked)


def remove_table(text: str, table: Sequence[str]) -> str:
    """`text` without a table and those below it; comments before their heads stay."""
    wanted = tuple(table)
    kept: list[str] = []
    lines = text.splitlines(keepends=True)
    heads = [at for at, line in enumerate(lines) if _HEAD.match(line)]
    kept.extend(lines[: heads[0]] if heads else lines)
    for at, end in pairwise([*heads, len(lines)]):
        if _names_of(lines[at])[: len(wanted)] == wanted:
            rest = lines[_after_keys(lines, at + 1, end) : end]
            if rest and not rest[0].strip() and (not kept or not kept[-1].strip()):
                del rest[0]
            kept.extend(rest)
            while end == len(lines) and len(kept) > 1 and not kept[-1].strip():
                del kept[-1]
        else:
            kept.extend(lines[at:end])

    def asked(document: Document) -> None:
        inner = document
        for name in wanted[:-1]:
            inner = inner[name]
        del inner[wanted[-1]]

    return _proved(text, "".join(kept), asked)


def _tables(
    table: tuple[str, ...], content: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Document]]:
    plain = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    inner = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    if plain or not inner:
        yield table, plain
    for name, below in inner.items():
        yield from _tables((*table, name), below)


def _span(lines: Sequence[str], table: tuple[str, ...]) -> tuple[int, int]:
    """The lines of a table without its head; an empty span where there is none."""
    heads = [at for at, line in enumerate(lines) if _HEAD.match(line)]
    if not table:
        return 0, heads[0] if heads else len(lines)
    for at, end in pairwise([*heads, len(lines)]):
        if _names_of(lines[at]) == table:
            return at + 1, end
    return len(lines), len(lines)


def _after_keys(lines: Sequence[str], start: int, end: int) -> int:
    """The line after the last one with more than a comment: what follows is about the next head."""
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _names_of(line: str) -> tuple[str, ...]:
    return key_parts(line.strip().partition("#")[0].strip("[] \t"))


def _names(line: str, key: str) -> bool:
    name, sign, _ = line.partition("=")
    return bool(sign) and key_parts(name) == (key,)


def _comment(line: str) -> str:
    """What follows the value on its line, with the line's end."""
    import tomllib

    for sign in re.finditer(r"\s*(#|$)", line):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(line[: sign.start()])
            return line[sign.start() :]
    return "\n"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _joined(text: str, more: str) -> str:
    if not text.strip():
        return text + more
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}\n{more}"


def _proved(text: str, new: str, asked: Callable[[Document], None]) -> str:
    import tomllib

    wanted = copy.deepcopy(tomllib.loads(text))
    try:
        asked(wanted)
        if _pruned(tomllib.loads(new)) == _pruned(wanted):
            return new
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError):
        pass
    raise UsageError(
        "is written in a way that only a person can change",
        where=str(config_file()),
        way_out="`modeldeck context edit` opens it in your editor",
    )


def _pruned(document: Document) -> Document:
    """Without empty tables, which say nothing."""
    found = {k: _pruned(v) if isinstance(v, dict) else v for k, v in document.items()}
    return {key: value for key, value in found.items() if value != {}}


def change(edit: Callable[[str], str]) -> None:
    """Put what `edit` makes of `config.toml` in its place, if it is as it must be."""
    before = read_text()
    check_settings(before)
    after = edit(before)
    check_settings(after)
    if after != before:
        write_text(before, after)


def read_text() -> str:
    """The user's `config.toml`; empty when there is none."""
    path = config_file()
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8", where=str(path)) from None


def write_text(before: str, after: str) -> None:
    """Replace `config.toml`, for its owner alone, at once; ConflictError when it has changed."""
    path = Path(os.path.realpath(config_file()))
    make_private_folder(path.parent)
    with _locked(path.parent):
        if read_text() != before:
            raise ConflictError(
                "was changed meanwhile; it stays as it is now",
                where=str(path),
                way_out="Do it again",
            )
        replace_file(path, after.encode())


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, where there is none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 beside, and put it in place: it is there whole, or as it was."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # A network file system may have no locks; then the comparison alone must do.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
