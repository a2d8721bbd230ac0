"""What hangs on a run or a version: what would stay behind, or lose its sense, without it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.query import Compare, Field
from modeldeck.backends.api.runs import Fields, Run

from .approvals import gated_aliases
from .attest import words_about
from .breaking import alike
from .runs import find_run, list_runs
from .session import Session
from .versions import find_version

MOST = 1000
"""So many children of a run are told one by one."""


class Hanging(Struct, frozen=True, kw_only=True):
    """One thing that hangs on another. `what` says how; without an `address` it has no screen."""

    kind: str
    name: str
    what: str
    address: str = ""
    time: datetime | None = None
    id: str = ""


async def hanging_on(session: Session, ref: str) -> Sequence[Hanging]:
    """What hangs on the run or the version of that address, what a change would touch first."""
    found = address.parse_address(ref)
    if found.noun == "runs":
        return await _on_run(session, found.name)
    return await _on_version(session, await find_version(session, ref))


async def _on_run(session: Session, ref: str) -> Sequence[Hanging]:
    run = await find_run(session, ref)
    made = await all_of(await session.registry.versions(None, Compare(Field("run"), "=", run.id)))
    children: Sequence[Run] = ()
    if run.children:
        fields = Fields(metrics=(), params=(), tags=())
        children = (await list_runs(session, parent=run.id, fields=fields, first=MOST)).first
    return [
        *(_version(one, "made from it") for one in made),
        *(
            Hanging(
                kind="run",
                name=one.name or one.id,
                what=f"its child, {one.status.value}",
                address=address.run(one.id),
                time=one.started_at,
                id=one.id,
            )
            for one in children
        ),
    ]


async def _on_version(session: Session, version: Version) -> Sequence[Hanging]:
    place = address.version(version.model, version.version)
    model = await session.registry.model(version.model)
    gated = gated_aliases(session.policy, model)
    others = await alike(session, [version])
    words = await words_about(session, place) if session.statements is not None else ()
    return [
        *(
            Hanging(
                kind="alias",
                name=f"{version.model}@{name}",
                what="points at it" + (", behind a gate" if name in gated else ""),
                address=address.alias(version.model, name),
            )
            for name in version.aliases
        ),
        *(_version(one, "has the same content") for one in others.get(version.digest or "", ())),
        *(
            Hanging(
                kind=word.kind,
                name=f"for {word.target}" if word.target else word.person,
                what=word.trouble or f"signed by {word.person}",
                time=word.time,
                id=word.id,
            )
            for word in words
        ),
    ]


def _version(version: Version, what: str) -> Hanging:
    aliases = "".join(f" @{name}" for name in version.aliases)
    return Hanging(
        kind="version",
        name=f"{version.model} {version.version}{aliases}",
        what=what,
        address=address.version(version.model, version.version),
        time=version.created_at,
        id=version.digest or "",
    )
