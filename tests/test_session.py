"""What tests/conftest.py does to a session of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SESSION = """
import os
import pytest

@pytest.mark.real
def test_home(tmp_path):
    home = os.environ["HOME"]
    assert os.listdir(home) == os.listdir(tmp_path) == []
    assert os.environ["XDG_CONFIG_HOME"] == home + "/.config"
    assert "MODELDECK_CONTEXT" not in os.environ
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MODELDECK_TEST_REQUIRE_SERVERS"] == "0"

@pytest.mark.real
@pytest.mark.contract
def test_two_kinds():
    pass

@pytest.mark.skipif({skip}, reason="no such program here")
def test_skipped():
    pass
"""


@pytest.fixture
def session(tmp_path):
    """Run a session of three tests with our conftest."""

    def run(*options: str, skip: bool, ci: bool) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(SESSION.format(skip=skip), encoding="utf-8")
        (tmp_path / "pytest.ini").write_text(
            "[pytest]\nmarkers =\n real: r\n simulated: s\n contract: c\n"
            "asyncio_default_fixture_loop_scope = function\n",
            encoding="utf-8",
        )
        env = {key: value for key, value in os.environ.items() if key != "CI"}
        env |= {"PYTHONPATH": str(ROOT), "MODELDECK_CONTEXT": "prod", "MLFLOW_TRACKING_URI": "x"}
        env |= {"MODELDECK_TEST_REQUIRE_SERVERS": "0"} | ({"CI": "true"} if ci else {})
        argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", *options, "test_it.py"]
        return subprocess.run(
            argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_skip_fails_the_session_in_ci_and_is_named(session, workers):
    done = session(*workers, skip=True, ci=True)
    assert done.returncode == 1, done.stdout
    assert "test_it.py::test_skipped: Skipped: no such program here" in done.stdout


def test_a_skip_is_allowed_elsewhere(session):
    done = session(skip=True, ci=False)
    assert done.returncode == 0, done.stdout
    assert "CI does not allow" not in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_without_a_skip_ci_is_content_and_kinds_are_counted(session, workers):
    done = session(*workers, skip=False, ci=True)
    assert done.returncode == 0, done.stdout
    assert "2 real, 0 simulated, 1 contract" in done.stdout
