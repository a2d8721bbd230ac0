"""`modeldeck audit prove`, `checkpoint`, `export` and `erase`."""

from pathlib import Path
from typing import Any

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UsageError

from . import output, streams
from .common import carry_out, with_session
from .options import change_options, formats_option, place_options


@click.command()
@click.argument("seq", type=click.IntRange(1))
@place_options
@with_session
async def prove(session: Session, seq: int) -> None:
    """Print the proof that an event stands in the newest checkpoint (a C2SP tlog-proof)."""
    from modeldeck.app.usecases.audit import event_proof

    print(await event_proof(session, seq), end="")


@click.command()
@click.option("--tag", metavar="EXPERIMENT", help="Also put it on the server, as a tag of that.")
@change_options
@place_options
@with_session
async def checkpoint(
    session: Session, tag: str | None, reason: str, ticket: str, form: str, **how: Any
) -> int:
    """Sign how long the trail is and what its root is; print it, put it to all anchors."""
    from modeldeck.app.config.settings import read_settings
    from modeldeck.app.usecases import audit_encode
    from modeldeck.app.usecases.audit_seal import seal
    from modeldeck.app.usecases.audit_tags import plan_tag

    made = await seal(session, read_settings().audit.anchors)
    if form == "table":
        print(made.kept.text, end="")
    else:
        output.write_document({**audit_encode.kept(made.kept), "key": made.vkey or None}, form)
    if made.vkey:
        streams.say(f"its key is {made.vkey}")
    for one in made.placed:
        word = f"NOT anchored, {one.trouble}" if one.trouble else "anchored"
        streams.say(f"{one.place}: {word}")
    if tag is not None:
        plan = await plan_tag(session, tag, made.kept, reason=reason, ticket=ticket)
        await carry_out(session, plan, form="table", **how)
    return 3 if any(one.trouble for one in made.placed) else 0


@click.command()
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--prove", "proofs", multiple=True, type=click.IntRange(1), metavar="SEQ",
    help="Also write the proof of that event.",
)  # fmt: skip
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def export(session: Session, target: Path, proofs: tuple[int, ...], form: str) -> None:
    """Write the trail to DIR, a new folder, with a verifier that needs nothing but Python."""
    from modeldeck.app.usecases.audit_export import export_trail

    from .audit_verify import Progress

    made = await export_trail(session, target, Progress("exporting"), proofs=proofs)
    if form == "table":
        streams.say(f"{output.counted(made.events, 'event')}: {made.target}")
        streams.say("`python3 -I -S verify.py` in it verifies them, and says how")
    else:
        document = {"target": made.target, "events": made.events, "proofs": made.proofs}
        output.write_document(document, form)


@click.command()
@click.argument("seqs", metavar="[SEQ]...", nargs=-1, type=click.IntRange(1))
@click.option("--subject", metavar="ADDRESS", default="", help="All events of exactly that.")
@change_options
@place_options
@with_session
async def erase(
    session: Session, seqs: tuple[int, ...], subject: str, reason: str, ticket: str, **how: Any
) -> int:
    """Forget for good who did what to which, and why; number, time and every proof stay."""
    from modeldeck.app.usecases import audit_erase

    if not seqs and not subject:
        raise UsageError("no event was named", way_out="Give numbers, or --subject")
    plan = await audit_erase.plan_erase(
        session, seqs, subject=subject, reason=reason, ticket=ticket
    )
    return await carry_out(session, plan, typed="erase", **how)
