"""`modeldeck audit`: what it lists, shows, proves, verifies, exports, erases."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from modeldeck.app.config import paths
from modeldeck.app.config.actor import current_actor
from tests.local.trails import owned

ALL = 18


def items(said):
    assert said.code == 0, said.err
    return json.loads(said.out)["items"]


def document(said):
    return json.loads(said.out)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (["--action", "alias.set"], lambda e: e["action"] == "alias.set"),
        (["--action", "alias.*"], lambda e: e["action"].startswith("alias.")),
        (["--actor", "op1"], lambda e: e["actor"]["user"] == "op1"),
        (["--actor", "op"], lambda e: False),
        (["--subject", "models/fraud"], lambda e: e["subject"].startswith("models/fraud")),
        (["--subject", "models/frau"], lambda e: False),
        (["--from", "2026-11-23T11:55:05Z"], lambda e: e["time"] >= "2026-11-23T11:55:05"),
        (["--to", "2026-11-23T11:55:05Z"], lambda e: e["time"] < "2026-11-23T11:55:05"),
        (
            ["--filter", "phase = done", "--action", "alias.*"],
            lambda e: e["phase"] == "done" and e["action"].startswith("alias."),
        ),
    ],
)
def test_words_beside_a_filter(cli, words, fits):
    every = items(cli("audit", "ls", "-o", "json", "--limit", "0"))
    assert len(every) == ALL
    found = items(cli("audit", "ls", "-o", "json", "--limit", "0", *words))
    assert found == [event for event in every if fits(event)]
    count = len(found)
    assert f"{count} of {ALL} events" in cli("audit", "ls", *words).err


def test_show(cli, golden):
    found = document(cli("audit", "show", str(ALL), "-o", "json"))
    leaf = json.loads(found["leaf"])
    assert (leaf["seq"], found["seq"], found["payload"]) == (ALL, ALL, "kept")
    said = cli("audit", "show", str(ALL)).out
    for word in (found["leaf_hash"], found["link"], found["subject"], "counted by  none yet"):
        assert word in said
    missing = cli("audit", "show", "99")
    assert (missing.code, "there is no event 99" in missing.err) == (2, True)


def test_a_checkpoint_a_proof_and_the_check(cli, tmp_path):
    assert cli("audit", "prove", "3").code == 4, "no checkpoint yet"
    made = cli("audit", "checkpoint")
    assert made.code == 0
    assert made.out.split("\n")[1] == str(ALL)
    key = made.err.strip().removeprefix("its key is ")
    (tmp_path / "kept").write_text(made.out)
    proof = cli("audit", "prove", "3")
    assert proof.out.startswith("c2sp.org/tlog-proof@v1\nindex 2\n")
    assert proof.out.endswith(made.out)
    said = cli("audit", "verify", "--checkpoint", tmp_path / "kept", "--key", key)
    assert said.code == 0
    assert f"ok      {ALL} events, each as it was written" in said.out
    assert "and they are these" in said.out
    found = document(cli("audit", "verify", "-o", "json"))
    assert (found["holds"], found["events"], found["broken"]) == (True, ALL, None)
    (tmp_path / "key").write_text(key + "\n")
    assert cli("audit", "verify", "--key", tmp_path / "key").code == 0
    wrong = cli("audit", "verify", "--key", "nonsense")
    assert (wrong.code, "NAME+ID+KEY" in wrong.err) == (2, True)


def test_verify_names_what_is_broken(cli, project):
    with owned(project) as connection:
        connection.execute("UPDATE audit_payload SET body = replace(body, 'op1', 'op9')")
    said = cli("audit", "verify")
    assert said.code == 1
    assert "BROKEN  event 1 has another payload than it was written with" in said.out
    assert document(cli("audit", "verify", "-o", "json"))["broken"]["seq"] == 1


def test_a_truncated_trail_is_seen_by_what_was_kept(cli, project, tmp_path):
    (tmp_path / "kept").write_text(cli("audit", "checkpoint").out)
    with owned(project) as connection:
        for table in ("audit", "audit_index"):
            connection.execute(f"DELETE FROM {table} WHERE seq > 10")
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM audit_node")
    assert cli("audit", "verify").code == 0, "nothing in the file knows"
    said = cli("audit", "verify", "--checkpoint", tmp_path / "kept")
    assert said.code == 1
    assert "event 11 is gone" in said.out


def test_two_auditors_compare(cli, project, tmp_path):
    from tests.cli.conftest import run_cli

    other = Path(shutil.copytree(project, tmp_path / "other"))
    assert cli("audit", "erase", "1", "--yes", "--reason", "one").code == 0
    run_cli("--registry", other, "audit", "erase", "2", "--yes", "--reason", "two")
    names = (project, other)
    for name, place in zip("ab", names, strict=True):
        made = run_cli("--registry", place, "audit", "checkpoint").out
        (tmp_path / name).write_text(made)
    said = cli("audit", "verify", "--checkpoint", tmp_path / "a", "--against", tmp_path / "b")
    assert (said.code, "TWO HISTORIES" in said.err) == (1, True)
    same = cli("audit", "verify", "--checkpoint", tmp_path / "a", "--against", tmp_path / "a")
    assert same.code == 0
    alone = cli("audit", "verify", "--against", tmp_path / "a")
    assert alone.code == 2


def test_export_is_verified_by_python_alone(cli, tmp_path):
    made = document(cli("audit", "export", tmp_path / "out", "--prove", "2", "-o", "json"))
    assert (made["events"], made["proofs"]) == (ALL, 1)
    argv = [sys.executable, "-I", "-S", tmp_path / "out" / "verify.py"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    assert (tmp_path / "out" / "key").exists()
    again = cli("audit", "export", tmp_path / "out")
    assert (again.code, "is there already" in again.err) == (4, True)
    assert cli("audit", "export", tmp_path / "more", "--prove", "99").code == 4


def test_erase_is_a_plan_and_an_event(cli, project):
    subject = document(cli("audit", "show", "5", "-o", "json"))["subject"]
    plan = cli("audit", "erase", "--subject", subject, "--reason", "GDPR 17", "--dry-run")
    assert plan.code == 0
    assert "cannot be undone" in plan.out
    assert "backups, snapshots and exports" in plan.out
    unsure = cli("audit", "erase", "5", "--reason", "x")
    assert (unsure.code, "not confirmed" in unsure.err) == (4, True)
    assert cli("audit", "erase", "5", "--yes").code == 4, "a reason is needed"
    assert cli("audit", "erase", "--yes", "--reason", "x").code == 2
    assert cli("audit", "erase", "99", "--yes", "--reason", "x").code == 2
    done = cli("audit", "erase", "--subject", subject, "--reason", "GDPR 17", "--yes")
    assert done.code == 0, done.err
    events = items(cli("audit", "ls", "--action", "audit.erase", "-o", "json"))
    assert {event["reason"] for event in events} == {"GDPR 17"}
    assert "events/5" in [event["subject"] for event in events]
    assert items(cli("audit", "ls", "--subject", subject, "-o", "json")) == []
    shown = document(cli("audit", "show", "5", "-o", "json"))
    assert (shown["payload"], shown["subject"]) == ("erased", "(erased)")
    found = document(cli("audit", "verify", "-o", "json"))
    assert (found["holds"], found["erased"]) == (True, len(events))
    again = cli("audit", "erase", "5", "--reason", "x", "--yes")
    assert "it is so already" in again.err
    assert cli("--readonly", "audit", "erase", "18", "--reason", "x", "--yes").code == 4


def test_only_an_admin_erases(cli, project):
    login = current_actor().user
    policy = f'[people.me]\nlogins = ["{login}"]\nroles = ["operator", "auditor"]\n'
    with (project / "modeldeck.toml").open("a", encoding="utf-8") as file:
        file.write(policy)
    done = cli("audit", "erase", "5", "--reason", "GDPR 17", "--yes")
    assert (done.code, "audit.erase needs admin" in done.err) == (4, True), done.err
    assert document(cli("audit", "show", "5", "-o", "json"))["payload"] != "erased"


def test_a_change_leaves_a_checkpoint_at_once(cli, project):
    number = document(cli("models", "show", "fraud", "-o", "json"))["aliases"]["champion"]
    assert cli("alias", "rm", "fraud", "champion", "--yes", "--reason", "r").code == 0, number
    with closing(sqlite3.connect(project / ".modeldeck" / "registry.db")) as connection:
        assert connection.execute("SELECT size FROM checkpoint").fetchall() == [(ALL + 1,)]
    assert document(cli("audit", "verify", "-o", "json"))["checkpoints"][0]["state"] == "same"


def anchored(kind, path):
    config = paths.config_file()
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[audit]\nanchors = [{{type = "{kind}", path = "{path}"}}]\n')


def test_an_anchor_in_a_file(cli, project, tmp_path):
    anchored("file", tmp_path / "anchor")
    assert "no checkpoint outside" in cli("audit", "verify").out
    made = cli("audit", "checkpoint")
    assert f"file {tmp_path}/anchor: anchored" in made.err
    assert cli("alias", "rm", "fraud", "champion", "--yes", "--reason", "r").code == 0
    lines = (tmp_path / "anchor").read_text().splitlines()
    assert len(lines) == 2, "the program puts its own there, too"
    said = cli("audit", "verify")
    assert (said.code, "the newest outside is" in said.out) == (0, True)
    assert said.out.count("and they are these") == 2
    with owned(project) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 18")
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM audit_node")
    said = cli("audit", "verify")
    assert (said.code, "event 19 is gone" in said.out) == (1, True)
    (tmp_path / "anchor").write_text("torn")
    assert "line 1" in cli("audit", "verify").out


def test_an_anchor_that_is_away(cli, tmp_path):
    anchored("file", tmp_path / "none" / "anchor")
    made = cli("audit", "checkpoint")
    assert (made.code, "NOT anchored" in made.err) == (3, True)
    assert made.out.split("\n")[1] == str(ALL), "it is made all the same"
    anchored("git", tmp_path)
    assert cli("audit", "checkpoint").code == 3
    anchored("file", "relative")
    assert "not absolute" in cli("audit", "checkpoint").err


@pytest.mark.real
def test_an_anchor_in_git(cli, project, tmp_path):
    there = tmp_path / "checkpoints"
    subprocess.run(["git", "init", "--quiet", there], check=True)
    anchored("git", there)
    for reason in ("one", "two"):
        assert cli("audit", "erase", "1" if reason == "one" else "2", "--yes", "--reason", reason)
        made = cli("audit", "checkpoint")
        assert made.code == 0, made.err
    log = subprocess.run(
        ["git", "-C", there, "log", "--format=%s"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert log == [f"modeldeck checkpoint: {n} events" for n in (20, 19)]
    said = cli("audit", "verify")
    assert (said.code, said.out.count("and they are these")) == (0, 2)
    # Who rewrites a checkpoint in a later commit changes nothing of what was committed first.
    [first, _] = sorted(there.rglob("0000*"))
    first.write_text("nothing\n")
    subprocess.run(
        ["git", "-C", there, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", "x"],
        check=True,
    )
    assert cli("audit", "verify").out.count("and they are these") == 2
