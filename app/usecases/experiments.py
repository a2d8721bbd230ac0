"""Experiments: listing."""

from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EXPERIMENTS
from modeldeck.backends.api.runs import Experiment, Shelf

from .session import Session
from .words import filter_of, sort_of


async def list_experiments(
    session: Session, *, where: str = "", sort: str = "", shelf: Shelf = Shelf.ACTIVE
) -> Window[Experiment]:
    """Experiments that fit the filter text, in the order of the sort text; newest first."""
    return await session.registry.experiments(
        filter_of(session, where, EXPERIMENTS), sort_of(sort, EXPERIMENTS), shelf
    )
