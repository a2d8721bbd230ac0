"""What lies at a path: a registry of ours, what another tracker wrote, or several of them."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ..api.errors import DamagedError, ModeldeckError, NotFoundError
from ..api.ingest import Source
from . import mlflow_db, mlruns, tensorboard, trackio, wandb
from .mlflow_db import MlflowDb
from .mlruns import Mlruns
from .problems import ProblemLog
from .sqlite import Database, check_header, unreadable
from .tensorboard import TensorBoard
from .trackio import Trackio
from .uris import is_file, is_folder
from .wandb import Wandb

REGISTRY = "modeldeck"
SNAPSHOT = "snapshot"
# The application id of a registry, and the tables that tell one that lost it.
_REGISTRY_ID = 0x6D64636B
_REGISTRY_TABLES = frozenset(("origin", "run", "key", "metric", "audit", "audit_payload"))
_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_LOOK_AT = 1000
_ZIP = b"PK\3\4"
_WAY_OUT = (
    "Give the path of a modeldeck registry, an mlflow.db, an mlruns or wandb folder,"
    " TensorBoard logs or a trackio database"
)
_SOURCES: Mapping[str, Callable[[Path], Source]] = {
    mlflow_db.KIND: MlflowDb,
    mlruns.KIND: Mlruns,
    wandb.KIND: Wandb,
    tensorboard.KIND: TensorBoard,
    trackio.KIND: Trackio,
}


class Candidate(Struct, frozen=True):
    """Something that can be opened.

    `kind` is `modeldeck`, `snapshot`, `mlflow-db`, `mlruns`, `wandb`, `tensorboard` or `trackio`.
    """

    kind: str
    path: Path

    def open(self) -> Source:
        """A source over it. A registry of ours is none, nor a snapshot: a backend opens those."""
        if self.kind in _SOURCES:
            return _SOURCES[self.kind](self.path)
        raise DamagedError(
            f"is a modeldeck {'snapshot' if self.kind == SNAPSHOT else 'registry'}"
            " and no store of another tool",
            where=str(self.path),
            way_out="Open it with --registry",
        )


def detect(path: Path) -> Sequence[Candidate]:
    """What lies at `path`, at least one thing: a file itself, or what is in a folder.

    NotFoundError when nothing is there, DamagedError when it is nothing that is known.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - a link is kept as the user named it
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            "no such file or folder", where=str(path), way_out="Check the path"
        ) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error if isinstance(error, OSError) else OSError(error)) from error
    if is_folder(path):
        return _in_folder(path)
    if not is_file(path):
        raise DamagedError("is neither a file nor a folder", where=str(path), way_out=_WAY_OUT)
    if path.name.endswith(wandb.SUFFIX):
        return [Candidate(wandb.KIND, path)]
    if tensorboard.is_event_file(path.name):
        return [Candidate(tensorboard.KIND, path)]
    return [Candidate(_kind_of_file(path), path)]


def _kind_of_file(path: Path) -> str:
    if _is_zip(path):
        return SNAPSHOT
    check_header(path)
    database = Database(path, ProblemLog())
    try:
        if database.rows("PRAGMA application_id")[0][0] == _REGISTRY_ID:
            return REGISTRY
        if _REGISTRY_TABLES.issubset(database.tables):
            return REGISTRY
        if trackio.is_trackio(database.tables):
            return trackio.KIND
        mlflow_db.check_tables(database)
    finally:
        database.close()
    return mlflow_db.KIND


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except OSError as error:
        raise unreadable(path, error) from error


def _in_folder(path: Path) -> Sequence[Candidate]:
    names = _names(path)
    found = [
        Candidate(REGISTRY, place)
        for place in (path / "registry.db", path / ".modeldeck" / "registry.db")
        if is_file(place) and (place.parent.name == ".modeldeck" or "telemetry.db" in names)
    ]
    databases = sorted(
        (name for name in names if name.endswith(_SUFFIXES)), key=lambda name: name != "mlflow.db"
    )
    broken: list[ModeldeckError] = []
    for place in (path / name for name in databases):
        if any(place == candidate.path for candidate in found) or not is_file(place):
            continue
        try:
            found.append(Candidate(_kind_of_file(place), place))
        except ModeldeckError as error:
            # Databases of other programs are none of our business, a damaged mlflow.db is.
            if place.name == "mlflow.db":
                broken.append(error)
    logged = [place for place in (path, path / "wandb") if wandb.is_wandb(place)]
    # A folder of W&B's is no store of MLflow too; to look into each of its runs takes long.
    places = [place for place in (path, path / "mlruns") if place not in logged]
    found += [Candidate(mlruns.KIND, place) for place in places if mlruns.is_mlruns(place)]
    found += [Candidate(wandb.KIND, place) for place in logged]
    found = _projects(path, found)
    if not any(candidate.path == path for candidate in found):
        found += _event_logs(path, alone=not found)
    if found:
        return found
    if broken:
        raise broken[0]
    raise _nothing(path, names)


def _projects(path: Path, found: list[Candidate]) -> list[Candidate]:
    """The same; one folder of projects where there are only those of trackio."""
    if not found or any(candidate.kind != trackio.KIND for candidate in found):
        return found
    return [Candidate(trackio.KIND, path)]


def _event_logs(path: Path, *, alone: bool) -> list[Candidate]:
    """TensorBoard's logs: the folder itself, or beside other things those in it that hold some."""
    if alone:
        return [Candidate(tensorboard.KIND, path)] if tensorboard.is_tensorboard(path) else []
    places = dict.fromkeys(
        path / folder.relative_to(path).parts[0]
        for folder, _ in tensorboard.folders(path)
        if folder != path
    )
    return [Candidate(tensorboard.KIND, place) for place in sorted(places)]


def _names(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for _, entry in zip(range(_LOOK_AT), entries, strict=False))
    except OSError as error:
        raise unreadable(path, error) from error


def _nothing(path: Path, names: list[str]) -> DamagedError:
    if not names:
        return DamagedError("is an empty folder", where=str(path), way_out=_WAY_OUT)
    seen = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return DamagedError(
        f"holds no registry and no runs of another tracker (there are: {seen})",
        where=str(path),
        way_out=_WAY_OUT,
    )
