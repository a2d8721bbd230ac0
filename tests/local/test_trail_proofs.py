"""The trail proves itself: every byte counts, proofs hold, checkpoints come by themselves."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, RefusedError
from modeldeck.backends.api.trail import Mark
from modeldeck.backends.local import checkpoints, tree
from modeldeck.backends.local.checking import START, check, first_broken
from modeldeck.backends.local.trail import erase
from modeldeck.backends.tlog import merkle
from modeldeck.backends.tlog.checkpoint import read_checkpoint
from modeldeck.backends.tlog.note import Ed25519Signer
from modeldeck.backends.tlog.proof import proven, read_proof

from .records import NOW, entry, passing
from .test_migrations import built
from .trails import ADA, HOST, PEOPLE, backend_at, happen, owned, verify_signature

MANY = 200
COLUMNS = ("leaf", "link", "body", "salt")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A trail of 200 events without guards, in memory."""
    folder = tmp_path_factory.mktemp("many")

    async def fill():
        backend = backend_at(folder)
        backend.registry._synchronous = "OFF"
        await happen(backend, MANY)
        await backend.close()

    asyncio.run(fill())
    with owned(folder) as connection:
        copy = sqlite3.connect(":memory:", isolation_level=None)
        connection.backup(copy)
    yield copy
    copy.close()


def flipped(connection, seq, column, place):
    """Flip the bits of one byte; gives what takes that back."""
    table, key = ("audit", "seq") if column in ("leaf", "link") else ("audit_payload", "id")
    row = seq
    if table == "audit_payload":
        row = connection.execute("SELECT payload_id FROM audit WHERE seq = ?", (seq,)).fetchone()[0]
    value = connection.execute(f"SELECT {column} FROM {table} WHERE {key} = ?", (row,)).fetchone()
    raw = bytearray(value[0].encode() if isinstance(value[0], str) else value[0])
    raw[place % len(raw)] ^= 1
    put = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"
    connection.execute(put, (raw.decode("latin-1") if column == "body" else bytes(raw), row))
    return lambda: connection.execute(put, (value[0], row))


def length(connection, seq, column):
    if column in ("leaf", "link"):
        sql = f"SELECT length({column}) FROM audit WHERE seq = ?"
    else:
        sql = (
            f"SELECT length(CAST({column} AS BLOB)) FROM audit JOIN audit_payload p"
            " ON p.id = payload_id WHERE seq = ?"
        )
    return connection.execute(sql, (seq,)).fetchone()[0]


def links(connection):
    return dict(connection.execute("SELECT seq, link FROM audit")) | {0: START}


def test_every_byte_of_some_rows_counts(many):
    before = links(many)
    for seq in (1, 2, 97, MANY):
        for column in COLUMNS:
            for place in range(length(many, seq, column)):
                back = flipped(many, seq, column, place)
                broken = first_broken(many, seq, before[seq - 1])
                assert broken is not None, (seq, column, place)
                assert broken.seq == seq
                back()
    assert check(many).holds


def test_a_byte_of_every_row_is_found_from_the_start_and_named(many):
    chance = random.Random(5)
    for seq in range(1, MANY + 1):
        for column in COLUMNS:
            back = flipped(many, seq, column, chance.randrange(10_000))
            found = check(many)
            assert found.broken.seq == seq, (seq, column)
            back()
    assert check(many).holds


@given(st.data())
def test_any_byte_of_any_row(many, data):
    seq = data.draw(st.integers(1, MANY))
    column = data.draw(st.sampled_from(COLUMNS))
    back = flipped(many, seq, column, data.draw(st.integers(0, 2000)))
    try:
        assert check(many).broken.seq == seq
    finally:
        back()


def test_any_stored_node_that_is_another_is_found(many):
    rows = many.execute("SELECT level, idx, hash FROM audit_node").fetchall()
    for level, index, value in rows:
        where = "WHERE level = ? AND idx = ?"
        wrong = bytes([value[0] ^ 1]) + value[1:]
        many.execute(f"UPDATE audit_node SET hash = ? {where}", (wrong, level, index))
        found = check(many).broken
        assert (found.by, found.seq) == ("tree", (index << level) + 1)
        many.execute(f"UPDATE audit_node SET hash = ? {where}", (value, level, index))
    assert len(rows) == sum(MANY >> level for level in range(tree.LOWEST, 8))


def test_a_missing_node_is_only_slower(many):
    root = merkle.root(MANY, tree.node_of(many))
    many.execute("DELETE FROM audit_node WHERE level IN (4, 6)")
    assert merkle.root(MANY, tree.node_of(many)) == root
    assert check(many).holds
    tree.fill(many)
    assert merkle.root(MANY, tree.node_of(many)) == root == bytes.fromhex(check(many).root)


async def test_every_event_is_proven_in_every_later_checkpoint(tmp_path):
    backend = backend_at(tmp_path)
    kept = []
    for number in range(9):
        await happen(backend, 1, number)
        kept.append(await backend.checkpoint())
    key = Ed25519Signer(read_checkpoint(kept[0].text)[0].origin, HOST).key
    for seq in range(1, 10):
        leaf = bytes.fromhex((await backend.record(seq)).leaf_hash)
        for one in kept:
            if one.size < seq:
                with pytest.raises(RefusedError, match="counts event"):
                    await backend.prove(seq, one)
            else:
                proof = read_proof(await backend.prove(seq, one))
                assert proven(proof, leaf, [key]).size == one.size
    with pytest.raises(NotFoundError):
        await backend.record(10)
    assert (await backend.record(4)).covered == 4
    await backend.close()


async def test_a_checkpoint_of_nothing(tmp_path):
    backend = backend_at(tmp_path)
    kept = await backend.checkpoint()
    said, _ = read_checkpoint(kept.text)
    assert (said.size, said.root) == (0, merkle.EMPTY)
    await happen(backend, 1)
    assert [one.size for one in await backend.checkpoints()] == [0]
    found = await backend.check_trail(marks=[Mark(place="x", note=kept.text, outside=True)])
    assert found.holds
    assert [one.state for one in found.compared] == ["same", "same"]
    await backend.close()


async def test_an_erased_payload_keeps_every_proof(tmp_path):
    backend = backend_at(tmp_path, signer=ADA)
    await happen(backend, 6)
    kept = await backend.checkpoint()
    proofs = [await backend.prove(seq) for seq in range(1, 7)]
    for seq in (2, 5):
        await backend.registry.write(lambda c, seq=seq: erase(c, seq))
    mark = Mark(place="x", note=kept.text, outside=True)
    found = await backend.check_trail(marks=[mark], people=PEOPLE, verify=verify_signature)
    assert (found.holds, found.erased, found.signed) == (True, 2, 6)
    assert [await backend.prove(seq) for seq in range(1, 7)] == proofs
    record = await backend.record(2)
    assert (record.payload, record.salt) == (None, None)
    assert record.event.actor.key == ADA.fingerprint, "the leaf says who signed"
    await backend.close()


async def test_what_is_erased_is_in_no_free_part_of_the_file(tmp_path):
    backend = backend_at(tmp_path)
    await backend.note(entry(reason="SECRETWORD"))
    await backend.registry.write(lambda c: erase(c, 1))
    await backend.close()
    for path in (tmp_path / ".modeldeck").iterdir():
        if path.is_file():
            assert b"SECRETWORD" not in path.read_bytes(), path


async def test_a_clock_that_is_set_back_is_said_and_the_order_stays(tmp_path):
    times = [0, 10, 5, 6, 20, 3]
    now = [NOW]
    backend = backend_at(tmp_path, clock=lambda: now[0])
    for minutes in times:
        now[0] = NOW + timedelta(seconds=minutes)
        await happen(backend, 1)
    found = await backend.check_trail()
    assert (found.holds, list(found.set_back)) == (True, [3, 6])
    assert [e.seq for e in (await backend.events()).first] == [6, 5, 4, 3, 2, 1]
    await backend.close()


async def test_the_program_writes_checkpoints_by_itself(tmp_path):
    now = [NOW]
    told = []
    backend = backend_at(tmp_path, clock=lambda: now[0])
    backend.on_checkpoint = told.append
    await happen(backend, checkpoints.EVERY - 1)
    assert await backend.checkpoints() == []
    await happen(backend, 2)
    assert [one.size for one in await backend.checkpoints()] == [checkpoints.EVERY]
    now[0] = NOW + checkpoints.WITHIN
    await happen(backend, 1)
    assert [one.size for one in await backend.checkpoints()] == [100, 102], "a quarter of an hour"
    await backend.note(entry(phase="done", action="alias.set", subject="models/m@champion"))
    assert [one.size for one in await backend.checkpoints()][-1] == 103, "a promotion"
    await happen(backend, 1)
    await backend.close()
    again = backend_at(tmp_path)
    assert [one.size for one in await again.checkpoints()] == [100, 102, 103, 104], "the end"
    assert (await again.check_trail()).holds
    await again.close()
    assert [one.size for one in told] == [100, 102, 103, 104]


async def test_who_only_reads_writes_no_checkpoint(tmp_path):
    backend = backend_at(tmp_path)
    backend.host_key = None
    await happen(backend, 3)
    await backend.close()
    again = backend_at(tmp_path)
    again.host_key = lambda: pytest.fail("no key is asked for")
    assert await again.trail_size() == 3
    await again.close()


async def test_a_key_that_cannot_be_had_stops_no_change(tmp_path):
    def locked():
        raise ModeldeckError("the keyring is locked")

    backend = backend_at(tmp_path)
    backend.host_key = locked
    await backend.note(entry(phase="done", action="alias.set"))
    await backend.close()
    assert backend.trouble == "the keyring is locked"
    with closing(sqlite3.connect(tmp_path / ".modeldeck" / "registry.db")) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM checkpoint").fetchone() == (0,)


async def test_an_anchor_that_fails_stops_no_change(tmp_path):
    def away(_):
        raise OSError("the stick is gone")

    backend = backend_at(tmp_path)
    backend.on_checkpoint = away
    await backend.note(entry(phase="done", action="alias.set"))
    await backend.close()
    assert backend.trouble == "the stick is gone"


async def test_a_signer_that_fails_leaves_no_event(tmp_path):
    class Failing:
        fingerprint, public = "SHA256:x", ""

        def sign(self, *_):
            raise ModeldeckError("no touch")

    backend = backend_at(tmp_path, signer=Failing())
    with pytest.raises(ModeldeckError, match="no touch"):
        await happen(backend, 1)
    assert await backend.trail_size() == 0
    await backend.close()


async def test_an_older_registry_gets_its_tree_when_it_is_first_needed(tmp_path):
    home = tmp_path / ".modeldeck"
    home.mkdir(mode=0o700)
    built("registry-2", home)
    built("telemetry-1", home)
    backend = backend_at(tmp_path)
    before = await backend.trail_size()
    assert before > 2
    root = await backend.registry.read(lambda c: merkle.root(before, tree.node_of(c)))
    assert (await backend.check_trail()).root == root.hex()
    nodes = "SELECT count(*) FROM audit_node"
    assert await backend.registry.read(lambda c: c.execute(nodes).fetchone()) == (0,)
    size = 3 << tree.LOWEST
    await happen(backend, 2 * size // 3 - before)
    await backend.registry.write(lambda c: c.execute("DELETE FROM audit_node"))
    await happen(backend, size // 3 - 1)
    assert await backend.registry.read(lambda c: c.execute(nodes).fetchone()) == (0,)
    await happen(backend, 1)
    counted = sum(size >> level for level in range(tree.LOWEST, 8))
    assert await backend.registry.read(lambda c: c.execute(nodes).fetchone()) == (counted,)
    assert (await backend.check_trail()).holds
    await backend.close()


def test_a_missing_event_stops_no_other_and_is_named(tmp_path):
    with passing() as backend:
        asyncio.run(happen(backend, 5))
        with owned_file(backend) as connection:
            connection.execute("DELETE FROM audit WHERE seq = 2")
        asyncio.run(happen(backend, 4, 5))
        assert backend.registry.read_now(check).broken.seq == 2


def owned_file(backend):
    folder = backend.layout.folder
    target = folder / ".modeldeck"
    if not target.exists():
        target.symlink_to(folder)
    return owned(folder)


@pytest.mark.parametrize("table", ["audit_signature", "checkpoint"])
def test_guards(tmp_path, table):
    async def fill():
        backend = backend_at(tmp_path, signer=ADA)
        await happen(backend, 1)
        await backend.checkpoint()
        await backend.close()

    asyncio.run(fill())
    path = tmp_path / ".modeldeck" / "registry.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for sql in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET rowid = rowid",
            f"REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
                connection.execute(sql)


def test_a_statement_may_come_twice_and_never_changes():
    with passing() as backend:
        add = "INSERT OR IGNORE INTO statement VALUES('s', 'event', 'x', ?, x'00', 0, NULL, '')"

        def work(connection, *statements):
            for sql in statements:
                connection.execute(sql.replace("?", "1"))

        backend.registry.write_now(lambda c: work(c, add, add, "UPDATE statement SET sent_at = 5"))
        for sql in (
            add.replace("?", "2"),
            "UPDATE statement SET kind = 'approval'",
            "UPDATE statement SET envelope = x'01'",
            "DELETE FROM statement",
        ):
            with pytest.raises(ModeldeckError, match="stays as it was signed"):
                backend.registry.write_now(lambda c, sql=sql: work(c, sql))


async def test_who_signs_signs_all(tmp_path):
    backend = backend_at(tmp_path)
    await happen(backend, 2)
    backend.signer = ADA
    await happen(backend, 2)
    backend.signer = None
    await happen(backend, 1)
    found = await backend.check_trail(people=PEOPLE, verify=verify_signature)
    assert not found.holds
    assert (list(found.unsigned), found.never, found.by) == ([5], {"Ada": 2}, {"Ada": 2})
    import msgspec

    strict = msgspec.structs.replace(PEOPLE, must_sign=("Ada",))
    found = await backend.check_trail(people=strict, verify=verify_signature)
    assert list(found.unsigned) == [1, 2, 5]
    found = await backend.check_trail(people=PEOPLE)
    assert (found.holds, found.checked, found.signed) == (True, False, 2)
    revoked = msgspec.structs.replace(PEOPLE, revoked={ADA.fingerprint: NOW})
    found = await backend.check_trail(people=revoked, verify=verify_signature)
    assert (found.broken.seq, found.broken.by) == (3, "signature")
    await backend.close()


async def test_marks_that_say_nothing(tmp_path):
    backend = backend_at(tmp_path / "a")
    other = backend_at(tmp_path / "b")
    await happen(backend, 3)
    await happen(other, 3)
    mine, theirs = await backend.checkpoint(), await other.checkpoint()
    key = Ed25519Signer(read_checkpoint(mine.text)[0].origin, HOST).key.vkey
    stranger = Ed25519Signer(read_checkpoint(mine.text)[0].origin, other_key()).key.vkey
    marks = [
        Mark(place="theirs", note=theirs.text, outside=True),
        Mark(place="torn", note="modeldeck", outside=True),
        Mark(place="bent", note=mine.text.replace("\n3\n", "\n2\n"), outside=True),
    ]
    found = await backend.check_trail(marks=marks, keys=[key])
    assert {one.place: one.state for one in found.compared} == {
        "the registry": "same", "theirs": "other", "torn": "damaged", "bent": "damaged",
    }  # fmt: skip
    assert (found.broken, found.holds) == (None, False)
    found = await backend.check_trail(keys=[stranger])
    assert [one.state for one in found.compared] == ["stranger"]
    asked = Mark(place="asked", note=mine.text, outside=True, asked=True)
    assert not (await backend.check_trail(marks=[asked], keys=[stranger])).holds
    await backend.close()
    await other.close()


def other_key():
    from .trails import private

    return private(9)


async def test_progress_is_told(tmp_path):
    backend = backend_at(tmp_path)
    await happen(backend, 3)
    told = []
    await backend.check_trail(progress=lambda done, of: told.append((done, of)))
    assert told == [(3, 3)]
    await backend.close()


def test_a_copy_is_the_same_log(tmp_path):
    async def work():
        backend = backend_at(tmp_path / "one")
        await happen(backend, 2)
        first = await backend.checkpoint()
        await backend.close()
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        backend = backend_at(Path(tmp_path / "two"))
        second = await backend.checkpoint()
        await backend.close()
        return first, second

    first, second = asyncio.run(work())
    assert first == second
