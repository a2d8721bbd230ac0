"""ONNX files: the header and the graph's inputs and outputs, without reading the weights."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from .archive import STRAY
from .content import DamagedBytesError, Finding, shortened

FIELDS_LIMIT: Final = 2_000_000
_TEXT: Final = 1 << 16
_NAMED: Final = 1000
_TYPES: Final = (
    "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 "
    "uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz "
    "uint4 int4 float4e2m1"
)
_ELEMENTS: Final = tuple(_TYPES.split())
_Span = tuple[int, int]


class Wire:
    """Protocol buffer fields of a file, by their places in it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self._left = FIELDS_LIMIT

    def fields(self, span: _Span) -> Iterator[tuple[int, int | _Span]]:
        """Number and value of each field in a span: a whole number, or where its bytes are."""
        place, stop = span
        while place < stop:
            self._left -= 1
            if self._left < 0:
                raise DamagedBytesError(f"has more than {FIELDS_LIMIT} fields")
            key, place = self._varint(place, stop)
            number, kind = key >> 3, key & 7
            value: int | _Span
            if not 0 < number < 1 << 29:
                raise DamagedBytesError(f"has a field {number}")
            if kind == 0:
                value, place = self._varint(place, stop)
            else:
                if kind == 2:
                    length, place = self._varint(place, stop)
                elif kind in {1, 5}:
                    length = 8 if kind == 1 else 4
                else:
                    raise DamagedBytesError(f"has a field of kind {kind}")
                if not 0 <= length <= stop - place:
                    raise DamagedBytesError("ends inside of a field")
                value, place = (place, place + length), place + length
            yield number, value

    def text(self, value: "int | _Span") -> str:
        """The text of a field, not more than is worth showing."""
        if isinstance(value, int):
            raise DamagedBytesError("has a number where text should be")
        self._file.seek(value[0])
        return self._file.read(min(value[1] - value[0], _TEXT)).decode("utf-8", "replace")

    def _varint(self, place: int, stop: int) -> tuple[int, int]:
        self._file.seek(place)
        data = self._file.read(min(10, stop - place))
        value = 0
        for count, byte in enumerate(data):
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                # Numbers are of 64 bits, and below zero in two's complement.
                value &= (1 << 64) - 1
                return value - (value >> 63 << 64), place + count + 1
        raise DamagedBytesError("ends inside of a number")


def described(file: BinaryIO, size: int) -> Finding:
    """What an ONNX file holds; DamagedBytesError when it is none."""
    wire = Wire(file, size)
    details: dict[str, Any] = {}
    opsets: dict[str, int] = {}
    graph: _Span | None = None
    functions = 0
    for number, value in wire.fields((0, size)):
        if number == 1 and isinstance(value, int):
            details["ir_version"] = value
        elif number in _HEADER:
            details[_HEADER[number]] = wire.text(value)
        elif number == 5 and isinstance(value, int):
            details["model_version"] = value
        elif number == 8:
            domain, version = _opset(wire, _span(value))
            opsets[domain or "ai.onnx"] = version
        elif number == 7:
            graph = _span(value)
        elif number == 25:
            functions += 1
    if graph is None or not opsets or not 0 < details.get("ir_version", 0) < 1000:
        raise DamagedBytesError("is no ONNX model")
    signature, outside = _graph(wire, graph, details)
    details["opsets"] = opsets
    if functions:
        details["functions"] = functions
    unsafe = [f"it reads a file outside of its folder: {name!r}" for name in outside]
    return Finding(
        format="onnx",
        unsafe=shortened(unsafe, "files"),
        signature=signature,
        details=details,
    )


_HEADER = {2: "producer", 3: "producer_version", 4: "domain"}


def _graph(wire: Wire, span: _Span, details: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    inputs: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    constants: set[str] = set()
    outside: dict[str, None] = {}
    nodes = 0
    for number, value in wire.fields(span):
        if number == 1:
            nodes += 1
        elif number == 2:
            details["graph"] = wire.text(value)
        elif number == 5:
            name, places = _initializer(wire, _span(value))
            constants.add(name)
            outside.update(dict.fromkeys(place for place in places if STRAY.search(place)))
        elif number in {11, 12}:
            named = inputs if number == 11 else outputs
            if len(named) < _NAMED:
                named.append(_value_info(wire, _span(value)))
    details["nodes"] = nodes
    details["initializers"] = len(constants)
    signature = {
        "inputs": [one for one in inputs if one["name"] not in constants],
        "outputs": outputs,
    }
    return signature, list(outside)


def _opset(wire: Wire, span: _Span) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in wire.fields(span):
        if number == 1:
            domain = wire.text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    return domain, version


def _initializer(wire: Wire, span: _Span) -> tuple[str, list[str]]:
    """The name of a tensor, and the files that it says its data are in."""
    name, places = "", []
    for number, value in wire.fields(span):
        if number == 8:
            name = wire.text(value)
        elif number == 13:
            entry = {key: wire.text(inner) for key, inner in wire.fields(_span(value))}
            if entry.get(1) == "location":
                places.append(entry.get(2, ""))
    return name, places


def _value_info(wire: Wire, span: _Span) -> dict[str, Any]:
    told: dict[str, Any] = {"name": "", "type": "unknown"}
    for number, value in wire.fields(span):
        if number == 1:
            told["name"] = wire.text(value)
        elif number == 2:
            for kind, inner in wire.fields(_span(value)):
                told["type"] = _CONTAINERS.get(kind, "unknown")
                if kind in {1, 8}:
                    told.update(_tensor(wire, _span(inner)))
    return told


_CONTAINERS = {1: "tensor", 4: "sequence", 5: "map", 7: "opaque", 8: "sparse tensor", 9: "optional"}


def _tensor(wire: Wire, span: _Span) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for number, value in wire.fields(span):
        if number == 1 and isinstance(value, int):
            known = 0 <= value < len(_ELEMENTS)
            told["dtype"] = _ELEMENTS[value] if known else f"type {value}"
        elif number == 2:
            told["shape"] = [
                _dimension(wire, _span(inner))
                for key, inner in wire.fields(_span(value))
                if key == 1
            ]
    return told


def _dimension(wire: Wire, span: _Span) -> int | str | None:
    """A size, the name of one that may change, or None."""
    size: int | str | None = None
    for number, value in wire.fields(span):
        if number == 1 and isinstance(value, int):
            size = value
        elif number == 2:
            size = wire.text(value)
    return size


def _span(value: int | _Span) -> _Span:
    if isinstance(value, int):
        raise DamagedBytesError("has a number where a message should be")
    return value
