"""The embedded registry: SQLite files in one folder, complete with no server."""

from .backend import LocalBackend
from .opening import create_registry, open_mirror, open_registry

__all__ = ["LocalBackend", "create_registry", "open_mirror", "open_registry"]
