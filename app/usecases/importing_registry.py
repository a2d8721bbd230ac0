"""All of another registry of ours copied into this one: what a snapshot is brought over for."""

from collections.abc import Mapping, Sequence

import msgspec

from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.ingest import Problem
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.plan import LIFETIME

from .copying import apply_copy, plan_copy
from .copying_result import Copied, Tell, silent
from .copying_sides import home_of
from .copying_what import Wanted, by_depth
from .experiments import list_experiments
from .importing import Imported
from .models import list_models
from .session import Session


async def import_registry(
    source: Session,
    target: Session,
    *,
    rename: Mapping[str, str] | None = None,
    progress: Tell = silent,
) -> Imported:
    """Copy all runs and versions; what is here as it is there is passed over.

    `rename` gives models another name here. Aliases that are elsewhere here than there are named,
    and stay.
    """
    target.check_writable("import")
    rename = rename or {}
    models = await all_of(await list_models(source))
    for name in rename:
        if name not in {model.name for model in models}:
            raise NotFoundError(
                f"there is no model {name!r} to be named otherwise", where=source.context
            )
    runs = by_depth(await all_of(await source.registry.runs(RunQuery())))
    done = [await _copy(source, target, Wanted(runs=runs), "", progress)] if runs else []
    conflicts: list[str] = []
    for model in models:
        name = rename.get(model.name, "")
        versions = await all_of(await source.registry.versions(model.name))
        if versions:
            wanted = Wanted(model=model.name, versions=versions)
            done.append(await _copy(source, target, wanted, name, progress))
            conflicts += await _elsewhere(target, model, name or model.name)
    problems: list[Problem] = [problem for one in done for problem in (*one.problems, *one.left)]
    return Imported(
        origin=home_of(source.registry),
        experiments=len(await all_of(await list_experiments(source))),
        runs=len(runs),
        runs_taken=sum(one.step.runs for one in done),
        points=sum(one.step.points for one in done),
        files=sum(one.step.files for one in done),
        models=len(models),
        conflicts=conflicts,
        problems=problems,
    )


async def _copy(
    source: Session, target: Session, wanted: Wanted, name: str, progress: Tell
) -> Copied:
    plan = await plan_copy(source, target, wanted, name=name)
    # Whoever imports has said yes: however long it took to look, it is what was looked at.
    plan = msgspec.structs.replace(plan, lapses_at=target.clock() + LIFETIME)
    if plan.empty:
        return Copied.nothing()
    return await apply_copy(source, target, plan, progress)


async def _elsewhere(target: Session, there: Model, name: str) -> Sequence[str]:
    here = (await target.registry.model(name)).aliases
    return [
        f"{there.name}@{alias} is {number} there, {here.get(alias, 'not set')} here"
        for alias, number in there.aliases.items()
        if here.get(alias) != number
    ]
