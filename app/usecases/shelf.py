"""Runs, versions and models tagged, deleted and restored, by plans alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from modeldeck.backends.api.address import alias as alias_address
from modeldeck.backends.api.address import model as model_address
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.locks import LOCKED
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.runs import Fields, Run
from modeldeck.backends.api.times import rfc3339

from .breaking import (
    Broken,
    broken_by_models,
    broken_by_runs,
    broken_by_versions,
    shortened,
)
from .gated import with_gates
from .locks import is_locked, lock_words, refuse_locked
from .models import find_models
from .plans import command_of, inverse_of, make_plan, tag_changes, tag_words
from .runs import find_runs
from .session import Session
from .versions import find_versions, version_name

Noun = Literal["run", "version", "model"]
Left = Mapping[str, str]
"""What is left out of a plan, by address, and why."""


class Kind(NamedTuple):
    """How things of a noun are found, named and addressed; what deleting them does to others.

    `stays` says what a delete does not touch.
    """

    find: Callable[[Session, Sequence[str]], Awaitable[Sequence[Any]]]
    name: Callable[[Any], str]
    address: Callable[[Any], str]
    broken: Callable[[Session, Sequence[Any]], Awaitable[Broken]]
    stays: str


class Picked(NamedTuple):
    """A plan, and what of what was asked for it leaves out."""

    plan: Plan
    left: Left


async def plan_tags(
    session: Session,
    noun: Noun,
    refs: Sequence[str],
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Set tags of runs or versions; None removes one. RefusedError for a locked version."""
    items = await KINDS[noun].find(session, refs)
    for item in items:
        if isinstance(item, Version):
            refuse_locked(item)
    return tags_of_items(session, noun, items, tags, reason=reason, ticket=ticket).plan


def tags_of_items(
    session: Session,
    noun: Noun,
    items: Sequence[Any],
    tags: Mapping[str, str | None],
    *,
    command: Sequence[str] = (),
    reason: str = "",
    ticket: str = "",
) -> Picked:
    """The same for what was found already; what is locked or kept from us is left out."""
    words, kind = tag_words(tags), KINDS[noun]
    if LOCKED in tags:
        raise RefusedError(
            f"the tag {LOCKED} is the lock of a version",
            way_out="`modeldeck versions lock` and `modeldeck versions unlock` set and remove it",
        )
    left: dict[str, str] = {}
    for item in items:
        if isinstance(item, Version) and is_locked(item):
            left[kind.address(item)] = f"it is locked ({lock_words(item)})"
    left |= withheld(session, f"{noun}.tag", [kind.address(i) for i in items], left)
    chosen = [item for item in items if kind.address(item) not in left]
    names = [kind.name(item) for item in chosen]
    changes = [c for item in chosen for c in tag_changes(kind.address(item), item.tags, tags)]
    plan = make_plan(
        session,
        f"{noun}.tag",
        {f"{noun}s": names, "tags": dict(tags)},
        changes,
        command=command or command_of([f"{noun}s", "tag"], names, words),
        untouched=left_words(left),
        inverse=inverse_of(changes, f"{noun}.tag"),
        reason=reason,
        ticket=ticket,
    )
    return Picked(plan, left)


async def plan_shelf(
    session: Session,
    noun: Noun,
    refs: Sequence[str],
    *,
    delete: bool,
    with_aliases: bool = False,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Delete runs, versions or models (they can be restored), or restore deleted ones.

    RefusedError for what an alias points at: whoever reads the alias would find nothing. With
    `with_aliases` those of a model go in the same plan. RefusedError too for what a lock holds.
    """
    items = await KINDS[noun].find(session, refs)
    picked = await shelve_items(
        session,
        noun,
        items,
        delete=delete,
        with_aliases=with_aliases,
        whole=True,
        reason=reason,
        ticket=ticket,
    )
    return picked.plan


async def shelve_items(
    session: Session,
    noun: Noun,
    items: Sequence[Any],
    *,
    delete: bool,
    with_aliases: bool = False,
    whole: bool = False,
    command: Sequence[str] = (),
    reason: str = "",
    ticket: str = "",
) -> Picked:
    """The same for what was found already; what cannot be is left out, or refused as a `whole`."""
    verb, back = ("rm", "restore") if delete else ("restore", "rm")
    now, kind = rfc3339(session.clock()), KINDS[noun]
    broken = await _broken(session, noun, items, delete=delete, with_aliases=with_aliases)
    if whole:
        for error in broken.refused.values():
            raise error
    left = {place: error.what for place, error in broken.refused.items()}
    if not whole:
        for item in items:
            if (item.deleted_at is not None) == delete:
                words = "it is deleted already" if delete else "it is not deleted"
                left.setdefault(kind.address(item), words)
        places = [kind.address(item) for item in items]
        left |= withheld(session, f"{noun}.{verb}", places, left)
    chosen = [item for item in items if kind.address(item) not in left]
    changes: list[Change] = []
    for item in chosen:
        before = rfc3339(item.deleted_at) if item.deleted_at else None
        if (before is None) == delete:
            changes.append(Change(kind.address(item), "deleted", before, now if delete else None))
            changes += _along(item) if delete else []
    names = [kind.name(item) for item in chosen]
    effects = [line for item in chosen for line in broken.effects.get(kind.address(item), ())]
    options = ["--with-aliases"] if with_aliases and delete else []
    if session.remote and (reason_not := session.registry.availability(f"{noun}.{verb}").reason):
        raise RefusedError(reason_not, where=session.context)
    plan = make_plan(
        session,
        f"{noun}.{verb}",
        {f"{noun}s": names},
        changes,
        command=command or command_of([f"{noun}s", verb], names, options),
        effects=shortened(effects),
        untouched=[*([kind.stays] if delete and changes else []), *left_words(left)],
        inverse=inverse_of(changes, f"{noun}.{back}"),
        reason=reason,
        ticket=ticket,
    )
    return Picked(await with_gates(session, plan), left)


async def _broken(
    session: Session, noun: Noun, items: Sequence[Any], *, delete: bool, with_aliases: bool
) -> Broken:
    if not delete:
        return Broken(await _incomplete(session, items), {})
    if noun == "model":
        return await broken_by_models(session, items, with_aliases=with_aliases)
    return await KINDS[noun].broken(session, items)


async def _incomplete(session: Session, items: Sequence[Any]) -> Mapping[str, Sequence[str]]:
    """What restoring does not bring back by itself."""
    models = {item.model for item in items if isinstance(item, Version)}
    gone = {
        model.name
        for model in [await session.registry.model(name) for name in sorted(models)]
        if model.deleted_at is not None
    }
    return {
        version_address(item.model, item.version): [
            f"{version_name(item)} is not seen before its model is restored too"
        ]
        for item in items
        if isinstance(item, Version) and item.model in gone
    }


def _along(item: Any) -> Sequence[Change]:
    """The aliases that go with a model."""
    aliases = item.aliases if isinstance(item, Model) else {}
    return [
        Change(alias_address(item.name, alias), "version", number, None)
        for alias, number in aliases.items()
    ]


def withheld(
    session: Session, operation: str, places: Sequence[str], but: Mapping[str, str]
) -> Left:
    """Which of these places a server keeps from us, and why."""
    if not session.remote:
        return {}
    reasons = {
        place: session.registry.availability(operation, place).reason
        for place in places
        if place not in but
    }
    return {place: reason for place, reason in reasons.items() if reason}


def left_words(left: Left) -> Sequence[str]:
    """What is left out, in words."""
    lines = shortened(f"{place} is left out: {why}" for place, why in left.items())
    return [f"{len(left):,} are left out:", *lines] if len(left) > 1 else lines


async def _find_runs(session: Session, refs: Sequence[str]) -> Sequence[Run]:
    return await find_runs(session, refs, Fields(metrics=(), params=()))


KINDS: Mapping[Noun, Kind] = {
    "run": Kind(
        _find_runs,
        lambda run: str(run.id),
        lambda run: run_address(run.id),
        broken_by_runs,
        "its series and artifacts stay, and can be restored with it",
    ),
    "version": Kind(
        find_versions,
        version_name,
        lambda version: version_address(version.model, version.version),
        broken_by_versions,
        "its files and its source run stay",
    ),
    "model": Kind(
        find_models,
        lambda model: str(model.name),
        lambda model: model_address(model.name),
        broken_by_models,
        "its versions, their files and source runs stay, and come back with it",
    ),
}
