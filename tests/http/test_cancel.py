"""Who cancels is heard at once, and the client goes on."""

from __future__ import annotations

import asyncio

import pytest

from modeldeck.backends.api.connect import Limits

from .conftest import Known
from .serving import answer, saying
from .test_faults import drips, says_nothing

pytestmark = pytest.mark.real


@pytest.mark.parametrize("script", [says_nothing, drips])
async def test_all_that_is_going_on_can_be_cancelled(world, script):
    full = asyncio.Event()
    live = True

    async def switched(request, line):
        if len(served.seen) == 6:
            full.set()
        await (script if live else saying(answer()))(request, line)

    http, served = await world.pair(switched)
    for _ in range(3):
        full.clear()
        served.seen.clear()
        tasks = [asyncio.create_task(http.request("GET", "/x")) for _ in range(12)]
        await full.wait()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ended} == {asyncio.CancelledError}
    assert {exchange.outcome for exchange in http.exchanges} == {"cancelled"}
    live = False
    answers = await asyncio.gather(*[http.request("GET", "/x") for _ in range(12)])
    assert [answer.status for answer in answers] == [200] * 12


async def test_between_two_tries(world):
    asleep = asyncio.Event()

    async def sleep(seconds):
        asleep.set()
        await asyncio.Event().wait()

    http, served = await world.pair(saying(answer(status=503), answer()), sleep=sleep)
    task = asyncio.create_task(http.request("GET", "/x"))
    await asleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await http.request("GET", "/x")).status == 200
    assert len(served.seen) == 2


async def test_while_credentials_are_fetched(world):
    asked = asyncio.Event()

    class Slow(Known):
        async def header(self, *, refresh: bool = False) -> str | None:
            if refresh and not asked.is_set():
                asked.set()
                await asyncio.Event().wait()
            return await super().header(refresh=refresh)

    credentials = Slow("Bearer old", "Bearer new")

    async def script(request, line):
        fresh = request.headers["authorization"] == "Bearer new"
        await line.write(answer(status=200 if fresh else 401))

    http, _ = await world.pair(script, credentials=credentials)
    task = asyncio.create_task(http.request("GET", "/x"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await http.request("GET", "/x")).status == 200


async def test_a_timeout_of_somebody_else_is_theirs(world):
    http, _ = await world.pair(says_nothing)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await http.request("GET", "/x", limits=Limits(deadline=5.0))
    assert [exchange.outcome for exchange in http.exchanges] == ["cancelled"]


async def test_a_closed_client_opens_again(world):
    http, served = await world.pair(saying(answer()))
    await http.request("GET", "/x")
    await http.request("GET", "/x")
    assert served.connections == 1
    await http.close()
    await http.close()
    await http.request("GET", "/x")
    assert served.connections == 2
