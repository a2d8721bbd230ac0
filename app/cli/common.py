"""What every command shares: options, an open session, errors as exit codes, confirmation."""

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.errors import ModeldeckError, UnconfirmedError
from modeldeck.backends.api.plan import Plan

from . import output

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def wish_of(context: click.Context, path: str = "") -> Wish:
    """What the options of this command and of those above it ask for."""
    found: dict[str, Any] = {}
    step: click.Context | None = context
    while step is not None:
        for name in ("registry", "context", "readonly"):
            value = step.params.get(name) or (
                step.params.get("context_name") if name == "context" else None
            )
            if value:
                found.setdefault(name, value)
        step = step.parent
    return Wish(path=path, **found)


def place_options(command: Command) -> Command:
    """`--registry`, `--context` and `--readonly`, for a command as for the program."""
    return _with(
        command,
        click.option("--registry", metavar="FILE", help="The registry to work on."),
        click.option("--context", "context_name", metavar="NAME", help="The context to work in."),
        click.option("--readonly", is_flag=True, help="Refuse every change."),
    )


def format_option(command: Command) -> Command:
    """`-o table|json|jsonl|csv`."""
    forms = click.Choice(output.FORMATS)
    return _with(
        command,
        click.option("-o", "--output", "form", type=forms, default="table", help="How to print."),
    )


def list_options(command: Command) -> Command:
    """`--filter`, `--sort`, `--limit`, `--next`."""
    at_most = "How many at most (100); 0 is all."
    return _with(
        command,
        click.option("--filter", "where", default="", help="As 'metrics.auc > 0.9'."),
        click.option("--sort", default="", metavar="FIELDS", help="As -metrics.auc,started."),
        click.option("--limit", type=click.IntRange(0), default=100, help=at_most),
        click.option("--next", "after", metavar="TOKEN", help="Go on after a page."),
    )


def change_options(command: Command) -> Command:
    """`--yes`, `--dry-run`, `--reason`, `--ticket`."""
    return _with(
        command,
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Print the plan, change nothing."),
        click.option("--reason", default="", help="Why, for the audit trail."),
        click.option("--ticket", default="", help="The ticket, for the audit trail."),
    )


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def with_session(work: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """Make `async def command(session, ...)` a click callback that opens and closes the session."""

    @functools.wraps(work)
    def run(*args: Any, **kwargs: Any) -> T:
        context = click.get_current_context()
        for name in ("registry", "context_name", "readonly"):
            kwargs.pop(name, None)

        async def inside() -> T:
            session = await open_session(wish_of(context))
            try:
                return await work(session, *args, **kwargs)
            finally:
                await session.registry.close()

        return asyncio.run(inside())

    return run


def guarded(main: Callable[[], Any]) -> int:
    """Run the program; gives its exit code. Errors are one line each on stderr."""
    try:
        result = main()
    except ModeldeckError as error:
        return output.fail(error)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        output.narrate(f"modeldeck: {error.format_message()}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return 0
    return result if isinstance(result, int) else 0


def _drop_stdout() -> None:
    # Whoever read us has gone: let the interpreter's last flush go nowhere.
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def carry_out(session: Session, plan: Plan, *, yes: bool, dry_run: bool, form: str) -> int:
    """Show the plan, ask, apply it. Gives the exit code; UnconfirmedError without a terminal."""
    from modeldeck.app.usecases.plans import apply_plan

    from .plans import print_plan

    if dry_run:
        print_plan(plan, form)
        return 1 if plan.refused else 0
    if plan.empty:
        output.narrate("nothing to change: it is so already")
        return 0
    session.check_writable(plan.operation)
    if not yes:
        if not sys.stdin.isatty():
            raise UnconfirmedError(
                "not confirmed, and there is no terminal to ask at",
                way_out="--yes confirms, --dry-run shows the plan",
            )
        print_plan(plan, "table", to_stderr=True)
        if not click.confirm("Do it?", default=False, err=True):
            raise UnconfirmedError("not confirmed; nothing was changed")
    events = await apply_plan(session, plan)
    output.narrate(f"done: {len(events)} change{'s' * (len(events) != 1)}, event {events[-1].seq}")
    return 0
