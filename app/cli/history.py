"""`modeldeck history`."""

from datetime import datetime
from typing import Any

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import NotFoundError, UsageError

from . import output, streams
from .common import with_session
from .options import complete_model, format_option, place_options


@click.command()
@click.argument("what", metavar="MODEL[@ALIAS]", shell_complete=complete_model)
@click.option("--from", "since", metavar="TIME", default="", help="From then on, as -7d.")
@click.option("--to", "until", metavar="TIME", default="", help="Until then.")
@click.option("--limit", type=click.IntRange(0), default=100, help="How many (100); 0 is all.")
@format_option
@place_options
@with_session
async def history(
    session: Session, what: str, since: str, until: str, limit: int, form: str
) -> None:
    """Who moved which alias of a model when and why, newest first."""
    from modeldeck.app.usecases import timeline_views as views
    from modeldeck.app.usecases.timeline import timeline
    from modeldeck.backends.api.lists import ListWindow

    from .pages import print_list

    model, alias = named(what)
    begin, end = bounds(session, since, until)
    found = await timeline(session, model, alias)
    if alias and not found.spans():
        raise NotFoundError(
            f"nothing is known of an alias {alias!r} of model {model!r}",
            way_out=f"`modeldeck history {model}` tells of all",
        )
    moves = [
        move
        for move in reversed(found.moves)
        if (begin is None or move.event.time >= begin) and (end is None or move.event.time <= end)
    ]
    if form == "table":
        _print(session, moves[: limit or None])
        more = len(moves) - (limit or len(moves))
        if more > 0:
            streams.say(f"{more} older: --limit 0 gives all")
    else:
        rows = [views.move(move) for move in moves]
        window = ListWindow(rows, [str(move.seq) for move in moves])
        await print_list(
            window, lambda row: str(row["seq"]), lambda _: {}, limit=limit, after=None, form=form
        )
    for note in notes(session, found):
        streams.say(note)


def named(what: str) -> tuple[str, str]:
    """The model, and the alias or nothing, of `MODEL`, `MODEL@ALIAS` or an address of either."""
    if what.startswith("models/"):
        found = parse_address(what)
        model, alias = found.name, found.alias or ""
    else:
        model, _, alias = what.rpartition("@") if "@" in what else (what, "", "")
    if not model or what.endswith("@"):
        raise UsageError(f"{what!r} names no model", way_out="Give MODEL or MODEL@ALIAS")
    return model, alias


def bounds(session: Session, since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """The times of `--from` and `--to`."""
    from modeldeck.app.usecases.instants import parse_instant

    now = session.clock()
    return (
        parse_instant(since, now) if since else None,
        parse_instant(until, now) if until else None,
    )


def notes(session: Session, found: Any) -> list[str]:
    """What a reader must know of what is not known."""
    from modeldeck.app.usecases.timeline_words import clock, gaps_words

    now = session.clock()
    said = [words for spans in found.spans().values() for words in gaps_words(spans, now)]
    if found.erased:
        said.append(f"{output.counted(found.erased, 'move')} of some alias erased from the trail")
    if found.begun is not None and not found.far:
        said.append(f"the trail begins {clock(found.begun, now)}")
    if found.trouble:
        said.append(f"where aliases are now could not be read: {found.trouble}")
    return said


def _print(session: Session, moves: list[Any]) -> None:
    from modeldeck.app.usecases import timeline_words as said

    now = session.clock()
    columns: output.Columns = {
        "SEQ": lambda move: str(move.seq),
        "TIME": lambda move: said.clock(move.event.time, now, seconds=True),
        "ALIAS": lambda move: move.alias or "-",
        "WHAT": said.step_words,
        "WHO": said.who_words,
        "GATE": lambda move: said.gate_words(move) or "-",
        "TICKET": lambda move: move.event.ticket or "-",
        "WHY": lambda move: said.why_words(move, now) or "-",
    }
    output.write_list(moves, columns, "table")
