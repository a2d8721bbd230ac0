"""Projects of trackio, a SQLite file each: read in place, with no trackio."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ..api.address import parse_address
from ..api.artifacts import Artifact
from ..api.errors import DamagedError, ModeldeckError, NotFoundError
from ..api.ingest import ModelRecord, Problem, RunRecord
from ..api.runs import SYSTEM, Experiment, Points, Run, SeriesInfo, Status
from ..api.times import from_micros, to_micros
from .columns import Columns, clamped, latest
from .following import YOUNG
from .json_values import JsonError, flat, number, parse, words
from .problems import ProblemLog
from .series import figures, ordered
from .sqlite import Database, Row, check_header
from .uris import file_uri, is_file, is_folder

KIND = "trackio"
PAGE = 2000
MAX_PROJECTS = 1000
# How trackio writes what JSON has no number for.
_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_OWN = {"_Username": "user", "_Created": "", "_Group": "group"}


class Trackio:
    """A Source over one project's database, or over a folder of them. Any thread may use it."""

    kind: str = KIND

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path.resolve()
        self.origin = file_uri(self.path)
        self.log = ProblemLog()
        self.problems: Sequence[Problem] = self.log
        self._clock = clock
        self._projects: dict[str, Database] = {}
        if is_file(self.path):
            check_header(self.path)
            database = Database(self.path, self.log)
            self._projects[self.path.stem] = database
            if not is_trackio(database.tables):
                database.close()
                raise DamagedError(
                    "is a SQLite database without trackio's tables",
                    where=str(path),
                    way_out="Give the path of a project's database",
                )
        else:
            self._look()

    def stamp(self) -> str:
        """Sizes and times of the databases and their logs, and whether they are young."""
        parts = []
        now = self._clock()
        for path in _databases(self.path):
            for one in (path, path.with_name(path.name + "-wal")):
                try:
                    found = one.stat()
                except OSError:
                    continue
                if one is path or found.st_size:
                    young = now - found.st_mtime < YOUNG
                    parts.append(f"{one.name} {found.st_size}.{found.st_mtime_ns}.{young}")
        return "-".join(parts)

    def experiments(self) -> Iterator[Experiment]:
        """The projects."""
        self._look()
        return iter([Experiment(id=name, name=name) for name in self._projects])

    def runs(self) -> Iterator[RunRecord]:
        """All runs of all projects, oldest first within each."""
        self._look()
        for project, database in self._projects.items():
            configs = self._configs(database)
            for key, name, first, last in self._keys(database):
                yield self._record(project, key, name, (first, last), configs.get(key, {}))

    def count(self) -> int:
        """How many runs there are."""
        return sum(len(self._keys(database)) for database in self._projects.values())

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of each of a run's series."""
        return [figures(key, points) for key, points in sorted(self.history(run_id).items())]

    def points(self, run_id: str, key: str) -> Points:
        """All points of one series, ordered by step, time, value."""
        found = self._columns(run_id, key).points.get(key)
        return ordered(found) if found else Points()

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of one run, each ordered by step, time, value."""
        return self._columns(run_id).ordered()

    def models(self) -> Iterator[ModelRecord]:
        """None: trackio knows no registered models."""
        return iter(())

    def artifacts(self, owner: str) -> Sequence[Artifact]:
        """None are listed: media belong to steps and not to runs."""
        address = parse_address(owner)
        if address.noun != "runs" or self._place(address.name) is None:
            raise NotFoundError(f"no run {address.name!r}", where=str(self.path))
        return []

    def open(self, artifact: Artifact) -> BinaryIO:
        """Nothing was named that could be opened."""
        raise NotFoundError("no such file", where=artifact.path)

    def close(self) -> None:
        """Let go of the databases."""
        for database in self._projects.values():
            database.close()
        self._projects = {}

    def _look(self) -> None:
        """Open the projects that are new."""
        for path in _databases(self.path):
            if path.stem in self._projects:
                continue
            try:
                check_header(path)
                database = Database(path, self.log)
            except ModeldeckError as error:
                self.log.add(str(path), error.what)
                continue
            if is_trackio(database.tables):
                self._projects[path.stem] = database
            else:
                database.close()

    def _keys(self, database: Database) -> list[Row]:
        """Each run's key, name, first and last time. A key is its id; its name in old files."""
        found: dict[str, Row] = {}
        for table in ("metrics", "system_metrics", "configs"):
            when = "created_at" if table == "configs" else "timestamp"
            if not database.has(table, "run_name", when):
                continue
            key = _key_of(database, table)
            rows = database.rows(
                f"SELECT {key}, max(run_name), min({when}), max({when}) FROM {table}"
                f" GROUP BY {key} ORDER BY min({when}) LIMIT 100000"
            )
            for run, name, first, last in rows:
                if run is None:
                    continue
                before = found.get(str(run))
                times = [t for t in (first, last, *(before[2:] if before else ())) if t]
                label = before[1] if before else str(name or run)
                found[str(run)] = (str(run), label, min(times, default=""), max(times, default=""))
        return sorted(found.values(), key=lambda row: row[2])

    def _configs(self, database: Database) -> dict[str, dict[str, Any]]:
        if not database.has("configs", "config"):
            return {}
        found = {}
        key = _key_of(database, "configs")
        for run, text in database.rows(f"SELECT {key}, config FROM configs ORDER BY id"):
            value = self._parsed(database, "configs", run, text)
            if isinstance(value, dict):
                found[str(run)] = value
        return found

    def _record(
        self, project: str, key: str, name: str, times: Sequence[str], config: dict[str, Any]
    ) -> RunRecord:
        started, last = map(_moment, times)
        young = last is not None and self._clock() - last.timestamp() < YOUNG
        run_id = f"{project}/{key}"
        own = {word: words(config[at]) for at, word in _OWN.items() if word and config.get(at)}
        settings = {k: v for k, v in config.items() if k not in _OWN}
        columns = self._columns(run_id)
        return RunRecord(
            run=Run(
                id=run_id,
                name=name,
                experiment=project,
                # trackio notes no end: who is silent is taken to be done.
                status=Status.RUNNING if young else Status.FINISHED,
                started_at=started,
                ended_at=None if young else last,
                user=own.get("user", ""),
                params={k: words(v) for k, v in flat(settings) if k},
                tags={"trackio.group": own["group"]} if "group" in own else {},
            ),
            experiment_id=project,
            native_id=run_id,
            latest={
                k: latest(points)
                for k, points in columns.points.items()
                if points and not k.startswith(SYSTEM)
            },
        )

    def _columns(self, run_id: str, only: str = "") -> Columns:
        """A run's points; those of `only` where one is asked for."""
        columns = Columns()
        place = self._place(run_id)
        if place is None:
            return columns
        database, key = place
        for row in self._walk(database, "metrics", key, "step"):
            self._take(database, columns, row, "", only)
        for step, row in enumerate(self._walk(database, "system_metrics", key, "NULL")):
            self._take(database, columns, (row[0], row[1], step, row[3]), SYSTEM, only)
        return columns

    def _take(self, database: Database, columns: Columns, row: Row, prefix: str, only: str) -> None:
        ident, when, step, text = row
        moment = _moment(when)
        time = 0 if moment is None else to_micros(moment)
        value = self._parsed(database, "metrics", ident, text)
        for name, leaf in flat(value if isinstance(value, dict) else {}):
            figure = _WORDS[leaf] if isinstance(leaf, str) and leaf in _WORDS else number(leaf)
            name = prefix + name
            if figure is not None and name != prefix and only in ("", name):
                columns.add(name, clamped(step) if isinstance(step, int) else 0, time, figure)

    def _walk(self, database: Database, table: str, key: str, step: str) -> Iterator[Row]:
        """A run's rows in the order they were written, in short pages."""
        if not database.has(table, "id", "timestamp", "metrics"):
            return
        last = -(1 << 63)
        while True:
            with database.page():
                rows = database.rows(
                    f"SELECT id, timestamp, {step}, metrics FROM {table}"
                    f" WHERE {_key_of(database, table)} = ? AND id > ? ORDER BY id LIMIT ?",
                    (key, last, PAGE),
                )
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    def _parsed(self, database: Database, table: str, row: object, text: object) -> Any:
        try:
            return parse(text if isinstance(text, bytes) else str(text))
        except JsonError as error:
            self.log.add(database.where(table, row), f"is left out: {error}")
            return None

    def _place(self, run_id: str) -> tuple[Database, str] | None:
        """The database of a run's project and its key there."""
        for project, database in self._projects.items():
            if run_id.startswith(f"{project}/"):
                return database, run_id.removeprefix(f"{project}/")
        return None


def is_trackio(tables: Mapping[str, frozenset[str]]) -> bool:
    """Whether these are the tables of a project of trackio."""
    return {"run_name", "step", "metrics", "timestamp"} <= tables.get("metrics", frozenset())


def is_folder_of_projects(path: Path) -> bool:
    """Whether a folder holds a database of a project."""
    for file in _databases(path):
        try:
            check_header(file)
            database = Database(file, ProblemLog())
        except ModeldeckError:
            continue
        try:
            if is_trackio(database.tables):
                return True
        finally:
            database.close()
    return False


def _key_of(database: Database, table: str) -> str:
    return "run_id" if database.has(table, "run_id") else "run_name"


def _databases(path: Path) -> list[Path]:
    if not is_folder(path):
        return [path]
    try:
        with os.scandir(path) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(".db"))
    except OSError:
        return []
    return [path / name for name in names[:MAX_PROJECTS] if is_file(path / name)]


def _moment(text: object) -> datetime | None:
    """A time in ISO 8601; one without a zone is in UTC, as trackio writes it."""
    try:
        found = datetime.fromisoformat(str(text))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return from_micros(to_micros(found))
