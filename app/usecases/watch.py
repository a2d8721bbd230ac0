"""Whether what is shown may have become old, asked so cheaply that it can be asked all the time."""

from .session import Session


def state_of(session: Session) -> str:
    """A short text that differs after every change of the registry; empty where nobody can tell."""
    changed = getattr(session.registry, "changed", None)
    return str(changed()) if changed is not None else ""


def forget(session: Session) -> None:
    """Have the next question asked of the server, whatever is remembered of its answers."""
    found = getattr(session.registry, "forget", None)
    if found is not None:
        found()
