"""Model files as bytes: which format, which digest, and why loading them could be unsafe."""

from .content import Content
from .inspection import inspect, opened_files

__all__ = ["Content", "inspect", "opened_files"]
