"""stdin, stdout and stderr as they are: what any command needs before anything else."""

import os
import sys
from typing import TextIO

from modeldeck.widgets.text import one_line


def prepare() -> None:
    """Make streams that take any text, whatever the locale, and even when they are closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits at the other end."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def say(text: str) -> None:
    """A message on stderr, as one line."""
    print(one_line(text), file=sys.stderr)
