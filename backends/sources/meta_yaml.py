"""A small reader of the YAML that MLflow writes into `meta.yaml`.

Block mappings and lists, plain, quoted and block scalars, `[]` and `{}`: what `yaml.safe_dump`
makes of plain data. All else (anchors, tags, flow collections, directives) is refused, so a file
can neither grow in memory nor call anything.
"""

from .yaml_scalars import Plain, plain_value
from .yaml_walk import BREAKS, MetaError, Walk

MAX_CHARS = 1 << 20
MAX_DEPTH = 20
_NO_KEY = object()

Value = Plain | list["Value"] | dict[Plain, "Value"]


def parse(text: str) -> Value:
    """The value of a YAML document; MetaError when it is none that MLflow writes."""
    if len(text) > MAX_CHARS:
        raise MetaError(f"more than {MAX_CHARS} characters", 1)
    return _Reader(text.removeprefix("\ufeff")).document()


class _Reader(Walk):
    """One walk over the text. Indentation is counted in columns from 0."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def document(self) -> Value:
        self.to_token()
        if self.text[self.at] == "-" and self.ends_document():
            self.at += 3
            self.to_token()
        value = self.node(-1) if self.at < self.end else None
        self.to_token()
        if self.text[self.at] == "." and self.ends_document():
            self.at += 3
            self.to_token()
        if self.at < self.end:
            raise self.fail("something follows the document")
        return value

    def node(self, parent: int) -> Value:
        """A node that begins here, below a parent of that indentation."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"nested more than {MAX_DEPTH} deep")
        column = self.column
        value: Value
        if self.entry("-"):
            value = self.sequence(column)
        elif self.entry("?"):
            value = self.mapping(column, _NO_KEY)
        else:
            key = self.key()
            value = self.scalar(parent) if key is _NO_KEY else self.mapping(column, key)
        self.depth -= 1
        return value

    def sequence(self, column: int) -> list[Value]:
        items: list[Value] = []
        while self.at < self.end and self.column == column and self.entry("-"):
            self.at += 1
            items.append(self.below(column, same=False))
            self.to_token()
        self.closed(column)
        return items

    def mapping(self, column: int, key: object) -> dict[Plain, Value]:
        """A mapping. `key` is the first one, read already, with its colon next; or none."""
        found: dict[Plain, Value] = {}
        while True:
            explicit = key is _NO_KEY and self.entry("?")
            if explicit:
                self.at += 1
                key = self.below(column, same=False)
                self.to_token()
                if not (self.column == column and self.entry(":")):
                    raise self.fail("a key without its value")
            elif key is _NO_KEY:
                key = self.key()
                if key is _NO_KEY:
                    raise self.fail("expected `key: value`")
            if not (key is None or isinstance(key, str | int | float)):
                raise self.fail("a key is neither text nor a number")
            self.at += 1
            found[key] = self.below(column, same=not explicit)
            key = _NO_KEY
            self.to_token()
            if self.at >= self.end or self.column != column or self.ends_document():
                break
        self.closed(column)
        return found

    def ends_document(self) -> bool:
        mark = self.text[self.at : self.at + 3]
        return mark in ("...", "---") and self.blank_at(self.at + 3) and self.column == 0

    def closed(self, column: int) -> None:
        if self.at < self.end and self.column > column:
            raise self.fail("indentation that belongs to nothing")

    def below(self, column: int, *, same: bool) -> Value:
        """What follows `- `, `? ` or `: `. A list may stand as far left as its key (`same`)."""
        crossed = self.to_token()
        if self.at >= self.end:
            return None
        if not crossed:
            if same and (self.entry("-") or self.entry("?")):
                raise self.fail("a list begins on the line of its key")
            return self.scalar(column) if same else self.node(column)
        if self.column > column:
            return self.node(column)
        if same and self.column == column and self.entry("-"):
            self.depth += 1
            items = self.sequence(column)
            self.depth -= 1
            return items
        return None

    def key(self) -> object:
        """A key on this line, up to its colon; _NO_KEY, and no step, when there is none."""
        start = self.at
        mark = self.text[start]
        line = start
        while line < self.end and self.text[line] not in BREAKS:
            line += 1
        value: object = _NO_KEY
        if mark in "'\"":
            value = self.single_quoted() if mark == "'" else self.double_quoted()
            self.spaces()
        elif mark not in "[]{},&*!|>%@`#":
            while self.at < line and not self.entry(":"):
                if self.text[self.at] == "#" and self.text[self.at - 1] in " \t":
                    break
                self.at += 1
            value = self.plain(self.text[start : self.at].rstrip(" \t"))
        if self.at > line or not self.entry(":"):
            self.at = start
            return _NO_KEY
        return value

    def plain(self, text: str) -> Plain:
        try:
            return plain_value(text)
        except ValueError as error:
            raise self.fail(f"{text[:40]!r} is no number") from error

    def scalar(self, parent: int) -> Value:
        mark = self.text[self.at]
        value: Value
        if mark in "|>":
            return self.block(parent)
        if mark == "'":
            value = self.single_quoted()
        elif mark == '"':
            value = self.double_quoted()
        elif mark in "[{":
            self.at += 1
            self.spaces()
            if self.text[self.at] != {"[": "]", "{": "}"}[mark]:
                raise self.fail("a list or mapping in brackets that is not empty")
            self.at += 1
            value = [] if mark == "[" else {}
        elif mark in "&*!%@`],}":
            raise self.fail(f"{mark!r} begins nothing that is known here")
        else:
            return self.folded_plain(parent)
        self.end_line()
        return value

    def folded_plain(self, parent: int) -> Plain:
        parts: list[str] = []
        between = ""
        while True:
            start = self.at
            while self.at < self.end and self.text[self.at] not in BREAKS:
                if self.entry(":") or (self.text[self.at] == "#" and self.blank_at(self.at - 1)):
                    break
                self.at += 1
            words = self.text[start : self.at].rstrip(" \t")
            parts += (between, words)
            if self.at < self.end and self.text[self.at] not in BREAKS:
                if self.text[self.at] == ":":
                    raise self.fail("a second `: ` on one line")
                self.end_line()
                break
            between = self.fold()
            if self.at >= self.end or self.column <= parent or self.text[self.at] == "#":
                break
            if self.ends_document():
                break
        return self.plain("".join(parts))

    def block(self, parent: int) -> str:
        """A `|` or `>` scalar."""
        folded = self.text[self.at] == ">"
        self.at += 1
        head = self.spaces("+-123456789")
        digits = head.strip("+-")
        if len(head) > 2 or len(digits) > 1:
            raise self.fail("a block text with an unknown head")
        self.spaces()
        if self.at < self.end and self.text[self.at] == "#":
            while self.at < self.end and self.text[self.at] not in BREAKS:
                self.at += 1
        if self.at < self.end and not self.line_break():
            raise self.fail("a block text with an unknown head")
        least = max(parent, 0) + 1 if parent >= 0 else 1
        indent = max(parent, 0) + int(digits) if digits else self.block_indent(least)
        parts: list[str] = []
        ends = self.block_ends(indent)
        last = ""
        while self.at < self.end and self.column == indent:
            parts.append(ends)
            start = self.at
            leading_text = self.text[start] not in " \t"
            while self.at < self.end and self.text[self.at] not in BREAKS:
                self.at += 1
            parts.append(self.text[start : self.at])
            last = self.line_break()
            ends = self.block_ends(indent)
            if self.at >= self.end or self.column != indent:
                break
            if folded and last == "\n" and leading_text and self.text[self.at] not in " \t":
                last = "" if ends else " "
            parts.append(last)
        if "-" not in head:
            parts.append(last)
        if "+" in head:
            parts.append(ends)
        return "".join(parts)

    def block_indent(self, least: int) -> int:
        """The indentation of the first line that holds something."""
        start, deepest = self.at, least
        while True:
            self.spaces(" ")
            deepest = max(deepest, self.column)
            if not self.line_break():
                break
        self.at = start
        return deepest

    def block_ends(self, indent: int) -> str:
        """Step over empty lines and up to `indent` spaces of the next one."""
        found: list[str] = []
        while True:
            while self.at < self.end and self.column < indent and self.text[self.at] == " ":
                self.at += 1
            mark = self.line_break()
            if not mark:
                return "".join(found)
            found.append(mark)
