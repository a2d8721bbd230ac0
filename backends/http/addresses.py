"""Addresses: which are taken, how they are put together, and what of them may be shown."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urljoin, urlsplit

from ..api.errors import UsageError

MASK = "***"
PORTS = {"http": 80, "https": 443}
_SECRET = re.compile(
    r"token|passw|pwd|secret|signature|^sig$|credential|auth|session|jwt|key", re.IGNORECASE
)
_PLAIN = {"metric_key", "param_key", "tag_key"}
_BAD = re.compile(r"[\x00-\x20\x7f\\?#]|[^\x00-\x7f]")


def shown(url: str) -> str:
    """`url` without user, password and fragment; values that could be secrets are masked."""
    head, _, query = url.partition("#")[0].partition("?")
    scheme, colon, rest = head.partition("://")
    if colon:
        host, slash, path = rest.partition("/")
        head = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    return f"{head}?{'&'.join(map(_masked, query.split('&')))}" if query else head


def on_this_machine(host: str) -> bool:
    """Whether what is said to `host` stays here."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _masked(pair: str) -> str:
    name, equals, value = pair.partition("=")
    plain = unquote_plus(name)
    if value and plain not in _PLAIN and _SECRET.search(plain):
        return f"{name}{equals}{MASK}"
    return pair


def checked_base(base: str) -> str:
    """`base` without slashes at its end, or `UsageError`: an address that is not to be asked."""
    where = shown(base)
    try:
        parts = urlsplit(base.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("this is no address", where=where) from None
    if parts.scheme not in PORTS:
        raise UsageError(
            "only http:// and https:// are spoken",
            where=where,
            way_out="Begin the address of the server with https://",
        )
    if not host or _BAD.search(parts.path) or re.search(r"[\s\\]", parts.netloc):
        raise UsageError(
            "this is no address of a server",
            where=where,
            way_out="Write https://HOST[:PORT][/PATH]",
        )
    if "@" in parts.netloc:
        raise UsageError(
            "a user name or password stands in the address, where others can read it",
            where=where,
            way_out="Leave it out and store it with `modeldeck login`",
        )
    if parts.query or parts.fragment:
        raise UsageError(
            "the address has more than host and path",
            where=where,
            way_out="Leave out what follows ? or #",
        )
    if _link_local(host):
        raise UsageError(
            "link-local addresses are not asked: cloud machines answer there with their secrets",
            where=where,
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_link_local
    except ValueError:
        return False


def joined(base: str, path: str, query: Mapping[str, object] | None) -> str:
    """The address of `path` (percent-encoded, it begins with /) below `base`."""
    steps = [unquote(step) for step in path.split("/")]
    if not path.startswith("/") or path.startswith("//") or _BAD.search(path):
        raise UsageError("this is no path on a server", where=shown(path))
    if any(step in (".", "..") for step in steps):
        raise UsageError("a path with . or .. in it is not asked for", where=shown(path))
    pairs = [
        f"{quote(name, safe='')}={quote(_word(value), safe='')}"
        for name, values in (query or {}).items()
        for value in _each(values)
        if value is not None
    ]
    return base + path + ("?" + "&".join(pairs) if pairs else "")


def _each(value: object) -> Sequence[object]:
    many = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return value if many else (value,)  # type: ignore[return-value]  # narrowed by `many`


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what has no origin that can be trusted to be read alike."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    odd = "@" in parts.netloc or re.search(r"[\s\\\x00-\x1f]", url)
    return None if odd or not parts.hostname else (parts.scheme, parts.hostname, port)


def followed(url: str, location: str) -> str | None:
    """Where a redirect from `url` leads within its origin, None when it leads out of it.

    Host and port are ours again: only path and query are taken from what the server said.
    """
    try:
        target = urljoin(url, location)
        here, there = urlsplit(url), urlsplit(target)
    except ValueError:
        return None
    if origin(target) is None or origin(target) != origin(url):
        return None
    return SplitResult(here.scheme, here.netloc, there.path or "/", there.query, "").geturl()
