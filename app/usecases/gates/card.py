"""`card`: the card of the version has what it must have."""

import re
from collections.abc import Iterator, Mapping

from .facts import Facts
from .rule import FAIL, PASS, Finding, Problem, Rule

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|TBD|TBC|FIXME|XXX)\b|\blorem ipsum\b|\bto be (?:done|written|filled)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"[\W_]*|n/?a\.?|[<\[{][^>\]}]*[>\]}]", re.IGNORECASE)


class Card(Rule, frozen=True, kw_only=True):
    """Each of `fields`, headings of the Markdown card, has text below it that is no placeholder.

    Case and level of the heading do not matter. Placeholders are TODO, TBD, TBC, FIXME, XXX, lorem
    ipsum, "to be done", n/a, text in angle or square brackets alone, and marks without a word.
    Numbers: wrong, what is wrong with each field.
    """

    fields: tuple[str, ...]

    def problems(self) -> Iterator[Problem]:
        if not self.fields:
            yield ("fields",), "fields names no heading", ""

    async def judge(self, facts: Facts) -> Finding:
        found = sections(facts.candidate.version.card)
        wrong: dict[str, str] = {}
        for field in self.fields:
            text = found.get(_key(field))
            if text is None:
                wrong[field] = "is missing"
            elif not text.strip():
                wrong[field] = "is empty"
            elif mark := placeholder(text):
                wrong[field] = f"is a placeholder ({mark})"
        said = ", ".join(f'"{field}" {what}' for field, what in wrong.items())
        words = said or f"{len(self.fields)} of {len(self.fields)} fields"
        return Finding(FAIL if wrong else PASS, "card complete", words, {"wrong": wrong})


def sections(card: str) -> Mapping[str, str]:
    """The text below each heading, that of deeper headings too; a heading twice: both texts.

    Headings in code are none; comments are left out.
    """
    open_now: list[tuple[int, str]] = []
    found: dict[str, list[str]] = {}
    fence = ""
    before = ""
    for line in [*_COMMENT.sub("", card).splitlines(), ""]:
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        under = None if fence else _UNDERLINE.match(line)
        if heading:
            level, name = len(heading[1]), heading[2]
        elif under and before.strip() and not before.lstrip().startswith(("#", "-", "*", "|")):
            level, name = (1 if under[1][0] == "=" else 2), before.strip()
            for _, key in open_now:
                found[key].pop()
        else:
            for _, key in open_now:
                found[key].append(line)
            before = line
            continue
        before = ""
        open_now = [one for one in open_now if one[0] < level]
        open_now.append((level, _key(name)))
        found.setdefault(_key(name), [])
    return {key: "\n".join(lines) for key, lines in found.items()}


def placeholder(text: str) -> str:
    """The placeholder that a text is or holds; empty when it has none."""
    found = _PLACEHOLDER.search(text)
    if found:
        return found[0]
    bare = text.strip()
    return bare[:20] if _NOTHING.fullmatch(bare) else ""


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
