"""`modeldeck import`: copy another store into this registry."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modeldeck.app.own import open_recording
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish
from modeldeck.backends.api.errors import UsageError

from . import output
from .common import without_place
from .options import formats_option, place_options


@click.command(name="import")
@click.argument("path", type=click.Path())
@click.option("--as", "names", multiple=True, metavar="MODEL=NAME", help="Name a model otherwise.")
@formats_option("table", "json")
@place_options
@without_place
def import_(wish: Wish, **options: Any) -> None:
    """Copy what lies at PATH (mlflow.db, mlruns) into this registry; again, what is new there."""

    async def inside() -> None:
        session = await open_recording(wish, output.say)
        try:
            await _import(session, **options)
        finally:
            await session.registry.close()

    asyncio.run(inside())


async def _import(session: Session, path: str, names: Sequence[str], form: str) -> None:
    from modeldeck.app.mirror import open_store
    from modeldeck.app.usecases.importing import Step, import_store

    rename = dict(map(_pair, names))
    source = await asyncio.to_thread(open_store, Path(path))
    bar = output.is_terminal(sys.stderr)

    def progress(step: Step) -> None:
        if bar:
            text = f"\r{step.runs:,} runs  {step.points:,} points  {step.files:,} files"
            print(text, end="", file=sys.stderr, flush=True)

    try:
        done = await import_store(session, source, rename=rename, progress=progress)
    finally:
        await asyncio.to_thread(source.close)
        if bar:
            print(file=sys.stderr)
    for problem in done.problems[:20]:
        output.say(f"left out: {problem.where}: {problem.what}")
    if len(done.problems) > 20:
        output.say(f"left out: {len(done.problems) - 20} more")
    for conflict in done.conflicts:
        output.say(f"conflict: {conflict}; left as it is here")
    facts = {
        "origin": done.origin,
        "experiments": done.experiments,
        "runs": done.runs,
        "runs_taken": done.runs_taken,
        "points": done.points,
        "files": done.files,
        "models": done.models,
        "conflicts": list(done.conflicts),
        "problems": [{"where": p.where, "what": p.what} for p in done.problems],
    }
    lines = [(k, f"{v:,}" if isinstance(v, int) else str(v)) for k, v in list(facts.items())[:7]]
    output.write_one(facts, form, lines)


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not sign or not old or not new:
        raise UsageError(f"{text!r} names no model", way_out="Give it as MODEL=NAME")
    return old, new
