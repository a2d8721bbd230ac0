"""SSH signatures as `ssh-keygen -Y sign` makes them (OpenSSH, PROTOCOL.sshsig).

What is signed is "SSHSIG", the namespace, nothing, the name of a hash, and the hash of the message.
A hardware key signs SHA-256 of its application, a byte of flags, a counter, and SHA-256 of that
(PROTOCOL.u2f).
"""

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from .keys import PublicKey, ed25519_blob, p256_blob, read_blob
from .wire import MalformedError, Reader, mpint, number, string, unbase64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    Private = Ed25519PrivateKey | EllipticCurvePrivateKey

BEGIN = b"-----BEGIN SSH SIGNATURE-----\n"
END = b"-----END SSH SIGNATURE-----\n"
LARGEST = 8192
"""Bytes of an armored signature: twenty times what the keys that we take need."""
_MAGIC = b"SSHSIG"
_VERSION = 1
_WIDTH = 70
_TOUCHED = 0x01
_HASHES = ("sha256", "sha512")


def sign(private: "Private", namespace: str, message: bytes) -> bytes:
    """An armored signature of `message` in `namespace`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = public_of(private)
    data = _signed(namespace.encode(), "sha512", message)
    if isinstance(private, Ed25519PrivateKey):
        raw = private.sign(data)
    else:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(SHA256())))
        raw = mpint(r) + mpint(s)
    return armored(
        _MAGIC
        + number(_VERSION)
        + string(key.blob)
        + string(namespace.encode())
        + string(b"")
        + string(b"sha512")
        + string(string(key.kind.encode()) + string(raw))
    )


def public_of(private: Any, comment: str = "") -> PublicKey:
    """The public half; MalformedError for a kind of key that is not taken."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = private.public_key()
    if isinstance(private, ed25519.Ed25519PrivateKey):
        blob = ed25519_blob(public.public_bytes_raw())
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        # Of another curve the point has another length, and is refused.
        blob = p256_blob(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    else:
        raise MalformedError("its key is of a kind that is not taken: use Ed25519 or P-256")
    return read_blob(blob, comment)


def verify(signature: bytes, namespace: str, message: bytes) -> PublicKey:
    """The key that made an armored signature; MalformedError with the reason when none did."""
    reader = Reader(unarmored(signature))
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise MalformedError("it is no SSH signature")
    if reader.number() != _VERSION:
        raise MalformedError("it is of a version that is not known")
    key = read_blob(reader.string())
    named = reader.string()
    if reader.string():
        # Reserved, and not signed: it would let one signature be written in many ways.
        raise MalformedError("it holds more than is signed")
    hashed = reader.word()
    inner = Reader(reader.string())
    reader.end()
    if named != namespace.encode():
        raise MalformedError("it was made for another purpose")
    if hashed not in _HASHES:
        raise MalformedError("it names a hash that is not taken")
    if inner.word() != key.kind:
        raise MalformedError("it is of another kind than its key")
    _check(key, inner, _signed(named, hashed, message))
    return key


def armored(blob: bytes) -> bytes:
    """The bytes of a signature as text."""
    text = base64.b64encode(blob)
    lines = [text[at : at + _WIDTH] + b"\n" for at in range(0, len(text), _WIDTH)]
    return BEGIN + b"".join(lines) + END


def unarmored(text: bytes) -> bytes:
    """The bytes of a signature from its text; MalformedError."""
    if len(text) > LARGEST:
        raise MalformedError("it is too large")
    whole = text if text.endswith(b"\n") else text + b"\n"
    if not (whole.startswith(BEGIN) and whole.endswith(END)) or len(whole) <= len(BEGIN + END):
        raise MalformedError("it is no armored SSH signature")
    return unbase64(whole[len(BEGIN) : -len(END)].replace(b"\n", b""))


def _signed(namespace: bytes, hashed: str, message: bytes) -> bytes:
    digest = hashlib.new(hashed, message).digest()
    words = (namespace, b"", hashed.encode(), digest)
    return _MAGIC + b"".join(string(word) for word in words)


def _check(key: PublicKey, inner: Reader, data: bytes) -> None:
    from cryptography.exceptions import InvalidSignature

    raw = inner.string()
    if key.hardware:
        flags, counter = inner.take(1), inner.take(4)
        if not flags[0] & _TOUCHED:
            raise MalformedError("nobody touched the hardware key that made it")
        where, what = (hashlib.sha256(one).digest() for one in (key.application, data))
        data = where + flags + counter + what
    inner.end()
    try:
        if key.ed25519:
            if len(raw) != 64:
                raise MalformedError("it has a wrong length")
            key.of_ed25519().verify(raw, data)
        else:
            from cryptography.hazmat.primitives.asymmetric import ec
            from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
            from cryptography.hazmat.primitives.hashes import SHA256

            pair = Reader(raw)
            r, s = pair.mpint(), pair.mpint()
            pair.end()
            key.of_p256().verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise MalformedError("the signature is not one of these words") from None
