"""Servers that all workers of a session share, from the first that needs one to the session's end.

The process that controls the session holds a lock on a file of a new folder. Whoever needs a
server starts it there, under a lock of its own, and writes down how it is reached; the next one
reads that. When the lock on the first file is free, be it that the session ended or was killed,
every server ends itself (`guard.py`).
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.process import ServerFailedError, tail, wait_until_gone

LOCK = "session"


class Keeper:
    """A plug-in of pytest: makes the folder and the lock, tells the workers, cleans up."""

    NAME = "modeldeck-servers"

    def __init__(self, config: pytest.Config) -> None:
        told: str | None = getattr(config, "workerinput", {}).get("servers")
        self.controls = told is None
        self.root = Path(tempfile.mkdtemp(prefix="modeldeck-servers-") if told is None else told)
        if self.controls:
            # A database may run as a user of its own, who has to get through.
            self.root.chmod(0o711)
            self.lock = (self.root / LOCK).open("w")
            fcntl.flock(self.lock, fcntl.LOCK_EX)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node) -> None:
        node.workerinput["servers"] = str(self.root)

    def pytest_unconfigure(self) -> None:
        if self.controls:
            pids = [int(file.read_text(encoding="utf-8")) for file in self.root.glob("*/pid")]
            self.lock.close()
            wait_until_gone(pids, 30)
            shutil.rmtree(self.root, ignore_errors=True)

    def shared(self, name: str, make: Callable[[Path], bytes]) -> bytes:
        """What `make` gave for the folder of this name, made by whoever comes first."""
        folder = self.root / name
        made, failed = self.root / f"{name}.made", self.root / f"{name}.failed"
        with (self.root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if failed.exists():
                raise ServerFailedError(failed.read_text(encoding="utf-8"))
            if not made.exists():
                folder.mkdir(0o700)
                try:
                    answer = make(folder)
                except Exception as error:
                    failed.write_text(str(error), encoding="utf-8")
                    raise
                made.touch(0o600)
                made.write_bytes(answer)
            return made.read_bytes()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        report = yield
        if report.failed and "mlflow_server" in getattr(item, "fixturenames", ()):
            for log in sorted(self.root.glob("*/log")):
                report.sections.append((f"end of the log of {log.parent.name}", tail(log, 1500)))
        return report

    @property
    def session(self) -> Path:
        """The file that is locked while the session goes on."""
        return self.root / LOCK
