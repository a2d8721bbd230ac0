"""What can go wrong between a program and a server, one function each (`proxy.py`).

Where a request is one that changes something, it matters whether it came through before it went
wrong: `drop` loses the request, `lost` its answer.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.servers.proxy import Answer, Exchange, Fault, Request

JSON = ("content-type", "application/json")
HTML = ("content-type", "text/html; charset=utf-8")
TOKEN = "next_page_token"
AGAIN = "again"
SORRY = b"<html><body><h1>Sorry</h1></body></html>"
LOGIN = b"<!doctype html><title>Sign in</title><form action=/login><input name=password></form>"


async def drop(exchange: Exchange) -> None:
    """The connection ends before anything was passed on."""
    exchange.close()


async def lost(exchange: Exchange) -> None:
    """The server has done it, and the connection ends before its answer came."""
    await exchange.ask()
    exchange.close()


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def hang(exchange: Exchange) -> None:
    """No answer at all."""
    await exchange.gone()


def status(code: int, *headers: tuple[str, str]) -> Fault:
    """An answer of this status, said by a gateway without asking the server."""

    async def fault(exchange: Exchange) -> None:
        await exchange.answer(Answer(status=code, headers=(HTML, *headers), body=SORRY))

    return fault


async def slow_header(exchange: Exchange) -> None:
    """One byte of the headers now and then, without end."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        await exchange.send(b"a")
        await exchange.pause()


async def drip(exchange: Exchange) -> None:
    """One byte of the body now and then."""
    answer = await exchange.ask()
    body = answer.body.ljust(100_000)
    await exchange.send(replace(answer, body=body).head())
    for at in range(len(body)):
        await exchange.send(body[at : at + 1])
        await exchange.pause()


async def truncated(exchange: Exchange) -> None:
    """The connection ends in the middle of the body."""
    answer = await exchange.ask()
    await exchange.send(replace(answer, body=answer.body + b" ").head())
    await exchange.send(answer.body[: len(answer.body) // 2])
    exchange.close()


def changed(change: Callable[[Answer], Answer]) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.answer(change(await exchange.ask()))

    return fault


def changed_json(change: Callable[[Any], Any]) -> Fault:
    return changed(
        lambda answer: replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())
    )


malformed = changed(lambda answer: replace(answer, body=answer.body[:-1] + b",]"))
wrong_type = changed_json(lambda found: dict.fromkeys(found, 7) if found else [7])
empty = changed(lambda answer: replace(answer, body=b""))


async def login_page(exchange: Exchange) -> None:
    """What a sign-on for browsers says in the server's stead."""
    await exchange.answer(Answer(headers=(HTML,), body=LOGIN))


async def huge(exchange: Exchange) -> None:
    """A body that does not end."""
    await exchange.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"a": "')
    while True:
        await exchange.send(b"a" * 65536)
        await asyncio.sleep(0)


@cache
def packed() -> bytes:
    return gzip.compress(b"{" + b" " * (64 << 20) + b"}")


async def bomb(exchange: Exchange) -> None:
    """64 MB of spaces, in some 64 kB."""
    headers = (JSON, ("content-encoding", "gzip"))
    await exchange.answer(Answer(headers=headers, body=packed()))


async def redirect_loop(exchange: Exchange) -> None:
    await exchange.answer(Answer(status=307, headers=(("location", exchange.request.target),)))


async def redirect_elsewhere(exchange: Exchange) -> None:
    """To another origin, which counts who comes."""
    where = exchange.proxy.other_url + exchange.request.target
    await exchange.answer(Answer(status=307, headers=(("location", where),)))


async def unauthorized(exchange: Exchange) -> None:
    """As a proxy says whose token has expired."""
    headers = (("www-authenticate", 'Bearer error="invalid_token"'),)
    await exchange.answer(Answer(status=401, headers=headers, body=b"expired"))


def skewed(seconds: float) -> Fault:
    """The server's clock is ahead by so much."""
    return changed(
        lambda answer: replace(
            answer,
            headers=(*answer.without("date"), ("date", formatdate(time() + seconds, usegmt=True))),
        )
    )


async def flapping(exchange: Exchange) -> None:
    """Every other request for a path fails, beginning with the first."""
    if exchange.turn % 2:
        await status(503)(exchange)
    else:
        await exchange.answer(await exchange.ask())


def asks(request: Request) -> dict[str, Any]:
    """What a request for a page asks for."""
    if request.method == "GET":
        return dict(parse_qsl(request.target.partition("?")[2]))
    return json.loads(request.body or b"{}")


def asking(request: Request, words: dict[str, Any]) -> Request:
    if request.method == "GET":
        return replace(request, target=f"{request.path}?{urlencode(words)}")
    return replace(request, body=json.dumps(words).encode())


async def partial_page(exchange: Exchange) -> None:
    """Half as many items as were asked for, and more to come: a server may cap its pages."""
    words = asks(exchange.request)
    if "max_results" in words:
        words["max_results"] = max(1, int(words["max_results"]) // 2)
    await exchange.answer(await exchange.ask(asking(exchange.request, words)))


async def duplicate_page(exchange: Exchange) -> None:
    """Every page but the first brings the first one's items again, with its own token."""
    words = asks(exchange.request)
    answer = await exchange.ask()
    if words.pop("page_token", None):
        token = json.loads(answer.body).get(TOKEN)
        found = json.loads((await exchange.ask(asking(exchange.request, words))).body)
        again = {**found, TOKEN: token} if token else {k: v for k, v in found.items() if k != TOKEN}
        answer = replace(answer, body=json.dumps(again).encode())
    await exchange.answer(answer)


async def repeated_token(exchange: Exchange) -> None:
    """Every page names itself as the next one."""
    words = asks(exchange.request)
    if words.get("page_token") == AGAIN:
        del words["page_token"]
    answer = await exchange.ask(asking(exchange.request, words))
    found = json.loads(answer.body)
    found[TOKEN] = words.get("page_token") or found.get(TOKEN) or AGAIN
    await exchange.answer(replace(answer, body=json.dumps(found).encode()))
