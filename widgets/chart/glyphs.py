"""The characters of a chart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters; `dots` are those of one cell, across and up."""

    dots: tuple[int, int]
    markers: str
    up: str
    down: str
    side: str
    side_tick: str
    corner: str
    base: str
    base_tick: str
    cursor: str
    dots_for_cut: str
    braille: bool


UNICODE = Glyphs((2, 4), "●■◆★○□◇☆", "▲", "▼", "│", "┤", "└", "─", "┬", "│", "…", True)
ASCII = Glyphs((1, 1), "*+ox#@%&", "^", "v", "|", "+", "+", "-", "+", ":", "~", False)
