"""The log of what was asked of the backends, and of the requests that a server got for it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.exchanges import Exchange
from modeldeck.widgets.bar import Part
from modeldeck.widgets.table import Cell, Column, Row

from ..bridge import Call
from ..frame import clock_time
from ..words import size
from .short import ShortScreen
from .text import TextScreen

Item = tuple[int, Call | Exchange]


class CallsScreen(ShortScreen):
    """Every question and every request with its time and outcome, newest first."""

    noun: ClassVar[str] = "calls"
    crumb = "calls"
    offers = ("open", "filter", "refresh", "back")
    empty = "nothing was asked yet"

    def entries(self) -> Sequence[Item]:
        """Those that are kept; a request began after the question that it is for."""
        asked: list[Call | Exchange] = [*self.bridge.calls, *self._exchanges()]
        return list(enumerate(sorted(asked, key=lambda one: one.at)))[::-1]

    def _exchanges(self) -> Sequence[Exchange]:
        found: Sequence[Exchange] = getattr(self.session.registry, "exchanges", ())
        return found

    def columns(self) -> Sequence[Column]:
        """When, how long, how it ended, what; of a request its status, try and bytes."""
        far = [
            Column("status", "STATUS", "number", priority=5),
            Column("received", "BYTES", "number", priority=4),
            Column("attempt", "TRY", "number", priority=3),
        ]
        return [
            Column("at", "TIME", "time", pinned=True, priority=9),
            Column("seconds", "TOOK", "number", priority=8),
            Column("outcome", "OUTCOME", min_width=3, max_width=40, priority=6),
            *(far if self._exchanges() else []),
            *([Column("sent", "SENT", "number", priority=4)] if self.console.slow else []),
            Column("words", "ASKED", min_width=20, max_width=0, priority=7, grow=1),
        ]

    def row(self, item: Any) -> Row:
        """One of them."""
        place, one = item
        style = {"ok": "ok", "cancelled": "dim"}.get(one.outcome, "bad")
        cells: list[Cell | str] = [
            clock_time(one.at.astimezone(self.session.clock().tzinfo)),
            f"{one.seconds * 1000:,.0f} ms",
            Cell(one.outcome, style),
        ]
        if isinstance(one, Exchange):
            status = "-" if one.status is None else str(one.status)
            tried = "" if one.attempt == 1 else str(one.attempt)
            # The server is the same in all of them; Enter shows it.
            asked = one.url.removeprefix(self.session.registry.place)
            cells += [status, size(one.received), tried]
            cells += [""] if self.console.slow else []
            cells += [f"{one.method} {asked}"]
        else:
            cells += ["", "", ""] if self._exchanges() else []
            cells += [self._sent(one)] if self.console.slow else []
            cells += [one.words]
        return Row(f"{place}/{one.at.isoformat()}", cells)

    def _sent(self, call: Call) -> str:
        """What went to the terminal from this question up to the next one."""
        later = [one.sent for one in self.bridge.calls if one.sent > call.sent]
        return size(min(later, default=self.console.traffic.total) - call.sent)

    def open_item(self, item: Any) -> None:
        """All of it."""
        _, one = item
        self.console.push_screen(TextScreen("call", described(one), wrap=True))

    def state_line(self) -> Any:
        """Also how long they took together, and what a server was asked for it."""
        left, right = super().state_line()
        if not self.notice:
            total = sum(call.seconds for call in self.bridge.calls)
            left.append(Part(f"  {total * 1000:,.0f} ms together", "dim"))
            traffic = self.console.traffic
            if self.console.slow:
                left.append(Part(f"  {size(traffic.total)} to the terminal", "dim"))
            if found := self._exchanges():
                received = sum(one.received for one in found)
                left.append(Part(f"  {len(found):,} requests, {size(received)}", "dim"))
        return left, right


def described(one: Call | Exchange) -> list[str]:
    """A call or a request in lines."""
    lines = [
        f"began    {one.at.isoformat(timespec='milliseconds')}",
        f"took     {one.seconds * 1000:,.1f} ms",
        f"outcome  {one.outcome}",
    ]
    if isinstance(one, Exchange):
        answer = "none" if one.status is None else str(one.status)
        return [
            f"{one.method} {one.url}",
            "",
            *lines,
            f"status   {answer}",
            f"try      {one.attempt}",
            f"came     {one.received:,} bytes",
        ]
    return [one.words, "", *lines]
