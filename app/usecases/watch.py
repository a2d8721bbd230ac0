"""Whether what is shown may have become old, asked so cheaply that it can be asked all the time."""

from .session import Session


def state_of(session: Session) -> str:
    """A short text that differs after every change of the registry; empty where nobody can tell."""
    changed = getattr(session.registry, "changed", None)
    return str(changed()) if changed is not None else ""
