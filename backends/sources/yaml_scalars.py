"""What a plain YAML 1.1 scalar stands for, and what the escapes of a quoted one do."""

import re

ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "\\": "\\",
    "/": "/",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}

_WORDS: dict[str, bool | None] = {
    spelling: value
    for word, value in {
        "yes": True,
        "true": True,
        "on": True,
        "no": False,
        "false": False,
        "off": False,
        "null": None,
    }.items()
    for spelling in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}
_INT = re.compile(
    r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|[1-9][0-9_]*(?::[0-5]?[0-9])*|0)", re.ASCII
)
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|\.inf|\.Inf|\.INF)"
    r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|\.nan|\.NaN|\.NAN",
    re.ASCII,
)

Plain = str | int | float | bool | None


def plain_value(text: str) -> Plain:
    """The value of an unquoted scalar, as YAML 1.1 has it; dates stay text.

    Raises ValueError for a number too long to be one.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return _real(text.replace("_", "").lower())
    return text


def _integer(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    text = text.lstrip("+-")
    if text.startswith(("0b", "0x")):
        return sign * int(text, 0)
    if ":" in text:
        total = 0
        for part in text.split(":"):
            total = total * 60 + int(part)
        return sign * total
    return sign * (int(text, 8) if text[0] == "0" else int(text))


def _real(text: str) -> float:
    sign = -1.0 if text[0] == "-" else 1.0
    text = text.lstrip("+-")
    if text in (".inf", ".nan"):
        return sign * float(text[1:])
    if ":" in text:
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + float(part)
        return sign * total
    return sign * float(text)
