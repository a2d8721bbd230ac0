"""The demo: a real project, really trained, through the commands that anybody would use."""

import asyncio
import contextlib
import importlib.resources
import importlib.util
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.errors import ModeldeckError, UsageError
from modeldeck.backends.api.tasks import task_group

TOGETHER = 2
MODELS = {"digits": "digits", "cancer": "tumour"}
NEEDED = ("sklearn", "skops")
# The slow ones come first, so that both cores end together.
TRIALS = """
digits  boosted 0.1     --kind boosted --rate 0.1 --size 32
digits  sweep of rates
digits  boosted 0.02    --kind boosted --rate 0.02 --size 64
digits  neural 0.01     --kind neural --rate 0.01 --size 16
digits  neural 0.001    --kind neural --rate 0.001 --size 64
digits  linear 0.01     --kind linear --rate 0.01
digits  linear 0.0001   --kind linear --rate 0.0001
cancer  boosted 0.1     --kind boosted --rate 0.1 --size 32
cancer  boosted 0.02    --kind boosted --rate 0.02 --size 64
cancer  neural 0.01     --kind neural --rate 0.01 --size 16
cancer  neural 0.001    --kind neural --rate 0.001 --size 64
cancer  linear 0.01     --kind linear --rate 0.01
cancer  linear 0.0001   --kind linear --rate 0.0001
cancer  linear 0        --kind linear --rate 0
"""
FAILS = "linear 0"
SWEEP = "sweep of rates"
FINISHED = "status = finished and has tags.kind and has metrics.accuracy"
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_GIT = "-c user.name=demo -c user.email=demo@localhost -c commit.gpgsign=false"
Row = Mapping[str, Any]


class Trial(Struct, frozen=True):
    """One training run: its data, its name, and what is given to the script."""

    data: str
    name: str
    options: str

    @property
    def saved(self) -> str:
        """Where its model lies in the project."""
        return saved(self.data, self.name)

    @property
    def command(self) -> str:
        """What runs it, as words of a command line."""
        if self.name == SWEEP:
            return "sweep.py"
        return f"train.py --data {self.data} {self.options} --save {self.saved}"


def trials() -> Sequence[Trial]:
    """What the demo trains."""
    lines = [line.partition("--") for line in TRIALS.strip().splitlines()]
    found = []
    for head, dashes, options in lines:
        data, name = head.split(maxsplit=1)
        found.append(Trial(data, name.strip(), dashes + options))
    return found


def saved(data: str, name: str) -> str:
    """Where the model of a run of that name lies in the project."""
    return f"models/{data}-{name.replace(' ', '-')}.skops"


async def make_demo(folder: Path, say: Callable[[str], None]) -> Path:
    """Make a project in `folder`, train in it, register versions, set aliases.

    Gives the registry. `say` gets a line for each thing done.
    """
    return await _Demo(folder, say).make()


class _Demo:
    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder.absolute()
        self._say = say
        self._free = asyncio.Semaphore(TOGETHER)
        self._done = 0

    async def make(self) -> Path:
        begin = time.monotonic()
        await asyncio.to_thread(_copy, self._folder)
        await self._modeldeck("init")
        await self._commit()
        every = trials()
        self._say(f"training {len(every)} times in {self._folder}, {TOGETHER} at once")
        async with task_group() as group:
            for trial in every:
                group.create_task(self._train(trial, len(every)))
        for data, model in MODELS.items():
            await self._register(data, model)
        self._say(f"done in {time.monotonic() - begin:.0f} s")
        return self._folder / ".modeldeck" / "registry.db"

    async def _commit(self) -> None:
        (self._folder / ".gitignore").write_text("models/\n")
        if shutil.which("git"):
            for words in ("init -q", "add .", f"{_GIT} commit -q --no-verify -m 'The demo'"):
                await _call(self._folder, ["git", *shlex.split(words)])

    async def _train(self, trial: Trial, count: int) -> None:
        async with self._free:
            begin = time.monotonic()
            code, output = await self._call(
                f"run -e {trial.data} --name",
                trial.name,
                "--",
                sys.executable,
                *trial.command.split(),
            )
        if (code != 0) != (trial.name == FAILS):
            raise ModeldeckError(f"{trial.name} of {trial.data} ended with {code}: {output[-500:]}")
        self._done += 1
        words = "fails, as it should: a learning rate of 0 is none"
        if code == 0:
            words = _scores(trial, output)
        seconds = time.monotonic() - begin
        self._say(
            f"{self._done:2}/{count}  {trial.data}  {trial.name:14}  {words}  {seconds:.1f} s"
        )

    async def _register(self, data: str, model: str) -> None:
        """The best run of each kind as a version, the best of all the last."""
        sort = "-metrics.accuracy,metrics.logloss"
        found = await self._listed(f"runs ls -e {data} --sort {sort} --limit 0 --filter", FINISHED)
        best: dict[str, Row] = {}
        for run in (run for run in found if run["parent_id"] is None):
            best.setdefault(run["tags"]["kind"], run)
        runs = list(reversed(best.values()))
        for run in runs:
            kind = run["tags"]["kind"]
            words = f"register {saved(data, run['name'])} --model {model} --run {run['id']} --yes"
            await self._modeldeck(words, "--reason", f"the best {kind} run")
        versions = await self._listed(f"versions ls {model} --sort version")
        for version, run in zip(versions, runs, strict=True):
            note = "" if safe(version) else ", unsafe to load"
            accuracy = run["metrics"]["accuracy"]
            self._say(f"{model} {version['version']}: {run['name']}, accuracy {accuracy:.4f}{note}")
        await self._promote(model, versions, runs)

    async def _promote(self, model: str, versions: Sequence[Row], runs: Sequence[Row]) -> None:
        """`champion` goes to the best that is safe to load, `candidate` to the best other."""
        good = [n for n, version in enumerate(versions) if safe(version)] or [0]
        champion = good[-1]
        others = [n for n in range(len(versions)) if n != champion]
        accuracy = runs[champion]["metrics"]["accuracy"]
        await self._alias(model, "champion", good[0], "the first that was good enough")
        if champion != good[0]:
            reason = f"accuracy {accuracy:.4f}, the best that is safe to load"
            await self._alias(model, "champion", champion, reason)
        why = "the next best"
        if not safe(versions[others[-1]]):
            why = "scores well, but somebody must vouch for its types first"
        await self._alias(model, "candidate", others[-1], why)

    async def _alias(self, model: str, alias: str, place: int, reason: str) -> None:
        words = f"alias set {model} {alias} {place + 1} --yes"
        await self._modeldeck(words, "--reason", reason)
        self._say(f"{model}@{alias} is version {place + 1}: {reason}")

    async def _listed(self, words: str, *more: str) -> Sequence[Row]:
        items: Sequence[Row] = json.loads(await self._modeldeck(words, *more, "-o", "json"))[
            "items"
        ]
        return items

    async def _modeldeck(self, words: str, *more: str) -> str:
        code, output = await self._call(words, *more)
        if code != 0:
            raise ModeldeckError(f"modeldeck {words} ended with {code}: {output[-500:]}")
        return output

    async def _call(self, words: str, *more: str) -> tuple[int, str]:
        """One of our own commands in the project: `words` split, `more` as they are."""
        return await _call(
            self._folder, [sys.executable, "-m", "modeldeck.app", *words.split(), *more]
        )


def _scores(trial: Trial, output: str) -> str:
    found = [line for line in output.splitlines() if line.startswith("accuracy")]
    return f"{len(found)} runs below it" if trial.name == SWEEP else found[-1]


def safe(version: Row) -> bool:
    """Whether nothing in a version could run foreign code when it is loaded."""
    return bool(version["unsafe"] == [])


def _copy(folder: Path) -> None:
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"the demo trains with {name}, which is not installed",
                way_out="Install modeldeck with its dependencies",
            )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "is there already and not an empty folder", where=str(folder), way_out="Name a new one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    project = importlib.resources.files("modeldeck.app.demo") / "project"
    for item in project.iterdir():
        if item.name.endswith((".py", ".toml")):
            (folder / item.name).write_bytes(item.read_bytes())


async def _call(folder: Path, command: Sequence[str]) -> tuple[int, str]:
    """Run a command in the project; gives its exit code and output, stderr too when it failed."""
    ours = ("MODELDECK_", "MLFLOW_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)} | _THREADS
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        # It passes the signal on, keeps what there is, and ends.
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    code = process.returncode or 0
    return code, (out if code == 0 else out + err).decode(errors="replace")
