"""Recording where something goes wrong on our side: the command must not notice."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import threading
import time

import pytest

from modeldeck.app.config.actor import current_actor
from modeldeck.app.recorder.rundir import waiting
from modeldeck.app.usecases import recording
from modeldeck.app.usecases.adoption import settle
from modeldeck.app.usecases.recording import Recipe, record
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UnreachableError
from modeldeck.backends.local import create_registry
from tests.recorder.real import script

pytestmark = pytest.mark.real


@pytest.fixture
async def session(tmp_path):
    registry = create_registry(tmp_path)
    yield Session(context="c", registry=registry, actor=current_actor())
    await registry.close()


def recipe(folder, body):
    return Recipe(command=script(folder, body), cwd=folder)


def steps(points):
    return list(points.steps)


def ignore(_):
    """Show nothing."""


async def test_a_run_that_could_not_be_closed_is_closed_by_the_next(session, tmp_path, monkeypatch):
    registry = session.registry

    async def full(*_):
        raise UnreachableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(registry, "end_run", full)
        body = "log(0, loss=1.0)\n(run / 'artifacts' / 'a.txt').write_text('a')\nsys.exit(3)"
        done = await record(session, recipe(tmp_path, body), show=ignore)
    assert (done.code, done.unclosed) == (3, "the disk is full")
    assert (await registry.run(done.run.id)).status == "running"
    assert waiting(registry.layout.runs) == [done.run.id]
    assert await settle(session) == [done.run.id]
    run = await registry.run(done.run.id)
    assert (run.status, run.exit_code) == ("failed", 3)
    assert steps(await registry.points(run.id, "loss")) == [0]
    assert "a.txt" in {artifact.path for artifact in await registry.artifacts(f"runs/{run.id}")}
    assert waiting(registry.layout.runs) == []


async def test_what_an_interrupted_end_left_is_cleared(session, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("modeldeck.app.recorder.keeper.clear", lambda *_: None)
        body = "log(0, loss=1.0)\n(run / 'artifacts' / 'a.txt').write_text('a')\n"
        done = await record(session, recipe(tmp_path, body + "print('x')"), show=ignore)
    folder = session.registry.run_folder(done.run.id)
    (folder / "mine.txt").write_text("mine")
    assert waiting(folder.parent) == [done.run.id]
    assert await settle(session) == []
    assert [path.name for path in folder.rglob("*")] == ["mine.txt"]
    assert steps(await session.registry.points(done.run.id, "loss")) == [0]


async def test_a_registry_that_fails_now_and_then_gets_every_line_once(
    session, tmp_path, monkeypatch
):
    registry, real, calls = session.registry, session.registry.log, 0

    async def now_and_then(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls % 3 == 1:
            raise UnreachableError("busy")
        if calls % 3 == 2:
            # The answer was lost, not what was written.
            await real(*args, **kwargs)
            raise UnreachableError("busy")
        await real(*args, **kwargs)

    monkeypatch.setattr(registry, "log", now_and_then)
    monkeypatch.setattr(recording, "TAKE", 0)
    body = "for step in range(60):\n    log(step, loss=step)\n    time.sleep(0.005)"
    done = await record(session, recipe(tmp_path, body), show=ignore)
    assert (done.unclosed, calls > 3) == ("", True)
    assert steps(await registry.points(done.run.id, "loss")) == list(range(60))


async def test_a_slow_look_at_the_code_does_not_keep_the_command_waiting(
    session, tmp_path, monkeypatch
):
    began, capture = threading.Event(), recording.capture

    def slow(*args):
        assert began.wait(30)
        return capture(*args)

    monkeypatch.setattr(recording, "capture", slow)
    monkeypatch.setattr(recording, "PATIENCE", 0.0)

    def show(_):
        began.set()

    done = await record(session, recipe(tmp_path, "print('began', flush=True)"), show=show)
    run = await session.registry.run(done.run.id)
    assert run.lock == done.run.lock
    assert (await session.registry.lock(run.lock)).python == sys.version.split()[0]


@pytest.mark.slow
async def test_a_registry_that_is_held_for_long_stops_no_command(session, tmp_path):
    body = "log(0, loss=1.0)\nprint('ready', flush=True)\nwait_for('enough')\nlog(1, loss=2.0)"
    ready = threading.Event()

    def show(_):
        ready.set()

    recorded = asyncio.create_task(record(session, recipe(tmp_path, body), show=show))
    assert await asyncio.to_thread(ready.wait, 30)

    def hold():
        with session.registry.layout.database.with_name("registry.db.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Longer than anybody waits for it.
            end = time.monotonic() + 7
            (tmp_path / "enough").touch()
            while time.monotonic() < end:
                time.sleep(0.05)

    await asyncio.to_thread(hold)
    done = await recorded
    assert (done.code, done.unclosed) == (0, "")
    assert steps(await session.registry.points(done.run.id, "loss")) == [0, 1]
