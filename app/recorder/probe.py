"""What a Python interpreter is and has installed.

This file is also sent as it stands to another interpreter (`-I -c`), which may be older and has
nothing of ours: it uses the standard library alone and the grammar of Python 3.8.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from importlib import metadata
from typing import Any


def describe() -> dict[str, Any]:
    """The interpreter and its distributions, as plain data."""
    return {
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "packages": sorted(_packages(_places())),
    }


def _places() -> list[str]:
    """Where the command will look for packages.

    An isolated interpreter (`-I`) leaves out PYTHONPATH and the user's own site-packages, which the
    command will have: both are looked at here, and nothing is imported from them.
    """
    places = list(sys.path)
    if sys.flags.isolated:
        extra = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if sys.prefix == sys.base_prefix and not os.environ.get("PYTHONNOUSERSITE"):
            import site

            extra.append(site.getusersitepackages())
        places = [place for place in extra if place] + places
    return places


def _packages(places: list[str]) -> list[list[Any]]:
    """Name, version, digest of RECORD, URL of an editable install; the first found of a name."""
    found: dict[str, list[Any]] = {}
    for distribution in metadata.distributions(path=places):
        head = _head(distribution)
        name = head.get("name")
        if not name:
            continue
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key not in found:
            row = [name, head.get("version", ""), _record(distribution), _editable(distribution)]
            found[key] = row
    return list(found.values())


def _head(distribution: metadata.Distribution) -> dict[str, str]:
    """The first lines of METADATA: parsing a whole one as mail costs more than all else here."""
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, UnicodeDecodeError):
        return {}
    head: dict[str, str] = {}
    for line in text.splitlines():
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and name.lower() not in head:
            head[name.lower()] = value.strip()
        if "name" in head and "version" in head:
            break
    return head


def _record(distribution: metadata.Distribution) -> str | None:
    """The SHA-256 of the bytes of RECORD. The path is no public word, the text is the way round."""
    path = getattr(distribution, "_path", None)
    try:
        if path is not None:
            data = path.joinpath("RECORD").read_bytes()
        else:
            text = distribution.read_text("RECORD")
            if text is None:
                return None
            data = text.encode("utf-8", "surrogateescape")
    except (OSError, KeyError, AttributeError, UnicodeError):
        return None
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _editable(distribution: metadata.Distribution) -> str | None:
    """Where an editable install comes from, without a user or password in it."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "null")
        if not origin["dir_info"].get("editable"):
            return None
        return re.sub(r"(?<=://)[^/?#]*@", "", str(origin["url"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


if __name__ == "__main__":
    json.dump(describe(), sys.stdout)
