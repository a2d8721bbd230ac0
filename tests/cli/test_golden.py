"""What is printed, word for word: JSON that scripts rely on, tables that people read."""

from __future__ import annotations

import json
import re

import pytest

from tests.usecases.project import FAILED, FIRST, RUNNING, SECOND

COMMANDS = {
    "experiments-ls": ["experiments", "ls"],
    "runs-ls": ["runs", "ls"],
    "runs-ls-sorted": ["runs", "ls", "--sort", "-params.depth,metrics.auc", "--limit", "2"],
    "runs-ls-deleted": ["runs", "ls", "--deleted"],
    "runs-show": ["runs", "show", FIRST[:4]],
    "runs-show-failed": ["runs", "show", FAILED],
    "runs-show-note": ["runs", "show", "xgb-deep"],
    "runs-compare": ["runs", "compare", FIRST, SECOND, FAILED],
    "runs-compare-all": ["runs", "compare", FIRST, SECOND, "--all", "--baseline", SECOND],
    "models-ls": ["models", "ls"],
    "models-show": ["models", "show", "fraud"],
    "versions-ls": ["versions", "ls", "fraud"],
    "versions-ls-all": ["versions", "ls"],
    "versions-show": ["versions", "show", "fraud@champion"],
    "versions-show-unsafe": ["versions", "show", "fraud", "3"],
    "alias-ls": ["alias", "ls"],
    "audit-ls": ["audit", "ls"],
    "status": ["status"],
    "status-short": ["status", "--short"],
}
NO_CSV = {"status", "status-short"}


def masked(text: str) -> str:
    """Without what is random on purpose: the links of the trail hang on salts."""
    return re.sub(r'"link": "[0-9a-f]{64}"', '"link": "<link>"', text)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table(cli, golden, name):
    result = cli(*COMMANDS[name])
    assert result.code == 0, result.err
    golden(f"{name}.txt", result.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_json(cli, golden, name):
    result = cli(*COMMANDS[name], "-o", "json")
    assert result.code == 0, result.err
    document = json.loads(masked(result.out))
    assert document["schema"] == 1
    golden(f"{name}.json", json.dumps(document, indent=1) + "\n")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NO_CSV))
def test_each_line_of_csv_has_as_many_cells_as_the_head(cli, name):
    import csv
    import io

    result = cli(*COMMANDS[name], "-o", "csv")
    assert result.code == 0, result.err
    head, *rows = csv.reader(io.StringIO(result.out))
    assert rows
    assert all(len(row) == len(head) for row in rows)


def test_csv_of_runs(cli, golden):
    golden("runs-ls.csv", cli("runs", "ls", "-o", "csv").out)


def test_jsonl_is_the_items_of_json(cli):
    items = json.loads(cli("runs", "ls", "-o", "json").out)["items"]
    lines = cli("runs", "ls", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == items


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_all_of_a_list_is_what_its_pages_are(cli, form):
    assert cli("runs", "ls", "--limit", "0", "-o", form).out == (
        cli("runs", "ls", "--limit", "50", "-o", form).out
    )


def test_export_of_series(cli, golden):
    result = cli("runs", "export", SECOND, RUNNING, "--series", "-o", "csv")
    assert result.code == 0, result.err
    golden("runs-export.csv", result.out)


def test_a_plan(cli, golden):
    result = cli("alias", "set", "fraud", "champion", "1", "--dry-run", "--reason", "roll back")
    assert result.code == 0, result.err
    golden("plan.txt", re.sub(r"PLAN [0-9a-f]{8}", "PLAN <id>", result.out))


def test_help_names_every_command(cli, golden):
    golden("help.txt", cli("--help").out)
