"""What the owner of the file may try, and what shows it: the chain, a checkpoint, a signature.

The table of what a chain cannot see is as much of a promise as what it can.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modeldeck.app.usecases.audit_export import line_of
from modeldeck.backends.api.trail import Mark
from modeldeck.backends.local import tree
from modeldeck.backends.tlog import verifier
from modeldeck.backends.tlog.note import Ed25519Signer

from . import trails
from .trails import ADA, EVENTS, HOST, PEOPLE, backend_at, edit, forge, happen, owned, relink

CHECKED = EVENTS - 4
"""The checkpoint that was carried out counts so many."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    asyncio.run(fill(folder))
    return folder


async def fill(folder):
    backend = backend_at(folder, signer=ADA)
    await happen(backend, CHECKED)
    kept = await backend.checkpoint()
    (folder / "outside").write_text(kept.text, encoding="utf-8")
    backend.host_key = None
    await happen(backend, EVENTS - CHECKED, CHECKED)
    await backend.close()


def swap(connection):
    connection.execute("UPDATE audit SET seq = -seq WHERE seq IN (3, 4)")
    connection.execute("UPDATE audit SET seq = CASE seq WHEN -3 THEN 4 ELSE 3 END WHERE seq < 0")


def edit_and_relink(connection):
    edit(connection, 3, "reason 2", "reason X")
    relink(connection)


def edit_late_and_relink(connection):
    edit(connection, CHECKED + 2, f"reason {CHECKED + 1}", "reason X")
    relink(connection)


def forge_unsigned(connection):
    forge(connection, reason="I did not")


def delete_and_close_up(connection):
    """Delete event 3, give the others new numbers in their leaves, and relink."""
    import rfc8785

    rows = connection.execute("SELECT leaf, payload_id FROM audit ORDER BY seq").fetchall()
    connection.execute("DELETE FROM audit")
    for seq, (leaf, payload) in enumerate(rows[:2] + rows[3:], 1):
        said = rfc8785.dumps(json.loads(leaf) | {"seq": seq})
        connection.execute("INSERT INTO audit VALUES(?, ?, ?, x'00')", (seq, said, payload))
    connection.execute("DELETE FROM audit_signature WHERE seq = ?", (len(rows),))
    relink(connection)


def no_signature(connection):
    connection.execute("DELETE FROM audit_signature WHERE seq = 5")


def of_another_event(connection):
    connection.execute(
        "UPDATE audit_signature SET signature ="
        " (SELECT signature FROM audit_signature WHERE seq = 6) WHERE seq = 5"
    )


# attack, what the chain says, what a checkpoint of CHECKED says, what signatures say: the event
# that is named, None where nothing is seen, "rest" where only that it is one up to CHECKED.
ATTACKS = [
    (lambda c: edit(c, 3, "reason 2", "reason X"), 3, 3, 3),
    (lambda c: c.execute("DELETE FROM audit WHERE seq = 3"), 3, 3, 3),
    (swap, 3, 3, 3),
    (edit_and_relink, None, "rest", 3),
    (delete_and_close_up, None, "rest", 3),
    (lambda c: trails.truncate(c, CHECKED - 2), None, CHECKED - 1, None),
    (lambda c: trails.truncate(c, CHECKED), None, None, None),
    (edit_late_and_relink, None, None, CHECKED + 2),
    (forge_unsigned, None, None, EVENTS + 1),
    (no_signature, 5, 5, 5),
    (of_another_event, None, None, 5),
]
NAMES = [
    "edit", "delete", "swap", "edit and relink all", "delete, renumber and relink all",
    "truncate below the checkpoint", "truncate after it", "rewrite after it",
    "forge under another's name", "drop a signature", "exchange signatures",
]  # fmt: skip


@pytest.mark.parametrize(("attack", "chain", "checkpoint", "signature"), ATTACKS, ids=NAMES)
async def test_what_shows_an_attack(whole, tmp_path, attack, chain, checkpoint, signature):
    folder = Path(shutil.copytree(whole, tmp_path / "copy"))
    with owned(folder) as connection:
        # Who relinks all takes the registry's own checkpoints away, too.
        connection.execute("DELETE FROM checkpoint")
        attack(connection)
    outside = Mark(place="usb", note=(whole / "outside").read_text(), outside=True)
    backend = backend_at(folder)
    by_chain = await backend.check_trail()
    by_checkpoint = await backend.check_trail(marks=[outside])
    by_signature = await backend.check_trail(people=PEOPLE, verify=trails.verify_signature)
    await export(backend, tmp_path / "out")
    await backend.close()
    assert named(by_chain) == chain
    if checkpoint == "rest":
        broken = by_checkpoint.broken
        assert (broken.seq, broken.last, broken.by) == (1, CHECKED, "checkpoint")
    else:
        assert named(by_checkpoint) == checkpoint
    assert named(by_signature) == signature
    assert by_signature.holds is (signature is None)
    said = run(tmp_path / "out", "--key", VKEY(whole), "--checkpoint", whole / "outside")
    if attack is forge_unsigned or (checkpoint is None and signature is None):
        # Nothing but a later checkpoint, or knowing who signs, can know of these.
        assert said.returncode == 0, said.stdout
    else:
        assert said.returncode == 1, said.stdout
        seq = signature if signature is not None else checkpoint
        assert f"BROKEN: event {seq} " in said.stdout


def named(found):
    if found.broken is not None:
        return found.broken.seq
    return found.unsigned[0] if found.unsigned else None


def VKEY(folder):  # noqa: N802
    origin = (folder / "outside").read_text().split("\n")[0]
    return Ed25519Signer(origin, HOST).key.vkey


async def export(backend, target):
    """What `audit export` writes, of a trail that may be broken."""
    target.mkdir()
    last = await backend.trail_size()
    records = [one for n in range(1, last + 1) for one in await backend.records_from(n, 1)]
    lines = list(dict.fromkeys(line_of(one) for one in records))
    (target / "events.jsonl").write_text("".join(lines), encoding="utf-8")
    kept = await backend.checkpoint()
    (target / "checkpoint").write_text(kept.text, encoding="utf-8")
    shutil.copy(verifier.__file__, target / "verify.py")


def run(folder, *words):
    argv = [sys.executable, "-I", "-S", folder / "verify.py", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


async def test_two_histories_are_seen_when_two_auditors_compare(whole, tmp_path):
    notes = []
    for name in ("one", "two"):
        folder = Path(shutil.copytree(whole, tmp_path / name))
        backend = backend_at(folder)
        await backend.note(trails.entry(reason=f"for {name}"))
        notes.append((await backend.checkpoint()).text)
        found = await backend.check_trail(marks=[Mark(place="own", note=notes[-1], outside=True)])
        assert found.holds, "each is whole by itself"
        await backend.close()
    backend = backend_at(tmp_path / "one")
    found = await backend.check_trail(marks=[Mark(place="other", note=notes[1], outside=True)])
    await backend.close()
    assert not found.holds
    assert (found.broken.seq, found.broken.last) == (EVENTS + 1, EVENTS + 1)
    assert [one.state for one in found.compared if one.outside] == ["differs"]


async def test_a_liar_who_forgets_the_nodes_is_seen_by_the_tree(tmp_path):
    folder, under = tmp_path, 1 << tree.LOWEST
    backend = backend_at(folder, signer=ADA)
    await happen(backend, under + 1)
    await backend.close()
    with owned(folder) as connection:
        kept = connection.execute("SELECT * FROM audit_node").fetchall()
        connection.execute("DELETE FROM checkpoint")
        edit_and_relink(connection)
        connection.execute("DELETE FROM audit_node")
        connection.executemany("INSERT INTO audit_node VALUES(?, ?, ?)", kept)
    backend = backend_at(folder)
    found = await backend.check_trail()
    assert (found.broken.seq, found.broken.last, found.broken.by) == (1, under, "tree")
    await backend.close()
    with owned(folder) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 5")
        relink(connection)
        connection.execute("DELETE FROM audit_node")
    backend = backend_at(folder)
    found = await backend.check_trail()
    assert found.broken.seq == 6, "signatures of events that are gone"
    await backend.close()


async def test_a_log_never_signs_two_histories(whole, tmp_path):
    from modeldeck.backends.api.errors import DamagedError

    folder = Path(shutil.copytree(whole, tmp_path / "copy"))
    with owned(folder) as connection:
        edit_and_relink(connection)
    backend = backend_at(folder)
    with pytest.raises(DamagedError, match="does not go on"):
        await backend.checkpoint()
    found = await backend.check_trail()
    assert (found.broken.seq, found.broken.last) == (1, CHECKED), "its own checkpoint says so"
    # Work goes on: the registry says why it writes none.
    await backend.note(trails.entry(action="alias.set", phase="done"))
    await backend.close()
    assert "does not go on" in backend.trouble
