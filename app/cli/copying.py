"""`modeldeck copy`: runs and versions from one registry to another."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.plan import Plan

from . import output, streams, words
from .common import agree, asker, refs_of, save_instead, told
from .options import change_options, complete_experiment
from .wish import without_place

if TYPE_CHECKING:
    from modeldeck.app.usecases.copying_result import Copied, Step

SAID = 20


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="RUN...|MODEL|MODEL/VERSION")
@click.option("--from", "source", default="", metavar="PLACE", help="A context or a path.")
@click.option("--to", "target", default="", metavar="PLACE", help="A context or a path.")
@click.option(
    "--experiment",
    "-e",
    default="",
    metavar="NAME",
    help="Put the runs into this one.",
    shell_complete=complete_experiment,
)
@click.option("--as", "name", default="", metavar="NAME", help="Call the model so there.")
@click.option("--with-runs", is_flag=True, help="The runs that the versions came from, too.")
@change_options
@without_place
def copy(wish: Wish, source: str, target: str, **options: Any) -> int:
    """Copy runs with their children, or versions of a model, between registries.

    Where --from or --to is left out, it is the registry that opens by default. What is there
    already is passed over; a copy that was stopped goes on where it was. - reads ids from stdin.
    """
    return asyncio.run(_between(wish, source, target, **options))


async def _between(wish: Wish, source: str, target: str, **options: Any) -> int:
    there = await open_session(wish_for(wish, source), ask=asker())
    try:
        here = await open_session(wish_for(wish, target), ask=asker())
        try:
            places = [
                *(["--from", source] if source else []),
                *(["--to", target] if target else []),
            ]
            return await _copy(there, here, places=places, **options)
        finally:
            await here.registry.close()
    finally:
        await there.registry.close()


def wish_for(wish: Wish, place: str) -> Wish:
    """What a word means that is a context's name or a path; the wish itself for none."""
    from modeldeck.app.config.settings import read_settings

    if not place:
        return wish
    if place not in read_settings().contexts and ("/" in place or Path(place).exists()):
        return Wish(registry=place, readonly=wish.readonly)
    return Wish(context=place, readonly=wish.readonly)


async def _copy(
    source: Session,
    target: Session,
    *,
    what: Sequence[str],
    experiment: str,
    name: str,
    with_runs: bool,
    places: Sequence[str],
    yes: bool,
    dry_run: bool,
    reason: str,
    ticket: str,
    save: str,
    lapses: str,
    form: str,
) -> int:
    from modeldeck.app.usecases.copying import plan_copy

    from .plans import print_plan

    target.check_writable("copy.runs")
    with Line() as line:
        plan = await plan_copy(
            source,
            target,
            refs_of(what, lambda item: str(item["id"])),
            experiment=experiment,
            name=name,
            with_runs=with_runs,
            places=places,
            reason=reason,
            ticket=ticket,
            look=lambda runs: line.say(f"{runs:,} runs looked at"),
        )
    if save or lapses:
        return await save_instead(target, plan, save, lapses, form if dry_run else "")
    if dry_run:
        print_plan(plan, form)
        return 1 if plan.refused else 0
    return await carry_copy(source, target, plan, yes=yes, form=form)


async def carry_copy(source: Session, target: Session, plan: Plan, *, yes: bool, form: str) -> int:
    """Ask, and copy what `plan` says. Gives the exit code."""
    from modeldeck.app.usecases.copying import apply_copy

    if plan.empty:
        streams.say("nothing to copy: all of it is there")
        if form != "table":
            output.write_document(_facts(None, plan), form)
        return 0
    plan = agree(target, plan, yes=yes)
    with Line() as line:
        done = await apply_copy(source, target, plan, lambda step: line.say(so_far(step)), told)
    return _print(done, plan, form)


def _print(done: "Copied", plan: Plan, form: str) -> int:
    for title, problems in (("not copied", done.problems), ("its bytes stay behind", done.left)):
        for problem in problems[:SAID]:
            streams.say(f"modeldeck: {title}: {problem.where}: {problem.what}")
        if len(problems) > SAID:
            streams.say(f"modeldeck: {len(problems) - SAID} more of the kind")
    facts = _facts(done, plan)
    if form == "table":
        state = "not all of it" if done.problems else "done"
        streams.say(f"{state}: {so_far(done.step)}, event {done.event}")
    else:
        output.write_document(facts, form)
    return 1 if done.problems else 0


def _facts(done: "Copied | None", plan: Plan) -> dict[str, Any]:
    step = done.step if done else None
    return {
        "plan": plan.digest,
        "from": plan.arguments["from"],
        "to": plan.arguments["to"],
        "runs": step.runs if step else 0,
        "versions": step.versions if step else 0,
        "points": step.points if step else 0,
        "files": step.files if step else 0,
        "size": step.size if step else 0,
        "event": done.event if done else None,
        "left": _listed(done.left if done else ()),
        "problems": _listed(done.problems if done else ()),
    }


def _listed(problems: Sequence[Any]) -> list[dict[str, str]]:
    return [{"where": one.where, "what": one.what} for one in problems]


def so_far(step: "Step") -> str:
    """How far a copy is, in words."""
    parts = [output.counted(step.runs, "run")] if step.runs or not step.versions else []
    parts += [output.counted(step.versions, "version")] if step.versions else []
    return ", ".join(
        [*parts, f"{step.points:,} points", f"{step.files:,} files", words.size(step.size)]
    )


class Line:
    """One line of stderr that says how far something is, to a person at a terminal."""

    def __init__(self) -> None:
        self._shown = streams.is_terminal(sys.stderr)
        self._said = False

    def __enter__(self) -> Self:
        return self

    def say(self, text: str) -> None:
        """Put it in place of what stood there."""
        if self._shown:
            self._said = True
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._said:
            print(file=sys.stderr)
