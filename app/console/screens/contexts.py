"""The contexts by name; Enter opens another one in place of what is open."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.config.named import named_contexts
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.table import Cell, Column, Row

from .short import ShortScreen


class ContextsScreen(ShortScreen):
    """Name, kind, place, how careful one must be."""

    noun: ClassVar[str] = "contexts"
    crumb = "contexts"
    address = "contexts"
    command = "modeldeck context ls"
    offers = ("open", "filter", "raw", "refresh", "back")
    empty = "no context has a name: modeldeck context add NAME --url URL gives one"

    def entries(self) -> Sequence[dict[str, Any]]:
        """Those of the configuration as it is now."""
        try:
            found, trouble = named_contexts()
        except ModeldeckError as error:
            found, trouble = [], str(error)
        if trouble:
            self.say(trouble, "warn")
        self.console.know_names("contexts", [one["name"] for one in found])
        return found

    def columns(self) -> Sequence[Column]:
        """What `modeldeck context ls` lists."""
        return [
            Column("open", "", min_width=4, priority=9),
            Column("name", "NAME", pinned=True, min_width=8, max_width=32, priority=10),
            Column("state", "STATE", min_width=9, max_width=20, priority=8),
            Column("type", "TYPE", max_width=12, priority=7),
            Column("where", "WHERE", min_width=16, max_width=0, priority=6, grow=1),
            Column("workspace", "WORKSPACE", max_width=16, priority=3),
            Column("source", "FROM", max_width=48, priority=2),
        ]

    def row(self, item: Any) -> Row:
        """One context."""
        state = " ".join(word for word in ("protected", "readonly") if item[word])
        cells: list[Cell | str] = [
            Cell("open" if item["name"] == self.session.context else "", "accent"),
            Cell(item["name"], "strong"),
            Cell(state.upper(), "warn"),
            item["type"],
            item["url"] or item["path"] or "",
            item["workspace"] or "",
            Cell(item["source"], "dim"),
        ]
        return Row(item["name"], cells)

    def open_item(self, item: Any) -> None:
        """Open it."""
        self.console.open_context(item["name"])

    def key(self, item: Any) -> str:
        """Its name."""
        return str(item["name"])
