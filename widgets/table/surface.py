"""What a table draws: only the lines that changed go to the screen."""

from collections.abc import Sequence

from rich.style import Style
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from .look import NAMES
from .model import Column, ListSource, Source, known
from .notice import notice_strip
from .render import head_runs, plain, row_runs, segments
from .state import HeadLine, LineState, NoticeLine, RowLine, TableState


class Surface(Widget):
    """Lines over a `TableState`, without keys.

    Rows are drawn line by line from what the source has; after every change the lines in sight
    are compared with those on the screen, and only the others are drawn again.
    """

    ALLOW_SELECT = False

    def __init__(
        self,
        columns: Sequence[Column] = (),
        source: Source | None = None,
        *,
        empty: str | Content = "nothing here",
        reading: str | Content = "reading ...",
        ascii_only: bool = False,
        head: bool = True,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._state = TableState(columns, ListSource() if source is None else source)
        self._state.head = 1 if head else 0
        self._state.ascii_only = ascii_only
        self._notices = {"empty": empty, "reading": reading}
        self._lines: list[LineState] = []
        self._drawn: dict[int, LineState] = {}
        self._palette: dict[str, Style] = {}

    def on_mount(self) -> None:
        """Take the first measures."""
        self._sync()

    def on_resize(self) -> None:
        """Fit columns and rows to the new size."""
        self._sync()

    def notify_style_update(self) -> None:
        """Forget the colours: theme, focus or class may have changed."""
        super().notify_style_update()
        self._palette = {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height for `height: auto`: the head and all rows, or two lines of notice."""
        return self._state.head + (known(self._state.source) or 2)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        state = self._state
        size, palette = self.size, self._colours()
        width = size.width
        if state.resize(width, size.height) or y >= len(self._lines):
            state.update()  # a paint may come before the event that tells of the size
            self._lines = [state.line(number) for number in range(max(size.height, y + 1))]
        line = self._drawn[y] = self._lines[y]
        match line:
            case HeadLine(plan, selected, sorts):
                runs = head_runs(plan, state.columns, width, state.glyphs, selected, sorts)
            case RowLine(row, plan, cursor, marked, baseline):
                runs = row_runs(
                    row,
                    plan,
                    state.columns,
                    width,
                    state.glyphs,
                    cursor=cursor,
                    marked=marked,
                    baseline=baseline,
                )
                if cursor:
                    runs = [(plain(runs), "cursor")]
            case NoticeLine(number, what):
                text = self._notices[what]
                return notice_strip(text, number, width, palette, self.visual_style)
            case _:
                runs = [(" " * width, "")]
        return Strip(segments(runs, palette), width)

    # Inside.

    def _colours(self) -> dict[str, Style]:
        if not self._palette:
            self._palette = {
                name: self.get_component_rich_style(f"table--{name}") for name in NAMES
            }
            self._palette[""] = self.rich_style
        return self._palette

    def _set_notice(self, what: str, text: str | Content) -> None:
        self._notices[what] = text
        self._drawn.clear()
        self._sync()

    def _sync(self) -> None:
        """Bring the state, the screen and the owner up to what the source says now."""
        state = self._state
        if not self.is_mounted:
            state.update()
            return
        width, height = self.size
        state.resize(width, height)
        state.update()
        self._redraw(width, height)
        self._tell()
        state.want()

    def _redraw(self, width: int, height: int) -> None:
        self._lines = [self._state.line(y) for y in range(height)]
        regions: list[Region] = []
        for y, line in enumerate(self._lines):
            if self._drawn.get(y) == line:
                continue
            if regions and regions[-1].bottom == y:
                regions[-1] = Region(0, regions[-1].y, width, regions[-1].height + 1)
            else:
                regions.append(Region(0, y, width, 1))
        if regions and width:
            self.refresh(*regions)

    def _tell(self) -> None:
        """Say to the owner what has changed: for who inherits."""
