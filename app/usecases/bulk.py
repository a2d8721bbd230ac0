"""Many things at once: those that fit a filter or are marked, with what became of each.

What refuses is left out of the plan and told with its reason. A registry here makes the rest in one
transaction; on a server each is made in turn, and what became of one does not stop the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modeldeck.backends.api.errors import (
    DamagedError,
    ModeldeckError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import PIECE, all_of
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.runs import Fields, Shelf

from .models import list_models, list_versions
from .plans import Tell, apply_plan, inverse_of, silent, tag_words
from .runs import list_runs
from .session import Session
from .shelf import KINDS, Left, Noun, shelve_items, tags_of_items

DONE, REFUSED, FAILED, UNKNOWN = "done", "refused", "failed", "unknown"
AWAY = 3
"""After so many in a row that a server did not answer, the rest is not tried."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one of many: done, refused, failed or unknown; `event` is its last one."""

    subject: str
    result: str
    why: str = ""
    event: int | None = None


class Bulk(Struct, frozen=True, kw_only=True):
    """A plan for many, and what of what was asked for it leaves out, by address, and why."""

    plan: Plan
    left: Left = {}

    @property
    def refused(self) -> Sequence[Outcome]:
        """What is left out, as outcomes."""
        return [Outcome(subject=place, result=REFUSED, why=why) for place, why in self.left.items()]


async def plan_bulk(
    session: Session,
    noun: Noun,
    verb: str,
    *,
    where: str | None = None,
    refs: Sequence[str] = (),
    of: Sequence[str] = (),
    tags: Mapping[str, str | None] | None = None,
    reason: str = "",
    ticket: str = "",
) -> Bulk:
    """Tag, rm or restore what fits `where`, else what `refs` name.

    `of` narrows runs to experiments, versions to a model. UsageError for an empty filter: that it
    means everything must be said, as `*`.
    """
    command: list[str] = []
    if where is not None:
        words = list(tag_words(tags)) if tags is not None else []
        option = "-e" if noun == "run" else ""
        narrowed = [word for name in of for word in ([option, name] if option else [name])]
        command = ["modeldeck", f"{noun}s", verb, *narrowed, "--filter", where, *words]
        shelf = Shelf.DELETED if verb == "restore" else Shelf.ACTIVE
        items = await _fitting(session, noun, where, of, shelf, list(tags or ()))
    else:
        items = await KINDS[noun].find(session, refs)
    if tags is not None:
        picked = tags_of_items(
            session, noun, items, tags, command=command, reason=reason, ticket=ticket
        )
    else:
        picked = await shelve_items(
            session,
            noun,
            items,
            delete=verb == "rm",
            command=command,
            reason=reason,
            ticket=ticket,
        )
    return Bulk(plan=picked.plan, left=picked.left)


async def _fitting(
    session: Session,
    noun: Noun,
    where: str,
    of: Sequence[str],
    shelf: Shelf,
    tags: Sequence[str],
) -> Sequence[Any]:
    text = filter_text(where)
    if noun == "run":
        return await all_of(
            await list_runs(
                session,
                experiments=of or None,
                where=text,
                shelf=shelf,
                fields=Fields(metrics=(), params=(), tags=tags),
                first=PIECE,
            )
        )
    if noun == "version":
        model = of[0] if of else None
        return await all_of(await list_versions(session, model, where=text, shelf=shelf))
    return await all_of(await list_models(session, where=text, shelf=shelf))


def filter_text(where: str) -> str:
    """A filter as it was given to a change: `*` is everything, nothing is an error."""
    if not where.strip():
        raise UsageError("the filter is empty", where="--filter", way_out="'*' means everything")
    return "" if where.strip() == "*" else where


class Applied(Struct, frozen=True, kw_only=True):
    """What became of each, those that were left out last, and the events of what was done."""

    outcomes: Sequence[Outcome]
    events: Sequence[Event] = ()


async def apply_bulk(session: Session, bulk: Bulk, *, tell: Tell = silent) -> Applied:
    """Do what the plan says, and tell what became of each, with those it leaves out.

    On a registry here it is all or nothing, and raises as `apply_plan` does.
    """
    plan = bulk.plan
    if plan.empty:
        return Applied(outcomes=bulk.refused)
    if not session.remote:
        events = await apply_plan(session, plan, tell=tell)
        return Applied(outcomes=[*outcomes_of(events), *bulk.refused], events=events)
    done = await _in_turn(session, plan, tell)
    return Applied(outcomes=[*done.outcomes, *bulk.refused], events=done.events)


def outcomes_of(events: Sequence[Event]) -> Sequence[Outcome]:
    """What was done, one of each subject."""
    found = {one.subject: Outcome(subject=one.subject, result=DONE, event=one.seq)
             for one in events if one.phase == "done"}  # fmt: skip
    return list(found.values())


async def _in_turn(session: Session, plan: Plan, tell: Tell) -> Applied:
    changes: dict[str, list[Change]] = {}
    for change in plan.changes:
        changes.setdefault(change.subject, []).append(change)
    found: list[Outcome] = []
    made: list[Event] = []
    away = 0
    for subject, some in changes.items():
        if away >= AWAY:
            why = f"not tried: {AWAY} before it got no answer"
            found.append(Outcome(subject=subject, result=FAILED, why=why))
            continue
        if all(change.before == change.after for change in some):
            continue
        part = _part(session, plan, some)
        try:
            events = await apply_plan(session, part, tell=tell, agreed=plan.digest)
        except ModeldeckError as error:
            away = away + 1 if isinstance(error, UnreachableError) else 0
            why = error.what if not error.way_out else f"{error.what}. {error.way_out}"
            found.append(Outcome(subject=subject, result=_result(error), why=why))
        else:
            away = 0
            found += outcomes_of(events)
            made += events
    return Applied(outcomes=found, events=made)


def _part(session: Session, plan: Plan, changes: Sequence[Change]) -> Plan:
    """The part of a plan for one of its subjects."""
    back = plan.inverse and inverse_of(changes, plan.inverse.operation)
    request = session.registry.request(changes)
    return replace(
        plan, changes=tuple(changes), request=request, inverse=back, effects=(), untouched=()
    )


def _result(error: ModeldeckError) -> str:
    if isinstance(error, UnreachableError):
        return UNKNOWN if error.sent else FAILED
    if isinstance(error, DamagedError):
        return UNKNOWN
    return REFUSED if isinstance(error, RefusedError | UsageError) else FAILED


def tally(outcomes: Sequence[Outcome]) -> str:
    """`12 done, 2 refused`."""
    counts = {
        result: sum(one.result == result for one in outcomes)
        for result in (DONE, REFUSED, FAILED, UNKNOWN)
    }
    return ", ".join(f"{count:,} {result}" for result, count in counts.items() if count)
