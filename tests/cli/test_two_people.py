"""Two people on two homes who share a registry and records: asked, approved, promoted, rolled back.

Real processes, real keys, a real git repository for the records and one for the policy.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.recorder.real import listed, run_program
from tests.statements.signing import git, repository

pytestmark = [pytest.mark.real, pytest.mark.slow]
POLICY = """
[people.ana]
keys = ["{ana}"]
roles = ["author", "operator"]

[people.rev1]
keys = ["{rev1}"]
roles = ["approver"]

[gates.production]
for = ["*@champion"]

[[gates.production.rules]]
kind = "approvals"
count = 1
days = {days}
"""


class Person:
    """Somebody at home: a program with a configuration, a key and a state of their own."""

    def __init__(self, home: Path, context: str) -> None:
        self.home, self.context = home, context
        (home / "work").mkdir(parents=True)
        self.env: Mapping[str, str] = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        assert self.run("key", "new", "--file").returncode == 0
        self.line = self.run("key", "show").stdout.strip()

    def run(self, *words: str) -> Any:
        """The program, with nobody at its terminal."""
        return run_program(self.home / "work", *words, **self.env)

    def do(self, *words: str, code: int = 0) -> str:
        """Do it in the shared context; gives what was printed to stdout, else to stderr."""
        done = self.run("--context", self.context, *words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stderr}{done.stdout}"
        return done.stdout or done.stderr

    def sign(self, *words: str, code: int = 0) -> str:
        """The same for a change that is confirmed and has a reason."""
        return self.do(*words, "--yes", "--reason", f"because of {words[0]}", code=code)

    def read(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON."""
        found = json.loads(self.do(*words, "-o", "json", code=code))
        return found.get("items", found)

    def configure(self, text: str) -> None:
        """Write config.toml."""
        path = self.home / "config" / "modeldeck" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.chmod(path, 0o600)  # noqa: PTH101


class Pair:
    """Ana, who makes and moves, and rev1, who approves; the policy is a commit on main."""

    def __init__(self, folder: Path, registry: str) -> None:
        self.policy = folder / "policy"
        self.policy.mkdir()
        git("init", "-q", "-b", "main", cwd=self.policy)
        records = repository(folder)
        self.ana = Person(folder / "ana", "bank")
        self.rev1 = Person(folder / "rev1", "bank")
        self.commit()
        for person in (self.ana, self.rev1):
            person.configure(
                "[contexts.bank]\nprotected = true\n"
                f'policy_repo = "{self.policy}"\npolicy_ref = "main"\n'
                f"[contexts.bank.registry]\n{registry}\n"
                f'[contexts.bank.records]\ntype = "git"\npath = "{records}"\n'
            )

    def commit(self, days: int = 14) -> None:
        """Put the policy in force."""
        text = POLICY.format(ana=self.ana.line, rev1=self.rev1.line, days=days)
        (self.policy / "modeldeck.toml").write_text(text)
        git("add", ".", cwd=self.policy)
        git("commit", "-q", "-m", "policy", cwd=self.policy)


def asked_approved_promoted(pair: Pair, model: str, number: int) -> None:
    """From a refused promotion over the request and its approval to the promotion."""
    ana, rev1 = pair.ana, pair.rev1
    version, target = f"{model}/{number}", f"{model}@champion"
    promote = ("promote", target, str(number))
    assert "a gate says no: wait" in ana.sign(*promote, code=4)
    ana.sign("approvals", "ask", version, "--for", "champion")
    ana.sign("approvals", "approve", version, code=4)
    (one,) = [one for one in rev1.read("inbox") if one["version"] == number]
    assert (one["kind"], one["person"], one["target"]) == ("decide", "ana", target)
    assert "1 wait" in rev1.do("status", "--short")
    rev1.do("approvals", "show", version, code=1)
    plan = json.loads(rev1.do("approvals", "approve", version, "--dry-run", "-o", "json"))
    assert plan["arguments"]["statement"]["body"]["target"] == target
    assert "reason" in rev1.do("approvals", "approve", version, "--yes", code=4)
    rev1.sign("approvals", "approve", version)
    assert "rev1 is approver" in rev1.sign(*promote, code=4)
    found = ana.read("approvals", "show", version)
    assert (found["state"], [one["person"] for one in found["said"] if one["counts"]]) == (
        "approved",
        ["ana", "rev1"],
    )
    assert ("decided", target) in {(one["kind"], one["target"]) for one in ana.read("inbox")}
    ana.sign(*promote)
    event = next(e for e in ana.read("audit", "ls") if e["subject"] == f"models/{target}")
    assert event["after"] == {"version": number}
    assert event["evidence"]["approvals"] == [
        one["id"] for one in found["said"] if one["decision"] == "approved"
    ]
    assert event["evidence"]["policy"]["commit"] == git("rev-parse", "main", cwd=pair.policy)


def rolled_back_and_voided(pair: Pair, model: str, number: int) -> None:
    """Back to `number`, whose approval still stands; then the policy changes, and it does not."""
    ana, rev1 = pair.ana, pair.rev1
    ana.sign("rollback", f"{model}@champion")
    assert ana.read("alias", "ls", model)[0]["version"] == number
    pair.commit(days=7)
    void = [one["words"] for one in rev1.read("inbox") if one["kind"] == "void"]
    assert void
    assert set(void) == {"your approval counts no more: the policy changed since"}
    refused = ana.sign("promote", f"{model}@champion", str(number + 1), code=4)
    assert "a gate says no: wait" in refused


def test_on_one_registry_in_a_shared_folder(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    pair = Pair(tmp_path, f'type = "local"\npath = "{shared}"')
    assert run_program(shared, "init", **pair.ana.env).returncode == 0
    work = pair.ana.home / "work"
    for number in (1, 2):
        (work / "m.bin").write_bytes(b"weights %d" % number)
        pair.ana.sign("register", "m.bin", "--model", "fraud")
        asked_approved_promoted(pair, "fraud", number)
    rolled_back_and_voided(pair, "fraud", 1)


def test_on_a_real_server(mlflow_server: Callable[..., Any], tmp_path):
    server = mlflow_server("3")
    pair = Pair(tmp_path, f'type = "mlflow"\nurl = "{server.url}"')
    there = tmp_path / "there"
    there.mkdir()
    assert run_program(there, "init", **pair.ana.env).returncode == 0
    model = f"fraud-{secrets.token_hex(4)}"
    for number in (1, 2):
        (there / "m.bin").write_bytes(b"weights %d" % number)
        # From a run, which says who made it: a server without accounts says it of no version.
        assert run_program(there, "run", "--", "true", **pair.ana.env).returncode == 0
        run = listed(there)[-1]["id"]
        words = ("register", "m.bin", "--model", model, "--run", run, "--yes")
        made = run_program(there, *words, **pair.ana.env)
        assert made.returncode == 0, made.stderr
    sent = ("copy", model, "--with-runs", "--from", str(there), "--to", "bank", "--yes")
    copied = pair.ana.run(*sent, "--reason", "for the team")
    assert copied.returncode == 0, copied.stderr
    for number in (1, 2):
        asked_approved_promoted(pair, model, number)
    rolled_back_and_voided(pair, model, 1)
