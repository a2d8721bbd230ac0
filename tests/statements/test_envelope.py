"""Statements in envelopes: what was signed comes back, and nothing else counts."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import RefusedError, UsageError
from modeldeck.backends.api.statements import KINDS, Statement
from modeldeck.backends.statements.envelope import (
    LARGEST,
    open_envelope,
    pae,
    read_envelope,
    seal,
)

from .signing import NOW, Key, key_of, policy, word

PEOPLE = policy("ada", "bob")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53) + 1, (1 << 53) - 1) | TEXT
    | st.floats(-1e15, 1e15),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def read(envelope, people=PEOPLE, at=NOW):
    return read_envelope(envelope, people, at)


@given(
    st.sampled_from(KINDS),
    TEXT,
    st.sampled_from(["", "sha256:ab", "md5:x"]),
    st.datetimes(datetime(1000, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.dictionaries(TEXT, JSON, max_size=4),
)
def test_what_was_signed_comes_back(kind, subject, digest, time, body):
    said = Statement(kind=kind, subject=subject, digest=digest, time=time, body=body)
    envelope = seal(said, key_of("ada"))
    found = read(envelope)
    assert (found.valid, found.why, found.person) == (True, "", "ada")
    assert found.statement == said
    assert found.id == hashlib.sha256(envelope).hexdigest()
    assert found.key == key_of("ada").fingerprint


def test_it_is_an_in_toto_statement_in_a_dsse_envelope():
    zone = timezone(timedelta(hours=2))
    fields = {"kind": "approval", "digest": "sha256:ab", "time": NOW.astimezone(zone)}
    said = word("models/fraud/13", **fields)
    envelope = json.loads(seal(said, key_of("ada")))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert json.loads(base64.b64decode(envelope["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "models/fraud/13", "digest": {"sha256": "ab"}}],
        "predicateType": "https://modeldeck.dev/statement/v1/approval",
        "predicate": {"time": "2026-11-23T12:00:00Z", "body": {"n": 1}},
    }
    assert pae(b"{}", "x") == b"DSSEv1 1 x 2 {}", "as its specification has it"


def remade(change, key=None):
    """An envelope whose payload is changed, signed anew where there is a `key`."""
    envelope = json.loads(seal(word(), key_of("ada")))
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    data = rfc8785.dumps(payload)
    envelope["payload"] = base64.b64encode(data).decode()
    if key is not None:
        signature = base64.b64encode(key.sign("modeldeck", pae(data))).decode()
        envelope["signatures"] = [{"keyid": key.fingerprint, "sig": signature}]
    return rfc8785.dumps(envelope)


CHANGES = {
    "another type": lambda p: p.update(_type="https://in-toto.io/Statement/v0.1"),
    "a kind that nobody knows": lambda p: p.update(
        predicateType="https://modeldeck.dev/statement/v1/wish"
    ),
    "a predicate of others": lambda p: p.update(predicateType="https://slsa.dev/provenance/v1"),
    "two subjects": lambda p: p["subject"].append(p["subject"][0]),
    "no subject": lambda p: p.update(subject=[]),
    "a subject that is no text": lambda p: p["subject"][0].update(name=3),
    "more of a subject": lambda p: p["subject"][0].update(uri="x"),
    "no digest": lambda p: p["subject"][0].update(digest={}),
    "two digests": lambda p: p["subject"][0].update(digest={"sha256": "a", "sha1": "b"}),
    "a digest that is no text": lambda p: p["subject"][0].update(digest={"sha256": 1}),
    "the digest of another address": lambda p: p["subject"][0].update(name="models/other@x"),
    "a time that is none": lambda p: p["predicate"].update(time="yesterday"),
    "a time without a zone": lambda p: p["predicate"].update(time="2026-11-23T12:00:00"),
    "a time written otherwise": lambda p: p["predicate"].update(time="2026-11-23T12:00:00+00:00"),
    "a time after which there is none": lambda p: p["predicate"].update(
        time="9999-12-31T23:59:59Z"
    ),
    "a time that is a number": lambda p: p["predicate"].update(time=3),
    "a body that is no object": lambda p: p["predicate"].update(body=[1]),
    "more than time and body": lambda p: p["predicate"].update(more=1),
    "more at the top": lambda p: p.update(more=1),
    "nothing": lambda p: p.clear(),
}


@pytest.mark.parametrize("about", CHANGES)
def test_a_payload_that_is_none_is_refused_though_it_is_signed(about):
    found = read(remade(CHANGES[about], key_of("ada")))
    assert not found.valid
    assert found.why


def test_a_remade_envelope_would_count_were_nothing_changed():
    assert read(remade(lambda p: None, key_of("ada"))).valid


def test_another_statement_under_the_same_signature():
    found = read(remade(lambda p: p["predicate"]["body"].update(n=2)))
    assert (found.valid, found.key, found.person) == (False, "", "")
    assert found.why == "the signature is not one of these words"
    assert found.statement.body == {"n": 2}, "what it would say can be shown"


def test_a_person_who_is_named_is_not_the_person():
    mallory = Key()
    found = read(remade(lambda p: p["predicate"]["body"].update(person="ada"), mallory))
    assert (found.valid, found.person) == (False, "")
    assert found.why == "the key is nobody's by the policy"
    assert read(seal(word(), key_of("bob"))).person == "bob"


def changed(**fields):
    return rfc8785.dumps(json.loads(seal(word(), key_of("ada"))) | fields)


ENVELOPES = {
    "no bytes": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "no UTF-8": b'{"payload":"\xff"}',
    "not canonical": b" " + seal(word(), key_of("ada")),
    "a key twice": seal(word(), key_of("ada")).replace(b"{", b'{"payload":"",', 1),
    "NaN": b'{"payload":NaN}',
    "deep": b'{"payload":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a large number": b'{"payload":1e999}',
    "more": changed(more=1),
    "a lone surrogate": b'{"payload":"\\ud800"}',
    "another payload type": changed(payloadType="text/plain"),
    "a payload that is no base64": changed(payload="*"),
    "a payload in other base64": changed(payload="YR=="),
    "no signature": changed(signatures=[]),
    "two": changed(signatures=json.loads(seal(word(), key_of("ada")))["signatures"] * 2),
    "a signature that is none": changed(signatures=[{"keyid": "x", "sig": "YQ=="}]),
    "large": b'"' + b"x" * LARGEST + b'"',
}


@pytest.mark.parametrize("about", ENVELOPES)
def test_an_envelope_that_is_none_is_refused(about):
    found = read(ENVELOPES[about])
    assert (found.valid, found.person, found.key) == (False, "", "")
    assert found.why
    assert found.id == hashlib.sha256(ENVELOPES[about]).hexdigest()


def test_a_key_that_is_named_and_did_not_sign():
    envelope = json.loads(seal(word(), key_of("ada")))
    envelope["signatures"][0]["keyid"] = key_of("bob").fingerprint
    found = read(rfc8785.dumps(envelope))
    assert (found.valid, found.key) == (False, "")
    assert "another key" in found.why


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_without_an_error(data):
    assert not read(data).valid


WHOLE = seal(word(), key_of("ada"))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(place, change):
    data = bytearray(WHOLE)
    data[place] ^= change
    assert not read(bytes(data)).valid


@given(st.integers(0, len(WHOLE) - 1))
def test_nor_can_one_be_missing(length):
    assert not read(WHOLE[:length]).valid


def test_a_key_counts_until_the_day_of_its_revocation():
    day = date(2026, 11, 20)
    people = policy("ada", ada=day)
    before, after = (datetime(2026, 11, day, 23, 59, tzinfo=UTC) for day in (19, 20))

    def why(time, received):
        return read(seal(word(time=time), key_of("ada")), people, received).why

    assert why(before, before) == ""
    assert why(after, after) == "its key is revoked since 2026-11-20"
    assert why(before, after) == "it came after its key was revoked on 2026-11-20", "dated back"
    assert read(WHOLE, people).person == "ada", "whose it was is known still"


@pytest.mark.parametrize(("seconds", "valid"), [(300, True), (301, False)])
def test_a_statement_dated_ahead(seconds, valid):
    time = NOW + timedelta(seconds=seconds)
    found = read(seal(word(time=time), key_of("ada")))
    assert found.valid is valid
    assert valid or found.why.startswith("it is dated ahead")


def test_without_people_nothing_counts():
    assert read(WHOLE, {}).why == "the key is nobody's by the policy"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "wish"},
        {"digest": "ab"},
        {"digest": ":ab"},
        {"body": {"x": float("nan")}},
        {"body": {"x": 1 << 60}},
        {"body": {"x": float(1 << 60)}},
        {"body": {"x": object()}},
        {"body": {"x": "y" * LARGEST}},
    ],
)
def test_what_cannot_be_said_is_refused_before_it_is_signed(fields):
    with pytest.raises(UsageError):
        seal(word(**fields), key_of("ada"))


class Odd(Key):
    def __init__(self, answer):
        super().__init__()
        self.sign = answer


def test_a_signer_that_does_not_sign_what_it_must():
    with pytest.raises(RefusedError, match="cannot be used"):
        seal(word(), Odd(lambda *_: b"-----BEGIN"))
    with pytest.raises(RefusedError, match="another key signed"):
        seal(word(), Odd(key_of("ada").sign))
    with pytest.raises(RefusedError, match="not one of these words"):
        seal(word(), Odd(lambda space, _: key_of("ada").sign(space, b"x")))


def test_a_lone_surrogate_becomes_what_utf8_can_hold():
    found = open_envelope(seal(word("models/\ud800@x", body={"\udc00": "\ud800"}), key_of("ada")))
    assert found.statement.subject == "models/\ufffd@x"
    assert found.statement.body == {"\ufffd": "\ufffd"}
