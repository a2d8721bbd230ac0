"""The registered models of an mlflow.db, and where 3.x keeps logged ones."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from ..api.ingest import ModelRecord
from ..api.models import Model, Version
from ..mlflow_words import DELETED_VERSION, PROMPT, moment, version_noun, whole
from .db_runs import text
from .sqlite import Database, Row

PAGE = 200
DEFAULT_WORKSPACE = "default"

_VERSION_COLUMNS = (
    "workspace",
    "name",
    "version",
    "creation_time",
    "last_updated_time",
    "description",
    "user_id",
    "current_stage",
    "source",
    "run_id",
    "status",
    "storage_location",
)

Key = tuple[str, str]
FormatOf = Callable[[str], str]


class DbModels:
    """Models and versions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = database.log

    def models(self, format_of: FormatOf) -> Iterator[ModelRecord]:
        """All models that are no prompts. `format_of` tells a version's format by its URI."""
        if not self._database.has("registered_models", "name"):
            return
        columns = self._database.columns(
            "registered_models",
            "workspace",
            "name",
            "creation_time",
            "last_updated_time",
            "description",
        )
        last = -(1 << 63)
        while True:
            with self._database.page():
                rows = self._database.rows(
                    f"SELECT rowid, {columns} FROM registered_models WHERE rowid > ?"
                    " ORDER BY rowid LIMIT ?",
                    (last, PAGE),
                )
                found = _Page(self._database, [text(row[2]) for row in rows])
            for row in rows:
                key = (text(row[1]) or DEFAULT_WORKSPACE, text(row[2]))
                if not found.is_prompt(key):
                    yield self._model(key, row[3:], found, format_of)
            if len(rows) < PAGE:
                break
            last = rows[-1][0]
        self._orphans()

    def location(self, name: str, number: int) -> str | None:
        """The URI of a version's files; None when there is no such version."""
        if not self._database.has("model_versions", "name", "version"):
            return None
        workspace, name = self._split(name)
        columns = self._database.columns(
            "model_versions", "storage_location", "source", "current_stage", "workspace"
        )
        for storage, source, stage, of in self._database.rows(
            f"SELECT {columns} FROM model_versions WHERE name = ? AND version = ?", (name, number)
        ):
            if (of or DEFAULT_WORKSPACE) == workspace:
                return "" if stage == DELETED_VERSION else text(storage) or text(source)
        return None

    def aliased(self, name: str, alias: str) -> int | None:
        """The number of the version that an alias names."""
        if not self._database.has("registered_model_aliases", "name", "alias", "version"):
            return None
        rows = self._database.rows(
            "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?",
            (self._split(name)[1], alias),
        )
        return whole(rows[0][0]) if rows else None

    def logged(self, model_id: str) -> tuple[str, str] | None:
        """The experiment's id and the artifact location of a logged model of 3.x."""
        if not self._database.has("logged_models", "model_id", "artifact_location"):
            return None
        rows = self._database.rows(
            "SELECT experiment_id, artifact_location FROM logged_models WHERE model_id = ?",
            (model_id,),
        )
        return (str(rows[0][0]), text(rows[0][1])) if rows else None

    def logged_by(self, run_id: str, name: str) -> str | None:
        """The id of the logged model of that name of a run."""
        if not self._database.has("logged_models", "model_id", "name", "source_run_id"):
            return None
        rows = self._database.rows(
            "SELECT model_id FROM logged_models WHERE source_run_id = ? AND name = ?"
            " ORDER BY rowid DESC LIMIT 1",
            (run_id, name),
        )
        return text(rows[0][0]) if rows else None

    def logged_names(self, run_id: str) -> Sequence[tuple[str, str]]:
        """Name and id of each logged model of a run, the newest of a name."""
        if not self._database.has("logged_models", "model_id", "name", "source_run_id"):
            return []
        rows = self._database.rows(
            "SELECT name, model_id FROM logged_models WHERE source_run_id = ? ORDER BY rowid",
            (run_id,),
        )
        return list({text(name): text(model_id) for name, model_id in rows}.items())

    def _model(
        self, key: Key, row: Sequence[object], found: "_Page", format_of: FormatOf
    ) -> ModelRecord:
        created, updated, note = row
        where = self._database.where("registered_models", repr(key[1])[:120])
        name = self._name(key)
        aliases = found.aliases.get(key, {})
        versions = []
        for version in found.versions.get(key, ()):
            noun = self._version(name, key, version, found, format_of)
            if noun is not None:
                versions.append(noun)
        versions.sort(key=lambda noun: noun.version)
        numbers = {noun.version for noun in versions}
        for alias in [alias for alias, number in aliases.items() if number not in numbers]:
            self._log.add(where, f"alias {alias!r} is left out: there is no version of its number")
            aliases.pop(alias)
        live = [noun.version for noun in versions if noun.deleted_at is None]
        model = Model(
            name=name,
            created_at=moment(created, where, "its creation time", self._log),
            updated_at=moment(updated, where, "its update time", self._log),
            note=text(note),
            tags=found.tags.get(key, {}),
            aliases=aliases,
            versions=len(live),
            latest=max(live, default=None),
        )
        return ModelRecord(model=model, versions=versions)

    def _version(
        self, name: str, key: Key, row: Row, found: "_Page", format_of: FormatOf
    ) -> Version | None:
        number = whole(row[2])
        where = self._database.where("model_versions", f"{key[1]!r} {row[2]!r}"[:120])
        if number is None or number < 1:
            self._log.add(where, "is left out: its version is no number")
            return None
        aliases = found.aliases.get(key, {})
        location = text(row[11]) or text(row[8])
        return version_noun(
            where=where,
            log=self._log,
            model=name,
            number=number,
            aliases=[alias for alias, of in aliases.items() if of == number],
            run_id=None if row[9] is None else text(row[9]),
            source=None if row[8] is None else text(row[8]),
            kind="unknown" if row[7] == DELETED_VERSION else format_of(location),
            status=text(row[10]),
            stage=text(row[7]),
            user=text(row[6]),
            note=text(row[5]),
            created=row[3],
            updated=row[4],
            tags=found.version_tags.get((*key, number), {}),
        )

    def _name(self, key: Key) -> str:
        """A model's name; with its workspace where another one has a model of that name."""
        workspace, name = key
        if workspace == DEFAULT_WORKSPACE or not self._shared(name):
            return name
        where = self._database.where("registered_models", repr(name)[:120])
        self._log.add(where, f"is named {workspace}/{name}: other workspaces have that name too")
        return f"{workspace}/{name}"

    def _split(self, name: str) -> Key:
        """The workspace and name that `_name` made `name` of."""
        if not self._database.has("registered_models", "workspace"):
            return DEFAULT_WORKSPACE, name
        rows = self._database.rows(
            "SELECT workspace, name FROM registered_models WHERE name = ?1"
            " OR workspace || '/' || name = ?1 ORDER BY name = ?1 DESC, workspace <> ?2",
            (name, DEFAULT_WORKSPACE),
        )
        return (text(rows[0][0]), text(rows[0][1])) if rows else (DEFAULT_WORKSPACE, name)

    def _shared(self, name: str) -> bool:
        sql = "SELECT count(*) FROM registered_models WHERE name = ?"
        return bool(self._database.rows(sql, (name,))[0][0] > 1)

    def _orphans(self) -> None:
        if not self._database.has("model_versions", "name", "version"):
            return
        for name, count in self._database.rows(
            "SELECT name, count(*) FROM model_versions WHERE name NOT IN"
            " (SELECT name FROM registered_models WHERE name NOT NULL) GROUP BY 1 LIMIT 100"
        ):
            where = self._database.where("model_versions", repr(name)[:120])
            self._log.add(where, f"{count} versions are left out: there is no such model")


class _Page:
    """What some models have, by workspace and name."""

    def __init__(self, database: Database, names: Sequence[str]) -> None:
        self._database = database
        self._names = names
        self._marks = ", ".join("?" * len(names))
        self.versions: dict[Key, list[Row]] = defaultdict(list)
        self.tags: dict[Key, dict[str, str]] = defaultdict(dict)
        self.version_tags: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
        self.aliases: dict[Key, dict[str, int]] = defaultdict(dict)
        for row in self._rows("model_versions", *_VERSION_COLUMNS):
            self.versions[_key(row)].append(row)
        for row in self._rows("registered_model_tags", "workspace", "name", "key", "value"):
            self.tags[_key(row)][text(row[2])] = text(row[3])
        for row in self._rows("model_version_tags", "workspace", "name", "version", "key", "value"):
            number = whole(row[2]) or 0
            self.version_tags[(*_key(row), number)][text(row[3])] = text(row[4])
        for row in self._rows("registered_model_aliases", "workspace", "name", "alias", "version"):
            self.aliases[_key(row)][text(row[2])] = whole(row[3]) or 0

    def is_prompt(self, key: Key) -> bool:
        """Whether MLflow keeps a prompt under this name."""
        return self.tags.get(key, {}).get(PROMPT) == "true"

    def _rows(self, table: str, *names: str) -> list[Row]:
        if not self._database.has(table, "name") or not self._names:
            return []
        columns = self._database.columns(table, *names)
        return self._database.rows(
            f"SELECT {columns} FROM {table} WHERE name IN ({self._marks})", self._names
        )


def _key(row: Row) -> Key:
    return text(row[0]) or DEFAULT_WORKSPACE, text(row[1])
