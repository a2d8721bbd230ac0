"""The command line called in this process, on a registry with one of everything."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from modeldeck.app import workspace
from modeldeck.app.cli.main import main
from modeldeck.app.config import settings
from tests.usecases.project import NOW, make_project

GOLDEN = Path(__file__).parent / "golden"


class Result(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fixed time, a folder of its own, no file of the machine's owner."""
    monkeypatch.setattr(workspace, "local_now", lambda: NOW)
    monkeypatch.setattr(settings, "system_config_file", lambda: tmp_path / "no-such-file")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("made") / "bank")


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of the registry, which the test may change."""
    return Path(shutil.copytree(made, tmp_path / "bank"))


def run_cli(*args: str | Path, stdin: str | bytes = "") -> Result:
    with CliRunner().isolation(input=stdin) as (out, err, _):
        code = main([str(arg) for arg in args])
        sys.stdout.flush()
        sys.stderr.flush()
        return Result(code, out.getvalue().decode(), err.getvalue().decode())


@pytest.fixture
def cli(project: Path) -> Cli:
    """Run a command on the project."""

    def run(*args: str | Path, stdin: str | bytes = "") -> Result:
        return run_cli("--registry", project, *args, stdin=stdin)

    return run


@pytest.fixture
def golden(project: Path) -> Callable[[str, str], None]:
    """Compare a text with a file; MODELDECK_TEST_GOLDEN=write writes it."""

    def check(name: str, text: str) -> None:
        text = text.replace(str(project), "<project>")
        path = GOLDEN / name
        if os.environ.get("MODELDECK_TEST_GOLDEN") == "write":
            GOLDEN.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
