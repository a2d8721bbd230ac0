"""How a database of others is opened and read: in short reads, never written, from any thread."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from modeldeck.backends.api.errors import BusyError, DamagedError
from modeldeck.backends.sources import db_runs, db_series
from modeldeck.backends.sources.mlflow_db import MlflowDb

from .making import RUN, fill_models, make_db, make_reachable, put_point, put_run, unprivileged


@contextmanager
def owner(source):
    """The program that owns the database and writes it."""
    with closing(sqlite3.connect(source.path)) as connection:
        yield connection


def test_a_page_of_runs_is_a_few_queries(opened):
    def fill(c):
        for i in range(1, 1200):
            put_run(c, f"{i:032x}")

    source = opened(fill)
    asked = []
    source._database._connection.set_trace_callback(asked.append)
    assert len(list(source.runs())) == 1200
    assert len([sql for sql in asked if "IN (" in sql and "SELECT" in sql]) == 3 * 6
    assert sum("metrics" in sql and "latest" not in sql for sql in asked) == 0


def test_the_owner_can_write_between_pages(opened, monkeypatch):
    monkeypatch.setattr(db_runs, "PAGE", 2)

    def fill(c):
        for i in range(1, 10):
            put_run(c, f"{i:032x}")

    source = opened(fill)
    runs = source.runs()
    first = next(runs)
    with owner(source) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("DELETE FROM runs WHERE run_uuid = ?", (f"{9:032x}",))
        connection.commit()
    rest = [record.run.id for record in runs]
    assert f"{9:032x}" not in rest
    assert len({first.run.id, *rest}) == 9


def test_nothing_is_written(opened, tmp_path):
    source = opened(fill_models)
    before, stamp = source.path.read_bytes(), source.stamp()
    for record in source.runs():
        source.history(record.run.id)
    list(source.models())
    with pytest.raises(DamagedError, match="readonly"):
        source._database.rows("DELETE FROM runs")
    source.close()
    assert source.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    assert source.stamp() == stamp


def test_the_stamp_tells_a_change_in_the_log_too(opened):
    source = opened()
    stamps = [source.stamp()]
    with owner(source) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        stamps.append(source.stamp())
        put_point(connection)
        connection.commit()
        stamps.append(source.stamp())
        assert len(source.history(RUN)["loss"]) == 1
    assert len(set(stamps)) == 3


def test_a_locked_database_is_busy(opened, monkeypatch):
    source = opened()
    source._database._connection.execute("PRAGMA busy_timeout = 0")
    with owner(source) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError, match="somebody else holds the database"):
            source.history(RUN)
        connection.rollback()
    assert source.history(RUN) == {}


def test_a_vacuum_between_pages_is_noticed(opened):
    source = opened(lambda c: [put_point(c, step=i) for i in range(5)])
    pages = db_series.DbSeries(source._database, 2)._pages(RUN, "SELECT ?1, ?2, ?3", ())
    next(pages)
    with owner(source) as connection:
        connection.execute("VACUUM")
    with pytest.raises(BusyError, match="was rebuilt while it was read"):
        next(pages)


@pytest.fixture
def read_only(tmp_path):
    """A folder that may be read and not written, with a WAL database."""
    make_reachable(tmp_path)
    folder = tmp_path / "theirs"
    folder.mkdir()
    path = make_db(folder / "mlflow.db", fill=put_point)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    folder.chmod(0o555)
    yield path
    folder.chmod(0o755)


def test_a_read_only_folder(read_only):
    with unprivileged():
        source = MlflowDb(read_only)
        assert len(source.history(RUN)["loss"]) == 1
        source.close()
    assert [path.name for path in read_only.parent.iterdir()] == ["mlflow.db"]


def test_a_read_only_folder_with_a_log_that_cannot_be_read(read_only):
    read_only.parent.chmod(0o755)
    read_only.with_name("mlflow.db-wal").write_bytes(b"x" * 100)
    read_only.parent.chmod(0o555)
    with unprivileged(), pytest.raises(DamagedError, match="copy all of its files"):
        MlflowDb(read_only)


def test_any_thread_may_read(opened):
    source = opened(lambda c: [put_point(c, step=i) for i in range(500)])
    failures = []

    def read():
        try:
            for _ in range(20):
                assert len(source.history(RUN)["loss"]) == 500
                assert len(list(source.runs())) == 1
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
