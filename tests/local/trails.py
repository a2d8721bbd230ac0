"""Trails to be tampered with by whoever owns the file: a registry, and ways to lie in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modeldeck.backends.api.trail import People
from modeldeck.backends.local import LocalBackend, create_registry, open_registry
from modeldeck.backends.local import tree as nodes
from modeldeck.backends.local.trail import chain, write
from modeldeck.backends.statements import sshsig

from .records import ME, NOW, entry

EVENTS = 12


def private(seed):
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


HOST = private(1)


class SoftwareKey:
    """A key of a person, as the program has one when a signing key is configured."""

    def __init__(self, seed):
        self._private = private(seed)
        found = sshsig.public_of(self._private)
        self.fingerprint, self.public = found.fingerprint, found.line

    def sign(self, namespace, message):
        return sshsig.sign(self._private, namespace, message)


ADA = SoftwareKey(2)
PEOPLE = People(keys={ADA.fingerprint: "Ada"}, logins={"ada": "Ada"})


def verify_signature(signature, namespace, message):
    return sshsig.verify(signature, namespace, message).fingerprint


def backend_at(folder, *, clock=None, signer=None) -> LocalBackend:
    """The registry in `folder`, made when there is none, with a key for checkpoints."""
    there = (folder / ".modeldeck" / "registry.db").exists()
    make = open_registry if there else create_registry
    backend = make(folder, clock=clock or (lambda: NOW))
    backend.host_key = lambda: HOST
    backend.signer = signer
    return backend


async def happen(backend, count, start=0):
    """So many events that change nothing."""
    for number in range(start, start + count):
        await backend.note(entry(reason=f"reason {number}", subject=f"models/m{number % 3}"))


@contextmanager
def owned(folder):
    """The file in the hands of its owner: no guard is left, what is done stays."""
    with closing(sqlite3.connect(folder / ".modeldeck" / "registry.db")) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.commit()
        yield connection
        connection.commit()


def relink(connection):
    """What a careful liar does: links and nodes are made to follow from the leaves again."""
    link = bytes(32)
    for seq, leaf in connection.execute("SELECT seq, leaf FROM audit ORDER BY seq").fetchall():
        link = chain(link, leaf)
        connection.execute("UPDATE audit SET link = ? WHERE seq = ?", (link, seq))
    nodes.fill(connection)


def edit(connection, seq, old, new):
    """Change what an event says, payload and leaf, so that both agree."""
    import hashlib
    import json

    import rfc8785

    leaf, payload = connection.execute(
        "SELECT leaf, payload_id FROM audit WHERE seq = ?", (seq,)
    ).fetchone()
    salt, body = connection.execute(
        "SELECT salt, body FROM audit_payload WHERE id = ?", (payload,)
    ).fetchone()
    assert old in body
    body = body.replace(old, new)
    says = json.loads(leaf) | {"payload_commit": hashlib.sha256(salt + body.encode()).hexdigest()}
    connection.execute("UPDATE audit_payload SET body = ? WHERE id = ?", (body, payload))
    connection.execute("UPDATE audit SET leaf = ? WHERE seq = ?", (rfc8785.dumps(says), seq))


def truncate(connection, size):
    """Leave only so many events, without a trace of the others."""
    for table in ("audit", "audit_signature", "audit_index"):
        connection.execute(f"DELETE FROM {table} WHERE seq > ?", (size,))
    connection.execute("DELETE FROM checkpoint WHERE size > ?", (size,))
    nodes.fill(connection)


def forge(connection, **fields):
    """An event that nobody did, written as the program writes one, under the name of `ME`."""
    written = entry(tool="modeldeck 0", **fields)
    write(connection, written, NOW + timedelta(seconds=1))


__all__ = ["ME", "NOW", "entry"]
