"""TOML files into structs, with the line and a suggestion where something does not fit."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modeldeck.backends.api.errors import DamagedError, UsageError

T = TypeVar("T", bound=msgspec.Struct)
_LARGEST = 1 << 20


def read_toml(path: Path, shape: type[T]) -> T:
    """The file at `path` as a `shape`; the shape's defaults when there is no such file."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return shape()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if len(text) > _LARGEST:
        raise DamagedError("is larger than 1 MiB", where=str(path))
    try:
        lines = text.decode()
        found = tomllib.loads(lines)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"is not TOML: {error}", where=str(path)) from None
    _check_keys(found, shape, lines, path, "")
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$.")
        key = at.rstrip("`")
        raise UsageError(
            f"{key}: {what}" if key else what, where=f"{path}:{_line(lines, key)}"
        ) from None


def _check_keys(
    found: Mapping[str, Any], shape: type[msgspec.Struct], text: str, path: Path, above: str
) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for key, value in found.items():
        if key not in fields:
            from difflib import get_close_matches

            near = get_close_matches(key, list(fields), 1)
            raise UsageError(
                f"unknown key {above}{key}",
                where=f"{path}:{_line(text, key)}",
                way_out=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(fields)}",
            )
        inner = fields[key].type
        if (
            isinstance(value, dict)
            and isinstance(inner, type)
            and issubclass(inner, msgspec.Struct)
        ):
            _check_keys(value, inner, text, path, f"{above}{key}.")


def _line(text: str, key: str) -> int:
    last = re.escape(key.rpartition(".")[2])
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[*\s*([\w.\"'-]+\.)?[\"']?{last}[\"']?\s*[\]=.]", line):
            return number
    return 1
