"""`runs ls --by`: what `B` shows in the console."""

from __future__ import annotations

import json

import pytest


def groups(cli, *argv):
    result = cli("runs", "ls", "--by", *argv, "-o", "json")
    assert result.code == 0, result.err
    return json.loads(result.out)["items"]


def test_by_one_field_with_what_was_reached(cli, golden):
    result = cli("runs", "ls", "--by", "experiment")
    assert (result.code, result.err) == (0, "")
    golden("runs-ls-by.txt", result.out)
    golden("runs-ls-by.csv", cli("runs", "ls", "--by", "experiment", "-o", "csv").out)
    runs = json.loads(cli("runs", "ls", "-o", "json").out)["items"]
    for group in groups(cli, "experiment"):
        inside = [run for run in runs if run["experiment"] == group["by"]["experiment"]]
        assert group["count"] == len(inside)
        for key, reached in (("auc", max), ("loss", min)):
            values = [run["metrics"].get(key) for run in inside]
            finite = [value for value in values if isinstance(value, float)]
            assert group["best"].get(key) == reached(finite, default=None)


def test_by_several_fields_each_group_is_one_combination(cli):
    runs = json.loads(cli("runs", "ls", "-o", "json").out)["items"]
    found = groups(cli, "status, params.depth,status")
    wanted = {}
    for run in runs:
        key = (run["status"], run["params"].get("depth"))
        wanted[key] = wanted.get(key, 0) + 1
    assert {tuple(one["by"].values()): one["count"] for one in found} == wanted
    assert [list(one["by"]) for one in found] == [["status", "params.depth"]] * len(found)


def test_filters_sorts_and_pages_hold_for_groups(cli):
    failed = groups(cli, "status", "--filter", "status = failed")
    assert [(one["by"], one["count"]) for one in failed] == [({"status": "failed"}, 1)]
    values = [one["by"]["status"] for one in groups(cli, "status", "--sort", "-value")]
    assert values == sorted(values, reverse=True)
    best = [one["best"].get("loss") for one in groups(cli, "name", "--sort", 'metrics."best loss"')]
    known = [value for value in best if value is not None]
    assert best == [*sorted(known), *[None] * (len(best) - len(known))]
    first = cli("runs", "ls", "--by", "name", "--limit", "1", "-o", "json")
    token = json.loads(first.out)["next"]
    rest = groups(cli, "name", "--next", token)
    assert json.loads(first.out)["items"] + rest == groups(cli, "name")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["statu"], "runs have no field 'statu'. Did you mean status?"),
        (["params.dept"], "no run has params.dept. Did you mean params.depth?"),
        (["duration"], "runs are not grouped by duration"),
        (["params.api_token"], "the values of api_token are masked"),
        (["status,"], "--by, character 8: cannot read the end"),
        (["status", "--sort", "metrics.auc"], 'Sort by metrics."best auc"'),
        (["status", "--sort", "started"], "groups have no field 'started'"),
        ([",".join(f"tags.t{n}" for n in range(9))], "by 8 fields at most"),
    ],
)
def test_what_cannot_be_grouped_says_why(cli, argv, words):
    result = cli("runs", "ls", "--by", *argv)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_where_none_of_those_that_fit_has_it_they_are_one_group(cli):
    found = groups(cli, "params.depth", "--filter", "not has params.depth")
    assert [one["by"] for one in found] == [{"params.depth": None}]
