"""`modeldeck demo`: a project to look at, trained here and now."""

import asyncio
import shlex
from pathlib import Path

import click

from . import streams


@click.command()
@click.argument("folder", type=click.Path())
def demo(folder: str) -> None:
    """Make a project in FOLDER: train small models, register versions, set aliases. A minute."""
    from modeldeck.app.usecases.demo import make_demo

    registry = asyncio.run(make_demo(Path(folder), streams.say))
    streams.say(f"look at it: modeldeck --registry {shlex.quote(str(registry))}")
