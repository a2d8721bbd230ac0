"""Plain values held against the shape of a struct: every mistake, not only the first."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from .toml_places import Path


class Mistake(NamedTuple):
    """What is wrong with the value at `path`, and the way out."""

    path: Path
    what: str
    way_out: str = ""


def mistakes(value: Any, kind: Any, path: Path = ()) -> Iterator[Mistake]:
    """Whatever of `value`, as tomllib read it, is no `kind`: a type that msgspec knows."""
    kind = _without_none(kind)
    if is_struct(kind):
        yield from _of_struct(value, kind, path)
    elif get_origin(kind) is Mapping and isinstance(value, dict):
        for key, inner in value.items():
            yield from mistakes(inner, get_args(kind)[-1], (*path, key))
    elif get_origin(kind) is tuple and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from mistakes(inner, get_args(kind)[0], (*path, place))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Mistake(path, f"{_name(path)}: is no finite number")
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what = str(error).partition(" - at `$")[0]
            choices = get_args(kind) if get_origin(kind) is Literal else ()
            yield Mistake(path, f"{_name(path)}: {what}", _choice(value, choices))


def _of_struct(value: Any, kind: type[msgspec.Struct], path: Path) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield Mistake(path, f"{_name(path)}: Expected a table, got {type(value).__name__}")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    meant: set[str] = set()
    for key, inner in value.items():
        if key in fields:
            yield from mistakes(inner, fields[key].type, (*path, key))
        else:
            meant.update(get_close_matches(key, list(fields), 1))
            yield Mistake((*path, key), f"unknown key {key}", suggestion(key, list(fields)))
    for key, field in fields.items():
        if field.required and key not in value and key not in meant:
            yield Mistake(path, f"{_name(path)}: needs {key}")


def suggestion(word: str, known: list[str]) -> str:
    """The known word that was probably meant, or all of them."""
    near = get_close_matches(word, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}"


def is_struct(kind: Any) -> bool:
    """Whether a type is a struct."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _choice(value: Any, choices: tuple[Any, ...]) -> str:
    if not choices:
        return ""
    near = get_close_matches(str(value), [str(choice) for choice in choices], 1)
    return f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(map(repr, choices))}"


def _without_none(kind: Any) -> Any:
    rest = [one for one in get_args(kind) if one is not type(None)]
    return rest[0] if isinstance(kind, UnionType) and len(rest) == 1 else kind


def _name(path: Path) -> str:
    """`gates.production.rules[1].metric`."""
    name = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return name.removeprefix(".")
