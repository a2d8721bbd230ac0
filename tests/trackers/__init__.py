"""What real W&B, TensorBoard and trackio have written, and what they say is in it.

A test asks the session's `tracked` for the folder, made once for each machine and version of
`write.py` by the Python of `.venv-wandb` (`make servers`):

    def test_reads_what_was_logged(tracked):
        tracked.root / "wandb"; tracked.said["wandb"]
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENT = ROOT / ".venv-wandb"
# Nothing is sent anywhere: neither runs nor what went wrong in a tracker.
OFFLINE = {
    "WANDB_MODE": "offline",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_SILENT": "true",
    "HF_HUB_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
}


@dataclass(frozen=True)
class Tracked:
    """A folder with `wandb/`, `logs/` and `trackio/`, and what was logged there."""

    root: Path

    @cached_property
    def said(self) -> dict[str, Any]:
        return json.loads((self.root / "said.json").read_text(encoding="utf-8"))


def python() -> Path:
    """The interpreter that has the trackers; the test is skipped where there is none."""
    if not (ENVIRONMENT / ".installed").exists():
        reason = "no .venv-wandb: run `make servers`"
        if os.environ.get("MODELDECK_TEST_REQUIRE_SERVERS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return ENVIRONMENT / "bin" / "python"


def environment(root: Path) -> dict[str, str]:
    """What a tracker's process sees: a home of its own, and no network."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    return kept | OFFLINE | {"HOME": str(root / "home"), "TRACKIO_DIR": str(root / "trackio")}


def write(root: Path) -> None:
    """Have all of it written into a new folder."""
    (root / "home").mkdir(parents=True)
    argv = [python(), HERE / "write.py", root]
    done = subprocess.run(
        argv, env=environment(root), cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"write.py:\n{done.stderr[-4000:]}", pytrace=False)


@pytest.fixture(scope="session")
def tracked(pytestconfig: pytest.Config) -> Tracked:
    """The folder, which all tests share: read it, and copy what a test would change."""
    python()
    parts = (HERE / "write.py", ROOT / "constraints" / "wandb.txt")
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    cache = pytestconfig.cache.mkdir("trackers")
    root = cache / digest
    with (cache / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "said.json").exists():
            shutil.rmtree(root, ignore_errors=True)
            write(root)
    return Tracked(root)
