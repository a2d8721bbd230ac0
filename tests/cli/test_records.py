"""`modeldeck records`: two people, each at home, with one repository."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modeldeck.app.config import keyrings
from tests.statements.signing import git, repository

from .conftest import run_cli
from .test_doctor_server import make_model

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    monkeypatch.setattr(keyrings, "choose", lambda: (None, "", "there is none here"))


@pytest.fixture
def shared(tmp_path):
    return repository(tmp_path)


@pytest.fixture
def at_home(tmp_path, monkeypatch, shared):
    """Be that person from now on."""

    def be(name: str, *, key: bool = True) -> Path:
        home = tmp_path / name
        for variable, below in (("HOME", ""), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "s")):
            monkeypatch.setenv(variable, str(home / below))
        (home / "work").mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(home / "work")
        if not (home / "work" / ".modeldeck").exists():
            assert run_cli("init").code == 0
            if key:
                assert run_cli("key", "new").code == 0
            place = ("--type", "local", "--path", home / "work")
            assert run_cli("context", "add", "bank", *place).code == 0
            sharing = ("--slot", "records", "--type", "git", "--path", shared)
            assert run_cli("context", "add", "bank", *sharing).code == 0
            (home / "work" / "m.bin").write_bytes(b"x")
        return home

    return be


@pytest.fixture
def both(at_home):
    """Ada and Bob, who know the keys of each other."""
    lines = []
    for name in ("ada", "bob"):
        at_home(name)
        line = run_cli("key", "show").out.strip()
        lines.append(f'[people.{name}]\nkeys = ["{line}"]\nroles = ["admin"]\n')
    for name in ("ada", "bob"):
        (at_home(name) / "work" / "modeldeck.toml").write_text("\n".join(lines))
    return at_home


def bank(*words, **options):
    return run_cli("--context", "bank", *words, **options)


def items(*words):
    found = bank(*words, "-o", "json")
    assert found.code == 0, found.err
    return json.loads(found.out)["items"]


def register():
    done = bank("register", "m.bin", "--model", "fraud", "--yes")
    assert done.code == 0, done.err


def test_what_one_does_the_other_reads(both):
    both("ada")
    register()
    assert bank("alias", "set", "fraud", "champion", "1", "--yes", "--reason", "first").code == 0
    both("bob")
    synced = bank("records", "sync", "-o", "json")
    assert synced.code == 0, synced.err
    document = json.loads(synced.out)
    assert list(document) == [
        "schema", "place", "shared", "at", "away", "rewritten", "waiting", "new", "trouble",
    ]  # fmt: skip
    assert len(document["new"]) == 2
    found = items("records", "ls", "--subject", "models/fraud@champion", "--kind", "event")
    assert len(found) == 1
    assert list(found[0]) == [
        "id", "kind", "subject", "digest", "time", "person", "key", "valid", "why",
        "received_at", "origin", "body",
    ]  # fmt: skip
    assert (found[0]["person"], found[0]["valid"], found[0]["why"]) == ("ada", True, None)
    assert found[0]["body"]["reason"] == "first"
    table = bank("records", "ls").out.splitlines()
    assert table[0].split() == ["ID", "TIME", "KIND", "SUBJECT", "PERSON", "COUNTS"]
    assert len(table) == 3
    assert "1 older ones" in bank("records", "ls", "--limit", "1").err


def test_a_place_that_is_away_is_said_and_stops_nothing(both, shared, tmp_path):
    both("ada")
    away = shutil.move(shared, tmp_path / "elsewhere")
    register()
    assert bank("alias", "set", "fraud", "champion", "1", "--yes").code == 0
    status = bank("records", "status")
    assert status.code == 0
    assert "waiting  2" in status.out
    assert "git: fatal:" in status.out
    assert bank("records", "sync").code == 3
    doctor = bank("doctor").out
    assert "WARN  sharing" in doctor
    assert "2 waiting to be sent" in doctor
    shutil.move(away, shared)
    assert bank("records", "sync").code == 0
    assert "waiting  0" in bank("records", "status").out
    assert "ok    sharing" in bank("doctor").out


def test_rewritten_records_are_loud_until_a_person_accepts_them(both, shared):
    both("ada")
    register()
    git("update-ref", "-d", "refs/heads/modeldeck", cwd=shared)
    assert bank("records", "sync").code == 1
    status = bank("records", "status")
    assert (status.code, "the records were rewritten" in status.out) == (1, True)
    assert "FAIL  sharing" in bank("doctor").out
    assert bank("records", "accept").code == 4, "it asks, and nobody is there"
    plan = bank("records", "accept", "--dry-run")
    assert "audit.accept" in plan.out
    accepted = bank("records", "accept", "--yes", "--reason", "moved")
    assert accepted.code == 0, accepted.err
    assert bank("records", "sync").code == 0
    actions = [one["action"] for one in items("audit", "ls")]
    assert "audit.accept" in actions


def test_without_a_key_nothing_is_told(at_home):
    at_home("eve", key=False)
    done = bank("register", "m.bin", "--model", "fraud", "--yes")
    assert done.code == 0
    assert items("records", "ls") == []


def test_a_registry_that_is_shared_with_nobody(at_home):
    at_home("ada")
    status = run_cli("records", "status")
    assert (status.code, "shared with nobody" in status.out) == (0, True)
    assert run_cli("records", "sync").code == 0
    assert run_cli("records", "accept", "--yes").code == 4


def test_what_others_write_is_shown_safely(both, tmp_path):
    both("ada")
    name = "evil\x1b]0;x\x07"
    bank("register", "m.bin", "--model", name, "--yes")
    both("bob")
    bank("records", "sync")
    table = bank("records", "ls")
    assert "\x1b" not in table.out + table.err
    assert "\x1b" not in bank("records", "ls", "-o", "json").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "ext::sh -c x"], "is no address of a repository"),
        (["--url", "https://ada:s3ntinel@host/x"], "holds a user or a password"),
        (["--url", "ssh://ada:s3ntinel@host/x"], "more than user, host and path"),
        (["--url", "git://host/x"], "is no address of a repository"),
        (["--url", "file:///x"], "is no address of a repository"),
        (["--url", "ssh://-oProxyCommand=x/y"], "is no URL"),
        (["--url", "-oProxyCommand=x:y"], "is no address of a repository"),
        (["--url", "git@host:bank.git", "--branch", "-x"], "cannot be a branch"),
        (["--url", "git@host:bank.git", "--branch", "a..b"], "cannot be a branch"),
        ([], "says not one place"),
        (["--url", "git@host:bank.git", "--path", "/x"], "says not one place"),
    ],
)
def test_an_address_that_cannot_be(at_home, words, said):
    at_home("ada")
    assert run_cli("context", "add", "other", "--type", "local", "--path", ".").code == 0
    found = run_cli("context", "add", "other", "--slot", "records", "--type", "git", *words)
    assert found.code == 2, found.err
    assert said in found.err
    assert "s3ntinel" not in found.err


@pytest.mark.parametrize(
    "url", ["https://host/x.git", "ssh://git@host:22/x.git", "git@host:team/x.git", "host:~/x"]
)
def test_an_address_that_can(at_home, url):
    at_home("ada")
    assert run_cli("context", "add", "other", "--type", "local", "--path", ".").code == 0
    sharing = ("--slot", "records", "--type", "git", "--url", url)
    assert run_cli("context", "add", "other", *sharing).code == 0


def test_git_is_for_records_alone(at_home):
    at_home("ada")
    found = run_cli("context", "add", "other", "--type", "git", "--path", "/x")
    assert found.code == 2


def test_a_context_says_whether_the_shared_place_can_be_reached(both, shared):
    both("ada")
    register()
    head = git("rev-parse", "modeldeck", cwd=shared)[:12]
    tested = run_cli("context", "test", "bank", "-o", "json")
    assert tested.code == 0, tested.err
    [row] = [one for one in json.loads(tested.out)["items"] if one["slot"] == "records"]
    assert (row["about"], row["shows"]) == ("git", f"{shared} (modeldeck) at {head}")
    shutil.rmtree(shared)
    tested = run_cli("context", "test", "bank", "-o", "json")
    assert tested.code == 3
    [row] = [one for one in json.loads(tested.out)["items"] if one["slot"] == "records"]
    assert row["state"] == "failed"


@pytest.mark.slow
def test_on_a_server_a_move_of_one_is_learned_by_the_other(both, shared, mlflow_server):
    server = mlflow_server("3")
    model = make_model(server)
    place = ("--type", "mlflow", "--url", server.url, "--auth", "none")
    sharing = ("--slot", "records", "--type", "git", "--path", shared)
    for name in ("ada", "bob"):
        both(name)
        assert run_cli("context", "add", "prod", *place).code == 0
        assert run_cli("context", "add", "prod", *sharing).code == 0
        assert run_cli("--context", "prod", "models", "ls").code == 0, "is looked at first"
    both("ada")
    done = run_cli("--context", "prod", "alias", "set", model, "champion", "1", "--yes")
    assert done.code == 0, done.err
    server.api(
        "POST", "registered-models/alias", {"name": model, "alias": "shadow", "version": "2"}
    )
    both("bob")
    for _ in range(2):
        assert run_cli("--context", "prod", "models", "show", model).code == 0
        found = run_cli("--context", "prod", "audit", "ls", "-o", "json")
        events = {one["subject"].rpartition("@")[2]: one for one in json.loads(found.out)["items"]}
        assert {name: one["phase"] for name, one in events.items()} == {
            "champion": "learned",
            "shadow": "observed",
        }
    assert events["champion"]["evidence"]["person"] == "ada"
    assert events["champion"]["actor"]["key"] == events["champion"]["evidence"]["key"]
    verified = run_cli("--context", "prod", "audit", "verify")
    assert "broken" not in verified.out.lower() + verified.err.lower(), verified
