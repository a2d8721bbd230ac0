"""What copying versions would do."""

from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ConflictError, NotFoundError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.protocols import Trash
from modeldeck.backends.api.receiving import Arrival
from modeldeck.backends.api.runs import Shelf

from .copying_sides import arrivals, origin_of, receiver_of
from .copying_what import Wanted
from .register import size_words
from .session import Session
from .versions import version_name


class MovingVersions(Struct, frozen=True, kw_only=True):
    """What copying versions means: `numbers` here by number there, as text."""

    name: str
    numbers: dict[str, int]
    here: Sequence[int]
    changes: Sequence[Change]
    effects: Sequence[str]

    @classmethod
    async def looked_at(
        cls, source: Session, target: Session, wanted: Wanted, name: str
    ) -> "MovingVersions":
        receiver = receiver_of(target)
        places = {address.version(v.model, v.version): v for v in wanted.versions}
        known = await arrivals(
            target, source, {w: origin_of(source.registry, v, w) for w, v in places.items()}
        )
        there = await _versions_of(target, name)
        taken = {version.version for version in there}
        if isinstance(target.registry, Trash):
            taken.update(await target.registry.purged(name))
        same = {version.digest: version.version for version in there if version.digest}
        numbers: dict[str, int] = {}
        changes, effects = [], []
        for where, version in places.items():
            origin, arrival = known[where]
            if arrival is not None:
                _compare(version, arrival)
                effects.append(f"{version_name(version)} is there already: {arrival.address}")
                continue
            number = receiver.number_for(version.version, taken)
            taken.add(number)
            numbers[str(version.version)] = number
            files = await source.registry.artifacts(where)
            size = version.size or sum(file.size or 0 for file in files)
            after = {
                "digest": version.digest,
                "size": size,
                "format": version.format,
                "files": len(files),
                "run_id": version.run_id,
                "origin": str(origin),
            }
            changes.append(Change(address.version(name, number), "content", None, after))
            effects.append(_told(version, len(files), number, name, size))
            if version.digest in same:
                effects.append(f"its content is that of version {same[version.digest]} there")
        if changes and not there:
            effects.append(f"the model {name} is made, with its note and tags")
        aliases = sorted({f"@{alias}" for v in wanted.versions for alias in v.aliases})
        if aliases and changes:
            effects.append(f"what points at them here stays here: {', '.join(aliases)}")
        return cls(
            name=name,
            numbers=numbers,
            here=list(numbers.values()),
            changes=changes,
            effects=effects,
        )


async def _versions_of(session: Session, model: str) -> Sequence[Version]:
    """All versions of a model; none of one that is not there."""
    try:
        return await all_of(await session.registry.versions(model, shelf=Shelf.ALL))
    except NotFoundError:
        return ()


def _told(version: Version, files: int, number: int, name: str, size: int) -> str:
    becomes = "" if number == version.version and name == version.model else f" as {name}/{number}"
    many = f"{files} file{'' if files == 1 else 's'}"
    return f"{version_name(version)}{becomes}: {version.format}, {many}, {size_words(size)}"


def _compare(version: Version, arrival: Arrival) -> None:
    if version.digest and arrival.stamp and version.digest != arrival.stamp:
        raise ConflictError(
            f"is {version.digest[:19]} here and {arrival.stamp[:19]} there",
            where=f"{version_name(version)}, {arrival.address}",
            way_out="One of them was changed behind the back of its registry",
        )
