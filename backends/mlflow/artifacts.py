"""Files of runs, versions and logged models, listed and read through the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from msgspec import structs

from ..api.address import parse_address
from ..api.artifacts import Artifact
from ..api.errors import (
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from ..api.tasks import task_group
from . import mapping, wire
from .client import Client
from .kept import Kept
from .registered import Registered
from .runs import Runs

MOST_FOLDERS = 40
MOST_FILES = 2000
DEEPEST = 12
AT_ONCE = 4
AGE = 30.0
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_LOGGED = "/ajax-api/2.0/mlflow/logged-models"
_SERVED = ("", "file", "mlflow-artifacts", "dbfs")

Listing = Callable[[str, str | None], Awaitable[wire.FilesPage]]
"""A folder and a page's token -> that page, with paths from the root on."""


class Place(NamedTuple):
    """Where a file is asked for: a path of the server's and the arguments."""

    path: str
    query: dict[str, Any]


class Files:
    """The artifacts of one server.

    What is listed is bounded; a folder that is not looked into stands in the list with a `/` at its
    end. Links into other machines stand as one entry, as they do in a store's own folder.
    """

    def __init__(
        self,
        client: Client,
        runs: Runs,
        registered: Registered,
        log: mapping.Trouble,
        *,
        keep: bool,
    ) -> None:
        self._client = client
        self._runs = runs
        self._registered = registered
        self._log = log
        self._age = AGE if keep else 0.0
        self._kept: Kept[Sequence[Artifact]] = Kept(50)
        # A listing that fails is not worth several tries: often the server cannot read its store.
        self._once = structs.replace(client.limits, tries=1)

    def forget(self) -> None:
        """Ask the server the next time."""
        self._kept.clear()

    async def artifacts(self, owner: str) -> Sequence[Artifact]:
        """The files of `runs/ID` or `models/NAME/VERSION`."""
        found = self._kept.get(owner)
        if found is None:
            address = parse_address(owner)
            if address.noun == "runs" and address.name:
                found = await self._of_run(address.name)
            elif address.version is not None:
                found = await self._of_version(address.name, address.version)
            else:
                raise UsageError(f"{owner!r} has no artifacts", way_out="Give a run or a version")
            self._kept.put(owner, found, self._age)
        return found

    async def read(self, owner: str, path: str, start: int, limit: int) -> bytes:
        """A piece of a file."""
        place = await self._place(owner, path)
        async with self._there(owner, path):
            return await self._client.http.fetch(
                place.path, query=place.query, start=start, limit=limit
            )

    async def download(self, owner: str, path: str, target: Path) -> str:
        """A whole file, resumed where it broke off; gives its digest."""
        place = await self._place(owner, path)
        async with self._there(owner, path):
            return await self._client.http.download(place.path, target, query=place.query)

    @asynccontextmanager
    async def _there(self, owner: str, path: str) -> AsyncIterator[None]:
        """MLflow 2 says 500 for a file that is not there: then say that it is not."""
        try:
            yield
        except UnreachableError as error:
            if path in [one.path for one in await self.artifacts(owner)]:
                raise
            raise NotFoundError(f"no artifact {path!r}", where=owner) from error

    async def _place(self, owner: str, path: str) -> Place:
        if not is_safe(path):
            raise RefusedError(f"{path!r} leaves its folder", where=owner)
        address = parse_address(owner)
        for one in self._kept.get(owner) or ():
            if one.path == path and (one.location or "").startswith("models:/m-"):
                model_id, _, rest = (one.location or "")[len("models:/") :].partition("/")
                return Place(
                    f"{_LOGGED}/{quote(model_id, safe='')}/artifacts/files",
                    {"artifact_file_path": rest},
                )
        if address.version is not None:
            source = (await self._registered.item(address.name, address.version)).source or ""
            if source.startswith("runs:/"):
                # The server itself cannot follow that to files that it serves.
                run_id, _, below = source.removeprefix("runs:/").strip("/").partition("/")
                whole = "/".join(part for part in (below, path) if part)
                return Place("/get-artifact", {"run_uuid": run_id, "path": whole})
            return Place(
                "/model-versions/get-artifact",
                {"name": address.name, "version": str(address.version), "path": path},
            )
        return Place("/get-artifact", {"run_uuid": address.name, "path": path})

    async def _of_run(self, run_id: str) -> Sequence[Artifact]:
        item = await self._runs.item(run_id)
        uri = item.info.artifact_uri or ""
        try:
            found = await self._walk(self._run_listing(run_id))
        except (UnreachableError, UsageError):
            if _scheme(uri) in _SERVED:
                raise
            # The server itself has no way to where the files are.
            found = _elsewhere(uri)
        for output in item.outputs.model_outputs:
            found = [*found, *await self._logged_by(output.model_id)]
        return found

    async def _logged_by(self, model_id: str) -> Sequence[Artifact]:
        """The files of a model that a run of 3.x logged, below the name of the model."""
        path = f"logged-models/{quote(model_id, safe='')}"
        try:
            info = (await self._client.get(path, wire.LoggedAnswer)).model.info
            found = await self._logged(model_id)
        except (NotFoundError, UnreachableError):
            return []
        name = info.name or model_id
        return [
            structs.replace(
                one, path=f"{name}/{one.path}", location=f"models:/{model_id}/{one.path}"
            )
            for one in found
        ]

    async def _of_version(self, model: str, number: int) -> Sequence[Artifact]:
        item = await self._registered.item(model, number)
        source = item.source or ""
        model_id = item.model_id or _logged_id(source)
        if model_id:
            return await self._logged(model_id)
        found = await self._of_uri(source, item.run_id)
        if not found:
            answer = await self._client.get(
                "model-versions/get-download-uri",
                wire.UriAnswer,
                name=model,
                version=str(number),
            )
            if answer.artifact_uri and answer.artifact_uri != source:
                found = await self._of_uri(answer.artifact_uri, item.run_id)
        return found

    async def _of_uri(self, uri: str, run_id: str | None) -> Sequence[Artifact]:
        scheme, _, rest = uri.partition(":")
        rest = rest.strip("/")
        if scheme == "runs":
            run_id, _, below = rest.partition("/")
            return await self._walk(self._run_listing(run_id), below)
        path = proxied(uri)
        if path is not None:
            return await self._walk(self._proxy_listing(path))
        if run_id:
            root = (await self._runs.item(run_id)).info.artifact_uri or ""
            if root and uri.startswith(root.rstrip("/") + "/"):
                below = uri[len(root.rstrip("/")) + 1 :].rstrip("/")
                return await self._walk(self._run_listing(run_id), below)
        return _elsewhere(uri)

    async def _logged(self, model_id: str) -> Sequence[Artifact]:
        path = f"logged-models/{quote(model_id, safe='')}/artifacts/directories"

        def listing(folder: str, token: str | None) -> Awaitable[wire.FilesPage]:
            return self._client.get(
                path,
                wire.FilesPage,
                limits=self._once,
                artifact_directory_path=folder or None,
                page_token=token,
            )

        return await self._walk(listing)

    def _run_listing(self, run_id: str) -> Listing:
        def listing(folder: str, token: str | None) -> Awaitable[wire.FilesPage]:
            return self._client.get(
                "artifacts/list",
                wire.FilesPage,
                limits=self._once,
                run_id=run_id,
                path=folder or None,
                page_token=token,
            )

        return listing

    def _proxy_listing(self, root: str) -> Listing:
        """Listings below a path of the server's own store, whose paths begin at the folder."""

        async def listing(folder: str, token: str | None) -> wire.FilesPage:
            path = "/".join(part for part in (root, folder) if part)
            page = await self._client.http.ask(
                "GET", PROXY, wire.FilesPage, query={"path": path}, limits=self._once, keep=True
            )
            below = f"{folder}/" if folder else ""
            files = [structs.replace(one, path=f"{below}{one.path}") for one in page.files]
            return wire.FilesPage(root_uri=f"mlflow-artifacts:/{root}", files=files)

        return listing

    async def _walk(self, listing: Listing, top: str = "") -> Sequence[Artifact]:
        """The files below `top`, named from there on, level by level."""
        if top and not is_safe(top):
            raise RefusedError(f"{top!r} leaves its folder")
        found: dict[str, Artifact] = {}
        folders, asked = [top], 0
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(folder: str) -> tuple[str, list[wire.File]]:
            async with gate:
                return await self._folder(listing, folder)

        for _ in range(DEEPEST):
            level = folders[: max(MOST_FOLDERS - asked, 0)] if len(found) < MOST_FILES else []
            if not level:
                break
            asked += len(level)
            deeper: list[str] = []
            async with task_group() as group:
                looks = [group.create_task(look(folder)) for folder in level]
            for folder, one in zip(level, looks, strict=True):
                root, files = one.result()
                for file in files:
                    if not _is_below(file.path, folder):
                        self._log.add(folder, f"{file.path!r} is left out: it leaves its folder")
                    elif file.is_dir:
                        deeper.append(file.path)
                    else:
                        found[file.path] = mapping.file_of(file, root)
            folders = [*deeper, *folders[len(level) :]]
        left = [Artifact(path=f"{folder}/") for folder in folders if folder != top]
        named = [*found.values(), *left]
        cut = len(top) + 1 if top else 0
        return sorted(
            (structs.replace(one, path=one.path[cut:]) for one in named), key=lambda one: one.path
        )

    async def _folder(self, listing: Listing, folder: str) -> tuple[str, list[wire.File]]:
        files: list[wire.File] = []
        seen: set[str | None] = set()
        token: str | None = None
        root = ""
        while token not in seen and len(files) < MOST_FILES:
            seen.add(token)
            page = await listing(folder, token)
            files.extend(page.files)
            root = page.root_uri or root
            token = page.next_page_token or None
            if token is None:
                return root, files
        return root, [*files[:MOST_FILES], wire.File(path=f"{folder}/ and more".lstrip("/"))]


def is_safe(path: str) -> bool:
    """Whether a path stays below its folder, however often somebody decodes it."""
    for _ in range(3):
        if (
            not path
            or "\\" in path
            or not path.isprintable()
            or PurePosixPath(path).is_absolute()
            or PureWindowsPath(path).is_absolute()
            or ".." in path.split("/")
        ):
            return False
        decoded = unquote(path)
        if decoded == path:
            return True
        path = decoded
    return True


def _is_below(path: str, folder: str) -> bool:
    inside = path.startswith(f"{folder}/") if folder else True
    return inside and all(part not in ("", ".", "..") for part in path.split("/"))


def _elsewhere(uri: str) -> Sequence[Artifact]:
    return [Artifact(path=uri.rstrip("/").rpartition("/")[2] or uri, location=uri)] if uri else []


def proxied(uri: str) -> str | None:
    """The path in the server's own store that a `mlflow-artifacts` URI names; None for another."""
    if _scheme(uri) != "mlflow-artifacts":
        return None
    rest = uri.partition(":")[2]
    if rest.startswith("//"):
        rest = rest[2:].partition("/")[2]
    return rest.strip("/")


def _scheme(uri: str) -> str:
    head, colon, _ = uri.partition(":")
    return head.lower() if colon and len(head) > 1 else ""


def _logged_id(source: str) -> str:
    rest = source.removeprefix("models:/")
    return rest.partition("/")[0] if rest != source and rest.startswith("m-") else ""
