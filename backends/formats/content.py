"""What a model file or folder is, told by reading its bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ..api.artifacts import Artifact
from ..api.ingest import Problem

NAMED_LIMIT = 100


class Content(Struct, frozen=True, kw_only=True):
    """A model file or folder.

    `unsafe` lists why loading it could run foreign code, the worst first; empty when nothing of
    the kind is in it, None when nobody can say. `digest` is the SHA-256 of a file's bytes, or of a
    folder's manifest: for each file in order of path its path, NUL, size, NUL, SHA-256 in hex,
    newline. `problems` names what was left out or could not be read.
    """

    format: str
    unsafe: tuple[str, ...] | None
    signature: Mapping[str, Any] | None = None
    digest: str
    size: int
    files: tuple[Artifact, ...] = ()
    details: Mapping[str, Any] = {}
    problems: tuple[Problem, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """What the bytes of one file say."""

    format: str = "unknown"
    unsafe: tuple[str, ...] | None = None
    signature: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = {}


class DamagedBytesError(ValueError):
    """The bytes are not what they pretend to be. The text goes on after "it"."""


def shortened(items: Sequence[str], what: str) -> tuple[str, ...]:
    """The first of `items`, and how many more of `what` there are."""
    if len(items) <= NAMED_LIMIT:
        return tuple(items)
    return (*items[:NAMED_LIMIT], f"{len(items) - NAMED_LIMIT} more {what}")
