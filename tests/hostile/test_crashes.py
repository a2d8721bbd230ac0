"""A defect anywhere prints one line; no secret is in it, nor in whatever it leaves behind.

The secret stands in a local, in the environment, in the URL of a message, and in a held `Secret`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.pty import Terminal

pytestmark = pytest.mark.real

LOCAL, KNOWN, USERINFO = "local-zq7secret", "known-zq7secret", "userinfo-zq7secret"
SECRETS = (LOCAL, KNOWN, USERINFO)

BROKEN = """
import os, sys
from modeldeck.app.config.secrets import Secret

held = Secret(os.environ["MLFLOW_TRACKING_TOKEN"])

def broken(*args, **options):
    local = "-".join(["local", "zq7secret"])
    url = "https://me:" + "-".join(["userinfo", "zq7secret"]) + "@host/a"
    raise RuntimeError(f"no answer from {url} for {held.header} " + os.environ["DB_PASSWORD"])

async def breaks(*args, **options):
    return broken()
"""
CONSOLE = """
from modeldeck.app.console.start import run_console
from modeldeck.app.workspace import Wish
sys.exit(run_console(Wish(registry=sys.argv[1])))
"""
CLI = """
from modeldeck.app.cli.main import main
sys.exit(main(["--registry", sys.argv[1], "runs", "ls"]))
"""
LAYERS = {
    "screen": ("from modeldeck.app.console.screens.overview import OverviewScreen as Broken\n"
               "Broken.do_open = broken\n", b"\r", 1),
    "drawing": ("from modeldeck.widgets.table.table import Table as Broken\n"
                "Broken.action_cursor = broken\nBroken.render_line = broken\n", b"", 1),
    "compose": ("from modeldeck.app.console.screens.runs import RunsScreen as Broken\n"
                "Broken.columns = broken\n", b":runs\r", 1),
    "bridge": ("from modeldeck.app.console.bridge import Bridge as Broken\n"
               "Broken.cancel = broken\n", b"", 1),
    "worker": ("from modeldeck.app.console.console import Console as Broken\n"
               "Broken._settle = breaks\n", b":runs\r", 0),
    "use case": ("from modeldeck.app.usecases import runs as Broken\n"
                 "Broken.list_runs = breaks\n", b":runs\r", 0),
    "backend": ("from modeldeck.backends.local.backend import LocalBackend as Broken\n"
                "Broken.runs = breaks\n", b":runs\r", 0),
}  # fmt: skip


def left(root: Path) -> list[str]:
    """The files below `root` that hold a secret."""
    files = [path for path in root.rglob("*") if path.is_file()]
    held = [(path, path.read_bytes()) for path in files]
    return [f"{path}: {s}" for path, data in held for s in SECRETS if s.encode() in data]


def env(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "MLFLOW_TRACKING_TOKEN": KNOWN,
        "DB_PASSWORD": KNOWN,
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **{name: str(home / name) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")},
    }


def run(tmp_path: Path, code: str, registry: Path, keys: bytes) -> tuple[int, str]:
    home = tmp_path / "home"
    home.mkdir()
    argv = [sys.executable, "-c", code, str(registry)]
    with Terminal(argv, columns=200, env=env(home), cwd=tmp_path) as terminal:
        if keys:
            terminal.read_until(b"keys")
            terminal.read_until_quiet()
            terminal.send(keys)
            terminal.read_until_quiet()
            if terminal.process.poll() is None:
                terminal.send(b"@")
                terminal.read_until_quiet()
                terminal.send(b"\x03\x1b\x1bq")
        code = terminal.wait(60)
        return code, terminal.output.decode()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_defect_in_the_console(registry, tmp_path, layer):
    patch, keys, expected = LAYERS[layer]
    code, output = run(tmp_path, BROKEN + patch + CONSOLE, registry, keys)
    assert code == expected, output[-2000:]
    assert [one for one in SECRETS if one in output] == []
    assert left(tmp_path) == []
    reports = list((tmp_path / "home").rglob("crashes/*.txt"))
    if layer != "worker":
        assert "in broken" in reports[0].read_text()
        assert "https://***@host/a for Bearer ***" in reports[0].read_text()
        assert "defect" in output


def test_a_defect_on_the_command_line(registry, tmp_path):
    code, output = run(tmp_path, BROKEN + LAYERS["backend"][0] + CLI, registry, b"")
    assert code == 1
    assert "an error of modeldeck itself (RuntimeError)" in output
    assert [one for one in SECRETS if one in output] == []
    assert left(tmp_path) == []
    assert "in broken" in next((tmp_path / "home").rglob("crashes/*.txt")).read_text()
