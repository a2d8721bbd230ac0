"""The experiments and runs of an mlflow.db, page by page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ..api.ingest import RunRecord
from ..api.runs import Dataset, Experiment, Metric
from ..api.times import from_micros
from ..mlflow_words import CONTEXT, NOTE, PARENT, deletion, moment, run_record, whole
from .family import parents_first
from .series import NAN
from .sqlite import Database, Row

PAGE = 500
IDS_PAGE = 5000

_RUN_COLUMNS = (
    "run_uuid",
    "experiment_id",
    "name",
    "user_id",
    "status",
    "start_time",
    "end_time",
    "lifecycle_stage",
    "deleted_time",
)

Texts = dict[str, dict[str, str]]


class DbRuns:
    """Experiments and runs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = database.log

    def experiments(self) -> Iterator[Experiment]:
        """All experiments; one made up where runs name one that is not there."""
        database = self._database
        tags = self._texts("experiment_tags", "experiment_id")
        sql = database.columns(
            "experiments", "name", "lifecycle_stage", "creation_time", "last_update_time"
        )
        known = set()
        for row in self._walk("experiments", f"experiment_id, {sql}"):
            where = database.where("experiments", f"row {row[0]}")
            experiment = str(row[1])
            if row[1] is None or experiment in known:
                self._log.add(where, "has no id of its own and is left out")
                continue
            known.add(experiment)
            created = moment(row[4], where, "its creation time", self._log)
            updated = moment(row[5], where, "its update time", self._log)
            mine = tags.get(experiment, {})
            yield Experiment(
                id=experiment,
                name=text(row[2]),
                created_at=created,
                updated_at=updated,
                deleted_at=deletion(row[3], updated, created),
                note=mine.get(NOTE, ""),
                tags=mine,
            )
        for row in database.rows("SELECT DISTINCT experiment_id FROM runs"):
            missing = str(row[0])
            if missing not in known:
                where = database.where("runs", f"experiment {missing}")
                self._log.add(where, "the experiment of these runs is not there")
                yield Experiment(id=missing, name=f"experiment {missing}")

    def runs(self) -> Iterator[RunRecord]:
        """All runs, parents before children."""
        database = self._database
        parents = dict(self._parents())
        ids: dict[str, None] = {}
        for row in self._walk("runs", "run_uuid", page=IDS_PAGE):
            if isinstance(row[1], str) and row[1] and row[1] not in ids:
                ids[row[1]] = None
            else:
                where = database.where("runs", f"row {row[0]}")
                self._log.add(where, "has no id of its own and is left out")
        order, cut = parents_first(list(ids), parents)
        for child in cut:
            parents.pop(child)
            where = database.where("tags", f"run {child}")
            self._log.add(where, "is its own ancestor and is given no parent")
        names = {
            str(row[0]): text(row[1])
            for row in database.rows("SELECT experiment_id, name FROM experiments")
        }
        counts = dict.fromkeys(("params", "tags", "latest_metrics"), 0)
        for start in range(0, len(order), PAGE):
            with database.page():
                records = self._page(order[start : start + PAGE], parents, names, counts)
            yield from records
        for table, count in counts.items():
            self._dangling(table, count)

    def place_of(self, run_id: str) -> tuple[str, str] | None:
        """The experiment's id and the artifact URI of a run; None when there is no such run."""
        columns = self._database.columns("runs", "artifact_uri")
        rows = self._database.rows(
            f"SELECT experiment_id, {columns} FROM runs WHERE run_uuid = ?", (run_id,)
        )
        return (str(rows[0][0]), text(rows[0][1])) if rows else None

    def _walk(self, table: str, columns: str, page: int = IDS_PAGE) -> Iterator[Row]:
        last = -(1 << 63)
        while True:
            rows = self._database.rows(
                f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (last, page),
            )
            yield from rows
            if len(rows) < page:
                return
            last = rows[-1][0]

    def _parents(self) -> Iterator[tuple[str, str]]:
        last = ""
        while self._database.has("tags", "key", "value", "run_uuid"):
            rows = self._database.rows(
                'SELECT run_uuid, value FROM tags WHERE "key" = ? AND run_uuid > ?'
                " ORDER BY run_uuid LIMIT ?",
                (PARENT, last, IDS_PAGE),
            )
            yield from ((run, parent) for run, parent in rows if isinstance(parent, str) and parent)
            if len(rows) < IDS_PAGE:
                return
            last = rows[-1][0]

    def _page(
        self,
        ids: Sequence[str],
        parents: Mapping[str, str],
        names: Mapping[str, str],
        counts: dict[str, int],
    ) -> list[RunRecord]:
        database = self._database
        marks = ", ".join("?" * len(ids))
        columns = database.columns("runs", *_RUN_COLUMNS)
        rows = database.rows(f"SELECT {columns} FROM runs WHERE run_uuid IN ({marks})", ids)
        params = self._texts("params", "run_uuid", marks, ids, counts)
        tags = self._texts("tags", "run_uuid", marks, ids, counts)
        latest = self._latest(marks, ids, counts)
        datasets = self._datasets(marks, ids)
        found = {row[0]: row for row in rows}
        records = []
        for run_id in ids:
            row = found.get(run_id)
            if row is None:  # deleted for good since its id was read
                continue
            experiment = str(row[1])
            records.append(
                run_record(
                    where=database.where("runs", f"run {run_id}"),
                    log=self._log,
                    run_id=run_id,
                    experiment_id=experiment,
                    experiment=names.get(experiment, f"experiment {experiment}"),
                    name=text(row[2]),
                    user=text(row[3]),
                    status=row[4],
                    started=row[5],
                    ended=row[6],
                    stage=row[7],
                    deleted=row[8],
                    parent=parents.get(run_id),
                    params=params.get(run_id, {}),
                    tags=tags.get(run_id, {}),
                    latest=latest.get(run_id, {}),
                    datasets=datasets.get(run_id, ()),
                )
            )
        return records

    def _texts(
        self,
        table: str,
        owner: str,
        marks: str = "",
        ids: Sequence[str] = (),
        counts: dict[str, int] | None = None,
    ) -> Texts:
        """Keys and values of a table by owner: of these ids, or of all when none are given."""
        found: Texts = defaultdict(dict)
        if not self._database.has(table, "key", "value", owner):
            return found
        only = f"WHERE {owner} IN ({marks})" if marks else ""
        rows = self._database.rows(f'SELECT {owner}, "key", value FROM {table} {only}', ids)
        if counts is not None:
            counts[table] += len(rows)
        for of, key, value in rows:
            if type(key) is str and type(value) is str:
                found[str(of)][key] = value
            else:
                found[str(of)][text(key)] = text(value)
                if isinstance(key, bytes) or isinstance(value, bytes):
                    where = self._database.where(table, f"{owner} {of}, key {key!r}"[:200])
                    self._log.add(where, "holds bytes, read as text")
        return found

    def _latest(
        self, marks: str, ids: Sequence[str], counts: dict[str, int]
    ) -> dict[str, dict[str, Metric]]:
        found: dict[str, dict[str, Metric]] = defaultdict(dict)
        if not self._database.has("latest_metrics", "key", "value", "run_uuid"):
            return found
        columns = self._database.columns("latest_metrics", "step", "timestamp", "is_nan")
        rows = self._database.rows(
            f'SELECT run_uuid, "key", value, {columns} FROM latest_metrics'
            f" WHERE run_uuid IN ({marks})",
            ids,
        )
        counts["latest_metrics"] += len(rows)
        for run_id, key, value, step, time, is_nan in rows:
            number = NAN if is_nan or value is None else value
            step = step if type(step) is int else whole(step)
            millis = time if type(time) is int else whole(time)
            if not isinstance(key, str) or not isinstance(number, int | float) or step is None:
                where = self._database.where("latest_metrics", f"run {run_id}, key {key!r}"[:200])
                self._log.add(where, "is left out: its value or step is no number")
                continue
            at = None if millis is None else from_micros(millis * 1000)
            found[run_id][key] = Metric(float(number), step, at)
        return found

    def _datasets(self, marks: str, ids: Sequence[str]) -> dict[str, list[Dataset]]:
        found: dict[str, list[Dataset]] = defaultdict(list)
        inputs = ("input_uuid", "source_type", "source_id", "destination_type", "destination_id")
        if not self._database.has("inputs", *inputs):
            return found
        if not self._database.has("datasets", "dataset_uuid"):
            return found
        contexts: Texts = defaultdict(dict)
        among = f"destination_type = 'RUN' AND destination_id IN ({marks})"
        if self._database.has("input_tags", "input_uuid", "name", "value"):
            for of, name, value in self._database.rows(
                "SELECT t.input_uuid, t.name, t.value FROM input_tags t JOIN inputs i"
                f" ON i.input_uuid = t.input_uuid WHERE i.{among}",
                ids,
            ):
                contexts[of][text(name)] = text(value)
        columns = self._database.columns(
            "datasets",
            "name",
            "digest",
            "dataset_source_type",
            "dataset_source",
            "dataset_schema",
            "dataset_profile",
            prefix="d.",
        )
        rows = self._database.rows(
            f"SELECT i.destination_id, i.input_uuid, i.source_id, d.dataset_uuid, {columns}"
            " FROM inputs i LEFT JOIN datasets d ON d.dataset_uuid = i.source_id"
            f" WHERE i.source_type = 'DATASET' AND i.{among} ORDER BY i.rowid",
            ids,
        )
        for run_id, link, source, there, name, digest, kind, uri, schema, profile in rows:
            if there is None:
                where = self._database.where("inputs", f"run {run_id}")
                self._log.add(where, f"its dataset {text(source)} is not there")
                continue
            labels = contexts[link]
            context = labels.get(CONTEXT)
            found[run_id].append(
                Dataset(
                    name=text(name),
                    digest=text(digest),
                    source_type=text(kind),
                    source=text(uri),
                    schema=None if schema is None else text(schema),
                    profile=None if profile is None else text(profile),
                    context=context,
                    labels={key: value for key, value in labels.items() if key != CONTEXT},
                )
            )
        return found

    def _dangling(self, table: str, count: int) -> None:
        """Name rows of runs that are not there; only looked for when the numbers differ."""
        if not self._database.has(table, "run_uuid"):
            return
        if self._database.rows(f"SELECT count(*) FROM {table}")[0][0] == count:
            return
        for run_id, number in self._database.rows(
            f"SELECT run_uuid, count(*) FROM {table} WHERE run_uuid NOT IN"
            " (SELECT run_uuid FROM runs WHERE run_uuid NOT NULL) GROUP BY 1 LIMIT 100"
        ):
            where = self._database.where(table, f"run {run_id!r}"[:200])
            self._log.add(where, f"{number} rows are left out: there is no such run")


def text(value: object) -> str:
    """A column's value as text, whatever was put there."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
