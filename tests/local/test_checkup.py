"""A check finds what is wrong with a registry's files, and nothing with a good one."""

from __future__ import annotations

import io
import os
import sqlite3

import pytest

from modeldeck.backends.api.plan import Change
from modeldeck.backends.local.checkup import Weight, check
from modeldeck.backends.local.files import Layout
from modeldeck.backends.local.store import NEW

from .records import ME, ORIGIN, fresh, model_record, plan, record


@pytest.fixture
async def layout(tmp_path):
    """A closed registry with an event, an alias and an artifact."""
    backend = fresh(tmp_path)
    await backend.take(ORIGIN, "test", models=[model_record()])
    await backend.begin_run(record("r1", artifacts=[backend.keep(io.BytesIO(b"abc"), "x")]), ME, "")
    await backend.apply(plan(Change("models/fraud@champion", "version", None, 1)), ME, "here")
    await backend.close()
    return backend.layout


def found(layout, weight=None):
    return [
        (one.where, one.what)
        for one in check(layout)
        if one.weight != Weight.NOTE and weight in (None, one.weight)
    ]


def change(layout, *statements):
    connection = sqlite3.connect(layout.database)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_good_registry_has_nothing(layout):
    said = []
    assert [one for one in check(layout, progress=lambda *w: said.append(w[0])) if (
        one.weight != Weight.NOTE)] == []  # fmt: skip
    assert "reading artifacts" in said


def test_modes_that_let_others_in(layout):
    layout.folder.chmod(0o755)
    layout.database.chmod(0o644)
    wheres = [where for where, _ in found(layout, Weight.DOUBTFUL)]
    assert wheres == [str(layout.folder), str(layout.database)]
    assert "0644" in found(layout)[1][1]
    [*_, last] = [one for one in check(layout) if one.where == str(layout.database)]
    assert last.way_out == f"chmod 0600 {layout.database}"


def test_an_event_that_was_changed(layout):
    change(layout, "UPDATE audit SET leaf = x'00' WHERE seq = 2")
    [(where, what)] = found(layout, Weight.BAD)
    assert where == "event 2"
    assert "broken" in what


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_index SET actor = 'eve' WHERE seq = 2",
        "DELETE FROM audit_index WHERE seq = 1",
        "INSERT INTO audit_index SELECT 9, time, actor, host, phase, action, subject, reason,"
        " ticket, caused_by FROM audit_index WHERE seq = 1",
    ],
)
def test_an_index_that_says_something_else(layout, sql):
    change(layout, sql)
    assert [where for where, _ in found(layout, Weight.BAD)] == ["audit_index"]


def test_artifacts_that_are_missing_or_changed(layout):
    [path] = [one for one in layout.artifacts.rglob("*") if one.is_file()]
    path.chmod(0o600)
    path.write_bytes(b"abd")
    assert found(layout) == [("runs/r1, x", "its file is damaged")]
    path.unlink()
    assert found(layout) == [("runs/r1, x", "its file is not in the store")]
    change(layout, "UPDATE artifact SET digest = 'sha256:../../x'")
    [(where, what)] = found(layout)
    assert where == "runs/r1, x"
    assert "is no digest" in what


def test_an_alias_without_its_version(layout):
    change(layout, "UPDATE version SET deleted_at = 1 WHERE number = 1")
    assert found(layout) == [("fraud@champion", "points to version 1, which is not there")]


def test_pages_that_are_damaged(layout):
    connection = sqlite3.connect(layout.database)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()[0]
    connection.close()
    content = bytearray(layout.database.read_bytes())
    content[4096 * (root - 1) : 4096 * (root - 1) + 100] = bytes(range(100))
    layout.database.write_bytes(content)
    assert str(layout.database) in [where for where, _ in found(layout, Weight.BAD)]


def test_files_that_are_missing_or_something_else(layout, tmp_path):
    layout.telemetry.unlink()
    assert found(layout) == [(str(layout.telemetry), "is not there")]
    layout.database.write_bytes(b"nonsense" * 999)
    assert (str(layout.database), "is not a SQLite database") in found(layout, Weight.BAD)
    assert (str(tmp_path / "registry.db"), "is not there") in found(
        Layout(tmp_path / "registry.db")
    )


def test_a_log_without_its_database_and_files_half_written(layout):
    layout.telemetry.rename(layout.folder / "telemetry.db-wal")
    (layout.artifacts / f"{NEW}x").touch()
    log = str(layout.folder / "telemetry.db-wal")
    assert (log, "is the log of a telemetry.db that is not there") in found(layout)
    assert any("never finished" in one.what for one in check(layout))


def test_a_newer_schema(layout):
    change(layout, "PRAGMA user_version=9")
    [(_, what)] = found(layout, Weight.DOUBTFUL)
    assert "newer modeldeck" in what


def test_what_belongs_to_somebody_else(layout, monkeypatch):
    if os.getuid() == 0:
        os.chown(layout.database, 4242, 4242)
    else:
        uid = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert any("belongs to somebody else" in what for _, what in found(layout))
