"""The text of a YAML document walked over: places, blanks, line breaks, quoted scalars."""

import re
from bisect import bisect_right

from .yaml_scalars import ESCAPES, HEX_ESCAPES

BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = re.compile(f"\r\n|[{BREAKS}]")


class MetaError(ValueError):
    """Not the YAML that this reader knows. `line` counts from 1."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"line {line}: {what}")
        self.what = what
        self.line = line


class Walk:
    """One walk over the text. `at` is the place; `column` counts from the start of its line."""

    def __init__(self, text: str) -> None:
        self.text = text + "\0"
        self.end = len(text)
        self.starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        self.at = 0

    def fail(self, what: str) -> MetaError:
        return MetaError(what, bisect_right(self.starts, self.at))

    @property
    def column(self) -> int:
        return self.at - self.starts[bisect_right(self.starts, self.at) - 1]

    def blank_at(self, place: int) -> bool:
        """Whether a space, a tab, a line's end or the text's end is there."""
        return place >= self.end or self.text[place] in " \t" + BREAKS

    def spaces(self, marks: str = " \t") -> str:
        start = self.at
        while self.at < self.end and self.text[self.at] in marks:
            self.at += 1
        return self.text[start : self.at]

    def line_break(self) -> str:
        """Step over one line break: what it stands for, empty when there is none."""
        if self.at >= self.end or self.text[self.at] not in BREAKS:
            return ""
        mark = self.text[self.at]
        self.at += 2 if self.text.startswith("\r\n", self.at) else 1
        return mark if mark in "\u2028\u2029" else "\n"

    def to_token(self) -> bool:
        """Step over blanks, comments and lines' ends: whether a line's end was among them."""
        crossed = False
        while True:
            self.spaces()
            if self.at < self.end and self.text[self.at] == "#":
                while self.at < self.end and self.text[self.at] not in BREAKS:
                    self.at += 1
            if not self.line_break():
                return crossed
            crossed = True

    def end_line(self) -> None:
        """Nothing but a comment may follow on this line."""
        if not self.to_token() and self.at < self.end:
            raise self.fail("something follows a value")

    def entry(self, mark: str) -> bool:
        """Whether `- `, `? ` or `: ` begins here."""
        return self.at < self.end and self.text[self.at] == mark and self.blank_at(self.at + 1)

    def fold(self) -> str:
        """Step over lines' ends and the next line's indentation: what it adds to the text."""
        first = self.line_break()
        more = []
        self.spaces()
        while mark := self.line_break():
            more.append(mark)
            self.spaces()
        if first != "\n":
            more.insert(0, first)
        return "".join(more) or " "

    def single_quoted(self) -> str:
        self.at += 1
        parts: list[str] = []
        while True:
            start = self.at
            while self.at < self.end and self.text[self.at] not in "' \t" + BREAKS:
                self.at += 1
            parts.append(self.text[start : self.at])
            if self.text.startswith("''", self.at):
                parts.append("'")
                self.at += 2
            elif self.at >= self.end:
                raise self.fail("a quoted text has no end")
            elif self.text[self.at] == "'":
                self.at += 1
                return "".join(parts)
            else:
                parts.append(self.quoted_space())

    def double_quoted(self) -> str:
        self.at += 1
        parts: list[str] = []
        while True:
            start = self.at
            while self.at < self.end and self.text[self.at] not in '"\\ \t' + BREAKS:
                self.at += 1
            parts.append(self.text[start : self.at])
            if self.at >= self.end:
                raise self.fail("a quoted text has no end")
            if self.text[self.at] == '"':
                self.at += 1
                return "".join(parts)
            parts.append(self.escape() if self.text[self.at] == "\\" else self.quoted_space())

    def quoted_space(self) -> str:
        blanks = self.spaces()
        if self.at < self.end and self.text[self.at] in BREAKS:
            return self.fold()
        return blanks

    def escape(self) -> str:
        self.at += 1
        mark = self.text[self.at]
        if self.at < self.end and mark in BREAKS:
            self.line_break()
            self.spaces()
            more = []
            while found := self.line_break():
                more.append(found)
                self.spaces()
            return "".join(more)
        self.at += 1
        if mark in ESCAPES and self.at <= self.end:
            return ESCAPES[mark]
        digits = self.text[self.at : self.at + HEX_ESCAPES.get(mark, 0)]
        try:
            if len(digits) != HEX_ESCAPES[mark]:
                raise ValueError(digits)
            found = chr(int(digits, 16))
        except (KeyError, ValueError, OverflowError) as error:
            raise self.fail(f"an escape that is none: \\{mark}{digits}") from error
        self.at += len(digits)
        return found
