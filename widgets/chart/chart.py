"""The chart widget: keys, view and cells on the screen; the drawing is done in `layout`."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from .colours import NAMES, css
from .glyphs import ASCII, UNICODE, Glyphs
from .model import KINDS, Line, View, XKind, YScale

if TYPE_CHECKING:
    from .layout import Frame, Picture, Run


class Chart(Widget, can_focus=True):
    """Lines over steps or time, with zoom and a reading cursor.

    It draws what it is given: the owner decimates to `columns`, answers `Zoomed` by calling
    `set_lines` with that interval and `keep_view=True`, and `AxisToggled` by calling it with the
    other kind of x. Until an answer comes the points at hand are shown.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = NAMES
    DEFAULT_CSS = css("Chart")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma", "move(-1)", "Cursor left", show=False),
        Binding("full_stop", "move(1)", "Cursor right", show=False),
        Binding("less_than_sign", "move(-10)", "Cursor 10 left", show=False),
        Binding("greater_than_sign", "move(10)", "Cursor 10 right", show=False),
        Binding("plus", "zoom(2.0)", "Zoom in", show=False),
        Binding("minus", "zoom(0.5)", "Zoom out", show=False),
        Binding("left_curly_bracket", "pan(-0.25)", "Pan left", show=False),
        Binding("right_curly_bracket", "pan(0.25)", "Pan right", show=False),
        Binding("0", "reset", "All", show=False),
        Binding("L", "log", "Log y", show=False),
        Binding("X", "axis", "x by step, time or time since the start", show=False),
    ]

    ascii: var[bool] = var(False, init=False)
    """Whether only ASCII characters are drawn."""

    lean: var[bool] = var(False, init=False)
    """Whether the cursor is a mark below the axis instead of a line, for slow links."""

    class Zoomed(Message):
        """Another interval of x is shown: its ends, and for how many columns to decimate."""

        def __init__(self, chart: "Chart", lo: float, hi: float, columns: int) -> None:
            super().__init__()
            self.chart = chart
            self.lo = lo
            self.hi = hi
            self.columns = columns

        @property
        def control(self) -> "Chart":
            """The chart."""
            return self.chart

    class AxisToggled(Message):
        """x should be of another kind; the lines at hand cannot tell, the owner reloads."""

        def __init__(self, chart: "Chart", x_kind: XKind) -> None:
            super().__init__()
            self.chart = chart
            self.x_kind = x_kind

        @property
        def control(self) -> "Chart":
            """The chart."""
            return self.chart

    def __init__(
        self,
        *,
        ascii: bool = False,  # noqa: A002
        lean: bool = False,
        small: bool = False,
        gutter: int = 0,
        zone: tzinfo | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.view = View()
        self._lines: tuple[Line, ...] = ()
        self._title = ""
        self._x_kind: XKind = "step"
        self._log = False
        self.set_reactive(Chart.ascii, ascii)
        self.set_reactive(Chart.lean, lean)
        self._zone = zone
        self._small, self._gutter = small, gutter
        self._note = ""
        self._picture: Picture | None = None
        self._frame: Frame | None = None
        self._strips: list[Strip] = []

    def watch_ascii(self) -> None:
        """Draw with the other characters."""
        self._picture = None
        self._redraw()

    def watch_lean(self) -> None:
        """Draw the other cursor."""
        self.refresh()

    def set_lines(
        self,
        lines: Sequence[Line],
        x_kind: XKind = "step",
        title: str = "",
        y_scale: YScale | None = None,
        *,
        keep_view: bool = False,
        note: str = "",
        span: tuple[float, float] | None = None,
    ) -> None:
        """Show `lines`; `title` is foreign text and made safe here, `note` a word of ours on them.

        `y_scale` None keeps the scale in use. With `keep_view` an interval that was zoomed to and
        the cursor stay (lines may then hold that interval only); without it all is shown anew. What
        is looked at up to its end is followed when it grows. `span`: x that there is room for.
        """
        self._lines = tuple(lines)
        self._note = note
        self._title = title
        if x_kind != self._x_kind:
            keep_view = False
        self._x_kind = x_kind
        if y_scale is not None:
            self._log = y_scale == "log"
        self._picture = None
        # Between two steps there is nothing to see.
        self.view.least = 1.0 if x_kind == "step" else 0.0
        if lines:
            from .geometry import reach

            ends = reach(list(self.picture.series))
            if span is not None:
                ends = span if ends is None else (min(ends[0], span[0]), max(ends[1], span[1]))
            if ends is not None:
                self.view.reach(*ends, keep=keep_view)
        self._redraw_changes()

    def look_at(self, lo: float, hi: float) -> None:
        """Show an interval of x, without asking for its points."""
        if self.view.look(lo, hi):
            self._redraw()

    def set_gutter(self, cells: int) -> None:
        """Leave so many cells for the numbers of y at least."""
        if cells != self._gutter:
            self._gutter, self._picture = cells, None
            self._redraw()

    @property
    def x_kind(self) -> XKind:
        """What x is."""
        return self._x_kind

    @property
    def picture(self) -> "Picture":
        """What is drawn, without the view."""
        if self._picture is None:
            from .geometry import prepare
            from .layout import Picture

            self._picture = Picture(
                self._lines,
                [prepare(line) for line in self._lines],
                self._title,
                self._x_kind,
                self._log,
                self.ascii,
                self._zone,
                self._note,
                self._small,
                self._gutter,
            )
        return self._picture

    @property
    def columns(self) -> int:
        """How many columns to decimate to: those of dots, with two points in each."""
        self._draw()
        if self._frame is not None and self._frame.columns:
            from .layout import pixel_columns

            return pixel_columns(self.picture, self._frame)
        # Not on the screen yet.
        return 80 * self.glyphs.dots[0]

    @property
    def glyphs(self) -> Glyphs:
        """The characters it draws with."""
        return ASCII if self.ascii else UNICODE

    @property
    def text(self) -> str:
        """The chart as it is on the screen, without colour."""
        self._draw()
        return "\n".join(self.render_line(y).text.rstrip() for y in range(self.size.height))

    def render_line(self, y: int) -> Strip:
        """Return one row of cells."""
        self._draw()
        frame = self._frame
        if frame is None or not 0 <= y < len(self._strips):
            return Strip.blank(self.size.width, self.rich_style)
        if not frame.columns or y not in self._marked(frame):
            return self._strips[y]
        return self._with_cursor(y, frame)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return a height in which a chart reads well, where the style says `auto`."""
        return min(viewport.height, 16)

    def notify_style_update(self) -> None:
        """Take the colours of a new theme."""
        super().notify_style_update()
        self._strips = []

    def action_move(self, by: int) -> None:
        """Move the cursor by columns."""
        self._cursor(lambda width: self.view.move(by, width))

    def action_zoom(self, times: float) -> None:
        """Magnify around the cursor."""
        self._show(self.view.zoom(times))

    def action_pan(self, share: float) -> None:
        """Move by a share of what is shown."""
        self._show(self.view.pan(share))

    def action_reset(self) -> None:
        """Show everything."""
        self._show(self.view.reset())

    def action_end(self) -> None:
        """Show the end, as much of it as is shown now."""
        shown, whole = self.view.shown, self.view.whole
        self._show(self.view.look(whole.hi - (shown.hi - shown.lo), whole.hi))

    def action_log(self) -> None:
        """Change between a linear and a logarithmic y."""
        self._log = not self._log
        self._picture = None
        self._redraw()

    def action_axis(self) -> None:
        """Ask for the other kind of x."""
        following = KINDS[(KINDS.index(self._x_kind) + 1) % len(KINDS)]
        self.post_message(self.AxisToggled(self, following))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points."""
        at = event.get_content_offset(self)
        if at is not None and self._frame is not None and self._frame.columns:
            column = at.x - self._frame.left
            self._cursor(lambda width: self.view.put(column, width))

    def _cursor(self, change: Callable[[int], None]) -> None:
        """Move the cursor and repaint what that touches: two columns and the reading."""
        self._draw()
        frame = self._frame
        if frame is None or not frame.columns or not self._lines:
            return
        before = self.view.column(frame.columns)
        change(frame.columns)
        after = self.view.column(frame.columns)
        if before == after:
            return
        self._read()
        regions = [
            Region(frame.left + column, y, 1, 1)
            for y in self._marked(frame)
            for column in (before, after)
            if column is not None
        ]
        self.refresh(*regions, Region(0, frame.height - 1, frame.width, int(frame.reading)))

    def _show(self, changed: bool) -> None:
        if changed:
            shown = self.view.shown
            self.post_message(self.Zoomed(self, shown.lo, shown.hi, self.columns))
            self._redraw()

    def _redraw(self) -> None:
        self._frame = None
        self._strips = []
        self.refresh()

    def _redraw_changes(self) -> None:
        """Draw anew, and repaint only rows that have become others: a new point touches few."""
        before, frame = self._strips, self._frame
        self._frame, self._strips = None, []
        same_size = frame is not None and (frame.width, frame.height) == tuple(self.size)
        if not before or not same_size or self.view.cursor is not None:
            self.refresh()
            return
        self._draw()
        if len(before) != len(self._strips):
            self.refresh()
            return
        changed = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip(before, self._strips, strict=True))
            if old != new
        ]
        if changed:
            self.refresh(*changed)

    def _draw(self) -> None:
        """Draw unless what is drawn still holds; colours are looked up anew after a new theme."""
        width, height = self.size
        if not width or not height:
            return
        if self._frame is None or (self._frame.width, self._frame.height) != (width, height):
            from .layout import compose

            self._frame = compose(self.picture, self.view, width, height)
            self._strips = []
        if not self._strips:
            self._strips = [self._strip(row) for row in self._frame.rows]
            self._read()

    def _read(self) -> None:
        frame = self._frame
        if frame is None or not frame.reading:
            return
        from .reading import reading

        runs = reading(self.picture, self.view, frame.columns, frame.width)
        self._strips[-1] = self._strip(runs)

    def _strip(self, runs: Sequence["Run"]) -> Strip:
        segments = [Segment(text, self._style(name)) for text, name in runs]
        return Strip(segments, sum(segment.cell_length for segment in segments))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"chart--{name}") if name else self.rich_style

    def _marked(self, frame: "Frame") -> list[int]:
        """Return the rows that show the cursor; in the last one it covers what is there.

        A terminal is sent each of them from its left end, so a whole line would cost too much. The
        row of labels costs least: blanks are one byte, the line above it three a cell.
        """
        axis = frame.top + frame.canvas_rows
        return [axis + 1] if self.lean else [*range(frame.top, axis, 3), axis]

    def _with_cursor(self, y: int, frame: "Frame") -> Strip:
        strip = self._strips[y]
        column = self.view.column(frame.columns)
        if column is None:
            return strip
        at = frame.left + column
        covers = y >= frame.top + frame.canvas_rows
        if strip.crop(at, at + 1).text.strip() and not covers:
            return strip  # the line passes behind the data
        glyph = self.glyphs.up if covers else self.glyphs.cursor
        cursor = Strip([Segment(glyph, self._style("cursor"))], 1)
        return Strip.join([strip.crop(0, at), cursor, strip.crop(at + 1)])
