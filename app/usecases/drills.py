"""A rollback rehearsed: all that it needs is checked and read, and it is timed. Nothing moves."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from modeldeck.backends.api.address import alias as alias_address
from modeldeck.backends.api.errors import NotFoundError, RefusedError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan, Verdict
from modeldeck.backends.api.query import And, Compare, Field

from . import encode
from .copying_sides import note
from .gated import Move
from .plans import Tell, check_plan, expected, make_plan, silent
from .rereading import Progress
from .rollback_checks import check_rollback, span_words
from .session import Session

OPERATION = "rollback.drill"


class Drill(Struct, frozen=True, kw_only=True):
    """What a rehearsal found. `seconds` it took, `read` in bytes; `notes` say what is not known."""

    model: str
    alias: str
    live: int
    version: int
    seconds: float
    read: int
    verdicts: Sequence[Verdict]
    notes: Sequence[str]
    event: Event

    @property
    def holds(self) -> bool:
        """Whether the rollback would work."""
        return all(one.holds for one in self.verdicts)


async def plan_drill(
    session: Session,
    model: str,
    alias: str,
    number: int | None = None,
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Rehearse going back to what the alias was before, or to `number`. Its event is all it adds.

    That the alias is where it is now stands in the plan, and is checked when it is applied.
    """
    from .promotion import previous

    live = (await session.registry.model(model)).aliases.get(alias)
    if live is None:
        raise NotFoundError(
            f"model {model!r} has no alias {alias!r}", way_out="`modeldeck alias ls` lists them"
        )
    if number is None:
        number = await previous(session, model, alias, live)
    subject = alias_address(model, alias)
    return make_plan(
        session,
        "rollback.drill",
        {"model": model, "alias": alias, "live": live, "version": number},
        [expected(subject, "version", live)],
        command=["modeldeck", "drill", f"{model}@{alias}", str(number)],
        effects=[f"reads all files of version {number}", "writes one event: how it went"],
        untouched=[f"{model}@{alias} stays at {live}"],
        way_back=["there is nothing to take back"],
        reason=reason,
        ticket=ticket,
    )


async def apply_drill(
    session: Session, plan: Plan, *, tell: Tell = silent, progress: Progress = lambda _: None
) -> Drill:
    """Do what `plan` rehearses. A step that fails is in what it gives, and in its event."""
    from .afterwards import follow_up

    checked = await check_plan(session, plan)
    told = plan.arguments
    model, alias, live, number = (told[name] for name in ("model", "alias", "live", "version"))
    now = (await session.registry.model(model)).aliases.get(alias)
    if now != live:
        raise RefusedError(
            f"it is {now or 'not set'} now, the plan expects {live}",
            where=f"{model}@{alias}",
            way_out="Make the plan again",
        )
    began = session.clock()
    found = await check_rollback(
        session, Move(model, alias, live, number), whole=True, progress=progress
    )
    seconds = max((session.clock() - began).total_seconds(), 0.0)
    entry = checked.entry(
        plan.changes[0],
        "done",
        actor=session.actor,
        tool="",
        context=session.context,
    )
    evidence = {"as": "drill", "gates": [encode.verdict(one) for one in found.verdicts]}
    after = {
        "drill": "passed" if found.holds else "failed",
        "to": number,
        "seconds": f"{seconds:.1f}",
        "bytes": found.read,
    }
    entry = msgspec.structs.replace(entry, before=None, after=after, evidence=evidence)
    event = await note(session, entry)
    await follow_up(session, checked, [event], tell)
    return Drill(
        model=model,
        alias=alias,
        live=live,
        version=number,
        seconds=seconds,
        read=found.read,
        verdicts=found.verdicts,
        notes=found.notes,
        event=event,
    )


async def last_drill(session: Session, model: str, alias: str, number: int) -> str:
    """`drilled 9 d ago, took 40 s` of the latest rehearsal of going to `number`; empty for none."""
    where = And(
        (
            Compare(Field("action"), "=", OPERATION),
            Compare(Field("subject"), "=", alias_address(model, alias)),
        )
    )
    window = await session.registry.events(where, (), 20)
    for event in window.first:
        after = event.after or {}
        if after.get("to") == number:
            ago = span_words(session.clock() - event.time)
            took = f"{float(after.get('seconds', 0)):.0f} s"
            if after.get("drill") != "passed":
                return f"drilled {ago} ago and FAILED"
            return f"drilled {ago} ago, took {took}"
    return ""
