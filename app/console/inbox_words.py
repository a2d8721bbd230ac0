"""What waits for a person, as words and rows for the overview and the inbox. Pure."""

from datetime import datetime

from modeldeck.app.usecases.asked import Request, Waiting

from .words import length

KINDS = {
    "wrong": ("WRONG", "bad"),
    "due": ("DUE", "warn"),
    "decide": ("APPROVE", "accent"),
    "conflict": ("CONFLICT", "warn"),
    "void": ("VOID", "warn"),
    "decided": ("DECIDED", ""),
}
STATES = {
    "wait": "warn",
    "approved": "ok",
    "refused": "bad",
    "withdrawn": "dim",
    "expired": "dim",
    "void": "dim",
}


def state_words(item: Request) -> str:
    """`wait 1 of 2`, `REFUSED`, `void`."""
    if item.state in ("wait", "approved"):
        return f"{item.state} {len(item.approved)} of {item.needed}"
    return "REFUSED" if item.state == "refused" else item.state


def until_words(item: Waiting, now: datetime) -> str:
    """`due in 3d`, `OVERDUE by 2d`, `lapses in 11d`."""
    if item.until is None:
        return ""
    left = item.until - now
    if item.kind in ("due", "wrong"):
        late = left.total_seconds() <= 0
        return f"OVERDUE by {length(-left)}" if late else f"due in {length(left)}"
    return f"lapses in {length(left)}" if item.kind == "decide" else ""
