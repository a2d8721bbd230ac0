"""Signed notes of C2SP (c2sp.org/signed-note): a text, and under it lines of Ed25519 signatures."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

ED25519 = b"\x01"
MOST = 64
"""Signatures of a note at most; a note with more is refused."""
LARGEST = 1 << 20
_DASH = "— "


class NoteError(ValueError):
    """A text is no note, no key, no checkpoint or no proof; it says why."""


class NoteSigner(Protocol):
    """A named key that signs notes. `key_id` is four bytes."""

    name: str
    key_id: bytes

    def sign(self, message: bytes) -> bytes: ...


class Signature(Struct, frozen=True):
    """One line under a note."""

    name: str
    key_id: bytes
    signature: bytes


class Note(Struct, frozen=True):
    """A note taken apart; nothing is verified yet."""

    text: str
    signatures: Sequence[Signature]


class Key(Struct, frozen=True):
    """A key that notes are verified with: its name and the 32 bytes of Ed25519."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || 0x0A || 0x01 || public)."""
        named = self.name.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(named).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text."""
        return f"{self.name}+{self.key_id.hex()}+{encoded(ED25519 + self.public)}"


class Ed25519Signer:
    """A private key of `cryptography` under a name."""

    def __init__(self, name: str, private: Any) -> None:
        check_name(name)
        self.name = name
        self.key = Key(name, private.public_key().public_bytes_raw())
        self.key_id = self.key.key_id
        self._private = private

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return bytes(self._private.sign(message))


def encoded(value: bytes) -> str:
    """Base 64 of RFC 4648, section 4."""
    return base64.b64encode(value).decode()


def decoded(text: str) -> bytes:
    """The bytes of a base 64 text; NoteError where it is not written the one way it can be."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"no base 64: {error}") from None
    if encoded(found) != text:
        raise NoteError("no base 64 as everybody writes it")
    return found


def check_name(name: str) -> None:
    """NoteError for what cannot name a key."""
    if not name or "+" in name or any(char.isspace() for char in name):
        raise NoteError(f"{name!r} cannot name a key: it is empty, or has a space or a plus")


def parse_vkey(text: str) -> Key:
    """The key of `NAME+ID+KEY`; only Ed25519 is known."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError("no verifier key: it is written NAME+ID+KEY")
    check_name(parts[0])
    material = decoded(parts[2])
    if material[:1] != ED25519 or len(material) != 33:
        raise NoteError("no Ed25519 key")
    key = Key(parts[0], material[1:])
    if key.key_id.hex() != parts[1]:
        raise NoteError("the id of the key is not that of its name and bytes")
    return key


def sign(text: str, signers: Sequence[NoteSigner]) -> str:
    """A note of `text`, which ends in a newline."""
    _check_text(text)
    lines = [
        f"{_DASH}{one.name} {encoded(one.key_id + one.sign(text.encode()))}\n" for one in signers
    ]
    return f"{text}\n{''.join(lines)}"


def parse(note: str) -> Note:
    """Text and signatures of a note; NoteError when it is none."""
    if len(note) > LARGEST:
        raise NoteError("a note of more than a million characters")
    text, gap, below = note.rpartition("\n\n")
    if not gap or not below.endswith("\n"):
        raise NoteError("no note: no signatures under an empty line")
    text += "\n"
    _check_text(text)
    lines = below[:-1].split("\n")
    if len(lines) > MOST:
        raise NoteError(f"a note with more than {MOST} signatures")
    return Note(text, tuple(map(_signature, lines)))


def _signature(line: str) -> Signature:
    words = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(words) != 2:
        raise NoteError(f"no line of a signature: {line[:40]!r}")
    check_name(words[0])
    value = decoded(words[1])
    if len(value) < 5:
        raise NoteError("a signature of no bytes")
    return Signature(words[0], value[:4], value[4:])


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends in a newline")
    if any(char < " " and char != "\n" for char in text):
        raise NoteError("a note has no control characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoteError("a note is UTF-8") from None


def verified(note: Note, keys: Sequence[Key]) -> Sequence[Key]:
    """Which of `keys` have signed; NoteError when one of them is named and did not.

    Signatures of other keys say nothing, as the specification has it.
    """
    known: Mapping[tuple[str, bytes], Key] = {(key.name, key.key_id): key for key in keys}
    found = []
    for one in note.signatures:
        key = known.get((one.name, one.key_id))
        if key is None:
            continue
        if not signed(key.public, one.signature, note.text.encode()):
            raise NoteError(f"not signed by {key.name}, as it says")
        found.append(key)
    return list(dict.fromkeys(found))


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 key has signed the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
