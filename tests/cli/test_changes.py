"""Changes: a plan first, then asked for, then made with its event; or refused."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from modeldeck.app.cli import common
from modeldeck.app.config.paths import config_file
from tests.cli.conftest import run_cli
from tests.usecases.project import CHILD, FIRST, GONE, RUNNING, SECOND


def items(cli, *argv):
    result = cli(*argv, "-o", "json")
    assert result.code == 0, result.err
    return json.loads(result.out)["items"]


def aliases(cli):
    return {item["alias"]: item["version"] for item in items(cli, "alias", "ls", "fraud")}


def files_of(project):
    folder = project / ".modeldeck"
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith("-shm")
    }


def elsewhere(cli, *argv):
    """Another session at the same time: one event loop cannot run inside another."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(cli, *argv).result()


CHANGES = {
    "tag a run": ["runs", "tag", FIRST, "owner=me"],
    "delete a run": ["runs", "rm", FIRST],
    "restore a run": ["runs", "restore", GONE],
    "tag a version": ["versions", "tag", "fraud", "1", "owner=me"],
    "delete a version": ["versions", "rm", "fraud", "1"],
    "set an alias": ["alias", "set", "fraud", "champion", "3"],
    "remove an alias": ["alias", "rm", "fraud", "champion"],
}


@pytest.mark.parametrize("about", CHANGES)
def test_a_dry_run_prints_the_plan_and_changes_nothing(cli, project, about):
    cli("runs", "ls")
    before = files_of(project)
    result = cli(*CHANGES[about], "--dry-run")
    assert result.code == 0, result.err
    assert result.out.startswith("PLAN ")
    assert "nothing changed yet" in result.out
    assert "WAY BACK" in result.out
    as_json = cli(*CHANGES[about], "--dry-run", "-o", "json")
    assert json.loads(as_json.out)["changes"]
    assert files_of(project) == before


@pytest.mark.parametrize("about", CHANGES)
def test_without_a_terminal_it_must_be_confirmed_with_yes(cli, project, about):
    cli("runs", "ls")
    before = files_of(project)
    result = cli(*CHANGES[about])
    assert (result.code, result.out) == (4, "")
    assert "not confirmed, and there is no terminal to ask at. --yes confirms" in result.err
    assert files_of(project) == before


@pytest.mark.parametrize("about", CHANGES)
@pytest.mark.parametrize("how", ["--readonly", "MODELDECK_READONLY"])
def test_read_only_shows_the_plan_and_stops_there(cli, about, how, monkeypatch):
    extra = []
    if how == "--readonly":
        extra = [how]
    else:
        monkeypatch.setenv(how, "1")
    assert cli(*CHANGES[about], "--dry-run", *extra).code == 0
    result = cli(*CHANGES[about], "--yes", *extra)
    assert (result.code, result.out) == (4, "")
    assert how in result.err


@pytest.mark.parametrize("about", CHANGES)
def test_it_is_done_once_with_its_event(cli, about):
    result = cli(*CHANGES[about], "--yes", "--reason", "because", "--ticket", "T-1")
    assert (result.code, result.out) == (0, "")
    assert result.err == "done: 1 change, event 19\n"
    event = items(cli, "audit", "ls", "--limit", "1")[0]
    assert (event["seq"], event["reason"], event["ticket"]) == (19, "because", "T-1")
    if "alias rm" not in " ".join(CHANGES[about]):
        again = cli(*CHANGES[about], "--yes")
        assert (again.code, again.err) == (0, "nothing to change: it is so already\n")


def test_what_was_done_can_be_printed(cli):
    result = cli("runs", "tag", FIRST, "a=1", "b=2", "team=", "--yes", "-o", "json")
    events = json.loads(result.out)["items"]
    assert [(e["before"], e["after"]) for e in events] == [
        ({"tag:a": None}, {"tag:a": "1"}),
        ({"tag:b": None}, {"tag:b": "2"}),
        ({"tag:team": "risk"}, {"tag:team": None}),
    ]
    run = json.loads(cli("runs", "show", FIRST, "-o", "json").out)
    assert run["tags"] == {"a": "1", "b": "2"}


def test_a_value_may_hold_any_sign_and_be_long(cli):
    cli("runs", "tag", FIRST, f"q=a=b='{'x' * 20_000}'\x1b[0m", "--yes")
    run = json.loads(cli("runs", "show", FIRST, "-o", "json").out)
    assert run["tags"]["q"] == f"a=b='{'x' * 20_000}'\x1b[0m"


def test_an_alias_moves_by_compare_and_set(cli):
    assert cli("alias", "set", "fraud", "champion", "3", "--expect", "2", "--yes").code == 0
    late = cli("alias", "set", "fraud", "champion", "1", "--expect", "2", "--yes")
    assert (late.code, late.out) == (4, "")
    assert late.err == (
        "modeldeck: fraud@champion: it is version 3 now, version 2 was expected."
        " Look at what changed, then plan again\n"
    )
    assert aliases(cli) == {"champion": 3}


def test_an_alias_is_set_for_the_first_time_only(cli):
    assert cli("alias", "set", "fraud", "next", "v3", "--expect", "none", "--yes").code == 0
    late = cli("alias", "set", "fraud", "next", "1", "--expect", "none", "--yes")
    assert late.code == 4
    assert "it is version 3 now, not set was expected" in late.err
    late = cli("alias", "set", "fraud", "other", "1", "--expect", "2", "--yes")
    assert late.code == 4
    assert "it is not set now, version 2 was expected" in late.err
    assert aliases(cli) == {"champion": 2, "next": 3}


def test_an_alias_that_moves_between_plan_and_change_is_a_conflict(cli, monkeypatch):
    """Somebody else is faster while we are asked."""

    def meanwhile(*_):
        assert elsewhere(cli, "alias", "set", "fraud", "champion", "3", "--yes").code == 0

    monkeypatch.setattr(common, "confirm", meanwhile)
    result = cli("alias", "set", "fraud", "champion", "1")
    assert result.code == 4
    assert "version is 3 now, the plan expects 2" in result.err
    assert aliases(cli) == {"champion": 3}


def test_an_alias_cannot_point_at_what_is_deleted(cli):
    assert cli("versions", "rm", "fraud/1", "--yes").code == 0
    result = cli("alias", "set", "fraud", "next", "1", "--yes")
    assert result.code == 4
    assert "version 'fraud'/1" in result.err or "version fraud/1: is deleted" in result.err


def test_a_version_that_goes_between_plan_and_change_is_a_conflict(cli, monkeypatch):
    def meanwhile(*_):
        assert elsewhere(cli, "versions", "rm", "fraud/1", "--yes").code == 0

    monkeypatch.setattr(common, "confirm", meanwhile)
    result = cli("alias", "set", "fraud", "next", "1")
    assert result.code == 4
    assert "models/fraud/1: deleted is" in result.err
    assert aliases(cli) == {"champion": 2}


def test_a_version_is_not_deleted_under_its_alias(cli):
    for ref in (["fraud", "2"], ["fraud/2"], ["fraud@champion"], ["models/fraud/2"]):
        result = cli("versions", "rm", *ref, "--yes")
        assert result.code == 4
        assert result.err == (
            "modeldeck: version fraud/2: fraud@champion points at it. `modeldeck alias set fraud"
            " champion VERSION` moves it, `modeldeck alias rm fraud champion` removes it\n"
        )
    assert len(items(cli, "versions", "ls", "fraud")) == 3


def test_deleted_versions_come_back(cli):
    assert cli("versions", "rm", "fraud/1", "fraud", "3", "--yes").code == 0
    assert [v["version"] for v in items(cli, "versions", "ls", "fraud")] == [2]
    assert [v["version"] for v in items(cli, "versions", "ls", "--deleted")] == [3, 1]
    assert cli("versions", "restore", "fraud/1", "--yes").code == 0
    assert [v["version"] for v in items(cli, "versions", "ls", "fraud")] == [2, 1]


def test_deleting_a_run_says_what_stays_behind(cli):
    out = cli("runs", "rm", RUNNING, FIRST, "--dry-run").out
    for words in (
        "logit is running, and goes on",
        "logit: its 1 children stay, without it",
        "fraud 1 came from xgb-base and stays",
        "its series and artifacts stay, and can be restored with it",
    ):
        assert words in out


def test_deleted_runs_come_back(cli):
    assert cli("runs", "rm", "xgb-base", "--yes").code == 0
    assert FIRST not in [run["id"] for run in items(cli, "runs", "ls")]
    assert cli("runs", "restore", "xgb-base", "--yes").code == 0
    assert FIRST in [run["id"] for run in items(cli, "runs", "ls")]


def test_ids_come_from_another_list(cli):
    lines = cli("runs", "ls", "-e", "fraud", "-o", "jsonl").out
    result = cli("runs", "tag", "-", "batch=7", "--yes", stdin=lines)
    assert (result.code, result.err) == (0, "done: 3 changes, event 21\n")
    found = items(cli, "runs", "ls", "--filter", "tag.batch = 7")
    assert {run["experiment"] for run in found} == {"fraud"}
    whole = cli("runs", "ls", "--filter", "tag.batch = 7", "-o", "json").out
    result = cli("runs", "rm", "-", "--yes", stdin=whole)
    assert result.err == "done: 3 changes, event 24\n"
    result = cli("runs", "restore", "-", "--yes", stdin=f"\n{FIRST}\nruns/{SECOND}\n  xgb-wide \n")
    assert result.err == "done: 3 changes, event 27\n"


def test_versions_come_from_another_list(cli):
    lines = cli("versions", "ls", "-o", "jsonl").out
    assert cli("versions", "tag", "-", "seen=yes", "--yes", stdin=lines).code == 0
    assert len(items(cli, "versions", "ls", "--filter", "tag.seen = yes")) == 3


def test_a_list_that_is_empty_is_nothing_to_do(cli):
    result = cli("runs", "rm", "-", "--yes", stdin="")
    assert (result.code, result.err) == (0, "nothing to change: it is so already\n")


@pytest.mark.parametrize("line", ["{", "{}", '{"id"}', '{"items": 3, "schema": 1}', "{" * 5000])
def test_a_line_that_is_no_id_is_named(cli, line):
    result = cli("runs", "rm", "-", "--yes", stdin=f"{FIRST}\n{line}\n")
    assert result.code == 2
    assert result.err == "modeldeck: stdin, line 2: is no JSON with an id. Give -o jsonl\n"
    assert len(items(cli, "runs", "ls")) == 5


def test_one_unknown_id_leaves_all_as_it_was(cli):
    result = cli("runs", "tag", FIRST, "nobody", "a=b", "--yes")
    assert result.code == 2
    assert items(cli, "runs", "ls", "--filter", "has tag.a") == []


def test_a_run_named_twice_is_changed_once(cli):
    result = cli("runs", "tag", FIRST, "xgb-base", FIRST[:6], "a=b", "--yes")
    assert result.err == "done: 1 change, event 19\n"


def test_many_runs_are_not_named_on_the_command_line_of_the_plan(cli, monkeypatch):
    monkeypatch.setattr("modeldeck.app.usecases.plans.NAMED", 2)
    out = cli("runs", "tag", FIRST, SECOND, CHILD, "a=b", "--dry-run").out
    assert "$ modeldeck runs tag - a=b" in out


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 4), ("\n", 4), ("", 4)]
)
def test_a_person_is_asked(cli, monkeypatch, answer, code):
    monkeypatch.setattr(common.streams, "is_terminal", lambda stream: stream is sys.stdin)
    result = cli("alias", "set", "fraud", "champion", "3", stdin=answer)
    assert result.code == code
    assert "champion  version  2 -> 3" in result.err
    assert "Do it? [y/N]" in result.err
    assert aliases(cli) == {"champion": 3 if code == 0 else 2}


@pytest.mark.parametrize(("answer", "code"), [("prod\n", 0), ("y\n", 4), ("PROD\n", 4), ("", 4)])
def test_a_protected_context_is_confirmed_by_its_name(project, monkeypatch, answer, code):
    config = config_file()
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[contexts.prod]\nprotected = true\nregistry = {{type = "local", path = "{project}"}}\n'
    )
    monkeypatch.setattr(common.streams, "is_terminal", lambda stream: stream is sys.stdin)
    change = ("--context", "prod", "alias", "set", "fraud", "champion", "3", "--reason", "r")
    result = run_cli(*change, stdin=answer)
    assert result.code == code, result.err
    assert "Type prod to do it there: " in result.err
    left = run_cli("--context", "prod", "versions", "show", "fraud@champion", "-o", "json")
    assert json.loads(left.out)["version"] == (3 if code == 0 else 2)
