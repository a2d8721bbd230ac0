"""Only what nothing needs is collected, and exactly what was shown."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import pytest

from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.runs import Status
from modeldeck.backends.local.collect import GRACE, collect, garbage

from .records import ME, MICROS, NOW, fresh, points, record

LATER = NOW + 2 * GRACE


@pytest.fixture
async def backend(tmp_path):
    found = fresh(tmp_path)
    yield found
    await found.close()


def aged(path, when=NOW):
    os.utime(path, (when.timestamp(), when.timestamp()))


async def ran(backend, uid, *, ended=NOW, read=True, status=Status.FINISHED):
    """A run with a folder of its own, read to the end or not."""
    await backend.begin_run(record(uid, status=Status.RUNNING), ME, "here")
    folder = backend.layout.runs / uid
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_bytes(b'{"step": 0, "loss": 1}\n')
    batch = Batch(
        points={"loss": points([(0, MICROS, 1.0)])},
        positions={"metrics.jsonl": 23 if read else 5},
    )
    await backend.log(uid, batch, last=True)
    if ended is not None:
        await backend.end_run(record(uid, status=status, ended_at=ended), ME, "here")


async def test_nothing_in_use_is_garbage(backend):
    kept = backend.keep(io.BytesIO(b"named"), "x")
    aged(backend.store.path(kept.digest))
    await ran(backend, "runs", ended=None)
    await ran(backend, "unread", read=False)
    await ran(backend, "young", ended=LATER - timedelta(hours=1))
    await backend.take_artifacts("runs/runs", [kept])
    found = garbage(backend.layout, LATER)
    assert (found.artifacts, found.folders, found.series, found.left) == ([], [], [], [])
    assert found.size == 0


async def test_what_nothing_needs_is_found_and_exactly_that_removed(backend):
    lost = backend.keep(io.BytesIO(b"lost"), "x")
    aged(backend.store.path(lost.digest))
    young = backend.keep(io.BytesIO(b"young"), "x")
    aged(backend.store.path(young.digest), LATER)
    (backend.layout.artifacts / ".new-abc").write_bytes(b"half")
    aged(backend.layout.artifacts / ".new-abc")
    await ran(backend, "done")
    await backend.take_histories({"purged": {"m": points([(0, MICROS, 1.0)])}})
    found = garbage(backend.layout, LATER)
    assert found.artifacts == [lost.digest]
    assert found.folders == ["done"]
    assert found.series == ["purged"]
    assert found.left == [".new-abc"]
    assert found.size == 4 + 4 + 23
    gone = collect(backend.layout, found, LATER)
    assert gone == found
    assert not backend.store.path(lost.digest).exists()
    assert backend.store.path(young.digest).exists()
    assert not (backend.layout.runs / "done").exists()
    assert await backend.series("purged") == []
    assert len(await backend.series("done")) == 1
    assert garbage(backend.layout, LATER).size == 0


async def test_what_came_into_use_since_stays(backend):
    kept = backend.keep(io.BytesIO(b"lost"), "x")
    aged(backend.store.path(kept.digest))
    found = garbage(backend.layout, LATER)
    await backend.begin_run(record("r", artifacts=[kept]), ME, "here")
    assert collect(backend.layout, found, LATER).artifacts == []
    assert backend.store.path(kept.digest).exists()


async def test_what_is_kept_again_is_young_again(backend):
    kept = backend.keep(io.BytesIO(b"lost"), "x")
    aged(backend.store.path(kept.digest))
    assert garbage(backend.layout, LATER).artifacts == [kept.digest]
    backend.keep(io.BytesIO(b"lost"), "again")
    assert backend.store.path(kept.digest).stat().st_mtime != NOW.timestamp()


async def test_a_young_file_found_by_mistake_is_not_removed(backend):
    kept = backend.keep(io.BytesIO(b"lost"), "x")
    aged(backend.store.path(kept.digest))
    found = garbage(backend.layout, LATER)
    aged(backend.store.path(kept.digest), LATER)
    assert collect(backend.layout, found, LATER).artifacts == []


async def test_without_series_no_folder_is_known_to_be_read(backend):
    await ran(backend, "done")
    await backend.close()
    backend.layout.telemetry.unlink()
    assert garbage(backend.layout, LATER).folders == []


async def test_folders_with_anything_the_files_do_not_say_stay(backend):
    await ran(backend, "done")
    (backend.layout.runs / "done" / "evaluations.jsonl").write_text("{}\n")
    assert garbage(backend.layout, LATER).folders == []
    (backend.layout.runs / "unknown").mkdir()
    assert garbage(backend.layout, LATER).folders == []
