"""`modeldeck run`: record a command."""

import asyncio
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

from . import output
from .common import without_place
from .options import complete_experiment, place_options


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
@click.option("--mlflow", is_flag=True, help="Also take what the script logs with MLflow.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@place_options
@without_place
def run(wish: Wish, **options: Any) -> int:
    """Record COMMAND as a run: its output, code, metrics, artifacts and what it ran with.

    The command may write metrics.jsonl and more into the folder that MODELDECK_RUN_DIR names. Its
    exit code is passed on.
    """

    async def inside() -> int:
        session = await open_recording(wish)
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
    command: Sequence[str],
) -> int:
    from modeldeck.app.mirror import open_store
    from modeldeck.app.usecases.recording import Recipe, record

    recipe = Recipe(
        command=command,
        cwd=Path.cwd(),
        experiment=experiment,
        name=name,
        tags=dict(map(_pair, tags)),
        mlflow=mlflow,
    )
    recorded = await record(session, recipe, show=_pass_on, began=_began, open_mlflow=open_store)
    for problem in recorded.problems[:20]:
        output.say(f"modeldeck: {problem.where}: {problem.what}")
    ended = recorded.run
    reason = f", {ended.reason}" if ended.reason else ""
    output.say(f"modeldeck: {ended.name} {ended.status.value}{reason}")
    output.say(f"modeldeck: modeldeck open {address(ended.id)}")
    return recorded.code


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise UsageError(f"{text!r} is no tag", way_out="Give it as KEY=VALUE")
    return key, value


def _began(started: Run) -> None:
    output.say(f"modeldeck: recording {started.name} in {started.experiment}")


def _pass_on(found: bytes) -> Any:
    # The command's own bytes, as if it had written to the terminal itself.
    try:
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    except OSError:
        # Whoever read us has gone; the command and its record go on.
        return
