"""A secret goes to the server and nowhere else."""

from __future__ import annotations

import logging
import traceback

import msgspec
import pytest

from modeldeck.backends.api.connect import Limits, Trust
from modeldeck.backends.api.errors import ModeldeckError, UsageError

from .conftest import Known
from .serving import answer, saying
from .test_faults import FAULTS, QUICK

pytestmark = pytest.mark.real
SECRET = "sentinel-4711"
PLACES = {
    "headers": {"X-Api-Key": SECRET},
    "credentials": Known(f"Bearer {SECRET}"),
}
REPLIES = [
    answer(f'{{"message": "{SECRET}"}}', status) for status in (400, 401, 403, 404, 409, 500)
]
REPLIES += [
    answer(status=302, location=f"/login?token={SECRET}"),
    answer(status=302, location=f"https://user:{SECRET}@evil.example.org/?password={SECRET}"),
    answer(status=302, location=f"/x?token={SECRET}"),
    answer(f"<html>{SECRET}", kind="text/html"),
    answer(f'{{"a": {SECRET}}}'),
    answer(f'["{SECRET}"]'),
    answer(content_encoding="br"),
    answer(set_cookie=f"session={SECRET}"),
]


def seen(http, caught, caplog) -> str:
    """All that anybody could come to see of a request."""
    shown = [repr(http), repr(http.exchanges), caplog.text]
    shown += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
    shown += traceback.format_exception(caught.value)
    return "\n".join(shown)


async def ask(http, caplog) -> str:
    query = {"token": SECRET, "client_secret": SECRET, "X-Amz-Signature": SECRET, "name": "plain"}
    with caplog.at_level(logging.DEBUG), pytest.raises(ModeldeckError) as caught:
        await http.ask("POST", "/x", int, query=query, body={"password": SECRET}, repeatable=True)
    return seen(http, caught, caplog)


@pytest.mark.parametrize("reply", REPLIES, ids=range(len(REPLIES)))
async def test_no_answer_brings_it_to_light(world, caplog, reply):
    http, served = await world.pair(saying(reply), **PLACES)
    text = await ask(http, caplog)
    assert SECRET not in text
    assert "name=plain" in text
    assert SECRET in served.seen[0].headers["authorization"]
    assert SECRET in served.seen[0].target
    assert "cookie" not in served.seen[-1].headers
    encoded = msgspec.json.encode(list(http.exchanges))
    assert SECRET.encode() not in encoded


@pytest.mark.parametrize("script", FAULTS)
async def test_no_fault_brings_it_to_light(world, caplog, script):
    http, _ = await world.pair(script, limits=msgspec.structs.replace(QUICK, tries=1), **PLACES)
    assert SECRET not in await ask(http, caplog)


async def test_no_proxy_brings_it_to_light(world, caplog):
    proxy = await world.server(saying(answer("", 407)))
    trust = Trust(proxy=proxy.url.replace("//", f"//joe:{SECRET}@"))
    for base in ("http://mlflow.example.org", "https://mlflow.example.org"):
        http = world.client(base, trust=trust, limits=Limits(tries=1), **PLACES)
        text = await ask(http, caplog)
        assert SECRET not in text
    trust = Trust(proxy=f"ftp://joe:{SECRET}@proxy")
    assert SECRET not in await ask(world.client("http://a.example.org", trust=trust), caplog)


@pytest.mark.parametrize("odd", ["\n", "\r\nX-Other: y", "\0", "ü", "\x1b[2J"])
async def test_a_credential_that_no_header_can_carry_is_not_repeated(world, caplog, odd):
    http, served = await world.pair(saying(answer()), credentials=Known(f"Bearer {SECRET}{odd}"))
    with caplog.at_level(logging.DEBUG), pytest.raises(UsageError, match="Authorization") as caught:
        await http.request("GET", "/x")
    assert SECRET not in seen(http, caught, caplog)
    assert served.connections == 0
