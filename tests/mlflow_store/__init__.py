"""Stores that a real MLflow has written, and what its own client reads from them.

A test asks the session's `mlflow_store` for one by kind, and gets it built, once for each
machine and version of the scripts here, however many workers ask:

    def test_reads_what_mlflow_reads(mlflow_store):
        store = mlflow_store("3-sqlite")  # or mlflow_store("2-files", "small")
        assert read(store.path) == store.dump["runs"]

The stores are shared: read them, and copy what a test would change. Their artifact URIs are
absolute, so a copy is also a store that was moved. What is in them: `build.py`; the shape of
`dump`: `dump.py`. Both are run by the Python of a server environment (`make servers`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

KINDS = ("3-sqlite", "3-files", "2-sqlite", "2-files")
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class MlflowStore:
    """One store: a folder with `mlflow.db` or `mlruns`, artifacts, and `dump.json`."""

    kind: str
    root: Path

    @property
    def path(self) -> Path:
        return self.root / ("mlflow.db" if self.kind.endswith("sqlite") else "mlruns")

    @property
    def uri(self) -> str:
        # One kind of file store is given as a URI, so that artifacts lie at file:///… there.
        prefix = {"3-sqlite": "sqlite:///", "2-sqlite": "sqlite:///", "2-files": "file://"}
        return prefix.get(self.kind, "") + str(self.path)

    @cached_property
    def dump(self) -> dict[str, Any]:
        return json.loads((self.root / "dump.json").read_text(encoding="utf-8"))


def server_python(kind: str) -> Path:
    """The interpreter that has the MLflow of this kind; the test is skipped where there is none."""
    python = ROOT / f".venv-mlflow{kind[0]}" / "bin" / "python"
    if not (python.parent.parent / ".installed").exists():
        reason = f"no {python.parent.parent.name}: run `make servers`"
        if os.environ.get("MODELDECK_TEST_REQUIRE_SERVERS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return python


def run_script(name: str, store: MlflowStore, *options: str) -> dict[str, Any]:
    """Run `build.py` or `dump.py` on the store: what it printed."""
    argv = [server_python(store.kind), HERE / name, "--uri", store.uri, *options]
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR", "LANG") if key in os.environ}
    done = subprocess.run(argv, env=kept, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{name} of {store.kind}:\n{done.stderr[-4000:]}", pytrace=False)
    return json.loads(done.stdout.splitlines()[-1])


def build(kind: str, root: Path, profile: str = "full", *options: str) -> MlflowStore:
    """A new store in `root`, without a dump: `build(kind, root, "bulk", "--runs", "1000")`."""
    store = MlflowStore(kind, root)
    run_script("build.py", store, "--out", str(root), "--profile", profile, *options)
    return store


def shared(kind: str, profile: str, cache: Path) -> MlflowStore:
    """The store of this kind below `cache`, built there by whoever comes first."""
    python = server_python(kind)
    constraints = ROOT / "constraints" / f"{python.parent.parent.name.removeprefix('.venv-')}.txt"
    parts = (HERE / "build.py", HERE / "dump.py", constraints)
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    store = MlflowStore(kind, cache / f"{kind}-{profile}-{digest}")
    with (cache / f"{store.root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (store.root / "dump.json").exists():
            shutil.rmtree(store.root, ignore_errors=True)
            build(kind, store.root, profile)
            run_script("dump.py", store, "--out", str(store.root / "dump.json"))
    return store


@pytest.fixture(scope="session")
def mlflow_store(pytestconfig: pytest.Config) -> Callable[..., MlflowStore]:
    """Give a store by kind (`KINDS`) and profile ("full" or "small")."""
    cache = pytestconfig.cache.mkdir("mlflow-stores")
    given: dict[tuple[str, str], MlflowStore] = {}

    def give(kind: str, profile: str = "full") -> MlflowStore:
        if (kind, profile) not in given:
            given[kind, profile] = shared(kind, profile, cache)
        return given[kind, profile]

    return give
