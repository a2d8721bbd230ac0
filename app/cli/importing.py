"""`modeldeck import`: copy another store into this registry."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modeldeck.app.own import open_recording
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.ingest import Source

from . import output, streams
from .copying import Line, so_far
from .options import formats_option, place_options
from .wish import without_place

if TYPE_CHECKING:
    from modeldeck.app.usecases.importing import Imported

SAID = 20


@click.command(name="import")
@click.argument("path", type=click.Path())
@click.option("--as", "names", multiple=True, metavar="OLD=NEW", help="Name a model otherwise.")
@formats_option("table", "json")
@place_options
@without_place
def import_(wish: Wish, **options: Any) -> None:
    """Copy what lies at PATH into this registry: MLflow's, W&B's, TensorBoard's, a snapshot.

    Again, it copies what is new there. It may be stopped at any time: the next import goes on.
    Nothing at PATH is changed.
    """
    asyncio.run(_import(wish, **options))


async def _import(wish: Wish, path: str, names: Sequence[str], form: str) -> None:
    from modeldeck.app.mirror import is_snapshot, open_store

    rename = dict(map(_pair, names))
    if len(rename) < len(names):
        raise UsageError("a model is named twice with --as", way_out="Name each once")
    # Opened first: where there is nothing to import, no registry is made for it.
    if await asyncio.to_thread(is_snapshot, Path(path)):
        _print(await _from_snapshot(wish, path, rename), form)
        return
    source = await asyncio.to_thread(open_store, Path(path))
    try:
        session = await open_recording(wish, streams.say)
        try:
            done = await _copied(session, source, rename)
        finally:
            await session.registry.close()
    finally:
        await asyncio.to_thread(source.close)
    _print(done, form)


async def _from_snapshot(wish: Wish, path: str, rename: Mapping[str, str]) -> "Imported":
    from modeldeck.app.usecases.importing_registry import import_registry

    source = await open_session(Wish(path=path))
    try:
        session = await open_recording(wish, streams.say)
        try:
            with Line() as line:
                return await import_registry(
                    source, session, rename=rename, progress=lambda step: line.say(so_far(step))
                )
        finally:
            await session.registry.close()
    finally:
        await source.registry.close()


async def _copied(session: Session, source: Source, rename: Mapping[str, str]) -> "Imported":
    from modeldeck.app.usecases.importing import Step, import_store

    shown = streams.is_terminal(sys.stderr)

    def progress(step: Step) -> None:
        if shown:
            text = f"\r{step.runs:,} runs  {step.points:,} points  {step.files:,} files"
            print(text, end="", file=sys.stderr, flush=True)

    try:
        return await import_store(session, source, rename=rename, progress=progress)
    finally:
        if shown:
            print(file=sys.stderr)


def _print(done: "Imported", form: str) -> None:
    for problem in done.problems[:SAID]:
        streams.say(f"modeldeck: {problem.where}: {problem.what}")
    if len(done.problems) > SAID:
        streams.say(f"modeldeck: {len(done.problems) - SAID} more of the kind")
    for conflict in done.conflicts:
        streams.say(f"modeldeck: conflict: {conflict}; left as it is here")
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
        raise UsageError(f"{text!r} names no model", way_out="Give it as OLD=NEW")
    return old, new
