"""What holds for every test: a home of its own, no skip in CI, and a count of what was real."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.report import HEADS, table
from tests.leaks import leaks, secrets_of
from tests.mlflow_store import mlflow_store
from tests.servers import Keeper, filled_store, mlflow_server
from tests.trackers import tracked

__all__ = ["filled_store", "mlflow_server", "mlflow_store", "tracked"]

KINDS = ("real", "simulated", "contract")
HOMES = {
    "HOME": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_STATE_HOME": ".local/state",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CACHE_HOME": ".cache",
}

# A shared or loaded machine is slow now and then: time is measured by `make bench`.
settings.register_profile(
    "modeldeck",
    deadline=None,
    derandomize="CI" in os.environ,
    # How long it takes to make examples says how busy the machine is.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("modeldeck")


def foreign(name: str) -> bool:
    """Whether a variable would point the program at something outside of the test."""
    return name.startswith(("MODELDECK_", "MLFLOW_")) and not name.startswith("MODELDECK_TEST_")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Keeper(config), Keeper.NAME)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has an empty home, no configuration and the same terminal.

    It is one for all the examples that hypothesis makes of a test, and lies beside `tmp_path`,
    which stays empty.
    """
    home = tempfile.mkdtemp(prefix="home-", dir=tmp_path_factory.getbasetemp())
    for name, below in HOMES.items():
        monkeypatch.setenv(name, os.path.join(home, below) if below else home)  # noqa: PTH118
    for name in filter(foreign, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    report.kinds = [kind for kind in KINDS if item.get_closest_marker(kind)]
    return report


def skipped(config: pytest.Config) -> list[pytest.TestReport]:
    return config.pluginmanager.get_plugin("terminalreporter").stats.get("skipped", [])


SEARCHED = pytest.StashKey[tuple[int, list[Path]]]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput"):
        return
    secrets = secrets_of(config.pluginmanager.get_plugin(Keeper.NAME).root)
    if secrets:
        # The workers' folders lie in that of the process that controls them.
        found = list(leaks(config._tmp_path_factory.getbasetemp(), secrets))
        config.stash[SEARCHED] = len(secrets), found
    wrong = config.stash.get(SEARCHED, (0, []))[1] or ("CI" in os.environ and skipped(config))
    if wrong and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    ran = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if getattr(report, "when", None) == "call"
    ]
    counts = Counter(kind for report in ran for kind in report.kinds)
    terminalreporter.section("kinds of tests")
    terminalreporter.line(", ".join(f"{counts[kind]} {kind}" for kind in KINDS))
    properties = [pair for report in ran for pair in report.user_properties]
    for name, head in HEADS.items():
        if rows := [row for key, row in properties if key == name]:
            terminalreporter.section(f"{name} between us and a server")
            for line in table(head, rows):
                terminalreporter.line(line)
    if SEARCHED in config.stash:
        count, files = config.stash[SEARCHED]
        terminalreporter.section("secrets of servers in files that tests have left")
        terminalreporter.line(f"{count} looked for, in {len(files)} files found")
        for file in files:
            terminalreporter.line(str(file), red=True)
    if "CI" in os.environ and skipped(config):
        terminalreporter.section("skipped, which CI does not allow", red=True)
        for report in skipped(config):
            terminalreporter.line(f"{report.nodeid}: {report.longrepr[-1]}")
