"""The audit trail: listing."""

from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EVENTS

from .session import Session
from .words import filter_of, sort_of


async def list_events(
    session: Session, *, where: str = "", sort: str = "", first: int = 100
) -> Window[Event]:
    """Events that fit the filter text; newest first unless sorted otherwise."""
    return await session.registry.events(
        filter_of(session, where, EVENTS), sort_of(sort, EVENTS), first
    )
