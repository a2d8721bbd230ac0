"""Answers, and what those mean that are not the ones that were hoped for."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from ..api.errors import (
    ConflictError,
    DamagedError,
    DeniedError,
    ModeldeckError,
    NotFoundError,
    UnreachableError,
    UsageError,
)
from .addresses import origin, shown

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
OUT = frozenset({502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOGIN = re.compile(
    r"(^|[/._-])(log[-_]?in|sign[-_]?in|oauth2?|sso|saml2?|auth|authorize)([/._-]|$)", re.IGNORECASE
)


class Answer(Struct, frozen=True):
    """What a server answered. Header names are in lower case; `url` may be shown."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    url: str


Explain = Callable[[Answer], ModeldeckError | None]
"""An adapter's reading of an answer that is not 2xx; None leaves it to the client's own words.

What it explains by anything but an `UnreachableError` is final: it is not asked again."""


def is_html(answer: Answer) -> bool:
    """Whether a page for people came."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"text/html", "application/xhtml+xml"} or (
        not kind and answer.body.lstrip()[:1] == b"<"
    )


def check_json(answer: Answer) -> None:
    """Raise `DamagedError` for an answer that does not say that it is JSON."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if is_html(answer):
        raise DamagedError(
            "an HTML page came instead of data: a login page or another service answers there",
            where=answer.url,
            way_out="Look at the address in a browser, and check its path and how to log in",
        )
    if kind and kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise DamagedError(
            f"{kind[:80]} came instead of JSON: another service may answer there",
            where=answer.url,
            way_out="Check the address of the server",
        )


def own_words(answer: Answer, method: str, account: str, now: datetime) -> ModeldeckError:
    """The error for an answer that is not 2xx and that nobody explained better."""
    status, where = answer.status, answer.url
    if status in REDIRECTS:
        return _elsewhere(answer, method)
    if status == 401:
        return _unknown(answer, account)
    if status == 403:
        return _forbidden(answer, account)
    if status == 404:
        way_out = ""
        if is_html(answer):
            way_out = "Its answer is a page for people: check the path in the server's address"
        return NotFoundError("the server knows nothing by that name", where=where, way_out=way_out)
    if status == 407:
        return DeniedError(
            "the proxy wants to know who we are",
            where=where,
            way_out="HTTPS_PROXY may hold user and password; a `proxy` of the context may not",
        )
    if status in (409, 412):
        return ConflictError(
            "the server refused: it is not as we last saw it", where=where, way_out="Look again"
        )
    if status in AGAIN or status >= 500:
        pause = retry_after(answer, now)
        way_out = "Try again later"
        if pause:
            way_out = f"It asks to wait {pause:.0f} s" if pause < 1e8 else "It asks to wait forever"
        return UnreachableError(
            f"the server answered {words(status)}", where=where, way_out=way_out
        )
    return UsageError(f"the server answered {words(status)}", where=where)


def words(status: int) -> str:
    """The number of a status, with its name where it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _unknown(answer: Answer, account: str) -> DeniedError:
    scheme = answer.headers.get("www-authenticate", "").partition(" ")[0]
    asks = f" (it asks for {scheme})" if re.fullmatch(r"[A-Za-z]{1,20}", scheme) else ""
    if account:
        return DeniedError(
            f"the server does not take our credentials{asks}",
            where=answer.url,
            way_out=f"They come from {account}. `modeldeck login` stores others",
        )
    return DeniedError(
        f"the server wants to know who we are{asks}",
        where=answer.url,
        way_out="`modeldeck login` stores credentials",
    )


def _forbidden(answer: Answer, account: str) -> DeniedError:
    if answer.body[:200].lower().startswith(b"invalid host header"):
        host = urlsplit(answer.url).hostname or ""
        return DeniedError(
            f"the server does not answer to the name {host} (its guard against DNS rebinding)",
            where=answer.url,
            way_out="Have its --allowed-hosts (MLFLOW_SERVER_ALLOWED_HOSTS) name it, "
            "or use a name that it knows",
        )
    return DeniedError(
        "we may not do this there",
        where=answer.url,
        way_out=f"We are known by {account}" if account else "`modeldeck login` stores credentials",
    )


def _elsewhere(answer: Answer, method: str) -> ModeldeckError:
    location = answer.headers.get("location", "")
    try:
        target = urljoin(answer.url, location)
        path = urlsplit(target).path
    except ValueError:
        target = path = ""
    there = origin(target)
    if there is None:
        return UsageError("the server redirects to no address", where=answer.url)
    if _LOGIN.search(path) or _LOGIN.search(there[1]):
        return DeniedError(
            f"the server sends us to a login page, {shown(target).partition('?')[0]}",
            where=answer.url,
            way_out="It is behind a sign-on for browsers: use an address or a token for programs",
        )
    if there != origin(answer.url):
        return UsageError(
            f"the server sends us to {there[0]}://{urlsplit(shown(target)).netloc}, "
            "and nobody is followed to another place",
            where=answer.url,
            way_out="If that is the server, make it the address of the context",
        )
    if method in ("GET", "HEAD"):
        return UsageError("the server redirects in circles", where=answer.url)
    return UsageError(
        f"the server redirects a {method}, which is not sent twice",
        where=answer.url,
        way_out=f"Make {shown(target).partition('?')[0]} the address if it is the server",
    )


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that the server asks us to wait; 0 for a date in the past, None for junk.

    A date is measured by the server's own clock where it says what that is.
    """
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text) if len(text) < 10 else float("inf")
    moment = http_date(text)
    if moment is None:
        return None
    server = http_date(answer.headers.get("date", "")) or now
    return max(0.0, (moment - server).total_seconds())


def http_date(text: str) -> datetime | None:
    """The moment that a header names; None for junk."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
