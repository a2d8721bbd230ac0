"""A version beside the one that it would replace, with where it came from and what became of it."""

import re
from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.address import alias as alias_address
from modeldeck.backends.api.address import model as model_address
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.query import Compare, Field
from modeldeck.backends.api.runs import Dataset, Run, Shelf

from .audit import list_events
from .permission import Permission, asks
from .runs import list_runs
from .session import Session
from .versions import VersionDetail, describe_version

CHAMPION = "champion"
SHOWN = 200


class Other(Struct, frozen=True, kw_only=True):
    """The version that another is looked at beside; `name` says why this one, as `champion`."""

    name: str
    detail: VersionDetail
    datasets: Sequence[Dataset] = ()


class Beside(Struct, frozen=True, kw_only=True):
    """A version, its model, and what surrounds it.

    `siblings` are other versions from the same run; `events` those on it and on the aliases of
    its model, newest first. `gated` is the alias that a gate
    stands before, which `permission` says more of: that is asked for by itself.
    """

    detail: VersionDetail
    model: Model
    other: Other | None = None
    datasets: Sequence[Dataset] = ()
    above: Run | None = None
    children: Sequence[Run] = ()
    siblings: Sequence[Version] = ()
    events: Sequence[Event] = ()
    gated: str = ""
    permission: Permission | None = None


async def look_beside(
    session: Session, model: str, number: int | None, *, alias: str | None = None
) -> Beside:
    """The version of that number, or the one that `alias` points at; the latest without either."""
    registry = session.registry
    found = await registry.model(model)
    if number is None and alias is None:
        if found.latest is None:
            raise NotFoundError(f"model {model!r} has no version")
        number = found.latest
    ref = address(model, number) if number is not None else alias_address(model, alias or "")
    detail = await describe_version(session, ref)
    run = detail.run
    return Beside(
        detail=detail,
        model=found,
        other=await _other(session, found, detail.version),
        datasets=await registry.datasets(run.id) if run else (),
        above=await _run(session, run.parent_id) if run and run.parent_id else None,
        children=(await list_runs(session, parent=run.id)).first if run and run.children else (),
        siblings=await _siblings(session, detail.version) if run else (),
        events=await _events(session, detail.version),
        gated=asks(session, found, detail.version.version),
    )


def beside_which(model: Model, number: int) -> tuple[str, int] | None:
    """Which version to look at `number` beside: the champion, else what another alias points at.

    None when no alias points at another one.
    """
    names = sorted(model.aliases, key=lambda name: (name != CHAMPION, name))
    return next(
        ((name, model.aliases[name]) for name in names if model.aliases[name] != number), None
    )


async def _other(session: Session, model: Model, version: Version) -> Other | None:
    which = beside_which(model, version.version)
    name, number = which or ("previous", version.version - 1)
    try:
        detail = await describe_version(session, address(model.name, number))
    except NotFoundError:
        return None
    datasets = await session.registry.datasets(detail.run.id) if detail.run else ()
    return Other(name=name, detail=detail, datasets=datasets)


async def _run(session: Session, ref: str) -> Run | None:
    try:
        return await session.registry.run(ref)
    except NotFoundError:
        return None


async def _siblings(session: Session, version: Version) -> Sequence[Version]:
    where = Compare(Field("run"), "=", version.run_id or "")
    window = await session.registry.versions(None, where, (), Shelf.ACTIVE)
    own = (version.model, version.version)
    return [one for one in window.first if (one.model, one.version) != own]


async def _events(session: Session, version: Version) -> Sequence[Event]:
    subject = re.escape(model_address(version.model)).replace("\\", "\\\\").replace('"', '\\"')
    # An intent is told by its outcome; one that has none is told by the overview.
    where = f'subject ~ "^{subject}(/{version.version}$|@)" and phase != intent'
    return (await list_events(session, where=where, first=SHOWN)).first
