"""What `modeldeck doctor` looks at where a context is a server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from modeldeck.backends.api import address
from modeldeck.backends.api.checkup import Checked
from modeldeck.backends.api.errors import DeniedError, ModeldeckError
from modeldeck.backends.api.models import Alias
from modeldeck.backends.http.addresses import on_this_machine
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.files import Layout, locate

from .config.contexts import LOCAL, Slot, expanded
from .config.settings import read_settings
from .examine_files import file_findings, finding_of
from .remote import find_context, records_folder, trust_of
from .usecases.agreement import left_open, moved_aliases, pointed_at
from .usecases.allowed import allowed, refusals
from .usecases.findings import Finding, bad, doubtful, good
from .usecases.session import Session

PATIENCE = 30.0
"""Seconds that the server has for each part of the look."""
_HANDSHAKE = 5.0
_ENDING = timedelta(days=30)
_SHOWN = 3


async def server_findings(session: Session) -> AsyncIterator[Finding]:
    """The server of `session`, the way to it, the records of it, and whether both agree.

    Raises nothing: what fails is a finding. Each part of it is bounded in time and requests.
    """
    away: Finding | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            async for found in _checkup(session):
                yield found
    except TimeoutError:
        away = bad(
            "server",
            f"did not say within {PATIENCE:.0f} s what it was asked",
            "Try again when it is less busy",
        )
    except ModeldeckError as error:
        away = _failed(error)
    if away is not None:
        yield away
    async for found in _way(session.context, away is not None):
        yield found
    if away is None:
        try:
            async with asyncio.timeout(PATIENCE):
                aliases = await session.registry.aliases()
            for found in [
                *_permissions(session, aliases),
                *await moved_aliases(session, aliases),
                *await pointed_at(session, aliases, PATIENCE),
            ]:
                yield found
        except TimeoutError:
            yield bad("aliases", f"could not be read within {PATIENCE:.0f} s")
        except ModeldeckError as error:
            yield _failed(error, "aliases")
    async for found in _records(session):
        yield found


async def _checkup(session: Session) -> AsyncIterator[Finding]:
    registry: Any = session.registry
    server = getattr(registry, "server", registry)
    if isinstance(server, Checked):
        async for one in server.checkup():
            yield finding_of(one, one.where, one.what)
    else:
        await server.models()
        yield good("server", f"{registry.name} answers")


def _failed(error: ModeldeckError, about: str = "server") -> Finding:
    if isinstance(error, DeniedError):
        about = "permissions"
    where = f"{error.where}: " if error.where else ""
    way_out = error.way_out or "`modeldeck context test` tries again, `context edit` mends it"
    return bad(about, f"{where}{error.what}", way_out)


async def _way(name: str, away: bool) -> AsyncIterator[Finding]:
    """TLS. What is wrong with the settings of it is said where contexts are looked at."""
    context, _ = find_context(name, read_settings())
    slot = context.registry or Slot()
    parts = urlsplit(slot.url)
    if parts.scheme == "http" and on_this_machine(parts.hostname or ""):
        yield good("tls", "none: plain http does not leave this machine")
    if parts.scheme != "https":
        return
    from modeldeck.backends.http.certificate import certificate_end

    try:
        end = await certificate_end(slot.url, trust_of(slot), _HANDSHAKE)
    except ModeldeckError as error:
        if not away:  # else it is the same trouble once more
            yield doubtful("tls", error.what, error.way_out)
        return
    yield _certificate(end, datetime.now(UTC))


def _certificate(end: datetime | None, now: datetime) -> Finding:
    if end is None:
        return good("tls", "https, through a proxy: the certificate is not seen from here")
    left = end - now
    until = f"{end:%Y-%m-%d %H:%M} UTC"
    if left < timedelta():
        return bad("tls", f"the server's certificate ended {until}", "Renew it on the server")
    shows = f"https, the certificate is good until {until}"
    if left < _ENDING:
        return doubtful("tls", f"{shows}: {left.days} days more", "Renew it on the server")
    return good("tls", shows)


def _permissions(session: Session, aliases: Sequence[Alias]) -> Sequence[Finding]:
    about = "permissions"
    may = allowed(session)
    found = [good(about, one) for one in may.words]
    if may.can:
        found.insert(0, good(about, f"may be done: {', '.join(may.can)}"))
    elif not session.readonly:
        found = [doubtful(about, f"nothing may be done: {'; '.join(may.withheld)}")]
    models = sorted({one.model for one in aliases})
    kept = refusals(session, "alias.set", [address.model(one) for one in models])
    reasons = list(dict.fromkeys(kept.values()))
    found.extend(good(about, f"no alias.set: {reason}") for reason in reasons[:_SHOWN])
    if len(reasons) > _SHOWN:
        words = f"of {len(models)} models with aliases, those of {len(kept)} cannot be moved by us"
        found.append(good(about, words))
    return found


async def _records(session: Session) -> AsyncIterator[Finding]:
    """Where it is written down what is done there: needs no server."""
    try:
        for found in await left_open(session):
            yield found
    except ModeldeckError as error:
        yield _failed(error, "changes")
    records = getattr(session.registry, "records", None)
    if isinstance(records, LocalBackend):
        yield good("records", str(records.layout.database))
        for found in await file_findings(records.layout, "records"):
            yield found


async def records_findings(name: str) -> Sequence[Finding]:
    """The records of a context that cannot be opened, where there are any."""
    try:
        context, _ = find_context(name, read_settings())
        slot = context.records if context.records and context.records.type == LOCAL else None
        folder = expanded(slot.path) if slot else records_folder(name)
        return await file_findings(Layout(locate(folder)), "records")
    except (ModeldeckError, OSError):
        return []
