"""Promoting a version to an alias, and rolling the alias back to what was live before."""

from collections.abc import Sequence

import msgspec

from modeldeck.backends.api.errors import NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.plan import Plan

from .aliases import ANY, check_name, plan_set
from .drills import last_drill
from .gated import PROMOTE, ROLLBACK, Move
from .plans import Tell, silent
from .rollback_checks import Checked, check_rollback
from .session import Session


def alias_ref(text: str) -> tuple[str, str]:
    """Model and alias of `MODEL@ALIAS`; UsageError when it is none."""
    model, at, alias = text.removeprefix("models/").rpartition("@")
    if not at or not model:
        raise UsageError(f"{text!r} names no alias", way_out="An alias is named MODEL@ALIAS")
    check_name(alias)
    return model, alias


async def plan_promote(
    session: Session,
    model: str,
    alias: str,
    number: int,
    *,
    expect: int | None = ANY,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Point an alias at a version that shall serve; says whether the way back would work."""
    plan = await plan_set(
        session, model, alias, number, expect=expect, reason=reason, ticket=ticket, kind=PROMOTE
    )
    back = Move(model, alias, number, plan.arguments["expect"])
    return msgspec.structs.replace(plan, way_back=await _way_back(session, back))


async def plan_rollback(
    session: Session,
    model: str,
    alias: str,
    number: int | None = None,
    *,
    expect: int | None = ANY,
    glass: str = "",
    reason: str = "",
    ticket: str = "",
    tell: Tell = silent,
) -> Plan:
    """Point an alias at what it was before, or at `number`, which was live under it before.

    `glass` is the ticket that breaks it: freezes and approvals are waived, an approval is due then.
    """
    check_name(alias)
    before = (await session.registry.model(model)).aliases.get(alias)
    if before is None:
        raise NotFoundError(
            f"model {model!r} has no alias {alias!r}", way_out="`modeldeck alias ls` lists them"
        )
    if number is None:
        number = await previous(session, model, alias, before)
        tell(f"{model}@{alias} was {number} before")
    plan = await plan_set(
        session,
        model,
        alias,
        number,
        expect=expect,
        reason=reason,
        ticket=ticket or glass,
        kind=ROLLBACK,
        glass=glass,
    )
    drill = await last_drill(session, model, alias, number)
    return msgspec.structs.replace(
        plan,
        effects=(*_glass_words(plan, glass), *plan.effects),
        way_back=[*([f"this rollback was {drill}"] if drill else []), _undo_words(alias)],
    )


def _glass_words(plan: Plan, glass: str) -> Sequence[str]:
    if not glass:
        return ()
    waived = [gate.rule for gate in plan.gates if gate.verdict == "waived"]
    if not waived:
        return ("the glass is whole: no rule needs to be waived",)
    due = str((plan.evidence or {}).get("due", ""))
    return (
        f"BREAKS GLASS with {glass}: waives {', '.join(waived)}",
        f"an approval is due until {due}",
    )


def _undo_words(alias: str) -> str:
    return f"undo of {alias} alone: z, or modeldeck undo"


async def previous(session: Session, model: str, alias: str, live: int) -> int:
    """What the alias was before it went to `live`.

    Going back takes off what was gone back from: after a rollback from 3 to 2 it is what 2 had
    replaced, and not 3. A promotion does not go back, whichever version it is of: after one from 3
    to 2 it is 3.
    """
    from .timeline import moves

    past: list[int] = []
    for move in await moves(session, model, alias):
        if move.kind != "alias" or not move.certain or move.after is None:
            continue
        if move.purpose != PROMOTE and move.after in past:
            del past[_last(past, move.after) + 1 :]
        elif past[-1:] != [move.after]:
            past.append(move.after)
    if live in past:
        del past[_last(past, live) :]
    if not past:
        raise RefusedError(
            f"nothing is known to have been {model}@{alias} before {live}",
            way_out="Name a version that was live before, or promote one",
        )
    return past[-1]


def _last(past: Sequence[int], number: int) -> int:
    return max(at for at, one in enumerate(past) if one == number)


async def _way_back(session: Session, back: Move) -> Sequence[str]:
    """Whether going back to what is live now would work, as far as can be seen now."""
    if back.after is None or back.after == back.before:
        return [_undo_words(back.alias)] if back.after is None else []
    checked = await check_rollback(session, back, live=True)
    drill = await last_drill(session, back.model, back.alias, back.after)
    return [_checked_words(back.after, checked, drill), _undo_words(back.alias)]


def _checked_words(number: int, checked: Checked, drill: str) -> str:
    bad = [one for one in checked.verdicts if not one.holds]
    if bad:
        return f"rollback to {number} would be REFUSED: {bad[0].rule}: {bad[0].shows}"
    said = []
    for one in checked.verdicts:
        if one.rule == "artifact is whole":
            said.append("artifact ok" if "bytes" in one.numbers else "artifact listed")
        elif one.rule == "lock is there":
            said.append("lock ok")
    said.append(drill or "never drilled")
    return f"rollback to {number}: {', '.join(said)}"
