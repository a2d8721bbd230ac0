"""A run directory is followed while it is written, and whatever happens to it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from modeldeck.app.recorder import rundir
from modeldeck.app.recorder.follow import Reader
from modeldeck.app.recorder.tail import LINE_LIMIT
from modeldeck.backends.api.runs import Dataset, Evaluation


def losses(batch) -> list[float]:
    return list(batch.points["loss"].values) if "loss" in batch.points else []


def log(path: Path, *values: float, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("\n".join(json.dumps({"step": int(v), "loss": v}) for v in values) + end)


@pytest.fixture
def metrics(tmp_path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_an_empty_or_missing_directory_has_nothing_to_say(tmp_path):
    for run_dir in (tmp_path, tmp_path / "gone"):
        batch, problems = Reader(run_dir, {}).read(finish=True)
        assert (batch.points, batch.params, batch.positions, problems) == ({}, {}, {}, [])


def test_a_run_directory_is_its_owners_alone(tmp_path):
    made = rundir.make(tmp_path / "runs" / "1")
    assert {p.name for p in made.iterdir()} == {"artifacts", "model"}
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_line_is_read_when_it_is_whole(tmp_path, metrics):
    reader = Reader(tmp_path, {})
    log(metrics, 1, end="")
    assert losses(reader.read()[0]) == []
    log(metrics, 2, end="")
    metrics.write_text(metrics.read_text() + "\n")
    batch, problems = reader.read()
    assert losses(batch) == []  # two objects on one line are no JSON
    assert [problem.where for problem in problems] == ["metrics.jsonl:1"]
    log(metrics, 3, end="")
    batch, problems = reader.read(finish=True)
    assert losses(batch) == [3]


def test_a_half_written_last_line_is_a_problem_only_at_the_end(tmp_path, metrics):
    reader = Reader(tmp_path, {})
    log(metrics, 1)
    with metrics.open("a") as file:
        file.write('{"step": 2, "lo')
    batch, problems = reader.read()
    assert (losses(batch), problems) == ([1], [])
    batch, problems = reader.read(finish=True)
    assert losses(batch) == []
    assert [problem.where for problem in problems] == ["metrics.jsonl:2"]


def test_a_last_line_without_an_end_that_goes_on_later(tmp_path, metrics):
    log(metrics, 1, end="")
    reader = Reader(tmp_path, {})
    assert losses(reader.read(finish=True)[0]) == [1]
    with metrics.open("a") as file:
        file.write("\n")
    log(metrics, 2)
    again = Reader(tmp_path, reader.positions)
    batch, problems = again.read()
    assert (losses(batch), problems) == ([2], [])


def test_a_script_that_writes_its_whole_history_again_is_read_once(tmp_path, metrics):
    reader, found = Reader(tmp_path, {}), []
    for last in range(1, 6):
        metrics.unlink(missing_ok=True)
        log(metrics, *range(last))
        batch, problems = reader.read()
        found += losses(batch)
        assert problems == []
    assert found == [0, 1, 2, 3, 4]


def test_a_file_that_became_shorter_is_waited_for(tmp_path, metrics):
    reader = Reader(tmp_path, {})
    log(metrics, 1, 2, 3)
    reader.read()
    whole = metrics.read_text()
    metrics.write_text(whole[:30])
    assert losses(reader.read()[0]) == []
    metrics.write_text("")
    assert losses(reader.read()[0]) == []
    metrics.write_text(whole)
    log(metrics, 4)
    batch, problems = reader.read()
    assert (losses(batch), problems) == ([4], [])
    metrics.write_text(whole)
    batch, problems = reader.read(finish=True)
    assert losses(batch) == []
    assert "cut" in problems[0].what


@pytest.mark.parametrize("restarted", [True, False])
def test_another_file_in_its_place_is_read_from_its_start(tmp_path, metrics, restarted):
    reader = Reader(tmp_path, {})
    log(metrics, 1, 2)
    reader.read()
    metrics.unlink()
    log(metrics, 7, 8, 9)
    if restarted:
        reader = Reader(tmp_path, reader.positions)
    batch, problems = reader.read()
    assert losses(batch) == [7, 8, 9]
    assert "replaced" in problems[0].what


def test_a_rewritten_line_under_the_offset_loses_its_rest_alone(tmp_path, metrics):
    reader = Reader(tmp_path, {})
    log(metrics, 1, 2)
    reader.read()
    first = metrics.read_text().splitlines()[0]
    metrics.write_text(first + "\n" + json.dumps({"step": 2, "loss": 2, "more": 22222222}) + "\n")
    log(metrics, 3)
    batch, problems = reader.read()
    assert losses(batch) + losses(reader.read()[0]) == [3]
    assert "rewritten" in problems[0].what


def test_a_line_that_is_too_long_is_passed_over(tmp_path, metrics):
    log(metrics, 1)
    with metrics.open("a") as file:
        file.write('{"loss": "' + "x" * (3 * LINE_LIMIT))
    reader = Reader(tmp_path, {})
    found, _ = reader.read(limit_bytes=1000)
    assert losses(found) == [1]
    while reader.behind:
        assert losses(reader.read(limit_bytes=1000)[0]) == []
    before = reader.positions["metrics.jsonl"]
    with metrics.open("a") as file:
        file.write('"}\n')
    log(metrics, 2)
    assert Reader(tmp_path, reader.positions).read()[0].positions["metrics.jsonl"] > before
    found, problems = [], []
    while True:
        batch, wrong = reader.read(limit_bytes=1000)
        found += losses(batch)
        problems += wrong
        if not reader.behind:
            break
    assert found == [2]
    assert [problem.where for problem in problems] == ["metrics.jsonl:2"]
    assert str(LINE_LIMIT) in problems[0].what


def test_lines_have_their_numbers_after_a_restart(tmp_path, metrics):
    log(metrics, *range(10))
    reader = Reader(tmp_path, {})
    reader.read()
    log(metrics, 10)
    with metrics.open("a") as file:
        file.write("wrong\n")
    _, problems = Reader(tmp_path, reader.positions).read()
    assert problems[0].where == "metrics.jsonl:12"


@pytest.mark.parametrize("name", ["metrics.jsonl", "params.json", "evaluations.jsonl"])
def test_links_out_of_the_directory_and_pipes_are_not_read(tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_text('{"step": 1, "loss": 1}\n')
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (run_dir / name).symlink_to(outside)
    batch, problems = Reader(run_dir, {}).read(finish=True)
    assert (batch.points, batch.params, batch.evaluations) == ({}, {}, [])
    assert "leads out" in problems[0].what
    (run_dir / name).unlink()
    os.mkfifo(run_dir / name)
    _, problems = Reader(run_dir, {}).read(finish=True)
    assert "no regular file" in problems[0].what


def test_a_link_inside_the_directory_is_followed(tmp_path, metrics):
    (tmp_path / "logs").mkdir()
    log(tmp_path / "logs" / "m", 5)
    metrics.symlink_to("logs/m")
    assert losses(Reader(tmp_path, {}).read()[0]) == [5]


def test_params_are_flattened_and_given_when_they_change(tmp_path):
    params = tmp_path / "params.json"
    params.write_text(
        '{"lr": 0.10, "model": {"depth": 4, "kind": "tree"}, "l": [1, {"a": null}], "e": {}}'
    )
    reader = Reader(tmp_path, {})
    assert reader.read()[0].params == {
        "lr": "0.1",
        "model.depth": "4",
        "model.kind": "tree",
        "l": '[1, {"a": null}]',
        "e": "{}",
    }
    assert reader.read()[0].params == {}
    params.write_text('{"lr": 0.10, "model": {"depth": 5}, "big": 1e999, "on": true}')
    batch, problems = reader.read()
    assert batch.params == {"model.depth": "5", "big": "1e999", "on": "true"}
    assert problems == []


def test_half_written_params_are_tried_again_and_told_at_the_end(tmp_path):
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.1, "mod')
    reader = Reader(tmp_path, {})
    assert reader.read() == reader.read()
    batch, problems = reader.read(finish=True)
    assert batch.params == {}
    assert problems[0].where == "params.json"
    params.write_text('{"lr": 0.1, "mod": 1}')
    assert reader.read()[0].params == {"lr": "0.1", "mod": "1"}


@pytest.mark.parametrize("text", ["[1]", '"a"', "1", "null", "", "{'a': 1}", "\x00", "[" * 100_000])
def test_params_that_are_no_object_are_a_problem(tmp_path, text):
    (tmp_path / "params.json").write_text(text)
    (tmp_path / "tags.json").write_text('{"team": "risk"}')
    batch, problems = Reader(tmp_path, {}).read(finish=True)
    assert batch.params == {}
    assert batch.tags == {"team": "risk"}
    assert [problem.where for problem in problems] == ([] if text == "null" else ["params.json"])


def test_datasets_with_a_path_get_their_digest(tmp_path):
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "b.csv").write_text("2")
    (project / "data" / "a.csv").write_text("1")
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    sums = [hashlib.sha256(text).hexdigest() for text in (b"1", b"2")]
    manifest = f"a.csv\x001\x00{sums[0]}\nb.csv\x001\x00{sums[1]}\n"
    (run_dir / "datasets.json").write_text(
        json.dumps(
            [
                {
                    "name": "one",
                    "path": "data/a.csv",
                    "context": "training",
                    "labels": {"a": {"b": 1}},
                },
                {"name": "all", "path": "data"},
                {"name": "known", "digest": "abc", "source": "s3://b/c", "schema": {"x": "int"}},
                {"name": "gone", "path": "data/c.csv"},
                {"name": "bare"},
                {"nothing": 1},
                3,
            ]
        )
    )
    reader = Reader(run_dir, {}, base=project)
    batch, problems = reader.read()
    assert batch.datasets == [
        Dataset(
            name="one",
            digest=f"sha256:{sums[0]}",
            source="data/a.csv",
            source_type="local",
            context="training",
            labels={"a.b": "1"},
        ),
        Dataset(
            name="all",
            digest="sha256:" + hashlib.sha256(manifest.encode()).hexdigest(),
            source="data",
            source_type="local",
        ),
        Dataset(name="known", digest="abc", source="s3://b/c", schema='{"x": "int"}'),
        Dataset(name="gone", digest="", source="data/c.csv", source_type="local"),
        Dataset(name="bare", digest=""),
    ]
    assert len(problems) == 4
    assert reader.read()[0].datasets == []


def test_evaluations_are_read_line_by_line(tmp_path):
    lines = [
        {
            "metric": "auc",
            "value": 0.91,
            "dataset": "test",
            "dataset_digest": "abc",
            "slice": "s",
        },
        {"metric": "auc", "value": "NaN", "n": 500, "artifact": "predictions.csv"},
        {"metric": "auc"},
        {"metric": 3, "value": 1},
        {"metric": "rmse", "value": 1, "n": -1, "colour": "red", "model": "fraud", "version": 3},
        [],
    ]
    path = tmp_path / "evaluations.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reader = Reader(tmp_path, {})
    batch, problems = reader.read()
    first, second, third = batch.evaluations
    assert first == Evaluation(
        metric="auc", value=0.91, dataset="test", dataset_digest="abc", slice="s"
    )
    assert (second.n, second.artifact, second.value != second.value) == (
        500,
        "predictions.csv",
        True,
    )
    assert third == Evaluation(metric="rmse", value=1.0, dataset="", model="fraud", version=3)
    assert [p.where.rpartition(":")[2] for p in problems] == ["3", "5", "5", "6"]
    assert reader.read()[0].evaluations == []
    with path.open("a") as file:
        file.write('{"metric": "f1", "value": 1}\n')
    assert len(Reader(tmp_path, reader.positions).read()[0].evaluations) == 1
