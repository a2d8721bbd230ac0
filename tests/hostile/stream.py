"""A terminal's reading of what it is sent: which of it is not what our own driver sends.

Everything is cut into text, controls, escape, control and string sequences as ECMA-48 says; what is
not known to be the driver's own is a find. A known sequence with other numbers is a find too.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

MODES = {7, 25, 1000, 1003, 1004, 1006, 1007, 1015, 1016, 1049, 2004, 2026, 2048}
"""Private modes that are set and reset: wrapping, cursor, mouse, screen, paste, synchronised."""
ATTRIBUTES = {0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29, *range(30, 50), *range(90, 108)}
"""Of letters: never blinking (5, 6), never concealed (8)."""

_TOKEN = re.compile(
    r"(?P<csi>\x1b\[(?P<params>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~]))"
    r"|(?P<string>(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?P<payload>[^\x07\x1b\x9c]*)"
    r"(?:\x07|\x1b\\|\x9c)?)"
    r"|(?P<escape>\x1b[ -/]*[0-~]?)"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)",
    re.DOTALL,
)


def finds(output: bytes, columns: int, lines: int, *, copied: bool = False) -> Iterator[str]:
    """What of `output` a terminal of that size should not have been sent, in words.

    With `copied` one may have copied something: base64 for the clipboard is known then.
    """
    try:
        whole = output.decode()
    except UnicodeDecodeError as error:
        yield f"not UTF-8 at {error.start}: {output[error.start : error.start + 20]!r}"
        whole = output.decode("utf-8", "replace")
    end = 0
    for token in _TOKEN.finditer(whole):
        if token.start() != end:
            yield f"not read: {whole[end : token.start()]!r}"
        end = token.end()
        wrong = _wrong(token, columns, lines, copied)
        if wrong:
            near = whole[max(token.start() - 40, 0) : token.end() + 20]
            yield f"{wrong}: {token.group()[:60]!r} in {near!r}"


def _wrong(token: re.Match[str], columns: int, lines: int, copied: bool) -> str:
    if token["text"] is not None:
        odd = [char for char in token["text"] if not _drawn(char)]
        return f"letters that are not drawn {odd[:5]!r}" if odd else ""
    if token["control"] is not None:
        return "" if token["control"] in "\r\n" else "a control"
    if token["escape"] is not None:
        return "" if token["escape"] in ("\x1b7", "\x1b8", "\x1b=", "\x1b>") else "an escape"
    if token["string"] is not None:
        return _string(token["string"], token["payload"], copied)
    return _csi(token["params"], token["between"], token["final"], columns, lines)


def _drawn(char: str) -> bool:
    return char == "\ufffd" or (char.isprintable() and unicodedata.category(char) != "Cf")


def _string(whole: str, payload: str, copied: bool) -> str:
    if not whole.startswith("\x1b]") or not whole.endswith(("\x07", "\x1b\\")):
        return "a string of another kind, or one without an end"
    number, _, rest = payload.partition(";")
    if number == "22" and re.fullmatch("[a-z-]*", rest):  # the pointer's shape
        return ""
    if number == "52" and copied:
        try:
            base64.b64decode(rest.removeprefix("c;"), validate=True)
        except binascii.Error:
            return "a clipboard that is no base64"
        return ""
    # A title begins with our name; the rest of it is letters.
    titled = number in ("0", "1", "2") and rest.startswith("modeldeck") and all(map(_drawn, rest))
    return "" if titled else "an operating command"


def _csi(params: str, between: str, final: str, columns: int, lines: int) -> str:
    if final in "hl" and params.startswith("?") and not between:
        known = params[1:].isdigit() and int(params[1:]) in MODES
        return "" if known else "another mode"
    if final == "p" and between == "$":
        return "" if params in ("?2026", "?2048") else "another question about modes"
    if between:
        return "another control sequence"
    if final == "u":
        return "" if re.fullmatch(r"<|>\d+|=\d+(;\d)?|\?", params) else "another keyboard"
    numbers = [int(part or 0) for part in params.split(";")] if _plain(params) else None
    if numbers is None:
        return "a control sequence with other numbers"
    if final == "m":
        return "" if _attributes(numbers) else "other attributes"
    if final == "H":
        row, column = (*numbers, 1)[:2]
        return "" if row <= lines and column <= columns else "a move off the screen"
    if final in "ABCDGK":
        return ""
    if final == "t":  # the title is kept, and put back
        return "" if numbers in ([22, 2], [23, 2]) else "another question to the window"
    return "" if final == "J" and numbers == [0] else "another control sequence"


def _plain(params: str) -> bool:
    return re.fullmatch(r"[0-9;]*", params) is not None


def _attributes(numbers: list[int]) -> bool:
    at = 0
    while at < len(numbers):
        if numbers[at] in (38, 48):
            kind = numbers[at + 1] if at + 1 < len(numbers) else -1
            if kind not in (2, 5):
                return False
            at += 5 if kind == 2 else 3
            continue
        if numbers[at] not in ATTRIBUTES:
            return False
        at += 1
    return True
