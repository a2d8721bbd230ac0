"""What is left of a defect: one line for the person, a report without values for the developer.

No local value is in it; what a message holds of secrets that are known is masked.
"""

import os
import time
import traceback
from pathlib import Path

from modeldeck.app.config.paths import state_folder
from modeldeck.app.config.redaction import redact
from modeldeck.widgets.text import one_line, show_lines

KEPT = 20


def write_report(error: BaseException) -> Path | None:
    """Write where it happened, without local values; None when that cannot be written."""
    folder = state_folder() / "crashes"
    trace = traceback.TracebackException.from_exception(error, capture_locals=False)
    whole = redact("".join(trace.format()).rstrip("\n"))
    text = "\n".join(show_lines(whole))
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text + "\n")
        for old in sorted(folder.glob("*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path


def last_words(error: BaseException) -> str:
    """One line to end with, which names the report."""
    path = write_report(error)
    where = f"; where it happened is in {path}" if path else ""
    return one_line(f"modeldeck: a defect ended the console: {type(error).__name__}{where}")
