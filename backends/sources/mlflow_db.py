"""MLflow's SQLite store, `mlflow.db`, of 2.x and 3.x: read in place, with no MLflow and no server.

Tables and columns are taken as they are found; what a schema does not have reads as empty.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from ..api.artifacts import Artifact
from ..api.errors import DamagedError
from ..api.ingest import ModelRecord, Problem, RunRecord
from ..api.runs import Experiment, Points, SeriesInfo
from .db_models import DbModels
from .db_runs import DbRuns
from .db_series import DbSeries
from .places import Places
from .problems import ProblemLog
from .sqlite import Database, check_header
from .uris import file_uri

KIND = "mlflow-db"


class MlflowDb:
    """A Source over one `mlflow.db`. Any thread may use it."""

    kind: str = KIND

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        check_header(self.path)
        log = ProblemLog()
        self.origin = file_uri(self.path)
        self.problems: Sequence[Problem] = log
        self._database = Database(self.path, log)
        try:
            check_tables(self._database)
            self._runs = DbRuns(self._database)
            self._series = DbSeries(self._database)
            self._models = DbModels(self._database)
        except BaseException:
            self._database.close()
            raise
        home = self.path.parent
        stores = (home / "mlruns", home / "mlartifacts")
        self._places = Places(home, stores, self._runs.place_of, self._models, log)

    def stamp(self) -> str:
        """Sizes and times of the database and its write-ahead log. Artifacts do not count."""
        parts = []
        for path in (self.path, self.path.with_name(self.path.name + "-wal")):
            try:
                found = path.stat()
            except OSError:
                continue
            # An empty log comes and goes with its readers.
            if path is self.path or found.st_size:
                parts.append(f"{found.st_size}.{found.st_mtime_ns}")
        return "-".join(parts)

    def experiments(self) -> Iterator[Experiment]:
        """All experiments, deleted ones too."""
        return self._runs.experiments()

    def runs(self) -> Iterator[RunRecord]:
        """All runs, parents before children, in pages; no series."""
        return self._runs.runs()

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of each of a run's series."""
        return self._series.series(run_id)

    def points(self, run_id: str, key: str) -> Points:
        """All points of one series, ordered by step, time, value."""
        return self._series.points(run_id, key)

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of one run, each ordered by step, time, value."""
        return self._series.history(run_id)

    def models(self) -> Iterator[ModelRecord]:
        """All models with their versions; no prompts."""
        return self._models.models(self._places.format_of)

    def artifacts(self, owner: str) -> Sequence[Artifact]:
        """The files of `runs/ID` or `models/NAME/VERSION`; one entry for a remote folder."""
        return self._places.artifacts(owner)

    def logged(self, run_id: str) -> Sequence[Artifact]:
        """The files of the models that a run of 3.x logged, each below the name of its model."""
        return self._places.logged(self._models.logged_names(run_id))

    def open(self, artifact: Artifact) -> BinaryIO:
        """The bytes of a file that `artifacts` named."""
        return self._places.open(artifact)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def is_mlflow(tables: Mapping[str, frozenset[str]]) -> bool:
    """Whether these are the tables of an MLflow store."""
    return "run_uuid" in tables.get("runs", ()) and "experiment_id" in tables.get("experiments", ())


def check_tables(database: Database) -> None:
    """DamagedError unless the database holds what an MLflow store holds."""
    if is_mlflow(database.tables):
        return
    seen = ", ".join(sorted(database.tables)[:12]) or "none"
    more = ", ..." if len(database.tables) > 12 else ""
    raise DamagedError(
        f"is a SQLite database without MLflow's tables (its tables: {seen}{more})",
        where=str(database.path),
        way_out="Give the path of an mlflow.db, an mlruns folder or a modeldeck registry",
    )
