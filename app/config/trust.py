"""Whose files we believe."""

import os
from pathlib import Path

from modeldeck.backends.api.errors import RefusedError


def check_trusted(path: Path, allowed: frozenset[str] = frozenset()) -> None:
    """Refuse a file of another user: a planted one could speak for us.

    `allowed` holds resolved folders that the configuration trusts, or `"*"`.
    """
    owner = path.stat().st_uid
    folder = str(path.resolve().parent)
    if owner in (os.getuid(), 0) or "*" in allowed or folder in allowed:
        return
    import pwd

    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = str(owner)
    raise RefusedError(
        f"belongs to {name}, not to you",
        where=str(path),
        way_out=f'If you trust it, add safe_directories = ["{folder}"] to config.toml',
    )
