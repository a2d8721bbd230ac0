"""A viewer of many lines of foreign text: logs, diffs, documents."""

from .buffer import LineBuffer
from .styles import diff_style, markdown_style
from .view import Reader

__all__ = ["LineBuffer", "Reader", "diff_style", "markdown_style"]
