"""An mlruns folder with every damage: the rest is read, and the damage is named."""

import os
from datetime import UTC, datetime

import pytest

from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.runs import Status
from modeldeck.backends.sources import mlruns
from modeldeck.backends.sources.mlruns import Mlruns

from .making import RUN, START, make_files, make_run, run_meta, write

OTHER = "b" * 32


@pytest.fixture
def root(tmp_path):
    return tmp_path / "mlruns"


@pytest.fixture
def run(root):
    """The folder of the one run of a sound store."""
    return make_files(root)


def told(source):
    """The problems, their places without the store's own path."""
    return [(p.where.removeprefix(f"{source.path}/"), p.what) for p in source.problems]


def runs(root):
    source = Mlruns(root)
    return {record.run.id: record for record in source.runs()}, told(source)


def test_a_sound_run(root, run):
    write(run / "params" / "model/depth", "3")
    write(run / "tags" / "mlflow.note.content", "a *note*")
    write(run / "tags" / "mlflow.user", "grace")
    write(run / "tags" / "mlflow.source.git.commit", "abc123")
    write(run / "metrics" / "train/deep/loss", f"{START} 0.5 1\n{START + 1} 0.25 2\n")
    found, problems = runs(root)
    record = found[RUN]
    assert problems == []
    assert (record.native_id, record.experiment_id, record.run.experiment) == (RUN, "1", "fraud")
    assert record.run.params == {"model/depth": "3"}
    assert (record.run.note, record.run.user, record.run.git) == ("a *note*", "grace", "abc123")
    assert record.run.status is Status.FINISHED
    assert record.run.started_at == datetime.fromtimestamp(START / 1000, UTC)
    assert record.latest["train/deep/loss"].value == 0.25
    assert list(Mlruns(root).points(RUN, "train/deep/loss").steps) == [1, 2]
    assert [info.key for info in Mlruns(root).series(RUN)] == ["train/deep/loss"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "", "is empty"),
        ("just text\n", "", "holds no `key: value` lines"),
        ("run_id: [1]\n", ": line 1", "a list or mapping in brackets that is not empty"),
        ("run_id: 'abc\n", ": line 2", "a quoted text has no end"),
        ("a: 1\n" * 300_000, "", "has 1500000 bytes, more than 1048576 are not read"),
        (b"\xff\xfe\x00\x01", "", "byte 0 is not UTF-8, read with U+FFFD in its place"),
        (run_meta(OTHER), "", f"is left out: it says that it is run {OTHER!r} of experiment '1'"),
        (run_meta(RUN, "9"), "", f"is left out: it says that it is run {RUN!r} of experiment '9'"),
    ],
)
def test_a_damaged_meta_yaml(root, run, text, where, what):
    write(run / "meta.yaml", text)
    make_run(root, "c" * 32)
    found, problems = runs(root)
    assert list(found) == ["c" * 32]
    assert problems[0] == (f"1/{RUN}/meta.yaml{where}", what)


def test_a_run_without_meta_yaml_and_folders_that_are_no_runs(root, run):
    (run / "meta.yaml").unlink()
    (root / "1" / "notes").mkdir()
    (root / "1" / "traces").mkdir()
    (root / "1" / "README").write_text("hello")
    found, problems = runs(root)
    assert not found
    what = "is left out: it is no run, for it has no meta.yaml"
    assert problems == [(f"1/{RUN}", what), ("1/notes", what)]


def test_an_experiment_that_lost_its_meta_yaml_is_told_by_its_runs(root, run):
    (root / "1" / "meta.yaml").unlink()
    (root / "nothing").mkdir()
    source = Mlruns(root)
    assert [(e.id, e.name) for e in source.experiments()] == [("1", "1")]
    assert [record.run.experiment for record in source.runs()] == ["1"]
    assert told(source) == [
        ("1", "has no meta.yaml that can be read; its runs are given under its id"),
        ("nothing", "is left out: it is no experiment, for it has no meta.yaml"),
    ]


def test_times_and_statuses_that_are_none(root, run):
    write(run / "meta.yaml", run_meta(start_time="soon", status=99, end_time=10**17))
    found, problems = runs(root)
    record = found[RUN].run
    assert (record.status, record.reason) == (Status.FAILED, "MLflow's status of it is 99")
    assert record.started_at is None
    assert record.ended_at is not None
    assert problems == [
        (f"1/{RUN}/meta.yaml", "its start time is 'soon', which is no time"),
        (f"1/{RUN}/meta.yaml", "its status is 99, which is none"),
    ]


def test_zero_is_a_time_and_null_is_none(root, run):
    write(run / "meta.yaml", run_meta(start_time=0, end_time="null"))
    record = runs(root)[0][RUN].run
    assert (record.started_at, record.ended_at) == (datetime(1970, 1, 1, tzinfo=UTC), None)


def test_binary_params_and_odd_names(root, run):
    write(run / "params" / "binary", b"\x00\xff\xfe")
    write(run / "params" / "\x1b[31mred [bold]", "\x9b31m")
    write(run / "params" / os.fsdecode(b"bad\xff"), "1")
    write(run / "params" / os.fsdecode(b"bad\xfe"), "2")
    write(run / "params" / "empty", "")
    write(run / "params" / "long", "x" * 20_000)
    found, problems = runs(root)
    params = found[RUN].run.params
    assert params["binary"] == "\x00\ufffd\ufffd"
    assert params["\x1b[31mred [bold]"] == "\x9b31m"
    assert params["bad\ufffd"] == "2"
    assert (params["empty"], len(params["long"])) == ("", 20_000)
    assert [what for _, what in problems] == [
        "is left out: its name reads as that of another file",
        "byte 1 is not UTF-8, read with U+FFFD in its place",
    ]


def test_links_loops_and_pipes_are_not_followed(root, run, tmp_path):
    secret = write(tmp_path / "secret", "password")
    (run / "params" / "linked").symlink_to(secret)
    (run / "params" / "loop").symlink_to(run / "params")
    (root / "1" / ("d" * 32)).symlink_to(run)
    os.mkfifo(run / "params" / "pipe")
    found, problems = runs(root)
    assert list(found) == [RUN]
    assert found[RUN].run.params == {}
    assert sorted(problems) == sorted(
        [
            (f"1/{'d' * 32}", "is a link, which is not followed"),
            (f"1/{RUN}/params/linked", "is a link, which is not followed"),
            (f"1/{RUN}/params/loop", "is a link, which is not followed"),
            (f"1/{RUN}/params/pipe", "is no ordinary file"),
        ]
    )


def test_parents_come_first_and_circles_are_cut(root, run):
    ids = [letter * 32 for letter in "bcdef"]
    parents = {RUN: ids[2], ids[2]: ids[1], ids[3]: ids[4], ids[4]: ids[3], ids[0]: "gone"}
    for run_id in ids:
        make_run(root, run_id)
    for child, parent in parents.items():
        write(root / "1" / child / "tags" / "mlflow.parentRunId", parent)
    found, problems = runs(root)
    order = list(found)
    assert sorted(order) == sorted([RUN, *ids])
    assert order.index(ids[1]) < order.index(ids[2]) < order.index(RUN)
    assert found[RUN].run.parent_id == ids[2]
    assert found[ids[0]].run.parent_id == "gone"
    assert [found[i].run.parent_id for i in ids[3:]] in ([None, ids[3]], [ids[4], None])
    assert [what for _, what in problems] == ["is its own ancestor and is given no parent"]


def test_what_is_deleted(root, run):
    make_run(root, OTHER, lifecycle_stage="deleted", deleted_time=START + 5)
    make_run(root, "c" * 32, lifecycle_stage="deleted", end_time="null", start_time="null")
    (root / "1").rename(root / ".trash" / "1")
    source = Mlruns(root)
    (experiment,) = source.experiments()
    assert experiment.deleted_at == datetime.fromtimestamp(START / 1000, UTC)
    found = {record.run.id: record.run.deleted_at for record in source.runs()}
    assert found == {
        RUN: None,
        OTHER: datetime.fromtimestamp((START + 5) / 1000, UTC),
        "c" * 32: datetime(1970, 1, 1, tzinfo=UTC),
    }
    write(root / ".trash" / "1" / RUN / "artifacts" / "a.txt", "x")
    assert [a.path for a in source.artifacts(f"runs/{RUN}")] == ["a.txt"]


def test_the_same_run_twice(root, run):
    make_run(root, RUN, "2")
    write(root / "2" / "meta.yaml", "experiment_id: '2'\nname: other\n")
    found, problems = runs(root)
    assert found[RUN].experiment_id == "1"
    assert problems == [(f"2/{RUN}", "is left out: another run has its id")]


def test_datasets(root, run):
    link = "source_type: {}\nsource_id: {}\ntags:\n  mlflow.data.context: training\n  split: '1'\n"
    write(run / "inputs" / "1" / "meta.yaml", link.format("DATASET", "d1"))
    write(run / "inputs" / "2" / "meta.yaml", link.format("DATASET", "../../../x"))
    write(run / "inputs" / "3" / "meta.yaml", link.format("MODEL", "m-1"))
    write(root / "1" / "datasets" / "d1" / "meta.yaml", "digest: abc\nname: train\nschema: null\n")
    found, problems = runs(root)
    (dataset,) = found[RUN].datasets
    assert (dataset.name, dataset.digest, dataset.context) == ("train", "abc", "training")
    assert (dataset.labels, dataset.schema) == ({"split": "1"}, None)
    assert problems == [(f"1/{RUN}/inputs/2/meta.yaml", "its dataset '../../../x' is not there")]


def test_models(root, run):
    models = root / "models"
    write(
        models / "fraud" / "meta.yaml",
        f"name: fraud\ndescription: null\ncreation_timestamp: {START}\n",
    )
    write(models / "fraud" / "aliases" / "champion", "2")
    write(models / "fraud" / "aliases" / "lost", "9")
    write(models / "fraud" / "aliases" / "odd", "two")
    version = "current_stage: {}\nname: fraud\nrun_id: " + RUN + "\nsource: x\nstatus: READY\n"
    write(models / "fraud" / "version-1" / "meta.yaml", version.format("Deleted_Internal"))
    write(models / "fraud" / "version-2" / "meta.yaml", version.format("Staging"))
    write(models / "fraud" / "version-10" / "meta.yaml", version.format("None"))
    write(models / "fraud" / "version-x" / "meta.yaml", version.format("None"))
    write(models / "broken" / "meta.yaml", "name: 'b")
    write(models / "prompt" / "meta.yaml", "name: prompt\n")
    write(models / "prompt" / "tags" / "mlflow.prompt.is_prompt", "true")
    source = Mlruns(root)
    (record,) = source.models()
    assert record.model.aliases == {"champion": 2}
    assert (record.model.versions, record.model.latest) == (2, 10)
    assert [(v.version, v.stage, v.deleted_at is None) for v in record.versions] == [
        (1, None, False),
        (2, "Staging", True),
        (10, None, True),
    ]
    assert {v.status for v in record.versions} == {"ready"}
    assert record.versions[1].aliases == ["champion"]
    assert told(source) == [
        ("models/broken/meta.yaml: line 1", "a quoted text has no end"),
        ("models/fraud/aliases/odd", "is left out: it is no number"),
        ("models/fraud/version-x", "is left out: it is no version"),
        ("models/fraud/aliases/lost", "is left out: there is no version of its number"),
    ]


def test_a_history_that_grows_after_the_runs_were_read(root, run):
    path = write(run / "metrics" / "loss", f"{START} 0.5 0\n")
    source = Mlruns(root)
    (record,) = source.runs()
    assert record.latest["loss"].value == 0.5
    with path.open("a") as file:
        file.write(f"{START} 0.25 1\n")
    assert list(source.history(RUN)["loss"].values) == [0.5, 0.25]


def test_the_last_run_is_not_read_twice(root, run, monkeypatch):
    write(run / "metrics" / "loss", f"{START} 0.5 0\n")
    read = []
    points = mlruns.FileRuns._logged
    monkeypatch.setattr(
        mlruns.FileRuns,
        "_logged",
        lambda self, folder: read.append(folder.id) or points(self, folder),
    )
    source = Mlruns(root)
    for record in source.runs():
        source.history(record.run.id)
    assert read == [RUN]


def test_a_new_run_is_found_and_an_unknown_one_is_empty(root, run):
    source = Mlruns(root)
    assert len(list(source.runs())) == 1
    make_run(root, OTHER)
    assert source.artifacts(f"runs/{OTHER}") == []
    assert (source.history("x"), source.series("../1"), len(source.points("x", "y"))) == ({}, [], 0)
    with pytest.raises(NotFoundError):
        source.artifacts("runs/nothing")


def test_the_stamp_tells_every_change(root, run, monkeypatch):
    source = Mlruns(root)
    stamps = [source.stamp()]
    path = write(run / "metrics" / "loss", f"{START} 0.5 0\n")
    stamps.append(source.stamp())
    with path.open("a") as file:
        file.write(f"{START} 0.25 1\n")
    stamps.append(source.stamp())
    (run / "tags").rmdir()
    stamps.append(source.stamp())
    assert len(set(stamps)) == len(stamps)
    assert source.stamp() == stamps[-1]
    monkeypatch.setattr(mlruns, "STAMP_ENTRIES", 3)
    assert source.stamp() != source.stamp()


def test_nothing_is_written(root, run):
    write(run / "metrics" / "loss", f"{START} 0.5 0\n")
    before = Mlruns(root).stamp()
    source = Mlruns(root)
    for record in source.runs():
        source.history(record.run.id)
        source.artifacts(f"runs/{record.run.id}")
    list(source.models())
    source.close()
    assert Mlruns(root).stamp() == before
