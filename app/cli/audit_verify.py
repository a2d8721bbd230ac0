"""`modeldeck audit verify`."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click

from modeldeck.app.usecases.audit_words import broken_words
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.trail import TrailCheck
from modeldeck.widgets.text import show

from . import output, streams, words
from .common import with_session
from .options import formats_option, place_options


@click.command()
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A checkpoint from elsewhere that the trail has to agree with.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Another one: are the two of one history?",
)
@click.option("--key", "keys", multiple=True, metavar="VKEY", help="A key to trust, or its file.")
@click.option("--must-sign", multiple=True, metavar="NAME", help="Who signs every event.")
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def verify(
    session: Session,
    files: tuple[Path, ...],
    against: Path | None,
    keys: tuple[str, ...],
    must_sign: tuple[str, ...],
    form: str,
) -> int:
    """Read the whole trail; exit 1 when it is not what was written, with the first such event."""
    from modeldeck.app.config.settings import read_settings
    from modeldeck.app.usecases import audit_check, audit_encode
    from modeldeck.app.usecases.audit_anchors import Anchors

    if against is not None:
        if len(files) != 1:
            raise click.UsageError("--against compares with the one file of --checkpoint")
        if wrong := await audit_check.compare_files(files[0], against, session):
            streams.say(f"TWO HISTORIES: {wrong}")
            return 1
        files = (*files, against)
    found = await audit_check.verify_trail(
        session,
        Progress(),
        anchors=Anchors(read_settings().audit.anchors),
        files=files,
        keys=[audit_check.read_key(key) for key in keys],
        must_sign=must_sign,
    )
    if form == "table":
        for line in check_lines(found, session.clock()):
            print(line)
    else:
        output.write_document(audit_encode.check(found), form)
    return 0 if found.holds else 1


class Progress:
    """How far it is, on one line of a terminal that is written over."""

    def __init__(self, verb: str = "verifying") -> None:
        self._verb = verb
        self._shown = streams.is_terminal(sys.stderr)

    def __call__(self, done: int, of: int) -> None:
        """Show it."""
        if self._shown and of:
            end = "\n" if done >= of else ""
            print(f"\r{self._verb} {done:,} of {of:,} events", end=end, file=sys.stderr, flush=True)


def check_lines(found: TrailCheck, now: datetime) -> Iterator[str]:
    """What a look at the trail found, in lines that are safe to print."""
    if found.broken is not None:
        yield f"BROKEN  {show(broken_words(found.broken))}"
    else:
        yield f"ok      {found.size:,} events, each as it was written"
        yield f"        root {found.root}"
    if found.erased:
        yield f"ok      {found.erased:,} of them erased, and still proven"
    if found.signed:
        people = ", ".join(
            f"{count:,} by {show(name) if name else 'keys of nobody known'}"
            for name, count in sorted(found.by.items())
        )
        checked = people if found.checked else "not verified"
        yield f"ok      {found.signed:,} signed: {checked}"
    if found.unsigned:
        yield f"UNSIGNED  {_named(found.unsigned)} of people who sign, without a signature"
    for name, count in sorted(found.never.items()):
        yield f"note    {count:,} events of {show(name)} are from before they first signed"
    if found.set_back:
        yield f"note    a clock was set back at {_named(found.set_back)}; the order is that of seq"
    for one in found.compared:
        word = "BROKEN" if one.bad else "ok" if one.state == "same" else "note"
        at = f", {words.long_time(one.time, now)}" if one.time else ""
        if one.outside or word != "ok":
            yield f"{word:8}{show(one.place)}{at}: {show(one.words)}"
    own = [one for one in found.compared if not one.outside and one.state == "same"]
    if own:
        yield f"ok      {len(own):,} checkpoints of its own"
    newest = found.newest_outside
    if newest is None:
        yield "note    no checkpoint outside of the registry agrees: who may write it could have"
        yield "        written all of it anew. `audit checkpoint` and [audit] anchors make some"
    elif newest.time is not None:
        age = words.duration((now - newest.time).total_seconds())
        later = found.size - newest.size
        yield f"ok      the newest outside is {age} old; {later:,} events are later than it"


def _named(seqs: Sequence[int]) -> str:
    more = f" and {len(seqs) - 5} more" if len(seqs) > 5 else ""
    return f"event {', '.join(f'{seq:,}' for seq in seqs[:5])}{more}"
