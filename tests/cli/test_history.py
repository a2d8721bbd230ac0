"""`modeldeck history`, `at` and `dossier` as they are typed."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import run_cli
from tests.usecases.project import NOW

EARLY = "2026-11-20 08:00"


def test_history_is_newest_first(cli, golden):
    result = cli("history", "fraud")
    assert result.code == 0, result.err
    golden("history.txt", result.out)
    assert "the trail begins" in result.err


def test_history_of_one_alias_in_an_interval(cli):
    cli("alias", "set", "fraud", "champion", "3", "--reason", "why not", "--yes")
    rows = json.loads(cli("history", "fraud@champion", "-o", "json").out)["items"]
    assert [(row["before"], row["after"]) for row in rows] == [(2, 3), (1, 2), (None, 1)]
    assert rows[0]["reason"] == "why not"
    first, second = rows[2]["time"], rows[1]["time"]
    found = cli("history", "models/fraud@champion", "--from", second, "--to", second, "-o", "jsonl")
    assert [json.loads(line)["after"] for line in found.out.splitlines()] == [2]
    assert first < second
    result = cli("history", "fraud@champion", "--limit", "1")
    assert len(result.out.splitlines()) == 2
    assert "2 older: --limit 0 gives all" in result.err
    rows = list(csv.DictReader(io.StringIO(cli("history", "fraud", "-o", "csv").out)))
    assert {row["kind"] for row in rows} == {"alias", "registered"}


def test_at_says_then_beside_now(cli, golden):
    between = json.loads(cli("history", "fraud@champion", "-o", "json").out)["items"][1]["time"]
    result = cli("at", between, "fraud")
    golden("at.txt", result.out)
    assert "at Mon 2026-11-23 11:55" in result.err
    document = json.loads(cli("at", between, "-o", "json").out)
    (item,) = document["items"]
    assert (item["alias"], item["version"], item["now"], item["who"]) == ("champion", 1, 2, "op1")
    assert document["at"] == between
    lines = cli("at", "monday", "-o", "jsonl")
    assert lines.code == 2
    assert "it could be today or a week ago" in lines.err


def test_before_the_trail_is_not_none(cli):
    result = cli("at", "2026-11-01", "fraud")
    assert "NOT CERTAIN" in result.out
    assert "fraud@champion: not known, nothing is known before 20 Nov 08:00" in result.out
    item = json.loads(cli("at", "last", "tuesday", "08:00", "fraud", "-o", "json").out)["items"][0]
    assert (item["known"], item["version"], item["state"]) == (False, None, "before")
    (row,) = json.loads(cli("at", EARLY + ":05", "-o", "json").out)["items"]
    assert (row["known"], row["version"]) == (True, None), "here nothing moves without an event"


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["at"], 2, "at which time?"),
        (["at", "14:05", "fraud"], 2, "is still to come"),
        (["at", "2pm"], 2, "is no time"),
        (["at", "yesterday", "nobody"], 2, "no model 'nobody'"),
        (["at", "--whatever"], 2, "is no time"),
        (["history", "nobody"], 2, "no model 'nobody'"),
        (["history", "fraud@"], 2, "names no model"),
        (["history", "fraud@nix"], 2, "nothing is known of an alias 'nix'"),
        (["history", "fraud", "--from", "soon"], 2, "'soon' is no time"),
        (["dossier", "fraud", "--at", "+1d"], 2, "is still to come"),
        (["dossier", "nobody"], 2, "no model 'nobody'"),
    ],
)
def test_what_is_refused(cli, argv, code, words):
    result = cli(*argv)
    assert result.code == code
    assert words in result.err
    assert result.out == ""


@pytest.mark.parametrize("form", ["md", "html", "json"])
def test_a_dossier_is_printed_or_saved_once(cli, tmp_path, form):
    printed = cli("dossier", "fraud", "--at", "-1s", "-o", form)
    assert printed.code == 0, printed.err
    saved = tmp_path / f"dossier.{form}"
    result = cli("dossier", "fraud", "--at", "-1s", "-o", form, "--save", saved)
    assert result.out == ""
    assert saved.read_text() == printed.out
    assert f"{len(saved.read_bytes()):,} bytes" in result.err
    again = cli("dossier", "fraud", "-o", form, "--save", saved)
    assert (again.code, "is there already" in again.err) == (2, True)
    if form == "json":
        document = json.loads(printed.out)
        assert document["schema"] == 1
        assert document["at"] == f"{NOW:%Y-%m-%dT11:59:59Z}"


def test_of_a_store_of_another_tool_only_now_is_known(mlflow_store, tmp_path):
    """Such a store keeps no history, and nobody looked before."""
    store = mlflow_store("3-sqlite").path
    items = json.loads(run_cli("--registry", store, "at", "now", "-o", "json").out)["items"]
    assert items
    for item in items:
        assert item["known"]
        assert item["version"] == item["now"]
    items = json.loads(run_cli("--registry", store, "at", "-1d", "-o", "json").out)["items"]
    assert {item["state"] for item in items} == {"before"}
