"""`modeldeck completion`."""

import click
from click.shell_completion import ShellComplete, get_completion_class

_HOW = {
    "bash": 'eval "$(modeldeck completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(modeldeck completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "modeldeck completion fish > ~/.config/fish/completions/modeldeck.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_HOW)))
def completion(shell: str) -> None:
    """Print the completion for a shell: commands, options, runs, models, aliases, metrics."""
    found = get_completion_class(shell)
    assert found is not None
    from .main import COMPLETE, NAME, program

    # Not its own `source()`: that of bash starts a bash only to learn its version.
    text = ShellComplete.source(found(program, {}, NAME, COMPLETE))
    print(f"# {_HOW[shell]}")
    print(text)
