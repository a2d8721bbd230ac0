"""What deleting runs, versions and models would break, and what stands against it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.locks import locked_error
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.query import Field, In
from modeldeck.backends.api.runs import Run, Shelf, Status

from .locks import is_locked, lock_words
from .session import Session
from .versions import version_name

SHOWN = 20
"""So many lines of a kind are told one by one."""
_ASKED = 500


class Broken(NamedTuple):
    """By address: what deleting each would break, worst first, and why some may not be."""

    effects: Mapping[str, Sequence[str]]
    refused: Mapping[str, RefusedError]


async def made_from(session: Session, ids: Sequence[str]) -> Mapping[str, Sequence[Version]]:
    """The versions, deleted ones too, that came from these runs, by run id."""
    wanted = set(ids)
    if len(ids) > _ASKED and not session.remote:
        found = await all_of(await session.registry.versions(None, shelf=Shelf.ALL))
    else:
        found = []
        for start in range(0, len(ids), _ASKED):
            where = In(Field("run"), list(ids[start : start + _ASKED]))
            window = await session.registry.versions(None, where, shelf=Shelf.ALL)
            found += await all_of(window)
    made: dict[str, list[Version]] = {}
    for version in found:
        if version.run_id in wanted:
            made.setdefault(version.run_id or "", []).append(version)
    return made


async def broken_by_runs(session: Session, runs: Sequence[Run]) -> Broken:
    """Versions that came from them, who is running, whose children stay alone."""
    going = {run.id: run for run in runs if run.deleted_at is None}
    made = await made_from(session, list(going))
    effects, refused = {}, {}
    for run in going.values():
        name, place = run.name or run.id, address.run(run.id)
        versions = made.get(run.id, ())
        locked = next((one for one in versions if is_locked(one)), None)
        if locked is not None:
            what = f"it made {version_name(locked)}, which is locked"
            refused[place] = locked_error(f"run {name}", lock_words(locked), what)
        used = sorted(
            (one for one in versions if one.deleted_at is None), key=lambda one: not one.aliases
        )
        said = [
            f"{one.model} {one.version}{_named(one)} came from {name} and stays" for one in used
        ]
        if run.status == Status.RUNNING:
            said.append(f"{name} is running, and goes on")
        if run.children:
            said.append(f"{name}: its {run.children} children stay, without it")
        effects[place] = said
    return Broken(effects, refused)


async def broken_by_versions(session: Session, versions: Sequence[Version]) -> Broken:
    """Others of the same content stay; RefusedError for what is locked or an alias points at."""
    going = [one for one in versions if one.deleted_at is None]
    places = {address.version(one.model, one.version): one for one in going}
    refused = {place: why for place, one in places.items() if (why := _held(one)) is not None}
    same = await alike(session, [one for place, one in places.items() if place not in refused])
    effects = {
        place: [
            f"{version_name(other)}{_named(other)} has the content of {version_name(one)} and stays"
            for other in same.get(one.digest or "", ())
            if version_name(other) != version_name(one)
        ]
        for place, one in places.items()
    }
    return Broken(effects, refused)


async def alike(session: Session, versions: Sequence[Version]) -> Mapping[str, Sequence[Version]]:
    """The versions in use of the content of each of these, by digest; those themselves left out."""
    digests = {one.digest for one in versions if one.digest}
    if not digests or session.remote:
        # A server knows no digests of contents.
        return {}
    going = {version_name(one) for one in versions}
    found: dict[str, list[Version]] = {}
    for one in await all_of(await session.registry.versions(None)):
        if one.digest in digests and version_name(one) not in going:
            found.setdefault(one.digest or "", []).append(one)
    return found


def _held(version: Version) -> RefusedError | None:
    where = f"version {version_name(version)}"
    if version.aliases:
        words = ", ".join(f"{version.model}@{alias}" for alias in version.aliases)
        return RefusedError(
            f"{words} point{'s' * (len(version.aliases) == 1)} at it",
            where=where,
            way_out=f"`modeldeck alias set {version.model} {version.aliases[0]} VERSION` moves"
            f" it, `modeldeck alias rm {version.model} {version.aliases[0]}` removes it",
        )
    return locked_error(where, lock_words(version)) if is_locked(version) else None


async def broken_by_models(
    session: Session, models: Sequence[Model], *, with_aliases: bool = False
) -> Broken:
    """Who reads their aliases, their versions; RefusedError for aliases and locked versions."""
    effects, refused = {}, {}
    for model in models:
        if model.deleted_at is not None:
            continue
        place, where = address.model(model.name), f"model {model.name}"
        versions = await all_of(await session.registry.versions(model.name, shelf=Shelf.ALL))
        locked = next((one for one in versions if is_locked(one)), None)
        words = ", ".join(f"{model.name}@{alias}" for alias in model.aliases)
        if locked is not None:
            what = f"its version {locked.version} is locked"
            refused[place] = locked_error(where, lock_words(locked), what)
        elif model.aliases and not with_aliases:
            refused[place] = RefusedError(
                f"{words} point{'s' * (len(model.aliases) == 1)} at its versions",
                where=where,
                way_out="`modeldeck models rm --with-aliases` removes them in the same plan",
            )
        numbers = sorted(one.version for one in versions if one.deleted_at is None)
        said = [
            f"{model.name}@{alias} is version {number}; who reads it finds nothing from now on"
            for alias, number in model.aliases.items()
        ]
        if numbers:
            count = f"{len(numbers):,} version{'s' * (len(numbers) != 1)}"
            said.append(f"{count} of {model.name} go with it: {_numbers(numbers)}")
        effects[place] = said
    return Broken(effects, refused)


def _named(version: Version) -> str:
    return f" ({', '.join(f'@{alias}' for alias in version.aliases)})" if version.aliases else ""


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN]))
    return f"{shown} and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else shown


def shortened(lines: Iterable[str], most: int = SHOWN) -> list[str]:
    """At most so many lines, and how many more there are."""
    every = list(lines)
    more = [f"and {len(every) - most:,} more"] if len(every) > most else []
    return [*every[:most], *more]
