"""Runs that lost their recorder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from modeldeck.app.recorder import processes
from modeldeck.app.usecases.adoption import adoption, settle
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.local import open_registry
from tests.recorder.real import (
    artifact,
    end_commands,
    listed,
    run_program,
    script,
    series,
    started,
    states,
    until,
)

pytestmark = pytest.mark.real

STEPS = """
log(0, loss=1.0)
print("ready", flush=True)
wait_for("enough")
log(1, loss=0.5)
(run / "params.json").write_text('{"lr": 1}')
(run / "artifacts" / "a.txt").write_text("a")
print("last words", flush=True)
sys.exit(7)
"""


@pytest.fixture
def orphan(tmp_path):
    """A command whose recorder was killed with -9; it waits for the file `enough`."""
    with started(tmp_path, "run", "--", *script(tmp_path, STEPS)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        yield tmp_path
    end_commands(tmp_path)


def state_file(folder):
    (path,) = folder.glob(".modeldeck/runs/*/.run.json")
    return path


def change_state(folder, **fields):
    path = state_file(folder)
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def ended(folder):
    """The run, once it has been closed by whoever lists it."""
    return until(lambda: [r for r in listed(folder) if r["status"] != "running"])[0]


def kill_command(folder):
    (state,) = states(folder)
    os.killpg(state["pid"], signal.SIGKILL)
    until(lambda: not processes.alive(state["pid"], state["born"]))


def test_the_command_goes_on_and_its_run_is_closed_with_its_own_code(orphan):
    (run,) = listed(orphan)
    assert (run["status"], run["metrics"]) == ("running", {"loss": 1.0})
    (orphan / "enough").touch()
    run = ended(orphan)
    assert (run["status"], run["exit_code"]) == ("failed", 7)
    assert run["reason"] == "exit 7; last line: last words"
    assert (run["params"], run["metrics"]) == ({"lr": "1"}, {"loss": 0.5})
    assert series(orphan, run["id"], "loss") == [(0, 1.0), (1, 0.5)]
    assert artifact(orphan, run["id"], "a.txt") == b"a"
    assert artifact(orphan, run["id"], "output.log") == b"ready\nlast words\n"
    # The one who died may have met lines that could not be read: the file is kept.
    assert artifact(orphan, run["id"], "metrics.jsonl").count(b"\n") == 2
    assert list(orphan.glob(".modeldeck/runs/*")) == []


def test_a_command_that_was_killed_too_keeps_every_complete_line(orphan):
    kill_command(orphan)
    (run,) = listed(orphan)
    assert (run["status"], run["exit_code"]) == ("killed", None)
    assert run["reason"].startswith("ended while nobody watched; its exit code is not known")
    assert series(orphan, run["id"], "loss") == [(0, 1.0)]
    assert run["ended_at"] >= run["started_at"]


def test_what_it_left_behind_keeps_it_open(orphan):
    (state,) = states(orphan)
    os.kill(state["pid"], signal.SIGKILL)
    (run,) = listed(orphan)
    assert run["status"] == "running"
    (orphan / "enough").touch()
    run = ended(orphan)
    assert (run["status"], run["exit_code"], run["metrics"]) == ("killed", None, {"loss": 0.5})


def test_a_later_process_of_the_same_number_is_another_one(orphan):
    kill_command(orphan)
    change_state(orphan, pid=os.getpid(), born="another-boot 4711")
    (run,) = listed(orphan)
    assert run["status"] == "killed"


def test_another_machine_is_left_to_itself(orphan):
    (state,) = states(orphan)
    change_state(orphan, host="elsewhere")
    os.killpg(state["pid"], signal.SIGKILL)
    (run,) = listed(orphan)
    assert run["status"] == "running"
    assert state_file(orphan).exists()
    # Ours to end.
    change_state(orphan, host=processes.host())
    assert listed(orphan)[0]["status"] == "killed"


def test_a_recorder_that_lives_is_never_disturbed(tmp_path):
    with started(tmp_path, "run", "--", *script(tmp_path, STEPS)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert asyncio.run(settled(tmp_path)) == []
        (tmp_path / "enough").touch()
        assert process.wait(30) == 7
    (run,) = listed(tmp_path)
    assert run["reason"] == "exit 7; last line: last words"
    assert artifact(tmp_path, run["id"], "metrics.jsonl") is None


async def settled(folder):
    session = await open_session(Wish(registry=str(folder)))
    try:
        return list(await settle(session))
    finally:
        await session.registry.close()


def test_of_two_who_come_at_once_one_closes_it(orphan):
    (orphan / "enough").touch()
    until(lambda: list(orphan.glob(".modeldeck/runs/*/.exit")))

    async def both():
        # Opened past the door at which a session looks after what was left.
        registries = [open_registry(orphan) for _ in range(2)]
        session = await open_session(Wish(registry=str(orphan), readonly=True))
        homes = [
            adoption(type(session)(context="c", registry=registry, actor=session.actor))
            for registry in registries
        ]
        try:
            return await asyncio.gather(*(home.settle() for home in homes))
        finally:
            for registry in (*registries, session.registry):
                await registry.close()

    first, second = asyncio.run(both())
    assert len(first) + len(second) == 1
    (run,) = listed(orphan)
    assert series(orphan, run["id"], "loss") == [(0, 1.0), (1, 0.5)]
    trail = json.loads(run_program(orphan, "audit", "ls", "-o", "json").stdout)["items"]
    assert [event["phase"] for event in trail] == ["ended", "started"]


def test_one_who_stays_follows_it_and_shares_it_with_others(orphan):
    async def stay():
        session = await open_session(Wish(registry=str(orphan)))
        home = adoption(session)
        try:
            assert await home.settle() == []
            # Another one takes the next line.
            (path,) = orphan.glob(".modeldeck/runs/*/metrics.jsonl")
            with path.open("a") as file:
                file.write('{"step": 5, "loss": 5.0}\n')
            await asyncio.to_thread(listed, orphan)
            with path.open("a") as file:
                file.write('{"step": 6, "loss": 6.0}\n')
            assert await home.settle() == []
            (orphan / "enough").touch()
            while not (closed := await home.settle()):  # noqa: ASYNC110 - the file system tells nobody
                await asyncio.sleep(0.01)
            return closed
        finally:
            await session.registry.close()

    (run_id,) = asyncio.run(stay())
    assert [step for step, _ in series(orphan, run_id, "loss")] == [0, 1, 5, 6]


def test_a_readonly_session_closes_nothing(orphan):
    kill_command(orphan)
    done = run_program(orphan, "--readonly", "runs", "ls", "-o", "json")
    assert json.loads(done.stdout)["items"][0]["status"] == "running"
    assert listed(orphan)[0]["status"] == "killed"


def test_a_recorder_that_died_before_the_command_began(tmp_path):
    with started(tmp_path, "run", "--", *script(tmp_path, STEPS)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        kill_command(tmp_path)
        state_file(tmp_path).unlink()
    (run,) = listed(tmp_path)
    assert run["status"] == "killed"
    assert run["reason"].startswith("its recorder ended before the command was started")


def test_a_directory_of_no_run_is_cleared_when_it_is_old_and_bare(tmp_path):
    run_program(tmp_path, "run", "--", "true")
    folder = tmp_path / ".modeldeck" / "runs" / "0123456789abcdef"
    for name in ("artifacts", "model"):
        (folder / name).mkdir(parents=True)
    (folder / ".keeper").touch()
    listed(tmp_path)
    assert folder.exists()
    os.utime(folder, (1, 1))
    listed(tmp_path)
    assert not folder.exists()
    (folder / "artifacts").mkdir(parents=True)
    (folder / ".keeper").touch()
    (folder / "metrics.jsonl").write_text("{}\n")
    os.utime(folder, (1, 1))
    listed(tmp_path)
    assert (folder / "metrics.jsonl").exists()


def test_without_orphans_nothing_of_it_is_imported(tmp_path):
    run_program(tmp_path, "run", "--", "true")
    look = (
        "import sys\nfrom modeldeck.app.cli.main import main\nmain(['runs', 'ls'])\n"
        "print([n for n in sys.modules if n.startswith('modeldeck.app.recorder.')])"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['modeldeck.app.recorder.rundir']"


@pytest.mark.parametrize("born", ["", "boot", processes.birth(1) + "0"])
def test_no_process_is_taken_for_another(born):
    assert not processes.alive(1, born)
    assert Path("/proc").exists() is processes.alive(os.getpid(), processes.birth(os.getpid()))
