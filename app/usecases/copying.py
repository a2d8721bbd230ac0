"""Runs and versions copied from one registry to another: planned, shown, then done."""

from collections.abc import Callable, Sequence
from typing import Any

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.plan import Inverse, Plan
from modeldeck.backends.api.query import Compare, Field

from .afterwards import follow_up
from .copying_result import Copied, Tell, silent
from .copying_runs import Look, MovingRuns, left_behind
from .copying_sides import check_two
from .copying_versions import MovingVersions
from .copying_what import Wanted, check_wanted, find_wanted, runs_of
from .copying_work import Copying
from .plans import check_plan, make_plan
from .session import Session


async def plan_copy(
    source: Session,
    target: Session,
    what: Sequence[str] | Wanted,
    *,
    experiment: str = "",
    name: str = "",
    with_runs: bool = False,
    places: Sequence[str] = (),
    reason: str = "",
    ticket: str = "",
    look: Look = lambda _: None,
) -> Plan:
    """Copy runs with their children, a model, or versions of one, from `source` to `target`.

    `experiment` is where runs go, each to that of its own name without it; `name` what the model is
    called there. `places` are the words of a command line that name both. What is there already as
    it is here is passed over.
    """
    check_two(source, target)
    wanted = what if isinstance(what, Wanted) else await find_wanted(source, what)
    check_wanted(wanted, experiment, name, with_runs=with_runs)
    runs = wanted.runs
    if with_runs:
        runs = await runs_of(source, wanted.versions)
    moving = await MovingRuns.looked_at(source, target, runs, experiment, look)
    words = ["modeldeck", "copy", *wanted.words, *places]
    words += [*(["--experiment", experiment] if experiment else [])]
    told: dict[str, Any] = {
        "from": source.context,
        "origin": source.registry.place,
        "to": target.context,
        "experiment": experiment,
        "runs": moving.ids,
    }
    if not wanted.model:
        return make_plan(
            target,
            "copy.runs",
            told,
            moving.changes,
            command=words,
            effects=[*moving.effects, *await left_behind(source, target, runs)],
            untouched=["the runs stay where they are", "no model, no alias"],
            inverse=Inverse("run.rm", {"runs": moving.here}) if moving.here else None,
            reason=reason,
            ticket=ticket,
        )
    versions = await MovingVersions.looked_at(source, target, wanted, name or wanted.model)
    return make_plan(
        target,
        "copy.model",
        told | {"model": wanted.model, "as": versions.name, "versions": versions.numbers},
        [*moving.changes, *versions.changes],
        command=[
            *words,
            *(["--as", name] if name else []),
            *(["--with-runs"] if with_runs else []),
        ],
        effects=[*versions.effects, *moving.effects],
        untouched=[
            "no alias moves: `modeldeck alias set` does that, with a plan of its own",
            "nothing changes where it is copied from",
        ],
        inverse=Inverse("version.rm", {"model": versions.name, "versions": versions.here})
        if versions.here
        else None,
        reason=reason,
        ticket=ticket,
    )


async def apply_copy(
    source: Session,
    target: Session,
    plan: Plan,
    progress: Tell = silent,
    tell: Callable[[str], None] = lambda _: None,
) -> Copied:
    """Copy what the plan names and is not there yet. What was copied stays, whatever happens.

    `tell` gets what goes wrong in telling others of it. Digests are compared after the copy: what
    differs is a problem of the result, and not called copied. UnreachableError when one of the two
    does not answer.
    """
    if plan.context != target.context or plan.arguments["origin"] != source.registry.place:
        raise RefusedError(
            f"the plan is to copy from {plan.arguments['origin']} to {plan.context}",
            way_out="Open the plan's own places",
        )
    checked = await check_plan(target, plan)
    done = await Copying(source, target, checked, progress).carried_out()
    ended = await target.registry.events(Compare(Field("seq"), "=", done.event), (), 1)
    await follow_up(target, checked, ended.first, tell)
    return done
