"""An MLflow server looked at for `modeldeck doctor`: a few light reads, timed."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from msgspec import structs

from ..api.checkup import Finding, Weight, clock_finding
from ..api.errors import DamagedError, ModeldeckError, NotFoundError, UnreachableError
from . import wire
from .client import Client
from .permits import Grants, user_of

if TYPE_CHECKING:
    from ..http import Disk, Http

TESTED = "2.22 and 3.x"
TIMES, READS = 3, 2
"""How often the lightest calls are made, and a list: eight requests in all."""
SLOW = 1.0
DEAR = 0.1
"""Seconds of a call, and of its credentials alone, from which something should be done."""
_SHOWN = 6
_VERSION = re.compile(r"(\d+)\.(\d+)[\w.+-]{0,40}")


class _Clock:
    """How far the server's clock is from ours, by the answer that came straightest."""

    def __init__(self) -> None:
        self.skew: timedelta | None = None

    def read(self, http: "Http") -> None:
        if http.skew is not None and (self.skew is None or abs(http.skew) < abs(self.skew)):
            self.skew = http.skew


async def look(
    client: Client, bare: "Http", header: Callable[[], Awaitable[str | None]]
) -> AsyncIterator[Finding]:
    """What `client` meets. `bare` speaks to the same server without saying who we are."""
    limits = structs.replace(client.limits, tries=2, total=2 * client.limits.deadline)
    clock, said = _Clock(), ""
    health: list[float] = []
    version: list[float] = []
    is_open = has_version = True
    for _ in range(TIMES):
        if is_open:
            try:
                health.append((await bare.request("GET", "/health", limits=limits)).seconds)
            except UnreachableError:
                raise
            except ModeldeckError:
                is_open = False
            clock.read(bare)
        if has_version:
            try:
                answer = await client.http.request("GET", "/version", limits=limits)
            except (NotFoundError, DamagedError):
                has_version = False
            else:
                version.append(answer.seconds)
                said = answer.body[:60].decode("utf-8", "replace").strip()
            clock.read(client.http)
    yield clock_finding(clock.skew)
    lists: list[float] = []
    for _ in range(READS):
        begun = time.monotonic()
        await client.get("experiments/search", wire.ExperimentsPage, limits=limits, max_results=1)
        lists.append(time.monotonic() - begun)
    yield version_finding(said)
    yield latency({"version": version, "experiments/search": lists})
    yield cost(health, version or lists, await header())


def version_finding(said: str) -> Finding:
    """Whether this is a server that we are tested on."""
    found = _VERSION.fullmatch(said)
    if found is None:
        return Finding(
            weight=Weight.DOUBTFUL,
            where="server",
            what="does not say its version",
            way_out=f"modeldeck is tested on MLflow {TESTED}",
        )
    number = int(found[1]), int(found[2])
    if number == (2, 22) or number[0] == 3:
        return Finding(weight=Weight.NOTE, where="server", what=f"MLflow {said}")
    old = number < (2, 22)
    return Finding(
        weight=Weight.DOUBTFUL,
        where="server",
        what=f"MLflow {said}: modeldeck is tested on {TESTED}",
        way_out="Update the server" if old else "Look whether there is a newer modeldeck",
    )


def latency(calls: dict[str, list[float]]) -> Finding:
    """How long calls take."""
    medians = {name: median(times) for name, times in calls.items() if times}
    shows = ", ".join(f"{name} {_ms(seconds)}" for name, seconds in medians.items())
    if max(medians.values()) < SLOW:
        return Finding(weight=Weight.NOTE, where="latency", what=shows)
    return Finding(
        weight=Weight.DOUBTFUL,
        where="latency",
        what=shows,
        way_out="Look for what is slow: the server, its database, a proxy, the network",
    )


def cost(health: Sequence[float], known: Sequence[float], header: str | None) -> Finding:
    """How much longer a call takes that says who we are than one that anybody may make."""
    where = "cost of auth"
    if header is None:
        return Finding(weight=Weight.NOTE, where=where, what="none: no credentials are sent")
    if not health:
        what = "not known: /health does not answer without them"
        return Finding(weight=Weight.NOTE, where=where, what=what)
    extra = max(0.0, median(known) - median(health))
    what = f"{_ms(extra)} a call"
    if extra <= DEAR:
        return Finding(weight=Weight.NOTE, where=where, what=what)
    way_out = "Ask whoever runs what checks the token in front of it"
    if header.lower().startswith("basic "):
        way_out = (
            "MLflow hashes the password each time: set auth_cache_ttl_seconds = 60 in the file"
            " that its MLFLOW_AUTH_CONFIG_PATH names"
        )
    return Finding(weight=Weight.DOUBTFUL, where=where, what=what, way_out=way_out)


def who(header: str | None, grants: Grants | None) -> Finding:
    """Who we are there, and what we were given, as far as the server tells."""
    return Finding(weight=Weight.NOTE, where="permissions", what=_who(header, grants))


def kept(disk: "Disk") -> Finding:
    """What of its answers lies on this machine."""
    count, size = disk.held()
    what = f"{count:,} answers are kept in {disk.folder}, {size / (1 << 20):.1f} MiB"
    return Finding(weight=Weight.NOTE, where="cache", what=what)


def _who(header: str | None, grants: Grants | None) -> str:
    if header is None:
        return "nobody in particular: the server asks for no credentials"
    user = user_of(header)
    if user is None:
        return "the owner of a token; MLflow does not tell whose"
    if grants is None:
        return f"{user}, if the server looks at that: it tells of no permissions"
    if grants.is_admin:
        return f"{user}, an administrator"
    given = [*_given(grants)]
    more = f", and {len(given) - _SHOWN} more" if len(given) > _SHOWN else ""
    words = ", ".join(given[:_SHOWN]) or "no permission of their own"
    return f"{user}: {words}{more}; else what everybody may"


def _given(grants: Grants) -> Iterator[str]:
    for one in grants.permissions:
        kind = "model" if one.resource_type == "registered_model" else one.resource_type
        yield f"{one.permission} on {kind} {one.resource_pattern}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
