"""TOML files into structs, with the line and a suggestion where something does not fit."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from modeldeck.backends.api.errors import DamagedError, UsageError

T = TypeVar("T", bound=msgspec.Struct)
_LARGEST = 1 << 20
_SECRETS = {"password", "passwd", "pass", "token", "secret", "api_key", "apikey", "credential"}
_KEY = r"""\s*([\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')\s*"""


def read_toml(path: Path, shape: type[T], *, later: Collection[str] = ()) -> T:
    """The file at `path` as a `shape`; the shape's defaults when there is no such file.

    Tables named in `later` may be there, and are left out.
    """
    text = read_text(path)
    return shape() if text is None else parse_toml(text, path, shape, later=later)


def parse_toml(text: str, path: Path, shape: type[T], *, later: Collection[str] = ()) -> T:
    """As `read_toml`, from the text of the file at `path`."""
    found = {key: value for key, value in _parse(text, path).items() if key not in later}
    _check_keys(found, shape, text, path, (), later)
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        raise _misfit(error, found, shape, text, path) from None


def read_keys(path: Path) -> Sequence[str]:
    """The keys at the top of the file; none when there is no such file."""
    text = read_text(path)
    return () if text is None else top_keys(text, path)


def top_keys(text: str, path: Path) -> Sequence[str]:
    """As `read_keys`, from the text of the file at `path`."""
    return tuple(_parse(text, path))


def place_of(path: Path, keys: Sequence[str], text: str | None = None) -> str:
    """The file and the line on which the key is written; `text` where that is not the file's."""
    if text is None:
        text = read_text(path) or ""
    return f"{path}:{_line(text, keys)}"


def read_text(path: Path) -> str | None:
    """The file at `path`; None when there is none. UsageError for what cannot be text."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if len(data) > _LARGEST:
        raise DamagedError("is larger than 1 MiB", where=str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError("is not UTF-8", where=f"{path}:{line}") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, at = str(error).partition(" (at line ")
        line = at.partition(",")[0]
        where = f"{path}:{line}" if line.isdigit() else str(path)
        raise UsageError(f"is not TOML: {what}", where=where) from None
    except RecursionError:
        raise UsageError("is not TOML: too deep", where=str(path)) from None


def _check_keys(
    found: Mapping[str, Any],
    shape: type[msgspec.Struct],
    text: str,
    path: Path,
    above: tuple[str, ...],
    later: Collection[str] = (),
) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for key, value in found.items():
        here = (*above, key)
        if key not in fields:
            raise UsageError(
                f"unknown key {'.'.join(here)}",
                where=f"{path}:{_line(text, here)}",
                way_out=_suggestion(key, [*fields, *later]),
            )
        if not isinstance(value, dict):
            continue
        kind = _without_none(fields[key].type)
        if _is_struct(kind):
            _check_keys(value, kind, text, path, here)
        elif get_origin(kind) is Mapping and _is_struct(inner := get_args(kind)[-1]):
            for name, one in value.items():
                if isinstance(one, dict):
                    _check_keys(one, inner, text, path, (*here, name))


def _suggestion(key: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    if key.lower() in _SECRETS:
        return "A secret does not belong in this file: `modeldeck login` keeps it"
    near = get_close_matches(key, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}"


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _without_none(kind: Any) -> Any:
    rest = [one for one in get_args(kind) if one is not type(None)]
    return rest[0] if isinstance(kind, UnionType) and len(rest) == 1 else kind


def _misfit(
    error: msgspec.ValidationError,
    found: Mapping[str, Any],
    shape: type[msgspec.Struct],
    text: str,
    path: Path,
) -> UsageError:
    what, _, at = str(error).partition(" - at `$")
    place, kind = _resolve(at.rstrip("`"), found, shape)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    key = ".".join(place)
    return UsageError(
        f"{key}: {what}" if key else what,
        where=f"{path}:{_line(text, place)}",
        way_out=f"Write one of {', '.join(map(repr, choices))}" if choices else "",
    )


def _resolve(at: str, found: Any, kind: Any) -> tuple[tuple[str, ...], Any]:
    """The keys of msgspec's `.metrics[...]`, which does not name a mapping's key, and the type."""
    place: list[str] = []
    for name, item in re.findall(r"\.([^.\[]+)|(\[[^\]]*\])", at):
        kind = _without_none(kind)
        if name and _is_struct(kind):
            kind = next(f.type for f in msgspec.structs.fields(kind) if f.encode_name == name)
            found = found[name]
            place.append(name)
        elif item == "[...]" and isinstance(found, dict):
            kind = get_args(kind)[-1]
            wrong = next(key for key, value in found.items() if not _fits(value, kind))
            found = found[wrong]
            place.append(wrong)
    return tuple(place), _without_none(kind)


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _line(text: str, place: Sequence[str]) -> int:
    """The line on which the key at `place` is written; 1 when it cannot be found."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        head = line.strip()
        if head.startswith("["):
            table = key_parts(head.strip("[]"))
            if table[: len(place)] == tuple(place):
                return number
            continue
        name, sign, _ = line.partition("=")
        if sign and (*table, *key_parts(name))[: len(place)] == tuple(place):
            return number
    return 1


def key_parts(text: str) -> tuple[str, ...]:
    """The parts of a dotted key as it is written."""
    return tuple(match[1].strip("\"'") for match in re.finditer(_KEY, text.partition("#")[0]))
