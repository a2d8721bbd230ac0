"""The program as a shell starts it: exit codes, pipes, a terminal, what it imports."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import run_cli
from tests.pty import Terminal
from tests.usecases.project import FIRST, RUNNING

pytestmark = pytest.mark.real

PROGRAM = [sys.executable, "-m", "modeldeck.app"]
HEAVY = {
    "numpy",
    "scipy",
    "sklearn",
    "pandas",
    "skops",
    "sqlite_utils",
    "httpx",
    "plotext",
    "textual",
    "rich",
    "cryptography",
    "keyring",
    "psutil",
}


def start(project: Path, *argv: str, **how) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "--registry", str(project), *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **how,
    )


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["runs", "ls"], 0),
        (["runs", "show", "nobody"], 2),
        (["runs", "ls", "--filter", "a ="], 2),
        (["nothing"], 2),
        (["alias", "set", "fraud", "champion", "1", "--expect", "3", "--yes"], 4),
        (["alias", "set", "fraud", "champion", "1"], 4),
        (["alias", "set", "fraud", "champion", "1", "--dry-run"], 0),
        (["--readonly", "runs", "rm", FIRST, "--yes"], 4),
        (["doctor"], 0),
        (["--version"], 0),
        (["runs", "ls", "--help"], 0),
    ],
)
def test_the_exit_code(project, argv, code):
    done = start(project, *argv, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr.startswith("modeldeck: ")


def test_a_locked_registry_exits_3(project):
    code = (
        "import sqlite3, sys; from modeldeck.backends.local import locking, database;"
        "locking.WAIT = database.WAIT = 0.05;"
        "from modeldeck.app.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    lock = project / ".modeldeck" / "registry.db.lock"
    with lock.open("a+b") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        fcntl.lockf(handle, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-c", code, "--registry", project, "runs", "rm", FIRST, "--yes"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 3
    assert "Try again" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(project):
    reader, writer = os.pipe()
    os.close(reader)
    for argv in (["runs", "ls"], ["runs", "ls", "-o", "json"], ["runs", "logs", FIRST, "--raw"]):
        done = subprocess.run(
            [*PROGRAM, "--registry", project, *argv],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_said(project):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--registry", project, "runs", "ls", "-o", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "modeldeck: No space left on device. Try again when that is mended\n"


def test_closed_streams_are_no_error(project):
    argv = " ".join([*PROGRAM, "--registry", str(project), "runs", "ls"])
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        done = subprocess.run(["bash", "-c", f"{argv} {closed}"], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_following_with_130(project):
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"epoch 0\n")
    process = subprocess.Popen(
        [*PROGRAM, "--registry", project, "runs", "logs", RUNNING, "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"epoch 0\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")


def in_terminal(project: Path, *argv: str) -> Terminal:
    env = {"HOME": os.environ["HOME"]}
    return Terminal([*PROGRAM, "--registry", str(project), *argv], env=env)


@pytest.mark.parametrize(
    ("keys", "code", "version"), [(b"y\r", 0, 3), (b"n\r", 4, 2), (b"\x03", 130, 2)]
)
def test_a_change_is_asked_for_at_a_terminal(project, keys, code, version):
    with in_terminal(project, "alias", "set", "fraud", "champion", "3") as terminal:
        terminal.read_until(b"Do it?")
        terminal.send(keys)
        assert terminal.wait() == code
    found = json.loads(run_cli("--registry", project, "alias", "ls", "-o", "json").out)
    assert found["items"][0]["version"] == version


def test_a_table_keeps_to_the_terminal(project):
    argv = [*PROGRAM, "--registry", str(project), "audit", "ls"]
    with Terminal(argv, columns=60, env={"HOME": os.environ["HOME"]}) as terminal:
        terminal.read_until(b"run started")
        assert terminal.wait() == 0
        lines = bytes(terminal.output).decode().splitlines()
    assert max(map(len, lines)) == 60


@pytest.mark.parametrize(
    "argv",
    [
        ["runs", "ls", "-o", "json"],
        ["runs", "ls", "--sort", "-metrics.auc", "--filter", "status = finished"],
        ["runs", "show", FIRST],
        ["versions", "ls"],
        ["alias", "set", "fraud", "champion", "3", "--dry-run"],
        ["status", "--short"],
        ["audit", "ls", "-o", "csv"],
    ],
    ids=" ".join,
)
def test_a_plain_call_is_light(project, argv):
    code = (
        "import sys; from modeldeck.app.cli.main import main; code = main(sys.argv[1:]);"
        "print(*{m.split('.')[0] for m in sys.modules}, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--registry", project, *argv],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) & HEAVY == set()


def test_one_noun_does_not_import_the_others(project):
    code = (
        "import sys; from modeldeck.app.cli.main import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--registry", project, "runs", "ls", "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {name for name in done.stderr.split() if name.startswith("modeldeck.app.")}
    assert (
        ours
        & {
            f"modeldeck.app.{name}"
            for name in (
                *("cli.models", "cli.versions", "cli.plans", "cli.status", "cli.completing"),
                *("usecases.compare", "usecases.describe", "usecases.overview", "usecases.export"),
                *("mirror", "examine", "about", "console", "recorder.child"),
            )
        }
        == set()
    )
