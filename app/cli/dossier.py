"""`modeldeck dossier`."""

import sys
from pathlib import Path

import click

from modeldeck.app.usecases import encode
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UsageError

from . import streams
from .common import with_session
from .options import complete_model, formats_option, place_options


@click.command()
@click.argument("model", shell_complete=complete_model)
@click.option("--at", "when", metavar="TIME", default="", help="As 2026-11-17T14:05Z, -3d; now.")
@formats_option("md", "html", "json")
@click.option("--save", metavar="FILE", type=click.Path(path_type=Path), help="A new file for it.")
@place_options
@with_session
async def dossier(session: Session, model: str, when: str, form: str, save: Path | None) -> None:
    """What was live of a model, who put it there on what evidence, and the proofs."""
    from modeldeck.app.usecases.dossier import dossier as make
    from modeldeck.app.usecases.instants import parse_instant

    from .dossier_forms import as_html, as_markdown

    instant = parse_instant(when, session.clock()) if when else None
    document = await make(session, model, instant)
    if form == "json":
        text = encode.one(document) + "\n"
    else:
        text = as_html(document) if form == "html" else as_markdown(document)
    if save is None:
        sys.stdout.write(text)
        return
    _write(save, text)
    streams.say(f"{save}: {len(text.encode()):,} bytes")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError("is there already", where=str(path), way_out="Name another") from None
    except OSError as error:
        raise UsageError(error.strerror or str(error), where=str(path)) from error
