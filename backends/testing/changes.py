"""What holds for changes: planned, compared and set, written down."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ..api import address
from ..api.errors import ConflictError, ModeldeckError, NotFoundError, RefusedError
from ..api.events import Event
from ..api.lists import RunQuery, all_of
from ..api.plan import Change
from ..api.protocols import Registry
from ..api.runs import Shelf
from ..api.times import rfc3339
from .maker import CONTEXT, ME, Given, Maker, events_of, is_server, now, plan, unique
from .suite import NEVER, Suite, change


@pytest.mark.asyncio
class ChangesContract(Suite):
    """What is supported is done as planned or not at all; the rest is refused with its reason."""

    async def subjects(self, maker: Maker) -> dict[str, str]:
        """The addresses of a run, an experiment, a model and a version of this test alone."""
        experiment = await maker.experiment(unique("changed"), tags={}, note="")
        run = await maker.run(experiment, Given(name="r"))
        name = unique("changed")
        await maker.model(name, versions=3, tags={}, note="")
        return {
            "experiment": address.experiment(experiment),
            "run": address.run(run),
            "model": address.model(name),
            "version": address.version(name, 1),
        }

    async def item(self, registry: Registry, subject: str) -> Any:
        """The noun of an address."""
        parts = address.parse_address(subject)
        if parts.version is not None:
            return await registry.version(parts.name, parts.version)
        read = {
            "runs": registry.run,
            "experiments": registry.experiment,
            "models": registry.model,
        }[parts.noun]
        return await read(parts.name)

    async def champion(self, registry: Registry, name: str) -> int | None:
        """Where the alias is, as every way to read it says."""
        found = (await registry.model(name)).aliases.get("champion")
        rows = {one.alias: one.version for one in await registry.aliases(name)}
        assert rows.get("champion") == found
        return found

    async def test_an_alias_is_set_moved_and_removed(
        self, registry: Registry, maker: Maker
    ) -> None:
        name = unique("moved")
        await maker.model(name, versions=3, tags={}, note="")
        subject = address.alias(name, "champion")
        steps = ((None, 1, "alias.set"), (1, 3, "alias.set"), (3, None, "alias.rm"))
        for number, (before, after, operation) in enumerate(steps, 1):
            one = Change(subject, "version", before, after)
            events = await change(registry, operation, one)
            if events is None:
                return
            assert await self.champion(registry, name) == after
            await self.written(registry, subject, number, events, one)

    async def written(
        self, registry: Registry, subject: str, number: int, events: Sequence[Event], one: Change
    ) -> None:
        """See that the trail has the change: on a server its intent, and its outcome after it."""
        [event] = events
        assert (event.phase, event.subject, event.actor) == ("done", subject, ME)
        assert (event.before, event.after) == ({one.field: one.before}, {one.field: one.after})
        assert event.reason == "the contract"
        trail = await events_of(registry, subject)
        assert trail[-1].seq == event.seq
        phases = ["intent", "done"] if is_server(registry) else ["done"]
        assert [found.phase for found in trail] == phases * number
        if is_server(registry):
            assert (event.caused_by, trail[-2].plan) == (trail[-2].seq, event.plan)

    async def test_a_conflict_names_both_values_and_changes_nothing(
        self, registry: Registry, maker: Maker
    ) -> None:
        name = unique("conflict")
        await maker.model(name, versions=3, tags={}, note="")
        await maker.point(name, "champion", 2)
        subject = address.alias(name, "champion")
        if not registry.availability("alias.set", subject).supported:
            return
        for before, words in ((1, "expects 1"), (None, "expects not there")):
            stale = plan(registry, "alias.set", Change(subject, "version", before, 3))
            with pytest.raises(ConflictError, match=f"version is 2 now, the plan {words}"):
                await registry.apply(stale, ME, CONTEXT)
        # What a plan only expects is compared as well.
        then = rfc3339(now())
        expected = Change(address.version(name, 3), "deleted", then, then)
        mixed = plan(registry, "alias.set", Change(subject, "version", 2, 3), expected)
        with pytest.raises(ConflictError):
            await registry.apply(mixed, ME, CONTEXT)
        assert await self.champion(registry, name) == 2
        assert list(await events_of(registry, subject)) == []

    async def test_what_is_already_so_is_no_event(self, registry: Registry, maker: Maker) -> None:
        name = unique("same")
        await maker.model(name, versions=1, tags={}, note="")
        subject = address.alias(name, "champion")
        events = await change(registry, "alias.set", Change(subject, "version", None, None))
        assert not events
        assert list(await events_of(registry, subject)) == []

    async def test_a_plan_that_lapsed_changes_nothing(
        self, registry: Registry, maker: Maker
    ) -> None:
        name = unique("late")
        await maker.model(name, versions=1, tags={}, note="")
        one = Change(address.alias(name, "champion"), "version", None, 1)
        late = msgspec.structs.replace(
            plan(registry, "alias.set", one), lapses_at=now() - timedelta(seconds=1)
        )
        with pytest.raises(RefusedError):
            await registry.apply(late, ME, CONTEXT)
        assert await self.champion(registry, name) is None

    async def test_what_cannot_be_leaves_no_trace_but_its_refusal(
        self, registry: Registry, maker: Maker
    ) -> None:
        name = unique("never")
        await maker.model(name, versions=1, tags={}, note="")
        subject = address.alias(name, "champion")
        if not registry.availability("alias.set", subject).supported:
            return
        wrong = plan(registry, "alias.set", Change(subject, "version", None, 99))
        with pytest.raises(ModeldeckError):
            await registry.apply(wrong, ME, CONTEXT)
        assert await self.champion(registry, name) is None
        phases = ["intent", "failed"] if is_server(registry) else []
        assert [one.phase for one in await events_of(registry, subject)] == phases
        none = address.alias(unique("none"), "champion")
        missing = plan(registry, "alias.set", Change(none, "version", None, 1))
        with pytest.raises(NotFoundError):
            await registry.apply(missing, ME, CONTEXT)
        assert list(await events_of(registry, none)) == []

    @pytest.mark.parametrize("noun", ["run", "experiment", "model", "version"])
    async def test_tags_are_set_changed_and_removed(
        self, registry: Registry, maker: Maker, noun: str
    ) -> None:
        subject = (await self.subjects(maker))[noun]
        steps: list[tuple[str, str | None, str | None]] = []
        before: str | None = None
        for key in self.KEYS:
            steps += [(key, None, "one"), (key, "one", "two"), (key, "two", None)]
        for text in self.TEXTS:
            steps.append(("text", before, text))
            before = text
        for key, before, after in steps:
            one = Change(subject, f"tag:{key}", before, after)
            if after is None and noun in self.STUCK:
                with pytest.raises(RefusedError):
                    await change(registry, f"{noun}.tag", one)
                continue
            if await change(registry, f"{noun}.tag", one) is None:
                return
            found = await self.item(registry, subject)
            assert found.tags.get(key) == after

    @pytest.mark.parametrize("noun", ["run", "experiment", "model", "version"])
    async def test_notes_are_changed_exactly(
        self, registry: Registry, maker: Maker, noun: str
    ) -> None:
        subject = (await self.subjects(maker))[noun]
        before = ""
        for text in (*self.TEXTS, ""):
            one = Change(subject, "note", before, text)
            if await change(registry, f"{noun}.note", one) is None:
                return
            assert (await self.item(registry, subject)).note == text
            before = text

    @pytest.mark.parametrize("noun", ["run", "model", "version"])
    async def test_what_is_deleted_comes_back(
        self, registry: Registry, maker: Maker, noun: str
    ) -> None:
        subject = (await self.subjects(maker))[noun]
        gone = Change(subject, "deleted", None, rfc3339(now()))
        if await change(registry, f"{noun}.rm", gone) is None:
            await change(registry, f"{noun}.restore", Change(subject, "deleted", gone.after, None))
            return
        found = await self.item(registry, subject)
        assert found.deleted_at is not None
        for shelf, there in ((Shelf.ACTIVE, False), (Shelf.DELETED, True), (Shelf.ALL, True)):
            assert (subject in await self.listed(registry, noun, shelf)) == there
        back = Change(subject, "deleted", rfc3339(found.deleted_at), None)
        assert await change(registry, f"{noun}.restore", back)
        assert (await self.item(registry, subject)).deleted_at is None
        assert subject in await self.listed(registry, noun, Shelf.ACTIVE)

    async def listed(self, registry: Registry, noun: str, shelf: Shelf) -> set[str]:
        """The addresses on a shelf."""
        if noun == "run":
            runs = await all_of(await registry.runs(RunQuery(shelf=shelf)))
            return {address.run(one.id) for one in runs}
        if noun == "model":
            models = await all_of(await registry.models(shelf=shelf))
            return {address.model(one.name) for one in models}
        versions = await all_of(await registry.versions(shelf=shelf))
        return {address.version(one.model, one.version) for one in versions}

    async def test_several_changes_are_one_plan(self, registry: Registry, maker: Maker) -> None:
        name = unique("several")
        await maker.model(name, versions=2, tags={}, note="")
        changes = [
            Change(address.alias(name, word), "version", None, n)
            for n, word in ((1, "champion"), (2, "challenger"))
        ]
        events = await change(registry, "alias.set", *changes)
        if events is None:
            return
        assert [one.subject for one in events] == [one.subject for one in changes]
        assert len({one.plan for one in events}) == 1
        assert (await registry.model(name)).aliases == {"champion": 1, "challenger": 2}

    async def test_unknown_things_and_fields_are_refused(
        self, registry: Registry, maker: Maker
    ) -> None:
        subjects = await self.subjects(maker)
        for one in (
            Change(address.run(NEVER), "note", "", "x"),
            Change(subjects["run"], "status", "finished", "failed"),
            Change("nonsense", "note", "", "x"),
        ):
            with pytest.raises(ModeldeckError):  # noqa: PT012 -- when planned or when applied
                made = plan(registry, "run.note", one)
                await registry.apply(made, ME, CONTEXT)
            assert list(await events_of(registry, one.subject)) == []

    async def test_a_change_that_is_cancelled_is_done_or_it_is_not(
        self, registry: Registry, maker: Maker
    ) -> None:
        """Whenever it is cancelled, state and trail say the same, and the next change works."""
        name = unique("cancelled")
        await maker.model(name, versions=3, tags={}, note="")
        subject = address.alias(name, "champion")
        if not registry.availability("alias.set", subject).supported:
            return
        other = None
        for pauses in (0, 1, 2, 5, 10, 20):
            before = await self.champion(registry, name)
            after = 2 if before == 1 else 1
            move = plan(registry, "alias.set", Change(subject, "version", before, after))
            task = asyncio.ensure_future(registry.apply(move, ME, CONTEXT))
            for _ in range(pauses):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            # Where a thread goes on with it for a moment, the next change comes after that.
            step = Change(address.alias(name, "next"), "version", other, 2 if other == 1 else 1)
            assert await change(registry, "alias.set", step)
            other = step.after
            trail = await events_of(registry, subject)
            outcomes = [one for one in trail if one.phase != "intent"]
            intents = {one.seq for one in trail if one.phase == "intent"}
            assert {one.caused_by for one in outcomes if one.caused_by} == intents
            there = await self.champion(registry, name)
            if not outcomes or outcomes[-1].phase != "unknown":
                done = [one.after["version"] for one in outcomes if one.phase == "done"]
                assert there == (done[-1] if done else None)
