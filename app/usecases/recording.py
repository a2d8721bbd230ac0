"""Recording a command as a run: started, followed, kept, closed."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from modeldeck.app.recorder import child, rundir
from modeldeck.app.recorder.follow import Reader
from modeldeck.app.recorder.interpreter import python_of
from modeldeck.app.recorder.keeper import DIFF, Keeper, keeping
from modeldeck.app.recorder.lock import capture, lock_digest
from modeldeck.app.recorder.mlflow import STORE, take_mlflow
from modeldeck.app.recorder.output import Output
from modeldeck.backends.api.errors import ReadOnlyError, UsageError
from modeldeck.backends.api.ingest import Problem, RunRecord, Source
from modeldeck.backends.api.protocols import Recording
from modeldeck.backends.api.runs import Lock, Run, Status

from .session import Session

TICK = 0.25
_NOISE = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


class Recipe(Struct, frozen=True, kw_only=True):
    """What to record: the command, where, under which names.

    `mlflow` points MLFLOW_TRACKING_URI to a store in the run directory, and takes it from there.
    """

    command: Sequence[str]
    cwd: Path
    experiment: str = "default"
    name: str = ""
    tags: Mapping[str, str] = {}
    mlflow: bool = False


class Recorded(Struct, frozen=True, kw_only=True):
    """A run that has ended, and what could not be read of what it wrote."""

    run: Run
    code: int
    problems: Sequence[Problem]


async def record(
    session: Session,
    recipe: Recipe,
    *,
    show: Callable[[bytes], None],
    began: Callable[[Run], None] = lambda _: None,
    open_mlflow: Callable[[Path], Source] | None = None,
) -> Recorded:
    """Run the command to its end; `show` gets its output as it comes.

    An interrupt goes to the command, a second one harder; a hang-up is ignored. The run is closed
    with the command's own exit code, or as killed when it was interrupted.
    """
    session.check_writable("run.record")
    registry = session.registry
    if not isinstance(registry, Recording):
        raise ReadOnlyError("this registry records no runs", where=registry.place)
    _check(recipe)
    run_id = secrets.token_hex(8)
    run_dir = rundir.make(registry.run_folder(run_id))
    lock, diff = await asyncio.to_thread(capture, recipe.cwd, python_of(recipe.command, recipe.cwd))
    if diff:
        (run_dir / DIFF).write_bytes(diff)
    run = _new_run(session, recipe, run_id, lock)
    with keeping(run_dir):
        record_of = RunRecord(run=run, experiment_id=secrets.token_hex(8), lock=lock)
        await registry.begin_run(record_of, session.actor, session.context)
        began(run)
        process = child.start(
            recipe.command, run_dir, recipe.cwd, _environment(session, recipe, run_id, run_dir)
        )
        child.write_state(run_dir, _state(recipe, run, process))
        keeper = Keeper(registry, run, run_dir, Reader(run_dir, {}, base=recipe.cwd))
        watch = _Watch(process)
        ended = await _follow(watch, keeper, Output(run_dir), show)
        if open_mlflow and (run_dir / STORE).exists():
            await take_mlflow(registry, run, open_mlflow(run_dir / STORE))
        run = await keeper.end(ended, session.actor, session.context, killed=watch.killed)
        (run_dir / STORE).unlink(missing_ok=True)
    _remove_if_empty(run_dir)
    code = 255 if ended.code is None else ended.code
    return Recorded(run=run, code=code, problems=keeper.problems)


class _Watch:
    """Passes signals on to the command, harder each time."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.killed = ""
        self._times = 0
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        # The line may go; the command and its record do not.
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def _interrupt(self) -> None:
        self.killed = "interrupted by ctrl+c"
        child.send(self.process.pid, _NOISE[min(self._times, len(_NOISE) - 1)])
        self._times += 1

    def _terminate(self) -> None:
        self.killed = "its recorder was asked to end (SIGTERM)"
        child.send(self.process.pid, signal.SIGTERM)


async def _follow(
    watch: _Watch, keeper: Keeper, output: Output, show: Callable[[bytes], None]
) -> child.Ended:
    while True:
        ended = child.reap(watch.process)
        while found := output.read():
            show(found)
        if ended is not None:
            return ended
        await keeper.take()
        await asyncio.sleep(TICK)


def _check(recipe: Recipe) -> None:
    if not recipe.command:
        raise UsageError("no command to run", way_out="modeldeck run -- python train.py")
    word = recipe.command[0]
    found = shutil.which(word, path=os.environ.get("PATH")) or shutil.which(recipe.cwd / word)
    if not found:
        raise UsageError(
            f"{word!r} is no command that can be run", way_out="Check the name and PATH"
        )


def _new_run(session: Session, recipe: Recipe, run_id: str, lock: Lock) -> Run:
    git = lock.git
    return Run(
        id=run_id,
        name=recipe.name or f"{_stem(recipe.command)}-{run_id[:4]}",
        experiment=recipe.experiment,
        status=Status.RUNNING,
        started_at=session.clock(),
        parent_id=os.environ.get(child.RUN_ID) or None,
        user=session.actor.sudo_user or session.actor.user,
        git=git.commit if git else None,
        dirty=git.dirty if git else None,
        lock=lock_digest(lock),
        tags=recipe.tags,
    )


def _stem(command: Sequence[str]) -> str:
    script = next((w for w in command[1:] if w.endswith((".py", ".sh", ".R"))), command[0])
    return Path(script).stem or "run"


def _environment(session: Session, recipe: Recipe, run_id: str, run_dir: Path) -> dict[str, str]:
    extra = {child.RUN_ID: run_id, child.REGISTRY: session.registry.place}
    if recipe.mlflow or "MLFLOW_TRACKING_URI" not in os.environ:
        extra["MLFLOW_TRACKING_URI"] = f"sqlite:///{run_dir / STORE}"
    return extra


def _state(recipe: Recipe, run: Run, process: "subprocess.Popen[bytes]") -> child.State:
    return child.State(
        run_id=run.id,
        pid=process.pid,
        born=child.birth(process.pid),
        host=socket.gethostname(),
        started_at=run.started_at.timestamp() if run.started_at else 0.0,
        command=tuple(recipe.command),
        cwd=str(recipe.cwd),
    )


def _remove_if_empty(run_dir: Path) -> None:
    try:
        run_dir.rmdir()
    except OSError:
        return
