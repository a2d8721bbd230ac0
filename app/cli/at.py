"""`modeldeck at`."""

from datetime import datetime
from typing import Any

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UsageError
from modeldeck.widgets.text import show

from . import output, streams
from .common import with_session
from .options import complete_model, format_option, place_options


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="TIME [MODEL]", nargs=-1, shell_complete=complete_model)
@format_option
@place_options
@with_session
async def at(session: Session, words: tuple[str, ...], form: str) -> None:
    """What each alias pointed at then, beside now.

    TIME is as 2026-11-17T14:05:00Z, 2026-11-17 14:05, tuesday 14:05, 14:05, yesterday or -3d.
    """
    from modeldeck.app.usecases import timeline_views as views
    from modeldeck.app.usecases.timeline import at as look

    now = session.clock()
    instant, model = _read(words, now)
    found = await look(session, instant, model)
    if instant == now and found.now is not None:
        instant = found.read_at
    if form == "table":
        local = instant.astimezone(now.tzinfo)
        streams.say(f"at {local:%a %Y-%m-%d %H:%M:%S %z}")
        _print(views.at(found, instant, now)["items"], now)
    elif form == "json":
        output.write_document(views.at(found, instant, now), form)
    else:
        output.write_list(views.at(found, instant, now)["items"], {}, form)
    if found.erased:
        streams.say(f"{output.counted(found.erased, 'move')} of some alias erased from the trail")
    if found.trouble:
        streams.say(f"where aliases are now could not be read: {found.trouble}")


def _read(words: tuple[str, ...], now: datetime) -> tuple[datetime, str]:
    """The time, which may be of several words, and the model, if one is named after it."""
    from modeldeck.app.usecases.instants import FORMS, parse_instant

    if not words:
        raise UsageError("at which time?", way_out=FORMS)
    whole = " ".join(words)
    try:
        return parse_instant(whole, now), ""
    except UsageError:
        if len(words) < 2:
            raise
    try:
        return parse_instant(" ".join(words[:-1]), now), words[-1]
    except UsageError as error:
        raise error from None


def _print(items: list[dict[str, Any]], now: datetime) -> None:
    from modeldeck.app.usecases.timeline_words import clock, version_words

    def told(item: dict[str, Any], name: str) -> str:
        return clock(datetime.fromisoformat(item[name]), now) if item[name] else "-"

    def then(item: dict[str, Any]) -> str:
        if item["known"]:
            return version_words(item["version"]) + (" DELETED" if item["deleted_by"] else "")
        return " or ".join(map(version_words, item["among"])) + "?" if item["among"] else "?"

    columns: output.Columns = {
        "MODEL": lambda item: item["model"],
        "ALIAS": lambda item: item["alias"],
        "THEN": then,
        "NOW": lambda item: version_words(item["now"]) if item["now_known"] else "?",
        "SINCE": lambda item: told(item, "start"),
        "TILL": lambda item: told(item, "end"),
        "WHO": lambda item: item["who"] or "-",
        "WHY": lambda item: " ".join(filter(None, (item["ticket"], item["reason"]))) or "-",
    }
    output.write_list(items, columns, "table")
    unsure = [item for item in items if not item["known"]]
    output.write_part(
        "NOT CERTAIN",
        (show(f"{item['model']}@{item['alias']}: {item['words']}") for item in unsure),
    )
