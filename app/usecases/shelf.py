"""Runs and versions tagged, deleted and restored, by plans alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.query import Field, In
from modeldeck.backends.api.runs import Run, Status
from modeldeck.backends.api.times import rfc3339

from .plans import command_of, inverse_of, make_plan, tag_changes, tag_words
from .runs import find_runs
from .session import Session
from .versions import find_versions, version_name

Noun = Literal["run", "version"]


class _Kind(NamedTuple):
    """How things of a noun are found, named and addressed; what deleting them does to others.

    `going` raises RefusedError where something stands against it.
    """

    find: Callable[[Session, Sequence[str]], Awaitable[Sequence[Any]]]
    name: Callable[[Any], str]
    address: Callable[[Any], str]
    going: Callable[[Session, Sequence[Any]], Awaitable[Sequence[str]]]
    stays: str


async def plan_tags(
    session: Session,
    noun: Noun,
    refs: Sequence[str],
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Set tags of runs or versions; None removes one."""
    words, kind = tag_words(tags), _KINDS[noun]
    items = await kind.find(session, refs)
    names = [kind.name(item) for item in items]
    changes = [c for item in items for c in tag_changes(kind.address(item), item.tags, tags)]
    return make_plan(
        session,
        f"{noun}.tag",
        {f"{noun}s": names, "tags": dict(tags)},
        changes,
        command=command_of([f"{noun}s", "tag"], names, words),
        inverse=inverse_of(changes, f"{noun}.tag"),
        reason=reason,
        ticket=ticket,
    )


async def plan_shelf(
    session: Session,
    noun: Noun,
    refs: Sequence[str],
    *,
    delete: bool,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Delete runs or versions (they can be restored), or restore deleted ones.

    RefusedError for a version that an alias points at: whoever reads the alias would find nothing.
    """
    verb, back = ("rm", "restore") if delete else ("restore", "rm")
    now, kind = rfc3339(session.clock()), _KINDS[noun]
    items = await kind.find(session, refs)
    changes = []
    for item in items:
        before = rfc3339(item.deleted_at) if item.deleted_at else None
        if (before is None) == delete:
            changes.append(Change(kind.address(item), "deleted", before, now if delete else None))
    names = [kind.name(item) for item in items]
    return make_plan(
        session,
        f"{noun}.{verb}",
        {f"{noun}s": names},
        changes,
        command=command_of([f"{noun}s", verb], names),
        effects=await kind.going(session, items) if delete else [],
        untouched=[kind.stays] if delete else [],
        inverse=inverse_of(changes, f"{noun}.{back}"),
        reason=reason,
        ticket=ticket,
    )


async def _left_behind(session: Session, runs: Sequence[Run]) -> Sequence[str]:
    going = {run.id: run.name or run.id for run in runs if run.deleted_at is None}
    said = []
    for run in runs:
        if run.id in going and run.status == Status.RUNNING:
            said.append(f"{going[run.id]} is running, and goes on")
        if run.id in going and run.children:
            said.append(f"{going[run.id]}: its {run.children} children stay, without it")
    came = In(Field("run"), list(going))
    said.extend(
        f"{version.model} {version.version} came from {going[version.run_id or '']} and stays"
        for version in await all_of(await session.registry.versions(None, came))
    )
    return said


async def _held(_: Session, versions: Sequence[Version]) -> Sequence[str]:
    for version in versions:
        if version.aliases:
            words = ", ".join(f"{version.model}@{alias}" for alias in version.aliases)
            raise RefusedError(
                f"{words} point{'s' * (len(version.aliases) == 1)} at it",
                where=f"version {version_name(version)}",
                way_out=f"`modeldeck alias set {version.model} {version.aliases[0]} VERSION` moves"
                f" it, `modeldeck alias rm {version.model} {version.aliases[0]}` removes it",
            )
    return ()


_KINDS: Mapping[Noun, _Kind] = {
    "run": _Kind(
        find_runs,
        lambda run: str(run.id),
        lambda run: run_address(run.id),
        _left_behind,
        "its series and artifacts stay, and can be restored with it",
    ),
    "version": _Kind(
        find_versions,
        version_name,
        lambda version: version_address(version.model, version.version),
        _held,
        "its files and its source run stay",
    ),
}
