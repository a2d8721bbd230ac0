"""The verbs around: init, open, info, doctor, status, completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

from modeldeck.app.cli import main as program
from modeldeck.app.cli import opening
from modeldeck.app.nouns import DOORS
from tests.cli.conftest import run_cli
from tests.usecases.project import FIRST


def test_init_makes_a_registry_that_git_leaves_alone(tmp_path, monkeypatch):
    result = run_cli("init", "new/project")
    assert (result.code, result.out) == (0, "")
    folder = tmp_path / "new" / "project" / ".modeldeck"
    assert result.err.startswith(f"made {folder}/registry.db\nnext: modeldeck run -e EXPERIMENT")
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.chdir(tmp_path / "new" / "project")
    again = run_cli("init", "-o", "json")
    assert json.loads(again.out) == {
        "schema": 1,
        "path": str(folder / "registry.db"),
        "created": False,
    }
    assert run_cli("runs", "ls") == (0, "", "nothing found\n")


def test_init_where_nothing_may_be_made(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run_cli("init", "file")
    assert result.code in (2, 4)
    assert "file" in result.err
    assert len(result.err.splitlines()) == 1


def test_without_a_terminal_the_overview_is_printed(cli):
    assert cli().out == cli("status").out
    assert cli().out.startswith("context")


def test_an_empty_registry_says_what_to_do_next(tmp_path):
    run_cli("init")
    out = run_cli("status").out
    assert "modeldeck run -e EXPERIMENT -- python train.py" in out
    assert "modeldeck import PATH" in out


def test_a_path_is_opened(project, monkeypatch):
    monkeypatch.chdir(project.parent)
    assert run_cli("bank").out == run_cli("--registry", project).out
    assert run_cli("./bank/.modeldeck").code == 0


@pytest.mark.parametrize(
    ("where", "address", "path"),
    [
        ("runs/a1", "runs/a1", ""),
        ("bank/runs/a1", "runs/a1", ""),
        ("models/fraud@champion", "models/fraud@champion", ""),
        *((door, door, "") for door in DOORS),
        ("bank", None, "bank"),
        ("./bank", None, "./bank"),
    ],
)
def test_open_takes_an_address_or_a_path(project, monkeypatch, where, address, path):
    seen = []

    def run_console(wish, address="", **_):
        seen.append((wish, address))
        return 0

    monkeypatch.setattr("modeldeck.app.console.start.run_console", run_console)
    monkeypatch.setattr("modeldeck.app.cli.streams.is_terminal", lambda _: True)
    monkeypatch.chdir(project.parent)
    place = [] if path else ["--registry", project]
    assert run_cli("open", where, *place).code == 0
    ((wish, found),) = seen
    assert (found, wish.path) == (address or "", path)


@pytest.mark.parametrize("door", DOORS)
def test_what_prints_a_door_without_a_terminal_is_named_and_there(project, monkeypatch, door):
    monkeypatch.chdir(project)
    result = run_cli("open", door)
    assert result.code == 2
    command = re.search(r"`modeldeck (.+)` prints it", result.err)[1]
    assert run_cli(*command.split()).code == 0


def test_the_console_of_a_context_that_is_not_there(project, monkeypatch):
    monkeypatch.setattr(opening.streams, "is_terminal", lambda _: True)
    monkeypatch.chdir(project)
    result = run_cli("open", "prod/runs/a1")
    assert result.code == 2
    assert "there is no context 'prod'" in result.err


def test_info(cli, project, monkeypatch):
    (project / "modeldeck.toml").write_text(
        '[metrics]\nauc = "higher"\n[environments.prod]\ntier = 1\n', encoding="utf-8"
    )
    found = json.loads(cli("info", "-o", "json").out)
    assert found["registry"]["context"] == "bank"
    assert found["registry"]["not_understood_yet"] == ["environments"]
    assert found["registry"]["why"] == "--registry"
    assert found["versions"]["modeldeck"] == "0.1.0"
    assert found["paths"]["state"].endswith("/.local/state/modeldeck")
    assert found["settings"]["mouse"] == "auto"
    assert "local" in found["backends"]
    assert "registry.metrics.auc" in cli("info").out


def test_info_without_a_registry_is_no_error():
    result = run_cli("info", "-o", "json")
    assert result.code == 0
    assert "no registry found" in json.loads(result.out)["registry"]["error"]


def findings(*argv):
    """The exit code, and what is not ok, as (about, state, words)."""
    result = run_cli(*argv, "doctor", "-o", "json")
    items = json.loads(result.out)["items"]
    return result.code, [
        (one["about"], one["state"], f"{one['shows']}. {one['way_out']}")
        for one in items
        if one["state"] != "ok"
    ]


def test_doctor_finds_nothing_wrong(project):
    assert findings("--registry", project) == (0, [])


def test_doctor_without_a_registry():
    code, ((about, state, words),) = findings()
    assert (code, about, state) == (1, "registry", "fail")
    assert "modeldeck init" in words


def test_doctor_names_what_is_damaged(project):
    folder = project / ".modeldeck"
    shutil.rmtree(folder / "artifacts")
    folder.chmod(0o755)
    with sqlite3.connect(folder / "registry.db") as connection:
        guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in guards.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit_payload SET body = replace(body, 'op1', 'op9')")
    connection.close()
    code, wrong = findings("--registry", project)
    assert code == 1
    said = " ".join(words for _, _, words in wrong)
    assert "event 1: is not what was written" in said
    assert "runs/a1a1a1a1a1a1a1a1, output.log: its file is not in the store" in said
    assert "chmod 0700" in said
    assert {state for _, state, words in wrong if "chmod" in words} == {"warn"}


def test_doctor_looks_at_a_file_that_does_not_open(project):
    path = project / ".modeldeck" / "registry.db"
    path.write_bytes(path.read_bytes()[:8192])
    code, wrong = findings("--registry", project)
    assert code == 1
    assert any("restore BACKUP" in words for _, _, words in wrong)


def test_doctor_names_settings_that_do_not_fit(project, monkeypatch, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('them = "dark"\n', encoding="utf-8")
    monkeypatch.setenv("MODELDECK_CONFIG", str(config))
    monkeypatch.setenv("MODELDECK_REGISTYR", "x")
    code, wrong = findings("--registry", project)
    assert code == 1
    said = {about: words for about, _, words in wrong}
    assert said["settings"].endswith("Did you mean theme?")
    assert "MODELDECK_REGISTYR means nothing" in said["environment"]


def test_doctor_as_text(project):
    result = run_cli("--registry", project, "doctor")
    assert result.code == 0
    assert result.out.startswith("ok    python ")
    assert all(line[:4] in ("ok  ", "WARN", "FAIL", "    ") for line in result.out.splitlines())
    assert result.err.endswith("0 to look at, 0 wrong\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(shell):
    result = run_cli("completion", shell)
    assert result.code == 0
    assert "_MODELDECK_COMPLETE" in result.out
    if path := shutil.which(shell):
        done = subprocess.run([path, "-n"], input=result.out, text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")


def offered(monkeypatch, words: str) -> list[str]:
    """What bash is told for this line, its last word being the one that is begun."""
    parts = words.split(" ")
    monkeypatch.setenv("_MODELDECK_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(parts) - 1))
    result = run_cli()
    assert (result.code, result.err) == (0, "")
    return [line.partition(",")[2] for line in result.out.splitlines() if line]


@pytest.mark.parametrize(
    ("begun", "found"),
    [
        ("runs sh", ["show"]),
        ("experim", ["experiments"]),
        ("runs show a1a", [FIRST]),
        ("runs show xgb-", ["xgb-wide", "xgb-deep", "xgb-base"]),
        ("runs ls -e fr", ["fraud"]),
        ("runs ls --sort metrics.a", ["metrics.auc"]),
        ("runs ls --sort started,-metrics.l", ["started,-metrics.loss"]),
        ("runs export --metric l", ["loss"]),
        ("models show fr", ["fraud"]),
        ("alias set fraud ch", ["champion"]),
        ("versions show fraud@", ["fraud@champion"]),
        ("open models/fraud/", ["models/fraud/3", "models/fraud/2", "models/fraud/1"]),
    ],
)
def test_names_are_completed(project, monkeypatch, begun, found):
    monkeypatch.chdir(project)
    assert offered(monkeypatch, f"modeldeck {begun}") == found


def test_completion_is_silent_where_there_is_nothing_or_something_is_wrong(monkeypatch, tmp_path):
    assert offered(monkeypatch, "modeldeck runs show a") == []
    (tmp_path / ".modeldeck").mkdir()
    (tmp_path / ".modeldeck" / "registry.db").write_bytes(b"damaged")
    assert offered(monkeypatch, "modeldeck runs show a") == []


def test_what_a_shell_would_run_is_not_offered(project, monkeypatch):
    monkeypatch.chdir(project)
    run_cli("alias", "set", "fraud", "$(rm -rf x)", "1", "--yes")
    run_cli("alias", "set", "fraud", "a;b", "1", "--yes")
    assert offered(monkeypatch, "modeldeck alias rm fraud ") == ["champion"]


def test_every_command_has_its_words():
    for name, (module, _, words) in program.COMMANDS.items():
        assert words.endswith("."), name
        assert module.isidentifier()


def test_a_terminal_that_cannot_do_anything_gets_plain_lines(cli, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert cli("runs", "ls").code == 0


def test_ascii_output_spells_what_it_cannot_print(project):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    argv = [sys.executable, "-m", "modeldeck.app", "--registry", str(project)]
    subprocess.run([*argv, "runs", "tag", FIRST, "größe=1", "--yes"], check=True, env=env)
    done = subprocess.run([*argv, "runs", "show", FIRST], env=env, capture_output=True, check=True)
    assert rb"gr\xf6\xdfe" in done.stdout
