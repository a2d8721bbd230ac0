"""kill -9 at every step of applying a plan: all or nothing here, the truth of a server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modeldeck.backends.local import open_registry
from modeldeck.backends.local.trail import verify
from tests.console.dump import clock
from tests.console.releases import make
from tests.usecases.failpoints import (
    LOCAL,
    REMOTE,
    local_session,
    move,
    points,
    remote_session,
)

pytestmark = pytest.mark.real

KEPT_LOCAL = {
    "after transaction",
    "after applied",
    *(f"{when} {name}" for name in ("followed up", "shared") for when in ("before", "after")),
}
"""Points of a registry here at which the change has been committed."""
SENT = {
    "after sent",
    *(f"{when} {name}" for name in ("verified", "outcome") for when in ("before", "after")),
    *(f"{when} read back" for when in ("before", "after")),
    "after made",
    "after applied",
    *(f"{when} followed up" for when in ("before", "after")),
}
"""Points at which a server has got it."""
OPEN = {
    "after intended": "failed",
    "before sent": "failed",
    "after sent": "done",
    "before verified": "done",
    "before read back": "done",
    "after read back": "done",
    "before outcome": "done",
}
"""What the next start finds out of those that left an intent open."""


def run(kind: str, root: Path, names: list[str]) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.usecases.failpoints", kind]
    done = subprocess.run(
        [*command, *(str(root / name) for name in names)],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
    )
    ends = dict(line.split("\t") for line in done.stdout.splitlines())
    assert set(ends) == set(names), done.stderr
    return {name: int(code) for name, code in ends.items()}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Registries here, each killed at the point of its name."""
    root = tmp_path_factory.mktemp("killed")
    made = make(tmp_path_factory.mktemp("past"))
    names = points(LOCAL)
    for name in names:
        shutil.copytree(made, root / name)
    return root, run("local", root, names)


@pytest.fixture(scope="module")
def killed_far(tmp_path_factory):
    """Servers and their records, each client killed at the point of its name."""
    root = tmp_path_factory.mktemp("far")
    names = points(REMOTE)
    for name in names:
        (root / name).mkdir()
    return root, run("remote", root, names)


def test_there_are_points_enough():
    assert len(points(LOCAL)) >= 25
    assert not KEPT_LOCAL - set(points(LOCAL))
    assert not (SENT | OPEN.keys()) - set(points(REMOTE))


@pytest.mark.parametrize("point", points(LOCAL))
async def test_a_registry_here_has_all_of_it_or_nothing(killed, point):
    root, ends = killed
    assert ends[point] == -signal.SIGKILL
    folder = root / point
    registry = open_registry(folder, clock=clock)
    assert registry.registry.read_now(verify) is None
    last = (await registry.events(None, (), 1)).first[0]
    at = (await registry.model("fraud")).aliases["champion"]
    kept = point in KEPT_LOCAL
    assert (at, last.subject == "models/fraud@champion") == ((3, True) if kept else (2, False))
    if kept:
        assert (last.before, last.after) == ({"version": 2}, {"version": 3})
        assert last.evidence["gates"][0]["verdict"] == "pass"
    await registry.close()
    # And life goes on.
    again = local_session(folder)
    await move(again, 1)
    registry = open_registry(folder, clock=clock)
    assert (await registry.model("fraud")).aliases["champion"] == 1
    assert registry.registry.read_now(verify) is None
    await registry.close()


@pytest.mark.parametrize("point", points(REMOTE))
async def test_of_a_server_the_next_start_says_what_is_true(killed_far, point):
    root, ends = killed_far
    assert ends[point] == -signal.SIGKILL
    session = remote_session(root / point)
    found = await session.registry.reconcile()
    assert [event.phase for event in found] == ([OPEN[point]] if point in OPEN else [])
    assert await session.registry.records.opened() == []
    at = session.registry.server.aliases_of["fraud"]["champion"]
    assert at == (2 if point in SENT else 1)
    events = (await session.registry.events(None, (), 50)).first
    said = [event.phase for event in events if event.phase in ("done", "failed", "unknown")]
    assert "unknown" not in said
    assert ("done" in said) == (point in SENT), "what it says is what is there"
    assert len(session.registry.server.writes) == (1 if point in SENT else 0), "sent once"
    await move(session, 3)
