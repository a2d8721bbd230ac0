"""`modeldeck init`."""

from pathlib import Path

import click

from modeldeck.app.workspace import make_registry

from . import output, streams
from .options import format_option


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path), metavar="[DIR]")
@format_option
def init(folder: Path, form: str) -> None:
    """Make an empty registry in DIR/.modeldeck; one that is there stays as it is."""
    path, new = make_registry(folder)
    if form != "table":
        output.write_document({"path": str(path.absolute()), "created": new}, form)
        return
    streams.say(f"{'made' if new else 'already there:'} {path}")
    if new:
        streams.say("next: modeldeck run -e EXPERIMENT -- python train.py")
