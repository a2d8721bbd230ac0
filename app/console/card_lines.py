"""A card as styled lines: a small reading of Markdown that draws nothing but text.

What it does not know stays as it was written. Links are shown with where they lead.
"""

import re

from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Line, line

_HEADING = re.compile(r"(#{1,6})\s")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$")
_RULE = re.compile(r"\s*([-*_])\s*(\1\s*){2,}$")
_INLINE = re.compile(r"(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\[([^\]]+)\]\(([^)\s]+)[^)]*\)")
_FENCE = ("```", "~~~")
TAB = 4
LONGEST = 2000
"""Characters of a line up to which marks inside of it are read; a longer one stays as it is."""


def card_lines(text: str) -> list[Line]:
    """The lines of a card."""
    lines: list[Line] = []
    fence = ""
    for raw in text.replace("\r\n", "\n").split("\n"):
        one = raw.expandtabs(TAB)
        bare = one.strip()
        if fence:
            if bare.startswith(fence):
                fence = ""
            else:
                lines.append(line(Part(f"    {one}", "accent"), hang=4))
        elif bare.startswith(_FENCE):
            fence = bare[:3]
        else:
            lines.append(_line(one, bare))
    while lines and not lines[-1].parts:
        lines.pop()
    return lines


def _line(one: str, bare: str) -> Line:
    if not bare:
        return line()
    if heading := _HEADING.match(bare):
        words = bare.lstrip("#").strip().rstrip("#").rstrip()
        return line(Part(words.upper() if len(heading[1]) == 1 else words, "strong"))
    if len(bare) <= LONGEST and _RULE.match(bare):
        return line(Part("-" * 40, "dim"))
    if bare.startswith(">"):
        return line(Part("| ", "dim"), *_inline(bare.lstrip("> ")), hang=2)
    if item := _ITEM.match(one):
        mark = item[2] if item[2][0].isdigit() else "-"
        indent = min(len(item[1]), 20) + 2
        return line(" " * indent, f"{mark} ", *_inline(item[3]), hang=indent + len(mark) + 1)
    if bare.startswith("|"):
        return line(Part(bare), hang=2)
    return line(*_inline(bare))


def _inline(text: str) -> list[Part]:
    if len(text) > LONGEST:
        return [Part(text)]
    parts: list[Part] = []
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            parts.append(Part(text[at : found.start()]))
        _, code, strong, also, words, target = found.groups()
        if code is not None:
            parts.append(Part(code, "accent"))
        elif words is not None:
            parts += [Part(words, "accent"), Part(f" <{target}>", "dim")]
        else:
            parts.append(Part(strong or also, "strong"))
        at = found.end()
    if at < len(text):
        parts.append(Part(text[at:]))
    return parts
