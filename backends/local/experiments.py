"""Experiments in registry.db."""

from collections.abc import Sequence

from ..api.errors import NotFoundError
from ..api.runs import Experiment, Shelf
from ..api.times import maybe_time
from .database import Connection

_ROWS = """
SELECT e.id, e.uid, e.name, e.created_at, e.updated_at, e.deleted_at, e.note,
    (SELECT uri FROM origin o WHERE o.id = e.origin_id),
    (SELECT count(*) FROM run r WHERE r.experiment_id = e.id AND r.deleted_at IS NULL)
FROM experiment e
"""
ON_SHELF = {
    Shelf.ACTIVE: "e.deleted_at IS NULL",
    Shelf.DELETED: "e.deleted_at IS NOT NULL",
    Shelf.ALL: "1",
}


def all_experiments(connection: Connection, shelf: Shelf) -> Sequence[Experiment]:
    """The experiments on a shelf, newest first."""
    tags: dict[int, dict[str, str]] = {}
    for owner, name, value in connection.execute("SELECT * FROM experiment_tag"):
        tags.setdefault(owner, {})[name] = value
    rows = connection.execute(f"{_ROWS} WHERE {ON_SHELF[shelf]} ORDER BY e.id DESC")
    return [
        Experiment(
            id=row[1],
            name=row[2],
            created_at=maybe_time(row[3]),
            updated_at=maybe_time(row[4]),
            deleted_at=maybe_time(row[5]),
            note=row[6],
            tags=tags.get(row[0], {}),
            origin=row[7],
            runs=row[8],
        )
        for row in rows
    ]


def find_experiment(connection: Connection, ref: str) -> Experiment:
    """The one experiment of that id or name; an active one before a deleted one."""
    found = all_experiments(connection, Shelf.ALL)
    named = [e for e in found if e.id == ref] or [e for e in found if e.name == ref]
    active = [e for e in named if e.deleted_at is None] or named
    if len(active) == 1:
        return active[0]
    if active:
        ids = ", ".join(e.id for e in active)
        raise NotFoundError(
            f"{len(active)} experiments are called {ref!r}", way_out=f"Name one by id: {ids}"
        )
    raise NotFoundError(
        f"no experiment {ref!r}",
        way_out=f"{near(ref, [e.name for e in found])}`modeldeck experiments ls` lists them",
    )


def near(wanted: str, names: Sequence[str]) -> str:
    """A hint at names that resemble what was wanted; empty when none does."""
    from difflib import get_close_matches

    found = get_close_matches(wanted[:200], [name[:200] for name in names], 3)
    return f"Near it: {', '.join(found)}. " if found else ""
