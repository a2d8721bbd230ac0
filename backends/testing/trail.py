"""What holds for the audit trail."""

import pytest

from ..api import address
from ..api.lists import all_of
from ..api.plan import Change
from ..api.protocols import Registry
from ..api.query import EVENTS, Field, Sort
from .maker import Maker, parsed, unique
from .suite import Suite, change


@pytest.mark.asyncio
class TrailContract(Suite):
    """Newest first, filtered, sorted and paged like every list."""

    async def test_events_are_listed(self, registry: Registry, maker: Maker) -> None:
        name = unique("trail")
        await maker.model(name, versions=3, tags={}, note="")
        subject = address.alias(name, "champion")
        for before, after in ((None, 1), (1, 2), (2, 3)):
            made = await change(registry, "alias.set", Change(subject, "version", before, after))
            if made is None:
                return
        window = await registry.events(first=2)
        assert len(window.first) == 2
        seqs = [one.seq for one in await all_of(window)]
        assert seqs == sorted(seqs, reverse=True)
        assert len(set(seqs)) == len(seqs)
        assert await window.index_of(str(seqs[-1])) == len(seqs) - 1
        where = parsed(f'phase = done and subject = "{subject}" and actor = ada', EVENTS)
        found = await all_of(
            await registry.events(where, [Sort(Field("time")), Sort(Field("seq"))])
        )
        assert [one.after for one in found] == [{"version": n} for n in (1, 2, 3)]
        assert {one.action for one in found} == {"alias.set"}
        assert all(one.reason == "the contract" and one.plan for one in found)
