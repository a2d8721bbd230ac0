"""The connections of a context: whom they trust, and how they get there.

The transport of httpx without its client, which would build the next request of a redirect, keep
cookies and log whole addresses.
"""

import ssl
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from ..api.connect import Trust
from ..api.errors import UsageError
from .addresses import on_this_machine, shown

if TYPE_CHECKING:
    import httpx

KEEP = 4.0  # seconds; uvicorn closes idle connections after 5


def proxy_for(base: str, trust: Trust) -> str:
    """The proxy on the way to `base`: the context's own, else the environment's; empty for none.

    A server on this machine is never asked through a proxy that only the environment names.
    """
    if trust.proxy:
        return trust.proxy if "://" in trust.proxy else f"http://{trust.proxy}"
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(base)
    host = parts.hostname or ""
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not found or on_this_machine(host) or proxy_bypass(parts.netloc):
        return ""
    return found if "://" in found else f"http://{found}"


def make_transport(base: str, trust: Trust, proxy: str, most: int) -> "httpx.AsyncHTTPTransport":
    """At most `most` connections to `base`, which stay open between requests."""
    import logging

    import httpx

    # It would write the headers of answers wherever a root logger writes.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    secure = base.startswith("https://") or proxy.startswith("https://")
    context = tls(trust) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncHTTPTransport(
        verify=context,
        trust_env=False,
        limits=httpx.Limits(
            max_connections=most, max_keepalive_connections=most, keepalive_expiry=KEEP
        ),
        proxy=_proxy(proxy, context) if proxy else None,
    )


def _proxy(address: str, context: ssl.SSLContext) -> "httpx.Proxy":
    import importlib.util

    import httpx

    scheme = address.partition("://")[0].lower()
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise UsageError(
            "a SOCKS proxy needs the Python package socksio",
            where=shown(address),
            way_out="Install it beside modeldeck (httpx[socks]), or use an HTTP proxy",
        )
    try:
        return httpx.Proxy(address, ssl_context=context if scheme == "https" else None)
    except (ValueError, httpx.InvalidURL):
        raise UsageError(
            "this is no proxy's address",
            where=shown(address),
            way_out="Write http://HOST:PORT as `proxy` of the context",
        ) from None


def tls(trust: Trust) -> ssl.SSLContext:
    """Whom `trust` believes: the CA file alone where there is one, else the system's store."""
    if not trust.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif trust.ca_file:
        try:
            context = ssl.create_default_context(cafile=trust.ca_file)
        except OSError as problem:  # ssl.SSLError is one
            raise _unusable("ca_file", trust.ca_file, problem) from None
    else:
        context = ssl.create_default_context()
        paths = ssl.get_default_verify_paths()
        if not (paths.cafile or paths.capath):  # a Python that brings no store
            import certifi

            context.load_verify_locations(certifi.where())
    if trust.client_cert:
        try:
            context.load_cert_chain(trust.client_cert, trust.client_key or None, password=_no_words)
        except (OSError, _LockedError) as problem:
            name = trust.client_key or trust.client_cert
            raise _unusable("client_cert", name, problem) from None
    return context


class _LockedError(Exception):
    """A key file wants a passphrase, for which OpenSSL would ask at the terminal."""


def _no_words() -> NoReturn:
    raise _LockedError


def _unusable(setting: str, path: str, problem: Exception) -> UsageError:
    if isinstance(problem, _LockedError):
        what = "the key is locked with a passphrase, and there is nobody to ask"
        way_out = f"Set `client_key` to a key of mode 0600 without one (`{setting}` of the context)"
    elif isinstance(problem, ssl.SSLError):
        what = "this holds no usable certificate and key in PEM"
        way_out = f"Set `{setting}` of the context to a PEM file"
    else:
        what = f"cannot be read: {getattr(problem, 'strerror', None) or 'unknown reason'}"
        way_out = f"Check `{setting}` of the context"
    return UsageError(what, where=path, way_out=way_out)
