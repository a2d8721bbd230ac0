"""MLflow's calls: paths, pages, and what its answers mean that are errors."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ..api.connect import Connection, Limits
from ..api.errors import (
    ConflictError,
    DamagedError,
    DeniedError,
    ModeldeckError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from .wire import Trouble

if TYPE_CHECKING:
    from ..http import Answer

T = TypeVar("T")
API = "/api/2.0/mlflow/"
WORKSPACE = "X-MLFLOW-WORKSPACE"
_VERSION = re.compile(r"(\d+)\.(\d+)")
_MOST_PAGES = 10_000
_KINDS: Mapping[str, type[ModeldeckError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFoundError,
    "NOT_FOUND": NotFoundError,
    "ENDPOINT_NOT_FOUND": NotFoundError,
    "RESOURCE_ALREADY_EXISTS": ConflictError,
    "RESOURCE_CONFLICT": ConflictError,
    "PERMISSION_DENIED": DeniedError,
    "CUSTOMER_UNAUTHORIZED": DeniedError,
    "FEATURE_DISABLED": RefusedError,
    "INVALID_PARAMETER_VALUE": UsageError,
    "INVALID_STATE": RefusedError,
    "BAD_REQUEST": UsageError,
    "MALFORMED_REQUEST": UsageError,
    "INTERNAL_ERROR": UnreachableError,
    "TEMPORARILY_UNAVAILABLE": UnreachableError,
    "REQUEST_LIMIT_EXCEEDED": UnreachableError,
}


def explain(answer: "Answer") -> ModeldeckError | None:
    """The error that an answer is, by its `error_code` and never by its status alone.

    MLflow says 400 for an alias that is not there and for a model that is there already; what
    comes from a guard in front of it, or from Flask, is text or HTML.
    """
    try:
        said = msgspec.json.decode(answer.body, type=Trouble)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _explain_text(answer)
    kind = _KINDS.get(said.error_code)
    if kind is None or not said.message:
        return None
    message = said.message.partition(". See the API docs")[0].strip().rstrip(".")
    return kind(message, where=f"MLflow, {said.error_code}")


def _explain_text(answer: "Answer") -> ModeldeckError | None:
    text = answer.body[:2000].decode("utf-8", "replace")
    if "Invalid Host header" in text:
        return DeniedError(
            "the server does not answer under this host name",
            where=answer.url,
            way_out="Start it with this name in MLFLOW_SERVER_ALLOWED_HOSTS, or use another one",
        )
    if answer.status == 403 and "Permission denied" in text:
        return DeniedError("MLflow's permissions do not allow it", where=answer.url)
    if answer.status in (404, 405):
        return NotFoundError(
            "the server has no such call",
            where=answer.url,
            way_out="The URL may lack its prefix, be no MLflow server, or one that is too old",
        )
    if answer.status == 503 and "serve-artifacts" in text:
        return RefusedError(
            "the server hands no artifacts on",
            where=answer.url,
            way_out="It runs with --no-serve-artifacts",
        )
    if answer.status == 503 and "orkspace" in text:
        return RefusedError(
            "the server has no workspaces",
            where=answer.url,
            way_out="Take `workspace` out of the context",
        )
    return None


class Client:
    """The calls of one server."""

    def __init__(self, connection: Connection) -> None:
        workspace = str(connection.options.get("workspace") or "")
        self.limits = connection.limits
        from ..http import Disk, Http

        disk = None
        if connection.options.get("cache") == "disk" and connection.cache_folder is not None:
            known = connection.credentials
            who = (workspace, known.describe() if known else "")
            disk = Disk(connection.cache_folder, who)
        self.http = Http(
            connection.url,
            headers={WORKSPACE: workspace} if workspace else {},
            credentials=connection.credentials,
            trust=connection.trust,
            limits=connection.limits,
            explain=explain,
            disk=disk,
        )

    @property
    def away(self) -> bool:
        """Whether the server was away at last: one request at a time finds out."""
        return self.http.away

    async def get(
        self, path: str, shape: type[T], /, *, limits: Limits | None = None, **query: object
    ) -> T:
        """Ask with GET; arguments that are None are left out."""
        asked = {key: value for key, value in query.items() if value is not None}
        return await self.http.ask("GET", API + path, shape, query=asked, limits=limits, keep=True)

    async def search(
        self, path: str, shape: type[T], /, *, limits: Limits | None = None, **body: object
    ) -> T:
        """Ask with POST what changes nothing."""
        asked = {key: value for key, value in body.items() if value not in (None, "")}
        return await self.http.ask(
            "POST", API + path, shape, body=asked, repeatable=True, limits=limits, keep=True
        )

    async def send(self, method: str, path: str, body: Mapping[str, Any], shape: type[T]) -> T:
        """Change something: sent once."""
        return await self.http.ask(method, API + path, shape, body=body)

    async def pages(
        self, path: str, shape: type[T], /, *, limits: Limits | None = None, **query: object
    ) -> AsyncIterator[T]:
        """All pages of a list asked for with GET. A token that comes again ends it."""
        seen: set[str] = set()
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self.get(path, shape, limits=limits, page_token=token, **query)
            yield page
            token = getattr(page, "next_page_token", None)
            if not token:
                return
            if token in seen:
                raise DamagedError("the server gave the same page token twice", where=path)
            seen.add(token)

    async def version(self) -> tuple[int, int] | None:
        """The first two numbers of the server's version; None when it does not say."""
        try:
            answer = await self.http.request("GET", "/version")
        except (NotFoundError, DamagedError):
            return None
        found = _VERSION.match(answer.body[:40].decode("utf-8", "replace").strip())
        return (int(found[1]), int(found[2])) if found else None

    async def exists(self, method: str, path: str, shape: type[T], /, **query: object) -> T | None:
        """The answer of a call that a server may not have; None when it does not."""
        try:
            return await self.http.ask(method, path, shape, query=query)
        except (NotFoundError, DeniedError, DamagedError):
            return None


def refused(error: UsageError) -> RefusedError:
    """A change that the server did not take."""
    return RefusedError(error.what, where=error.where, way_out=error.way_out)


def grouped(items: Sequence[T], size: int) -> Sequence[Sequence[T]]:
    """`items` in pieces of at most `size`."""
    return [items[at : at + size] for at in range(0, len(items), size)]
