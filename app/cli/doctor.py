"""`modeldeck doctor`."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import click

from modeldeck.app.usecases.findings import Finding
from modeldeck.app.workspace import Wish
from modeldeck.widgets.text import show

from . import output, streams
from .common import asker
from .options import format_option, place_options
from .wish import without_place

_WORDS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command()
@format_option
@place_options
@without_place
def doctor(wish: Wish, form: str) -> int:
    """Look for what is wrong and say the way out; exit 1 when something is."""
    from modeldeck.app.examine import examine
    from modeldeck.app.usecases.views import finding

    found = asyncio.run(examine(wish, ask=asker()))
    if form == "table":
        _print(found)
    else:
        output.write_list([finding(one) for one in found], {}, form)
    return int(any(one.state == "fail" for one in found))


def _print(found: Sequence[Finding]) -> None:
    width = max(len(one.about) for one in found)
    for one in found:
        print(f"{_WORDS[one.state]}  {one.about:<{width}}  {show(one.shows)}")
        if one.way_out:
            print(f"{'':6}{'':<{width}}  {show(one.way_out)}")
    counts = Counter(one.state for one in found)
    streams.say(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} wrong")
