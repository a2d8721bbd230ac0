"""Pickles, read as bytes: what they would import and call. Nothing is imported or called.

A pickle is a program for a small stack machine. This one runs it on symbols: names stay names,
calls stay calls, so that an import is found however its name is put together on the stack.
"""

import pickletools
import re
from collections.abc import Callable
from typing import Any, Final

from .content import Finding, shortened
from .danger import dangerous
from .machine import OPAQUE, TEXTS, WHOLE, Machine, Name, word
from .stream import EndedError, Readable, Stream

OPERATIONS_LIMIT: Final = 2_000_000
PICKLES_LIMIT: Final = 100
_SHORT: Final = 1 << 12
_LINE: Final = 1 << 20
_CODES: Final = {ord(op.code): (op.name, op.arg.n if op.arg else 0) for op in pickletools.opcodes}
_LENGTHS: Final = {-2: 1, -3: 4, -4: 4, -5: 8}
_NAME: Final = re.compile(r"[\w.]+")
_GENERAL: Final = "it is a pickle: loading it runs what it names"
_OLD = re.compile(rb"(?:\(|\(dp?0?\n?|\(lp?0?\n?)?[ci][\w.]+\n[\w.]+\n")


class Scan:
    """All that a stream of pickles names. `imports` are in the order in which they were met.

    With `arrays` it is read as joblib does, which puts the bytes of arrays between the operations;
    `wrapped` counts them.
    """

    def __init__(self, source: Readable, *, arrays: bool = False) -> None:
        self.stream = Stream(source)
        self.arrays = arrays
        self.wrapped = 0
        self.imports: dict[str, bool] = {}
        self.calls = 0
        self.protocol = 0
        self.pickles = 0
        self.broken: str | None = None
        self.odd: dict[str, None] = {}
        self._operations = 0

    def run(self) -> "Scan":
        """Read all pickles that follow each other."""
        try:
            while self.pickles < PICKLES_LIMIT:
                Machine(self).run()
                self.pickles += 1
                if not looks_pickled(self.stream.peek(2)):
                    break
        except EndedError as error:
            self.broken = f"{error} (after byte {self.stream.place})"
        return self

    def step(self) -> tuple[str, Any]:
        """The next operation and its argument, as far as it matters."""
        self._operations += 1
        if self._operations & 0xFFF == 0:
            self.stream.check()
        if self._operations > OPERATIONS_LIMIT:
            raise EndedError(f"has more than {OPERATIONS_LIMIT} operations")
        code = self.stream.read(1)[0]
        name, width = _CODES.get(code, ("", 0))
        if not name:
            raise EndedError(f"has an unknown operation {code:#04x}")
        return name, self._argument(name, width)

    def named(self, module: Any, name: Any) -> Name:
        """Note an import."""
        if isinstance(module, str) and isinstance(name, str):
            text = f"{module}.{name}"
            self.imports.setdefault(text, dangerous(module, name))
            return Name(text)
        self.odd["imports something whose name is made while it is loaded"] = None
        return Name(None)

    def finding(self, format_name: str, **details: Any) -> Finding:
        """The imports as a finding, the dangerous ones first."""
        bad = [text for text, foreign in self.imports.items() if foreign]
        worst = [f"it names {text}, which runs foreign code" for text in bad]
        rest = [f"it imports {text}" for text, foreign in self.imports.items() if not foreign]
        odd = [f"it {text}" for text in self.odd]
        if self.broken:
            odd.append(f"it cannot be read to its end: it {self.broken}")
        unsafe = (*shortened(worst, "of that kind"), *odd, _GENERAL, *shortened(rest, "imports"))
        told = {
            "protocol": self.protocol,
            "pickles": self.pickles,
            "imports": list(self.imports),
            "dangerous": bad,
            "calls": self.calls,
            "complete": self.broken is None,
        }
        return Finding(format=format_name, unsafe=unsafe, details=told | details)

    def _argument(self, name: str, width: int) -> Any:
        stream = self.stream
        if width > 0:
            data = stream.read(width)
            return int.from_bytes(data, "little", signed=name == "BININT")
        if width == -1:
            if name in {"GLOBAL", "INST"}:
                return word(stream.line(_LINE)), word(stream.line(_LINE))
            return stream.line(_LINE)
        if width == 0:
            return None
        length = int.from_bytes(stream.read(_LENGTHS[width]), "little")
        if length > _SHORT:
            stream.skip(length)
            return OPAQUE
        data = stream.read(length)
        if name in TEXTS:
            return word(data) or OPAQUE
        return int.from_bytes(data, "little", signed=True) if name in WHOLE else OPAQUE


def looks_pickled(head: bytes) -> bool:
    """Whether bytes start as pickles of protocol 2 to 5 do."""
    return head[:1] == b"\x80" and head[1:2] in {b"\2", b"\3", b"\4", b"\5"}


def looks_old(head: bytes) -> bool:
    """Whether bytes start as pickles of protocol 0 and 1 do that import something at once."""
    return _OLD.match(head) is not None


def scan(source: Readable) -> Scan:
    """What the pickles in `source` name to who loads them with pickle itself."""
    return Scan(source).run()


def scan_both(opened: Callable[[], Readable]) -> Scan:
    """What a file names to who loads it with joblib and to who loads it with pickle.

    The two read different things: what is the bytes of an array to one is operations to the other.
    `opened` gives the file from its start, each time.
    """
    found = Scan(opened(), arrays=True).run()
    if found.wrapped:
        for text, foreign in scan(opened()).imports.items():
            # Bytes of arrays may look like an import, but hardly like one of a real name.
            if _NAME.fullmatch(text):
                found.imports.setdefault(text, foreign)
    return found
