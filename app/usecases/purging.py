"""What was deleted, removed for good once its time in the trash is over. There is no way back.

How long that is the policy says, and it is asked again when the plan is applied. A clock that was
set back when something was deleted does not shorten its time: what the trail saw before counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from modeldeck.backends.api.errors import RefusedError, UsageError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.protocols import Trash
from modeldeck.backends.api.purging import model_record, run_record, version_record
from modeldeck.backends.api.query import Compare, Field, Sort
from modeldeck.backends.api.times import rfc3339

from .breaking import shortened
from .bulk import Bulk, filter_text
from .plans import make_plan
from .session import Session
from .shelf import Noun, left_words
from .trash import LOCKED, Trashed, find_trashed, list_trash, trashed
from .versions import version_name

ORDER: Sequence[Noun] = ("model", "version", "run")
"""A run is needed as long as a version is there that came from it."""
NOW = "purge.now"
"""What who purges before the time is over must be allowed to do."""
_DAY = timedelta(days=1)


async def plan_purges(
    session: Session,
    *,
    where: str | None = None,
    refs: Sequence[str] | None = None,
    older_than: timedelta | None = None,
    now: bool = False,
    reason: str = "",
    ticket: str = "",
) -> Sequence[Bulk]:
    """Plans that remove for good what is past its time, a plan each for models, versions, runs.

    That is all of it, or what fits `where`, or what `refs` name; with `older_than` what was deleted
    at least so long ago. With `now`, which needs a reason, its time need not be over.
    """
    _check_can(session, now=now, reason=reason)
    if refs is not None:
        items = await find_trashed(session, refs)
    elif where is not None:
        window = await list_trash(session, where=filter_text(where))
        items = await all_of(window)
    else:
        items = await trashed(session)
    items = await _true_times(session, items)
    at = session.clock()
    if older_than is not None:
        items = [one for one in items if one.deleted_at and at - one.deleted_at >= older_than]
    left = {item.subject: why for item in items if (why := _why_not(session, item, at, now=now))}
    gone = {item.ref for item in items if item.what == "model" and item.subject not in left}
    chosen = [item for item in items if item.subject not in left and not _goes_along(item, gone)]
    return [
        _plan(session, noun, chosen, left, _command(where, refs, older_than, now=now),
              now=now, reason=reason, ticket=ticket)
        for noun in ORDER
        if any(item.what == noun for item in items)
    ]  # fmt: skip


def _check_can(session: Session, *, now: bool, reason: str) -> None:
    if not isinstance(session.registry, Trash):
        why = session.registry.availability("run.purge").reason
        raise RefusedError(
            why or "what was deleted is not purged from here",
            where=session.context,
            way_out="`modeldeck trash restore` brings runs back",
        )
    if session.policy.trouble:
        raise RefusedError(
            f"how long the trash is kept is not known: {session.policy.trouble}",
            way_out="Mend the policy first",
        )
    if now and not reason.strip():
        raise UsageError("purging before its time needs a reason", way_out="--reason WHY")


async def _true_times(session: Session, items: Sequence[Trashed]) -> Sequence[Trashed]:
    """The items with the times from which their time in the trash counts.

    Never before what the trail held already when they were deleted.
    """
    from msgspec.structs import replace

    keeps = timedelta(days=session.policy.trash.retention_days)
    latest: dict[str | None, datetime | None] = {}
    found = []
    for item in items:
        at = item.deleted_at
        over = at is not None and session.clock() - at >= keeps
        if over and item.event is not None:
            if item.plan not in latest:
                latest[item.plan] = await _latest_before(session, item.event)
            known = latest[item.plan]
            if at is not None and known is not None and known > at:
                item = replace(item, deleted_at=known, goes_at=known + keeps)
        found.append(item)
    return found


async def _latest_before(session: Session, seq: int) -> datetime | None:
    """The latest time of any event up to that one."""
    where = Compare(Field("seq"), "<=", float(seq))
    newest = (Sort(Field("time"), descending=True),)
    window = await session.registry.events(where, newest, 1)
    return window.first[0].time if window.first else None


def _why_not(session: Session, item: Trashed, at: datetime, *, now: bool) -> str:
    """Why something may not be purged; empty when it may."""
    if item.held:
        locked = any(LOCKED in one for one in item.held)
        words = ", ".join(item.held)
        if item.what == "version":
            return "it is locked" if locked else f"{words} points at it"
        return f"it is kept for {words}" if locked else f"{words} came from it"
    if now:
        return ""
    if item.goes_at is None:
        return "when it was deleted is not known"
    if item.goes_at > at:
        left = (item.goes_at - at) / _DAY
        return f"it is kept {left:.1f} more days ({session.policy.trash.retention_days} in all)"
    return ""


def _goes_along(item: Trashed, gone: Iterable[str]) -> bool:
    return item.what == "version" and item.ref.rpartition("/")[0] in gone


def _command(
    where: str | None, refs: Sequence[str] | None, older: timedelta | None, *, now: bool
) -> list[str]:
    command = ["modeldeck", "trash", "purge", *(refs or ())]
    command += ["--filter", where] if where is not None else []
    command += ["--older-than", f"{older / _DAY:g}d"] if older is not None else []
    return [*command, *(["--now"] if now else [])]


def _plan(
    session: Session,
    noun: Noun,
    chosen: Sequence[Trashed],
    left: Mapping[str, str],
    command: Sequence[str],
    *,
    now: bool,
    reason: str,
    ticket: str,
) -> Bulk:
    items = [item for item in chosen if item.what == noun]
    changes = [Change(item.subject, "record", record_of(item), None) for item in items]
    out = {place: why for place, why in left.items() if _noun(place) == noun}
    plan = make_plan(
        session,
        f"{noun}.purge",
        {f"{noun}s": [item.ref for item in items], **({"now": True} if now else {})},
        changes,
        command=command,
        effects=_effects(items),
        untouched=[
            *(["what the trail says of them"] if changes else []),
            *left_words(out),
        ],
        reason=reason,
        ticket=ticket,
    )
    return Bulk(plan=plan, left=out)


def _noun(place: str) -> Noun:
    if place.startswith("runs/"):
        return "run"
    return "version" if place.count("/") == 2 else "model"


def _effects(items: Sequence[Trashed]) -> Sequence[str]:
    if not items:
        return []
    count = f"{len(items):,} {items[0].what}{'s' * (len(items) != 1)}"
    said = [f"{count} {'is' if len(items) == 1 else 'are'} gone for good: this cannot be undone"]
    size = sum(item.size or 0 for item in items)
    if size:
        said.append(f"{size:,} bytes of files: what nothing else names goes with `modeldeck gc`")
    if items[0].what == "run":
        said.append("their series, parameters, metrics and tags go too")
    else:
        said.append("their numbers are never used again")
    models = [item for item in items if item.what == "model"]
    said += shortened(
        f"{item.ref}: with it go {', '.join(version_name(one) for one in item.found[1])}"
        for item in models
        if item.found[1]
    )
    return said


def record_of(item: Trashed) -> Mapping[str, Any]:
    """What a plan expects of something that is to be purged."""
    found = item.found
    if item.what == "model":
        model, versions = found
        return model_record((one.version for one in versions), _time(model.deleted_at))
    if item.what == "run":
        return run_record(found.name, found.experiment, found.status.value, _time(found.deleted_at))
    return version_record(found.digest, found.format, found.run_id, _time(found.deleted_at))


def _time(time: datetime | None) -> str | None:
    return None if time is None else rfc3339(time)


async def check_purge(session: Session, plan: Plan) -> None:
    """Raise RefusedError when a plan that purges may not be applied now, wherever it came from."""
    now = plan.arguments.get("now") is True
    _check_can(session, now=now, reason=plan.reason)
    if now and session.policy.people:
        from .roles import check_role

        check_role(session, NOW, plan.changes[0].subject if plan.changes else "")
    at = session.clock()
    known = {one.subject: one for one in await trashed(session)}
    wanted = [known[c.subject] for c in plan.changes if c.subject in known]
    for item in await _true_times(session, wanted):
        if why := _why_not(session, item, at, now=now):
            raise RefusedError(why, where=item.subject, way_out="It stays in the trash")
