"""The trash, models, locks and changes by filter on the command line."""

from __future__ import annotations

import json
import sys

import pytest

from modeldeck.app import workspace
from modeldeck.app.cli import common, trash
from modeldeck.backends.api.errors import UsageError
from tests.usecases.project import ACTOR, CHILD, FIRST, GONE, SECOND


def items(cli, *argv):
    result = cli(*argv, "-o", "json")
    assert result.code == 0, result.err
    return json.loads(result.out)["items"]


def deleted(cli):
    return {one["subject"] for one in items(cli, "trash", "ls")}


def at_terminal(monkeypatch):
    monkeypatch.setattr(common.streams, "is_terminal", lambda stream: stream is sys.stdin)


def test_the_list_says_who_why_and_how_long(cli, golden, monkeypatch):
    monkeypatch.setattr(workspace, "current_actor", lambda _=None: ACTOR)
    cli("versions", "lock", "fraud", "1", "--reason", "audit", "--yes")
    cli("runs", "rm", CHILD, "--reason", "a\x1b[31m try", "--ticket", "CHG1", "--yes")
    cli("versions", "rm", "fraud", "3", "--yes")
    golden("trash-ls.txt", cli("trash", "ls").out)
    golden("trash-ls.json", cli("trash", "ls", "-o", "json").out)
    golden("trash-ls.csv", cli("trash", "ls", "-o", "csv").out)
    assert cli("trash", "ls", "--filter", "what = version").out.count("\n") == 2
    first = cli("trash", "ls", "--limit", "1")
    assert "more follow" in first.err
    assert "LOCKED" in cli("versions", "ls", "fraud").out
    assert "LOCKED   op1" not in cli("versions", "show", "fraud", "2").out
    assert "audit" in cli("versions", "show", "fraud", "1").out


def test_restored_by_what_names_it(cli):
    cli("runs", "rm", FIRST, CHILD, "--yes")
    assert cli("trash", "restore", "xgb-base", CHILD[:4], "--yes").code == 0
    assert deleted(cli) == {f"runs/{GONE}"}
    listed = cli("trash", "ls", "-o", "jsonl").out
    assert cli("trash", "restore", "-", "--yes", stdin=listed).code == 0
    assert deleted(cli) == set()
    assert cli("trash", "restore", "nothing", "--yes").code == 2
    assert cli("trash", "restore").code == 2
    assert cli("trash", "restore", "x", "--filter", "*").code == 2


def test_a_purge_waits_for_its_time_or_a_reason(cli, golden):
    early = cli("trash", "purge", "--yes")
    assert early.code == 4
    assert "more days" in early.out
    assert cli("trash", "purge", "--now", "--yes").code == 2
    result = cli("trash", "purge", "--now", "--reason", "by order", "--dry-run")
    assert "this cannot be undone" in result.out
    assert "BREAKS" in result.out.splitlines()[1]
    assert cli("trash", "purge", "--now", "--older-than", "9w", "--reason", "x", "--yes").code == 0
    assert deleted(cli) == {f"runs/{GONE}"}
    done = cli("trash", "purge", GONE, "--now", "--reason", "by order", "--yes", "-o", "jsonl")
    assert done.code == 0, done.err
    assert json.loads(done.out)["result"] == "done"
    assert deleted(cli) == set()
    [event] = items(cli, "audit", "ls", "--filter", "action = run.purge")
    assert (event["reason"], event["after"]) == ("by order", {"record": None})
    assert cli("runs", "show", GONE).code == 2


def test_a_model_is_deleted_by_typing_its_aliases(cli, monkeypatch):
    refusal = cli("models", "rm", "fraud", "--yes")
    assert refusal.code == 4
    assert "--with-aliases" in refusal.err
    at_terminal(monkeypatch)
    for answer in ("y\n", "champion\n", ""):
        assert cli("models", "rm", "fraud", "--with-aliases", stdin=answer).code == 4
    asked = cli("models", "rm", "fraud", "--with-aliases", stdin="fraud@champion\n")
    assert asked.code == 0, asked.err
    assert asked.err.index("BREAKS") < asked.err.index("WHAT CHANGES")
    assert "Type fraud@champion to do it" in asked.err
    assert deleted(cli) == {"models/fraud", f"runs/{GONE}"}
    assert cli("models", "restore", "fraud", "--yes").code == 0
    assert items(cli, "alias", "ls") == []


def test_a_lock_needs_a_reason_and_refuses(cli):
    assert cli("versions", "lock", "fraud/1", "--yes").code == 2
    assert cli("versions", "lock", "fraud/1", "--reason", "audit", "--yes").code == 0
    for argv in (
        ("versions", "rm", "fraud/1"),
        ("versions", "tag", "fraud/1", "a=b"),
        ("versions", "tag", "fraud/1", "modeldeck.locked="),
        ("runs", "rm", FIRST),
    ):
        assert cli(*argv, "--yes").code == 4
    assert cli("alias", "set", "fraud", "champion", "1", "--yes").code == 0
    assert cli("versions", "unlock", "fraud/1", "--yes").code == 2
    assert cli("versions", "unlock", "fraud/1", "--reason", "over", "--yes").code == 0


def test_by_filter_what_refuses_is_listed_and_the_rest_done(cli):
    done = cli("versions", "rm", "fraud", "--filter", "*", "--yes", "-o", "jsonl")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    results = {row["subject"]: row["result"] for row in rows}
    assert results == {
        "models/fraud/3": "done", "models/fraud/1": "done", "models/fraud/2": "refused",
    }  # fmt: skip
    again = cli("versions", "rm", "fraud", "--filter", "*", "--yes")
    assert again.code == 4
    assert "champion" in again.out
    tagged = cli("runs", "tag", "seen=1", "-e", "fraud", "--filter", "metrics.auc > 0.9", "--yes")
    assert tagged.code == 0, tagged.err
    found = items(cli, "runs", "ls", "--filter", "tags.seen = 1")
    assert {one["id"] for one in found} == {FIRST, SECOND}
    assert cli("runs", "rm", "--filter", "", "--yes").code == 2
    assert cli("runs", "rm", FIRST, "--filter", "*", "--yes").code == 2
    assert cli("runs", "rm", "--filter", "name = nothing", "--yes").code == 0


def test_a_great_count_is_typed(cli, monkeypatch):
    monkeypatch.setattr("modeldeck.app.usecases.confirming.MANY", 2)
    everything = ("runs", "rm", "--filter", "*")
    few = cli(*everything, "--yes")
    assert few.code == 4
    assert "--count 5 says that you know" in few.err
    assert cli(*everything, "--yes", "--count", "4").code == 4
    at_terminal(monkeypatch)
    assert cli(*everything, stdin="y\n").code == 4
    assert cli(*everything, stdin="4\n").code == 4
    asked = cli(*everything, "--dry-run")
    assert asked.code == 0
    assert deleted(cli) == {f"runs/{GONE}"}
    assert cli(*everything, stdin="5\n").code == 0
    assert len(deleted(cli)) == 6
    back = cli("trash", "restore", "--filter", "what = run", "--yes", "--count", "6")
    assert back.code == 0, back.err
    assert deleted(cli) == set()


@pytest.mark.parametrize("text", ["", "d", "30", "-3d", "3y", "²d", "1.5d"])
def test_odd_spans_are_said_to_be_none(text):
    with pytest.raises(UsageError):
        trash.span(text)
