"""Backups, restoring one, removing what nothing needs."""

from __future__ import annotations

import io
import json
import os
import shutil

import pytest

from modeldeck.backends.local import open_registry
from tests.cli.conftest import run_cli
from tests.usecases.project import FIRST, NOW


@pytest.fixture
def kept(cli, tmp_path):
    """A backup of the project."""
    result = cli("backup", tmp_path / "kept")
    assert (result.code, result.out) == (0, ""), result.err
    return tmp_path / "kept"


def test_a_backup_says_what_it_holds(cli, tmp_path):
    found = json.loads(cli("backup", tmp_path / "kept", "-o", "json").out)
    assert found["target"] == str(tmp_path / "kept")
    assert (found["files"], found["missing"]) == (3, [])
    again = cli("backup", tmp_path / "kept")
    assert (again.code, again.out) == (4, "")
    assert "is there already. Name a folder that is new or empty" in again.err


def test_a_backup_without_an_artifact_exits_1(cli, project, tmp_path):
    shutil.rmtree(project / ".modeldeck" / "artifacts")
    result = cli("backup", tmp_path / "kept")
    assert result.code == 1
    assert "1 artifact of the registry were not there" in result.err


def test_a_backup_brings_everything_back(cli, project, kept):
    before = cli("runs", "show", FIRST, "-o", "json").out
    assert cli("runs", "tag", FIRST, "later=yes", "--yes").code == 0
    result = cli("restore", kept, "--yes")
    assert result.code == 0, result.err
    assert cli("runs", "show", FIRST, "-o", "json").out == before
    assert cli("runs", "logs", FIRST).out == "epoch 0\nepoch 1\ndone\n"
    (aside,) = project.glob(".modeldeck.before-restore-*")
    assert str(aside) in result.err
    old = run_cli("--registry", aside / "registry.db", "runs", "show", FIRST, "-o", "json")
    assert json.loads(old.out)["tags"]["later"] == "yes"
    event = json.loads(cli("audit", "ls", "--limit", "1", "-o", "json").out)["items"][0]
    assert event["action"] == "registry.restore"


def test_a_registry_that_is_gone_comes_back(cli, project, kept, monkeypatch):
    shutil.rmtree(project / ".modeldeck")
    monkeypatch.chdir(project)
    result = run_cli("restore", kept, "--yes", "-o", "json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["aside"] is None
    assert run_cli("runs", "show", FIRST).code == 0


def test_a_damaged_registry_is_replaced(cli, project, kept):
    path = project / ".modeldeck" / "registry.db"
    path.write_bytes(b"damaged" * 1000)
    assert cli("runs", "ls").code == 2
    assert cli("restore", kept, "--yes").code == 0
    assert cli("runs", "ls").code == 0


def test_a_restore_is_a_plan_first(cli, project, kept):
    result = cli("restore", kept, "--dry-run")
    assert result.code == 0
    assert "registry.restore" in result.out
    assert "what is there is moved aside beside it, not deleted" in result.out
    assert cli("restore", kept).code == 4
    assert cli("restore", kept, "--readonly", "--yes").code == 4
    assert list(project.glob(".modeldeck.before-restore-*")) == []


def test_what_is_no_backup_or_a_changed_one_is_refused(cli, project, kept):
    result = cli("restore", project, "--yes")
    assert result.code == 2
    assert "is no backup: it has no manifest.json" in result.err
    (database,) = kept.glob("registry.db")
    database.chmod(0o600)
    database.write_bytes(database.read_bytes() + b"x")
    result = cli("restore", kept, "--yes")
    assert result.code == 2
    assert "is not what was backed up" in result.err


@pytest.fixture
def litter(project):
    """An artifact that nothing names, older than a day."""
    backend = open_registry(project)
    artifact = backend.keep(io.BytesIO(b"nobody needs this"), "x")
    path = backend.store.path(artifact.digest)
    old = NOW.timestamp() - 3 * 86_400
    os.utime(path, (old, old))
    return path


def test_garbage_is_a_plan_first_and_removed_once(cli, litter):
    result = cli("gc", "--dry-run")
    assert result.code == 0, result.err
    assert "artifacts  1 that no run and no version names -> (not there)" in result.out
    assert "17 bytes are freed" in result.out
    assert "this cannot be undone" in result.out
    assert cli("gc").code == 4
    assert cli("gc", "--yes", "--readonly").code == 4
    assert litter.exists()
    result = cli("gc", "--yes", "-o", "json")
    assert result.code == 0, result.err
    assert not litter.exists()
    (event,) = json.loads(result.out)["items"]
    assert (event["action"], event["after"]["size"]) == ("registry.gc", 17)
    assert cli("gc", "--yes") == (0, "", "nothing to change: it is so already\n")
    assert cli("runs", "logs", FIRST).code == 0
