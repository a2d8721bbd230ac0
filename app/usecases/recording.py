"""Recording a command as a run: started, followed, kept, closed."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from modeldeck.app.recorder import child, rundir
from modeldeck.app.recorder.gather import DIFF
from modeldeck.app.recorder.home import Home
from modeldeck.app.recorder.interpreter import python_of
from modeldeck.app.recorder.keeper import Keeper
from modeldeck.app.recorder.lock import capture, lock_digest
from modeldeck.app.recorder.masking import masked
from modeldeck.app.recorder.mlflow import store_uri
from modeldeck.app.recorder.output import Passing
from modeldeck.app.recorder.system import System
from modeldeck.app.recorder.times import Times
from modeldeck.backends.api.errors import (
    ModeldeckError,
    NotFoundError,
    ReadOnlyError,
    UsageError,
)
from modeldeck.backends.api.ingest import Problem, RunRecord
from modeldeck.backends.api.runs import Lock, Points, Run, Status

from .session import Session

TICK = 0.05
TAKE = 4
"""What was logged is taken every so many ticks."""
PATIENCE = 0.3
"""Seconds that the command waits for a look at the code; a slow one goes on beside it."""
_NOISE = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
COMMAND = "modeldeck.command"
"""The tag that holds the command line."""
_INTERRUPTED = 130
_TRACKING = "MLFLOW_TRACKING_URI"
Look = tuple[Lock, bytes | None]


class Recipe(Struct, frozen=True, kw_only=True):
    """What to record: the command, where, under which names.

    `mlflow` has the script log with MLflow into the run directory, wherever else it would. `system`
    writes figures of the machine beside what it logs.
    """

    command: Sequence[str]
    cwd: Path
    experiment: str = "default"
    name: str = ""
    tags: Mapping[str, str] = {}
    mlflow: bool = False
    system: bool = True


class Recorded(Struct, frozen=True, kw_only=True):
    """A run that has ended, and what could not be read of what it wrote.

    `unclosed` says why the registry does not know yet that it has ended, or is empty.
    """

    run: Run
    code: int
    problems: Sequence[Problem]
    unclosed: str = ""


async def record(
    session: Session,
    recipe: Recipe,
    *,
    show: Callable[[bytes], None],
    began: Callable[[Run], None] = lambda _: None,
) -> Recorded:
    """Run the command to its end; `show` gets its output as it comes, in a thread of its own.

    An interrupt goes to the command, a second one harder; a hang-up is ignored. The run is closed
    with the command's own exit code, or as killed when it was interrupted.
    """
    session.check_writable("run.record")
    registry = session.registry
    if not isinstance(registry, Home):
        raise ReadOnlyError("this registry records no runs", where=registry.place)
    check_command(recipe.command, recipe.cwd)
    return await _Recording(session, registry, recipe).work(show, began)


def check_command(command: Sequence[str], cwd: Path) -> None:
    """UsageError unless there is a command that can be started."""
    if not command:
        raise UsageError("no command to run", way_out="modeldeck run -- python train.py")
    word = command[0]
    if shutil.which(cwd / word if os.sep in word else word) is None:
        raise UsageError(
            f"{word!r} is no command that can be run; nothing was recorded",
            way_out="Check its name, PATH, and that it may be executed",
        )


class _Recording:
    def __init__(self, session: Session, registry: Home, recipe: Recipe) -> None:
        self._session = session
        self._registry = registry
        self._recipe = recipe
        self._run_id = secrets.token_hex(8)
        self._dir = registry.run_folder(self._run_id)
        self._noted = False

    async def work(self, show: Callable[[bytes], None], began: Callable[[Run], None]) -> Recorded:
        session, recipe = self._session, self._recipe
        python = python_of(recipe.command, recipe.cwd)
        looking = asyncio.create_task(asyncio.to_thread(capture, recipe.cwd, python))
        run = await self._new_run()
        rundir.make(self._dir)
        with rundir.keeping(self._dir, wait=True), _Signals() as signals:
            await asyncio.wait([looking], timeout=PATIENCE)
            lock = None
            if looking.done():
                run, lock = self._with(run, await looking)
            begin = RunRecord(run=run, experiment_id=secrets.token_hex(8), lock=lock)
            await self._registry.begin_run(begin, session.actor, session.context)
            began(run)
            keeper = Keeper(self._registry, run, self._dir, recipe.cwd)
            ended, showing = child.Ended(code=_INTERRUPTED), None
            if not signals.killed:
                command = signals.command = child.Child(
                    self._run_id, recipe.command, self._dir, recipe.cwd, self._environment()
                )
                showing = signals.showing = _Showing(self._dir, show)
                async with _timed(self._dir):
                    ended = await self._follow(command, keeper, looking)
                signals.ended = True
                showing.finish()
            unclosed = await self._close(keeper, ended, await looking, signals.killed)
            if showing is not None:
                await showing.over()
        code = 255 if ended.code is None else ended.code
        return Recorded(run=keeper.run, code=code, problems=keeper.problems, unclosed=unclosed)

    async def _close(self, keeper: Keeper, ended: child.Ended, look: Look, killed: str) -> str:
        """Close the run; gives why that could not be done."""
        session, at = self._session, datetime.now(UTC)
        try:
            await self._note(keeper, look)
            keeper.run = await keeper.end(
                ended, session.actor, session.context, killed=killed, at=at
            )
        except (ModeldeckError, OSError) as error:
            return str(error)
        return ""

    async def _follow(
        self, command: child.Child, keeper: Keeper, looking: "asyncio.Task[Look]"
    ) -> child.Ended:
        tick = pause = 0
        system = System(command.pid)
        looked: asyncio.Task[Mapping[str, Points]] | None = None
        while (ended := command.reap()) is None:
            if looked is not None and looked.done():
                await keeper.add(looked.result())
                looked = None
            elif looked is None and system.due and self._recipe.system:
                # A GPU that does not answer holds up nothing.
                looked = asyncio.create_task(asyncio.to_thread(system.look))
            if tick >= pause:
                pause = tick + TAKE
                try:
                    if looking.done():
                        await self._note(keeper, await looking)
                    await keeper.take()
                except ModeldeckError:
                    # A registry that is locked or full now may take it later; the end tries hard.
                    pause = tick + 10 * TAKE
            await asyncio.sleep(TICK)
            tick += 1
        if looked is not None:
            await keeper.add(await looked)
        return ended

    async def _note(self, keeper: Keeper, look: Look) -> None:
        """Write down what the run has, where that was not known when it began."""
        if not self._noted:
            run, lock = self._with(keeper.run, look)
            await self._registry.note_lock(run, lock)
            keeper.run = run

    def _with(self, run: Run, look: Look) -> tuple[Run, Lock]:
        lock, diff = look
        if diff:
            (self._dir / DIFF).write_bytes(diff)
        self._noted = True
        git = lock.git
        run = msgspec.structs.replace(
            run,
            git=git.commit if git else None,
            dirty=git.dirty if git else None,
            lock=lock_digest(lock),
        )
        return run, lock

    async def _new_run(self) -> Run:
        session, recipe = self._session, self._recipe
        return Run(
            id=self._run_id,
            name=recipe.name or f"{_stem(recipe.command)}-{self._run_id[:4]}",
            experiment=recipe.experiment,
            status=Status.RUNNING,
            started_at=session.clock(),
            parent_id=await self._parent(),
            user=session.actor.sudo_user or session.actor.user,
            tags={COMMAND: masked(recipe.command), **recipe.tags},
        )

    async def _parent(self) -> str | None:
        """The run that this command line is a part of, when it is one of this registry."""
        named = os.environ.get(child.RUN_ID)
        if not named:
            return None
        try:
            found = await self._registry.run(named)
        except NotFoundError:
            return None
        return named if found.id == named else None

    def _environment(self) -> Mapping[str, str]:
        extra = {child.RUN_ID: self._run_id, child.REGISTRY: self._registry.place}
        above = os.environ.get(rundir.VARIABLE)
        # What an outer run has set is that run's own store.
        inherited = above is not None and os.environ.get(_TRACKING) == store_uri(Path(above))
        if self._recipe.mlflow or inherited or not os.environ.get(_TRACKING):
            extra[_TRACKING] = store_uri(self._dir)
        return extra


@contextlib.asynccontextmanager
async def _timed(run_dir: Path) -> AsyncIterator[None]:
    """Note when output comes; by itself, since a registry that is held would make it late."""
    with contextlib.closing(Times(run_dir)) as times:

        async def look() -> None:
            while True:
                times.look()
                await asyncio.sleep(TICK)

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
            times.look()


class _Showing:
    """Output passed on in a thread; `over` waits until all of it was, or nobody wants it."""

    def __init__(self, run_dir: Path, show: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._thread = Passing(run_dir, show, self._passed)

    def finish(self) -> None:
        self._thread.finish()

    def give_up(self) -> None:
        self._over.set()

    async def over(self) -> None:
        await self._over.wait()

    def _passed(self) -> None:
        # After `give_up` there may be no loop any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._over.set)


class _Signals:
    """Passes signals on to the command, harder each time; once it has ended, none ends us."""

    def __init__(self) -> None:
        self.command: child.Child | None = None
        self.showing: _Showing | None = None
        self.killed = ""
        self.ended = False
        self._times = 0
        self._loop = asyncio.get_running_loop()
        self._handlers: Mapping[signal.Signals, Callable[[], None]] = {
            signal.SIGINT: self._interrupt,
            signal.SIGTERM: lambda: self._pass_on(signal.SIGTERM),
            signal.SIGQUIT: lambda: self._pass_on(signal.SIGQUIT),
            # The line may go; the command and its record do not.
            signal.SIGHUP: lambda: None,
        }

    def __enter__(self) -> Self:
        for number, handler in self._handlers.items():
            self._loop.add_signal_handler(number, handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in self._handlers:
            self._loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        if self.ended:
            # Whoever does not read our output any more may leave; the record is kept.
            if self.showing:
                self.showing.give_up()
            return
        self.killed = "interrupted by ctrl+c"
        self._send(_NOISE[min(self._times, len(_NOISE) - 1)])
        self._times += 1

    def _pass_on(self, number: signal.Signals) -> None:
        if not self.ended:
            self.killed = self.killed or f"its recorder was told to end ({number.name})"
            self._send(number)

    def _send(self, number: signal.Signals) -> None:
        if self.command:
            self.command.send(number)


def _stem(command: Sequence[str]) -> str:
    """What the command runs: its module, its script, else itself."""
    words = list(command[1:])
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    script = next((word for word in words if word.endswith((".py", ".sh", ".R"))), command[0])
    return Path(script).stem or "run"
