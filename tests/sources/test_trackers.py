"""Runs that real W&B, TensorBoard and trackio wrote: what was logged is what is read."""

import json
import math
import shutil
import struct
from pathlib import Path

import pytest

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.runs import Status
from modeldeck.backends.sources.detect import detect
from modeldeck.backends.sources.tensorboard import TensorBoard
from modeldeck.backends.sources.trackio import Trackio
from modeldeck.backends.sources.wandb import Wandb

pytestmark = pytest.mark.real
LATER = 4e9


def rows(points):
    """Steps and the bits of values: a NaN is one, and -0.0 is not 0.0."""
    return list(zip(points.steps, map(bits, points.values), strict=True))


def bits(value):
    return "nan" if math.isnan(value) else struct.pack("<d", value)


def logged(said):
    return {key: [(step, bits(value)) for step, value in rows] for key, rows in said.items()}


def of_the_run(source, run_id):
    history = source.history(run_id)
    return {key: rows(points) for key, points in history.items() if not key.startswith("system/")}


@pytest.fixture
def wandb(tracked):
    source = Wandb(tracked.root / "wandb", clock=lambda: LATER)
    yield source
    source.close()


def found(source):
    return {record.run.id: record for record in source.runs()}


def test_every_point_of_wandb(tracked, wandb):
    said = tracked.said["wandb"]
    assert of_the_run(wandb, "full0001") == logged(said["full"])
    assert of_the_run(wandb, "again001") == logged(said["again"])
    assert rows(wandb.points("full0001", "nested.b.c")) == logged(said["full"])["nested.b.c"]
    assert len(wandb.points("full0001", "media")) == 0
    assert list(wandb.problems) == []


def test_what_wandb_says_of_a_run(wandb):
    record = found(wandb)["full0001"]
    run = record.run
    assert (run.name, run.experiment, run.note) == ("a full run", "fraud", "why it was done")
    assert run.params == {
        "lr": "0.1",
        "net.depth": "3",
        "net.widths": "[8,4]",
        "opt": "adam",
        "none": "null",
        "late": "7",
    }
    assert {"nightly": "", "ünï": "", "wandb.group": "sweep 3"}.items() <= run.tags.items()
    assert run.started_at < run.ended_at
    assert record.latest["best"].value == 0.97
    assert (record.latest["loss"].value, record.latest["loss"].step) == (1 / 40, 39)
    assert record.lock.python.startswith("CPython 3.")
    assert {e.id for e in wandb.experiments()} == {"fraud", "other"}


def test_system_metrics_of_wandb(wandb):
    keys = {info.key for info in wandb.series("full0001")}
    assert "system/memory_percent" in keys
    assert not any(key.startswith("system/") for key in found(wandb)["full0001"].latest)


def test_how_runs_of_wandb_stand(tracked, wandb):
    runs = {run_id: record.run for run_id, record in found(wandb).items()}
    assert (runs["full0001"].status, runs["full0001"].exit_code) == (Status.FINISHED, 0)
    assert (runs["fail0001"].status, runs["fail0001"].exit_code) == (Status.FAILED, 3)
    assert (runs["kill0001"].status, runs["kill0001"].exit_code) == (Status.KILLED, None)
    assert tracked.said["killed"] == -9
    changed = next(tracked.root.glob("wandb/*-kill0001/*.wandb")).stat().st_mtime
    young = Wandb(tracked.root / "wandb", clock=lambda: changed + 60)
    assert found(young)["kill0001"].run.status is Status.RUNNING
    assert young.stamp() != wandb.stamp()


def test_what_a_killed_run_had_logged(wandb):
    points = wandb.points("kill0001", "loss")
    assert len(points) > 1000
    assert list(points.steps) == list(range(len(points)))
    assert all(value == step / 7 for step, value in zip(points.steps, points.values, strict=True))


def test_files_of_wandb(wandb):
    files = {file.path: file for file in wandb.artifacts(address("full0001"))}
    assert {"output.log", "requirements.txt"} <= files.keys()
    with wandb.open(files["output.log"]) as file:
        assert b"a line of output" in file.read()


def test_a_run_that_grows_is_read_on(tracked, tmp_path):
    whole = next(tracked.root.glob("wandb/*-kill0001/*.wandb")).read_bytes()
    log = tmp_path / "offline-run-1-kill0001" / "run-kill0001.wandb"
    log.parent.mkdir()
    source = Wandb(tmp_path)
    log.write_bytes(b"")
    counts = []
    for end in (3, 40_000, 40_001, 65_536, 65_540, len(whole)):
        with log.open("ab") as file:
            file.write(whole[log.stat().st_size : end])
        counts.append(len(source.points("kill0001", "loss")))
        assert found(source)["kill0001"].run.status is Status.RUNNING
    assert counts == sorted(counts)
    assert counts[1] > 100
    assert of_the_run(source, "kill0001") == of_the_run(Wandb(tracked.root / "wandb"), "kill0001")
    assert list(source.problems) == []


def test_every_point_of_tensorboard(tracked):
    source = TensorBoard(tracked.root / "logs", clock=lambda: LATER)
    said = tracked.said["logs"]
    assert set(found(source)) == said.keys()
    for name, series in said.items():
        assert of_the_run(source, name) == {
            tag: sorted((step, bits(value)) for step, _, value in points)
            for tag, points in series.items()
        }
    times = [round(time * 1e6) for _, time, _ in said["exp/train"]["loss"]]
    assert list(source.points("exp/train", "loss").times) == times
    assert list(source.problems) == []


def test_what_tensorboard_says_of_a_run(tracked):
    source = TensorBoard(tracked.root / "logs", clock=lambda: LATER)
    runs = {run_id: record.run for run_id, record in found(source).items()}
    train = runs["exp/train"]
    assert train.tags["note"] == "hello **x**"
    assert train.tags["tensorboard.histograms"] == "1 not shown"
    assert train.tags["tensorboard.images"] == "1 not shown"
    assert train.status is Status.FINISHED
    assert runs["exp/train/trial"].params == {"lr": "0.1", "opt": "adam", "flag": "true"}
    assert [e.id for e in source.experiments()] == ["logs"]
    assert source.artifacts(address("exp/train")) == []


def test_a_restarted_run_forgets_what_came_after(tracked):
    points = TensorBoard(tracked.root / "logs").points("exp/restarted", "loss")
    assert list(points.steps) == list(range(40))
    assert list(points.values) == [1.0] * 20 + [2.0] * 20


def test_every_point_of_trackio(tracked):
    source = Trackio(tracked.root / "trackio", clock=lambda: LATER)
    (record,) = source.runs()
    assert of_the_run(source, record.run.id) == logged(tracked.said["trackio"]["one"])
    assert rows(source.points(record.run.id, "odd"))[1] == (1, bits(math.inf))
    assert (record.run.name, record.run.experiment) == ("one", "vision")
    assert record.run.params == {"lr": "0.1", "net.depth": "3"}
    assert record.run.tags == {"trackio.group": "g"}
    assert record.run.status is Status.FINISHED
    source.close()


def test_what_lies_there_is_told(tracked):
    kinds = {c.kind: c.path.name for c in detect(tracked.root)}
    assert kinds == {"wandb": "wandb", "tensorboard": "logs"}
    for name, kind in (("wandb", "wandb"), ("logs", "tensorboard"), ("trackio", "trackio")):
        (one,) = detect(tracked.root / name)
        assert (one.kind, one.path.name) == (kind, name)
    log = next(tracked.root.glob("wandb/*-full0001/*.wandb"))
    assert [c.kind for c in detect(log)] == ["wandb"]
    assert [c.kind for c in detect(log.parent)] == ["wandb"]


def test_reading_changes_nothing(tracked, tmp_path):
    copy = Path(shutil.copytree(tracked.root, tmp_path / "copy", symlinks=True))
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    for place in ("wandb", "logs", "trackio"):
        (one,) = detect(copy / place)
        source = one.open()
        for record in source.runs():
            source.history(record.run.id)
        source.close()
    after = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    assert {p: t for p, t in after.items() if not p.name.endswith(("-shm", "-wal"))} == {
        p: t for p, t in before.items() if not p.name.endswith(("-shm", "-wal"))
    }
    assert json.loads((copy / "said.json").read_text())
