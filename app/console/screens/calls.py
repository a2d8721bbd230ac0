"""The log of what was asked of the backends."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.widgets.bar import Part
from modeldeck.widgets.table import Cell, Column, Row

from ..bridge import Call
from ..frame import clock_time
from .short import ShortScreen


class CallsScreen(ShortScreen):
    """Every question with its time and outcome, newest first."""

    noun: ClassVar[str] = "calls"
    crumb = "calls"
    offers = ("filter", "refresh", "back")
    empty = "nothing was asked yet"

    def entries(self) -> Sequence[tuple[int, Call]]:
        """The calls that are kept."""
        return list(enumerate(self.bridge.calls))[::-1]

    def columns(self) -> Sequence[Column]:
        """When, how long, how it ended, what."""
        return [
            Column("at", "TIME", "time", pinned=True, priority=9),
            Column("seconds", "TOOK", "number", priority=8),
            Column("outcome", "OUTCOME", min_width=3, max_width=40, priority=6),
            Column("words", "ASKED", min_width=20, max_width=0, priority=7, grow=1),
        ]

    def row(self, item: Any) -> Row:
        """One call."""
        place, call = item
        style = {"ok": "ok", "cancelled": "dim"}.get(call.outcome, "bad")
        cells: list[Cell | str] = [
            clock_time(call.at),
            f"{call.seconds * 1000:,.0f} ms",
            Cell(call.outcome, style),
            call.words,
        ]
        return Row(f"{place}/{call.at.isoformat()}", cells)

    def state_line(self) -> Any:
        """Also how long they took together."""
        left, right = super().state_line()
        if not self.notice:
            total = sum(call.seconds for call in self.bridge.calls)
            left.append(Part(f"  {total * 1000:,.0f} ms together", "dim"))
        return left, right
