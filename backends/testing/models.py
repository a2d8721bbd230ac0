"""What holds for models, versions and aliases."""

import pytest

from ..api import address
from ..api.errors import NotFoundError
from ..api.evaluate import matches
from ..api.lists import all_of
from ..api.models import Version
from ..api.order import model_fields, version_fields
from ..api.protocols import Registry
from ..api.query import MODELS, VERSIONS, Field, Sort
from .maker import Maker, anew, events_of, is_server, parsed, settle, unique
from .suite import Suite


@pytest.mark.asyncio
class ModelsContract(Suite):
    """A model, its versions and its aliases tell the same of each other."""

    async def test_a_model_comes_back_as_it_was_made(
        self, registry: Registry, maker: Maker
    ) -> None:
        for word in self.NAMES:
            name = unique(word)
            await maker.model(name, versions=3, tags={"team": "risk"}, note="notes")
            await maker.point(name, "champion", 2)
            anew(registry)
            found = await registry.model(name)
            assert (found.name, found.note, found.deleted_at) == (name, "notes", None)
            assert found.tags.items() >= {("team", "risk")}
            assert found.aliases == {"champion": 2}
            assert found.versions in (3, None)
            assert found.latest in (3, None)
            listed = {one.name: one for one in await all_of(await registry.models())}
            assert listed[name].aliases == {"champion": 2}
            numbers = [one.version for one in await all_of(await registry.versions(name))]
            assert sorted(numbers) == [1, 2, 3]
            assert list((await registry.version(name, 2)).aliases) == ["champion"]
            assert list((await registry.version(name, 3)).aliases) == []
            for one in await all_of(await registry.versions(name)):
                assert one.model == name
                assert list(one.aliases) == (["champion"] if one.version == 2 else [])
            [alias] = await registry.aliases(name)
            assert (alias.model, alias.alias, alias.version) == (name, "champion", 2)
            assert name in {one.model for one in await registry.aliases()}

    async def test_notes_and_tags_of_models_are_exact(
        self, registry: Registry, maker: Maker
    ) -> None:
        for text in self.TEXTS:
            name = unique("texts")
            await maker.model(name, versions=1, tags={"t": text}, note=text)
            anew(registry)
            found = await registry.model(name)
            assert (found.note, found.tags["t"]) == (text, text)

    async def test_models_that_are_not_there(self, registry: Registry, maker: Maker) -> None:
        name = unique("model")
        await maker.model(name, versions=1, tags={}, note="")
        none = unique("none")
        for read in (
            lambda: registry.model(none),
            lambda: registry.version(none, 1),
        ):
            with pytest.raises(NotFoundError) as caught:
                await read()
            assert none in str(caught.value)
        for number in (2, 10**12):
            with pytest.raises(NotFoundError):
                await registry.version(name, number)
        assert list(await registry.aliases(name)) == []

    async def test_filters_of_models_mean_what_they_mean_everywhere(
        self, registry: Registry, maker: Maker
    ) -> None:
        mark = unique("filtered")
        await maker.model(f"{mark} a", versions=2, tags={"team": "risk"}, note="first")
        await maker.model(f"{mark} b", versions=1, tags={"team": "ads"}, note="")
        await maker.model(f"{mark} C", versions=0, tags={}, note="")
        await maker.point(f"{mark} a", "champion", 1)
        models = await all_of(await registry.models())
        for text in (
            f'name ~ "{mark}"',
            f'name = "{mark} a"',
            f'name ~ "{mark}" and has alias',
            f'name ~ "{mark}" and alias = champion',
            f'name ~ "{mark}" and tags.team != risk',
            f'name ~ "{mark}" and not has tags.team',
            f'name ~ "{mark}" and note = first',
        ):
            where = parsed(text, MODELS)
            assert where is not None
            wanted = {one.name for one in models if matches(where, model_fields(one))}
            assert {one.name for one in await all_of(await registry.models(where))} == wanted
            assert wanted, text
        versions = [one for one in await all_of(await registry.versions()) if mark in one.model]
        assert len(versions) == 3
        for text in (
            f'model ~ "{mark}"',
            f'model = "{mark} a" and version > 1',
            f'model ~ "{mark}" and alias = champion',
            f'model ~ "{mark}" and not has alias',
        ):
            where = parsed(text, VERSIONS)
            assert where is not None
            fitting = {_key(one) for one in versions if matches(where, version_fields(one))}
            found = await all_of(await registry.versions(None, where))
            assert {_key(one) for one in found} == fitting, text
            assert fitting, text

    async def test_models_are_sorted_by_name_both_ways(
        self, registry: Registry, maker: Maker
    ) -> None:
        mark = unique("sorted")
        for word in ("B", "a", "c"):
            await maker.model(f"{mark} {word}", versions=0, tags={}, note="")
        where = parsed(f'name ~ "{mark}"', MODELS)
        for descending in (False, True):
            window = await registry.models(where, [Sort(Field("name"), descending)])
            words = [one.name[-1] for one in await all_of(window)]
            assert window.notes or words == (["c", "B", "a"] if descending else ["a", "B", "c"])

    async def test_a_move_that_somebody_else_made_on_a_server(
        self, registry: Registry, maker: Maker
    ) -> None:
        if not is_server(registry):
            return
        name = unique("outside")
        await maker.model(name, versions=2, tags={}, note="")
        await maker.point(name, "champion", 1)
        await registry.models()
        await registry.model(name)
        await settle(registry)
        await maker.point(name, "champion", 2)
        anew(registry)
        await registry.aliases(name)
        await settle(registry)
        [event] = await events_of(registry, address.alias(name, "champion"))
        assert (event.phase, event.actor.user) == ("observed", "unknown")
        assert (event.before, event.after["version"]) == ({"version": 1}, 2)
        await maker.point(name, "champion", None)
        anew(registry)
        await registry.aliases(name)
        await settle(registry)
        event = (await events_of(registry, address.alias(name, "champion")))[-1]
        assert (event.action, event.after["version"]) == ("alias.rm", None)


def _key(one: Version) -> tuple[str, int]:
    return one.model, one.version
