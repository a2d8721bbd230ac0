"""A backup is whole and verified or not there; restoring is all or nothing and deletes nothing."""

from __future__ import annotations

import io
import os
import sqlite3
import stat

import msgspec
import pytest

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import (
    BusyError,
    DamagedError,
    ModeldeckError,
    RefusedError,
)
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Experiment, Status
from modeldeck.backends.local import backup as module
from modeldeck.backends.local import open_registry
from modeldeck.backends.local.backup import Manifest, backup, restore, verify
from modeldeck.backends.local.checkup import check
from modeldeck.backends.local.files import Layout

from .records import ME, MICROS, NOW, ORIGIN, fresh, model_record, piped, plan, points, record


@pytest.fixture
async def backend(tmp_path):
    found = fresh(tmp_path / "project")
    await found.take(
        ORIGIN,
        "test",
        experiments=[Experiment(id="first", name="first")],
        runs=[record("old")],
        models=[model_record()],
    )
    await found.begin_run(record("r1", status=Status.RUNNING), ME, "here")
    await found.log("r1", Batch(points={"loss": points([(0, MICROS, 0.5)])}))
    for n in range(3):
        kept = found.keep(io.BytesIO(b"content %d" % n), f"{n}.txt")
        await found.take_artifacts("runs/r1", [kept])
    await found.take_artifacts("runs/r1", [Artifact(path="far", location="s3://far")])
    yield found
    await found.close()


def saved(backend, target, **options):
    return backup(backend.layout, target, NOW, **options)


def listed(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


async def test_a_backup_of_a_registry_in_use_holds_everything(backend, tmp_path):
    said = []
    manifest = saved(backend, tmp_path / "copy", progress=lambda *words: said.append(words[0]))
    paths = [file.path for file in manifest.files]
    assert paths[-2:] == ["registry.db", "telemetry.db"]
    assert len(paths) == 5
    assert listed(tmp_path / "copy") == sorted([*paths, "manifest.json"])
    assert manifest.missing == []
    assert verify(tmp_path / "copy") == manifest
    assert {"copying registry.db", "copying artifacts", "verifying"} <= set(said)
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in (tmp_path / "copy").rglob("*"))
    copied = open_registry(tmp_path / "copy")
    assert len(await copied.points("r1", "loss")) == 1
    assert await copied.read_artifact("runs/r1", "0.txt") == b"content 0"
    assert (await copied.events()).count == 1
    await copied.close()


async def test_a_copy_shares_no_file_with_the_registry(backend, tmp_path):
    saved(backend, tmp_path / "copy")
    theirs = {p.stat().st_ino for p in backend.layout.folder.rglob("*")}
    assert not theirs & {p.stat().st_ino for p in (tmp_path / "copy").rglob("*")}


async def test_an_artifact_that_is_gone_is_named_and_the_rest_is_kept(backend, tmp_path):
    kept = next(one for one in await backend.artifacts("runs/r1") if one.path == "1.txt")
    backend.store.remove(kept.digest)
    manifest = saved(backend, tmp_path / "copy")
    assert manifest.missing == [kept.digest]


async def test_an_artifact_that_is_damaged_stops_the_backup(backend, tmp_path):
    kept = next(one for one in await backend.artifacts("runs/r1") if one.path == "1.txt")
    backend.store.path(kept.digest).chmod(0o600)
    backend.store.path(kept.digest).write_bytes(b"changed")
    with pytest.raises(DamagedError, match="is not what it was"):
        saved(backend, tmp_path / "copy")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["project"]


async def test_nothing_is_overwritten(backend, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("full", "file", "link"):
        with pytest.raises(RefusedError, match="is there already"):
            saved(backend, tmp_path / name)
    (tmp_path / "empty").mkdir()
    saved(backend, tmp_path / "empty")


async def test_a_backup_that_is_interrupted_leaves_nothing(backend, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "verify", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        saved(backend, tmp_path / "copy")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["project"]


@pytest.mark.parametrize("flip", [0, 1, 2, 3, 4])
async def test_any_changed_byte_is_found(backend, tmp_path, flip):
    manifest = saved(backend, tmp_path / "copy")
    path = tmp_path / "copy" / manifest.files[flip].path
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="is not what was backed up") as error:
        restore(tmp_path / "copy", tmp_path / "new" / ".modeldeck", NOW)
    assert manifest.files[flip].path in str(error.value)
    assert not (tmp_path / "new").exists()


async def test_restoring_moves_what_was_there_aside(backend, tmp_path):
    saved(backend, tmp_path / "copy")
    await backend.apply(plan(Change("models/fraud@champion", "version", None, 1)), ME, "here")
    await backend.close()
    home = tmp_path / "project" / ".modeldeck"
    before = listed(home)
    aside = restore(tmp_path / "copy", home, NOW)
    assert aside == home.with_name(".modeldeck.before-restore-20261123T120000000000Z")
    assert listed(aside) == sorted(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    restored, old = (open_registry(one, clock=lambda: NOW) for one in (home, aside))
    assert (await restored.model("fraud")).aliases == {}
    assert (await old.model("fraud")).aliases == {"champion": 1}
    assert await restored.read_artifact("runs/r1", "2.txt") == b"content 2"
    await restored.apply(plan(Change("models/fraud@champion", "version", None, 2)), ME, "here")
    await restored.close()
    await old.close()
    assert [one for one in check(Layout(home / "registry.db")) if one.weight != "note"] == []


async def test_restoring_where_nothing_is(backend, tmp_path):
    saved(backend, tmp_path / "copy")
    home = tmp_path / "new" / ".modeldeck"
    assert restore(tmp_path / "copy", home, NOW) is None
    restored = open_registry(home)
    assert (await restored.run("r1")).name == "r1"
    await restored.close()


async def test_restoring_over_a_damaged_registry(backend, tmp_path):
    saved(backend, tmp_path / "copy")
    await backend.close()
    home = tmp_path / "project" / ".modeldeck"
    (home / "registry.db").write_bytes(b"nonsense" * 1000)
    assert restore(tmp_path / "copy", home, NOW) is not None
    restored = open_registry(home)
    assert (await restored.run("r1")).name == "r1"
    await restored.close()


@pytest.mark.real
async def test_a_registry_that_somebody_has_open_is_not_moved(backend, tmp_path):
    saved(backend, tmp_path / "copy")
    await backend.close()
    home = tmp_path / "project" / ".modeldeck"
    reader = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT * FROM run').fetchall(); print('open', flush=True); sys.stdin.read()"
    )
    other = piped(reader, str(home / "registry.db"))
    assert other.stdout.readline() == "open\n"
    with pytest.raises(BusyError, match="is open in another process"):
        restore(tmp_path / "copy", home, NOW)
    assert sorted(p.name for p in home.parent.iterdir()) == [".modeldeck"]
    other.communicate("")
    assert restore(tmp_path / "copy", home, NOW) is not None


async def test_restoring_that_fails_half_way_leaves_the_old_one(backend, tmp_path, monkeypatch):
    saved(backend, tmp_path / "copy")
    await backend.close()
    home = tmp_path / "project" / ".modeldeck"
    before = listed(home)
    rename = type(home).rename

    def fails(path, target):
        if ".part-" in path.name:
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(type(home), "rename", fails)
    with pytest.raises(ModeldeckError, match="Input/output error"):
        restore(tmp_path / "copy", home, NOW)
    assert listed(home) == before
    assert sorted(p.name for p in home.parent.iterdir()) == [".modeldeck"]


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "artifacts/../../x", "runs/x", "artifacts/ab/c", ""]
)
async def test_a_manifest_that_names_other_files_is_refused(backend, tmp_path, path):
    manifest = saved(backend, tmp_path / "copy")
    files = [*manifest.files, module.Kept(path=path, size=0, digest="sha256:0")]
    changed = msgspec.structs.replace(manifest, files=files)
    (tmp_path / "copy" / "manifest.json").write_bytes(msgspec.json.encode(changed))
    with pytest.raises(DamagedError, match="names files that no backup has"):
        verify(tmp_path / "copy")


def test_what_is_no_backup_says_so(tmp_path):
    with pytest.raises(DamagedError, match="is no backup"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DamagedError):
        verify(tmp_path)
    strange = Manifest(format=9, made_at=NOW, tool="x", files=[])
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(strange))
    with pytest.raises(DamagedError, match="unknown format 9"):
        verify(tmp_path)


async def test_a_backup_of_a_damaged_registry_is_refused(backend, tmp_path):
    await backend.close()
    path = backend.layout.database
    content = bytearray(path.read_bytes())
    connection = sqlite3.connect(path)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()[0]
    connection.close()
    content[4096 * (root - 1) : 4096 * (root - 1) + 100] = os.urandom(100)
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        saved(backend, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
