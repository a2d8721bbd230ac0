"""The certificate that a server shows, looked at before anything is said to it."""

import asyncio
import ssl
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import structs

from ..api.connect import Trust
from ..api.errors import UnreachableError
from .addresses import PORTS, checked_base, shown
from .transport import proxy_for, tls


async def certificate_end(base: str, trust: Trust, seconds: float) -> datetime | None:
    """When it ends, whoever signed it; None where there is none to see from here.

    That is over plain http, and behind a proxy. Nothing is sent but the handshake.
    """
    parts = urlsplit(checked_base(base))
    if parts.scheme != "https" or proxy_for(base, trust):
        return None
    context = tls(structs.replace(trust, verify=False))
    port = parts.port or PORTS["https"]
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
    except (OSError, TimeoutError) as problem:
        words = "no handshake in time" if isinstance(problem, TimeoutError) else "no handshake"
        raise UnreachableError(
            f"the certificate cannot be seen: {words}", where=shown(base)
        ) from None
    try:
        seen: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return _end(seen.getpeercert(binary_form=True), base)
    finally:
        writer.transport.abort()


def _end(certificate: bytes | None, base: str) -> datetime:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(certificate or b"").not_valid_after_utc
    except ValueError:
        raise UnreachableError("the certificate cannot be read", where=shown(base)) from None
