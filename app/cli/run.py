"""`modeldeck run`: record a command."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modeldeck.app.own import open_recording
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.runs import Run

from . import streams
from .options import complete_experiment, place_options
from .wish import without_place

SAID = 20


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--experiment",
    "-e",
    default="default",
    help="Its experiment.",
    shell_complete=complete_experiment,
)
@click.option("--name", default="", help="Its name; else made from the command.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option(
    "--mlflow", is_flag=True, help="Take what it logs with MLflow, wherever that would go."
)
@click.option(
    "--no-system",
    "system",
    is_flag=True,
    default=True,
    flag_value=False,
    help="Without CPU, memory and GPUs of its processes every few seconds.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@place_options
@without_place
def run(wish: Wish, **options: Any) -> int:
    """Record COMMAND as a run: its output, code, metrics, artifacts and what it ran with.

    The command may write metrics.jsonl and more into the folder that MODELDECK_RUN_DIR names. Its
    exit code is passed on. ctrl+c goes to the command, a second and a third one harder.
    """

    async def inside() -> int:
        session = await open_recording(wish, _say)
        try:
            return await _record(session, **options)
        finally:
            await session.registry.close()

    return asyncio.run(inside())


async def _record(
    session: Session,
    experiment: str,
    name: str,
    tags: Sequence[str],
    mlflow: bool,
    system: bool,
    command: Sequence[str],
) -> int:
    from modeldeck.app.usecases.recording import Recipe, record

    recipe = Recipe(
        command=command,
        cwd=Path.cwd(),
        experiment=experiment,
        name=name,
        tags=dict(map(_pair, tags)),
        mlflow=mlflow,
        system=system,
    )
    recorded = await record(session, recipe, show=_pass_on, began=_began)
    for problem in recorded.problems[:SAID]:
        _say(f"modeldeck: {problem.where}: {problem.what}")
    if len(recorded.problems) > SAID:
        _say(f"modeldeck: {len(recorded.problems) - SAID} more of the kind")
    ended = recorded.run
    if recorded.unclosed:
        _say(f"modeldeck: {ended.name} ended with {recorded.code}, but: {recorded.unclosed}")
        _say("modeldeck: nothing is lost; the next call that can write the registry takes it in")
    else:
        reason = f", {ended.reason}" if ended.reason else ""
        _say(f"modeldeck: {ended.name} {ended.status.value}{reason}")
    _say(f"modeldeck: modeldeck open {address(ended.id)}")
    return recorded.code


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise UsageError(f"{text!r} is no tag", way_out="Give it as KEY=VALUE")
    return key, value


def _began(started: Run) -> None:
    _say(f"modeldeck: recording {started.name} in {started.experiment}")


def _say(text: str) -> None:
    # The terminal may be gone while the command goes on.
    with contextlib.suppress(OSError):
        streams.say(text)


def _pass_on(found: bytes) -> None:
    # The command's own bytes, as if it had written them itself; past our buffer, so that nothing
    # is left in it when whoever read us has gone.
    while found:
        found = found[os.write(sys.stdout.fileno(), found) :]
