"""Lists: filters, order, pages, columns."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from modeldeck.app.cli.tables import table_lines
from tests.cli.conftest import run_cli
from tests.usecases.project import CHILD, FAILED, FIRST, GONE, RUNNING, SECOND


def ids(cli, *argv, key="id"):
    result = cli(*argv, "-o", "json")
    assert result.code == 0, result.err
    return [item[key] for item in json.loads(result.out)["items"]]


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ([], [CHILD, RUNNING, FAILED, SECOND, FIRST]),
        (["--sort", "metrics.auc"], [RUNNING, FIRST, SECOND, FAILED, CHILD]),
        (["--sort", "-metrics.loss", "-e", "fraud"], [FAILED, FIRST, SECOND]),
        (["--filter", "metrics.auc > 0.9 and started > -2d12h"], [SECOND]),
        (["--filter", "status in (failed, killed)"], [FAILED]),
        (["--filter", "tag.team = risk"], [FIRST]),
        (["--filter", "xgb"], [FAILED, SECOND, FIRST]),
        (["-e", "churn"], [CHILD, RUNNING]),
        (["-e", "exp-churn", "-e", "fraud", "--top"], [RUNNING, FAILED, SECOND, FIRST]),
        (["--parent", "logit"], [CHILD]),
        (["--deleted"], [GONE]),
        (["--filter", "duration >= 40m"], [FIRST]),
    ],
)
def test_runs(cli, argv, found):
    assert ids(cli, "runs", "ls", *argv) == found


@pytest.mark.parametrize(
    ("argv", "key", "found"),
    [
        (["experiments", "ls", "--filter", "runs > 2"], "name", ["fraud"]),
        (["experiments", "ls", "--sort", "name"], "name", ["churn", "fraud"]),
        (["models", "ls", "--filter", "alias = champion"], "name", ["fraud"]),
        (["models", "ls", "--filter", "alias = other"], "name", []),
        (["versions", "ls", "--filter", "format = skops"], "version", [2, 1]),
        (["versions", "ls", "fraud", "--sort", "version"], "version", [1, 2, 3]),
        (["alias", "ls", "--filter", "version >= 2 and moved > -1h"], "alias", ["champion"]),
        (["alias", "ls", "fraud", "--filter", "name = x"], "alias", []),
        (["audit", "ls", "--filter", "action = alias.set", "--sort", "seq"], "seq", [16, 17]),
        (["audit", "ls", "--filter", "actor = nobody"], "seq", []),
    ],
)
def test_other_nouns(cli, argv, key, found):
    assert ids(cli, *argv, key=key) == found


@pytest.mark.parametrize("noun", ["experiments", "models", "versions", "alias", "audit", "runs"])
def test_a_bad_filter_names_the_words_of_its_noun(cli, noun):
    result = cli(noun, "ls", "--filter", "nothing_such = 1")
    assert result.code == 2
    assert "have no field 'nothing_such'. Expected one of " in result.err


@pytest.mark.parametrize("noun", [["runs"], ["experiments"], ["versions"], ["alias"], ["audit"]])
def test_pages_join_to_the_list(cli, noun):
    assert cli("alias", "set", "fraud", "next", "3", "--yes").code == 0
    whole = json.loads(cli(*noun, "ls", "--limit", "0", "-o", "json").out)["items"]
    found, token = [], None
    for _ in range(len(whole) + 1):
        following = ["--next", token] if token else []
        page = json.loads(cli(*noun, "ls", "--limit", "1", "-o", "json", *following).out)
        found += page["items"]
        token = page["next"]
        if token is None:
            break
    assert found == whole
    assert len(whole) > 1


def test_a_list_of_more_than_a_hundred_says_that_more_follow(cli):
    for number in range(101):
        assert cli("alias", "set", "fraud", f"a{number:03}", "1", "--yes").code == 0
    result = cli("alias", "ls")
    assert len(result.out.splitlines()) == 101
    assert result.err.startswith("more follow: --next ")
    token = result.err.split()[3]
    assert len(cli("alias", "ls", "--next", token).out.splitlines()) == 3
    assert len(cli("alias", "ls", "--limit", "101").out.splitlines()) == 102
    assert cli("alias", "ls", "--limit", "102").err == ""


def test_nothing_found_is_said_on_stderr(cli):
    assert cli("runs", "ls", "--filter", "nothing") == (0, "", "nothing found\n")
    assert cli("runs", "ls", "--filter", "nothing", "-o", "csv") == (0, "", "")
    empty = '{"schema": 1, "items": [], "next": null}\n'
    for limit in ("0", "5"):
        argv = ["runs", "ls", "--filter", "nothing", "-o", "json", "--limit", limit]
        assert cli(*argv) == (0, empty, "")


@pytest.mark.parametrize(
    ("one", "other"), [("run", None), ("experiment", "experiments"), ("model", "models")]
)
def test_nouns_are_plural_or_singular(cli, one, other):
    if other is not None:
        assert cli(one, "ls") == cli(other, "ls")
    assert cli("version", "ls") == cli("versions", "ls")
    assert cli("aliases", "ls") == cli("alias", "ls")


def test_the_place_may_be_named_before_or_after_the_noun(project):
    before = run_cli("--registry", project, "runs", "ls")
    after = run_cli("runs", "ls", "--registry", project / ".modeldeck" / "registry.db")
    assert before == after
    assert before.code == 0


def test_the_registry_is_found_from_a_folder_below(project, monkeypatch):
    below = project / "src" / "train"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert run_cli("runs", "ls").out == run_cli("--registry", project, "runs", "ls").out
    monkeypatch.chdir("/")
    monkeypatch.setenv("MODELDECK_REGISTRY", str(project))
    assert run_cli("runs", "ls").code == 0


def test_a_table_keeps_to_its_room_and_counts_cells_not_characters():
    rows = [["表表表", "x"], ["é", "y" * 100]]
    found = list(table_lines(["NAME", "V"], rows, room=20))
    assert found[0] == "NAME    V"
    assert found[1] == "表表表  x"
    assert found[2] == "é       yyyyyyyyyyy…"


def test_edges_of_a_name_can_be_seen():
    assert list(table_lines(["A"], [["x"], ["x "]])) == ["A", "x", r"x\u{20}"]


def test_figures_of_the_machine_are_no_column_unless_asked_for(cli, project):
    with closing(sqlite3.connect(project / ".modeldeck" / "registry.db")) as registry:
        registry.execute("INSERT INTO key(kind, name) VALUES(1, 'system/cpu_percent')")
        registry.execute(
            "INSERT INTO metric(run_id, key_id, value, step)"
            " SELECT run.id, key.id, 96.5, 0 FROM run, key WHERE key.name = 'system/cpu_percent'"
        )
        registry.commit()
    assert "system/" not in cli("runs", "ls").out
    assert "96.5" in cli("runs", "ls", "--sort", "metrics.system/cpu_percent").out
