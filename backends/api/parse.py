"""Text -> terms of the filter language, saying where it stops making sense and what would fit."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn, cast

from .errors import FilterError
from .evaluate import number_of, pattern
from .query import (
    MAPS,
    And,
    Compare,
    Expression,
    Field,
    Has,
    In,
    Kind,
    Not,
    Operator,
    Or,
    Sort,
    Value,
    Vocabulary,
)
from .text import exact

_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"==|!=|>=|<=|!~|=|<|>|~")
_WORD = re.compile(r"""[^\s()"'`,=<>!~]+""")
_VALUE = re.compile(r"""[^\s(),"'`]+""")
_STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_CLOCK = re.compile(r"\d\d?:\d\d(:\d\d)?")
_DEEPEST = 64
_LONGEST = 1000
_WORDY = frozenset({"text", "choice"})
_NEVER = datetime.min.replace(tzinfo=UTC)
_OPERATORS = "one of = != < <= > >= ~ !~ in"


def parse_filter(text: str, vocabulary: Vocabulary, now: datetime) -> Expression | None:
    """The terms of `text`; None when it is blank. Relative times count from `now` (aware).

    Dates without a zone are in the zone of `now`. Raises FilterError with position and expectation.
    """
    parser = _Parser(exact(text), vocabulary, now)
    if parser.at_end():
        return None
    expression = parser.disjunction()
    if not parser.at_end():
        parser.fail(f"cannot read {parser.rest()}", "and, or, or the end")
    return expression


def parse_sort(text: str, vocabulary: Vocabulary) -> Sequence[Sort]:
    """`-metrics.auc, started` as sorts: a minus in front means descending."""
    parser = _Parser(exact(text), vocabulary, _NEVER)
    sorts = []
    while not parser.at_end():
        descending = parser.accept("-")
        if not descending:
            parser.accept("+")
        sorts.append(Sort(parser.field(), descending))
        if not parser.at_end() and not parser.accept(","):
            parser.fail(f"cannot read {parser.rest()}", "a comma or the end")
    return tuple(sorts)


def parse_fields(text: str, vocabulary: Vocabulary) -> Sequence[Field]:
    """`params.depth, status` as fields, each once."""
    parser = _Parser(exact(text), vocabulary, _NEVER)
    fields = [parser.field()]
    while parser.accept(","):
        fields.append(parser.field())
    if not parser.at_end():
        parser.fail(f"cannot read {parser.rest()}", "a comma or the end")
    return list(dict.fromkeys(fields))


def parse_field(text: str, vocabulary: Vocabulary) -> Field:
    """One field, as `metrics.auc` or `started`."""
    parser = _Parser(exact(text), vocabulary, _NEVER)
    field = parser.field()
    if not parser.at_end():
        parser.fail(f"cannot read {parser.rest()}", "the end")
    return field


def parse_duration(text: str) -> float | None:
    """Seconds of `1h30m`, `90s`, `500ms` or a plain number; None when it is none."""
    if text and sum(len(m.group()) for m in _STEP.finditer(text)) == len(text):
        return sum(float(m[1]) * _UNITS[m[2]] for m in _STEP.finditer(text))
    return number_of(text)


def parse_time(text: str, now: datetime) -> datetime | None:
    """The time of `-14h`, `2026-11-23`, `2026-11-23T08:00Z`, `14:05` (today), `today`, `now`."""
    if text[:1] in {"-", "+"}:
        seconds = parse_duration(text[1:])
        if seconds is None:
            return None
        try:
            return now + timedelta(seconds=seconds if text[0] == "+" else -seconds)
        except (OverflowError, ValueError):
            return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if text in named:
        return named[text]
    try:
        if _CLOCK.fullmatch(text):
            clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")  # noqa: DTZ007
            return midnight.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=now.tzinfo)


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary, now: datetime) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.now = now
        self.place = 0
        self.depth = 0
        self.tests = 0

    def fail(self, what: str, expected: str = "", place: int | None = None) -> NoReturn:
        place = self.place if place is None else place
        raise FilterError(what, text=self.text, position=place, expected=expected)

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.place)
        self.place = match.end() if match else self.place

    def at_end(self) -> bool:
        self.skip()
        return self.place >= len(self.text)

    def rest(self) -> str:
        piece = self.text[self.place : self.place + 20]
        return repr(piece) if piece else "the end"

    def take(self, pattern: "re.Pattern[str]") -> str:
        match = pattern.match(self.text, self.place)
        if not match:
            return ""
        self.place = match.end()
        return match.group()

    def accept(self, literal: str) -> bool:
        self.skip()
        if self.text.startswith(literal, self.place):
            self.place += len(literal)
            return True
        return False

    def keyword(self, *words: str) -> str:
        """Take one of `words` if it stands here as a whole word followed by no operator."""
        self.skip()
        start = self.place
        word = self.take(_WORD).lower()
        if word in words:
            after = self.place
            self.skip()
            if not self.peek_operator():
                self.place = after
                return word
        self.place = start
        return ""

    def peek_operator(self) -> bool:
        return bool(_OPERATOR.match(self.text, self.place))

    def disjunction(self) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} brackets inside one another")
        terms = [self.conjunction()]
        while self.keyword("or"):
            terms.append(self.conjunction())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def conjunction(self) -> Expression:
        terms = [self.negation()]
        while True:
            if not self.keyword("and"):
                start = self.place
                if self.at_end() or self.text[self.place] == ")" or self.keyword("or"):
                    self.place = start
                    break
                if self.text[self.place] in ",=<>!~":
                    break
            terms.append(self.negation())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def negation(self) -> Expression:
        nots = 0
        while self.keyword("not"):
            nots += 1
        term = self.term()
        return Not(term) if nots % 2 else term

    def term(self) -> Expression:
        if self.accept("("):
            inside = self.disjunction()
            if not self.accept(")"):
                self.fail(f"cannot read {self.rest()}", "a closing bracket")
            return inside
        if self.keyword("has"):
            self.count(self.place)
            return Has(self.field())
        self.skip()
        if self.place >= len(self.text):
            self.fail("the filter ends too early", "a term, such as metrics.auc > 0.9")
        start = self.place
        if self.text[start] in "\"'`":
            word = self.quoted()
            self.skip()
            if not self.peek_operator():
                return self.bare(re.escape(word), start)
            self.fail("a field has no quotes around all of it", 'metrics."my key"', start)
        return self.comparison(start)

    def comparison(self, start: int) -> Expression:
        word = self.take(_WORD)
        if not word:
            self.fail(f"cannot read {self.rest()}", "a field, such as metrics.auc, or a bracket")
        bare_end = self.place
        self.skip()
        negated = bool(self.keyword("not"))
        if self.keyword("in"):
            self.place, after = start, self.place
            field = self.field()
            self.place = after
            term = In(field, self.values(field))
            return Not(term) if negated else term
        if not self.peek_operator() and self.text[bare_end : bare_end + 1] not in {'"', "`", "'"}:
            if word.split(".", 1)[0].lower() in MAPS and "." in word:
                self.fail(f"no operator after {word}", _OPERATORS)
            self.place = bare_end
            return self.bare(word, start)
        self.place = start
        field = self.field()
        self.skip()
        sign = self.take(_OPERATOR)
        if not sign:
            if self.keyword("in"):
                return In(field, self.values(field))
            self.fail(f"no operator after {field}", _OPERATORS)
        operator = cast("Operator", "=" if sign == "==" else sign)
        return Compare(field, operator, self.value(field, operator))

    def bare(self, word: str, start: int) -> Expression:
        """A word by itself: looked for in what the noun is called."""
        self.count(start)
        self.check_pattern(word, start)
        return Compare(Field(self.vocabulary.bare), "~", word)

    def count(self, start: int) -> None:
        self.tests += 1
        if self.tests > _LONGEST:
            self.fail(f"more than {_LONGEST} terms and values", place=start)

    def check_pattern(self, text: str, start: int) -> None:
        try:
            pattern(text)
        except ValueError as error:
            self.fail(f"{text!r} is no regular expression: {error}", place=start)

    def field(self) -> Field:
        self.skip()
        start = self.place
        word = self.take(_WORD)
        head, dot, key = word.partition(".")
        of = MAPS.get(head.lower())
        if dot and of:
            if of not in self.vocabulary.maps:
                self.fail(f"{self.vocabulary.noun} have no {of}", self.words(), start)
            if not key and self.text[self.place : self.place + 1] in {'"', "'", "`"}:
                key = self.quoted()
            if not key:
                self.fail(f"no key after {of}.", f"{of}.KEY")
            return Field(key, of)
        name = self.vocabulary.attribute(word.lower())
        if name is None:
            if not word:
                self.fail(f"cannot read {self.rest()}", self.words())
            from difflib import get_close_matches

            near = get_close_matches(word.lower(), list(self.vocabulary.attributes), 1)
            hint = f"{near[0]}?" if near else self.words()
            self.fail(f"{self.vocabulary.noun} have no field {word!r}", hint, start)
        return Field(name)

    def words(self) -> str:
        maps = [f"{name}.KEY" for name in self.vocabulary.maps]
        return "one of " + ", ".join([*self.vocabulary.attributes, *maps])

    def quoted(self) -> str:
        start, quote = self.place, self.text[self.place]
        self.place += 1
        out: list[str] = []
        while self.place < len(self.text):
            char = self.text[self.place]
            self.place += 1
            if char == quote:
                return "".join(out)
            if char == "\\" and self.text[self.place : self.place + 1] in {quote, "\\"}:
                char = self.text[self.place]
                self.place += 1
            out.append(char)
        return self.fail("a quote that is not closed", f"a closing {quote}", start)

    def values(self, field: Field) -> Sequence[Value]:
        if not self.accept("("):
            self.fail(f"cannot read {self.rest()}", "a bracket, as in (failed, killed)")
        values = [self.value(field, "=")]
        while self.accept(","):
            values.append(self.value(field, "="))
        if not self.accept(")"):
            self.fail(f"cannot read {self.rest()}", "a comma or a closing bracket")
        return tuple(values)

    def value(self, field: Field, operator: Operator) -> Value:
        self.skip()
        start = self.place
        self.count(start)
        quoted = self.text[start : start + 1] in {'"', "'", "`"}
        raw = self.quoted() if quoted else self.take(_VALUE)
        if not quoted and (not raw or raw[0] in "=<>!~"):
            self.fail(f"no value after {operator}", "a value", start)
        textual = field.of in {"params", "tags"}
        attribute = self.vocabulary.attributes.get(field.name)
        kind: Kind = attribute.kind if attribute and not field.of else "number"
        if operator in {"~", "!~"}:
            if not textual and kind not in _WORDY:
                self.fail(f"{field} is no text", "one of = != < <= > >= in, not ~", start)
            self.check_pattern(raw, start)
            return raw
        if textual:
            number = None if quoted else number_of(raw)
            return raw if number is None else number
        if kind == "choice" and attribute and raw.lower() in attribute.choices:
            return raw.lower()
        choices = "one of " + ", ".join(attribute.choices if attribute else ())
        readers: dict[str, tuple[Callable[[str], Value | None], str]] = {
            "number": (number_of, "a number"),
            "duration": (parse_duration, "a duration, such as 90s or 1h30m"),
            "time": (
                lambda text: parse_time(text, self.now),
                "a time, such as -14h, today or 2026-11-23T08:00",
            ),
            "choice": (lambda _: None, choices),
        }
        if kind not in readers:
            return raw
        read, expected = readers[kind]
        value = read(raw)
        if value is None:
            self.fail(f"{field} cannot be {raw!r}", expected, start)
        return value
