"""promote, rollback, drill, undo, plan and apply, as a person or a script calls them."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from modeldeck.app.cli import common
from modeldeck.app.config.paths import config_file
from tests.cli.conftest import run_cli
from tests.console.releases import make

POLICY = """
[gates.production]
for = ["*@champion"]
[[gates.production.rules]]
kind = "ticket"
pattern = "CHG[0-9]+"
[[gates.production.rules]]
kind = "freeze"
windows = [{from = "2026-11-01", to = "2026-12-20", why = "peak season"}]
"""


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    return make(tmp_path_factory.mktemp("released"))


@pytest.fixture
def deck(released, tmp_path):
    """Run a command on a model with a past."""
    shutil.copytree(released, tmp_path / "lab" / ".modeldeck")

    def run(*args, stdin=""):
        return run_cli("--registry", tmp_path / "lab", *args, stdin=stdin)

    return run


@pytest.fixture
def gated(deck, tmp_path):
    (tmp_path / "lab" / "modeldeck.toml").write_text(POLICY)
    return deck


def champion(deck):
    items = json.loads(deck("alias", "ls", "fraud", "-o", "json").out)["items"]
    return {item["alias"]: item["version"] for item in items}["champion"]


def last_event(deck):
    return json.loads(deck("audit", "ls", "--limit", "1", "-o", "json").out)["items"][0]


def test_promote_and_roll_back(deck):
    result = deck("promote", "fraud@champion", "3", "--expect", "2", "--reason", "r", "--yes")
    assert (result.code, result.out, result.err) == (0, "", "done: 1 change, event 9\n")
    assert champion(deck) == 3
    assert last_event(deck)["evidence"] == {"as": "promote"}
    late = deck("promote", "fraud@champion", "1", "--expect", "2", "--yes")
    assert late.code == 4
    assert "it is version 3 now, version 2 was expected" in late.err
    back = deck("rollback", "fraud@champion", "--reason", "it drifts", "--yes")
    assert back.code == 0, back.err
    assert "fraud@champion was 2 before" in back.err
    assert champion(deck) == 2
    assert last_event(deck)["evidence"]["as"] == "rollback"


def test_a_rollback_is_looked_at_first(deck):
    result = deck("rollback", "fraud@champion", "--dry-run")
    assert result.code == 0, result.err
    for words in (
        "rollback fraud@champion  2 -> 1    nothing changed yet",
        "GATE       rollback checks 5 of 5 pass",
        "pass    artifact is whole  2 files, 719 B read again, digest as recorded",
        "pass    signature fits 2  same 3 inputs, 1 output",
        "$ modeldeck rollback fraud@champion 1 --expect 2",
    ):
        assert words in result.out, result.out
    never = deck("rollback", "fraud@champion", "3", "--dry-run")
    assert never.code == 1
    assert "FAIL    was live before  3 was never fraud@champion: promote it instead" in never.out
    refused = deck("rollback", "fraud@champion", "3", "--yes")
    assert refused.code == 4
    assert "a gate says no: fail was live before" in refused.err


def test_a_gate_says_no_with_all_of_its_rules(gated):
    result = gated("promote", "fraud@champion", "3", "--dry-run")
    assert result.code == 1
    assert "production 0 of 2 pass" in result.out
    refused = gated("promote", "fraud@champion", "3", "--yes", "--reason", "r")
    assert (refused.code, refused.out) == (4, "")
    assert "wait    ticket CHG[0-9]+" in refused.err
    assert "a gate says no: wait ticket" in refused.err
    for road in (
        ("alias", "set", "fraud", "champion", "3"),
        ("alias", "rm", "fraud", "champion"),
        ("rollback", "fraud@champion"),
        ("undo", "7"),
    ):
        again = gated(*road, "--yes", "--reason", "r", "--ticket", "CHG1")
        assert again.code == 4, road
        assert "peak season" in again.err, again.err
    assert champion(gated) == 2


def test_broken_glass_is_loud(gated):
    result = gated(
        "rollback", "fraud@champion", "--break-glass", "CHG0666", "--reason", "it burns", "--yes"
    )
    assert result.code == 0, result.err
    assert "BROKE GLASS with CHG0666: an approval is due until 2026-11-26" in result.err
    assert last_event(gated)["evidence"]["glass"] == "CHG0666"
    plan = gated("rollback", "fraud@champion", "2", "--break-glass", "CHG0667", "--dry-run")
    assert "BREAKS GLASS  CHG0667" in plan.out
    fixed = gated(
        "--readonly", "rollback", "fraud@champion", "2", "--break-glass", "CHG1", "--yes",
        "--reason", "r",
    )  # fmt: skip
    assert fixed.code == 4
    assert "--readonly" in fixed.err


def test_a_reason_is_needed_before_a_gate_and_is_asked_for(gated, monkeypatch, tmp_path):
    policy = POLICY.replace("2026-11-01", "2026-01-01").replace("2026-12-20", "2026-02-01")
    (tmp_path / "lab" / "modeldeck.toml").write_text(policy)
    move = ("promote", "fraud@champion", "3", "--ticket", "CHG1")
    refused = gated(*move, "--yes")
    assert refused.code == 4
    assert (
        "a reason is needed: a gate stands before fraud@champion. --reason says why" in refused.err
    )
    monkeypatch.setattr(common.streams, "is_terminal", lambda stream: stream is sys.stdin)
    refused = gated(*move, stdin="\ny\n")
    assert refused.code == 4
    assert champion(gated) == 2
    result = gated(*move, stdin="week 48\ny\n")
    assert result.code == 0, result.err
    assert "Reason, since a gate stands before fraud@champion: " in result.err
    assert last_event(gated)["reason"] == "week 48"


def test_a_drill_moves_nothing_and_is_remembered(deck):
    looked = deck("drill", "fraud@champion", "--dry-run")
    assert looked.code == 0
    assert "fraud@champion stays at 2" in looked.out
    result = deck("drill", "fraud@champion")
    assert result.code == 0, result.err
    assert "pass    artifact is whole" in result.out
    assert "rollback of fraud@champion from 2 to 1 would work; took 0 s, event 9" in result.err
    assert champion(deck) == 2
    assert last_event(deck)["action"] == "rollback.drill"
    assert "drilled 0 s ago, took 0 s" in deck("rollback", "fraud@champion", "--dry-run").out
    found = json.loads(deck("drill", "fraud@champion", "-o", "json").out)
    assert (found["holds"], found["version"], found["bytes"]) == (True, 1, 719)


def test_a_drill_that_fails_says_which_step(deck, tmp_path):
    for file in (tmp_path / "lab" / ".modeldeck" / "artifacts").rglob("*"):
        if file.is_file() and file.read_bytes().startswith(b"fraud 1"):
            file.unlink()
    result = deck("drill", "fraud@champion")
    assert result.code == 1
    assert "FAIL    artifact is whole  model.skops: its bytes are not kept here" in result.out
    assert "would FAIL" in result.err


def test_undo_takes_back_ones_own_last_change_or_a_named_one(deck):
    assert deck("promote", "fraud@champion", "3", "--yes").code != 2
    mine = deck("undo", "--dry-run")
    assert "takes back event 9, alias.set" in mine.out
    assert deck("undo", "--yes").code == 0
    assert champion(deck) == 2
    assert last_event(deck)["undo_of"] == 9
    again = deck("undo", "9", "--yes")
    assert again.code == 4
    assert "was undone already, by event 10" in again.err
    theirs = deck("undo", "8", "--dry-run")
    assert "made by ada@lab and not by you" in theirs.out
    nothing = deck("undo", "--yes")
    assert nothing.code == 2
    assert "there is no change of yours here" in nothing.err


def test_undo_by_the_name_of_a_plan(deck):
    move = ("alias", "set", "fraud", "champion", "3")
    name = json.loads(deck(*move, "--dry-run", "-o", "json").out)["id"]
    assert deck(*move, "--yes").code == 0
    assert deck("undo", name, "--yes").code == 0
    assert champion(deck) == 2


CHANGES = {
    "alias": ("alias", "set", "fraud", "champion", "3"),
    "promote": ("promote", "fraud@champion", "3"),
    "rollback": ("rollback", "fraud@champion"),
    "tag": ("versions", "tag", "fraud", "3", "a=1"),
    "delete": ("versions", "rm", "fraud", "4"),
    "run": ("runs", "tag", "xgb-w48-07", "a=1"),
}


@pytest.mark.parametrize("about", CHANGES)
def test_a_change_is_saved_looked_at_and_applied(deck, tmp_path, about):
    file = tmp_path / "plan.json"
    saved = deck(*CHANGES[about], "--reason", "later", "--save", file)
    assert (saved.code, saved.out) == (0, "")
    assert f"to {file}; it can be applied until 2026-11-24T12:" in saved.err
    assert file.stat().st_mode & 0o777 == 0o600
    seq = last_event(deck)["seq"]
    shown = run_cli("plan", "show", file)
    assert "nothing changed yet" in shown.out
    unsure = deck("apply", file)
    assert unsure.code == 4
    assert "--yes confirms" in unsure.err
    assert last_event(deck)["seq"] == seq
    applied = deck("apply", file, "--yes")
    assert applied.code == 0, applied.err
    event = last_event(deck)
    assert (event["seq"], event["reason"]) == (seq + 1, "later")
    assert event["plan"] == json.loads(file.read_text())["digest"]
    again = deck("apply", file, "--yes")
    assert again.code == 4, "what it expects is not there any more"


def test_a_plan_goes_through_a_pipe(deck):
    saved = deck("promote", "fraud@champion", "3", "--save", "-", "--lapses", "7d")
    assert json.loads(saved.out)["plan"]["lapses_at"].startswith("2026-11-30")
    assert deck("apply", "-", "--yes", stdin=saved.out).code == 0
    assert champion(deck) == 3


def test_an_edited_or_foreign_plan_is_refused(deck, tmp_path):
    file = tmp_path / "plan.json"
    deck("promote", "fraud@champion", "3", "--save", file)
    file.write_text(file.read_text().replace('"after":3', '"after":4'))
    refused = deck("apply", file, "--yes")
    assert refused.code == 2
    assert "was edited since it was saved" in refused.err
    assert run_cli("plan", "show", file).code == 2
    other = tmp_path / "other"
    assert run_cli("--registry", other, "runs", "ls").code != 0
    missing = deck("apply", tmp_path / "no-such", "--yes")
    assert missing.code == 2
    long = deck("promote", "fraud@champion", "3", "--save", tmp_path / "x", "--lapses", "31d")
    assert long.code == 2
    alone = deck("promote", "fraud@champion", "3", "--lapses", "1d")
    assert (alone.code, "--save" in alone.err) == (2, True)
    assert champion(deck) == 2


def test_a_registered_file_can_be_planned_and_applied(deck, tmp_path):
    model, file = tmp_path / "model.bin", tmp_path / "plan.json"
    model.write_bytes(b"weights")
    saved = deck("register", model, "--model", "fraud", "--save", file)
    assert saved.code == 0, saved.err
    assert deck("apply", file, "--yes").code == 0
    assert deck("versions", "show", "fraud", "5").code == 0
    deck("register", model, "--model", "fraud", "--save", tmp_path / "two.json")
    model.write_bytes(b"others!")
    changed = deck("apply", tmp_path / "two.json", "--yes")
    assert changed.code == 4
    assert "is not what the plan saw" in changed.err


def test_a_copy_can_be_planned_and_applied(deck, tmp_path):
    assert run_cli("init", tmp_path / "copy").code == 0
    file, target = tmp_path / "plan.json", tmp_path / "copy"
    saved = deck("copy", "fraud/1", "--to", target, "--save", file)
    assert saved.code == 0, saved.err
    applied = run_cli("--registry", target, "apply", file, "--yes")
    assert applied.code == 0, applied.err
    assert run_cli("--registry", target, "versions", "show", "fraud", "1").code == 0


def test_a_protected_context_wants_a_reason(deck, tmp_path):
    config = config_file()
    config.parent.mkdir(parents=True)
    config.write_text(
        "[contexts.prod]\nprotected = true\n"
        f'registry = {{type = "local", path = "{tmp_path / "lab"}"}}\n'
    )
    move = ("--context", "prod", "versions", "tag", "fraud", "3", "a=1", "--yes")
    refused = run_cli(*move)
    assert refused.code == 4
    assert "a reason is needed: the context prod is protected" in refused.err
    assert run_cli(*move, "--reason", "because").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("promote", "fraud", "3"),
        ("promote", "fraud@v3", "3"),
        ("promote", "fraud@champion", "x"),
        ("rollback", "@champion"),
        ("drill", "fraud"),
        ("undo", "zz"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(deck, words):
    assert deck(*words).code == 2


def test_a_policy_that_changes_while_one_is_asked_is_seen(deck, tmp_path, monkeypatch):
    """The policy is read again when a plan is applied, not only when the program starts."""

    def meanwhile(plan, *_):
        (tmp_path / "lab" / "modeldeck.toml").write_text(POLICY)
        return plan

    monkeypatch.setattr(common, "confirm", meanwhile)
    result = deck("promote", "fraud@champion", "3", "--reason", "r", "--ticket", "CHG1")
    assert result.code == 4
    assert "the plan was checked against none" in result.err
    assert champion(deck) == 2
