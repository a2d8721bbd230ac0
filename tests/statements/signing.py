"""Keys that sign for tests, and homes that share records."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modeldeck.backends.api.statements import EVENT, Statement
from modeldeck.backends.local import create_registry
from modeldeck.backends.statements import sshsig
from modeldeck.backends.statements.keys import Owner, owners
from modeldeck.backends.statements.shared import GitStatements
from tests.journal.scripted import Clock

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Key:
    """A key in memory, which is a signer."""

    def __init__(self, kind: str = "ed25519", comment: str = "") -> None:
        self.private: Any = (
            ed25519.Ed25519PrivateKey.generate()
            if kind == "ed25519"
            else ec.generate_private_key(ec.SECP256R1())
        )
        key = sshsig.public_of(self.private, comment)
        self.fingerprint, self.public = key.fingerprint, key.line

    def sign(self, namespace: str, message: bytes) -> bytes:
        return sshsig.sign(self.private, namespace, message)

    @property
    def file(self) -> bytes:
        """As OpenSSH keeps it."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


@lru_cache
def key_of(person: str) -> Key:
    """The key of a person, the same in all tests."""
    return Key(comment=person)


def policy(*people: str, **revoked: Any) -> Mapping[str, Owner]:
    """The owners of keys where these are the people; `NAME=day` revokes the key of one."""
    return owners(
        {
            name: (
                [key_of(name).public],
                {key_of(name).fingerprint: revoked[name]} if name in revoked else {},
            )
            for name in people
        }
    )


def word(subject: str = "models/fraud@champion", **fields: Any) -> Statement:
    """A statement that says something."""
    defaults: dict[str, Any] = {"kind": EVENT, "time": NOW, "body": {"n": 1}}
    return Statement(subject=subject, **(defaults | fields))


def repository(folder: Path, name: str = "shared.git") -> Path:
    """An empty bare repository."""
    path = folder / name
    git("init", "--quiet", "--bare", str(path))
    return path


def git(*words: str, cwd: Path | None = None, given: bytes = b"") -> str:
    """What git says."""
    names = ["-c", "user.name=mallory", "-c", "user.email=mallory@localhost"]
    done = subprocess.run(["git", *names, *words], cwd=cwd, input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


class Homes:
    """Registries that share a repository; closed at the end."""

    def __init__(self, folder: Path, address: Path, clock: Clock) -> None:
        self.folder, self.address, self.clock = folder, address, clock
        self.people: Mapping[str, Owner] = policy("ada", "bob")
        self.made: list[GitStatements] = []

    def __call__(self, name: str) -> GitStatements:
        registry = create_registry(self.folder / name, clock=self.clock)
        home = GitStatements(
            registry,
            lambda: self.people,
            self.clock,
            address=str(self.address),
            branch="modeldeck",
            clone=self.folder / name / "records" / "clone.git",
            seconds=30.0,
        )
        self.made.append(home)
        return home

    async def close(self) -> None:
        for home in self.made:
            await home.close()
            await home.database.close()
