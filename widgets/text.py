"""The exits of foreign text.

Names, tags, log lines and error messages come from other people and other programs. Inside
modeldeck they stay exactly as they are; wherever they leave (a terminal cell, stderr, CSV, a
title, a file name) they pass through one function of this module, once.

What is drawn depends on the Unicode tables of the running Python: a character that it does not
know is spelled out, since nobody can say how wide a terminal would draw it.
"""

import unicodedata

MARKS = 3
"""Combining marks that may stand on one letter; the rest are spelled out."""

_SPELLED = "\\u{"

# Printable for Python, yet nothing or only a blank is drawn for them, or (skin tones) terminals do
# not agree how wide they are.
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0x13441, 0x13442),
        (0x16FE4, 0x16FE4),
        (0x1D159, 0x1D159),
        (0x1F3FB, 0x1F3FF),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)

# Characters met so far that may be drawn wherever they stand. Bounded: a hostile registry could
# otherwise walk through all of Unicode.
_PLAIN = {chr(code) for code in range(0x20, 0x7F)} - {"\\"}
_PLAIN_LIMIT = 20_000


def show(text: str) -> str:
    r"""Return `text` as it may leave the program: printable, on one line, and unmistakable.

    The law:

    - No control, escape, bidi, zero-width, invisible, unassigned or private character and no
      space but U+0020 is in the result; each is spelled `\u{1b}`.
    - Different texts have different results, also after Unicode normalisation (the result is
      always NFC; a letter that is written in an unusual way is spelled out). A text that contains
      `\u{` itself has that backslash spelled `\u{5c}`; every other backslash stays.
    - A mark stands on a letter or is spelled; at most `MARKS` stand on one letter.
    - A text with nothing of the kind comes back as it is.

    Since it is injective it is not idempotent: call it once, at the exit. Letters of different
    alphabets that merely look alike are not its business.
    """
    if text.isascii():
        if text.isprintable() and _SPELLED not in text:
            return text
    elif _PLAIN.issuperset(text):
        return text
    return _spell_odd(text)


def show_name(text: str) -> str:
    """Like `show`, with spaces at either edge spelled out: `fraud` and `fraud ` look different."""
    shown = show(text)
    if not shown or (shown[0] != " " and shown[-1] != " "):
        return shown
    body = shown.strip(" ")
    if not body:
        return spell(" ") * len(shown)
    before = len(shown) - len(shown.lstrip(" "))
    after = len(shown) - len(body) - before
    return spell(" ") * before + body + spell(" ") * after


def one_line(text: str) -> str:
    """Return a message as one line: white space becomes one space, the rest is shown.

    For prose (errors, notices). Two messages may become one; names go through `show_name`.
    """
    return show(" ".join(text.split()))


def show_lines(text: str, tab: int = 8) -> list[str]:
    """Split a text that has lines (a log, a card, a diff) and show each; tabs become spaces."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [show(line.expandtabs(tab)) for line in lines]


def file_name(text: str, limit: int = 120) -> str:
    """Return a file name for `text`: one path component, never hidden, never an option.

    Letters, digits, `_`, `-` and `.` stay, other characters become `%` and their UTF-8 bytes.
    Different texts give different names; a long one ends in `%~` and a digest of the whole.
    """
    spelled = []
    for at, char in enumerate(text):
        plain = char == "_" or (char in "-." and at > 0) or (char.isascii() and char.isalnum())
        if plain:
            spelled.append(char)
        else:
            data = char.encode("utf-8", "surrogatepass")
            spelled.extend(f"%{byte:02x}" for byte in data)
    name = "".join(spelled) or "%"
    if len(name) > limit:
        import hashlib

        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        name = f"{name[: max(limit - 34, 0)]}%~{digest}"
    return name


def cells(text: str) -> int:
    """Return how many terminal cells `text` takes, once shown."""
    if text.isascii() or text == "…":
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """Return `text`, already shown, cut to at most `width` terminal cells.

    A text that was cut ends in `ellipsis` (itself cut when `width` is smaller than it). A wide
    character is kept whole or left out, and marks stay with their letter.
    """
    if len(text) <= width and text.isascii():
        return text
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    room = width - cells(ellipsis)
    if room < 0:
        return _head(ellipsis, width)
    return _head(text, room) + ellipsis


def spell(char: str) -> str:
    r"""Return the visible spelling of one character, for example `\u{1b}`."""
    return f"{_SPELLED}{ord(char):02x}}}"


def _head(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    from rich.cells import get_character_cell_size

    used = 0
    for at, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > width:
            return text[:at]
    return text


def _spell_odd(text: str) -> str:
    out: list[str] = []
    letter = ""  # what a mark would stand on, with the marks it has
    for at, char in enumerate(text):
        if char in _PLAIN or _is_plain(char):
            keep = True
            letter = "" if char == " " else char
        elif char == "\\":
            keep = not text.startswith("u{", at + 1)
            letter = char if keep else ""
        else:
            keep = bool(letter) and _may_stand(char, letter)
            letter = letter + char if keep else ""
        out.append(char if keep else spell(char))
    return "".join(out)


def _is_mark(char: str) -> bool:
    # The vowels and finals of decomposed Hangul are letters by category and marks by behaviour.
    return (
        unicodedata.category(char)[0] == "M"
        or "\u1160" <= char <= "\u11ff"
        or "\ud7b0" <= char <= "\ud7ff"
    )


def _is_plain(char: str) -> bool:
    if char == "\\" or not char.isprintable() or char in _INVISIBLE or _is_mark(char):
        return False
    if not unicodedata.is_normalized("NFC", char):
        return False
    if len(_PLAIN) < _PLAIN_LIMIT:
        _PLAIN.add(char)
    return True


def _may_stand(char: str, letter: str) -> bool:
    return (
        len(letter) <= MARKS
        and char not in _INVISIBLE
        and char.isprintable()
        and _is_mark(char)
        and unicodedata.is_normalized("NFC", letter + char)
    )
