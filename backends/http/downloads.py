"""Files that are fetched: whole ones, which go on where they were broken off, and pieces."""

import re
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

from ..api.connect import Limits
from ..api.errors import DamagedError, UsageError
from .addresses import shown
from .bodies import Incoming
from .calls import Call
from .part import Part
from .sending import Sender

_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/([0-9]{1,18}|\*)")
_AS_IT_IS = {"Accept-Encoding": "identity"}


async def download(sender: Sender, url: str, target: Path, limits: Limits, most: int | None) -> str:
    """Fetch `url` to `target`; gives its digest."""
    part = Part(target, shown(url))

    async def take(incoming: Incoming) -> bool:
        return await _continued(part, incoming, most)

    call = Call(
        method="GET",
        url=url,
        repeatable=True,
        limits=limits,
        headers=lambda: {**_AS_IT_IS, **_rest(part)},
        patient=True,
        accepts=(416,),
    )
    try:
        await part.measure()
        while not await sender.send(call, take):
            pass
        return part.finish()
    except OSError as problem:
        raise UsageError(
            f"cannot be written: {problem.strerror}",
            where=str(target),
            way_out="Name another place",
        ) from None
    finally:
        part.close()


def _rest(part: Part) -> Mapping[str, str]:
    """The headers that ask for what is missing, as long as the file is the same."""
    if not part.have or not part.etag:
        return {}
    return {"Range": f"bytes={part.have}-", "If-Range": part.etag}


async def _continued(part: Part, incoming: Incoming, most: int | None) -> bool:
    """Write what comes; False when the file is not whole yet, and must be asked for again."""
    begin, total = content_range(incoming)
    if incoming.status == 416:
        if part.have and total == part.have:
            return True
        return _anew(part, incoming)
    etag = incoming.headers.get("etag", "")
    if incoming.status == 206:
        if begin != part.have or (etag and part.etag and etag != part.etag):
            return _anew(part, incoming)
    else:
        part.start(etag)
        total = incoming.length
    _check(total or 0, most, incoming.url)
    before = part.have
    async with aclosing(incoming.plain()) as plain:
        async for data in plain:
            _check(part.have + len(data), most, incoming.url)
            part.write(data)
    whole = incoming.status != 206 or total is None or part.have >= total
    if not whole and part.have == before:
        raise DamagedError("the server sends nothing of what is missing", where=incoming.url)
    return whole


def _anew(part: Part, incoming: Incoming) -> bool:
    """What the server has does not go on from what we have."""
    if not part.have:
        raise DamagedError("the server sends another part than the first", where=incoming.url)
    part.start("")
    return False


def _check(size: int, most: int | None, url: str) -> None:
    if most is not None and size > most:
        raise UsageError(f"the file is larger than {most:,} bytes", where=url)


def content_range(incoming: Incoming) -> tuple[int | None, int | None]:
    """Where the part begins that comes, and how long the whole is."""
    found = _RANGE.fullmatch(incoming.headers.get("content-range", ""))
    if found is None:
        return None, None
    begin, total = found.groups()
    return (None if begin is None else int(begin)), (None if total == "*" else int(total))


async def fetch(sender: Sender, url: str, start: int, limit: int, limits: Limits) -> bytes:
    """At most `limit` bytes from `start`."""
    if limit <= 0:
        return b""
    wish = {**_AS_IT_IS, "Range": f"bytes={start}-{start + limit - 1}"}

    async def take(incoming: Incoming) -> bytes:
        if incoming.status == 416:
            return b""
        skip = start
        if incoming.status == 206:
            begin = content_range(incoming)[0]
            if begin is None or begin > start:
                raise DamagedError("the server sends another part of it", where=incoming.url)
            skip -= begin
        found = bytearray()
        async with aclosing(incoming.plain()) as plain:
            async for data in plain:
                found += data[skip:]
                skip = max(0, skip - len(data))
                if len(found) >= limit:
                    break
        return bytes(found[:limit])

    call = Call(
        method="GET",
        url=url,
        repeatable=True,
        limits=limits,
        headers=lambda: wish,
        accepts=(416,),
    )
    return await sender.send(call, take)
