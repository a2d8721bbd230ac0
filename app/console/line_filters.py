"""What every line passes on its way to the terminal: the last defence, and plain ASCII."""

import os
import re

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ASCII = str.maketrans("…▾▸▲▼─│•×", "~v>^v-|*x")


class Scrub(LineFilter):
    """The last defence: no control byte of any text reaches the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Replace what `show` should never have let through."""
        if not any(_UNSAFE.search(text) for text, _, control in segments if not control):
            return segments
        return [
            Segment(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text), style, control)
            for text, style, control in segments
        ]


class Ascii(LineFilter):
    """For a terminal that knows ASCII alone: our own signs as its letters, others as `?`."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Replace every other character by as many letters as it had cells."""
        if all(text.isascii() for text, _, _ in segments):
            return segments
        return [
            Segment(text if text.isascii() else plain_ascii(text), style, control)
            for text, style, control in segments
        ]


def plain_ascii(text: str) -> str:
    """`text` in as many cells of ASCII."""
    known = text.translate(_ASCII)
    return "".join(c if c.isascii() else "?" * get_character_cell_size(c) for c in known)


def ascii_terminal() -> bool:
    """Whether the terminal says that it knows no more than ASCII."""
    term, lang = os.environ.get("TERM", ""), os.environ.get("LANG", "")
    ctype = os.environ.get("LC_CTYPE", "")
    if lang in ("C", "POSIX") and ctype == "C.UTF-8":
        ctype = ""  # Python itself sets this where the locale is C
    locale = os.environ.get("LC_ALL") or ctype or lang
    return term in ("linux", "vt100", "dumb") or bool(locale and "utf" not in locale.lower())
