"""The tensors that TensorBoard's events hold: one number, or texts.

The format: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/tensor.proto
"""

import struct

from .wire import Message, WireError, as_text, signed, varint

MAX_TEXTS = 100
_FLOAT, _DOUBLE, _INT32, _INT64, _BOOL, _BFLOAT, _HALF = 1, 2, 3, 9, 10, 14, 19
# The form of one number in `tensor_content`, and the field of those that are listed.
_FORMS = {
    _FLOAT: ("<f", 5),
    _DOUBLE: ("<d", 6),
    _INT32: ("<i", 7),
    _INT64: ("<q", 10),
    _BOOL: ("<?", 11),
    _HALF: ("<e", 13),
    _BFLOAT: ("<H", 13),
}


def scalar(tensor: Message) -> float | None:
    """The number that a tensor of one element holds; None for any other."""
    kind = tensor.integer(1)
    if kind not in _FORMS:
        return None
    if any(dimension.integer(1) != 1 for dimension in tensor.message(2).messages(2)):
        return None
    form, field = _FORMS[kind]
    content = tensor.bytes(4)
    if not content:
        return _listed(tensor, kind, field)
    if len(content) != struct.calcsize(form):
        return None
    value = struct.unpack(form, content)[0]
    return _bfloat(value) if kind == _BFLOAT else float(value)


def texts(tensor: Message) -> list[str]:
    """The texts of a tensor of strings, no more than MAX_TEXTS."""
    return [as_text(text) for text in tensor.many(8)[:MAX_TEXTS]]


def _listed(tensor: Message, kind: int, field: int) -> float | None:
    """The first number of a list, packed or not."""
    packed = tensor.bytes(field)
    if kind in (_FLOAT, _DOUBLE):
        plain = tensor.single(field) if kind == _FLOAT else tensor.double(field)
        form = _FORMS[kind][0]
        if packed and len(packed) == struct.calcsize(form):
            return float(struct.unpack(form, packed)[0])
        return plain if plain is not None or packed else 0.0
    try:
        value = signed(varint(packed, 0)[0]) if packed else tensor.integer(field)
    except WireError:
        return None
    if kind == _HALF:
        return float(struct.unpack("<e", struct.pack("<H", value & 0xFFFF))[0])
    return _bfloat(value & 0xFFFF) if kind == _BFLOAT else float(value)


def _bfloat(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])
