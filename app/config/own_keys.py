"""Keys of modeldeck's own: the one that a person signs with, and the one of this machine.

The public half is a line in the folder `keys` beside config.toml. The private half is in the
keyring, or beside it in a file that only its owner can read. Neither is in a registry or a log.
"""

import asyncio
import contextlib
import os
import secrets
import stat
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from modeldeck.backends.api.errors import DamagedError, ModeldeckError, NotFoundError, RefusedError

from .editing import make_private_folder
from .key_files import HOST, SIGNING, keys_folder, private_file, public_file, public_line
from .keyrings import Keyring
from .secrets import check_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

T = TypeVar("T")
_LARGEST = 1 << 16


def read_private(name: str, fingerprint: str) -> bytes:
    """The private half, from its file or the keyring. May wait for a person; blocks."""
    text = read_private_file(private_file(name))
    if text is not None:
        return text
    kept = _waited(Keyring().read(name, service(fingerprint)))
    if kept is None:
        raise NotFoundError(
            f"the private half of {fingerprint} is neither in the keyring nor in a file",
            where=str(private_file(name)),
            way_out=f"`modeldeck key rm {name}`, then `modeldeck key new`",
        )
    return kept.encode()


def read_private_file(path: Path) -> bytes | None:
    """A private key of ours; None where there is none.

    RefusedError for a link, or for what others may read or have made.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        what = "is a symbolic link" if path.is_symlink() else f"cannot be read ({error.strerror})"
        raise RefusedError(what, where=str(path)) from None
    with os.fdopen(handle, "rb") as file:
        check_private(os.fstat(handle), str(path))
        _check_folder(path.parent)
        return file.read(_LARGEST)


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise RefusedError(
            "others may put files there", where=str(folder), way_out=f"chmod 700 {folder}"
        )


async def make_key(*, p256: bool, in_file: bool, comment: str) -> str:
    """Make the key to sign with, and keep it; says where in words.

    It goes to the keyring, or to a file where `in_file` says so or there is no keyring to trust.
    """
    if public_line(SIGNING) or private_file(SIGNING).exists():
        raise RefusedError(
            "there is a key already",
            where=str(public_file(SIGNING)),
            way_out=f"`modeldeck key rm {SIGNING}` removes it",
        )
    private, public = await asyncio.to_thread(_made, p256, comment)
    keyring = Keyring()
    reason = "" if in_file else await keyring.choose()
    where = str(private_file(SIGNING))
    if in_file or reason:
        if not _write(private_file(SIGNING), private):
            raise RefusedError("somebody made one meanwhile", where=where, way_out="Look again")
        where += f" (no keyring can be used: {reason})" if reason else ""
    else:
        await keyring.keep(SIGNING, service(public.fingerprint), private.decode())
        where = f"the {keyring.words}"
    _write(public_file(SIGNING), f"{public.line}\n".encode())
    return where


async def remove_key(name: str) -> list[str]:
    """Forget a key; gives where it was."""
    line, gone = public_line(name), []
    if line:
        from .public_keys import fingerprint

        keyring = Keyring()
        with contextlib.suppress(ValueError):
            if await keyring.forget(name, service(fingerprint(line))):
                gone.append(keyring.words)
    for path in (private_file(name), public_file(name)):
        if path.is_symlink() or path.exists():
            path.unlink()
            gone.append(str(path))
    if not gone:
        raise NotFoundError(f"there is no key {name!r}", where=str(keys_folder()))
    return gone


def host_key() -> "Ed25519PrivateKey":
    """The key of this machine, which signs checkpoints; made when it is first needed. Blocks."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = private_file(HOST)
    text = read_private_file(path)
    if text is None:
        import socket

        made, public = _made(False, f"modeldeck@{socket.gethostname()}")
        if _write(path, made):
            _write(public_file(HOST), f"{public.line}\n".encode(), over=True)
        text = read_private_file(path)
    key = load_private(text or b"", path)
    if not isinstance(key, Ed25519PrivateKey):
        raise DamagedError("is no Ed25519 key", where=str(path), way_out="Move it away")
    return key


def load_private(text: bytes, path: Path) -> Any:
    """The key of its file's text; DamagedError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        return load_ssh_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The error itself may quote what it has read.
        raise DamagedError("is no private key that can be read", where=str(path)) from None


def service(fingerprint: str) -> str:
    """What a private key is kept under in a keyring."""
    return f"key {fingerprint}"


def _made(p256: bool, comment: str) -> tuple[bytes, Any]:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    from modeldeck.backends.statements.sshsig import public_of

    key: Any = ec.generate_private_key(ec.SECP256R1()) if p256 else Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return text, public_of(key, comment)


def _write(path: Path, data: bytes, *, over: bool = False) -> bool:
    """Write a file of mode 0600, whole or not at all; False when there is one already."""
    make_private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if over:
            draft.replace(path)
        else:
            os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _waited(work: Coroutine[Any, Any, T]) -> T:
    """The result of something that waits, for a caller with an event loop or without one."""
    found: list[T] = []
    wrong: list[ModeldeckError] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work))
        except ModeldeckError as error:
            wrong.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if wrong:
        raise wrong[0]
    return found[0]
