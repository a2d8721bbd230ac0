"""A picture of the screen that every program draws alike."""

import html
import re

from rich.cells import cell_len

FONT = "@font-face"
BLANK = " \N{NO-BREAK SPACE}"
TEXT = re.compile(
    r'(?P<head><text [^>]*?)x="(?P<x>[\d.]+)" (?P<y>y="[\d.]+") textLength="(?P<length>[\d.]+)"'
    r"(?P<clip>[^>]*)>(?P<text>[^<]*)</text>"
)


def plain(svg: str) -> str:
    """The picture with no fonts from elsewhere and no blanks at the edges of its texts.

    Some programs that draw SVG drop such blanks and then draw the rest in the wrong place.
    """
    # What is shown may have these words too, after the style.
    style, tag, shown = svg.partition("</style>")
    start, end = style.find(FONT), style.rfind(FONT)
    if start >= 0:
        style = style[:start] + style[style.index("}", end) + 1 :]

    def trimmed(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        cells, inner = cell_len(text), text.strip(BLANK)
        if not inner or not cells:
            return ""
        wide = float(found["length"]) / cells
        x = float(found["x"]) + cell_len(text[: text.index(inner)]) * wide
        size = f'textLength="{cell_len(inner) * wide:.1f}"'
        words = html.escape(inner).replace("\N{NO-BREAK SPACE}", "&#160;")
        return f'{found["head"]}x="{x:.1f}" {found["y"]} {size}{found["clip"]}>{words}</text>'

    return style + tag + TEXT.sub(trimmed, shown)
