"""The work that is done under a fault, and what became of it in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import RunQuery
from tests.faults.place import SECRET, Place
from tests.servers.proxy import Exchange, Request

Switch = Callable[[], None]
FIRST, NEXT = 20, 30
BEFORE, WANTED, AFTER = 2, 1, 3
RUNS = RunQuery(experiments=["bulk 0"])
READS_OF_A_WRITE = 2  # where the alias is, and that the version is not deleted


async def tried(work: Awaitable[Any]) -> tuple[str, Any]:
    """`ok` and what came, or the exit code and the error."""
    try:
        return "ok", await work
    except ModeldeckError as error:
        found = error
    assert found.what
    assert SECRET not in repr(found) + str(found)
    return f"exit {found.exit_code}", found


def told(word: str, found: Any) -> str:
    """With what a list says itself of what was odd."""
    odd = word == "ok" and any("breaks off" in n or "twice" in n for n in found.notes)
    return "ok, noted" if odd else word


async def runs(place: Place, begin: Switch, end: Switch) -> tuple[str, Any]:
    """The first page of a list of runs, and again when the fault is over."""
    begin()
    word, found = await tried(place.registry.runs(RUNS, FIRST))
    end()
    again = await place.registry.runs(RUNS, FIRST)
    assert len(again.first) == FIRST
    if word == "ok":
        # A server that gives less at once is not waited for; what it gave is the beginning.
        ids = [run.id for run in await found.page(0, FIRST)]
        assert ids == [run.id for run in again.first]
        assert found.first
        assert [run.id for run in found.first] == ids[: len(found.first)]
        return told(word, found), found
    return word, found


async def page(place: Place, begin: Switch, end: Switch) -> tuple[str, Any]:
    """The next rows of a list that was opened before."""
    window = await place.registry.runs(RUNS, FIRST)
    begin()
    word, found = await tried(window.page(FIRST, NEXT))
    end()
    whole = await (await place.registry.runs(RUNS, FIRST)).page(FIRST, NEXT)
    assert len(whole) == NEXT
    kept = await window.page(0, FIRST)
    assert [run.id for run in kept] == [run.id for run in window.first]
    word = told(word, window)
    if word == "ok":
        assert [run.id for run in found] == [run.id for run in whole]
    elif word == "ok, noted":
        rows = [*kept, *found]
        assert len({run.id for run in rows}) == len(rows)
    else:
        # A window that failed goes on where it was.
        rows = await window.page(FIRST, NEXT)
        assert [run.id for run in rows] == [run.id for run in whole]
    return word, found


async def models(place: Place, begin: Switch, end: Switch) -> tuple[str, Any]:
    """The list of models."""
    begin()
    word, found = await tried(place.registry.models())
    end()
    again = await place.registry.models()
    if word == "ok":
        assert found.count == again.count
        assert [model.name for model in found.first] == [model.name for model in again.first]
        return told(word, found), found
    return word, found


def writes(model: str) -> Callable[[Place, Switch, Switch], Awaitable[tuple[str, Any]]]:
    """Moving an alias; the fault begins when all is read that is read before."""

    async def write(place: Place, begin: Switch, end: Switch) -> tuple[str, Any]:
        plan = await plan_set(place.session, model, "champion", WANTED, reason="a test")
        reads = 0

        async def count(exchange: Exchange) -> None:
            nonlocal reads
            answer = await exchange.ask()
            reads += 1
            if reads == READS_OF_A_WRITE:
                begin()
            await exchange.answer(answer)

        # Beside them it asks what server this is, whenever it comes to that.
        place.proxy.meet(count, lambda one: one.path != "/version", times=READS_OF_A_WRITE)
        word, found = await tried(apply_plan(place.session, plan))
        assert reads == READS_OF_A_WRITE
        end()
        phase = truthful(await place.trail(), place.alias(model))
        # And it goes on from there, wherever that is.
        await place.registry.reconcile()
        assert not await place.registry.records.opened()
        plan = await plan_set(place.session, model, "champion", AFTER, reason="the fault is over")
        await apply_plan(place.session, plan)
        assert place.alias(model) == AFTER
        return (f"{word}, {phase}" if word != "ok" else phase), found

    return write


def truthful(trail: list[Event], truth: int) -> str:
    """The phase that the trail gives the one change, which agrees with where the alias is."""
    intent, *rest = [event for event in trail if event.action == "alias.set"]
    assert intent.phase == "intent"
    (outcome,) = [event for event in rest if event.caused_by == intent.seq]
    if outcome.phase == "done":
        assert truth == WANTED
    elif outcome.phase == "failed":
        assert truth == BEFORE
    else:
        assert outcome.phase == "unknown"
    return outcome.phase


def once_each(requests: list[Request]) -> None:
    """Nothing that changes something came twice, unless it was refused and says now who we are."""
    counts = Counter((r.method, r.target, r.body, r.header("authorization")) for r in requests)
    assert all(count == 1 for count in counts.values()), counts
