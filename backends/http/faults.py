"""What can go wrong on the way to a server, in words that say what to do about it."""

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import httpx

_EXPIRED, _NOT_YET = 10, 9
_SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_FIRST = 18, 19, 20, 21
_WRONG_HOST, _WRONG_ADDRESS = 62, 64


class Fault(Struct, frozen=True, kw_only=True):
    """Why there is no answer: `kind` for the log, `what` and `way_out` for people.

    `again` says whether the next try may well succeed.
    """

    kind: str
    what: str
    way_out: str = ""
    again: bool = True


class Progress:
    """How far a try has come, as httpcore tells it step by step."""

    def __init__(self) -> None:
        self.sent = False
        self._raw: Any = None

    async def trace(self, name: str, info: dict[str, Any]) -> None:
        """Take the name of a step; a CONNECT to a proxy sends nothing of ours yet."""
        if name.endswith("connect_tcp.complete"):
            self._raw = info["return_value"]
        elif name.endswith("send_request_headers.started") and (
            info["request"].method != b"CONNECT"
        ):
            self.sent = True
            self._raw = None

    async def abandon(self) -> None:
        """Close a connection that was given up before it was one: httpcore forgets to."""
        raw, self._raw = self._raw, None
        if raw is not None:
            await raw.aclose()


def slow(seconds: float, progress: Progress, received: int, *, patient: bool) -> Fault:
    """The deadline of a try is over."""
    time = f"{seconds:.3g} s"
    if not progress.sent:
        return Fault(
            kind="timeout connecting",
            what=f"no connection within {time}",
            way_out="Check address, port, proxy and firewall",
        )
    if patient:
        what = f"next to nothing came or went for {time}"
    elif received:
        what = f"the answer was not complete after {time} ({received:,} bytes of it came)"
    else:
        what = f"no answer within {time}"
    return Fault(
        kind="timeout", what=what, way_out="The server is busy, or `deadline` of the context short"
    )


def fault(problem: "httpx.TransportError", proxy: str, *, secure: bool) -> Fault:
    """The fault behind an exception of httpx; `proxy` is what may be shown of the one between."""
    import httpx

    causes = list(_causes(problem))
    text = str(problem)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _distrust(cause)
        if isinstance(cause, ssl.SSLError):
            return _tls(cause)
        if isinstance(cause, socket.gaierror):
            return _nameless(cause, proxy)
    if isinstance(problem, httpx.ProxyError):
        return Fault(
            kind="proxy",
            what=f"the proxy {proxy} refused to connect us ({text[:80]})",
            way_out="HTTPS_PROXY may hold user and password; a `proxy` of the context may not",
            again=False,
        )
    if isinstance(problem, httpx.ConnectError):
        return _unconnected(causes, proxy)
    if isinstance(problem, httpx.RemoteProtocolError):
        return _protocol(text)
    if isinstance(problem, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return Fault(kind="not sendable", what="the request cannot be written as HTTP", again=False)
    if isinstance(problem, httpx.TimeoutException):
        return Fault(kind="timeout", what="no answer in time")
    return Fault(
        kind="connection lost",
        what="the connection was lost before the answer was whole",
        # Many servers hang up on those who show no certificate.
        way_out=("If it wants a certificate of ours, set `client_cert` and `client_key`" * secure),
    )


def _causes(problem: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo: list[BaseException | None] = [problem]
    while todo:
        cause = todo.pop(0)
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        todo += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            todo += cause.exceptions


def _distrust(cause: ssl.SSLCertVerificationError) -> Fault:
    code = cause.verify_code
    if code in (_EXPIRED, _NOT_YET):
        state = "has expired" if code == _EXPIRED else "is not valid yet"
        return Fault(
            kind="TLS: certificate " + state.removeprefix("has "),
            what=f"the server's certificate {state}",
            way_out="Have it renewed, and check the clock of this machine",
            again=False,
        )
    if code in (_WRONG_HOST, _WRONG_ADDRESS):
        return Fault(
            kind="TLS: wrong host",
            what="the server's certificate is made out to another host name",
            way_out="Use the name that it is made out to; else somebody may stand in between",
            again=False,
        )
    if code in (_SELF_SIGNED, _SELF_SIGNED_CHAIN, _NO_ISSUER, _NO_FIRST):
        own = "self-signed" if code == _SELF_SIGNED else "signed by nobody we trust"
        return Fault(
            kind=f"TLS: {own}",
            what=f"the server's certificate is {own}",
            way_out="If it is your own, set `ca_file` of the context to the CA's certificate (PEM)",
            again=False,
        )
    return Fault(
        kind="TLS: not trusted",
        what=f"the server's certificate is not to be trusted ({cause.verify_message})",
        again=False,
    )


def _tls(cause: ssl.SSLError) -> Fault:
    reason = cause.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        way_out = "It seems to speak no TLS there: the address may have to begin with http://"
    else:
        way_out = (
            "It may want a certificate of ours (`client_cert` and `client_key` of the context), "
            "or speak other versions of TLS"
        )
    words = f" ({reason.replace('_', ' ').lower()})" if reason else ""
    return Fault(kind="TLS", what=f"no TLS connection{words}", way_out=way_out, again=False)


def _nameless(cause: socket.gaierror, proxy: str) -> Fault:
    whose = f"the proxy {proxy}" if proxy else "the server"
    if cause.errno == socket.EAI_AGAIN:
        return Fault(
            kind="DNS failure",
            what=f"no name server could say where {whose} is",
            way_out="Check the network, and the name in the address",
        )
    return Fault(
        kind="no such host",
        what=f"no such host: {whose} has no address under that name",
        way_out="Check the name in the address, and whether a VPN is needed",
        again=False,
    )


def _unconnected(causes: list[BaseException], proxy: str) -> Fault:
    whom = f"the proxy {proxy}" if proxy else "the server"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Fault(
            kind="refused",
            what=f"{whom} refused the connection: nothing listens there",
            way_out="Check host and port, and whether it runs",
        )
    return Fault(
        kind="no connection",
        what=f"no connection to {whom}",
        way_out="Check address, port, proxy and firewall",
    )


def _protocol(text: str) -> Fault:
    lower = text.lower()
    if "without sending complete" in lower or "incomplete" in lower:
        return Fault(kind="truncated", what="the connection ended in the middle of the answer")
    if "disconnected without" in lower:
        return Fault(kind="dropped", what="the connection was closed without an answer")
    if "too long" in lower:
        return Fault(
            kind="huge headers",
            what="the answer has more headers than the 100 KB that are taken",
            way_out="Another service may answer there: check the address",
            again=False,
        )
    return Fault(
        kind="no HTTP",
        what="what came is no HTTP",
        way_out="Another service may answer there: check address and port",
        again=False,
    )
