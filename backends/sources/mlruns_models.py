"""The registered models of a file store, and the logged ones of 3.x in its experiments."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from ..api.ingest import ModelRecord
from ..api.models import Model, Version
from ..mlflow_words import DELETED_VERSION, PROMPT, moment, version_noun, whole
from .mlruns_runs import MODELS, FileRuns, as_text
from .problems import ProblemLog
from .store_files import META, folders_in, read_meta, read_values
from .uris import is_folder, plain_part

FormatOf = Callable[[str], str]
_VERSION = re.compile(r"version-([0-9]{1,9})", re.ASCII)


class FileModels:
    """Models below one `mlruns` folder."""

    def __init__(self, root: Path, runs: FileRuns, log: ProblemLog) -> None:
        self._folder = root / MODELS
        self._runs = runs
        self._log = log

    def models(self, format_of: FormatOf) -> Iterator[ModelRecord]:
        """All models that are no prompts. `format_of` tells a version's format by its URI."""
        for folder in folders_in(self._folder, self._log):
            tags = read_values(folder / "tags", self._log)
            if tags.get(PROMPT) == "true":
                continue
            meta = read_meta(folder, self._log)
            if meta is None:
                continue
            where = str(folder / META)
            # MLflow finds a model by its folder, so that is its name.
            name = as_text(meta.get("name")) or folder.name
            aliases = self._aliases(folder)
            versions = self._versions(folder, name, aliases, format_of)
            numbers = {version.version for version in versions}
            for alias in [alias for alias, number in aliases.items() if number not in numbers]:
                what = "is left out: there is no version of its number"
                self._log.add(str(folder / "aliases" / alias), what)
                aliases.pop(alias)
            live = [version.version for version in versions if version.deleted_at is None]
            created, updated = meta.get("creation_timestamp"), meta.get("last_updated_timestamp")
            yield ModelRecord(
                model=Model(
                    name=name,
                    created_at=moment(created, where, "its creation time", self._log),
                    updated_at=moment(updated, where, "its update time", self._log),
                    note=as_text(meta.get("description")),
                    tags=tags,
                    aliases=aliases,
                    versions=len(live),
                    latest=max(live, default=None),
                ),
                versions=versions,
            )

    def location(self, name: str, number: int) -> str | None:
        """The URI of a version's files; None when there is no such version."""
        folder = self._folder / name / f"version-{number}"
        if not plain_part(name) or not is_folder(folder):
            return None
        meta = read_meta(folder, self._log)
        if meta is None:
            return None
        if meta.get("current_stage") == DELETED_VERSION:
            return ""
        return as_text(meta.get("storage_location") or meta.get("source"))

    def aliased(self, name: str, alias: str) -> int | None:
        """The number of the version that an alias names."""
        return self._aliases(self._folder / name).get(alias) if plain_part(name) else None

    def logged(self, model_id: str) -> tuple[str, str] | None:
        """The experiment's id and the artifact location of a logged model of 3.x."""
        if not plain_part(model_id):
            return None
        for experiment in self._runs.folders():
            folder = experiment.path / MODELS / model_id
            if is_folder(folder):
                meta = read_meta(folder, self._log) or {}
                return experiment.id, as_text(meta.get("artifact_location"))
        return None

    def logged_by(self, run_id: str, name: str) -> str | None:
        """The id of the logged model of that name of a run."""
        folder = self._runs.folder(run_id)
        if folder is None:
            return None
        for path in folders_in(folder.path / "outputs", self._log):
            if not is_folder(folder.experiment.path / MODELS / path.name):
                continue
            meta = read_meta(folder.experiment.path / MODELS / path.name, self._log) or {}
            if as_text(meta.get("name")) == name:
                return path.name
        return None

    def _aliases(self, folder: Path) -> dict[str, int]:
        found = {}
        for alias, text in read_values(folder / "aliases", self._log).items():
            number = whole(text.strip())
            if number is None:
                self._log.add(str(folder / "aliases" / alias), "is left out: it is no number")
            else:
                found[alias] = number
        return found

    def _versions(
        self, folder: Path, name: str, aliases: dict[str, int], format_of: FormatOf
    ) -> list[Version]:
        found = []
        for path in folders_in(folder, self._log):
            number = _VERSION.fullmatch(path.name)
            if path.name in ("tags", "aliases"):
                continue
            if number is None:
                self._log.add(str(path), "is left out: it is no version")
                continue
            meta = read_meta(path, self._log)
            if meta is None:
                continue
            run_id, source = meta.get("run_id"), meta.get("source")
            location = as_text(meta.get("storage_location") or source)
            stage = as_text(meta.get("current_stage"))
            found.append(
                version_noun(
                    where=str(path / META),
                    log=self._log,
                    model=name,
                    number=int(number[1]),
                    aliases=[alias for alias, of in aliases.items() if of == int(number[1])],
                    run_id=None if run_id is None else as_text(run_id),
                    source=None if source is None else as_text(source),
                    kind="unknown" if stage == DELETED_VERSION else format_of(location),
                    status=as_text(meta.get("status")),
                    stage=stage,
                    user=as_text(meta.get("user_id")),
                    note=as_text(meta.get("description")),
                    created=meta.get("creation_timestamp"),
                    updated=meta.get("last_updated_timestamp"),
                    tags=read_values(path / "tags", self._log),
                )
            )
        return sorted(found, key=lambda version: version.version)
