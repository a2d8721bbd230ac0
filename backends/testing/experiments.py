"""What holds for experiments."""

import pytest

from ..api.errors import NotFoundError
from ..api.evaluate import matches
from ..api.lists import all_of
from ..api.order import experiment_fields
from ..api.protocols import Registry
from ..api.query import EXPERIMENTS, Field, Sort
from .maker import Given, Maker, anew, parsed, unique
from .suite import NEVER, Suite


@pytest.mark.asyncio
class ExperimentsContract(Suite):
    """Found by id and by name, filtered as everywhere."""

    async def test_an_experiment_comes_back_as_it_was_made(
        self, registry: Registry, maker: Maker
    ) -> None:
        for text in self.TEXTS:
            name = unique("mixed Case")
            made = await maker.experiment(name, tags={"team": text}, note=text)
            await maker.run(made, Given(name="only"))
            anew(registry)
            for found in (await registry.experiment(made), await registry.experiment(name)):
                assert (found.id, found.name, found.deleted_at) == (made, name, None)
                assert (found.note, found.tags.get("team")) == (text, text)
                assert found.runs in (1, None), "None is not known"
            listed = {one.id: one for one in await all_of(await registry.experiments())}
            assert (listed[made].name, listed[made].tags.get("team")) == (name, text)

    async def test_an_experiment_that_is_not_there(self, registry: Registry) -> None:
        for name in (unique("none"), NEVER):
            with pytest.raises(NotFoundError) as caught:
                await registry.experiment(name)
            assert name in str(caught.value)

    async def test_filters_of_experiments_mean_what_they_mean_everywhere(
        self, registry: Registry, maker: Maker
    ) -> None:
        mark = unique("filtered")
        for word, tags in (("a", {"team": "risk"}), ("b", {"team": "ads"}), ("c", {})):
            await maker.experiment(f"{mark} {word}", tags=tags, note=word)
        everything = await all_of(await registry.experiments())
        for text in (
            f'name ~ "{mark}"',
            f'name = "{mark} a"',
            f'name ~ "{mark}" and tags.team = risk',
            f'name ~ "{mark}" and tags.team != risk',
            f'name ~ "{mark}" and not has tags.team',
            f'name ~ "{mark}" and note in (a, c)',
            f'name ~ "{mark.upper()}"',
        ):
            where = parsed(text, EXPERIMENTS)
            assert where is not None
            wanted = {one.id for one in everything if matches(where, experiment_fields(one))}
            found = await all_of(await registry.experiments(where))
            assert {one.id for one in found} == wanted, text
            assert wanted, text

    async def test_experiments_are_sorted_by_name_both_ways(
        self, registry: Registry, maker: Maker
    ) -> None:
        mark = unique("sorted")
        for word in ("B", "a", "c"):
            await maker.experiment(f"{mark} {word}", tags={}, note="")
        where = parsed(f'name ~ "{mark}"', EXPERIMENTS)
        for descending in (False, True):
            window = await registry.experiments(where, [Sort(Field("name"), descending)])
            words = [one.name[-1] for one in await all_of(window)]
            assert window.notes or words == (["c", "B", "a"] if descending else ["a", "B", "c"])
