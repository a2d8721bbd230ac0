"""`modeldeck backup`."""

import sys
from pathlib import Path

import click

from modeldeck.app.usecases.session import Session

from . import output, streams, words
from .common import with_session
from .options import formats_option, place_options


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def backup(session: Session, target: Path, form: str) -> int:
    """Copy the registry to TARGET, a folder that is new or empty, and verify the copy."""
    from modeldeck.app.upkeep import back_up

    made = await back_up(session, target, Progress())
    if form == "table":
        streams.say(f"{output.counted(made.files, 'file')}, {words.size(made.size)}: {made.target}")
    else:
        document = {"target": made.target, "files": made.files, "size": made.size}
        output.write_document({**document, "missing": list(made.missing)}, form)
    if made.missing:
        streams.say(
            f"modeldeck: {output.counted(len(made.missing), 'artifact')} of the registry were not"
            " there to be copied. `modeldeck doctor` names the runs that have them"
        )
    return int(bool(made.missing))


class Progress:
    """Says what is being done, once for each kind of work, to a person at a terminal."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        if what != self._said and streams.is_terminal(sys.stderr):
            self._said = what
            streams.say(f"{what} ({of})" if of > 1 else what)
