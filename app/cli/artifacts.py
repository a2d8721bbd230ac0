"""`modeldeck artifacts`."""

from pathlib import Path

import click

from modeldeck.app.usecases import artifacts as usecase
from modeldeck.app.usecases.session import Session
from modeldeck.widgets.text import show

from . import output, streams, words
from .common import with_session
from .options import format_option, place_options


@click.group()
def artifacts() -> None:
    """List and save files of RUN, MODEL/VERSION or MODEL@ALIAS."""


@artifacts.command()
@click.argument("owner", metavar="RUN|MODEL/VERSION|MODEL@ALIAS")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@format_option
@place_options
@with_session
async def ls(session: Session, owner: str, paths: tuple[str, ...], form: str) -> None:
    """List files, or those below a PATH."""
    found = await usecase.list_artifacts(session, await usecase.owner_of(session, owner), paths)
    columns: output.Columns = {
        "PATH": lambda item: item.path,
        "SIZE": lambda item: words.size(item.size),
        "DIGEST": lambda item: words.short_digest(item.digest),
    }
    output.write_list(found, columns, form)


@artifacts.command()
@click.argument("owner", metavar="RUN|MODEL/VERSION|MODEL@ALIAS")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Below this folder (the current one).",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@place_options
@with_session
async def get(
    session: Session, owner: str, paths: tuple[str, ...], folder: Path, force: bool
) -> None:
    """Save files under their own paths, all or those below a PATH; prints digest and place.

    What broke off goes on where it was. No model is loaded.
    """
    address = await usecase.owner_of(session, owner)
    found = await usecase.list_artifacts(session, address, paths)
    for artifact in found:
        saved = await usecase.download(session, address, artifact, folder, replace=force)
        if saved.here:
            streams.say(f"{saved.target}: is there already, with the same bytes")
        print(show(f"{saved.digest}  {saved.target}"))
    if not found:
        streams.say("it has no files")
