"""What each status comes to: which error, how often it was asked, how long was waited."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest
from msgspec import Struct

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import (
    ConflictError,
    DamagedError,
    DeniedError,
    NotFoundError,
    UnreachableError,
    UsageError,
)

from .conftest import NOON, Known
from .serving import answer, saying

pytestmark = pytest.mark.real


class Thing(Struct, frozen=True):
    name: str
    size: float = 0.0


STATUSES = {
    400: UsageError,
    401: DeniedError,
    403: DeniedError,
    404: NotFoundError,
    405: UsageError,
    407: DeniedError,
    408: UnreachableError,
    409: ConflictError,
    412: ConflictError,
    418: UsageError,
    429: UnreachableError,
    500: UnreachableError,
    501: UnreachableError,
    502: UnreachableError,
    503: UnreachableError,
    504: UnreachableError,
    599: UnreachableError,
}


@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_is_its_error_and_only_some_are_asked_again(world, status):
    http, served = await world.pair(saying(answer("{}", status)))
    with pytest.raises(UsageError if status == 0 else STATUSES[status]) as caught:
        await http.request("GET", "/x")
    assert type(caught.value) is STATUSES[status]
    assert caught.value.where == f"{served.url}/x"
    again = status in (408, 429, 500, 502, 503, 504)
    assert len(served.seen) == (4 if again else 1)
    assert [exchange.status for exchange in http.exchanges] == [status] * len(served.seen)
    assert ("tried 4 times" in caught.value.what) is again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_is_never_sent_twice(world, method, status):
    http, served = await world.pair(saying(answer("{}", status, retry_after="1"), answer()))
    with pytest.raises(UnreachableError, match="Whether it was done is not known"):
        await http.request(method, "/x", body={"a": 1})
    assert len(served.seen) == 1
    assert world.time.slept == []


async def test_a_read_that_is_sent_as_post_is_asked_again_with_its_body(world):
    http, served = await world.pair(saying(answer(status=500), answer('{"name": "a"}')))
    found = await http.ask("POST", "/search", Thing, body={"q": "ä"}, repeatable=True)
    assert found == Thing("a")
    assert [request.body for request in served.seen] == ['{"q":"ä"}'.encode()] * 2
    assert served.seen[0].headers["content-type"] == "application/json"


async def test_three_failures_and_then_an_answer_wait_longer_and_longer(world):
    http, served = await world.pair(saying(*[answer(status=500)] * 3, answer()))
    assert (await http.request("GET", "/x")).status == 200
    assert world.time.slept == [0.25, 0.5, 1.0]  # the middle of 0 to 0.5, 1, 2
    assert [exchange.attempt for exchange in http.exchanges] == [1, 2, 3, 4]
    assert served.connections == 1


def date(seconds: float) -> str:
    return format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("3", 3.25),
        ("0", 0.25),
        (date(20), 20.25),
        (date(-3600), 0.25),
        ("-5", 0.25),
        ("soon", 0.25),
        ("1.5", 0.25),
        ("", 0.25),
        ("Mon, 99 Foo 2026 99:99:99 GMT", 0.25),
    ],
)
async def test_retry_after_is_waited_for(world, value, waited):
    http, _ = await world.pair(saying(answer(status=429, retry_after=value), answer()))
    await http.request("GET", "/x")
    assert world.time.slept == [waited]


async def test_a_date_is_measured_by_the_servers_own_clock(world):
    late = answer(status=503, date=date(7200), retry_after=date(7205))
    http, _ = await world.pair(saying(late, answer(date=date(7206))))
    await http.request("GET", "/x")
    assert world.time.slept == [5.25]
    assert http.skew == timedelta(seconds=7206 - 5.25)


@pytest.mark.parametrize("value", ["30", "86400", "9" * 400, date(10**8)])
async def test_who_asks_to_wait_too_long_is_not_waited_for(world, value):
    http, served = await world.pair(saying(answer(status=429, retry_after=value), answer()))
    with pytest.raises(UnreachableError, match="asks to wait"):
        await http.request("GET", "/x")
    assert len(served.seen) == 1
    assert world.time.slept == []


async def test_all_tries_together_have_an_end(world):
    http, served = await world.pair(saying(answer(status=503, retry_after="4")))
    with pytest.raises(UnreachableError):
        await http.request("GET", "/x", limits=Limits(total=10.0, tries=100))
    assert world.time.slept == [4.25, 4.5]
    assert len(served.seen) == 3


async def test_the_last_try_has_what_is_left(world):
    async def says_nothing(request, line):
        await asyncio.Event().wait()

    limits = Limits(deadline=0.3, total=0.5, tries=9)
    http, _ = await world.pair(says_nothing, limits=limits, random=lambda: 0.0)
    with pytest.raises(UnreachableError, match=r"within 0\.[01]\d* s \(tried 2 times\)"):
        await http.request("GET", "/x")


async def test_what_an_adapter_explains_is_believed_and_final(world):
    def explain(found):
        return UsageError("workspaces are off") if b"off" in found.body else None

    http, served = await world.pair(
        saying(answer("<h1>off</h1>", 503, kind="text/html")), explain=explain
    )
    for _ in range(7):  # more than it takes to be left alone
        with pytest.raises(UsageError, match="workspaces are off"):
            await http.request("GET", "/x")
    assert len(served.seen) == 7


async def test_credentials_are_refreshed_once_and_even_a_change_is_sent_again(world):
    known = Known("Bearer old", "Bearer new")
    http, served = await world.pair(saying(answer(status=401), answer()), credentials=known)
    await http.request("POST", "/x", body={})
    assert [request.headers["authorization"] for request in served.seen] == [
        "Bearer old",
        "Bearer new",
    ]
    assert known.refreshed == 1


async def test_credentials_that_stay_the_same_are_not_tried_again(world):
    refused = answer(status=401, www_authenticate='Basic realm="mlflow"')
    http, served = await world.pair(saying(refused), credentials=Known("Basic x"))
    with pytest.raises(DeniedError, match=r"\(it asks for Basic\).*variable TEST_TOKEN"):
        await http.request("GET", "/x")
    assert len(served.seen) == 1


async def test_new_credentials_that_are_refused_too_are_the_last(world):
    known = Known("Bearer 1", "Bearer 2", "Bearer 3")
    http, served = await world.pair(saying(answer(status=401)), credentials=known)
    with pytest.raises(DeniedError):
        await http.request("GET", "/x")
    assert len(served.seen) == 2


async def test_of_many_requests_that_are_refused_together_one_refreshes(world):
    known = Known("Bearer old", "Bearer new", "Bearer newer")
    arrived = asyncio.Barrier(6)

    async def script(request, line):
        if request.headers["authorization"] == "Bearer old":
            await arrived.wait()
            await line.write(answer(status=401))
        else:
            await line.write(answer())

    http, served = await world.pair(script, credentials=known)
    await asyncio.gather(*[http.request("GET", f"/{n}") for n in range(6)])
    assert known.refreshed == 1
    assert len(served.seen) == 12


async def test_a_guard_of_host_names_is_told_from_missing_rights(world):
    guard = "Invalid Host header - possible DNS rebinding attack detected"
    http, _ = await world.pair(saying(answer(guard, 403, kind="text/plain")))
    with pytest.raises(DeniedError, match=r"not answer to the name 127.0.0.1.*allowed-hosts"):
        await http.request("GET", "/x")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (answer("<html>Sign in</html>", kind="text/html; charset=utf-8"), "a login page"),
        (answer("<html>Sign in</html>", kind=""), "a login page"),
        (answer("hello", kind="text/plain"), "text/plain came instead of JSON"),
        (answer(""), "the answer is empty"),
        (answer('{"name": '), "this is not JSON"),
        (answer("[1]"), "Expected `object`, got `array`"),
        (answer('{"name": 3}'), r"Expected `str`, got `int` - at `\$.name`"),
        (answer('{"name": "a", "size": 1e999}'), "too large"),
        (answer('{"name": "a", "name": "b"}'), "'name' twice"),
    ],
)
async def test_what_is_not_the_json_that_was_asked_for(world, reply, message):
    http, served = await world.pair(saying(reply))
    with pytest.raises(DamagedError, match=message) as caught:
        await http.ask("GET", "/x", Thing)
    assert caught.value.where == f"{served.url}/x"
    assert len(served.seen) == 1


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", ""])
async def test_json_by_any_of_its_names(world, kind):
    http, _ = await world.pair(saying(answer('{"name": "a", "size": 2}', kind=kind)))
    assert await http.ask("GET", "/x", Thing) == Thing("a", 2.0)


async def test_a_large_answer_is_read_beside_the_loop(world):
    http, _ = await world.pair(saying(answer('["' + "x" * 300_000 + '", 1e999]')))
    with pytest.raises(DamagedError, match="too large") as caught:
        await http.ask("GET", "/x", list)
    assert caught.value.where.endswith("/x")
