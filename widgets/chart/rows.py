"""Rows of text with styles, for pictures that are no lines over x."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..text import cells, clip, show_name

Run: TypeAlias = tuple[str, str]
"""A text that may leave, and the name of its style: `title`, `label`, `axis`, `line-0` ..., ''."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEAST = (20, 4)


class Picture(Protocol):
    """Something to draw: `rows` gives what stands in so many cells."""

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return at most `height` rows of at most `width` cells."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A sentence in place of a picture."""

    said: str

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return the sentence."""
        cut = "~" if ascii_only else "…"
        return [[(clip(show_name(self.said), width, cut), "label")]][:height]


def fitted(picture: Picture, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
    """Return exactly `height` rows of exactly `width` cells."""
    small = width < _LEAST[0] or height < _LEAST[1]
    if small:
        picture = Nothing(f"needs {_LEAST[0]}x{_LEAST[1]}")
    found = picture.rows(width, height, ascii_only=ascii_only)[:height]
    found += [[] for _ in range(height - len(found))]
    return [_exact(row, width) for row in found]


def _exact(row: list[Run], width: int) -> list[Run]:
    left, runs = width, []
    for text, style in row:
        kept = text if cells(text) <= left else clip(text, left, "")
        left -= cells(kept)
        runs.append((kept, style))
        if not left:
            return runs
    return [*runs, (" " * left, "")]


def bar(share: float, width: int, *, ascii_only: bool) -> str:
    """Return a bar over a `share` (0 to 1) of `width` cells; above 0 something is seen of it."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * max(round(share * width), int(share > 0))
    eighths = max(round(share * width * 8), int(share > 0))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def padded(text: str, width: int, *, ascii_only: bool, right: bool = False) -> str:
    """Return foreign `text` in exactly `width` cells."""
    kept = clip(show_name(text), width, "~" if ascii_only else "…")
    room = " " * (width - cells(kept))
    return room + kept if right else kept + room
