"""Lines of public SSH keys: whether one can be, and its fingerprint. Nothing is computed with."""

import base64
import binascii
import hashlib

KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""The types of keys whose signatures count."""

_LONGEST = 16 << 10


def fingerprint(line: str) -> str:
    """The fingerprint ("SHA256:...", as `ssh-keygen -l` prints it) of an authorized_keys line.

    ValueError says why it is no line of a public key that can sign here.
    """
    parts = line.split(None, 2)
    if len(line) > _LONGEST or "\n" in line:
        raise ValueError("is no line of a public key")
    if len(parts) < 2:
        raise ValueError("is no line of a public key: write TYPE BASE64 COMMENT")
    kind, text = parts[:2]
    if kind.startswith("-----"):
        raise ValueError("is no public key: name the line of the .pub file, never a private key")
    if kind not in KINDS:
        raise ValueError(f"has a type that does not count ({kind}); known: {', '.join(KINDS)}")
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is cut or changed: its middle part is no base64") from None
    length = int.from_bytes(blob[:4], "big")
    if len(blob) < 36 or blob[4 : 4 + length] != kind.encode():
        raise ValueError(f"is cut or changed: it does not hold a key of type {kind}")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
