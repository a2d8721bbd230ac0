"""Servers are shared by all workers of a session, and end with it whatever ends it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.servers.process import ServerFailedError, answers, namespace, start

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.real, pytest.mark.slow]
SESSION = """
import sys, time
from pathlib import Path
import pytest
from tests.servers import Keeper
from tests.servers.process import answers, start

@pytest.mark.parametrize("n", range(4))
def test_server(pytestconfig, n):
    keeper = pytestconfig.pluginmanager.get_plugin(Keeper.NAME)

    def make(folder):
        # Its child is in a group of its own, as daemons are.
        (folder / "child.py").write_text(
            "import runpy, subprocess, sys\\n"
            "subprocess.Popen(['sleep', '600'], start_new_session=True)\\n"
            "sys.argv = ['http.server', '--bind', '127.0.0.1', sys.argv[1]]\\n"
            "runpy.run_module('http.server', run_name='__main__')\\n"
        )
        port = start(
            lambda port: [sys.executable, folder / "child.py", str(port)],
            lock=keeper.session, folder=folder, ready=lambda port: answers(port, "/"),
        )
        return f"{port} {(folder / 'pid').read_text()} {folder}".encode()

    told = keeper.shared("plain", make)
    with open("told", "ab") as file:
        file.write(told + b"\\n")
    if Path("hang").exists():
        time.sleep(600)
"""


@pytest.fixture
def session(tmp_path):
    """Start a session of four tests that need one server."""
    (tmp_path / "test_it.py").write_text(SESSION, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n real: r\nasyncio_default_fixture_loop_scope = function\n",
        encoding="utf-8",
    )
    started: list[subprocess.Popen[str]] = []

    def run(*options: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *options]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def alive(pid: int) -> bool:
    """Whether it still runs: what nobody has waited for yet has ended nevertheless."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def until(holds, what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_one_server_for_all_workers_ends_with_the_session(session, tmp_path, workers):
    process = session(*workers)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    told = (tmp_path / "told").read_text(encoding="utf-8").splitlines()
    assert len(told) == 4
    assert len(set(told)) == 1
    port, pid, folder = told[0].split()
    assert not alive(int(pid))
    assert not answers(int(port), "/")
    assert not Path(folder).parent.exists()


def test_a_killed_session_leaves_no_server(session, tmp_path):
    (tmp_path / "hang").touch()
    process = session()
    until((tmp_path / "told").exists, "no server")
    port, pid, folder = (tmp_path / "told").read_text(encoding="utf-8").split()
    family = descendants(int(pid))
    assert answers(int(port), "/")
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not namespace():
        # Without a namespace, what left the server's group is out of reach.
        family = [one for one in family if "sleep" not in one.name()]
    until(lambda: not any(alive(one.pid) for one in family), "a server outlived its session")
    assert not Path(folder).exists()


@pytest.fixture
def place(tmp_path):
    """A folder and a held lock."""
    folder = tmp_path / "server"
    folder.mkdir()
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield {"folder": folder, "lock": tmp_path / "lock"}


def test_a_server_that_ends_too_early_shows_its_log(place):
    with pytest.raises(ServerFailedError, match="no such module as this"):
        start(
            lambda _: [sys.executable, "-c", "raise SystemExit('no such module as this')"],
            ready=lambda _: False,
            **place,
        )


def test_a_taken_port_is_not_the_end(place):
    """The first port is taken away just before the server takes it."""
    script = (
        "import os, sys, http.server\n"
        "if not os.path.exists('tried'):\n"
        "    open('tried', 'w').close()\n"
        "    raise SystemExit('[Errno 98] Address already in use')\n"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), "
        "bind='127.0.0.1')\n"
    )
    port = start(
        lambda port: [sys.executable, "-c", script, str(port)],
        ready=lambda port: answers(port, "/"),
        **place,
    )
    assert answers(port, "/")
