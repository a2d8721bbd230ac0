"""A look into an artifact: text as lines, everything else as what it is. Nothing is ever loaded."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from modeldeck.backends.api.artifacts import Artifact

from .session import Session

Kind = Literal["text", "json", "table", "diff", "markdown", "image", "pickle", "binary"]

LOOKED_AT = 1 << 20
"""Bytes of a file that are read for a look."""
DUMPED = 4096
WIDEST_CELL = 40
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".dill")
_IMAGES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WebP"}


class Preview(Struct, frozen=True, kw_only=True):
    """Lines to read, exact as they are in the file, and what there is to know of it before."""

    kind: Kind
    lines: Sequence[str]
    said: str = ""


async def preview(session: Session, owner: str, artifact: Artifact) -> Preview:
    """A look at a file of `owner` (an address); at most its first megabyte."""
    data = await session.registry.read_artifact(owner, artifact.path, 0, LOOKED_AT + 1)
    whole = len(data) <= LOOKED_AT
    found = look(artifact.path, data[:LOOKED_AT], whole=whole)
    if whole:
        return found
    said = f"the first {LOOKED_AT >> 20} MiB; {found.said}".removesuffix("; ")
    return Preview(kind=found.kind, lines=found.lines, said=said)


def look(path: str, data: bytes, *, whole: bool = True) -> Preview:
    """What `data`, the beginning or all of a file of that name, is to a reader."""
    ending = path[path.rfind(".") :].lower() if "." in path else ""
    if ending in _PICKLES or _is_pickle(data):
        said = "UNSAFE: a pickle, which can run any code when it is loaded; these are its bytes"
        return Preview(kind="pickle", lines=dump(data), said=said)
    for start, name in _IMAGES.items():
        if data.startswith(start) and (name != "WebP" or data[8:12] == b"WEBP"):
            return Preview(kind="image", lines=dump(data[:256]), said=_image(name, data))
    text = _text(data, whole=whole)
    if text is None:
        return Preview(kind="binary", lines=dump(data), said="no text; these are its bytes")
    return _of_text(ending, text, whole=whole)


def _of_text(ending: str, text: str, *, whole: bool) -> Preview:
    if ending == ".json" and whole:
        lines = _json(text)
        if lines is not None:
            return Preview(kind="json", lines=lines)
    if ending in (".csv", ".tsv"):
        return Preview(kind="table", lines=_table(text, "\t" if ending == ".tsv" else ","))
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if ending in (".diff", ".patch"):
        return Preview(kind="diff", lines=lines)
    return Preview(kind="markdown" if ending in (".md", ".markdown") else "text", lines=lines)


def _is_pickle(data: bytes) -> bool:
    # Protocols 2 to 5 say so; older ones look like text and are told by the name of the file.
    return len(data) > 2 and data[0] == 0x80 and 2 <= data[1] <= 5


def _text(data: bytes, *, whole: bool) -> str | None:
    if b"\0" in data:
        return None
    for cut in range(1 if whole else 4):
        # The last character may have been cut in two.
        try:
            return data[: len(data) - cut].decode()
        except UnicodeDecodeError:
            continue
    return None


def _json(text: str) -> Sequence[str] | None:
    try:
        value = json.loads(text)
        return json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return None


def _table(text: str, separator: str) -> Sequence[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        return text.splitlines()
    if not rows:
        return []
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [
        min(max(len(row[at]) for row in cells if at < len(row)), WIDEST_CELL)
        for at in range(max(map(len, cells)))
    ]
    return [
        "  ".join(f"{cell:<{widths[at]}}" for at, cell in enumerate(row)).rstrip() for row in cells
    ]


def _image(name: str, data: bytes) -> str:
    size = None
    if name == "PNG" and data[12:16] == b"IHDR":
        size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    elif name == "GIF":
        size = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    elif name == "JPEG":
        size = _jpeg(data)
    return f"a {name} image{f' of {size[0]}x{size[1]} pixels' if size else ''}"


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            high, wide = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(wide, "big"), int.from_bytes(high, "big")
        at += 2 + length
    return None


def dump(data: bytes, most: int = DUMPED) -> list[str]:
    """The first bytes, sixteen a line: where, in hexadecimal, as characters."""
    lines = []
    for at in range(0, min(len(data), most), 16):
        part = data[at : min(at + 16, most)]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{at:08x}  {part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}  {shown}")
    return lines
