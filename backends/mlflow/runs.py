"""Runs of a server: lists of them, and one at a time."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import structs

from ..api.ages import asked_at
from ..api.errors import NotFoundError, UnreachableError
from ..api.evaluate import matches
from ..api.lists import ListWindow, RunQuery
from ..api.order import run_fields
from ..api.query import Field
from ..api.runs import Experiment, Fields, Keys, Run, Shelf
from ..api.said import said
from ..mlflow_words import DELETED, PARENT
from . import grammar, mapping, search, wire
from .client import Client, grouped
from .kept import Kept
from .names import Names
from .windows import Fetched, RemoteWindow

T = TypeVar("T")
KEPT_RUNS = 300
ENDED_AGE, RUNNING_AGE = 30.0, 2.0
"""Seconds for which an opened run is taken for what it is."""
SPARE_AGE = 5.0
FIRST = 128
MOST_IDS = 500
_PATIENCE = 12
_SLOW = "MLflow may take minutes to sort many runs by a key: name an experiment, or filter"
_VIEWS = {Shelf.ACTIVE: "ACTIVE_ONLY", Shelf.DELETED: "DELETED_ONLY", Shelf.ALL: "ALL"}
_ID = re.compile(r"[0-9a-f]{32}")
_BEGINNING = re.compile(r"[0-9a-zA-Z-]{2,}")
_EXPERIMENT = Field("experiment")


class _Asked(NamedTuple):
    """One query of runs, in MLflow's words and ours."""

    query: RunQuery
    body: Mapping[str, Any]
    names: Mapping[str, str]
    now: datetime


class Runs:
    """The runs of one server."""

    def __init__(
        self,
        client: Client,
        names: Names,
        log: mapping.Trouble,
        clock: Callable[[], datetime],
        *,
        keep: bool,
    ) -> None:
        self._client = client
        self._names = names
        self._log = log
        self._clock = clock
        self._keep = keep
        # Sorting 20,000 runs by a metric takes MLflow on SQLite a minute, and a try that is given
        # up goes on there: such a question is asked once, and waited for.
        deadline = client.limits.deadline * _PATIENCE
        self._patient = structs.replace(client.limits, deadline=deadline, total=deadline, tries=1)
        self._opened: Kept[wire.Run] = Kept(KEPT_RUNS)
        self._spare: Kept[wire.RunsPage] = Kept(1)
        self._alive: Kept[bool] = Kept(50_000, even_old=True)
        self._keys: dict[str, tuple[set[str], set[str], set[str]]] = {}
        self._children: defaultdict[str, set[str]] = defaultdict(set)

    def forget(self, run_id: str = "") -> None:
        """Ask the server the next time: about one run, or about all."""
        if run_id:
            self._opened.pop(run_id)
        else:
            self._opened.clear()
        self._alive.clear()
        self._spare.clear()

    # Lists

    async def window(self, query: RunQuery, first: int) -> RemoteWindow[Run] | ListWindow[Run]:
        """The runs of a query.

        Experiments as they were last are asked with at once, and again where they have changed.
        """
        lately = _by_id(self._names.lately(query.experiments))
        if not lately:
            return await self._listed(query, await self._among(query.experiments), first)
        window, known = await asyncio.gather(
            self._listed(query, lately, first),
            self._among(query.experiments),
            return_exceptions=True,
        )
        if isinstance(known, BaseException):
            raise known
        if known != lately:
            return await self._listed(query, known, first)
        if isinstance(window, BaseException):
            raise window
        return window

    async def _listed(
        self, query: RunQuery, known: Mapping[str, str], first: int
    ) -> RemoteWindow[Run] | ListWindow[Run]:
        """The runs of a query among those experiments, names by id."""
        push = search.push(query.where)
        ids = [one for one, name in known.items() if push.experiments(name)]
        sorts = query.sort if len(ids) != 1 else [s for s in query.sort if s.field != _EXPERIMENT]
        order, notes = search.order(sorts)
        if not ids:
            return ListWindow[Run]((), ())
        asked = _Asked(
            query,
            {
                "experiment_ids": ids,
                "filter": _with_parent(push.filter, query.parent),
                "run_view_type": _VIEWS[query.shelf],
                "order_by": order,
            },
            known,
            self._clock(),
        )

        async def fetch(token: str | None, size: int) -> Fetched[Run]:
            page = self._spare.pop(_name(asked.body)) if token is None else None
            if page is None:
                page = await self._search(asked.body, size, token)
            if query.top and query.parent is None:
                await self._learn_parents(page.runs)
            rows = [item for item in page.runs if self._fits(item, asked)]
            runs = [
                _trimmed(mapping.run_of(item, asked.names, self._log), query.fields)
                for item in rows
            ]
            return Fetched(runs, [_id(item) for item in page.runs], page.next_page_token)

        def describe(looked: int, ended: bool) -> Sequence[str]:
            return [*_filter_notes(push, query, looked, ended), *notes]

        window = RemoteWindow(fetch, lambda run: run.id, describe, self._counted)
        await window.open(first)
        return window

    async def keys(self, query: RunQuery) -> Keys:
        """The keys of the runs that were seen; without any, of the newest ones."""
        # The list that mostly comes next looks whether they have changed.
        lately = _by_id(self._names.lately(query.experiments))
        known = lately or await self._among(query.experiments)
        if known and not any(one in self._keys for one in known):
            body = {
                "experiment_ids": list(known),
                "filter": "",
                "run_view_type": _VIEWS[Shelf.ACTIVE],
                "order_by": [search.NEWEST],
            }
            asked = asked_at(self._clock())
            page = await self._search(body, FIRST, None)
            if self._keep:
                # The list of the same runs mostly comes next.
                self._spare.put(_name(body), page, SPARE_AGE, asked)
        found: tuple[set[str], set[str], set[str]] = (set(), set(), set())
        for one in known:
            for mine, theirs in zip(found, self._keys.get(one, ((), (), ())), strict=True):
                mine.update(theirs)
        return Keys(metrics=sorted(found[0]), params=sorted(found[1]), tags=sorted(found[2]))

    async def _among(self, names: Sequence[str] | None) -> Mapping[str, str]:
        found = await (self._names.all() if names is None else self._names.named(names))
        return _by_id(found)

    async def _search(self, body: Mapping[str, Any], size: int, token: str | None) -> wire.RunsPage:
        slow = any("`" in column for column in body.get("order_by", ()))
        try:
            page = await self._client.search(
                "runs/search",
                wire.RunsPage,
                limits=self._patient if slow else None,
                **body,
                max_results=size,
                page_token=token,
            )
        except UnreachableError as error:
            if slow:
                error.way_out = f"{error.way_out}. {_SLOW}".lstrip(". ")
            raise
        for item in page.runs:
            self._note(item)
        return page

    def _note(self, item: wire.Run) -> None:
        """Remember what a run tells of others: keys, children, that it is there."""
        keys = self._keys.setdefault(item.info.experiment_id, (set(), set(), set()))
        keys[0].update(one.key for one in item.data.metrics)
        keys[1].update(one.key for one in item.data.params)
        keys[2].update(one.key for one in item.data.tags)
        gone = item.info.lifecycle_stage == DELETED
        self._alive.put(_id(item), not gone, RUNNING_AGE)
        if parent := _parent(item):
            siblings = self._children[parent]
            (siblings.discard if gone else siblings.add)(_id(item))

    def _fits(self, item: wire.Run, asked: _Asked) -> bool:
        query, parent = asked.query, _parent(item)
        if query.parent is not None and parent != query.parent:
            return False
        if query.parent is None and query.top and self._alive.get(parent):
            return False
        if query.where is None:
            return True
        run = mapping.run_of(item, asked.names, self._log)
        return matches(query.where, run_fields(run, mapping.datasets_of(item), asked.now))

    async def _learn_parents(self, items: Sequence[wire.Run]) -> None:
        """Whether the runs above these are there: one request for all that were not seen."""
        wanted = {parent for item in items if (parent := _parent(item))}
        unknown = [parent for parent in sorted(wanted) if self._alive.get(parent) is None]
        ids = list(await self._among(None)) if unknown else []
        for some in grouped(unknown, MOST_IDS):
            listed = grammar.texts([one for one in some if _BEGINNING.fullmatch(one)])
            for one in some:
                self._alive.put(one, False, RUNNING_AGE)
            if listed is not None:
                await self._search(
                    {
                        "experiment_ids": ids,
                        "filter": f"attributes.run_id IN {listed}",
                        "run_view_type": _VIEWS[Shelf.ALL],
                    },
                    len(some),
                    None,
                )

    def _counted(self, run: Run) -> Run:
        """The run with the number of those of its children that were seen."""
        children = len(self._children.get(run.id, ()))
        return structs.replace(run, children=children) if children != run.children else run

    # One run

    async def find(self, ref: str) -> Run:
        """The run of that id, of that name, or of that unique beginning of an id."""
        if _ID.fullmatch(ref):
            try:
                return await self.run(ref)
            except NotFoundError:
                pass
        by_name = grammar.text(ref)
        if ref and by_name is not None:
            found = await self._few(f"attributes.run_name = {by_name}")
            named = [run for run in found if run.name == ref]
            active = [run for run in named if run.deleted_at is None] or named
            if active:
                return _only(ref, active)
        if _BEGINNING.fullmatch(ref):
            found = await self._few(f"attributes.run_id LIKE '{ref}%'")
            if found:
                return _only(ref, found)
        raise NotFoundError(f"no run {ref!r}", way_out="`modeldeck runs ls` lists them")

    async def run(self, run_id: str) -> Run:
        """The run of that id."""
        item = await self.item(run_id)
        names = await self._names.by_id(item.info.experiment_id)
        return self._counted(mapping.run_of(item, names, self._log))

    async def item(self, run_id: str, *, fresh: bool = False) -> wire.Run:
        """The run of that id as the server tells it; an opened one is kept for a while."""
        found = None if fresh else self._opened.get(run_id)
        if found is None:
            asked = asked_at(self._clock())
            found = (await self._client.get("runs/get", wire.RunAnswer, run_id=run_id)).run
            self._keep_open(found, asked)
        return found

    def experiment_of(self, run_id: str) -> str:
        """The id of an opened run's experiment; empty for another one."""
        found = self._opened.get(run_id)
        return "" if found is None else found.info.experiment_id

    def _keep_open(self, item: wire.Run, asked: datetime) -> None:
        self._note(item)
        if self._keep:
            ended = item.info.status not in ("RUNNING", "SCHEDULED")
            self._opened.put(_id(item), item, ENDED_AGE if ended else RUNNING_AGE, asked)

    async def _few(self, text: str) -> Sequence[Run]:
        names = await self._among(None)
        body = {
            "experiment_ids": list(names),
            "filter": text,
            "run_view_type": _VIEWS[Shelf.ALL],
            "order_by": [search.NEWEST],
        }
        asked = asked_at(self._clock())
        page = await self._search(body, 10, None)
        for item in page.runs:
            self._keep_open(item, asked)
        return [self._counted(mapping.run_of(item, names, self._log)) for item in page.runs]


def _only(ref: str, found: Sequence[Run]) -> Run:
    if len(found) == 1:
        return found[0]
    some = ", ".join(run.id[:12] for run in found[:3])
    raise NotFoundError(f"{ref!r} is more than one run", way_out=f"Name one by id: {some} ...")


def _by_id(items: Sequence[Experiment]) -> dict[str, str]:
    return {one.id: one.name for one in items}


def _id(item: wire.Run) -> str:
    return item.info.run_id or item.info.run_uuid


def _parent(item: wire.Run) -> str:
    return next((tag.value or "" for tag in item.data.tags if tag.key == PARENT), "")


def _name(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(body, order="sorted")


def _with_parent(text: str, parent: str | None) -> str:
    quoted = None if parent is None else grammar.text(parent)
    parts = [text, f"tags.`{PARENT}` = {quoted}" if quoted else ""]
    return " AND ".join(filter(None, parts))


def _trimmed(run: Run, fields: Fields) -> Run:
    """The run with the keys that a list asked for."""
    if fields.metrics is None and fields.params is None and fields.tags is None:
        return run
    return structs.replace(
        run,
        metrics=_only_keys(run.metrics, fields.metrics),
        params=_only_keys(run.params, fields.params),
        tags=_only_keys(run.tags, fields.tags),
    )


def _only_keys(items: Mapping[str, T], keys: Sequence[str] | None) -> Mapping[str, T]:
    return items if keys is None else {key: items[key] for key in keys if key in items}


def _filter_notes(push: search.Push, query: RunQuery, looked: int, ended: bool) -> Sequence[str]:
    here = [said(term) for term in push.here]
    if query.parent is None and query.top:
        here.append("children left out")
    server = [said(term) for term in push.server]
    parts = [f"{', '.join(server)} by the server"] if server else []
    parts += [f"{', '.join(here)} here"] if here else []
    if not parts:
        return []
    of = f"{looked:,}" if ended else f"{looked:,} of ?"
    return [f"filter: {', '.join(parts)}; {of} runs looked at" if here else f"filter: {parts[0]}"]
