"""What the environment says of the terminal."""

import io

import pytest
from rich.console import Console

from modeldeck.app.config.terminal import FEW, MILLIONS, colours

RICH = {None: 0, "standard": FEW, "256": 256, "truecolor": MILLIONS}


@pytest.mark.parametrize(
    "environ",
    [
        {"NO_COLOR": "1", "TERM": "xterm-256color"},
        {"NO_COLOR": "", "TERM": "xterm-256color"},
        *({"TERM": term} for term in ("xterm", "linux", "screen", "vt100", "alacritty")),
        *({"TERM": term} for term in ("xterm-256color", "tmux-256color", "xterm-kitty", "Eterm")),
        *({"TERM": "screen", "COLORTERM": word} for word in ("truecolor", "24bit", "1", " 24BIT ")),
    ],
    ids=str,
)
def test_colours_are_counted_as_rich_counts_them(environ):
    console = Console(file=io.StringIO(), force_terminal=True, _environ=environ)
    wanted = 0 if console.no_color else RICH[console.color_system]
    assert colours(environ) == wanted
