"""Answers of a real server kept on disk, while it is away and when it is back."""

import pytest

from modeldeck.backends.api.ages import Age
from modeldeck.backends.api.connect import Connection, Limits
from modeldeck.backends.api.errors import UnreachableError
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.mlflow import connect
from tests.servers import faults
from tests.servers.proxy import Proxy

pytestmark = [pytest.mark.real, pytest.mark.slow]


async def reads(server):
    """What a screen would show: lists, a run and its files, versions; and from when it is."""
    with Age(server.clock(), old=True) as age:
        runs = await all_of(await server.runs(RunQuery(top=True), 100))
        shown = [
            runs,
            await server.run_keys(RunQuery()),
            await all_of(await server.experiments()),
            await all_of(await server.models()),
            await all_of(await server.versions()),
            await server.run(runs[0].id),
            await server.artifacts(f"runs/{runs[0].id}"),
        ]
    return shown, age


@pytest.mark.parametrize("kind", ["3", "2"])
async def test_what_was_seen_is_there_while_the_server_is_away(
    mlflow_server, mlflow_store, tmp_path, kind
):
    real = mlflow_server(kind, store=mlflow_store(f"{kind}-sqlite").path)
    async with Proxy(real.url) as proxy:

        def opened():
            return connect(
                Connection(
                    context="test",
                    url=proxy.url,
                    options={"cache": "disk"},
                    cache_folder=tmp_path / "answers",
                    limits=Limits(tries=2),
                )
            )

        first = opened()
        seen, age = await reads(first)
        assert age.missed is None
        await first.close()
        kept_before = first.clock()
        proxy.meet(faults.drop)
        second = opened()
        again, age = await reads(second)
        assert repr(again) == repr(seen)  # a NaN is not equal to itself
        assert age.at < kept_before
        assert age.missed is not None
        subject = f"models/{seen[3][0].name}"
        with pytest.raises(UnreachableError), Age(second.clock(), old=True):
            await second.read_field(subject, "note")
        await second.close()
        proxy.heal()
        third = opened()
        now = third.clock()
        with Age(now, old=True) as age:
            await third.models()
        assert (age.at, age.missed) == (now, None)
        found = [one.what async for one in third.checkup() if one.where == "cache"]
        assert len(found) == 1
        assert str(tmp_path / "answers") in found[0]
        await third.close()
