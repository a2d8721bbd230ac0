"""A server that fails again and again is left alone for a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import NotFoundError, UnreachableError

from .serving import answer, saying

pytestmark = pytest.mark.real
ONCE = Limits(tries=1)


class Switch:
    """A server that answers with 503 until it is switched on."""

    def __init__(self) -> None:
        self.reply = answer(status=503)

    async def __call__(self, request, line) -> None:
        await line.write(self.reply)


async def fail(http, message, limits=ONCE) -> UnreachableError:
    with pytest.raises(UnreachableError, match=message) as caught:
        await http.request("GET", "/x", limits=limits)
    return caught.value


async def test_it_opens_says_when_and_tries_once_after_growing_pauses(world):
    switch = Switch()
    http, served = await world.pair(switch)
    for _ in range(5):
        await fail(http, "503")
    error = await fail(http, r"failed 5 times.*503.*next try is in 5 s, at 2026-11-02T12:00:05Z")
    assert error.sent is False
    assert len(served.seen) == 5

    for pause, following in [(5, 10), (10, 20), (20, 40), (40, 80), (80, 120), (120, 120)]:
        world.time.now += timedelta(seconds=pause - 1)
        await fail(http, "not asked")
        world.time.now += timedelta(seconds=1)
        await fail(http, "503")
        await fail(http, f"next try is in {following} s")
    assert len(served.seen) == 11

    switch.reply = answer()
    world.time.now += timedelta(seconds=120)
    assert (await http.request("GET", "/x")).status == 200
    switch.reply = answer(status=503)
    for _ in range(5):
        await fail(http, "503")
    await fail(http, "next try is in 5 s")


async def test_the_tries_of_one_request_count_and_end_when_it_opens(world):
    http, served = await world.pair(Switch())
    await fail(http, r"503.*tried 4 times", Limits())
    error = await fail(http, "503", Limits())
    assert "not asked" not in error.what
    assert len(served.seen) == 5
    assert len(world.time.slept) == 3
    assert len(http.exchanges) == 5


async def test_while_one_tries_the_others_are_refused_and_a_cancelled_trial_leaves_it_free(world):
    switch = Switch()
    entered, gate = asyncio.Event(), asyncio.Event()

    async def script(request, line):
        if request.target == "/slow":
            entered.set()
            await gate.wait()
        await switch(request, line)

    http, _ = await world.pair(script)
    for _ in range(5):
        await fail(http, "503")
    world.time.now += timedelta(seconds=5)
    trial = asyncio.create_task(http.request("GET", "/slow"))
    await entered.wait()
    await fail(http, "being tried right now")
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    switch.reply = answer()
    assert (await http.request("GET", "/x")).status == 200


@pytest.mark.parametrize("reply", [answer(), answer(status=404), answer(status=500)])
async def test_any_answer_of_its_own_shows_that_a_server_is_there(world, reply):
    switch = Switch()
    http, served = await world.pair(switch)
    for _ in range(3):
        for _ in range(4):
            await fail(http, "503")
        switch.reply = reply
        with suppress(NotFoundError, UnreachableError):
            await http.request("GET", "/x", limits=ONCE)
        switch.reply = answer(status=503)
    assert len(served.seen) == 15


async def test_lost_connections_open_it_too(world):
    async def script(request, line):
        line.cut()

    http, served = await world.pair(script)
    for _ in range(5):
        await fail(http, "without an answer")
    await fail(http, "not asked.*closed without an answer")
    assert len(served.seen) == 5


async def test_a_clock_that_is_set_back_does_not_keep_it_open(world):
    switch = Switch()
    http, _ = await world.pair(switch)
    for _ in range(5):
        await fail(http, "503")
    switch.reply = answer()
    world.time.now -= timedelta(days=1)
    assert (await http.request("GET", "/x")).status == 200


async def test_a_damaged_answer_is_an_answer(world):
    http, served = await world.pair(saying(answer("<html>", kind="text/html")))
    for _ in range(7):
        with pytest.raises(Exception, match="login page"):
            await http.ask("GET", "/x", dict)
    assert len(served.seen) == 7
