"""No byte of foreign text steers a terminal, a spreadsheet or a shell."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Dataset, Evaluation, Run, Status
from modeldeck.backends.local import create_registry
from tests.cli.conftest import run_cli
from tests.usecases.project import (
    ACTOR,
    CONTEXT,
    NOW,
    START,
    Clock,
    add_run,
    alias_change,
    plan_of,
    points,
    version_change,
)

EVIL = "\x1b]0;owned\x07\x9b31m\u202e\u200b\r\n\tname\x7f"
LISTS = [
    ["runs", "ls"],
    ["runs", "show", "a1"],
    ["runs", "compare", "a1", "b2", "--all"],
    ["experiments", "ls"],
    ["models", "ls"],
    ["versions", "ls"],
    ["alias", "ls"],
    ["audit", "ls"],
    ["status"],
    ["status", "--short"],
]
FORMS = ["table", "json", "jsonl", "csv"]


def safe(text: str) -> bool:
    """Nothing but lines of what can be seen."""
    return all(
        char == "\n" or (char.isprintable() and unicodedata.category(char) != "Cf") for char in text
    )


def hostile_project(folder, name: str) -> None:
    """One name for everything that can have one."""

    async def make() -> None:
        backend = create_registry(folder, clock=Clock())
        for run_id in ("a1" * 8, "b2" * 8):
            run = Run(
                id=run_id,
                name=name,
                experiment=name,
                status=Status.FAILED,
                started_at=START,
                ended_at=START,
                reason=name,
                user=name,
                git=name,
                note=name,
            )
            await add_run(
                backend,
                run,
                points={name: points([1.0])},
                params={name: name + run_id},
                tags={name: name},
                datasets=[Dataset(name=name, digest=name + run_id, source=name, context=name)],
                evaluations=[Evaluation(metric=name, value=1.0, dataset=name, slice=name)],
            )
        backend.clock = Clock(NOW)
        for plan in (
            plan_of("version.register", version_change(name, 1, format=name, unsafe=[name])),
            plan_of("alias.set", alias_change(name, name, None, 1), reason=name),
            plan_of("run.tag", Change(f"runs/{'a1' * 8}", f"tag:{name}", name, f"{name}!")),
        ):
            await backend.apply(plan, ACTOR, CONTEXT)
        await backend.close()

    asyncio.run(make())


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil")
    hostile_project(folder, EVIL)
    return folder


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("argv", LISTS, ids=" ".join)
def test_a_hostile_name_is_printed_safely(evil, argv, form):
    if argv[0] == "status" and form == "csv":
        form = "jsonl"
    result = run_cli("--registry", evil, *argv, "-o", form)
    assert result.code == 0, result.err
    assert safe(result.out)
    assert safe(result.err)
    assert result.out


@pytest.mark.parametrize("what", [["models", "show"], ["versions", "show"], ["alias", "ls"]])
def test_so_is_what_is_asked_for_by_name(evil, what):
    name = EVIL if what[0] != "versions" else f"{EVIL}@{EVIL}"
    for form in FORMS:
        result = run_cli("--registry", evil, *what, name, "-o", form)
        assert result.code == 0, result.err
        assert safe(result.out + result.err)


ERRORS = [
    [EVIL],
    ["runs", EVIL],
    ["runs", "ls", f"--{EVIL}"],
    ["runs", "ls", "--limit", EVIL],
    ["runs", "ls", "-o", EVIL],
    ["runs", "ls", "--filter", f"{EVIL} = 1"],
    ["runs", "ls", "--sort", EVIL],
    ["runs", "ls", "--next", EVIL],
    ["runs", "show", EVIL + "x"],
    ["runs", "rm", EVIL + "x"],
    ["models", "show", EVIL + "x"],
    ["versions", "show", EVIL + "x"],
    ["alias", "set", EVIL + "x", EVIL, "1"],
    ["alias", "set", EVIL, EVIL + "x", "1", "--yes"],
    ["open", EVIL],
    ["--context", EVIL, "runs", "ls"],
]


@pytest.mark.parametrize("argv", ERRORS, ids=repr)
def test_an_error_repeats_it_safely(evil, argv):
    result = run_cli(*([] if "--context" in argv else ["--registry", evil]), *argv)
    assert result.code == 2
    assert safe(result.out + result.err)
    assert result.err


def test_a_path_and_a_configuration_repeat_it_safely(tmp_path, monkeypatch):
    result = run_cli("--registry", tmp_path / "\x1b[31m\udcff", "runs", "ls")
    assert result.code == 2
    assert safe(result.err)
    config = tmp_path / "config\x1b.toml"
    config.write_text('"k\\u001b" = 1\n', encoding="utf-8")
    monkeypatch.setenv("MODELDECK_CONFIG", str(config))
    result = run_cli("--registry", tmp_path, "runs", "ls")
    assert result.code == 2
    assert safe(result.err)


def test_a_plan_shows_it_safely(evil):
    for argv in (["runs", "tag", "a1", f"{EVIL}={EVIL}?"], ["runs", "rm", "a1", "--reason", EVIL]):
        for form in FORMS:
            result = run_cli("--registry", evil, *argv, "--dry-run", "-o", form)
            assert result.code == 0, result.err
            assert safe(result.out + result.err)


def test_what_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path):
    hostile_project(tmp_path, "=HYPERLINK(1)")
    rows = list(
        csv.reader(io.StringIO(run_cli("--registry", tmp_path, "runs", "ls", "-o", "csv").out))
    )
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]
    assert "'=HYPERLINK(1)" in cells


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=40))
@example("models/x@y\x00")
@example("a" * 20_000)
def test_any_name_is_printed_safely(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("any")
    hostile_project(folder, name)
    for argv in LISTS:
        result = run_cli("--registry", folder, *argv)
        assert result.code == 0, result.err
        assert safe(result.out + result.err)
    as_json = run_cli("--registry", folder, "runs", "ls", "-o", "json").out
    assert [run["name"] for run in json.loads(as_json)["items"]] == [name, name]
