"""Runs: listing and finding."""

import re
from collections.abc import Iterable, Sequence

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.lists import PIECE, RunQuery, Window, all_of
from modeldeck.backends.api.query import RUNS, Field, In
from modeldeck.backends.api.runs import SYSTEM, Fields, Run, Shelf

from .session import Session
from .words import filter_of, sort_of

SINGLY = 8
"""So many runs are looked for one by one."""


def natural(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """To order names as people do: `m2` before `m10`, those with a prefix after those without."""
    parts = re.split(r"(\d{1,18})", name)
    return "/" in name, [(int(p), "") if at % 2 else (0, p) for at, p in enumerate(parts)]


def metrics_in_order(names: Iterable[str], directions: Iterable[str]) -> list[str]:
    """What a person looks at first: metrics that the project declares, then those of no prefix.

    Figures of the machine are for charts.
    """
    plain = sorted((name for name in names if not name.startswith(SYSTEM)), key=natural)
    declared = [name for name in directions if name in plain]
    return list(dict.fromkeys([*declared, *plain]))


def metric_title(name: str, direction: str | None) -> str:
    """A metric's name, with a sign where it is known which way is better: `auc+`, `loss-`."""
    return name + {"higher": "+", "lower": "-"}.get(direction or "", "")


async def run_query(
    session: Session,
    *,
    experiments: Sequence[str] | None = None,
    where: str = "",
    sort: str = "",
    shelf: Shelf = Shelf.ACTIVE,
    parent: str | None = None,
    top: bool = False,
    fields: Fields | None = None,
) -> RunQuery:
    """Runs that fit the filter text, in the order of the sort text; newest first without one.

    `experiments` are names or ids; NotFoundError when there is no such experiment.
    """
    names = None
    if experiments is not None:
        names = [(await session.registry.experiment(ref)).name for ref in experiments]
    return RunQuery(
        experiments=names,
        where=filter_of(session, where, RUNS),
        sort=sort_of(sort, RUNS),
        shelf=shelf,
        parent=parent,
        top=top,
        fields=fields or Fields(),
    )


async def list_runs(
    session: Session,
    *,
    experiments: Sequence[str] | None = None,
    where: str = "",
    sort: str = "",
    shelf: Shelf = Shelf.ACTIVE,
    parent: str | None = None,
    top: bool = False,
    fields: Fields | None = None,
    first: int = 100,
) -> Window[Run]:
    """The runs that `run_query` asks for."""
    query = await run_query(
        session,
        experiments=experiments,
        where=where,
        sort=sort,
        shelf=shelf,
        parent=parent,
        top=top,
        fields=fields,
    )
    return await session.registry.runs(query, first)


async def find_run(session: Session, ref: str) -> Run:
    """The run of an id, a unique beginning of one, a name that only it has, or an address."""
    if ref.startswith("runs/") and ref.count("/") == 1:
        ref = parse_address(ref).name
    return await session.registry.run(ref)


async def find_runs(
    session: Session, refs: Sequence[str], fields: Fields | None = None
) -> Sequence[Run]:
    """The runs that `refs` name, each once, in this order; with `fields` alone where many are."""
    known: dict[str, Run] = {}
    if len(refs) > SINGLY:
        ids = [ref.removeprefix("runs/") for ref in refs]
        for start in range(0, len(ids), PIECE):
            query = RunQuery(
                where=In(Field("id"), ids[start : start + PIECE]),
                shelf=Shelf.ALL,
                fields=fields or Fields(),
            )
            found = await all_of(await session.registry.runs(query, PIECE))
            known |= {run.id: run for run in found}
    runs = [known.get(ref.removeprefix("runs/")) or await find_run(session, ref) for ref in refs]
    return list({run.id: run for run in runs}.values())
