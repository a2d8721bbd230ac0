"""Runs: listing, finding, tagging, deleting and restoring."""

from collections.abc import Mapping, Sequence

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.lists import RunQuery, Window
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.query import RUNS
from modeldeck.backends.api.runs import Fields, Run, Shelf, Status
from modeldeck.backends.api.times import rfc3339

from .plans import command_of, inverse_of, make_plan, tag_changes, tag_words
from .session import Session
from .words import filter_of, sort_of


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
    """Runs that fit the filter text, in the order of the sort text; newest first without one.

    `experiments` are names or ids; NotFoundError when there is no such experiment.
    """
    names = None
    if experiments is not None:
        names = [(await session.registry.experiment(ref)).name for ref in experiments]
    query = RunQuery(
        experiments=names,
        where=filter_of(session, where, RUNS),
        sort=sort_of(sort, RUNS),
        shelf=shelf,
        parent=parent,
        top=top,
        fields=fields or Fields(),
    )
    return await session.registry.runs(query, first)


async def find_run(session: Session, ref: str) -> Run:
    """The run of an id, a unique beginning of one, a name that only it has, or an address."""
    if ref.startswith("runs/") and ref.count("/") == 1:
        ref = parse_address(ref).name
    return await session.registry.run(ref)


async def find_runs(session: Session, refs: Sequence[str]) -> Sequence[Run]:
    """The runs that `refs` name, each once, in this order."""
    found = [await find_run(session, ref) for ref in refs]
    return list({run.id: run for run in found}.values())


async def plan_tags(
    session: Session,
    refs: Sequence[str],
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Set tags of runs; None removes one."""
    words = tag_words(tags)
    runs = await find_runs(session, refs)
    ids = [run.id for run in runs]
    changes = [c for run in runs for c in tag_changes(address(run.id), run.tags, tags)]
    return make_plan(
        session,
        "run.tag",
        {"runs": ids, "tags": dict(tags)},
        changes,
        command=command_of(["runs", "tag"], ids, words),
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
    runs = await find_runs(session, refs)
    changes = []
    for run in runs:
        before = rfc3339(run.deleted_at) if run.deleted_at else None
        if (before is None) == delete:
            changes.append(Change(address(run.id), "deleted", before, now if delete else None))
    ids = [run.id for run in runs]
    return make_plan(
        session,
        f"run.{verb}",
        {"runs": ids},
        changes,
        command=command_of(["runs", verb], ids),
        effects=await _left_behind(session, runs) if delete else [],
        untouched=["its series and artifacts stay, and can be restored with it"] if delete else [],
        inverse=inverse_of(changes, "run.restore" if delete else "run.rm"),
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
    window = await session.registry.versions(shelf=Shelf.ACTIVE)
    await window.whole()
    said.extend(
        f"{version.model} {version.version} came from {going[version.run_id]} and stays"
        for version in await window.page(0, window.at_least)
        if version.run_id in going
    )
    return said
