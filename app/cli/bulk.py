"""Changes of many things: confirmed by their count, told one by one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import RefusedError, UnconfirmedError, UsageError

from . import output, streams
from .common import agree, carry_out, told, with_session
from .options import change_options, place_options
from .words import NONE

if TYPE_CHECKING:
    from modeldeck.app.usecases.shelf import Noun

Command = TypeVar("Command", bound=Callable[..., Any])


def bulk_options(command: Command) -> Command:
    """`--filter` and `--count` of a change."""
    counted = "How many it is; with --yes needed above 100."
    command = click.option("--count", type=click.IntRange(0), metavar="N", help=counted)(command)
    return click.option(
        "--filter", "where", help="All that fit, instead of names; '*' is everything."
    )(command)


def add_restore(
    group: click.Group, noun: "Noun", named: str, refs: Callable[[Sequence[str]], Sequence[str]]
) -> None:
    """`restore` of a noun; `refs` reads what was `named`, - among it."""

    @group.command(help=f"Restore deleted {noun}s; - reads them from stdin.")
    @click.argument("what", nargs=-1, required=True, metavar=named)
    @change_options
    @place_options
    @with_session
    async def restore(
        session: Session, what: Sequence[str], reason: str, ticket: str, **how: Any
    ) -> int:
        from modeldeck.app.usecases.shelf import plan_shelf

        plan = await plan_shelf(
            session, noun, refs(what), delete=False, reason=reason, ticket=ticket
        )
        return await carry_out(session, plan, **how)


def names_or_filter(names: Sequence[str], where: str | None) -> None:
    """UsageError unless one of both was given."""
    if where is not None and names:
        raise UsageError("names and --filter were given", way_out="Give one of them")
    if where is None and not names:
        raise UsageError(
            "nothing was named", way_out="Name some, give - to read ids from stdin, or --filter"
        )


async def carry_out_bulk(
    session: Session,
    bulks: Sequence[Any],
    *,
    count: int | None,
    yes: bool,
    dry_run: bool,
    form: str,
    save: str = "",
    lapses: str = "",
) -> int:
    """Show the plans, ask, apply them, tell what became of each. Gives the exit code.

    RefusedError when everything was left out.
    """
    from modeldeck.app.usecases import bulk as usecase
    from modeldeck.app.usecases.confirming import subjects_of

    real = [one for one in bulks if not one.plan.empty]
    refused = [outcome for one in bulks for outcome in one.refused]
    if dry_run or save or lapses:
        if save and len(real) > 1:
            raise UsageError(
                f"it takes {len(real)} plans", where="--save", way_out="Narrow it to one noun"
            )
        codes = [
            await carry_out(session, one.plan, yes=yes, dry_run=dry_run, form=form,
                            save=save, lapses=lapses)
            for one in real
        ]  # fmt: skip
        if not real:
            streams.say("nothing to change")
        _tell(refused)
        return max(codes, default=0)
    if not real:
        _print(refused, form)
        if refused:
            raise RefusedError("nothing is left to do: all were left out, each for its reason")
        streams.say("nothing fits")
        return 0
    number = sum(len(subjects_of(one.plan)) for one in real)
    _check_count(number, count, yes=yes)
    agreed = [agree(session, one.plan, yes=yes) for one in real]
    outcomes: list[usecase.Outcome] = []
    for plan in agreed:
        done = await usecase.apply_bulk(session, usecase.Bulk(plan=plan), tell=told)
        outcomes += done.outcomes
    _print([*outcomes, *refused], form)
    streams.say(usecase.tally([*outcomes, *refused]))
    return 1 if any(one.result != usecase.DONE for one in outcomes) else 0


def _check_count(number: int, count: int | None, *, yes: bool) -> None:
    from modeldeck.app.usecases.confirming import MANY

    if count is not None and count != number:
        raise UnconfirmedError(
            f"it is {number}, and --count says {count}", way_out="Look at what fits, then try again"
        )
    if yes and count is None and number > MANY:
        raise UnconfirmedError(
            f"it is {number}, and above {MANY} --yes does not suffice",
            way_out=f"--count {number} says that you know",
        )


def _tell(refused: Sequence[Any]) -> None:
    for one in refused:
        streams.say(f"left out: {output.safe(one.subject)}: {output.safe(one.why)}")


def _print(outcomes: Sequence[Any], form: str) -> None:
    output.write_list(
        [outcome_object(one) for one in outcomes] if form != "table" else outcomes,
        {
            "WHAT": lambda one: one.subject,
            "RESULT": lambda one: one.result,
            "EVENT": lambda one: NONE if one.event is None else str(one.event),
            "WHY": lambda one: one.why,
        },
        form,
    )


def outcome_object(one: Any) -> dict[str, Any]:
    """What became of one, as JSON."""
    return {"subject": one.subject, "result": one.result, "why": one.why, "event": one.event}
