"""The key that a person signs with: a key of OpenSSH that config.toml names, or one of our own.

    [signing]
    key = "~/.ssh/id_ed25519"

A private key without a passphrase is used as it is. Any other one (with a passphrase, held by an
agent, on a hardware token) signs through `ssh-keygen -Y sign`, which asks the agent.
"""

import base64
import binascii
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modeldeck.backends.api.errors import RefusedError, UsageError
from modeldeck.backends.api.statements import Signer

from . import public_keys
from .contexts import expanded
from .key_files import SIGNING, Signing, private_file, public_line

if TYPE_CHECKING:
    from modeldeck.backends.statements.keys import Owner

    from .policy import Policy

PATIENCE = 60.0
"""Seconds that `ssh-keygen` has: a person may have to touch something."""
_LARGEST = 1 << 16
_HEAD = b"openssh-key-v1\0"
_SHOWN = 200


class Found(Struct, frozen=True, kw_only=True):
    """The key to sign with, as far as its public half tells. `own`: it is one of ours."""

    line: str
    fingerprint: str
    path: Path
    own: bool

    @property
    def hardware(self) -> bool:
        """Whether it wants to be touched."""
        return self.line.startswith("sk-")


def find_key(signing: Signing) -> Found | None:
    """The key to sign with; None where there is none. Reads the public half alone."""
    if signing.key:
        path = expanded(signing.key)
        return _found(_line_of(path), path, own=False)
    line = public_line(SIGNING)
    return _found(line, private_file(SIGNING), own=True) if line else None


def find_signer(signing: Signing) -> Signer | None:
    """What signs; None where there is no key. The private half is not touched before it signs."""
    found = find_key(signing)
    if found is None:
        return None
    if found.own:
        return OwnSigner(found)
    private = found.path.with_suffix("") if found.path.suffix == ".pub" else found.path
    if not found.hardware and _is_plain(private):
        return FileSigner(found, private)
    return ProgramSigner(found)


def owners_of(policy: "Policy") -> Mapping[str, "Owner"]:
    """Whose keys are whose by a policy."""
    from modeldeck.backends.statements.keys import owners

    return owners({name: (one.keys, one.revoked) for name, one in policy.people.items()})


class _Signer:
    """What all of them are."""

    def __init__(self, found: Found) -> None:
        self.fingerprint = found.fingerprint
        self.public = found.line

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.fingerprint}>"


class OwnSigner(_Signer):
    """Signs with the key that `modeldeck key new` made."""

    @cached_property
    def _private(self) -> Any:
        from .own_keys import load_private, read_private

        return load_private(read_private(SIGNING, self.fingerprint), private_file(SIGNING))

    def sign(self, namespace: str, message: bytes) -> bytes:
        """An armored signature."""
        from modeldeck.backends.statements.sshsig import sign

        return sign(self._private, namespace, message)


class FileSigner(OwnSigner):
    """Signs with a private key of OpenSSH that has no passphrase."""

    def __init__(self, found: Found, path: Path) -> None:
        super().__init__(found)
        self._path = path

    @cached_property
    def _private(self) -> Any:
        from .own_keys import load_private
        from .secrets import check_private

        with self._path.open("rb") as file:
            check_private(os.fstat(file.fileno()), str(self._path))
            return load_private(file.read(_LARGEST), self._path)


class ProgramSigner(_Signer):
    """Signs through `ssh-keygen`, which asks an agent or a hardware token for it."""

    def __init__(self, found: Found) -> None:
        super().__init__(found)
        self._path = found.path

    def sign(self, namespace: str, message: bytes) -> bytes:
        """An armored signature."""
        program = shutil.which("ssh-keygen")
        if program is None or not os.path.isabs(program):  # noqa: PTH117 - as which gives it
            raise UsageError("ssh-keygen is not installed", way_out="Install OpenSSH's client")
        # No terminal: in the console a question there would be drawn over the screen.
        process = subprocess.Popen(
            [program, "-Y", "sign", "-n", namespace, "-f", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        try:
            out, said = process.communicate(message, PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise self._refused(f"nobody touched it within {PATIENCE:.0f} s") from None
        if process.returncode:
            lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
            raise self._refused(lines[-1].strip()[:_SHOWN] if lines else "ssh-keygen failed")
        return out

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(
            f"the key does not sign: {why}",
            where=str(self._path),
            way_out=f"`ssh-add {self._path}` gives it to your agent",
        )


def _found(line: str, path: Path, *, own: bool) -> Found:
    try:
        fingerprint = public_keys.fingerprint(line)
    except ValueError as error:
        raise UsageError(
            str(error), where=str(path), way_out="Name a key of Ed25519 or P-256"
        ) from None
    return Found(line=line, fingerprint=fingerprint, path=path, own=own)


def _line_of(path: Path) -> str:
    """The public half of a key of OpenSSH: of its `.pub`, or of the private file itself."""
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    data = _bytes(public)
    if data is not None:
        return data.decode("utf-8", "replace").strip()
    data = _bytes(path)
    if data is None:
        raise UsageError("there is no such key", where=str(path), way_out="Mend signing.key")
    _, blob = _header(data, path)
    length = int.from_bytes(blob[:4], "big")
    kind = blob[4 : 4 + length].decode("ascii", "replace")
    return f"{kind} {base64.b64encode(blob).decode()}"


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror})", where=str(path)) from None


def _is_plain(path: Path) -> bool:
    """Whether it is a private key that needs no passphrase."""
    try:
        data = _bytes(path)
        return data is not None and _header(data, path)[0] == b"none"
    except (RefusedError, UsageError):
        return False


def _header(data: bytes, path: Path) -> tuple[bytes, bytes]:
    """The cipher of a private key's file and its public half (OpenSSH, PROTOCOL.key)."""
    from modeldeck.backends.statements.wire import MalformedError, Reader

    lines = [line for line in data.splitlines() if line and not line.startswith(b"-----")]
    try:
        reader = Reader(base64.b64decode(b"".join(lines)))
        if reader.take(len(_HEAD)) != _HEAD:
            raise MalformedError("it is no key")
        cipher = reader.string()
        reader.string()
        reader.string()
        if reader.number() != 1:
            raise MalformedError("it holds more than one key")
        return cipher, reader.string()
    except (MalformedError, binascii.Error, ValueError):
        raise UsageError(
            "is no private key of OpenSSH", where=str(path), way_out="Name the .pub file"
        ) from None
