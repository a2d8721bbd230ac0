"""`modeldeck key` as a person uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import run_cli
from .keyrings import simulated_keyring

PRIVATE = "PRIVATE KEY"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    from modeldeck.app.config import keyrings

    monkeypatch.setattr(keyrings, "choose", lambda: (None, "", "there is none here"))


def folder() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"]) / "modeldeck"


def test_a_key_is_made_shown_and_removed():
    made = run_cli("key", "new")
    assert made.code == 0, made.err
    assert "no keyring can be used: there is none here" in made.err
    assert made.out == ""
    [row] = json.loads(run_cli("key", "ls", "-o", "json").out)["items"]
    assert list(row) == ["name", "kind", "fingerprint", "public", "use", "where", "trouble"]
    assert (row["name"], row["kind"], row["use"]) == ("signing", "ssh-ed25519", "statements")
    assert row["fingerprint"] in made.err
    shown = run_cli("key", "show")
    assert shown.out == row["public"] + "\n"
    assert "[people.NAME]" in shown.err
    again = run_cli("key", "new")
    assert (again.code, "modeldeck key rm signing" in again.err) == (4, True)
    assert run_cli("key", "rm", "signing").code == 4, "it asks, and nobody is there"
    assert run_cli("key", "rm", "signing", "--yes").code == 0
    assert "nothing found" in run_cli("key", "ls").err
    assert run_cli("key", "show").code == 2
    assert run_cli("key", "rm", "signing", "--yes").code == 2


def test_its_line_makes_a_person_of_the_policy(tmp_path):
    run_cli("key", "new", "--p256")
    line = run_cli("key", "show").out.strip()
    assert line.startswith("ecdsa-sha2-nistp256 ")
    run_cli("init")
    (tmp_path / "modeldeck.toml").write_text(
        f'[people.ada]\nkeys = ["{line}"]\nroles = ["admin"]\n'
    )
    doctor = run_cli("doctor")
    assert "of ada by the policy" in doctor.out
    other = line.replace("AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY", "AAAAC3NzaC1lZDI1NTE5AAAAI")
    assert other != line
    (tmp_path / "modeldeck.toml").write_text('[people.ada]\nroles = ["admin"]\nlogins = ["ada"]\n')
    assert "nobody's by the policy" in run_cli("doctor").out


@pytest.mark.real
def test_a_key_of_openssh_that_config_toml_names(tmp_path):
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    folder().mkdir(parents=True)
    (folder() / "config.toml").write_text(f'[signing]\nkey = "{key}"\n')
    [row] = json.loads(run_cli("key", "ls", "-o", "json").out)["items"]
    assert (row["name"], row["where"]) == ("configured", str(key))
    assert run_cli("key", "show").out == key.with_name("id.pub").read_text()
    assert "goes before it" in run_cli("key", "new").err
    own = json.loads(run_cli("key", "show", "signing", "-o", "json").out)
    assert own["use"] is None
    assert run_cli("key", "rm", "configured", "--yes").code == 2
    key.unlink()
    key.with_name("id.pub").unlink()
    rows = json.loads(run_cli("key", "ls", "-o", "json").out)["items"]
    assert rows[0]["trouble"] == "there is no such key"
    run_cli("init")
    doctor = run_cli("doctor")
    assert (doctor.code, "there is no such key" in doctor.out) == (1, True)


def test_a_mistyped_key_of_signing_is_named(tmp_path):
    folder().mkdir(parents=True)
    (folder() / "config.toml").write_text('[signing]\nkeey = "x"\n')
    found = run_cli("key", "ls")
    assert (found.code, "unknown key signing.keey" in found.err) == (2, True)


def test_a_loose_private_key_is_said():
    run_cli("key", "new")
    (folder() / "keys" / "signing").chmod(0o644)
    [row] = json.loads(run_cli("key", "ls", "-o", "json").out)["items"]
    assert "may be used by others" in row["trouble"]
    run_cli("init")
    assert run_cli("doctor").code == 1


@pytest.mark.simulated
def test_the_private_half_is_in_the_keyring_and_nowhere_else(tmp_path):
    """Nor in a command line, the registry, the trail, or what is printed."""
    env = {**os.environ, **simulated_keyring(tmp_path / "ring")}
    (tmp_path / "m.bin").write_bytes(b"x")
    steps = [
        ["key", "new"],
        ["key", "ls"],
        ["init"],
        ["register", "m.bin", "--model", "fraud", "--yes"],
        ["records", "ls", "-o", "json"],
        ["doctor"],
    ]
    said = ""
    for step in steps:
        done = subprocess.run(
            [sys.executable, "-m", "modeldeck.app", *step],
            cwd=tmp_path, env=env, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said += done.stdout + done.stderr
    kept = json.loads((tmp_path / "ring" / "kept.json").read_text())
    [secret] = [value for value in kept.values() if PRIVATE in value]
    body = secret.splitlines()[2]
    assert "kept in the keyring" in said
    assert PRIVATE not in said
    keeps = {tmp_path / "ring" / "kept.json", folder() / "keys" / "host"}
    places = (Path(env["HOME"]), tmp_path)
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    for file in set(files) - keeps:
        data = file.read_bytes()
        assert PRIVATE.encode() not in data, file
        assert body.encode() not in data, file
    assert json.loads(done_of(said, "items"))[0]["valid"] is False


def done_of(said: str, word: str) -> str:
    """The items of the JSON document among what was printed."""
    line = next(line for line in said.splitlines() if line.startswith("{") and word in line)
    return json.dumps(json.loads(line)[word])
