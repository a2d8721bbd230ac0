"""Models and their versions: listing, and a model with all that belongs to it."""

from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.lists import Window, all_of
from modeldeck.backends.api.models import Alias, Model, Version
from modeldeck.backends.api.query import MODELS, VERSIONS
from modeldeck.backends.api.runs import Shelf

from .session import Session
from .words import filter_of, sort_of


class ModelDetail(Struct, frozen=True, kw_only=True):
    """A model, its versions (deleted ones too) from the newest on, its aliases."""

    model: Model
    versions: Sequence[Version]
    aliases: Sequence[Alias]


async def list_models(
    session: Session, *, where: str = "", sort: str = "", shelf: Shelf = Shelf.ACTIVE
) -> Window[Model]:
    """Models that fit the filter text, in the order of the sort text; by name without one."""
    return await session.registry.models(
        filter_of(session, where, MODELS), sort_of(sort, MODELS), shelf
    )


async def list_versions(
    session: Session,
    model: str | None = None,
    *,
    where: str = "",
    sort: str = "",
    shelf: Shelf = Shelf.ACTIVE,
) -> Window[Version]:
    """Versions of one model or of all; newest first. NotFoundError when there is no such model."""
    found = await session.registry.versions(
        model, filter_of(session, where, VERSIONS), sort_of(sort, VERSIONS), shelf
    )
    if model is not None and not found.first:
        await session.registry.model(model)
    return found


async def describe_model(session: Session, name: str) -> ModelDetail:
    """Everything that is known of a model."""
    model = await session.registry.model(name)
    return ModelDetail(
        model=model,
        versions=await all_of(await session.registry.versions(name, shelf=Shelf.ALL)),
        aliases=await session.registry.aliases(name),
    )


async def find_models(session: Session, refs: Sequence[str]) -> Sequence[Model]:
    """The models of these names or addresses, each once, in this order."""
    found = [await find_model(session, ref) for ref in refs]
    return list({model.name: model for model in found}.values())


async def find_model(session: Session, ref: str) -> Model:
    """The model of a name or an address."""
    try:
        return await session.registry.model(ref)
    except NotFoundError:
        if not ref.startswith("models/"):
            raise
        return await session.registry.model(parse_address(ref).name)
