"""`modeldeck login`: where a secret goes, and where it never shows."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.guarded import guarded
from tests.cli.keyrings import simulated_keyring
from tests.pty import Terminal

SENTINEL = "s3ntinel-Pa55"
PROGRAM = [sys.executable, "-m", "modeldeck.app"]
CONFIG = (
    '# mine\n[contexts.prod.registry]\ntype = "mlflow"\nurl = "https://host/x"\nuser = "alice"\n'
)


@pytest.fixture
def config() -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "modeldeck" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def keyring(tmp_path) -> dict[str, str]:
    return simulated_keyring(tmp_path / "keyring")


def run(
    *args: str, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, *args],
        input=stdin,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert SENTINEL not in done.stdout + done.stderr
    return done


def files_with(text: str) -> list[Path]:
    """Every file of the home that holds it."""
    home = Path(os.environ["HOME"])
    return [
        path for path in home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


def kept(env: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        Path(env["MODELDECK_TEST_KEYRING"]).read_text(encoding="utf-8")
    )
    return found


@pytest.mark.simulated
def test_a_password_goes_to_the_keyring_and_nowhere_else(config, keyring):
    done = run("login", "prod", "--stdin", stdin=f"{SENTINEL}\n", env=keyring)
    assert (done.returncode, done.stdout) == (0, "")
    assert "kept the password of alice for https://host/x in the keyring (pass)" in done.stderr
    assert kept(keyring) == {"modeldeck https://host/x prod": f"basic alice:{SENTINEL}"}
    assert files_with(SENTINEL) == []
    assert config.read_text(encoding="utf-8") == f'{CONFIG}auth = "basic"\n'
    commands = Path(keyring["MODELDECK_TEST_KEYRING"]).with_name("commands")
    assert "login" in commands.read_text(encoding="utf-8"), "our own command line was seen"
    assert SENTINEL not in commands.read_text(encoding="utf-8")
    doctor = run("doctor", "-o", "json", env=keyring)
    shown = {one["about"]: one["shows"] for one in json.loads(doctor.stdout)["items"]}
    assert shown["keyring"] == "keyring (pass)"
    assert shown["context prod"] == "credentials: keyring (pass)"
    done = run("login", "prod", "--logout", env=keyring)
    assert (done.returncode, kept(keyring)) == (0, {})
    assert "nothing was kept" in run("login", "prod", "--logout", env=keyring).stderr


@pytest.mark.simulated
@pytest.mark.parametrize(
    "argv", [("login", "prod", "--stdin"), ("login", "prod", "--logout"), ("context", "rm", "prod")]
)
def test_what_another_saw_there_goes(config, keyring, argv):
    """Answers that are kept on disk are of who asked for them."""
    answers = Path(os.environ["XDG_CACHE_HOME"]) / "modeldeck" / "contexts" / "prod"
    answers.mkdir(parents=True)
    (answers / ("a" * 64)).touch()
    assert run(*argv, stdin=f"{SENTINEL}\n", env=keyring).returncode == 0
    assert not answers.exists()


@pytest.mark.simulated
@pytest.mark.parametrize(
    ("args", "text", "stored"),
    [
        (["--token"], "tok:en", "token tok:en"),
        (["--user", "bob"], SENTINEL, f"basic bob:{SENTINEL}"),
        ([], f"alice:{SENTINEL}", f"basic alice:{SENTINEL}"),
    ],
)
def test_who_it_is_can_be_said(config, keyring, args, text, stored):
    done = run("login", "prod", "--stdin", *args, stdin=text, env=keyring)
    assert done.returncode == 0, done.stderr
    assert kept(keyring) == {"modeldeck https://host/x prod": stored}


@pytest.mark.simulated
def test_a_plain_keyring_gets_nothing(config, tmp_path):
    env = simulated_keyring(tmp_path / "plain", "PlaintextKeyring")
    done = run("login", "prod", "--stdin", stdin=SENTINEL, env=env)
    assert done.returncode == 4
    assert "PlaintextKeyring is not known to keep secrets. --file keeps it in" in done.stderr
    assert not Path(env["MODELDECK_TEST_KEYRING"]).exists()
    assert files_with(SENTINEL) == []
    doctor = json.loads(run("doctor", "-o", "json", env=env).stdout)["items"]
    found = next(one for one in doctor if one["about"] == "keyring")
    assert found["state"] == "warn"
    assert "PlaintextKeyring is not known to keep secrets" in found["shows"]


@pytest.mark.real
def test_without_a_keyring_it_is_a_private_file(config):
    done = run("login", "prod", "--stdin", stdin=SENTINEL)
    assert done.returncode == 4
    assert "no keyring can be used: there is none here" in done.stderr
    done = run("login", "prod", "--stdin", "--file", stdin=SENTINEL)
    assert done.returncode == 0, done.stderr
    path = config.parent / "credentials" / "prod"
    assert files_with(SENTINEL) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert config.read_text(encoding="utf-8") == (
        f'{CONFIG}auth = "basic"\ncredential_file = "{path}"\n'
    )
    path.chmod(0o644)
    doctor = run("doctor", "-o", "json")
    assert doctor.returncode == 1
    found = [one for one in json.loads(doctor.stdout)["items"] if one["state"] == "fail"]
    assert ("context prod", f"chmod 600 {path}") in [(o["about"], o["way_out"]) for o in found]
    assert run("login", "prod", "--logout").returncode == 0
    assert config.read_text(encoding="utf-8") == f'{CONFIG}auth = "basic"\n'
    assert files_with(SENTINEL) == []


REFUSED = {
    "no such context": (["login", "nix"], 2, "there is no context 'nix'"),
    "MLflow's own": (["login", "env"], 2, "who you are to this context is in MLflow's own"),
    "no terminal": (["login", "prod", "--file"], 4, "there is no terminal to ask at"),
    "nothing": (["login", "prod", "--stdin", "--file"], 2, "the secret that was found is empty"),
    "two minds": (["login", "prod", "--user", "a", "--token"], 2, "exclude each other"),
    "somebody else than the file says": (
        ["login", "prod", "--stdin", "--file", "--user", "bob"],
        2,
        "somebody else logs in there",
    ),
}


@pytest.mark.parametrize("about", REFUSED)
def test_what_cannot_be_is_said(config, about):
    args, code, words = REFUSED[about]
    stdin = SENTINEL if "bob" in args else ""
    done = run(*args, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert files_with(SENTINEL) == []


@pytest.mark.simulated
def test_a_person_is_asked_and_sees_nothing_of_it(config, keyring):
    with Terminal([*PROGRAM, "login", "prod"], env={**os.environ, **keyring}) as terminal:
        terminal.read_until(b"Password of alice: ")
        terminal.send(SENTINEL.encode() + b"\n")
        assert terminal.wait() == 0
        assert SENTINEL.encode() not in bytes(terminal.output)
        assert b"kept the password of alice" in bytes(terminal.output)
    assert kept(keyring) == {"modeldeck https://host/x prod": f"basic alice:{SENTINEL}"}


@pytest.mark.real
def test_a_person_without_a_keyring_is_offered_a_file(config):
    with Terminal([*PROGRAM, "login", "prod"], env=dict(os.environ)) as terminal:
        terminal.read_until(b"which only you can read? [y/N] ")
        terminal.send(b"y\n")
        terminal.read_until(b"Password of alice: ")
        terminal.send(SENTINEL.encode() + b"\n")
        assert terminal.wait() == 0
        assert SENTINEL.encode() not in bytes(terminal.output)
    assert files_with(SENTINEL) == [config.parent / "credentials" / "prod"]


@pytest.mark.real
def test_ctrl_c_at_the_question_keeps_nothing(config):
    with Terminal([*PROGRAM, "login", "prod", "--file"], env=dict(os.environ)) as terminal:
        terminal.read_until(b"Password of alice: ")
        terminal.send(b"\x03")
        assert terminal.wait() == 130
    assert config.read_text(encoding="utf-8") == CONFIG


@pytest.mark.simulated
def test_a_server_that_asks_is_answered_by_the_person_and_nothing_is_kept(config):
    with guarded("alice", SENTINEL) as (url, seen):
        config.write_text(CONFIG.replace("https://host/x", url), encoding="utf-8")
        argv = [*PROGRAM, "--context", "prod", "experiments", "ls"]
        with Terminal(argv, env=dict(os.environ)) as terminal:
            terminal.read_until(b"Password of alice: ")
            terminal.send(SENTINEL.encode() + b"\n")
            assert terminal.wait() == 0
            assert SENTINEL.encode() not in bytes(terminal.output)
        assert seen[0] is None
        assert seen[-1] is not None
    assert files_with(SENTINEL) == []


@pytest.mark.simulated
def test_without_a_terminal_the_way_out_is_said(config):
    with guarded("alice", SENTINEL) as (url, _):
        config.write_text(CONFIG.replace("https://host/x", url), encoding="utf-8")
        done = run("--context", "prod", "experiments", "ls")
        assert done.returncode == 4
        assert run("context", "test", "prod").returncode == 4
        login = run("login", "prod", "--stdin", "--file", stdin=SENTINEL)
        assert login.returncode == 0
        done = run("context", "test", "prod", "-o", "json")
    assert done.returncode == 0, done.stdout
    states = {one["about"]: one["state"] for one in json.loads(done.stdout)["items"]}
    assert states["experiments"] == states["models"] == "ok"
