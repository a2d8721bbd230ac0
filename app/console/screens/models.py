"""The lists of models and of a model's versions."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import models as usecase
from modeldeck.app.usecases.locks import is_locked
from modeldeck.backends.api.address import model as model_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.query import MODELS, VERSIONS
from modeldeck.widgets.table import Cell, Column, Row

from .. import changing
from ..words import short, size, when
from .shelved import ShelvedScreen


class ModelsScreen(ShelvedScreen):
    """Registered models; Enter shows the versions of one."""

    noun: ClassVar[str] = "models"
    one = "model"
    vocabulary = MODELS
    offers = ("open", "promote", "filter", "shelf", "goto")
    crumb = "models"
    address = "models"
    command = "modeldeck models ls"
    empty = "no models yet: modeldeck register PATH --model NAME makes the first version"

    async def load(self) -> Window[Model]:
        """The models."""
        return await usecase.list_models(
            self.session, where=self.where, sort=self.sort, shelf=self.shelf
        )

    def arrived(self, window: Window[Any]) -> None:
        """Know their names, for completion."""
        if not self.where:
            self.console.know_names("models", [item.name for item in window.first])

    def columns(self) -> Sequence[Column]:
        """Name, aliases, versions, age."""
        return [
            Column("name", "NAME", pinned=True, min_width=12, max_width=40, priority=9, grow=1),
            Column("alias", "ALIASES", min_width=10, max_width=48, priority=8, grow=1),
            Column("latest", "LATEST", "number", priority=7),
            Column("versions", "VERSIONS", "number", priority=6),
            Column("updated", "UPDATED", "time", priority=5),
            Column("note", "NOTE", max_width=40, priority=2, grow=1),
        ]

    def row(self, item: Model) -> Row:
        """One model."""
        now = self.session.clock()
        aliases = "  ".join(f"{name}={number}" for name, number in sorted(item.aliases.items()))
        cells: list[Cell | str] = [
            Cell(item.name, "strong"),
            Cell(aliases, "accent"),
            "" if item.latest is None else str(item.latest),
            "" if item.versions is None else str(item.versions),
            when(item.updated_at, now),
            Cell(item.note.partition("\n")[0], "dim"),
        ]
        return Row(item.name, cells, style="dim" if item.deleted_at else "")

    def open_item(self, item: Any) -> None:
        """Its versions."""
        self.console.push_screen(VersionsScreen(item.name))

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return model_address(item.name) if item else self.address

    def do_history(self) -> None:
        """What happened to the one under the cursor."""
        from .timeline import TimelineScreen

        item = self.current()
        if item is not None:
            self.console.push_screen(TimelineScreen(item.name))

    def do_promote(self) -> None:
        """Point an alias at the latest version of the one under the cursor."""
        from .alias import promote_latest

        item = self.current()
        if item is not None:
            promote_latest(self, item)

    def do_rollback(self) -> None:
        """Point an alias of the one under the cursor back at what it was before."""
        from .alias import roll_back

        item = self.current()
        if item is not None:
            roll_back(self, item.name)

    def nothing_chosen(self) -> str:
        """Most of what can be done is done to the one under the cursor."""
        return "" if self.current() is not None else "there is no model here"

    why_not_rollback = why_not_history = why_not_promote = nothing_chosen

    def do_delete(self) -> None:
        """Delete the marked models, else the one under the cursor with its aliases."""
        then, refs = self.table.clear_marks, self.chosen()
        changing.shelve(self, "model", refs, delete=True, with_aliases=len(refs) == 1, then=then)

    def do_restore(self) -> None:
        """Restore the marked models, else the one under the cursor."""
        then = self.table.clear_marks
        changing.shelve(self, "model", self.chosen(), delete=False, then=then)


class VersionsScreen(ShelvedScreen):
    """The versions of a model, newest first; Enter shows one, `p` points an alias at it."""

    noun: ClassVar[str] = "versions"
    one = "version"
    vocabulary = VERSIONS
    offers = ("open", "promote", "filter", "history", "shelf", "goto")
    empty = "no versions: modeldeck register PATH --model NAME makes one"

    def __init__(self, model: str = "", *, where: str = "", sort: str = "") -> None:
        super().__init__(where=where, sort=sort)
        self.model = model
        self.crumb = model or "versions"
        self.address = model_address(model) if model else "models"
        self.command = f"modeldeck versions ls {model}".strip()

    async def load(self) -> Window[Version]:
        """The versions."""
        return await usecase.list_versions(
            self.session, self.model or None, where=self.where, sort=self.sort, shelf=self.shelf
        )

    def columns(self) -> Sequence[Column]:
        """Number, aliases, format, source run, digest, age."""
        several = not self.model
        named = [Column("model", "MODEL", pinned=True, min_width=10, priority=10, grow=1)]
        return [
            *(named if several else []),
            Column("version", "VERSION", "number", pinned=True, priority=9),
            Column("alias", "ALIASES", min_width=8, max_width=40, priority=8, grow=1),
            Column("format", "FORMAT", max_width=12, priority=7),
            Column("created", "CREATED", "time", priority=6),
            Column("run", "RUN", max_width=14, priority=5),
            Column("size", "SIZE", "number", priority=4),
            Column("digest", "DIGEST", max_width=12, priority=3),
            Column("status", "STATUS", max_width=10, priority=2),
            Column("user", "BY", max_width=16, priority=2),
        ]

    def row(self, item: Version) -> Row:
        """One version. A format that could run foreign code says so."""
        now = self.session.clock()
        form = Cell(f"{item.format} !", "bad") if item.unsafe else Cell(item.format)
        cells: list[Cell | str] = [
            *([Cell(item.model, "strong")] if not self.model else []),
            str(item.version),
            Cell("  ".join(item.aliases), "accent"),
            form,
            when(item.created_at, now),
            Cell((item.run_id or "-")[:12], "dim"),
            size(item.size),
            Cell(short(item.digest), "dim"),
            Cell("LOCKED", "warn")
            if is_locked(item)
            else Cell(item.status, "" if item.status == "ready" else "warn"),
            item.user,
        ]
        return Row(f"{item.model}/{item.version}", cells, style="dim" if item.deleted_at else "")

    def open_item(self, item: Any) -> None:
        """The version."""
        from .version import VersionScreen

        self.console.push_screen(VersionScreen(item.model, item.version))

    def do_promote(self) -> None:
        """Point an alias at the one under the cursor."""
        item = self.current()
        if item is not None:
            self.console.promote(self, item)

    def do_rollback(self) -> None:
        """Point an alias of the model back at what it was before."""
        from .alias import roll_back

        item = self.current()
        if item is not None:
            roll_back(self, item.model)

    def _addresses(self) -> list[str]:
        parts = (key.rpartition("/") for key in self.chosen())
        return [version_address(model, int(number)) for model, _, number in parts]

    def do_tag(self) -> None:
        """Set or remove a tag of the marked versions, else of the one under the cursor."""
        changing.tag(self, "version", self._addresses())

    def do_delete(self) -> None:
        """Delete the marked versions, else the one under the cursor."""
        then = self.table.clear_marks
        changing.shelve(self, "version", self._addresses(), delete=True, then=then)

    def do_restore(self) -> None:
        """Restore the marked versions, else the one under the cursor."""
        then = self.table.clear_marks
        changing.shelve(self, "version", self._addresses(), delete=False, then=then)

    why_not_tag = why_not_promote = why_not_rollback = ShelvedScreen.nothing_chosen

    def do_history(self) -> None:
        """What happened to the model."""
        from .timeline import TimelineScreen

        item = self.current()
        self.console.push_screen(TimelineScreen(self.model or (item.model if item else "")))

    def do_owner(self) -> None:
        """The run that made the one under the cursor."""
        item = self.current()
        if item is not None and item.run_id:
            self.console.open_run(item.run_id)

    def why_not_owner(self) -> str:
        """A version need not have a run."""
        item = self.current()
        return "" if item and item.run_id else "no run is known to have made it"

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return version_address(item.model, item.version) if item else self.address
