"""Every released schema comes up to the newest, row for row; a fixture of each is kept here."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from modeldeck.backends.api.errors import BusyError, DamagedError, ReadOnlyError, RefusedError
from modeldeck.backends.local import open_registry
from modeldeck.backends.local import opening as opening_module
from modeldeck.backends.local.locking import FileLock
from modeldeck.backends.local.migrations import migrate, statements
from modeldeck.backends.local.schema import REGISTRY, TELEMETRY, Schema

from .records import fresh

FIXTURES = Path(__file__).parent / "schemas"
NEXT = REGISTRY._replace(steps=(*REGISTRY.steps, "ALTER TABLE run ADD COLUMN colour TEXT"))
BROKEN = REGISTRY._replace(
    steps=(*REGISTRY.steps, "ALTER TABLE run ADD COLUMN colour TEXT; SELECT * FROM nowhere")
)


def built(name, folder):
    """The file of a kept schema, made from its SQL."""
    sql = (FIXTURES / f"{name}.sql").read_text(encoding="utf-8")
    path = folder / f"{name.partition('-')[0]}.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(sql)
    connection.close()
    return path


def contents(path):
    connection = sqlite3.connect(path)
    tables = [
        row[0]
        for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not row[0].startswith(("sqlite_", "_sqlite"))
    ]
    found = {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in sorted(tables)}
    connection.close()
    return found


def shape(path):
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite_%' ORDER BY name"
    ).fetchall()
    pragmas = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "journal_mode", "page_size")
    ]
    connection.close()
    return found, pragmas


@pytest.mark.parametrize("schema", [REGISTRY, TELEMETRY])
def test_a_new_file_is_marked_and_paged(tmp_path, schema):
    path = tmp_path / "new.db"
    migrate(path, schema)
    _, pragmas = shape(path)
    assert pragmas == [schema.application_id, schema.version, "wal", schema.page_size]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        (f"{schema.name}-{version}", schema)
        for schema in (REGISTRY, TELEMETRY)
        for version in range(1, schema.version + 1)
    ],
)
def test_a_kept_schema_comes_up_row_for_row_to_what_a_new_file_is(tmp_path, name, schema):
    path = built(name, tmp_path)
    before = contents(path)
    migrate(path, schema)
    migrate(tmp_path / "new.db", schema)
    assert shape(path)[0] == shape(tmp_path / "new.db")[0]
    after = contents(path)
    for table, rows in before.items():
        assert [row[: len(rows[0])] for row in after[table]] == rows if rows else True


async def test_a_kept_registry_opens(tmp_path):
    home = tmp_path / ".modeldeck"
    home.mkdir(mode=0o700)
    built("registry-1", home)
    built("telemetry-1", home)
    backend = open_registry(tmp_path)
    assert (await backend.run("r1")).metrics["loss"] == 0.5
    assert len(await backend.points("r1", "loss")) == 3
    assert (await backend.model("fraud")).aliases == {"champion": 1}
    await backend.close()


async def test_an_older_registry_is_brought_up_with_a_backup_first(tmp_path, monkeypatch):
    await fresh(tmp_path).close()
    home = tmp_path / ".modeldeck"
    before = contents(home / "registry.db")
    monkeypatch.setattr(opening_module, "REGISTRY", NEXT)
    with pytest.raises(RefusedError, match="only looking") as error:
        open_registry(tmp_path, read_only="only looking")
    assert error.value.exit_code == 4
    await open_registry(tmp_path).close()
    assert shape(home / "registry.db")[1][1] == NEXT.version
    kept = home / f"registry.db.schema-{REGISTRY.version}.backup"
    assert contents(kept) == before
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "registry.db"
    migrate(path, REGISTRY)
    before = shape(path)
    with pytest.raises(DamagedError, match="nowhere"):
        migrate(path, BROKEN, keep=True)
    assert shape(path) == before
    migrate(path, NEXT, keep=True)
    assert shape(path)[1][1] == NEXT.version


def test_migrating_waits_for_the_lock(tmp_path, monkeypatch):
    path = tmp_path / "registry.db"
    migrate(path, REGISTRY)
    monkeypatch.setattr("modeldeck.backends.local.migrations.FileLock", quick)
    with FileLock(path.with_name("registry.db.lock")).held(), pytest.raises(BusyError):
        migrate(path, NEXT)
    migrate(path, NEXT)


def quick(path):
    return FileLock(path, 0.02)


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "registry.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE x(a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DamagedError, match="no registry of modeldeck"):
        migrate(path, REGISTRY)
    assert path.read_bytes() == before


def test_a_newer_file_is_left_alone(tmp_path):
    path = tmp_path / "registry.db"
    migrate(path, NEXT)
    words = f"schema {NEXT.version}, this one knows {REGISTRY.version}"
    with pytest.raises(ReadOnlyError, match=words):
        migrate(path, REGISTRY)


def test_statements_are_whole():
    sql = "CREATE TABLE t(a);\nCREATE TRIGGER x BEFORE UPDATE ON t BEGIN SELECT ';'; END;\n"
    assert len(statements(sql)) == 2
    assert isinstance(REGISTRY, Schema)
