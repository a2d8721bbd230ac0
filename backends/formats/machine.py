"""The stack machine that pickles are programs for, run on symbols instead of objects."""

import math
import re
from typing import Any, Final, Protocol

from .stream import EndedError, Stream

WHOLE: Final = frozenset(["BININT", "BININT1", "BININT2", "LONG1", "LONG4"])
TEXTS: Final = frozenset(
    ["SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"]
)
_OBJECTS: Final = -1
_DTYPE: Final = re.compile(r"[<>=|]?([a-zA-Z])(\d{0,9})")
_DEPTH: Final = 8
_ENTRIES: Final = 256
_ITEMS: Final = 64


class Name:
    """An import that was not made. `text` is None when the name could not be told."""

    __slots__ = ("text",)

    def __init__(self, text: str | None) -> None:
        self.text = text


class Call:
    """A call that was not made, with the state it would have been given."""

    __slots__ = ("arguments", "callee", "state")

    def __init__(self, callee: Any, arguments: Any) -> None:
        self.callee = callee
        self.arguments = arguments
        self.state: Any = None


class Opaque:
    """Something that makes no difference here."""


OPAQUE: Final = Opaque()


class Tape(Protocol):
    """Where operations come from, and who is told what they name."""

    stream: Stream
    calls: int
    protocol: int
    odd: dict[str, None]
    arrays: bool
    wrapped: int

    def step(self) -> tuple[str, Any]:
        """The next operation and its argument."""

    def named(self, module: Any, name: Any) -> Name:
        """Note an import."""


class Machine:
    """One pickle. A stack that is too short gives something opaque: the rest is looked at still."""

    def __init__(self, scan: Tape) -> None:
        self.scan = scan
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> None:
        """Go to the end of this pickle."""
        while True:
            name, argument = self.scan.step()
            if name == "STOP":
                return
            handler = _HANDLERS.get(name)
            if handler is not None:
                handler(self, argument)
            elif name in WHOLE or name in TEXTS:
                self.stack.append(argument)
            elif name not in _IDLE:
                self.stack.append(OPAQUE)

    def pop(self) -> Any:
        """The top of the stack."""
        return self.stack.pop() if self.stack else OPAQUE

    def top(self) -> Any:
        """The top of the stack, which stays."""
        return self.stack[-1] if self.stack else OPAQUE

    def marked(self) -> list[Any]:
        """All above the last mark, which is gone then."""
        items = self.stack
        self.stack = self.marks.pop() if self.marks else []
        return items

    def call(self, callee: Any, arguments: Any) -> None:
        """Note a call and push what it would give."""
        self.scan.calls += 1
        self.stack.append(Call(callee, arguments))

    def build(self, state: Any) -> None:
        """Give an object its state. Joblib puts the bytes of an array right after that."""
        made = self.top()
        if isinstance(made, Call):
            made.state = state
            if self.scan.arrays and _class_of(made) in _WRAPPERS:
                self.scan.wrapped += 1
                self._array(state if isinstance(state, dict) else {})

    def _array(self, state: dict[str, Any]) -> None:
        shape, size = state.get("shape"), _item_size(state.get("dtype"))
        if size == _OBJECTS:
            Machine(self.scan).run()
            return
        whole = isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)
        if size is None or not whole:
            raise EndedError("holds an array whose length cannot be told")
        assert isinstance(shape, tuple)
        if isinstance(state.get("numpy_array_alignment_bytes"), int):
            self.scan.stream.skip(self.scan.stream.read(1)[0])
        self.scan.stream.skip(math.prod(shape, start=size))


def _item_size(dtype: Any, depth: int = 0) -> int | None:
    """The bytes of an item; `_OBJECTS` when it holds Python objects; None when it does not tell."""
    arguments = dtype.arguments if isinstance(dtype, Call) else None
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    found = _DTYPE.fullmatch(code) if isinstance(code, str) else None
    if found is None or depth > _DEPTH:
        return None
    if found[1] == "O":
        return _OBJECTS
    size = int(found[2] or 1) * (4 if found[1] == "U" else 1)
    if found[1] != "V":
        return size
    # Fields and the base of a subarray stand in the state: (version, order, base, names, fields..
    if not isinstance(dtype.state, tuple) or len(dtype.state) < 5:
        return None
    base, fields = dtype.state[2], dtype.state[4]
    inner = [] if base is None else [base]
    if isinstance(fields, dict) and len(fields) < _ENTRIES:
        inner += fields.values()
    elif fields is not None:
        return None
    sizes = [
        _item_size(one[0] if isinstance(one, tuple) and one else None, depth + 1) for one in inner
    ]
    if _OBJECTS in sizes:
        return _OBJECTS
    return None if None in sizes else size


def word(data: bytes) -> str | None:
    """Text that may be a name or a dtype; None for what cannot be one, which is not kept."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if len(text) < 256 and text.isprintable() else None


_WRAPPERS = {
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
}


def _class_of(made: Call) -> str | None:
    """The class that a call makes something of."""
    callee = made.callee
    text = callee.text if isinstance(callee, Name) else None
    if text in {"copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__"}:
        first = made.arguments[0] if isinstance(made.arguments, tuple) and made.arguments else None
        return first.text if isinstance(first, Name) else None
    return text


def _number(line: bytes) -> int:
    try:
        return int(line[:20])
    except ValueError:
        return -1


def _put(machine: Machine, key: int) -> None:
    machine.memo[key] = machine.top()


def _items(machine: Machine, pairs: list[Any]) -> None:
    target = machine.top()
    if isinstance(target, dict):
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            if isinstance(key, str) and len(target) < _ENTRIES:
                target[key] = value


def _set_item(machine: Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _items(machine, [key, value])


def _tuple(machine: Machine, count: int) -> None:
    items = [machine.pop() for _ in range(count)]
    machine.stack.append(tuple(reversed(items)))


def _marked_tuple(machine: Machine, _: Any) -> None:
    items = machine.marked()
    machine.stack.append(tuple(items) if len(items) <= _ITEMS else OPAQUE)


def _marked_dict(machine: Machine, _: Any) -> None:
    pairs = machine.marked()
    machine.stack.append({})
    _items(machine, pairs)


def _mark(machine: Machine, _: Any) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _replace_marked(machine: Machine, _: Any) -> None:
    machine.marked()
    machine.stack.append(OPAQUE)


def _stack_global(machine: Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(machine.scan.named(module, name))


def _reduce(machine: Machine, _: Any) -> None:
    arguments, callee = machine.pop(), machine.pop()
    machine.call(callee, arguments)


def _new_extended(machine: Machine, _: Any) -> None:
    machine.pop()
    _reduce(machine, None)


def _instance(machine: Machine, argument: tuple[Any, Any]) -> None:
    items = machine.marked()
    machine.call(machine.scan.named(*argument), tuple(items[:_ITEMS]))


def _object(machine: Machine, _: Any) -> None:
    items = machine.marked()
    machine.call(items[0] if items else OPAQUE, tuple(items[1:_ITEMS]))


def _extension(machine: Machine, code: int) -> None:
    machine.scan.odd[f"uses extension {code}, which names nothing here"] = None
    machine.stack.append(Name(None))


def _protocol(machine: Machine, version: int) -> None:
    machine.scan.protocol = max(machine.scan.protocol, version)


def _pushed(value: Any) -> Any:
    return lambda machine, _: machine.stack.append(value)


_IDLE = frozenset(["FRAME", "READONLY_BUFFER"])
_HANDLERS: dict[str, Any] = {
    "PROTO": _protocol,
    "MARK": _mark,
    "POP": lambda machine, _: machine.pop() if machine.stack else machine.marked(),
    "POP_MARK": lambda machine, _: machine.marked(),
    "DUP": lambda machine, _: machine.stack.append(machine.top()),
    "PUT": lambda machine, line: _put(machine, _number(line)),
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": lambda machine, _: _put(machine, len(machine.memo)),
    "GET": lambda machine, line: machine.stack.append(machine.memo.get(_number(line), OPAQUE)),
    "BINGET": lambda machine, key: machine.stack.append(machine.memo.get(key, OPAQUE)),
    "LONG_BINGET": lambda machine, key: machine.stack.append(machine.memo.get(key, OPAQUE)),
    "GLOBAL": lambda machine, pair: machine.stack.append(machine.scan.named(*pair)),
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_extended,
    "BUILD": lambda machine, _: machine.build(machine.pop()),
    "EXT1": _extension,
    "EXT2": _extension,
    "EXT4": _extension,
    "BINPERSID": lambda machine, _: (machine.pop(), machine.stack.append(OPAQUE)),
    "EMPTY_TUPLE": _pushed(()),
    "TUPLE1": lambda machine, _: _tuple(machine, 1),
    "TUPLE2": lambda machine, _: _tuple(machine, 2),
    "TUPLE3": lambda machine, _: _tuple(machine, 3),
    "TUPLE": _marked_tuple,
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "DICT": _marked_dict,
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: _items(machine, machine.marked()),
    "APPEND": lambda machine, _: machine.pop(),
    "APPENDS": lambda machine, _: machine.marked(),
    "ADDITEMS": lambda machine, _: machine.marked(),
    "LIST": _replace_marked,
    "FROZENSET": _replace_marked,
    "INT": lambda machine, line: machine.stack.append(_number(line)),
    "LONG": lambda machine, line: machine.stack.append(_number(line.rstrip(b"L"))),
    "UNICODE": lambda machine, line: machine.stack.append(word(line) or OPAQUE),
    "STRING": lambda machine, line: machine.stack.append(word(line.strip(b"'\"")) or OPAQUE),
    "NONE": _pushed(None),
}
