"""What lies at a path, and a clear word where it is nothing that is known."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from modeldeck.backends.api.errors import DamagedError, NotFoundError, UsageError
from modeldeck.backends.sources.detect import Candidate, detect
from modeldeck.backends.sources.mlflow_db import MlflowDb
from modeldeck.backends.sources.mlruns import Mlruns

from .making import RUN, make_db, make_files, make_reachable, unprivileged, write


def found(path):
    return [(c.kind, c.path.name) for c in detect(path)]


def registry(path, statements="PRAGMA application_id = 0x6D64636B; CREATE TABLE meta(key);"):
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
    return path


def test_a_database_and_the_folder_that_holds_it(tmp_path):
    path = make_db(tmp_path / "mlflow.db")
    write(tmp_path / "mlruns" / "1" / RUN / "artifacts" / "model" / "MLmodel", "x")
    assert found(path) == found(tmp_path) == [("mlflow-db", "mlflow.db")]
    source = detect(path)[0].open()
    assert isinstance(source, MlflowDb)
    assert (source.kind, source.origin) == ("mlflow-db", path.as_uri())
    source.close()


def test_files_and_the_folder_that_holds_them(tmp_path):
    make_files(tmp_path / "mlruns")
    assert found(tmp_path / "mlruns") == found(tmp_path) == [("mlruns", "mlruns")]
    source = detect(tmp_path)[0].open()
    assert isinstance(source, Mlruns)
    assert (source.kind, source.origin) == ("mlruns", (tmp_path / "mlruns").as_uri())


def test_files_under_another_name_and_with_damage(tmp_path):
    run = make_files(tmp_path / "theirs")
    (tmp_path / "theirs" / "1" / "meta.yaml").unlink()
    assert found(tmp_path / "theirs") == [("mlruns", "theirs")]
    (run / "meta.yaml").unlink()
    with pytest.raises(DamagedError, match="holds no registry"):
        detect(tmp_path / "theirs")


def test_only_models_or_only_deleted_experiments(tmp_path):
    write(tmp_path / "one" / "models" / "m" / "meta.yaml", "creation_timestamp: 5\nname: m\n")
    write(tmp_path / "two" / ".trash" / "7" / "meta.yaml", "experiment_id: '7'\n")
    assert found(tmp_path / "one") == [("mlruns", "one")]
    assert found(tmp_path / "two") == [("mlruns", "two")]


def test_other_folders_with_a_meta_yaml(tmp_path):
    write(tmp_path / "recipe" / "meta.yaml", "package:\n  name: x\n")
    write(tmp_path / "recipe" / "inner" / "meta.yaml", "package:\n  name: x\n")
    with pytest.raises(DamagedError, match="there are: recipe"):
        detect(tmp_path)


def test_several_in_one_folder(tmp_path):
    make_db(tmp_path / "a.db")
    make_db(tmp_path / "mlflow.db")
    make_files(tmp_path / "mlruns")
    registry(tmp_path / ".modeldeck" / "registry.db")
    registry(tmp_path / "other.sqlite", "CREATE TABLE users(name)")
    write(tmp_path / "junk.db", "nothing")
    assert found(tmp_path) == [
        ("modeldeck", "registry.db"),
        ("mlflow-db", "mlflow.db"),
        ("mlflow-db", "a.db"),
        ("mlruns", "mlruns"),
    ]


def test_a_registry_of_ours_is_told_and_not_opened_here(tmp_path):
    path = registry(tmp_path / ".modeldeck" / "registry.db")
    for place in (path, path.parent, tmp_path):
        assert found(place) == [("modeldeck", "registry.db")]
    tables = "origin", "run", "key", "metric", "audit", "audit_payload"
    copy = registry(tmp_path / "copy.db", "".join(f"CREATE TABLE {t}(id);" for t in tables))
    assert found(copy) == [("modeldeck", "copy.db")]
    with pytest.raises(UsageError, match="Open it with --registry"):
        detect(path)[0].open()


def cut_short(path):
    make_db(path)
    path.write_bytes(path.read_bytes()[:5000])


def cut_in_its_head(path):
    make_db(path)
    path.write_bytes(path.read_bytes()[:50])


def scrambled(path):
    make_db(path)
    data = bytearray(path.read_bytes())
    data[100:3000] = b"\xaa" * 2900
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), "is an empty folder"),
        (lambda path: write(path / "notes.txt", "x"), r"no runs .* \(there are: notes.txt\)"),
        (lambda path: write(path, ""), "is empty"),
        (lambda path: write(path, "step,loss\n1,0.5\n"), "is not a SQLite database"),
        (cut_short, "is cut short: 5000 bytes are there of"),
        (cut_in_its_head, "is cut short: 50 bytes are there of"),
        (scrambled, "is damaged"),
        (
            lambda path: registry(path, "CREATE TABLE users(name); CREATE TABLE orders(id)"),
            r"without MLflow's tables \(its tables: orders, users\)",
        ),
        (lambda path: registry(path, "CREATE TABLE a(b); DROP TABLE a"), r"\(its tables: none\)"),
        (os.mkfifo, "is neither a file nor a folder"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
)
def test_what_is_nothing_that_is_known(tmp_path, make, what):
    path = tmp_path / "thing"
    make(path)
    with pytest.raises((DamagedError, NotFoundError), match=what) as caught:
        detect(path)
    assert caught.value.where == str(path)
    assert caught.value.way_out


def test_a_damaged_mlflow_db_in_a_folder_is_told(tmp_path):
    cut_short(tmp_path / "mlflow.db")
    with pytest.raises(DamagedError, match="is cut short"):
        detect(tmp_path)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_not_be_read(tmp_path, kind):
    make_reachable(tmp_path)
    path = tmp_path / "thing"
    if kind == "file":
        make_db(path).chmod(0)
    else:
        path.mkdir(mode=0)
    with unprivileged(), pytest.raises(DamagedError, match="Permission denied") as caught:
        detect(path)
    assert "permission to read it" in caught.value.way_out
    path.chmod(0o700)


@pytest.mark.parametrize("source", [MlflowDb, Mlruns])
def test_a_source_over_nothing(tmp_path, source):
    with pytest.raises(NotFoundError):
        source(tmp_path / "none")
    with pytest.raises(DamagedError):
        source(tmp_path if source is MlflowDb else write(tmp_path / "file", "x"))


def test_a_relative_path_and_a_link(tmp_path, monkeypatch):
    make_db(tmp_path / "mlflow.db")
    (tmp_path / "link").symlink_to("mlflow.db")
    monkeypatch.chdir(tmp_path)
    assert detect(Path("link")) == [Candidate("mlflow-db", tmp_path / "link")]
    source = detect(Path("link"))[0].open()
    assert source.origin == (tmp_path / "mlflow.db").as_uri()
    source.close()
