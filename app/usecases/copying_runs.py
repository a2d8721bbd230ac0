"""What copying runs would do."""

from collections.abc import Callable, Sequence
from itertools import count

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.receiving import Arrival
from modeldeck.backends.api.runs import Run, Status

from .copying_sides import Loaded, arrival_of, arrivals, load, receiver_of, together
from .register import size_words
from .session import Session

Look = Callable[[int], None]
"""Told how many runs were looked at."""


class MovingRuns(Struct, frozen=True, kw_only=True):
    """What copying runs means: `ids` there of those that are copied, `here` what they become."""

    ids: Sequence[str]
    here: Sequence[str]
    changes: Sequence[Change]
    effects: Sequence[str]

    @classmethod
    async def looked_at(
        cls, source: Session, target: Session, runs: Sequence[Run], experiment: str, look: Look
    ) -> "MovingRuns":
        looked = count(1)

        async def seen(run: Run) -> Loaded:
            found = await load(source.registry, run)
            look(next(looked))
            return found

        places = {address.run(one.run.id): one for one in await together(seen, runs)}
        known = await arrivals(target, source, {w: one.origin for w, one in places.items()})
        going = {w: one for w, one in places.items() if not whole(one, known[w][1])}
        changes = []
        for where, one in going.items():
            origin, arrival = known[where]
            after = {
                "name": one.run.name,
                "experiment": experiment or one.run.experiment,
                "points": one.points if one.counted else None,
                "files": len(one.files),
                "size": one.size,
                "stamp": one.stamp,
                "origin": str(origin),
            }
            before = {"stamp": arrival.stamp} if arrival else None
            changes.append(Change(arrival.address if arrival else where, "content", before, after))
        return cls(
            ids=[one.run.id for one in going.values()],
            here=[address.parse_address(one.subject).name for one in changes],
            changes=changes,
            effects=await _said(target, list(going.values()), len(places), experiment),
        )


def whole(one: Loaded, arrival: Arrival | None) -> bool:
    """Whether a run is there already as it is here, or was made there."""
    return arrival is not None and (arrival.own or arrival.stamp == one.stamp)


async def _said(
    target: Session, going: Sequence[Loaded], of: int, experiment: str
) -> Sequence[str]:
    if not of:
        return []
    points = sum(one.points for one in going)
    files = sum(len(one.files) for one in going)
    many = f"{points:,} points" if all(one.counted for one in going) else "all their points"
    size = size_words(sum(one.size for one in going))
    said = [f"{len(going)} of {of} runs: {many}, {files:,} files, {size}"]
    if of > len(going):
        said.append(f"{of - len(going)} are there already, as they are here")
    names = dict.fromkeys(experiment or one.run.experiment for one in going)
    known = {e.name for e in await all_of(await target.registry.experiments())}
    said += [f"the experiment {name} is made" for name in names if name not in known]
    said += [
        f"{one.run.name or one.run.id} is running: what it logs from now on stays behind"
        for one in going
        if one.run.status == Status.RUNNING
    ]
    return [*said, *receiver_of(target).losses] if going else said


async def left_behind(source: Session, target: Session, runs: Sequence[Run]) -> Sequence[str]:
    """The parents that do not come along and are not there, in words."""
    ids = {run.id for run in runs}
    said = []
    for run in runs:
        if not run.parent_id or run.parent_id in ids:
            continue
        if await arrival_of(target, source, run.parent_id) is None:
            said.append(f"{run.name or run.id}: its parent {run.parent_id} stays behind")
    return said
