"""People with keys of their own, a policy that names them, and sessions of each on one registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from modeldeck.app.config.policy import Gate, Person, Policy
from modeldeck.app.config.signing import owners_of
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.plan import PolicyRef
from modeldeck.backends.api.statements import Signed, Statement
from modeldeck.backends.statements.here import LocalStatements
from modeldeck.backends.statements.sshsig import public_of, sign
from tests.usecases.project import CONTEXT, NOW

DIGEST = "sha256:" + "ab" * 32
OTHER_DIGEST = "sha256:" + "cd" * 32
GATES = {
    "production": Gate(
        targets=("*@champion",),
        rules=({"kind": "approvals", "count": 2, "days": 14},),
    )
}
ROLES: Mapping[str, Sequence[str]] = {
    "ana": ("author", "operator"),
    "rev1": ("approver",),
    "rev2": ("approver",),
    "root": ("admin",),
    "op1": ("author", "approver"),
}
"""op1 is whose login has made everything in the project."""


class Key:
    """A key in memory."""

    def __init__(self, seed: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed.encode().ljust(32, b"\0")[:32])
        public = public_of(self._private, seed)
        self.fingerprint, self.public = public.fingerprint, public.line

    def sign(self, namespace: str, message: bytes) -> bytes:
        return sign(self._private, namespace, message)


KEYS = {name: Key(name) for name in ROLES}


def policy_of(digest: str = DIGEST, **people: Person) -> Policy:
    """Everybody of ROLES, and whom else `people` names."""
    known = {
        name: Person(keys=(KEYS[name].public,), roles=tuple(roles), logins=(name,))
        for name, roles in ROLES.items()
    }
    return Policy(
        people={**known, **people},
        gates=GATES,
        source=PolicyRef(place="modeldeck.toml", ref="main", commit="a1b2" * 10, digest=digest),
    )


class Place:
    """One registry, its statements, a clock and a policy that can be set."""

    def __init__(self, registry: Any) -> None:
        self.registry = registry
        self.now = NOW
        self.policy = policy_of()
        self.statements = LocalStatements(
            registry, lambda: owners_of(self.policy), lambda: self.now
        )
        registry.clock = lambda: self.now

    def of(self, name: str, key: Key | None = None, **changed: Any) -> Session:
        """The session of somebody, with their own key or another one."""
        key = key or KEYS.get(name)
        given: dict[str, Any] = {
            "context": CONTEXT,
            "registry": self.registry,
            "actor": Actor(user=name, host="jump1", key=key.fingerprint if key else None),
            "directions": {"auc": "higher"},
            "folder": Path(self.registry.layout.folder),
            "clock": lambda: self.now,
            "policy": self.policy,
            "statements": self.statements,
            "signer": lambda: key,
        }
        return Session(**(given | changed))

    async def say(self, key: Key, statement: Statement) -> Signed:
        """Put what no plan would let one say."""
        return await self.statements.put(statement, key)


def at(statement: Statement, **changed: Any) -> Statement:
    """The same with other fields; those that no statement has go into its body."""
    own = {
        name: changed.pop(name) for name in ("kind", "subject", "digest", "time") & changed.keys()
    }
    return replace(statement, **own, body={**statement.body, **changed})


def day(number: int) -> datetime:
    """Noon of a day of November."""
    return NOW.replace(day=number)
