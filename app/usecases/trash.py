"""The trash: what was deleted and can be restored, by whom, why, and for how long."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import NotFoundError, UsageError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import PIECE, ListWindow, RunQuery, Window, all_of
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.protocols import Trash
from modeldeck.backends.api.query import And, Compare, Field, In
from modeldeck.backends.api.runs import Fields, Run, Shelf
from modeldeck.backends.api.times import rfc3339

from .breaking import made_from
from .locks import is_locked
from .session import Session
from .shelf import Noun
from .trash_words import TRASH
from .versions import version_name
from .words import filter_of, sort_of

LOCKED = "LOCKED"
_DAY = timedelta(days=1)
_ASKED = 500
_MOVES = [f"{noun}.{verb}" for noun in ("run", "version", "model") for verb in ("rm", "restore")]


class Trashed(Struct, frozen=True, kw_only=True):
    """Something deleted. `ref` is its id, or a model's name, or `MODEL/13`; `subject` its address.

    `deleted_at`, who (`by`), `why` and `ticket` are what the trail says; `event` is where, None
    where nobody deleted it from here. `goes_at` is from when on it may be purged, None where that
    is not done here. `size` are the bytes of its files, None where that is not known. `held` says
    what still needs it. `found` is the noun itself, of a model with its versions beside it. A
    server does not say when a run was deleted.
    """

    what: Noun
    ref: str
    name: str
    subject: str
    deleted_at: datetime | None = None
    by: str = ""
    why: str = ""
    ticket: str = ""
    event: int | None = None
    plan: str | None = None
    size: int | None = None
    goes_at: datetime | None = None
    held: Sequence[str] = ()
    found: Any = None


def days_left(item: Trashed, now: datetime) -> float | None:
    """Days until it may be purged, 0 when it may be; None where that is not known."""
    return None if item.goes_at is None else max((item.goes_at - now) / _DAY, 0.0)


def as_object(item: Trashed, now: datetime) -> dict[str, Any]:
    """It as JSON; `days_left` until it may be purged."""
    left = days_left(item, now)
    return {
        "what": item.what,
        "id": item.ref,
        "name": item.name,
        "subject": item.subject,
        "deleted_at": None if item.deleted_at is None else rfc3339(item.deleted_at),
        "by": item.by,
        "why": item.why,
        "ticket": item.ticket,
        "event": item.event,
        "size": item.size,
        "goes_at": None if item.goes_at is None else rfc3339(item.goes_at),
        "days_left": None if left is None else round(left, 3),
        "held": list(item.held),
    }


async def list_trash(session: Session, *, where: str = "", sort: str = "") -> Window[Trashed]:
    """What fits the filter text, what was deleted last first unless sorted otherwise."""
    now = session.clock()

    def fields(item: Trashed) -> Getter:
        values: Mapping[str, Any] = {
            "what": item.what,
            "name": item.name,
            "id": item.ref,
            "deleted": item.deleted_at,
            "by": item.by or None,
            "why": item.why or None,
            "ticket": item.ticket or None,
            "size": None if item.size is None else float(item.size),
            "goes": days_left(item, now),
            "held": tuple(item.held),
        }
        return lambda field: values.get(field.name)

    expression, sorts = filter_of(session, where, TRASH), sort_of(sort or "-deleted", TRASH)
    rows = arranged(await trashed(session), fields, expression, sorts)
    return ListWindow(rows, [row.subject for row in rows])


async def trashed(session: Session) -> Sequence[Trashed]:
    """Everything that is deleted. Versions of a deleted model go with it."""
    registry = session.registry
    query = RunQuery(shelf=Shelf.DELETED, fields=Fields(metrics=(), params=(), tags=()))
    runs = await all_of(await registry.runs(query, PIECE))
    models = await all_of(await registry.models(shelf=Shelf.DELETED))
    versions = await all_of(await registry.versions(None, shelf=Shelf.DELETED))
    of: dict[str, list[Version]] = {}
    for one in versions:
        of.setdefault(one.model, []).append(one)
    made = await made_from(session, [run.id for run in runs])
    items = [
        *(_of_run(run, made.get(run.id, ()), {one.name for one in models}) for run in runs),
        *(_of_version(one) for one in versions if one.deleted_at is not None),
        *(_of_model(model, of.get(model.name, ())) for model in models),
    ]
    items = await _with_sizes(session, items, of)
    return await _with_owners(session, items)


def _of_run(run: Run, made: Sequence[Version], gone: Collection[str]) -> Trashed:
    used = [one for one in made if one.deleted_at is None and one.model not in gone]
    needed = [one for one in made if one in used or is_locked(one)]
    return Trashed(
        what="run",
        ref=run.id,
        name=run.name or run.id,
        subject=address.run(run.id),
        deleted_at=run.deleted_at,
        held=[
            f"{LOCKED} {version_name(one)}" if is_locked(one) else version_name(one)
            for one in needed
        ],
        found=run,
    )


def _of_version(version: Version) -> Trashed:
    held = [f"@{alias}" for alias in version.aliases]
    return Trashed(
        what="version",
        ref=version_name(version),
        name=version_name(version),
        subject=address.version(version.model, version.version),
        deleted_at=version.deleted_at,
        size=version.size,
        held=[*([LOCKED] if is_locked(version) else []), *held],
        found=version,
    )


def _of_model(model: Model, versions: Sequence[Version]) -> Trashed:
    return Trashed(
        what="model",
        ref=model.name,
        name=model.name,
        subject=address.model(model.name),
        deleted_at=model.deleted_at,
        held=[f"{LOCKED} {version_name(one)}" for one in versions if is_locked(one)],
        found=(model, versions),
    )


async def _with_sizes(
    session: Session, items: Sequence[Trashed], of: Mapping[str, Sequence[Version]]
) -> list[Trashed]:
    if not isinstance(session.registry, Trash):
        return list(items)
    versions = {one.ref: [address.version(v.model, v.version) for v in of.get(one.ref, ())]
                for one in items if one.what == "model"}  # fmt: skip
    owners = [item.subject for item in items if item.what != "model"]
    owners += [owner for some in versions.values() for owner in some]
    sizes = await session.registry.sizes(list(dict.fromkeys(owners)))
    return [
        _replaced(
            item,
            size=sum(sizes.get(owner, 0) for owner in versions[item.ref])
            if item.what == "model"
            else sizes.get(item.subject, item.size or 0),
        )
        for item in items
    ]


async def _with_owners(session: Session, items: Sequence[Trashed]) -> Sequence[Trashed]:
    """Who deleted each, as the trail says, and until when it is kept."""
    known = await _deletions(session, [item.subject for item in items])
    keeps = timedelta(days=session.policy.trash.retention_days)
    purged = isinstance(session.registry, Trash)
    found = []
    for item in items:
        event = known.get(item.subject)
        told = _told(event, item, remote=session.remote)
        at = told.get("deleted_at")
        if not session.remote:
            at = item.deleted_at
        goes = at + keeps if at is not None and purged else None
        found.append(_replaced(item, **{**told, "deleted_at": at, "goes_at": goes}))
    return found


def _told(event: Event | None, item: Trashed, *, remote: bool) -> dict[str, Any]:
    if event is None or not event.action.endswith(".rm"):
        return {}
    after = event.after if isinstance(event.after, dict) else {}
    at = item.deleted_at
    if not remote and (at is None or after.get("deleted") != rfc3339(at)):
        # It was restored and deleted again by what this trail does not hold.
        return {}
    return {
        "by": event.actor.sudo_user or event.actor.user,
        "why": event.reason,
        "ticket": event.ticket,
        "event": event.seq,
        "plan": event.plan,
        "deleted_at": event.time,
    }


async def _deletions(session: Session, subjects: Sequence[str]) -> Mapping[str, Event]:
    """The last event of each subject that deleted or restored it."""
    found: dict[str, Event] = {}
    for start in range(0, len(subjects), _ASKED):
        where = And(
            (
                In(Field("subject"), list(subjects[start : start + _ASKED])),
                In(Field("action"), _MOVES),
                Compare(Field("phase"), "=", "done"),
            )
        )
        for event in await all_of(await session.registry.events(where, (), PIECE)):
            if event.context == session.context or not session.remote:
                found.setdefault(event.subject, event)
    return found


async def find_trashed(session: Session, refs: Sequence[str]) -> Sequence[Trashed]:
    """What of the trash `refs` name: addresses, ids, beginnings of ids, names, `MODEL/13`."""
    items = await trashed(session)
    found = [_one(items, ref) for ref in refs]
    return list({item.subject: item for item in found}.values())


def _one(items: Sequence[Trashed], ref: str) -> Trashed:
    tests: Sequence[Callable[[Trashed], bool]] = (
        lambda item: item.subject == ref,
        lambda item: item.ref == ref,
        lambda item: item.name == ref,
        lambda item: item.what == "run" and bool(ref) and item.ref.startswith(ref),
    )
    for test in tests:
        found = [item for item in items if test(item)]
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(item.subject for item in found[:3])
            raise UsageError(
                f"{ref!r} is more than one thing in the trash", way_out=f"Name one: {some}"
            )
    raise NotFoundError(f"no {ref!r} in the trash", way_out="`modeldeck trash ls` lists it")


def _replaced(item: Trashed, **fields: Any) -> Trashed:
    from msgspec.structs import replace

    return replace(item, **fields)
