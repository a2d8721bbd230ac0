"""The demo: a real project, really trained, through the commands that anybody would use."""

import asyncio
import importlib.resources
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.errors import ModeldeckError, UsageError

TOGETHER = 2
MODELS = {"cancer": "tumour", "digits": "digits"}
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Trial(Struct, frozen=True):
    """One training run: its name, and what is given to the script. `fails` when it must."""

    name: str
    data: str
    options: Sequence[str]
    fails: bool = False


def trials() -> Sequence[Trial]:
    """What the demo trains. The slow ones come first, so that both cores end together."""
    found = []
    for data in MODELS:
        for kind, rate, size in (
            ("boosted", "0.1", "32"),
            ("boosted", "0.02", "64"),
            ("neural", "0.01", "16"),
            ("neural", "0.001", "64"),
            ("linear", "0.01", "0"),
            ("linear", "0.0001", "0"),
        ):
            options = ["--kind", kind, "--rate", rate, "--size", size]
            found.append(Trial(f"{kind} {rate}", data, options))
    found.append(Trial("linear 0", "cancer", ["--kind", "linear", "--rate", "0"], fails=True))
    return sorted(found, key=lambda t: (t.data != "digits", "boosted" not in t.name))


async def make_demo(folder: Path, say: Callable[[str], None]) -> Path:
    """Make a project in `folder`, train in it, register versions, set aliases.

    Gives the registry. `say` gets a line for each thing done.
    """
    await asyncio.to_thread(_copy, folder)
    begin = time.monotonic()
    await _modeldeck(folder, "init")
    await _git(folder)
    every = trials()
    limit = asyncio.Semaphore(TOGETHER)
    done = 0

    async def train(trial: Trial) -> None:
        nonlocal done
        async with limit:
            started = time.monotonic()
            words = await _train(folder, trial)
            done += 1
            seconds = time.monotonic() - started
            count = f"{done:2}/{len(every) + 1}"
            say(f"{count}  {trial.data:6}  {trial.name:13}  {words}  {seconds:.1f} s")

    async def sweep() -> None:
        nonlocal done
        async with limit:
            await _modeldeck(
                folder, "run", "-e", "digits", "--name", "sweep of rates", "--",
                sys.executable, "sweep.py",
            )  # fmt: skip
            done += 1
            say(f"{done:2}/{len(every) + 1}  digits  sweep of 3 learning rates, as runs below one")

    await asyncio.gather(sweep(), *(train(trial) for trial in every))
    for data, model in MODELS.items():
        await _register(folder, data, model, say)
    say(f"done in {time.monotonic() - begin:.0f} s")
    return folder / ".modeldeck" / "registry.db"


def _copy(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("is not empty", where=str(folder), way_out="Name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    project = importlib.resources.files("modeldeck.app.demo") / "project"
    for item in project.iterdir():
        if item.name.endswith((".py", ".toml")):
            (folder / item.name).write_bytes(item.read_bytes())


async def _git(folder: Path) -> None:
    if shutil.which("git") is None:
        return
    who = ["-c", "user.name=modeldeck demo", "-c", "user.email=demo@localhost"]
    (folder / ".gitignore").write_text(".modeldeck/\nmodels/\n")
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*who, "-c", "commit.gpgsign=false", "commit", "-q", "-m", "The demo project"],
    ):
        process = await asyncio.create_subprocess_exec(
            "git", *words, cwd=folder, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.wait()


async def _train(folder: Path, trial: Trial) -> str:
    save = f"models/{trial.data}-{trial.name.replace(' ', '-')}.skops"
    code, output = await _call(
        folder, "run", "-e", trial.data, "--name", trial.name, "--",
        sys.executable, "train.py", "--data", trial.data, *trial.options, "--save", save,
    )  # fmt: skip
    if (code != 0) != trial.fails:
        raise ModeldeckError(f"{trial.name} ended with {code}: {output[-500:]}")
    if trial.fails:
        return "fails, as it must: a learning rate of 0"
    return next((line for line in output.splitlines() if line.startswith("accuracy")), "")


async def _register(folder: Path, data: str, model: str, say: Callable[[str], None]) -> None:
    """The best run of each kind as a version; the best of them is champion, the last candidate."""
    found = json.loads(
        await _modeldeck(
            folder,
            "runs",
            "ls",
            "-e",
            data,
            "--sort",
            "-metrics.accuracy,metrics.logloss",
            "--filter",
            "status = finished and has tags.kind and has metrics.accuracy",
            "-o",
            "json",
            "--limit",
            "0",
        )  # fmt: skip
    )["items"]
    best: dict[str, Mapping[str, Any]] = {}
    for run in found:
        if (folder / _saved(data, run)).exists():
            best.setdefault(run["tags"]["kind"], run)
    order = sorted(best.values(), key=lambda run: run["metrics"]["accuracy"])
    for number, run in enumerate(order, 1):
        await _modeldeck(
            folder, "register", _saved(data, run), "--model", model, "--run", run["id"],
            "--reason", f"best {run['tags']['kind']} run", "--yes",
        )  # fmt: skip
        say(f"{model} version {number}: {run['name']}, accuracy {run['metrics']['accuracy']:.4f}")
    first, last = len(order), len(order) - 1
    for alias, version, reason in (
        ("champion", last, "what we had before"),
        ("champion", first, f"accuracy {order[-1]['metrics']['accuracy']:.4f}"),
        ("candidate", last, "next in line"),
    ):
        await _modeldeck(
            folder, "alias", "set", model, alias, str(version), "--reason", reason, "--yes"
        )
    say(f"{model}@champion is version {first}, {model}@candidate is version {last}")


def _saved(data: str, run: Mapping[str, Any]) -> str:
    return f"models/{data}-{run['name'].replace(' ', '-')}.skops"


async def _modeldeck(folder: Path, *words: str) -> str:
    code, output = await _call(folder, *words)
    if code != 0:
        raise ModeldeckError(f"modeldeck {words[0]} ended with {code}: {output[-500:]}")
    return output


async def _call(folder: Path, *words: str) -> tuple[int, str]:
    """Run one of our own commands in the project; gives its exit code and output."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("MODELDECK_", "MLFLOW_"))
    }
    environment |= _THREADS | {"MODELDECK_REGISTRY": str(folder.resolve() / ".modeldeck")}
    if words[0] == "init":
        environment.pop("MODELDECK_REGISTRY")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "modeldeck.app", *words,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    code = process.returncode or 0
    return code, (out if code == 0 else out + err).decode(errors="replace")
