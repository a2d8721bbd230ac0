"""`modeldeck snapshot`, the real program: one file, opened, imported, and not trusted."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
import struct
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from modeldeck.app.snapshot import Choice, open_snapshot, snapshots_folder, take
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.local import create_registry
from modeldeck.backends.local import trail as chain
from tests.recorder.real import run_program
from tests.usecases.copies import CHILD, GRANDCHILD, PARENT, all_facts, make_odd, opened
from tests.usecases.project import session_of

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return make_odd(tmp_path_factory.mktemp("odd") / "there")


@pytest.fixture
def place(odd, tmp_path):
    """A folder with a registry in `there`."""
    shutil.copytree(odd, tmp_path / "there")
    return tmp_path


def snapshot(place, *words, code=0, name="all.snapshot"):
    done = run_program(place, "--registry", "there", "snapshot", name, *words)
    assert (done.returncode, done.stderr.count("Traceback")) == (code, 0), done.stderr
    return done


def facts_of(folder):
    async def read():
        session = opened(folder)
        try:
            return await all_facts(session)
        finally:
            await session.registry.close()

    return asyncio.run(read())


def facts_in(file, **how):
    """What a snapshot shows when it is opened in place."""

    async def read():
        registry = await open_snapshot(file, tool="test")
        try:
            return await all_facts(session_of(registry), **how)
        finally:
            await registry.close()

    return asyncio.run(read())


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def listed(place, file, *words):
    done = run_program(place, "--registry", file, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["items"]


def test_all_of_it_is_in_the_file(place):
    before = facts_of(place / "there")
    done = snapshot(place, "-o", "json")
    found = json.loads(done.stdout)
    assert found["counts"] == {
        "experiments": 1,
        "runs": 3,
        "models": 1,
        "versions": 2,
        "events": 11,
    }
    file = place / "all.snapshot"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in place.iterdir() if one.name.startswith(".")] == []
    assert facts_in(file) == before
    inside = members(file)
    manifest = json.loads(inside["manifest.json"])
    assert {one["path"] for one in manifest["files"]} | {"manifest.json"} == set(inside)
    for one in manifest["files"]:
        data = inside[one["path"]]
        assert one["size"] == len(data)
        assert one["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    with closing(sqlite3.connect(place / "there/.modeldeck/registry.db")) as registry:
        seq, link = registry.execute("SELECT max(seq), link FROM audit").fetchone()
    assert manifest["head"] == {"seq": seq, "link": link.hex()}
    # Not a byte of the registry has changed by it.
    assert facts_of(place / "there") == before


def test_it_opens_read_only_by_its_path(place):
    snapshot(place)
    done = run_program(place, "./all.snapshot")
    assert done.returncode == 0
    assert "read-only    it is a snapshot of there from " in done.stdout
    assert {run["id"] for run in listed(place, "all.snapshot", "runs", "ls")} == {
        PARENT,
        CHILD,
        GRANDCHILD,
    }
    refused = run_program(
        place, "--registry", "all.snapshot", "runs", "tag", PARENT, "a=b", "--yes"
    )
    assert refused.returncode == 4
    assert "it is a snapshot" in refused.stderr
    (cached,) = snapshots_folder().iterdir()
    assert {path.name for path in cached.iterdir()} >= {"registry.db", "telemetry.db", "artifacts"}


def test_a_part_of_it(place):
    snapshot(place, "--model", "fraud", "--samples", "100", "--without-artifacts")
    found = facts_in(place / "all.snapshot", with_bytes=False)
    expected = facts_of(place / "there")
    assert set(found) == {f"runs/{PARENT}", "models/fraud/1", "models/fraud/2"}
    mine, theirs = found[f"runs/{PARENT}"], expected[f"runs/{PARENT}"]
    steps, times, _ = mine["series"]["many"]
    assert (len(steps), steps[0], steps[-1]) == (100, 0, 4999)
    assert set(zip(steps, times, strict=True)) <= set(
        zip(*theirs["series"]["many"][:2], strict=True)
    )
    assert mine["series"]["odd"] == theirs["series"]["odd"]
    assert mine["run"] == theirs["run"]
    assert [one.digest for one in mine["artifacts"]] == [one.digest for one in theirs["artifacts"]]


def test_files_that_were_left_out_come_with_a_later_one(place):
    snapshot(place, "--without-artifacts")
    snapshot(place, name="more.snapshot")
    asyncio.run(create_registry(place / "here").close())
    done = run_program(place, "--registry", "here", "import", "all.snapshot", "-o", "json")
    found = json.loads(done.stdout)
    # A version is its bytes: without them it is none.
    assert (found["runs_taken"], found["files"]) == (3, 0)
    assert "models/fraud/1/MLmodel: its bytes are not kept here" in done.stderr
    assert "models/fraud/1" not in facts_of(place / "here")
    done = run_program(place, "--registry", "here", "import", "more.snapshot", "-o", "json")
    found = json.loads(done.stdout)
    assert (found["runs_taken"], found["files"]) == (1, 5)
    assert facts_of(place / "here") == facts_of(place / "there")


def test_what_is_not_chosen_is_not_in_the_file_and_the_trail_still_holds(place):
    with closing(sqlite3.connect(next(place.rglob("registry.db")))) as registry:
        for subject in (f"runs/{CHILD}", "models/secret/1"):
            registry.execute(
                "INSERT INTO statement VALUES(?, 'approval', ?, 0, ?, 0, NULL, '')",
                (subject, subject, f"which card is stolen, says {subject}".encode()),
            )
        registry.commit()
    snapshot(place, "--runs", "name ~ fold-2b")
    inside = members(place / "all.snapshot")
    whole = b"".join(inside.values())
    assert CHILD.encode() in whole
    others = (GRANDCHILD.encode(), b"which card is stolen, says models", b"models/secret")
    assert not [word for word in others if word in whole]
    events = listed(place, "all.snapshot", "audit", "ls")
    assert len(events) == 11
    assert {event["subject"] for event in events} == {"(erased)", f"runs/{CHILD}"}
    path = place / "registry.db"
    path.write_bytes(inside["registry.db"])
    with closing(sqlite3.connect(path)) as registry:
        assert chain.verify(registry) is None
        said = registry.execute("SELECT subject FROM statement").fetchall()
        assert said == [(f"runs/{CHILD}",)]
        with pytest.raises(sqlite3.IntegrityError, match="as it was signed"):
            registry.execute("DELETE FROM statement")


def test_it_writes_over_nothing_unasked(place):
    (place / "all.snapshot").write_bytes(b"mine")
    done = snapshot(place, code=4)
    assert "is there already" in done.stderr
    assert (place / "all.snapshot").read_bytes() == b"mine"
    snapshot(place, "--force")
    assert len(facts_in(place / "all.snapshot")) == 5
    done = snapshot(place, code=2, name="no/folder/x")
    assert "no such folder" in done.stderr


def test_where_there_are_no_links_it_still_writes_over_nothing(place, monkeypatch):
    def none(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)

    async def taken(name):
        session = opened(place / "there")
        try:
            return await take(
                session, place / name, Choice(), force=False, progress=lambda *_: None
            )
        finally:
            await session.registry.close()

    assert asyncio.run(taken("all.snapshot")).manifest.counts["runs"] == 3
    assert len(facts_in(place / "all.snapshot")) == 5
    with pytest.raises(RefusedError):
        asyncio.run(taken("all.snapshot"))


def test_imported_it_is_the_same_as_copied(place):
    snapshot(place)
    asyncio.run(create_registry(place / "here").close())
    done = run_program(place, "--registry", "here", "import", "all.snapshot", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["runs_taken"], found["models"]) == (3, 1)
    assert found["conflicts"] == ["fraud@champion is 1 there, not set here"]
    assert facts_of(place / "here") == facts_of(place / "there")
    again = run_program(place, "--registry", "here", "import", "all.snapshot", "-o", "json")
    assert json.loads(again.stdout)["runs_taken"] == 0
    # What came in a file is what comes over the wire.
    words = ["copy", PARENT, "--from", "there", "--to", "here", "--yes"]
    assert "all of it is there" in run_program(place, *words).stderr
    words = ["copy", "fraud", "--from", "all.snapshot", "--to", "here", "--yes"]
    assert "all of it is there" in run_program(place, *words).stderr


def written(file, parts, *, compress=()):
    """A ZIP of these members, in this order."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts:
            kind = zipfile.ZIP_DEFLATED if name in compress else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), data, kind)


def told(parts):
    """The members with a manifest that says what they are, whatever they are."""
    manifest = json.loads(dict(parts)["manifest.json"])
    manifest["files"] = [
        {"path": name, "size": len(data), "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        for name, data in parts
        if name != "manifest.json"
    ]
    return [
        ("manifest.json", json.dumps(manifest).encode()),
        *[p for p in parts if p[0] != "manifest.json"],
    ]


def edited(data, statement):
    path = Path("edited.db").absolute()
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        connection.commit()
    return path.read_bytes()


def artifact(parts):
    return next(name for name in parts if name.startswith("artifacts/"))


def flipped(parts, name):
    data = bytearray(parts[name])
    data[len(data) // 2] ^= 1
    return [(one, bytes(data) if one == name else parts[one]) for one in parts]


EVIL = {
    "../evil": "has a name that no snapshot has",
    "/tmp/evil": "has a name that no snapshot has",
    "artifacts/../../evil": "has a name that no snapshot has",
    "artifacts/ab/../ab": "has a name that no snapshot has",
    "runs/evil": "has a name that no snapshot has",
    "artifacts\\evil": "has a name that no snapshot has",
}


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_leads_out_is_refused(place, name):
    snapshot(place)
    parts = members(place / "all.snapshot")
    written(place / "bad.snapshot", told([*parts.items(), (name, b"evil")]))
    said = refused(place)
    assert f"its member {name!r} {EVIL[name]}" in said
    assert not list(place.parent.rglob("evil"))


def refused(place, file="bad.snapshot"):
    done = run_program(place, "--registry", file, "runs", "ls")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert file in done.stderr
    # Nothing of it stays in the cache.
    assert not list(snapshots_folder().glob("*"))
    return done.stderr


def test_every_way_to_tamper_is_told_by_the_member(place, monkeypatch):
    monkeypatch.chdir(place)
    snapshot(place)
    good = members("all.snapshot")
    file = artifact(good)
    both = list(good.items())
    cases = [
        (flipped(good, file), f"{file!r} is not what its manifest says"),
        (flipped(good, "registry.db"), "'registry.db' is not what its manifest says"),
        (told(flipped(good, "telemetry.db")), "'telemetry.db' "),
        ([one for one in both if one[0] != file], f"{file!r} is missing"),
        ([*both, ("artifacts/ab/" + "c" * 62, b"")], "is not named by its manifest"),
        (told(flipped(good, file)), f"{file!r} has another name than its digest"),
        (
            told(
                [
                    (n, edited(d, "DELETE FROM audit WHERE seq = 11") if n == "registry.db" else d)
                    for n, d in both
                ]
            ),
            "'registry.db' has another trail than its manifest says",
        ),
        (
            told(
                [
                    (
                        n,
                        edited(d, "UPDATE audit_payload SET body = replace(body, 'op1', 'op2')")
                        if n == "registry.db"
                        else d,
                    )
                    for n, d in both
                ]
            ),
            "'registry.db' has a trail that does not hold at event 1",
        ),
        ([("manifest.json", b"{"), *both[1:]], "'manifest.json' cannot be read"),
        (both[1:], "is a ZIP file, but no snapshot of modeldeck"),
    ]
    for parts, words in cases:
        written("bad.snapshot", parts)
        assert words in refused(place)


def test_what_is_compressed_is_not_unpacked(place):
    snapshot(place)
    parts = members(place / "all.snapshot")
    name = "artifacts/00/" + "0" * 62
    bomb = bytes(50 << 20)
    written(place / "bad.snapshot", told([*parts.items(), (name, bomb)]), compress=[name])
    assert f"{name!r} is compressed" in refused(place)


def test_a_size_that_is_a_lie_is_seen(place):
    snapshot(place)
    data = bytearray((place / "all.snapshot").read_bytes())
    # The sizes in the directory at the end, of the member after the manifest.
    at = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[at + 20 : at + 28] = struct.pack("<II", 7, 7)
    (place / "bad.snapshot").write_bytes(data)
    assert "'registry.db' has 7 bytes" in refused(place)


def test_a_truncated_file_is_told(place):
    snapshot(place)
    data = (place / "all.snapshot").read_bytes()
    for length in (10, 5000, len(data) // 2, len(data) - 1):
        (place / "bad.snapshot").write_bytes(data[:length])
        assert "is a damaged or truncated snapshot" in refused(place)
