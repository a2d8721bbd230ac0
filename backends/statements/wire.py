"""The binary form of SSH: bytes with their length, and numbers (RFC 4251, section 5)."""

import base64
import binascii


class MalformedError(ValueError):
    """Bytes that are not what they should be; says which in words."""


class Reader:
    """Takes values off the front of `data`; MalformedError where there is not what is wanted."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """So many bytes."""
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise MalformedError("it is cut short")
        self._at += count
        return piece

    def number(self) -> int:
        """An uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.number())

    def word(self) -> str:
        """A string of ASCII."""
        try:
            return self.string().decode("ascii")
        except UnicodeDecodeError:
            raise MalformedError("it holds a name that is not ASCII") from None

    def mpint(self) -> int:
        """A positive number of any size, written in the one way that is allowed."""
        data = self.string()
        value = int.from_bytes(data, "big")
        if not value or data != mpint(value)[4:]:
            raise MalformedError("it holds a number that is not written as it must be")
        return value

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise MalformedError("something follows where it should end")


def number(value: int) -> bytes:
    """An uint32."""
    return value.to_bytes(4, "big")


def string(data: bytes) -> bytes:
    """Bytes with their length before them."""
    return number(len(data)) + data


def mpint(value: int) -> bytes:
    """A number that is not negative."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def unbase64(text: str | bytes) -> bytes:
    """The bytes of base64, which must be written in the one way that gives them."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("it is not base64") from None
    if base64.b64encode(data) != (text.encode() if isinstance(text, str) else text):
        raise MalformedError("it is not base64 as it must be written")
    return data
