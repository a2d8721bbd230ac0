"""Runs: listing, finding, tagging, deleting and restoring."""

from collections.abc import Mapping, Sequence

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.lists import RunQuery, Window
from modeldeck.backends.api.parse import parse_filter, parse_sort
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.query import RUNS
from modeldeck.backends.api.runs import Fields, Run, Shelf
from modeldeck.backends.api.times import rfc3339

from .plans import inverse_of, make_plan
from .session import Session


async def list_runs(
    session: Session,
    *,
    experiments: Sequence[str] | None = None,
    where: str = "",
    sort: str = "",
    shelf: Shelf = Shelf.ACTIVE,
    parent: str | None = None,
    top: bool = False,
    fields: Fields | None = None,
    first: int = 100,
) -> Window[Run]:
    """Runs that fit the filter text, in the order of the sort text; newest first without one."""
    query = RunQuery(
        experiments=experiments,
        where=parse_filter(where, RUNS, session.clock()),
        sort=parse_sort(sort, RUNS),
        shelf=shelf,
        parent=parent,
        top=top,
        fields=fields or Fields(),
    )
    return await session.registry.runs(query, first)


async def plan_tags(
    session: Session,
    refs: Sequence[str],
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Set tags of runs; None removes one."""
    if not tags:
        raise UsageError("no tags given", way_out="Give them as KEY=VALUE, or KEY= to remove one")
    changes: list[Change] = []
    ids: list[str] = []
    for ref in refs:
        run = await session.registry.run(ref)
        ids.append(run.id)
        changes.extend(
            Change(address(run.id), f"tag:{key}", run.tags.get(key), value)
            for key, value in tags.items()
        )
    words = [f"{key}={value if value is not None else ''}" for key, value in tags.items()]
    return make_plan(
        session,
        "run.tag",
        {"runs": ids, "tags": dict(tags)},
        changes,
        command=["modeldeck", "runs", "tag", *ids, *words],
        inverse=inverse_of(changes, "run.tag"),
        reason=reason,
        ticket=ticket,
    )


async def plan_shelf(
    session: Session,
    refs: Sequence[str],
    *,
    delete: bool,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Delete runs (they can be restored) or restore deleted ones."""
    verb = "rm" if delete else "restore"
    now = rfc3339(session.clock())
    changes, ids, effects = [], [], []
    for ref in refs:
        run = await session.registry.run(ref)
        ids.append(run.id)
        before = rfc3339(run.deleted_at) if run.deleted_at else None
        if (before is not None) == delete:
            continue
        changes.append(Change(address(run.id), "deleted", before, now if delete else None))
        if delete and run.children:
            effects.append(f"{run.name or run.id}: its {run.children} children stay, without it")
        if delete:
            found = await session.registry.versions(shelf=Shelf.ACTIVE)
            effects.extend(
                f"{v.model} {v.version} came from {run.name or run.id} and stays"
                for v in await found.page(0, found.at_least)
                if v.run_id == run.id
            )
    return make_plan(
        session,
        f"run.{verb}",
        {"runs": ids},
        changes,
        command=["modeldeck", "runs", verb, *ids],
        effects=effects,
        untouched=["series and artifacts stay until `modeldeck gc`"] if delete else [],
        inverse=inverse_of(changes, "run.restore" if delete else "run.rm"),
        reason=reason,
        ticket=ticket,
    )
