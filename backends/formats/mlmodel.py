"""MLmodel, the page that says what is in an MLflow model folder.

It is YAML as MLflow writes it: nested maps of plain and quoted texts, which may be folded over
several lines. Anything else in it is passed over. Texts stay texts.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .content import DamagedBytesError

NAME: Final = "MLmodel"
SIZE_LIMIT: Final = 4 << 20
_DEPTH: Final = 20
_KEY: Final = re.compile(r"( *)([^\s:#'\"\[{-][^:#]*|'[^']*'|\"[^\"]*\"):(?=\s|$)")
_KEY_LIMIT: Final = 1000
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\n": ""}
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_Tree = dict[str, Any]


def described(data: bytes) -> tuple[dict[str, Any] | None, dict[str, Any], list[str]]:
    """Signature, details, and why the model runs code that it brings along."""
    try:
        tree = parsed(data.decode())
    except UnicodeDecodeError:
        raise DamagedBytesError("has an MLmodel that is no UTF-8") from None
    flavors = tree.get("flavors")
    if not isinstance(flavors, dict):
        raise DamagedBytesError("has an MLmodel without flavors")
    details: dict[str, Any] = {"flavors": sorted(flavors)}
    for key in ("model_uuid", "model_id", "run_id", "mlflow_version", "utc_time_created"):
        if isinstance(tree.get(key), str):
            details[key] = tree[key]
    unsafe: dict[str, None] = {}
    for name, flavor in flavors.items():
        if not isinstance(flavor, dict):
            continue
        if isinstance(version := flavor.get("python_version"), str):
            details.setdefault("python_version", version)
        if isinstance(kept := flavor.get("serialization_format"), str):
            details.setdefault("serialization_format", kept)
        unsafe.update(dict.fromkeys(_reasons(name, flavor)))
    return _signature(tree.get("signature")), details, list(unsafe)


def parsed(text: str) -> _Tree:
    """The nested maps of a page."""
    root: _Tree = {}
    levels: list[tuple[int, _Tree]] = [(-1, root)]
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        found = _KEY.match(line[:_KEY_LIMIT])
        if not found or line.lstrip(" ").startswith("- "):
            continue
        indent, key = len(found[1]), _unquoted(found[2].strip())
        rest = line[found.end() :].strip()
        while levels[-1][0] >= indent:
            levels.pop()
        if rest[:1] in {"'", '"'}:
            value, place = _quoted(rest, lines, place)
            levels[-1][1][key] = value
        elif rest[:1] in {"|", ">"} or rest:
            value, place = _folded(rest, lines, place, indent)
            levels[-1][1][key] = value
        elif len(levels) <= _DEPTH:
            inner: _Tree = {}
            levels[-1][1][key] = inner
            levels.append((indent, inner))
    return root


def _quoted(first: str, lines: list[str], place: int) -> tuple[str, int]:
    """A quoted text that may go over several lines, and where the next line is."""
    mark = first[0]
    whole = re.compile(r"'((?:[^']|'')*)'" if mark == "'" else r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
    parts = [first]
    odd = _open(first, mark)
    while odd and place < len(lines):
        parts.append(lines[place])
        odd ^= _open(lines[place], mark)
        place += 1
    folded = _fold(parts, mark)
    found = whole.match(folded)
    return (_unquoted(found[0]) if found else folded[1:]), place


def _open(line: str, mark: str) -> bool:
    """Whether an odd number of quotation marks stands in a line."""
    return (
        line.count(mark) if mark == "'" else len(re.findall(r'(?<!\\)(?:\\\\)*"', line))
    ) % 2 == 1


def _fold(parts: list[str], mark: str) -> str:
    """Lines of a quoted text as one: a break is a space, an empty line a break."""
    text = parts[0].rstrip() if len(parts) > 1 else parts[0]
    breaks = 0
    for part in parts[1:]:
        stripped = part.strip()
        if not stripped:
            breaks += 1
            continue
        if mark == '"' and (len(text) - len(text.rstrip("\\"))) % 2:
            text = text[:-1] + stripped
        else:
            text += ("\n" * breaks if breaks else " ") + stripped
        breaks = 0
    return text


def _folded(first: str, lines: list[str], place: int, indent: int) -> tuple[str, int]:
    """A plain text or a block that may go over several lines, all indented deeper."""
    parts = [] if first[:1] in {"|", ">"} else [first]
    while place < len(lines):
        line = lines[place]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        parts.append(line.strip())
        place += 1
    return " ".join(part for part in parts if part), place


def _unquoted(text: str) -> str:
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text[:1] == '"':
        return _ESCAPE.sub(_unescaped, text[1:-1])
    return text


def _unescaped(found: "re.Match[str]") -> str:
    code = found[1]
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    return _ESCAPES.get(code, code)


def _signature(told: Any) -> dict[str, Any] | None:
    """Inputs, outputs and params, which stand there as JSON in text."""
    if not isinstance(told, dict):
        return None
    signature: dict[str, Any] = {}
    for key in ("inputs", "outputs", "params"):
        text = told.get(key)
        if not isinstance(text, str) or text in {"null", "~", ""}:
            continue
        try:
            signature[key] = json.loads(text)
        except (ValueError, RecursionError):
            signature[key] = text
    return signature or None


def _reasons(name: str, flavor: Mapping[str, Any]) -> list[str]:
    """Why loading this flavor runs code out of the folder."""
    reasons = []
    loader = flavor.get("loader_module")
    if isinstance(loader, str) and not loader.startswith("mlflow."):
        reasons.append(f"it is loaded by the module {loader}")
    if isinstance(code := flavor.get("code"), str) and code not in {"null", "~"}:
        reasons.append(f"it brings Python code in {code}")
    if isinstance(script := flavor.get("model_code_path"), str) and script not in {"null", "~"}:
        reasons.append(f"it is made by the script {script}")
    if isinstance(model := flavor.get("python_model"), str):
        reasons.append(f"it brings Python code in {model}")
    if flavor.get("serialization_format") in {"cloudpickle", "pickle", "joblib"}:
        reasons.append(f"its flavor {name} is kept as {flavor['serialization_format']}")
    return reasons
