"""Which row the cursor is on and which rows are in sight."""


class Viewport:
    """Cursor and first row in sight, over `count` rows, `height` of them in sight.

    Always: 0 <= cursor < count (or 0 when there are none), and the cursor is in sight. `jump` rows
    come into sight when the cursor leaves it; more is kinder to a slow line.
    """

    __slots__ = ("count", "cursor", "height", "jump", "top")

    def __init__(self, count: int = 0, height: int = 0, cursor: int = 0, top: int = 0) -> None:
        self.count = count
        self.height = height
        self.cursor = cursor
        self.top = top
        self.jump = 1

    @property
    def last(self) -> int:
        """The last row in sight, or -1."""
        return min(self.top + self.height, self.count) - 1

    def resize(self, count: int, height: int) -> None:
        """Take other measures; the cursor stays on its index as far as that exists."""
        self.count, self.height = max(count, 0), max(height, 0)
        self.goto(self.cursor)

    def goto(self, index: int) -> None:
        """Put the cursor on a row, or the nearest there is, and bring it into sight."""
        self.cursor = max(min(index, self.count - 1), 0)
        lines = max(self.height, 1)
        jump = max(min(self.jump, lines), 1)
        if self.cursor < self.top:
            self.top = self.cursor - jump + 1
        elif self.cursor >= self.top + lines:
            self.top = self.cursor - lines + jump
        self.top = max(min(self.top, self.count - lines), 0)

    def hold(self, index: int) -> None:
        """Put the cursor on a row that has moved, on the same line of the screen if possible."""
        self.top = max(self.top + index - self.cursor, 0)
        self.cursor = index
        self.goto(index)

    def page(self, pages: int) -> None:
        """Move cursor and sight by whole pages; at either end the cursor goes to that end."""
        step = pages * max(self.height - 1, 1)
        top = max(min(self.top + step, self.count - max(self.height, 1)), 0)
        if top == self.top:
            self.goto(self.cursor + step)
            return
        self.cursor += top - self.top
        self.top = top
        self.goto(self.cursor)

    def scroll(self, lines: int) -> None:
        """Move the sight; the cursor is taken along when it would leave it."""
        self.top = max(min(self.top + lines, self.count - max(self.height, 1)), 0)
        self.goto(max(min(self.cursor, self.last), self.top))

    def line_of(self, index: int) -> int | None:
        """Return the line (from 0) on which a row is in sight."""
        line = index - self.top
        return line if 0 <= line < self.height and index < self.count else None
