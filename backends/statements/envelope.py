"""Statements as bytes: an in-toto Statement v1, signed, in a DSSE v1 envelope.

What is signed is the DSSE pre-authentication encoding, "DSSEv1" LENGTH TYPE LENGTH PAYLOAD, as an
SSH signature in the namespace `modeldeck`. Envelope and payload are RFC 8785 canonical JSON, and
are read only as that: what a person signed once has one name, the SHA-256 of the envelope.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..api.errors import DamagedError, RefusedError, UsageError
from ..api.statements import KINDS, Signed, Signer, Statement
from ..api.text import exact
from ..api.times import EPOCH, from_micros, rfc3339, to_micros
from ..http.safe_json import loads_safe
from .keys import Owner
from .sshsig import armored, unarmored, verify
from .wire import MalformedError, unbase64

NAMESPACE = "modeldeck"
PREDICATE = "https://modeldeck.dev/statement/v1/"
LARGEST = 64 << 10
"""Bytes of an envelope."""
AHEAD = timedelta(minutes=5)
"""So much may the clock of the signer be before ours."""
_TYPE = "https://in-toto.io/Statement/v1"
_PAYLOAD = "application/vnd.in-toto+json"
_ADDRESS = "modeldeckAddress"


class Opened(Struct, frozen=True, kw_only=True):
    """What an envelope holds, whoever is believed; `why` is empty when its signature is good."""

    id: str
    statement: Statement
    key: str = ""
    why: str = ""


def pae(payload: bytes, kind: str = _PAYLOAD) -> bytes:
    """What DSSE signs."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def identity(envelope: bytes) -> str:
    """The name of a statement."""
    return hashlib.sha256(envelope).hexdigest()


def seal(statement: Statement, signer: Signer) -> bytes:
    """The envelope of a statement, signed. It may ask for a touch, so it blocks.

    UsageError for what cannot be said, RefusedError where the key does not sign as it must.
    """
    payload = _payload(statement)
    try:
        _statement(payload)
    except (MalformedError, DamagedError):
        raise UsageError(
            "holds what could not be read again", where="statement", way_out="Say it as text"
        ) from None
    message = pae(payload)
    try:
        signature = armored(unarmored(signer.sign(NAMESPACE, message)))
        key = verify(signature, NAMESPACE, message).fingerprint
    except MalformedError as error:
        raise RefusedError(f"the signature cannot be used: {error}", where="signing key") from None
    if key != signer.fingerprint:
        raise RefusedError(
            "another key signed than the one that was named",
            where="signing key",
            way_out=f"{key} signed, {signer.fingerprint} was named",
        )
    envelope = _canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": _PAYLOAD,
            "signatures": [{"keyid": key, "sig": base64.b64encode(signature).decode()}],
        }
    )
    if len(envelope) > LARGEST:
        raise UsageError(f"the statement is larger than {LARGEST >> 10} KiB", way_out="Say less")
    return envelope


def read_envelope(
    envelope: bytes, people: Mapping[str, Owner], received_at: datetime, origin: str = ""
) -> Signed:
    """What an envelope says and whether it counts; bad input is not raised but said.

    `people` are the owners of keys by fingerprint.
    """
    return judge(open_envelope(envelope), people, received_at, origin)


def judge(
    opened: Opened, people: Mapping[str, Owner], received_at: datetime, origin: str = ""
) -> Signed:
    """Whether it counts by the policy in force.

    A key counts for nothing from the day on which it is revoked, and neither does what came here
    after that: whoever holds the key could have dated it back.
    """
    owner = people.get(opened.key) if opened.key else None
    why = opened.why or _doubt(opened.statement.time, owner, received_at)
    return Signed(
        id=opened.id,
        statement=opened.statement,
        key=opened.key,
        person=owner.person if owner else "",
        valid=not why,
        why=why,
        received_at=received_at,
        origin=origin,
    )


def _doubt(time: datetime, owner: Owner | None, received_at: datetime) -> str:
    if owner is None:
        return "the key is nobody's by the policy"
    if not owner.person:
        return "the key is of more than one person by the policy"
    if time - received_at > AHEAD:
        return f"it is dated ahead: {rfc3339(time)}"
    if owner.revoked is not None:
        if time.astimezone(UTC).date() >= owner.revoked:
            return f"its key is revoked since {owner.revoked}"
        if received_at.astimezone(UTC).date() >= owner.revoked:
            return f"it came after its key was revoked on {owner.revoked}"
    return ""


def open_envelope(envelope: bytes) -> Opened:
    """Read an envelope and check its signature. The key is told only where it did sign."""
    found = Opened(id=identity(envelope), statement=Statement(kind="", subject="", time=EPOCH))
    try:
        payload, keyid, signature = _outer(envelope)
        found = replace(found, statement=_statement(payload))
        key = verify(signature, NAMESPACE, pae(payload)).fingerprint
        if key != keyid:
            raise MalformedError("it names another key than the one that signed it")
        return replace(found, key=key)
    except (MalformedError, DamagedError) as error:
        return replace(found, why=error.what if isinstance(error, DamagedError) else str(error))


def _outer(envelope: bytes) -> tuple[bytes, str, bytes]:
    if len(envelope) > LARGEST:
        raise MalformedError(f"it is larger than {LARGEST >> 10} KiB")
    match _loaded(envelope):
        case {
            "payload": str(payload),
            "payloadType": str(kind),
            "signatures": [{"keyid": str(keyid), "sig": str(text)} as one],
            **rest,
        } if not rest and len(one) == 2:
            if kind != _PAYLOAD:
                raise MalformedError("its payload is of another type")
            signature = unbase64(text)
            if armored(unarmored(signature)) != signature:
                raise MalformedError("its signature is not written as it must be")
            return unbase64(payload), keyid, signature
    raise MalformedError("it is no envelope with one signature")


def _statement(payload: bytes) -> Statement:
    match _loaded(payload):
        case {
            "_type": str(kind),
            "subject": [{"name": str(name), "digest": dict(digest)} as one],
            "predicateType": str(predicate),
            "predicate": {"time": str(time), "body": dict(body)} as two,
            **rest,
        } if not rest and len(one) == 2 and len(two) == 2:
            word = predicate.removeprefix(PREDICATE)
            if kind != _TYPE or word == predicate:
                raise MalformedError("it is no statement of modeldeck")
            if word not in KINDS:
                raise MalformedError("it says something that this modeldeck does not know")
            return Statement(
                kind=word,
                subject=name,
                digest=_digest(digest, name),
                time=_time(time),
                body=body,
            )
    raise MalformedError("it is no statement of one subject")


def _loaded(data: bytes) -> Any:
    """What the JSON says, which must be written in the one way that is canonical."""
    found = loads_safe(data)
    try:
        same = _canonical(found) == data
    except UsageError:
        same = False
    if not same:
        raise MalformedError("its JSON is not written as it must be (RFC 8785)")
    return found


def _payload(statement: Statement) -> bytes:
    if statement.kind not in KINDS:
        raise UsageError(f"{statement.kind!r} is no kind of statement")
    subject = exact(statement.subject)
    return _canonical(
        {
            "_type": _TYPE,
            "subject": [{"name": subject, "digest": _digest_set(statement.digest, subject)}],
            "predicateType": PREDICATE + statement.kind,
            "predicate": {"time": rfc3339(statement.time), "body": _exact(dict(statement.body))},
        }
    )


def _digest_set(digest: str, subject: str) -> Mapping[str, str]:
    """A subject must have a digest; where nothing has one, it is that of the address itself."""
    if not digest:
        return {_ADDRESS: hashlib.sha256(subject.encode()).hexdigest()}
    kind, colon, value = exact(digest).partition(":")
    if not (kind and colon and value):
        raise UsageError(f"{digest!r} is no digest", way_out="Write it as sha256:...")
    return {kind: value}


def _digest(found: Mapping[str, object], subject: str) -> str:
    match list(found.items()):
        case [(str(kind), str(value))] if kind and value and ":" not in kind:
            if kind != _ADDRESS:
                return f"{kind}:{value}"
            if value == hashlib.sha256(subject.encode()).hexdigest():
                return ""
    raise MalformedError("its subject has no digest that could be its own")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        # Of a year that leaves no room for a span, nobody could say when it lapses.
        if time.tzinfo is not None and rfc3339(from_micros(to_micros(time))) == text:
            return time
    except (ValueError, OverflowError):
        pass
    raise MalformedError("its time is not written as it must be")


def _canonical(value: object) -> bytes:
    import rfc8785

    try:
        found: bytes = rfc8785.dumps(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"cannot be said in JSON: {error}", where="statement") from None
    return found


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return exact(value)
    if isinstance(value, Mapping):
        return {exact(str(key)): _exact(inner) for key, inner in value.items()}
    return [_exact(inner) for inner in value] if isinstance(value, list | tuple) else value
