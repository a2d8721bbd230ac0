"""Which lines are in sight, how they are wrapped, where a search stands. No Textual.

A place is (line, part): with wrapping on, a line has a part for each row of the screen that it
takes. Nothing is ever laid out but what is in sight, so that length does not matter.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..text import cells, clip, show

Run = tuple[str, str]
"""Text and the name of its style."""

TAB = 8
KEPT = 512
PAUSE = 2000
"""Lines that a search looks at before it lets others have a turn."""


class Row(NamedTuple):
    """One row of the screen: all that decides how it looks."""

    runs: tuple[Run, ...] = ()


class Match(NamedTuple):
    """Where a search stands: characters `start` to `end` of a shown line."""

    line: int
    start: int
    end: int
    round: bool = False
    """Whether the search went past an end and on from the other one."""


class Reading:
    """A view of `height` rows and `width` cells on any number of lines."""

    def __init__(self, lines: Sequence[str] = (), *, ascii_only: bool = False) -> None:
        self.lines = lines
        self.style_of: Callable[[str], str] = lambda _: ""
        self.stamp_of: Callable[[int], str] | None = None
        self.stamp_cells = 0
        self.wrap = False
        self.numbers = False
        self.follow = False
        self.width = 0
        self.height = 0
        self.top = 0
        self.part = 0
        self.left = 0
        self.needle = ""
        self.match: Match | None = None
        self.ascii_only = ascii_only
        self._kept: dict[int, tuple[str, str, int, list[int]]] = {}

    # What is in sight.

    @property
    def gutter(self) -> int:
        """Cells that line numbers and stamps take."""
        numbers = len(str(len(self.lines))) + 1 if self.numbers else 0
        return numbers + (self.stamp_cells + 1 if self.stamp_of else 0)

    @property
    def room(self) -> int:
        """Cells that text has."""
        return max(self.width - self.gutter, 1)

    @property
    def last(self) -> int:
        """The last line in sight, -1 when there is none."""
        places = self._places()
        return places[-1][0] if places else -1

    @property
    def position(self) -> str:
        """What is in sight, in words."""
        count = len(self.lines)
        if not count:
            return "no lines"
        words = f"lines {self.top + 1:,}-{self.last + 1:,} of {count:,}"
        return f"{words}  from column {self.left + 1}" if self.left else words

    def shown(self, line: int) -> str:
        """A line as it may be drawn."""
        return self._look(line)[0]

    def _look(self, line: int) -> tuple[str, list[int]]:
        """A line, safe, and where its parts begin."""
        raw = self.lines[line]
        width = self.room if self.wrap else 0
        kept = self._kept.get(line)
        if kept is None or kept[0] != raw or kept[2] != width:
            text = show(raw.expandtabs(TAB))
            kept = (raw, text, width, parts(text, width) if width else [0])
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[line] = kept
        return kept[1], kept[3]

    def _places(self) -> list[tuple[int, int]]:
        places: list[tuple[int, int]] = []
        line, part = self.top, self.part
        while line < len(self.lines) and len(places) < self.height:
            places.append((line, part))
            line, part = self._after(line, part)
        return places

    def rows(self) -> list[Row]:
        """The rows of the screen."""
        drawn = [self._row(*place) for place in self._places()]
        return drawn + [Row()] * (self.height - len(drawn))

    def _row(self, line: int, part: int) -> Row:
        text, starts = self._look(line)
        style = self.style_of(self.lines[line])
        if self.wrap:
            start = starts[part]
            end = starts[part + 1] if part + 1 < len(starts) else len(text)
            lead, cut = "", ""
        else:
            start, end, lead = crop(text, self.left, self.room)
            cut = ("..." if self.ascii_only else "…") if end < len(text) else ""
            if cut:
                end = crop(text, self.left, self.room - len(cut))[1]
        runs: list[Run] = []
        if self.gutter:
            runs.append((f"{self._before_text(line) if part == 0 else '':{self.gutter}}", "number"))
        runs += [(lead, style)] if lead else []
        runs += self._marked(line, text, start, end, style)
        runs += [(cut, style)] if cut else []
        return Row(tuple(runs))

    def _before_text(self, line: int) -> str:
        number = f"{line + 1:>{len(str(len(self.lines)))}} " if self.numbers else ""
        stamp = f"{self.stamp_of(line):>{self.stamp_cells}} " if self.stamp_of else ""
        return number + stamp

    def _marked(self, line: int, text: str, start: int, end: int, style: str) -> Iterator[Run]:
        at = start
        for first, last in self.spots(text):
            first, last = max(first, at), min(last, end)
            if first >= last:
                continue
            if first > at:
                yield text[at:first], style
            here = self.match is not None and self.match.line == line
            current = here and self.match is not None and self.match.start < last <= self.match.end
            yield text[first:last], "current" if current else "match"
            at = last
        if at < end:
            yield text[at:end].rstrip(" ") if self.wrap else text[at:end], style

    # Moving.

    def resize(self, width: int, height: int) -> None:
        """Take other measures; the first line in sight stays."""
        if width != self.width and self.wrap:
            self.part = 0
        self.width, self.height = width, height
        self._settle()

    def grew(self, gone: int = 0) -> None:
        """There are more lines than before; `gone` of them went from the beginning."""
        if gone:
            self._kept.clear()
            self.top = max(self.top - gone, 0)
            if self.match:
                line = self.match.line - gone
                self.match = self.match._replace(line=line) if line >= 0 else None
        self._settle()

    def move(self, by: int) -> None:
        """Move by rows of the screen. Moving back ends following."""
        if by < 0:
            self.follow = False
        place, limit = (self.top, self.part), self._limit()
        for _ in range(abs(by)):
            if by > 0 and place >= limit:
                break
            place = self._after(*place) if by > 0 else self._before(*place)
        self.top, self.part = place
        self._settle()

    def page(self, pages: int) -> None:
        """Move by whole pages, one row of which stays."""
        self.move(pages * max(self.height - 1, 1))

    def goto(self, line: int) -> None:
        """Bring a line to the top, as far as there is something below it."""
        self.follow = False
        self.top, self.part = max(min(line, len(self.lines) - 1), 0), 0
        self._settle()

    def end(self) -> None:
        """Go to the end."""
        self.top, self.part = self._limit()

    def shift(self, by: int) -> bool:
        """Move sideways; gives whether that was possible."""
        before = self.left
        if not self.wrap:
            widest = max((cells(self.shown(line)) for line, _ in self._places()), default=0)
            most = max(widest - self.room, 0)
            self.left = max(min(self.left + by, max(most, min(self.left, widest))), 0)
        return self.left != before

    def set_wrap(self, wrap: bool) -> None:
        """Wrap long lines, or cut them."""
        self.wrap, self.part, self.left = wrap, 0, 0
        self._settle()

    def set_stamps(self, stamp_of: Callable[[int], str] | None, cells: int = 0) -> None:
        """Put before each line what `stamp_of` says of its place, in so many cells; or nothing."""
        self.stamp_of, self.stamp_cells = stamp_of, cells
        self._settle()

    def set_follow(self, follow: bool) -> None:
        """Stay at the end, whatever comes."""
        self.follow = follow
        self._settle()

    def _settle(self) -> None:
        if not len(self.lines):
            self.top = self.part = 0
            return
        limit = self._limit()
        if self.follow or (self.top, self.part) > limit:
            self.top, self.part = limit
        starts = self._look(self.top)[1]
        self.part = min(self.part, len(starts) - 1)

    def _limit(self) -> tuple[int, int]:
        """The place at the top when the last row stands at the bottom."""
        if not len(self.lines):
            return 0, 0
        line = len(self.lines) - 1
        place = (line, len(self._look(line)[1]) - 1)
        for _ in range(self.height - 1):
            place = self._before(*place)
        return place

    def _after(self, line: int, part: int) -> tuple[int, int]:
        if self.wrap and part + 1 < len(self._look(line)[1]):
            return line, part + 1
        return line + 1, 0

    def _before(self, line: int, part: int) -> tuple[int, int]:
        if part:
            return line, part - 1
        if not line:
            return 0, 0
        return line - 1, len(self._look(line - 1)[1]) - 1 if self.wrap else 0

    # Searching.

    def search(self, needle: str) -> None:
        """Look for a text from now on; capitals count when it has any. Empty: for nothing."""
        self.needle, self.match = needle, None

    def spots(self, text: str) -> list[tuple[int, int]]:
        """Where in a shown line the text is that is looked for."""
        needle = self.needle
        if not needle:
            return []
        if needle == needle.lower():
            lowered = text.lower()
            # A few letters change their length in lower case; then places would be wrong.
            text = lowered if len(lowered) == len(text) else text
        found = []
        at = text.find(needle)
        while at >= 0:
            found.append((at, at + len(needle)))
            at = text.find(needle, at + len(needle))
        return found

    def hunt(self, *, back: bool = False) -> Iterator[Match | None]:
        """Look for the next match, round the end if need be. None is a pause; ends without one."""
        count = len(self.lines)
        if not count or not self.needle:
            return
        old = self.match
        start = (old.line, old.start) if old else (self.top, -1)
        for step in range(count + 1):
            line = (start[0] + (-step if back else step)) % count
            spots = self.spots(show(self.lines[line].expandtabs(TAB)))
            if step == 0 and not back:
                spots = [spot for spot in spots if spot[0] > start[1]]
            elif step == 0:
                spots = [spot for spot in spots if old and spot[0] < start[1]]
            if spots:
                first, last = spots[-1 if back else 0]
                went_round = step > 0 and ((line >= start[0]) if back else (line <= start[0]))
                yield Match(line, first, last, went_round)
                return
            if step % PAUSE == PAUSE - 1:
                yield None

    def reveal(self, match: Match) -> None:
        """Make a match the current one and bring it into sight, a third down where it was not."""
        self.match, self.follow = match, False
        starts = self._look(match.line)[1]
        place = (match.line, bisect_right(starts, match.start) - 1)
        if place not in self._places():
            self.top, self.part = place
            for _ in range(self.height // 3):
                self.top, self.part = self._before(self.top, self.part)
        if not self.wrap:
            text = self.shown(match.line)
            first, last = cells(text[: match.start]), cells(text[: match.end])
            if first < self.left or last >= self.left + self.room:
                self.left = 0 if last < self.room else max(first - self.room // 2, 0)
        self._settle()


def parts(text: str, width: int) -> list[int]:
    """Where the parts of a text begin that is wrapped at `width`: after a space where one is."""
    starts = [0]
    while True:
        start = starts[-1]
        end = _fit(text, start, width)
        if end >= len(text):
            return starts
        space = text.rfind(" ", start + (end - start) // 2, end)
        starts.append(space + 1 if space >= 0 and text[end] != " " else end)


def crop(text: str, left: int, width: int) -> tuple[int, int, str]:
    """Which characters stand in the `width` cells from `left` on, and blanks that go before them.

    Of a wide character that is cut at the left edge a blank is left.
    """
    if text.isascii():
        return min(left, len(text)), min(left + max(width, 0), len(text)), ""
    start, before = 0, 0
    from rich.cells import get_character_cell_size

    while start < len(text) and before < left:
        before += get_character_cell_size(text[start])
        start += 1
    lead = " " * max(before - left, 0)
    return start, _fit(text, start, max(width - len(lead), 0), least=0), lead


def _fit(text: str, start: int, width: int, least: int = 1) -> int:
    """The end of the longest piece from `start` on that fits; `least` characters at any rate."""
    if text.isascii():
        return min(start + max(width, least), len(text))
    piece = text[start : start + width]
    if piece.isascii():
        end = start + len(piece)
        # Marks belong to the letter before them.
        return end if end >= len(text) or text[end].isascii() else _wide(text, start, width, least)
    return _wide(text, start, width, least)


def _wide(text: str, start: int, width: int, least: int) -> int:
    from rich.cells import get_character_cell_size

    used, end = 0, start
    while end < len(text):
        used += get_character_cell_size(text[end])
        if used > width:
            break
        end += 1
    return max(end, min(start + least, len(text)))


def clipped(text: str, width: int) -> str:
    """A text of ours or of others on one line of at most `width` cells."""
    return clip(show(text), width)
