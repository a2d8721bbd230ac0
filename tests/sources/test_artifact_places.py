"""Artifacts: found where they lie or moved to, never read from anywhere else."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import NotFoundError, RefusedError, UsageError
from modeldeck.backends.sources import folders
from modeldeck.backends.sources.mlflow_db import MlflowDb
from modeldeck.backends.sources.mlruns import Mlruns
from modeldeck.backends.sources.uris import file_uri, local_path

from .making import RUN, make_db, make_files, put, run_meta, write

OWNER = f"runs/{RUN}"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "mlruns"
    make_files(root)
    return root


@pytest.fixture
def held(root):
    """The artifact folder of the run, where its URI says that it is."""
    folder = root / "1" / RUN / "artifacts"
    write(folder.parent / "meta.yaml", run_meta(artifact_uri=f"'{folder}'"))
    return folder


def told(source):
    return [(p.where.removeprefix(f"{source.path}/"), p.what) for p in source.problems]


def read(source, artifact):
    with source.open(artifact) as file:
        return file.read()


def test_files_with_their_sizes_and_bytes(root, held):
    for name in ("a/b/deep [x].txt", "empty", "Größe 模型/ü #?%20.txt", "\x1b[31mred\n.txt"):
        write(held / name, name * 2)
    write(held / os.fsdecode(b"bad\xff"), "bytes")
    source = Mlruns(root)
    listed = source.artifacts(OWNER)
    assert [a.path for a in listed] == sorted(
        ["a/b/deep [x].txt", "empty", "Größe 模型/ü #?%20.txt", "\x1b[31mred\n.txt", "bad\ufffd"]
    )
    for artifact in listed:
        data = read(source, artifact)
        assert len(data) == artifact.size
        assert data.decode() in (artifact.path * 2, "bytes")
    assert told(source) == []


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}", "file://localhost{}", "{}/"])
def test_every_form_of_a_local_uri(root, held, form):
    write(held / "a.txt", "x")
    write(held.parent / "meta.yaml", run_meta(artifact_uri=f"'{form.format(held)}'"))
    assert [a.path for a in Mlruns(root).artifacts(OWNER)] == ["a.txt"]


def test_a_percent_encoded_uri(tmp_path):
    root = tmp_path / "my stores 100%" / "mlruns"
    make_files(root)
    folder = root / "1" / RUN / "artifacts"
    write(folder / "a.txt", "x")
    write(folder.parent / "meta.yaml", run_meta(artifact_uri=f"'{folder.as_uri()}'"))
    assert "%20" in folder.as_uri()
    assert [a.path for a in Mlruns(root).artifacts(OWNER)] == ["a.txt"]


@pytest.mark.parametrize("uri", ["./mlruns/1/{}/artifacts", "mlruns/1/{}/artifacts"])
def test_a_relative_uri_is_relative_to_the_store(root, held, uri):
    write(held / "a.txt", "x")
    write(held.parent / "meta.yaml", run_meta(artifact_uri=uri.format(RUN)))
    assert [a.path for a in Mlruns(root).artifacts(OWNER)] == ["a.txt"]


def test_artifacts_that_moved_with_the_store(root, held, tmp_path):
    write(held / "a.txt", "x")
    moved = tmp_path / "elsewhere" / "mlruns"
    moved.parent.mkdir()
    shutil.move(root, moved)
    source = Mlruns(moved)
    (artifact,) = source.artifacts(OWNER)
    assert read(source, artifact) == b"x"


@pytest.mark.parametrize("below", ["mlruns", "mlartifacts"])
def test_artifacts_beside_a_database(tmp_path, below):
    source = MlflowDb(make_db(tmp_path / "mlflow.db"))
    assert source.artifacts(OWNER) == []
    write(tmp_path / below / "1" / RUN / "artifacts" / "a.txt", "x")
    (artifact,) = source.artifacts(OWNER)
    assert read(source, artifact) == b"x"
    source.close()


@pytest.mark.parametrize(
    "uri", ["mlflow-artifacts:/x/{}/artifacts", "mlflow-artifacts://h/x/{}/artifacts"]
)
def test_artifacts_of_a_server_that_kept_them_beside_the_store(root, held, uri):
    write(held.parent / "meta.yaml", run_meta(artifact_uri=uri.format(RUN)))
    shutil.rmtree(held)
    source = Mlruns(root)
    assert [(a.path, a.size) for a in source.artifacts(OWNER)] == [("artifacts", None)]
    write(root.parent / "mlartifacts" / "x" / RUN / "artifacts" / "a.txt", "x")
    assert [a.path for a in source.artifacts(OWNER)] == ["a.txt"]


def test_a_remote_folder_is_one_entry(root, held):
    uri = f"s3://bucket/1/{RUN}/artifacts"
    write(held.parent / "meta.yaml", run_meta(artifact_uri=uri))
    source = Mlruns(root)
    assert source.artifacts(OWNER) == [Artifact(path="artifacts", location=uri)]
    with pytest.raises(NotFoundError, match="is not on this machine"):
        source.open(source.artifacts(OWNER)[0])


@pytest.mark.parametrize(
    "uri",
    [
        "{other}",
        "file://{other}",
        "{other}/{run}/../../etc/{run}/artifacts",
        "file://{other}/%2e%2e/{run}/artifacts",
        "{other}/{run}/artifacts/..",
        "../{run}/artifacts",
    ],
)
def test_a_uri_cannot_name_any_folder(root, held, tmp_path, uri):
    other = tmp_path / "secret"
    write(other / "id_ed25519", "key")
    write(other / RUN / "x", "key")
    shutil.rmtree(held)
    text = uri.format(other=other, run=RUN)
    write(held.parent / "meta.yaml", run_meta(artifact_uri=f"'{text}'"))
    source = Mlruns(root)
    assert source.artifacts(OWNER) == []
    assert [what for _, what in told(source)] in (
        ["is left out: it is no artifact folder of its run or version"],
        ["leaves its folder"],
    )


def test_an_artifact_folder_that_is_a_link_out(root, held, tmp_path):
    write(tmp_path / "secret" / "key", "x")
    shutil.rmtree(held)
    held.symlink_to(tmp_path / "secret")
    source = Mlruns(root)
    assert source.artifacts(OWNER) == []
    write(held.parent / "meta.yaml", run_meta())
    with pytest.raises(RefusedError):
        source._places._run(RUN)
    assert source.artifacts(OWNER) == []


def test_links_out_of_the_folder_and_loops_are_left_out(root, held, tmp_path):
    secret = write(tmp_path / "secret" / "key", "x")
    write(held / "data" / "a.txt", "inside")
    (held / "file").symlink_to(secret)
    (held / "folder").symlink_to(secret.parent)
    (held / "inner").symlink_to(held / "data")
    (held / "again").symlink_to("data/a.txt")
    (held / "loop").symlink_to("loop")
    os.mkfifo(held / "pipe")
    source = Mlruns(root)
    listed = source.artifacts(OWNER)
    assert [a.path for a in listed] == ["again", "data/a.txt"]
    assert {read(source, artifact) for artifact in listed} == {b"inside"}
    below = f"1/{RUN}/artifacts/"
    assert told(source) == [
        (below + "file", "is left out: it is a link out of its folder"),
        (below + "folder", "is left out: it is a link out of its folder"),
        (below + "inner", "is left out: it is a link to a folder"),
        (below + "loop", "is a link to nothing or to itself"),
        (below + "pipe", "is left out: it is no ordinary file"),
    ]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("../secret", "{held}/a.txt"),
        ("/etc/passwd", "{held}/a.txt"),
        ("a.txt", "file:///etc/passwd"),
        ("a.txt", "file://{held}/../meta.yaml"),
        ("a.txt", "file://{held}/%2e%2e/meta.yaml"),
        ("a.txt", "file://{held}/link"),
        ("a.txt", "file://{held}/inner/a.txt"),
        ("a.txt", "file://{held}"),
        ("a.txt", "file://{held}/pipe"),
        ("a.txt", "file://{home}/other"),
        ("a.txt", None),
    ],
)
def test_only_what_lies_in_the_folder_is_opened(root, held, path, location):
    write(held / "data" / "a.txt", "inside")
    write(root.parent / "other", "x")
    (held / "link").symlink_to(root.parent / "other")
    (held / "inner").symlink_to(held / "data")
    os.mkfifo(held / "pipe")
    source = Mlruns(root)
    source.artifacts(OWNER)
    place = location and location.format(held=held, home=root.parent)
    with pytest.raises((RefusedError, UsageError)) as caught:
        source.open(Artifact(path=path, location=place))
    assert isinstance(caught.value, RefusedError) or not (location or "").startswith("file:///etc")


def test_a_file_that_went_away(root, held):
    path = write(held / "a.txt", "x")
    source = Mlruns(root)
    (artifact,) = source.artifacts(OWNER)
    path.unlink()
    with pytest.raises(NotFoundError, match="no longer there"):
        source.open(artifact)


def test_a_new_source_opens_what_an_older_one_listed(root, held):
    write(held / "a.txt", "x")
    (artifact,) = Mlruns(root).artifacts(OWNER)
    assert read(Mlruns(root), artifact) == b"x"


def test_listing_is_bounded(root, held, monkeypatch):
    monkeypatch.setattr(folders, "MAX_FILES", 3)
    monkeypatch.setattr(folders, "MAX_DEPTH", 2)
    write(held / "a" / "b" / "c" / "deep", "x")
    for name in "stuvw":
        write(held / name, "x")
    source = Mlruns(root)
    assert [a.path for a in source.artifacts(OWNER)] == ["s", "t", "u"]
    assert told(source) == [
        (f"1/{RUN}/artifacts/a/b/c", "is left out: folders are more than 2 deep"),
        (f"1/{RUN}/artifacts", "holds more than 3 files; the rest is left out"),
    ]


def versions(tmp_path, *sources):
    """A 3.x database whose model m has versions with these sources."""

    def fill(c):
        put(c, "registered_models", name="m")
        put(c, "registered_model_aliases", name="m", alias="best", version=1)
        put(c, "logged_models", model_id="m-1", experiment_id=1, name="net", source_run_id=RUN,
            artifact_location="/nowhere/mlruns/1/models/m-1/artifacts")  # fmt: skip
        for number, uri in enumerate(sources, 1):
            put(c, "model_versions", name="m", version=number, source=uri, current_stage="None")

    return MlflowDb(make_db(tmp_path / "mlflow.db", third=True, fill=fill))


@pytest.mark.parametrize(
    "uri",
    ["models:/m-1", "runs:/" + RUN + "/net", "/nowhere/mlruns/1/models/m-1/artifacts"],
)
def test_a_version_of_a_logged_model(tmp_path, uri):
    folder = tmp_path / "mlruns" / "1" / "models" / "m-1" / "artifacts"
    write(folder / "MLmodel", "flavors: {}")
    source = versions(tmp_path, uri, "models:/m/1", "models:/m@best")
    (record,) = source.models()
    assert [(v.format, v.source) for v in record.versions] == [
        ("mlflow", uri),
        ("mlflow", "models:/m/1"),
        ("mlflow", "models:/m@best"),
    ]
    for number in (1, 2, 3):
        (artifact,) = source.artifacts(f"models/m/{number}")
        assert (artifact.path, read(source, artifact)) == ("MLmodel", b"flavors: {}")
    source.close()


def test_a_version_below_a_run_and_sources_that_lead_nowhere(tmp_path):
    write(tmp_path / "mlruns" / "1" / RUN / "artifacts" / "model" / "weights", "x")
    (tmp_path / "plain").mkdir()
    write(tmp_path / "plain" / "key", "x")
    circle = "models:/m/6"
    source = versions(
        tmp_path, f"runs:/{RUN}/model", "runs:/none/model", "dummy", f"runs:/{RUN}/../../x",
        str(tmp_path / "plain"), circle, "models:/m/99", "models:/m-9", "",
    )  # fmt: skip
    (record,) = source.models()
    assert {v.format for v in record.versions} == {"unknown"}
    listed = [[a.path for a in source.artifacts(f"models/m/{n}")] for n in range(1, 10)]
    assert listed == [["weights"], *[[]] * 8]
    assert [p.what for p in source.problems] == [
        "is outside of the folder that it is listed in",
        "is left out: it is no artifact folder of its run or version",
    ]
    with pytest.raises(NotFoundError):
        source.artifacts("models/m/99")
    with pytest.raises(UsageError):
        source.artifacts("models/m")
    source.close()


def test_a_version_in_a_folder_elsewhere_that_is_a_model(tmp_path):
    write(tmp_path / "far" / "model" / "MLmodel", "x")
    source = versions(tmp_path, str(tmp_path / "far" / "model"))
    assert [a.path for a in source.artifacts("models/m/1")] == ["MLmodel"]
    source.close()


@given(st.text(alphabet=st.characters(exclude_characters="\0"), min_size=1))
def test_a_path_survives_its_uri(name):
    if name in (".", "..") or ".." in name.split("/"):
        return
    path = Path("/base") / name.lstrip("/").encode("utf-8", "replace").decode()
    assert local_path(file_uri(path), Path("/")) == path
