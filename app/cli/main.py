"""The command line: nouns and verbs, each imported when it is called."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from .common import guarded, place_options, wish_of

COMMANDS = {
    "runs": ("runs", "List, show, compare, tag, delete runs."),
}
SAME = {
    "run": "run",
    "experiment": "experiments",
    "model": "models",
    "version": "versions",
    "aliases": "alias",
}


class Nouns(click.Group):
    """Commands by name, plural or singular; what is no command but exists is a path to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name if cmd_name in COMMANDS else SAME.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[name][0]}", __package__)
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if self.get_command(ctx, word) is None and _is_path(word):
            return "open-path", open_path, args
        return super().resolve_command(ctx, args)


def _is_path(word: str) -> bool:
    return "/" in word or word in {".", ".."} or Path(word).exists()


@click.group(
    cls=Nouns, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="modeldeck", message="modeldeck %(version)s")
@place_options
@click.pass_context
def program(context: click.Context, /, **_: Any) -> Any:
    """The operations console for machine-learning models.

    Without a command it opens the console; with a path, the console on what lies there.
    """
    if context.invoked_subcommand is None:
        return _console(context, "")
    return None


@click.command(hidden=True)
@click.argument("path")
@click.pass_context
def open_path(context: click.Context, path: str) -> Any:
    """Open the console on a path."""
    return _console(context, path)


def _console(context: click.Context, path: str) -> Any:
    wish = wish_of(context, path)
    if not sys.stdout.isatty():
        from .status import print_overview

        return print_overview(wish)
    from modeldeck.app.console.start import run_console

    return run_console(wish)


def main() -> int:
    """Run the command line; gives the exit code."""
    return guarded(lambda: program.main(standalone_mode=False))
