"""Where a URI of MLflow's points on this machine."""

import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ..api.errors import RefusedError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def scheme_of(uri: str) -> str:
    """The scheme in small letters; empty for a path."""
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


def local_path(uri: str, base: Path) -> Path | None:
    """The path that `uri` names, a relative one below `base`; None when it lies elsewhere.

    RefusedError for one that climbs with `..` or holds a NUL.
    """
    scheme = scheme_of(uri)
    if scheme == "file":
        rest = uri.split(":", 1)[1]
        if rest.startswith("//"):
            host, slash, rest = rest[2:].partition("/")
            if host not in ("", "localhost"):
                return None
            rest = slash + rest
        raw = os.fsdecode(unquote_to_bytes(rest))
    elif scheme:
        return None
    else:
        raw = uri
    if "\0" in raw or ".." in raw.split("/"):
        raise RefusedError(
            "leaves its folder", where=uri, way_out="Name the folder without `..` in its URI"
        )
    return base / raw if raw else None


def remote_name(uri: str) -> str:
    """What to call files that lie elsewhere: the last part of their URI."""
    return uri.rstrip("/").rpartition("/")[2] or uri


def file_uri(path: Path) -> str:
    """The `file://` URI of an absolute path, byte for byte."""
    return path.as_uri()


def plain_part(text: str) -> bool:
    """Whether `text` can be one part of a path and no more."""
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text


def is_file(path: Path) -> bool:
    """Whether a file is there; False also where that cannot be told."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False also where that cannot be told."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0
