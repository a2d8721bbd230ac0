"""Public keys as OpenSSH writes them, and whose they are by a policy."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from .wire import MalformedError, Reader, string, unbase64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = "ssh-ed25519"
P256 = "ecdsa-sha2-nistp256"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_P256 = "sk-ecdsa-sha2-nistp256@openssh.com"
KINDS = (ED25519, P256, SK_ED25519, SK_P256)
_CURVE = b"nistp256"


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key. `point` is what the mathematics needs; `application` is that of a hardware key."""

    kind: str
    blob: bytes
    point: bytes
    application: bytes = b""
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        return fingerprint(self.blob)

    @property
    def line(self) -> str:
        """As a line of an authorized_keys file."""
        text = f"{self.kind} {base64.b64encode(self.blob).decode()}"
        return f"{text} {self.comment}" if self.comment else text

    @property
    def hardware(self) -> bool:
        """Whether it lives in something that wants to be touched."""
        return self.kind in (SK_ED25519, SK_P256)

    @property
    def ed25519(self) -> bool:
        """Whether it is one of Ed25519, else it is one of P-256."""
        return self.kind in (ED25519, SK_ED25519)

    def of_ed25519(self) -> "Ed25519PublicKey":
        """For `cryptography`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(self.point)

    def of_p256(self) -> "EllipticCurvePublicKey":
        """For `cryptography`; MalformedError for a point that is not on the curve."""
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.point)
        except ValueError:
            raise MalformedError("its key is no point of the curve") from None


class Owner(NamedTuple):
    """Whose a key is, and the day from which it counts for nothing. No person: more than one."""

    person: str
    revoked: date | None = None


def fingerprint(blob: bytes) -> str:
    """SHA-256 of a key's bytes, in base64 without padding."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def read_blob(blob: bytes, comment: str = "") -> PublicKey:
    """A key from its bytes; MalformedError for one that we cannot check signatures of."""
    reader = Reader(blob)
    kind = reader.word()
    if kind not in KINDS:
        what = "an RSA key" if kind in ("ssh-rsa", "rsa-sha2-512", "rsa-sha2-256") else "of a kind"
        raise MalformedError(f"its key is {what} that is not taken: use Ed25519 or P-256")
    if kind in (P256, SK_P256) and reader.string() != _CURVE:
        raise MalformedError("its key names another curve than its kind")
    point = reader.string()
    application = reader.string() if kind in (SK_ED25519, SK_P256) else b""
    reader.end()
    if kind in (ED25519, SK_ED25519) and len(point) != 32:
        raise MalformedError("its key has a wrong length")
    if kind in (P256, SK_P256) and (len(point) != 65 or point[0] != 4):
        raise MalformedError("its key has a wrong length")
    return PublicKey(kind=kind, blob=blob, point=point, application=application, comment=comment)


def read_line(line: str) -> PublicKey:
    """A key from a line of an authorized_keys file without options; MalformedError."""
    words = line.strip().split(None, 2)
    if len(words) < 2:
        raise MalformedError("it is no public key: it has no kind and base64")
    key = read_blob(unbase64(words[1]), words[2] if len(words) > 2 else "")
    if key.kind != words[0]:
        raise MalformedError("the kind that it names is not that of its bytes")
    return key


def ed25519_blob(point: bytes) -> bytes:
    """The bytes of a key of Ed25519."""
    return string(ED25519.encode()) + string(point)


def p256_blob(point: bytes) -> bytes:
    """The bytes of a key of P-256 from its uncompressed point."""
    return string(P256.encode()) + string(_CURVE) + string(point)


def owners(
    people: Mapping[str, tuple[Sequence[str], Mapping[str, date]]],
) -> Mapping[str, Owner]:
    """Fingerprints with their owners, from each person's lines of keys and revoked fingerprints.

    A line that is no key belongs to nobody, and a key of two persons counts for neither.
    """
    found: dict[str, Owner] = {}
    for person, (lines, revoked) in people.items():
        held: set[str] = set(revoked)
        for line in lines:
            try:
                held.add(read_line(line).fingerprint)
            except MalformedError:
                continue
        for one in held:
            end = revoked.get(one)
            if one in found:
                ends = [day for day in (end, found[one].revoked) if day is not None]
                found[one] = Owner("", min(ends, default=None))
            else:
                found[one] = Owner(person, end)
    return found
