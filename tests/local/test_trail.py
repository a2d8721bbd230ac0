"""The audit trail shows what was done to it."""

from __future__ import annotations

import hashlib
import json
import sqlite3

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from modeldeck.backends.api.events import Actor
from modeldeck.backends.local import trail
from modeldeck.backends.local.migrations import statements
from modeldeck.backends.local.schema import REGISTRY
from modeldeck.backends.local.trail import ERASED, Entry, erase, rebuild_index, verify, write

from .records import ME, NOW

EVENTS = 6


def registry(*, guards=True):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA recursive_triggers=ON")
    for statement in statements("".join(REGISTRY.steps)):
        if guards or not statement.startswith("CREATE TRIGGER"):
            connection.execute(statement)
    for number in range(EVENTS):
        write(connection, entry(number), NOW)
    return connection


def entry(number, **fields):
    defaults = {
        "actor": ME,
        "tool": "modeldeck 0",
        "context": "here",
        "phase": "done",
        "action": "alias.set",
        "subject": "models/fraud@champion",
        "before": {"version": number},
        "after": {"version": number + 1},
        "reason": f"reason {number}",
        "ticket": "T-1",
    }
    return Entry(**(defaults | fields))


def test_the_chain_is_what_it_says_it_is():
    connection = registry()
    link = bytes(32)
    for leaf, stored in connection.execute("SELECT leaf, link FROM audit ORDER BY seq"):
        link = hashlib.sha256(link + hashlib.sha256(b"\0" + leaf).digest()).digest()
        assert stored == link
        assert (
            leaf
            == json.dumps(
                json.loads(leaf), sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ).encode()
        )
    assert verify(connection) is None
    connection.close()


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KINDS = {"seq": st.integers(0, 2**53 - 1), "v": st.integers(0, 9)}
KINDS["caused_by"] = st.none() | KINDS["seq"]


@given(
    st.fixed_dictionaries({name: KINDS.get(name, TEXT) for name in trail.Leaf.__struct_fields__})
)
@example(dict.fromkeys(trail.Leaf.__struct_fields__, "".join(map(chr, range(0x300)))) | {"v": 1})
def test_a_leaf_is_written_as_rfc_8785_has_it(leaf):
    leaf = {name: value for name, value in leaf.items() if value is not None}
    made = trail.Leaf(**{"caused_by": msgspec.UNSET, **leaf})
    assert trail.encoded_leaf(made) == rfc8785.dumps(leaf)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET leaf = x'00'",
        "UPDATE audit SET seq = 99 WHERE seq = 6",
        "DELETE FROM audit WHERE seq = 6",
        "REPLACE INTO audit SELECT seq, x'00', payload_id, link FROM audit WHERE seq = 2",
        "INSERT OR IGNORE INTO audit SELECT 2, x'00', payload_id, link FROM audit WHERE seq = 2",
        "UPDATE audit_payload SET body = '{}'",
        "UPDATE audit_payload SET salt = x'00' WHERE id = 1",
        "DELETE FROM audit_payload",
        "REPLACE INTO audit_payload VALUES(1, x'00', '{}')",
    ],
)
def test_triggers_stop_accidents(sql):
    connection = registry()
    with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
        connection.execute(sql)
    assert verify(connection) is None
    assert connection.execute("SELECT count(*) FROM audit").fetchone() == (EVENTS,)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("UPDATE audit SET payload_id = 1 WHERE seq = 4", 4),
        ("DELETE FROM audit_payload WHERE id = 5", 5),
        ("UPDATE audit_payload SET body = replace(body, 'reason 1', 'reason 9')", 2),
        ("UPDATE audit_payload SET salt = NULL WHERE id = 2", 2),
        ("UPDATE audit_payload SET body = NULL WHERE id = 2", 2),
        ("UPDATE audit SET link = zeroblob(32) WHERE seq = 6", 6),
        ("UPDATE audit SET seq = -seq; UPDATE audit SET seq = CASE seq WHEN -2 THEN 3"
         " WHEN -3 THEN 2 ELSE -seq END", 2),
    ],
)  # fmt: skip
def test_verify_names_the_first_broken_event(sql, broken):
    connection = registry(guards=False)
    connection.executescript(sql)
    assert verify(connection) == broken
    connection.close()


@given(st.integers(1, EVENTS), st.sampled_from(["leaf", "link"]), st.data())
def test_any_flipped_bit_is_found_where_it_is(seq, column, data):
    connection = registry(guards=False)
    raw = bytearray(
        connection.execute(f"SELECT {column} FROM audit WHERE seq = ?", (seq,)).fetchone()[0]
    )
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    connection.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (bytes(raw), seq))
    assert verify(connection) == seq
    connection.close()


def test_a_leaf_relinked_under_another_number_does_not_hold():
    connection = registry(guards=False)
    connection.execute("DELETE FROM audit WHERE seq > 2")
    leaf, payload = connection.execute(
        "SELECT leaf, payload_id FROM audit WHERE seq = 1"
    ).fetchone()
    before = connection.execute("SELECT link FROM audit WHERE seq = 2").fetchone()[0]
    link = trail.chain(before, leaf)
    connection.execute("INSERT INTO audit VALUES(3, ?, ?, ?)", (leaf, payload, link))
    assert verify(connection) == 3
    connection.close()


def test_erasing_a_payload_keeps_every_proof_valid():
    connection = registry()
    erase(connection, 3)
    assert verify(connection) is None
    [event] = trail.events_by_seq(connection, [3])
    assert (event.actor.user, event.reason, event.action) == (ERASED, "", "alias.set")
    assert event.time == NOW
    assert "reason 3" in "\n".join(connection.iterdump()), "that of the next one"
    connection.close()


def test_what_is_erased_is_nowhere_any_more():
    connection = registry()
    write(connection, entry(9, reason="SECRET", actor=Actor(user="SECRET", host="SECRET")), NOW)
    assert "SECRET" in "\n".join(connection.iterdump())
    erase(connection, EVENTS + 1)
    assert "SECRET" not in "\n".join(connection.iterdump())
    connection.close()


def test_the_index_can_be_made_anew():
    connection = registry()
    erase(connection, 2)
    before = connection.execute("SELECT * FROM audit_index").fetchall()
    connection.execute("DELETE FROM audit_index")
    rebuild_index(connection)
    assert connection.execute("SELECT * FROM audit_index").fetchall() == before
    connection.close()


def test_verifying_can_begin_at_an_event_that_is_known():
    connection = registry(guards=False)
    known = connection.execute("SELECT link FROM audit WHERE seq = 3").fetchone()[0]
    connection.execute("UPDATE audit SET leaf = x'00' WHERE seq = 1")
    assert verify(connection) == 1
    assert verify(connection, 4, known) is None
    connection.close()
