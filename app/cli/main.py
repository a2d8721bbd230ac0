"""The command line: nouns and verbs, each imported when it is called."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .failing import guarded
from .options import console_options, place_options
from .wish import wish_of

NAME = "modeldeck"
COMPLETE = "_MODELDECK_COMPLETE"

# Name -> module, its click command, words. Nothing is imported before it is called.
COMMANDS = {
    "open": ("opening", "open_", "Open the console on an address or a path."),
    "status": ("status", "status", "What runs, what failed, in a few lines or in one."),
    "experiments": ("experiments", "experiments", "List experiments."),
    "runs": ("runs", "runs", "List, show, compare, export, tag, delete runs."),
    "models": ("models", "models", "List, show, delete models."),
    "versions": ("versions", "versions", "List, show, tag, lock, delete versions of models."),
    "artifacts": ("artifacts", "artifacts", "List and save files of runs and versions."),
    "trash": ("trash", "trash", "What was deleted: list, restore, remove for good."),
    "alias": ("alias", "alias", "Point names such as champion at versions."),
    "approvals": ("approvals", "approvals", "Ask for approval, approve, refuse, withdraw."),
    "inbox": ("approvals", "inbox", "What waits for you."),
    "promote": ("promote", "promote", "Point an alias at a version, through its gates."),
    "rollback": ("rollback", "rollback", "Point an alias back at what it was before."),
    "drill": ("drill", "drill", "Rehearse a rollback; nothing moves."),
    "undo": ("undo", "undo", "Take back a change, one's own last or a named one."),
    "plan": ("plan", "plan", "Look at a plan that was saved with --save."),
    "apply": ("plan", "apply_", "Apply a plan that was saved with --save."),
    "gate": ("gate", "gate", "Ask whether a version may become an alias."),
    "history": ("history", "history", "Who moved which alias of a model when and why."),
    "at": ("at", "at", "What each alias pointed at, at any time."),
    "dossier": ("dossier", "dossier", "What was live then, by whom, on what evidence."),
    "audit": ("audit", "audit", "Look at who did what and why."),
    "run": ("run", "run", "Record a command as a run."),
    "register": ("register", "register", "Make a file or folder a version of a model."),
    "copy": ("copying", "copy", "Copy runs and versions between registries."),
    "import": ("importing", "import_", "Copy what MLflow has recorded into a registry."),
    "demo": ("demo", "demo", "Train a small project to look at."),
    "context": ("context", "context", "List, add, choose, test contexts: servers by name."),
    "key": ("key", "key", "The keys that you and this machine sign with."),
    "records": ("records", "records", "What several people share, and how far it has come."),
    "login": ("login", "login", "Keep the password or token of a context."),
    "init": ("init", "init", "Make an empty registry."),
    "info": ("info", "info", "Where things lie, which versions, which settings."),
    "doctor": ("doctor", "doctor", "Look for what is wrong, say the way out."),
    "snapshot": ("snapshot", "snapshot", "Write runs, models and the trail into one file."),
    "backup": ("backup", "backup", "Copy the registry while it is in use."),
    "restore": ("restore", "restore", "Bring a registry back from a backup."),
    "gc": ("gc", "gc", "Remove what nothing needs any more."),
    "completion": ("completion", "completion", "Print the completion for a shell."),
}
SAME = {
    "approval": "approvals",
    "experiment": "experiments",
    "model": "models",
    "version": "versions",
    "aliases": "alias",
    "artifact": "artifacts",
    "contexts": "context",
    "keys": "key",
    "record": "records",
}


class Nouns(click.Group):
    """Commands by name, plural or singular; what is no command but exists is a path to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = cmd_name if cmd_name in COMMANDS else SAME.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(
            importlib.import_module(f".{module}", __package__), attribute
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, _, words) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in COMMANDS and word not in SAME:
            if _is_path(word):
                return "open-path", open_path, args
            if not ctx.resilient_parsing and not word.startswith("-"):
                self._unknown(ctx, word)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, word: str) -> None:
        from difflib import get_close_matches

        near = get_close_matches(word, [*COMMANDS, *SAME], 1)
        hint = f"Did you mean {near[0]}?" if near else "`modeldeck --help` lists them"
        raise click.UsageError(f"{word!r} is neither a command nor a path. {hint}", ctx)


def _is_path(word: str) -> bool:
    if "/" in word or word in {".", ".."}:
        return True
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False


@click.group(
    cls=Nouns, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="modeldeck", message="modeldeck %(version)s")
@click.option("--continue", "back", is_flag=True, help="Go back to where the console was left.")
@place_options
@console_options
@click.pass_context
def program(context: click.Context, /, **_: Any) -> Any:
    """The operations console for machine-learning models.

    Without a command it opens the console; with a path, the console on what lies there.
    """
    if context.invoked_subcommand is None:
        return open_console(context, "")
    return None


@click.command(hidden=True)
@click.argument("path", type=click.Path())
@click.pass_context
def open_path(context: click.Context, path: str) -> Any:
    """Open the console on a path."""
    return open_console(context, path)


def open_console(context: click.Context, path: str, address: str = "") -> Any:
    """The console; its overview as text when stdout is no terminal."""
    from . import streams

    wish = wish_of(context, path)
    if not streams.is_terminal(sys.stdout):
        from .status import print_overview

        return print_overview(wish)
    from modeldeck.app.console.start import run_console

    return run_console(wish, address, back=bool(context.find_root().params.get("back")))


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    return guarded(lambda: _run(list(sys.argv[1:] if args is None else args)))


def _run(args: list[str]) -> Any:
    if asked := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(program, {}, NAME, COMPLETE, asked)
    # Not click's own `main`, which answers a broken pipe with exit code 1.
    with program.make_context(NAME, args) as context:
        return program.invoke(context)
