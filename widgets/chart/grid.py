"""Many small charts, a page of them at a time; only what is in sight is asked for and drawn."""

from collections.abc import Collection, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.message import Message

from .chart import Chart
from .model import Line, XKind

TILE = (36, 8)
"""Cells that a small chart should have; where less is there, two fit into 80x24 all the same."""
LOW = 7
MOST = 4
"""Charts beside each other, and below each other."""


class ChartGrid(Grid, can_focus=True):
    """Small charts of names.

    It asks for one at a time: the owner answers `Wanted` with `fill`, and then the next is wanted,
    so that keys are heard between two drawings. `Chosen` is Enter on one.
    """

    DEFAULT_CSS = """
    ChartGrid { height: 1fr; width: 1fr; grid-gutter: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1)", "Chart before", show=False),
        Binding("right", "go(1)", "Next chart", show=False),
        Binding("up,k", "row(-1)", "Chart above", show=False),
        Binding("down,j", "row(1)", "Chart below", show=False),
        Binding("pageup", "page(-1)", "Page before", show=False),
        Binding("pagedown,space", "page(1)", "Next page", show=False),
        Binding("home,g", "put(0)", "First chart", show=False),
        Binding("end,G", "put(-1)", "Last chart", show=False),
        Binding("enter", "choose", "Make it large", show=False),
    ]

    class Wanted(Message):
        """The lines of a name are to be drawn, for so many columns."""

        def __init__(self, grid: "ChartGrid", name: str, columns: int) -> None:
            super().__init__()
            self.grid, self.name, self.columns = grid, name, columns

    class Chosen(Message):
        """One should become large."""

        def __init__(self, grid: "ChartGrid", name: str) -> None:
            super().__init__()
            self.grid, self.name = grid, name

    class Turned(Message):
        """Another one is under the cursor."""

        def __init__(self, grid: "ChartGrid") -> None:
            super().__init__()
            self.grid = grid

    def __init__(
        self,
        *,
        ascii: bool = False,  # noqa: A002
        zone: tzinfo | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.names: tuple[str, ...] = ()
        self.at = 0
        self.across = self.down = 1
        self._ascii, self._zone = ascii, zone
        self._held: list[str] = []
        self._old: set[str] = set()
        self._asked = ""

    # What is in sight.

    @property
    def name_now(self) -> str:
        """The name under the cursor, empty when there is none."""
        return self.names[self.at] if self.names else ""

    @property
    def in_sight(self) -> tuple[str, ...]:
        """The names of this page."""
        size = self.across * self.down
        first = self.at // size * size
        return self.names[first : first + size]

    @property
    def position(self) -> str:
        """The page in words: `charts 13-24 of 40`."""
        if not self.names:
            return "no charts"
        size = self.across * self.down
        first = self.at // size * size
        last = min(first + size, len(self.names))
        return f"charts {first + 1:,}-{last:,} of {len(self.names):,}"

    @property
    def tiles(self) -> list[Chart]:
        """The small charts, those without a name too."""
        return list(self.query_children(Chart))

    def tile(self, name: str) -> Chart | None:
        """The chart of a name, if it is in sight."""
        if name not in self._held:
            return None
        tiles = self.tiles
        place = self._held.index(name)
        return tiles[place] if place < len(tiles) else None

    # What is shown.

    def show(self, names: Sequence[str], at: str = "") -> None:
        """Show charts of these names; the cursor stays on its name, or goes to `at`."""
        wanted = at or self.name_now
        self.names = tuple(names)
        self.at = self.names.index(wanted) if wanted in self.names else 0
        if not self._fit():
            self._lay()

    def renew(self, names: Collection[str] | None = None) -> None:
        """What these have is old (None: of all); what is drawn stays until the new comes."""
        self._old |= set(self._held if names is None else names)
        self._asked = ""
        self._ask()

    def fill(
        self,
        name: str,
        lines: Sequence[Line],
        x_kind: XKind = "step",
        *,
        note: str = "",
    ) -> None:
        """Draw the lines of a name, if it is still in sight, then ask for the next one."""
        tile = self.tile(name)
        if tile is not None:
            tile.set_lines(lines, x_kind, name, note=note)
        self._old.discard(name)
        if self._asked == name:
            self._asked = ""
        self._ask()

    def on_resize(self) -> None:
        """As many as fit; charts of another width need other points."""
        self._fit()
        self.call_after_refresh(self.renew)

    def _fit(self) -> bool:
        """Make as many as fit, and as there are names; gives whether that changed anything."""
        width, height = self.size
        if not width or not height:
            return False
        across = min(max(width // TILE[0], 1), MOST)
        down = min(max(height // (TILE[1] if height >= 3 * TILE[1] else LOW), 1), MOST)
        down = min(down, max(-(-len(self.names) // across), 1))
        if (across, down) == (self.across, self.down) and self.tiles:
            return False
        self.across, self.down = across, down
        self.styles.grid_size_columns, self.styles.grid_size_rows = across, down
        self._tile()
        self.call_after_refresh(self.renew)
        return True

    def _tile(self) -> None:
        tiles, count = self.tiles, self.across * self.down
        for tile in tiles[count:]:
            tile.remove()
        new = [
            Chart(ascii=self._ascii, zone=self._zone, small=True) for _ in range(count - len(tiles))
        ]
        for tile in new:
            tile.can_focus = False
        if new:
            self.mount(*new)
        self._held = self._held[:count]
        self._lay()

    def _lay(self) -> None:
        """Put the names of the page into the tiles; one that stays where it is stays drawn."""
        shown = list(self.in_sight)
        for place, tile in enumerate(self.tiles[: self.across * self.down]):
            name = shown[place] if place < len(shown) else ""
            before = self._held[place] if place < len(self._held) else ""
            tile.visible = bool(name)
            if name and name != before:
                tile.set_lines([], title=name)
                self._old.add(name)
            tile.set_class(name == self.name_now and bool(name), "chosen")
        self._held = shown
        self._old &= set(shown)
        if self._asked not in shown:
            self._asked = ""
        self.post_message(self.Turned(self))
        self._ask()

    def _ask(self) -> None:
        """Ask for the first one that has no lines, or old ones."""
        if self._asked or not self.is_attached:
            return
        for name in self._held:
            tile = self.tile(name)
            if name in self._old and tile is not None and tile.size.width:
                self._asked = name
                self.post_message(self.Wanted(self, name, tile.columns))
                return

    # Keys.

    def action_go(self, by: int) -> None:
        """Go to a neighbour."""
        self._go(self.at + by)

    def action_row(self, by: int) -> None:
        """Go to the one above or below; over the edge it is that of the next page."""
        self._go(self.at + by * self.across)

    def action_page(self, by: int) -> None:
        """Go to the next page."""
        size = self.across * self.down
        self._go((self.at // size + by) * size)

    def action_put(self, place: int) -> None:
        """Go to the first or the last one."""
        self._go(len(self.names) - 1 if place < 0 else place)

    def action_choose(self) -> None:
        """Make it large."""
        if self.names:
            self.post_message(self.Chosen(self, self.name_now))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points; on the one that has it already, make it large."""
        for name in self._held:
            tile = self.tile(name)
            if tile is not None and tile is event.widget:
                if name == self.name_now:
                    self.action_choose()
                else:
                    self._go(self.names.index(name))
                return

    def _go(self, place: int) -> None:
        place = min(max(place, 0), len(self.names) - 1)
        if self.names and place != self.at:
            self.at = place
            self._lay()
