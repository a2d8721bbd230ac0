"""Keys as a person writes them (`P`, `^k`, `ctrl+k`, `F5`, `?`) and as Textual names them."""

import re
import unicodedata

_NAMED = (
    "enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup",
    "pagedown", "up", "down", "left", "right",
)  # fmt: skip
_ALSO = {"esc": "escape", "del": "delete", "ins": "insert", "pgup": "pageup", "pgdn": "pagedown"}
_WRITTEN = {
    "escape": "Esc", "delete": "Del", "insert": "Ins", "pageup": "PgUp", "pagedown": "PgDn",
}  # fmt: skip
_SHORTER = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
    "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
_FUNCTION = re.compile(r"f([1-9]|1[0-9]|2[0-4])")
MODIFIERS = ("ctrl", "alt", "shift")
FORMS = "Write a character, F1 to F24, Enter, Esc, Home ... with ctrl+, alt+ or shift+ before it"

OF_WIDGETS = {
    "up": "moves", "down": "moves", "j": "moves", "k": "moves", "g": "goes to the first row",
    "G": "goes to the last row", "home": "goes to the first row", "end": "goes to the last row",
    "pageup": "moves by a page", "pagedown": "moves by a page", "b": "moves by a page",
    "space": "marks", "shift+left": "chooses a column", "shift+right": "chooses a column",
    "ctrl+@": "marks a range", "ctrl+space": "marks a range", "M": "marks a range",
    "ctrl+left": "goes to columns further left", "ctrl+right": "goes to columns further right",
    "left_parenthesis": "goes to columns further left",
    "right_parenthesis": "goes to columns further right",
    "o": "sorts by a column", "O": "sorts by one more column",
    "right": "opens a nested row", "left": "goes back",
    "comma": "moves the cursor of a chart", "full_stop": "moves the cursor of a chart",
    "less_than_sign": "moves the cursor of a chart",
    "greater_than_sign": "moves the cursor of a chart", "plus": "zooms a chart",
    "minus": "zooms a chart", "0": "zooms a chart", "left_curly_bracket": "pans a chart",
    "right_curly_bracket": "pans a chart", "L": "makes the y of a chart logarithmic",
    "X": "changes the x of a chart",
}  # fmt: skip
"""Keys that tables, texts and charts take for themselves, and what for."""


def key_name(text: str) -> str:
    """Textual's name of a key; empty when that is none."""
    text = text.strip() if len(text) > 1 else text
    if text.startswith("^") and len(text) == 2:
        text = f"ctrl+{text[1]}"
    *modifiers, last = text.split("+") if len(text) > 1 and not text.endswith("+") else [text]
    if text.endswith("+") and len(text) > 2 and text[-2] == "+":
        *modifiers, last = [*text[:-2].split("+"), "+"]
    found = [one.lower() for one in modifiers]
    if any(one not in MODIFIERS for one in found) or len(set(found)) < len(found):
        return ""
    name = _plain(last, lower="ctrl" in found)
    if not name or ("shift" in found and len(name) == 1):
        return ""
    return "+".join([*(one for one in MODIFIERS if one in found), name])


def _plain(text: str, *, lower: bool) -> str:
    if len(text) == 1:
        if not text.isprintable() or text.isspace():
            return "space" if text == " " else ""
        if text.isalnum():
            return text.lower() if lower else text
        name = unicodedata.name(text, "").lower().replace("-", "_").replace(" ", "_")
        return _SHORTER.get(name, name)
    name = _ALSO.get(text.lower(), text.lower())
    return name if name in _NAMED or _FUNCTION.fullmatch(name) or _sign(name) else ""


def _sign(name: str) -> str:
    """The character of a name such as `question_mark`; empty when it names none."""
    longer = {short: long for long, short in _SHORTER.items()}.get(name, name)
    for written in (longer.replace("_", " "), longer.replace("_", "-")):
        try:
            char = unicodedata.lookup(written.upper())
        except KeyError:
            continue
        if char.isprintable() and not char.isalnum():
            return char
    return ""


def shown_key(name: str) -> str:
    """How a key of that name is written where there is little room."""
    *modifiers, last = name.split("+")
    word = _WRITTEN.get(last) or (last.capitalize() if last in _NAMED else "") or _sign(last)
    word = word or (last.upper() if _FUNCTION.fullmatch(last) else last)
    if modifiers == ["ctrl"] and len(word) == 1:
        return f"^{word}"
    return "+".join([*modifiers, word])
