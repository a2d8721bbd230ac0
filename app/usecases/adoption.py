"""Runs that lost their recorder, taken care of by whoever opens the registry next."""

from collections.abc import Sequence

from modeldeck.app.recorder.adopt import Adoption
from modeldeck.app.recorder.home import Home

from .session import Session


def adoption(session: Session) -> Adoption | None:
    """What follows such runs while the session is open; None where nothing may be changed.

    `await adoption.settle()` now and then: it costs a look into one folder when there are none.
    """
    registry = session.registry
    if session.readonly or not isinstance(registry, Home):
        return None
    return Adoption(registry, session.actor, session.context)


async def settle(session: Session) -> Sequence[str]:
    """Follow and close such runs once; gives the ids of those closed."""
    found = adoption(session)
    return () if found is None else await found.settle()
