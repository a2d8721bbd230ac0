"""Where the files of runs and versions lie, also when a store was moved with them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from msgspec import Struct, structs

from ..api.address import parse_address
from ..api.artifacts import Artifact
from ..api.errors import NotFoundError, RefusedError, UsageError
from .folders import check_artifact, list_folder, open_below, outside
from .problems import ProblemLog
from .uris import is_file, is_folder, local_path, plain_part, remote_name, scheme_of

MAX_HOPS = 8


PlaceOf = Callable[[str], tuple[str, str] | None]


class ModelLookup(Protocol):
    """What a store knows of its models' whereabouts. None for what is not there."""

    def location(self, name: str, number: int) -> str | None:
        """The URI of a version's files."""

    def aliased(self, name: str, alias: str) -> int | None:
        """The number of the version that an alias names."""

    def logged(self, model_id: str) -> tuple[str, str] | None:
        """A logged model's experiment id and artifact URI."""

    def logged_by(self, run_id: str, name: str) -> str | None:
        """The id of a run's logged model of that name."""


class Place(Struct, frozen=True):
    """A folder on this machine, or else the URI of one elsewhere. Neither: nothing is there."""

    folder: Path | None = None
    remote: str = ""


NOWHERE = Place()


class Places:
    """Artifacts of one store. `home` is the folder that it lies in, `stores` hold its files.

    `place_of` gives a run's experiment id and artifact URI, None when there is no such run.
    """

    def __init__(
        self,
        home: Path,
        stores: tuple[Path, ...],
        place_of: PlaceOf,
        models: ModelLookup,
        log: ProblemLog,
    ) -> None:
        self._home = home
        self._stores = stores
        self._place_of = place_of
        self._models = models
        self._log = log
        self._roots: set[Path] = set()

    def artifacts(self, owner: str) -> list[Artifact]:
        """The files of `runs/ID` or `models/NAME/VERSION`."""
        try:
            place = self._place(owner)
        except RefusedError as error:
            self._log.add(error.where, error.what)
            return []
        if place.remote:
            return [Artifact(path=remote_name(place.remote), location=place.remote)]
        if place.folder is None:
            return []
        self._roots.add(place.folder)
        return list_folder(place.folder, self._log)

    def logged(self, models: Iterable[tuple[str, str]]) -> list[Artifact]:
        """The files of logged models, given by name and id, each below the name of its model."""
        found = []
        for name, model_id in models:
            folder = self._logged(model_id).folder
            if folder is not None:
                self._roots.add(folder)
                files = list_folder(folder, self._log)
                found += [structs.replace(file, path=f"{name}/{file.path}") for file in files]
        return found

    def open(self, artifact: Artifact) -> BinaryIO:
        """The bytes of an artifact: below a folder that was listed, or one of the store's own."""
        path = check_artifact(artifact)
        for root in (path, *path.parents):
            if root in self._roots:
                return open_below(root, path)
        for store in self._stores:
            if path.is_relative_to(store.resolve()):
                return open_below(store.resolve(), path)
        raise outside(str(path))

    def format_of(self, uri: str) -> str:
        """`mlflow` for the URI of a folder here that holds an MLmodel file, else `unknown`."""
        try:
            folder = self._resolve(uri, MAX_HOPS).folder
        except RefusedError:
            return "unknown"
        return "mlflow" if folder is not None and is_file(folder / "MLmodel") else "unknown"

    def _place(self, owner: str) -> Place:
        address = parse_address(owner)
        if address.noun == "runs":
            return self._run(address.name)
        if address.noun != "models" or address.version is None:
            raise UsageError(f"{owner!r} has no artifacts", way_out="Give a run or a version")
        uri = self._models.location(address.name, address.version)
        if uri is None:
            raise NotFoundError(f"no version {owner!r}", where=str(self._home))
        return self._resolve(uri, MAX_HOPS)

    def _run(self, run_id: str) -> Place:
        found = self._place_of(run_id)
        if found is None:
            raise NotFoundError(f"no run {run_id!r}", where=str(self._home))
        experiment, uri = found
        return self._settle(
            uri,
            tails=[
                (experiment, run_id, "artifacts"),
                (".trash", experiment, run_id, "artifacts"),
            ],
            fits=lambda path: path.parts[-2:] == (run_id, "artifacts"),
        )

    def _logged(self, model_id: str) -> Place:
        found = self._models.logged(model_id)
        if found is None:
            return NOWHERE
        experiment, uri = found
        return self._settle(
            uri,
            tails=[
                (experiment, "models", model_id, "artifacts"),
                (".trash", experiment, "models", model_id, "artifacts"),
            ],
            fits=lambda path: path.parts[-2:] == (model_id, "artifacts"),
        )

    def _resolve(self, uri: str, hops: int) -> Place:
        """The place of a version's source, which may name a run, a logged model, a version."""
        scheme = scheme_of(uri)
        if not uri or hops == 0:
            return NOWHERE
        if scheme == "runs":
            run_id, _, rest = uri.split(":", 1)[1].strip("/").partition("/")
            return self._below_run(run_id, rest)
        if scheme == "models":
            rest = uri.split(":", 1)[1].strip("/")
            if rest.startswith("m-") and self._models.logged(rest.partition("/")[0]):
                model_id, _, rest = rest.partition("/")
                return _inner(self._logged(model_id), rest)
            name, _, version = rest.partition("/")
            number = int(version) if version.isdecimal() else None
            if "@" in rest:
                name, _, alias = rest.partition("@")
                number = self._models.aliased(name, alias)
            found = self._models.location(name, number) if number is not None else None
            return self._resolve(found or "", hops - 1)
        return self._settle(
            uri,
            tails=_tails(uri),
            fits=lambda path: is_file(path / "MLmodel") or self._among_stores(path),
        )

    def _below_run(self, run_id: str, rest: str) -> Place:
        if self._place_of(run_id) is None:
            return NOWHERE
        place = _inner(self._run(run_id), rest)
        if place.remote or place.folder is None or not is_folder(place.folder):
            # 3.x keeps a run's model beside the run and not below it.
            name, _, inner = rest.partition("/")
            model_id = self._models.logged_by(run_id, name)
            if model_id is not None:
                return _inner(self._logged(model_id), inner)
        return place

    def _settle(
        self, uri: str, *, tails: list[tuple[str, ...]], fits: Callable[[Path], bool]
    ) -> Place:
        """The folder of `uri`, or the one that moved along with the store.

        A URI may name any folder, so it must look like what it is said to be (`fits`): else a
        store from elsewhere could have any file of this machine listed and copied.
        """
        path = local_path(uri, self._home)
        if path is None and scheme_of(uri) == "mlflow-artifacts":
            tails = [_server_tail(uri), *tails]
        elif path is None:
            return Place(remote=uri)
        elif is_folder(path) or is_file(path):
            folder = path.resolve()
            if not fits(folder):
                raise RefusedError(
                    "is left out: it is no artifact folder of its run or version", where=str(path)
                )
            return Place(folder=folder)
        for tail in tails:
            for store in self._stores:
                if tail and all(map(plain_part, tail)) and is_folder(store.joinpath(*tail)):
                    return _inside(store, store.joinpath(*tail))
        return Place(remote=uri) if path is None else NOWHERE

    def _among_stores(self, path: Path) -> bool:
        return any(path.is_relative_to(store.resolve()) for store in self._stores)


def _inside(store: Path, path: Path) -> Place:
    folder = path.resolve()
    if not folder.is_relative_to(store.resolve()):
        raise outside(str(path))
    return Place(folder=folder)


def _inner(place: Place, rest: str) -> Place:
    """The place of `rest` below another one."""
    parts = [part for part in rest.split("/") if part]
    if not parts:
        return place
    if not all(map(plain_part, parts)):
        raise outside(rest)
    if place.remote:
        return Place(remote="/".join([place.remote.rstrip("/"), *parts]))
    return NOWHERE if place.folder is None else _inside(place.folder, place.folder.joinpath(*parts))


def _tails(uri: str) -> list[tuple[str, ...]]:
    """The ends of a path that a folder of artifacts may have below `mlruns` or `mlartifacts`."""
    parts = tuple(part for part in uri.split("/") if part)
    for place, part in enumerate(parts):
        if part in ("mlruns", "mlartifacts"):
            return [parts[place + 1 :]]
    return []


def _server_tail(uri: str) -> tuple[str, ...]:
    """What follows the host in a URI of MLflow's artifact server."""
    rest = uri.split(":", 1)[1]
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return tuple(part for part in rest.split("/") if part)
