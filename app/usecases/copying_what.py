"""What a copy shall take: runs with their children, or versions of one model."""

from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.receiving import HOLDS
from modeldeck.backends.api.runs import Run, Shelf

from .plans import NAMED
from .register import check_name
from .runs import find_run
from .session import Session
from .versions import find_version, version_name


class Wanted(Struct, frozen=True, kw_only=True):
    """What shall be copied: runs, or versions of one model."""

    runs: Sequence[Run] = ()
    model: str = ""
    versions: Sequence[Version] = ()

    @property
    def words(self) -> Sequence[str]:
        """How a command line names it."""
        if self.model:
            return [version_name(version) for version in self.versions]
        ids = [run.id for run in self.runs]
        return ids if len(ids) <= NAMED else ["-"]


async def find_wanted(session: Session, what: Sequence[str]) -> Wanted:
    """What these words name; UsageError when it is more than one kind of thing."""
    runs: dict[str, Run] = {}
    versions: dict[str, Version] = {}
    for word in what:
        found = await _one(session, word)
        if isinstance(found, Run):
            runs[found.id] = found
        else:
            versions.update((version_name(version), version) for version in found)
    models = sorted({version.model for version in versions.values()})
    if len(models) + bool(runs) > 1:
        raise UsageError(
            "runs and versions of one model each are copied by themselves",
            where=", ".join([*models, *(["runs"] if runs else [])]),
            way_out="Give the command once for each",
        )
    if runs:
        return Wanted(runs=await _with_children(session, list(runs.values())))
    if not models:
        raise UsageError("nothing was named", way_out="Name runs, a model or MODEL/VERSION")
    return Wanted(model=models[0], versions=sorted(versions.values(), key=lambda one: one.version))


async def _one(session: Session, word: str) -> Run | Sequence[Version]:
    """What a word names: a run, or versions of a model."""
    if word.startswith("runs/"):
        return await find_run(session, word)
    if word.startswith("models/"):
        parts = address.parse_address(word)
        if parts.version is None and parts.alias is None:
            return await _all_versions(session, parts.name)
        return [await find_version(session, word)]
    try:
        return await find_run(session, word)
    except NotFoundError as error:
        missing = error
    try:
        return [await find_version(session, word)]
    except UsageError as error:
        if "/" in word or "@" in word:
            raise error from None
    try:
        return await _all_versions(session, word)
    except NotFoundError:
        raise NotFoundError(
            f"no run and no model {word!r}", where=session.context, way_out=missing.way_out
        ) from None


async def _all_versions(session: Session, model: str) -> Sequence[Version]:
    found = await session.registry.model(model)
    versions = await all_of(await session.registry.versions(found.name, shelf=Shelf.ACTIVE))
    if not versions:
        raise NotFoundError(f"model {model!r} has no version to copy", where=session.context)
    return versions


async def _with_children(session: Session, runs: Sequence[Run]) -> Sequence[Run]:
    """The runs, parents before children, with all that are below them."""
    found: dict[str, Run] = {}
    level = list(runs)
    while level:
        found.update((run.id, run) for run in level)
        below = []
        for run in level:
            window = await session.registry.runs(RunQuery(parent=run.id))
            below += [child for child in await all_of(window) if child.id not in found]
        level = below
    return by_depth(list(found.values()))


def by_depth(runs: Sequence[Run]) -> Sequence[Run]:
    """Parents before their children; a ring of parents stays as it is."""
    known = {run.id: run for run in runs}

    def depth(run: Run) -> int:
        steps, seen = 0, {run.id}
        while run.parent_id in known and run.parent_id not in seen:
            run = known[run.parent_id]
            seen.add(run.id)
            steps += 1
        return steps

    return sorted(runs, key=depth)


def check_wanted(wanted: Wanted, experiment: str, name: str, *, with_runs: bool) -> None:
    """Refuse what cannot be copied, and options that do not fit."""
    for run in wanted.runs:
        if run.deleted_at is not None:
            raise RefusedError("is deleted", where=address.run(run.id), way_out="Restore it first")
    for version in wanted.versions:
        if version.deleted_at is not None:
            where = address.version(version.model, version.version)
            raise RefusedError("is deleted", where=where, way_out="Restore it first")
    if wanted.runs and (name or with_runs):
        raise UsageError("--as and --with-runs are for models", way_out="Leave them out")
    if wanted.versions and experiment and not with_runs:
        raise UsageError("--experiment is for runs", way_out="Add --with-runs, or leave it out")
    if name:
        check_name(name)


async def runs_of(session: Session, versions: Sequence[Version]) -> Sequence[Run]:
    """The runs that versions came from, as far as they are there and not deleted."""
    found = {}
    for version in versions:
        if version.run_id and version.run_id not in found:
            try:
                run = await session.registry.run(version.run_id)
            except NotFoundError:
                continue
            if run.deleted_at is None and run.id == version.run_id and HOLDS not in run.tags:
                found[run.id] = run
    return by_depth(list(found.values()))
