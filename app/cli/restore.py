"""`modeldeck restore`."""

import asyncio
from pathlib import Path

import click

from modeldeck.app.workspace import Wish

from . import output, streams
from .backup import Progress
from .common import confirm
from .options import format_option, place_options
from .wish import without_place


@click.command()
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Print the plan, change nothing.")
@format_option
@place_options
@without_place
def restore(wish: Wish, backup: Path, yes: bool, dry_run: bool, form: str) -> None:
    """Put a backup in the place of the registry, which is moved aside, not deleted."""
    from modeldeck.app import upkeep

    from .plans import print_plan

    progress = Progress()
    plan, folder = upkeep.plan_restore(wish, backup, Path.cwd(), progress)
    if dry_run:
        print_plan(plan, form)
        return
    if not yes:
        confirm(plan)
    aside = asyncio.run(upkeep.restore(plan, backup, folder, progress))
    if form == "table":
        streams.say(f"restored {folder}")
        if aside is not None:
            streams.say(f"what was there lies in {aside}")
    else:
        done = {"path": str(folder), "aside": None if aside is None else str(aside)}
        output.write_document(done, form)
