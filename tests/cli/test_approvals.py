"""`modeldeck approvals` and `modeldeck inbox`, called in this process."""

from __future__ import annotations

import json

import pytest

from modeldeck.app.config import keyrings
from modeldeck.app.config.paths import config_file

POLICY = """
[metrics]
auc = "higher"

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
"""
HOSTILE = "\x1b]52;c;x\x07 [/] \u202e =1+1"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    monkeypatch.setattr(keyrings, "choose", lambda: (None, "", "there is none here"))


@pytest.fixture
def be(cli, project, tmp_path, monkeypatch):
    """Be somebody from now on; both are known to the policy."""

    def home(name):
        folder = tmp_path / name
        for variable, below in (("HOME", ""), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "s")):
            monkeypatch.setenv(variable, str(folder / below))

    lines = {}
    for name in ("ana", "rev1", "other"):
        home(name)
        assert cli("key", "new").code == 0
        lines[name] = cli("key", "show").out.strip()
        assert config_file()
    (project / "modeldeck.toml").write_text(POLICY.format(**lines))
    home("ana")
    return home


def items(cli, *words):
    result = cli(*words, "-o", "json")
    assert result.code == 0, result.err
    return json.loads(result.out)["items"]


def sign(cli, *words, reason="because"):
    result = cli("approvals", *words, "--yes", "--reason", reason)
    assert result.code == 0, result.err
    return result


def test_ask_approve_show(cli, be):
    asked = sign(cli, "ask", "fraud/1", "--for", "champion", reason="go back")
    assert asked.err == "done: 1 change, event 19\n"
    (one,) = items(cli, "approvals", "ls")
    assert list(one) == [
        "id", "state", "model", "version", "target", "digest", "evidence", "policy", "gates",
        "person", "key", "time", "expires", "due", "reason", "ticket", "valid", "needed",
        "approved", "said",
    ]  # fmt: skip
    assert (one["state"], one["person"], one["reason"]) == ("wait", "ana", "go back")
    assert cli("approvals", "show", one["id"][:8]).code == 1
    be("rev1")
    sign(cli, "approve", one["id"][:8], reason="fine")
    shown = cli("approvals", "show", "fraud/1", "--for", "champion")
    assert shown.code == 0
    assert "approved 1 of 1" in shown.out
    assert "GATE when it was asked" in shown.out
    document = json.loads(cli("approvals", "show", "fraud/1", "-o", "json").out)
    assert document["schema"] == 1
    assert [said["decision"] for said in document["said"]] == ["asked", "approved"]


def test_the_plan_shows_what_is_signed(cli, be):
    plan = cli("approvals", "ask", "fraud/1", "--for", "champion", "--dry-run")
    assert plan.code == 0
    lines = plan.out.splitlines()
    assert "SIGNS" in lines
    assert any(line.split()[:3] == ["says", "request", "of"] for line in lines)
    assert "  a signed statement to the records" in lines
    assert items(cli, "approvals", "ls", "--all") == []


def test_refuse_withdraw_and_lists(cli, be):
    sign(cli, "ask", "fraud/1", "--for", "champion")
    be("rev1")
    sign(cli, "refuse", "fraud/1", reason="too old")
    table = cli("approvals", "ls").out.splitlines()
    assert table[0].split() == [
        "ID", "VERSION", "FOR", "STATE", "BY", "ASKED", "EXPIRES", "DUE", "WHY",
    ]  # fmt: skip
    assert table[1].split()[1:5] == ["fraud/1", "champion", "refused", "ana"]
    be("ana")
    assert [one["kind"] for one in items(cli, "inbox")] == ["decided"]
    be("rev1")
    sign(cli, "withdraw", "fraud/1")
    assert [one["kind"] for one in items(cli, "approvals", "inbox")] == ["decide"]
    be("ana")
    sign(cli, "withdraw", "fraud/1", "--for", "champion")
    assert items(cli, "approvals", "ls") == []
    (gone,) = items(cli, "approvals", "ls", "--all", "--filter", "state = withdrawn")
    assert gone["version"] == 1


def test_exit_codes_and_reasons_of_refusals(cli, be):
    ask = ("approvals", "ask", "fraud/1", "--for", "champion")
    for words, code, says in (
        ((*ask, "--reason", "because"), 4, "--yes confirms"),
        ((*ask, "--yes"), 4, "reason"),
        ((*ask, "--yes", "--reason", " "), 4, "reason"),
        ((*ask, "--yes", "--reason", "x", "--readonly"), 4, "--readonly"),
        (("approvals", "approve", "fraud/1", "--yes", "--reason", "x"), 2, "nobody has asked"),
        (("approvals", "ask", "fraud/1"), 2, "--for"),
        (("approvals", "ask", "fraud/99", "--for", "champion", "--dry-run"), 2, "99"),
        (("approvals", "show", "ffffffff"), 2, "nobody has asked"),
    ):
        result = cli(*words)
        assert (result.code, says in result.err) == (code, True), result
    sign(cli, "ask", "fraud/1", "--for", "champion")
    result = cli("approvals", "approve", "fraud/1", "--yes", "--reason", "mine")
    assert (result.code, "ana is author and operator" in result.err) == (4, True)
    be("other")
    result = cli("approvals", "approve", "fraud/1", "--yes", "--reason", "mine")
    assert (result.code, "nobody" in result.err) == (4, True)


def test_hostile_reasons_are_kept_and_shown_safely(cli, be):
    sign(cli, "ask", "fraud/1", "--for", "champion", reason=HOSTILE)
    be("rev1")
    for words in (
        ("approvals", "ls"),
        ("approvals", "show", "fraud/1"),
        ("approvals", "ls", "-o", "csv"),
        ("inbox",),
        ("status",),
        ("approvals", "approve", "fraud/1", "--dry-run"),
    ):
        out = cli(*words).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "\\u{1b}]52" in out
    (one,) = items(cli, "approvals", "ls")
    assert one["reason"] == HOSTILE


def test_the_status_line_counts_what_waits(cli, be):
    assert cli("status", "--short").out.strip().endswith(", 0 wait")
    sign(cli, "ask", "fraud/1", "--for", "champion")
    be("rev1")
    assert cli("status", "--short").out.strip().endswith(", 1 waits")
    assert json.loads(cli("status", "--short", "-o", "json").out)["waiting"] == 1
    assert "WAITING FOR ME" in cli("status").out
    waiting = json.loads(cli("status", "-o", "json").out)["waiting"]
    assert [one["kind"] for one in waiting] == ["decide"]


def test_without_people_the_status_line_says_nothing_of_it(cli):
    assert "wait" not in cli("status", "--short").out
    assert json.loads(cli("status", "--short", "-o", "json").out)["waiting"] is None
    result = cli("approvals", "ask", "fraud/1", "--for", "champion", "--dry-run")
    assert (result.code, "the policy names no people" in result.err) == (4, True)
    assert cli("inbox").err == "nothing found\n"


def test_an_asking_can_be_saved_and_applied_later(cli, be, tmp_path):
    path = tmp_path / "ask.json"
    words = ("approvals", "ask", "fraud/1", "--for", "champion", "--reason", "because")
    assert cli(*words, "--save", path).code == 0
    assert items(cli, "approvals", "ls") == []
    applied = cli("apply", path, "--yes")
    assert applied.code == 0, applied.err
    assert len(items(cli, "approvals", "ls")) == 1
