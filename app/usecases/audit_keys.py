"""The keys of the trail: what signs checkpoints and events here, and whose keys are whose."""

from datetime import UTC, datetime, time
from typing import Any

from modeldeck.backends.api.trail import Auditing, HostKey, Kept, People

from ..config.policy import Policy, fingerprints
from .session import Session


def attach(registry: Any) -> None:
    """Have the program write checkpoints of what happens in `registry`, and anchor them."""
    records = getattr(registry, "records", registry)
    if isinstance(records, Auditing) and getattr(records, "source", None) is None:
        records.host_key = host_key
        records.on_checkpoint = anchored


def anchored(kept: Kept) -> None:
    """Put a checkpoint to all places that `config.toml` names. Blocks."""
    from ..config.settings import read_settings

    if anchors := read_settings().audit.anchors:
        from .audit_anchors import Anchors

        Anchors(anchors).put_all(kept)


def host_key() -> HostKey:
    """The key of this machine; made when there is none. It may ask a keyring: it blocks."""
    from ..config.own_keys import host_key as found

    key: HostKey = found()
    return key


def verify_signature(signature: bytes, namespace: str, message: bytes) -> str:
    """The fingerprint of the key that made an SSH signature; ValueError when none did."""
    from modeldeck.backends.statements.sshsig import verify

    return verify(signature, namespace, message).fingerprint


def own_vkey(origin: str) -> str:
    """The verifier key of this machine for the log of that origin."""
    from modeldeck.backends.tlog.note import Ed25519Signer

    return Ed25519Signer(origin, host_key()).key.vkey


def vkey_of(note: str) -> str:
    """The verifier key of this machine, if it has signed that checkpoint; empty if it has not."""
    from modeldeck.backends.tlog.checkpoint import read_checkpoint
    from modeldeck.backends.tlog.note import NoteError, parse_vkey

    try:
        said, taken = read_checkpoint(note)
    except NoteError:
        return ""
    vkey = own_vkey(said.origin)
    mine = parse_vkey(vkey)
    names = [(one.name, one.key_id) for one in taken.signatures]
    return vkey if (mine.name, mine.key_id) in names else ""


def people_of(session: Session) -> People:
    """Whose keys and logins are whose, by the policy in force."""
    return people_in(session.policy)


def people_in(policy: Policy) -> People:
    """The same of a policy."""
    keys, logins, revoked = {}, {}, {}
    for name, person in policy.people.items():
        for one in fingerprints(person):
            keys[one] = name
        for login in person.logins:
            logins[login] = name
        for one, day in person.revoked.items():
            revoked[one] = datetime.combine(day, time(), UTC)
    return People(keys=keys, logins=logins, revoked=revoked)
