"""Whether a secret of the session's servers stands in any file that a test has left.

The servers' own folders lie elsewhere. A file below `credentials/` is where a person asked for a
secret to be kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path

ASKED_FOR = "credentials"


def secrets_of(servers: Path) -> Sequence[bytes]:
    """The passwords of servers that were started there, and as a request carries them."""
    found = []
    for made in servers.glob("*.made"):
        try:
            told = json.loads(made.read_bytes())
        except ValueError:  # not one of MLflow's
            continue
        if isinstance(told, dict) and (password := told.get("password")):
            known = f"{told['user']}:{password}".encode()
            found += [password.encode(), base64.b64encode(known)]
    return found


def leaks(root: Path, secrets: Sequence[bytes]) -> Iterator[Path]:
    """The files below `root` that hold any of the secrets."""
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.parent.name == ASKED_FOR:
            continue
        try:
            if path.stat().st_size and _holds(path, secrets):
                yield path
        except OSError:  # what a test made unreadable, or what went meanwhile
            continue


def _holds(path: Path, secrets: Sequence[bytes]) -> bool:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as held:
        return any(held.find(secret) >= 0 for secret in secrets)
