"""Where keys of our own lie, and whether there is one: asked whenever a session opens."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from modeldeck.backends.api.errors import ModeldeckError, RefusedError
from modeldeck.backends.api.statements import Signer

from .paths import config_file

SIGNING = "signing"
HOST = "host"
NAMES = (SIGNING, HOST)
"""The key that a person signs with, and the one of this machine."""
_LARGEST = 1 << 16


class Me(NamedTuple):
    """Who signs: the fingerprint, what gives the signer, and the one for the trail.

    The trail is signed inside of a transaction, so only by a key that neither asks nor waits.
    """

    key: str | None
    signer: Callable[[], Signer | None]
    trail: Signer | None


class Signing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key` is the file of a private or public key of OpenSSH; empty for one of our own."""

    key: str = ""


def keys_folder() -> Path:
    """Where they lie."""
    return config_file().absolute().parent / "keys"


def public_file(name: str) -> Path:
    """The file of the public half."""
    return keys_folder() / f"{name}.pub"


def private_file(name: str) -> Path:
    """The file of the private half, where that is not in the keyring."""
    return keys_folder() / name


def public_line(name: str) -> str:
    """The public half as a line; empty where there is no such key."""
    path = public_file(name)
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror})", where=str(path)) from None


def me(signing: Signing) -> Me:
    """The key to sign with, as far as it can be told without its private half.

    What is wrong with a key that is named is raised when it is to sign.
    """

    def find() -> Signer | None:
        from .signing import find_signer

        return find_signer(signing)

    try:
        found = find() if signing.key or public_line(SIGNING) else None
    except ModeldeckError:
        found = None
    if found is None:
        return Me(None, find, None)
    from .signing import OwnSigner

    return Me(found.fingerprint, lambda: found, found if isinstance(found, OwnSigner) else None)
