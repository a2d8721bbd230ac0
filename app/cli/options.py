"""Options that many commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

FORMATS = ("table", "json", "jsonl", "csv")
Command = TypeVar("Command", bound=Callable[..., Any])


def _complete(kind: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    def candidates(context: click.Context, _: click.Parameter, begun: str) -> Any:
        from .completing import candidates_of

        return candidates_of(context, kind, begun)

    return candidates


complete_run = _complete("run")
complete_model = _complete("model")
complete_version = _complete("version")
complete_alias = _complete("alias")
complete_experiment = _complete("experiment")
complete_sort = _complete("sort")
complete_metric = _complete("metric")
complete_address = _complete("address")
complete_context = _complete("context")


def place_options(command: Command) -> Command:
    """`--registry`, `--context` and `--readonly`, for a command as for the program."""
    return _with(
        command,
        click.option(
            "--registry", metavar="FILE", type=click.Path(), help="The registry to work on."
        ),
        click.option(
            "--context",
            "context_name",
            metavar="NAME",
            help="The context to work in.",
            shell_complete=complete_context,
        ),
        click.option("--readonly", is_flag=True, help="Refuse every change."),
    )


def console_options(command: Command) -> Command:
    """`--low-bandwidth`, for what opens the console."""
    words = "Send the terminal as little as can be."
    return _with(command, click.option("--low-bandwidth", is_flag=True, help=words))


def format_option(command: Command) -> Command:
    """`-o table|json|jsonl|csv`."""
    return formats_option(*FORMATS)(command)


def formats_option(*forms: str) -> Callable[[Command], Command]:
    """`-o` with these forms, the first of them when none is given."""
    return click.option(
        "-o", "--output", "form", type=click.Choice(forms), default=forms[0], help="How to print."
    )


def list_options(command: Command) -> Command:
    """`--filter`, `--sort`, `--limit`, `--next`."""
    at_most = "How many at most (100); 0 is all."
    return _with(
        command,
        click.option("--filter", "where", default="", help="As 'metrics.auc > 0.9'."),
        click.option(
            "--sort",
            default="",
            metavar="FIELDS",
            help="As -metrics.auc,started.",
            shell_complete=complete_sort,
        ),
        click.option("--limit", type=click.IntRange(0), default=100, help=at_most),
        click.option("--next", "after", metavar="TOKEN", help="Go on after a page."),
    )


def change_options(command: Command) -> Command:
    """`--yes`, `--dry-run`, `--reason`, `--ticket`, `--save`, and how to print what was done."""
    return _with(
        command,
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Print the plan, change nothing."),
        click.option("--reason", default="", help="Why, for the audit trail."),
        click.option("--ticket", default="", help="The ticket, for the audit trail."),
        click.option(
            "--save",
            default="",
            metavar="FILE",
            help="Write the plan there for `modeldeck apply`; - is stdout.",
        ),
        click.option(
            "--lapses",
            default="",
            metavar="SPAN",
            help="How long it lives: 12h, 7d; 1d if not said.",
        ),
        format_option,
    )


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
