"""The words that stand where rows would be."""

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.style import Style as VisualStyle

from ..text import cells, show_lines


def notice_strip(
    text: str | Content,
    number: int,
    width: int,
    palette: Mapping[str, Style],
    visual: VisualStyle,
) -> Strip:
    """Return one line of a notice: a blank one, then the text, wrapped and centred.

    A `str` may be foreign: it is shown, dim. A `Content` brings its own styles.
    """
    content = Content("\n".join(show_lines(text))) if isinstance(text, str) else text
    lines = content.wrap(width - 4) if number > 0 and width > 6 else []
    if number > len(lines) or not lines:
        return Strip.blank(width, palette[""])
    line = lines[number - 1]
    drawn = (
        [Segment(line.plain, palette["dim"])]
        if isinstance(text, str)
        else line.render_segments(visual)
    )
    wide = sum(cells(segment.text) for segment in drawn)
    blank = Segment(" " * max((width - wide) // 2, 0), palette["dim"])
    return Strip([blank, *drawn]).adjust_cell_length(width, palette[""])
