"""Copying over SSH: through tmux where it runs, else by the terminal's own escape, else a file."""

import os
import subprocess
from typing import TYPE_CHECKING

from modeldeck.app.config.paths import state_folder

if TYPE_CHECKING:
    from textual.app import App

LARGEST = 74_994


def copy_text(app: "App[int]", text: str) -> str:
    """Copy `text`; gives which way it went, in words."""
    if os.environ.get("TMUX"):
        try:
            subprocess.run(
                ["tmux", "load-buffer", "-w", "-"],
                input=text.encode(),
                timeout=2,
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            return f"copied {text} (tmux)"
    if len(text.encode()) <= LARGEST and os.environ.get("TERM") != "dumb":
        app.copy_to_clipboard(text)
        return f"copied {text} (terminal)"
    path = state_folder() / "copied.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    return f"written to {path}"
