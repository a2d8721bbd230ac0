"""What can be changed of a version, and what can be signed of it."""

from collections.abc import Mapping
from typing import Any

from modeldeck.app.usecases.beside import Beside
from modeldeck.app.usecases.shelf import plan_tags
from modeldeck.app.usecases.texts import card_template, plan_card
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.models import Version
from modeldeck.widgets.table import Table
from modeldeck.widgets.text import file_name

from .. import changing, deciding, editor
from ..version_parts import PARTS
from . import alias as aliases
from .base import DeckScreen


class VersionVerbs(DeckScreen):
    """The verbs of a version's screen that change something, each by a plan."""

    model: str
    number: int | None
    part: int
    view: Beside | None
    _draft: str | None = None

    @property
    def table(self) -> Table:
        """The table of the parts that are one."""
        return self.query_one("#table", Table)

    @property
    def version(self) -> Version | None:
        """The version, once it is known."""
        return self.view.detail.version if self.view else None

    def _not_known(self) -> str:
        return "still reading" if self.view is None else ""

    def do_ask(self) -> None:
        """Ask that it may go to an alias."""
        if self.view is not None:
            deciding.ask(self, self.view.model, self.view.detail.version.version)

    def _why_not_sign(self) -> str:
        return self._not_known() or deciding.why_not(self)

    def _word(self) -> str:
        """The signed word under the cursor, else the version."""
        kind, _, rest = (self.table.cursor_key or "").partition(":")
        return rest if kind == "word" else f"{self.model}/{self.number}"

    def do_approve(self) -> None:
        """Approve what was asked of it."""
        deciding.approve(self, self._word())

    def do_refuse(self) -> None:
        """Refuse what was asked of it."""
        deciding.refuse(self, self._word())

    def do_withdraw(self) -> None:
        """Take back what one said of it."""
        deciding.withdraw(self, self._word())

    why_not_ask = why_not_approve = why_not_refuse = why_not_withdraw = _why_not_sign
    why_not_promote = why_not_rollback = why_not_tag = _not_known
    why_not_describe = why_not_raw = why_not_hangs = _not_known

    def do_promote(self) -> None:
        """Point an alias at it."""
        if self.version is not None:
            self.console.promote(self, self.version)

    def do_rollback(self) -> None:
        """Point the alias under the cursor, or another of the model, back at what it was before."""
        kind, _, name = (self.table.cursor_key or "").partition(":")
        aliases.roll_back(self, self.model, name if kind == "alias" else "")

    def do_tag(self) -> None:
        """Set or remove a tag."""
        changing.tag(self, "version", [self.address])

    def do_delete(self) -> None:
        """Remove the alias or the tag under the cursor; elsewhere, delete the version."""
        kind, _, name = (self.table.cursor_key or "").partition(":")
        title = PARTS[self.part].title
        if kind == "alias" and name and title == "Facts":
            aliases.remove(self, self.model, name)
        elif kind == "tag" and title == "Tags":
            tags: Mapping[str, str | None] = {name: None}
            self.console.propose(
                self,
                lambda: plan_tags(self.session, "version", [self.address], tags),
                f"tag {name} removed from v{self.number}",
            )
        else:
            changing.shelve(self, "version", [self.address], delete=True)

    def why_not_delete(self) -> str:
        """A deleted one cannot be deleted again."""
        if self.version is None:
            return "still reading"
        return "it is deleted already; u restores it" if self.version.deleted_at else ""

    def do_restore(self) -> None:
        """Restore it."""
        changing.shelve(self, "version", [self.address], delete=False)

    def why_not_restore(self) -> str:
        """Only a deleted one can be restored."""
        if self.version is None:
            return "still reading"
        return "" if self.version.deleted_at else "it is not deleted"

    def do_edit(self) -> None:
        """Edit its card. What was written is kept until it is applied."""
        version = self.version
        if version is None:
            return
        begin = version.card or card_template(version.model, version.version)
        try:
            text = editor.edit_text(
                self.console,
                begin if self._draft is None else self._draft,
                file_name(f"{version.model}-v{version.version}") + ".md",
            )
        except ModeldeckError as error:
            self.say(str(error), "warn")
            return
        if text is None and self._draft is None:
            self.say("the card is as it was")
            return
        self._draft = self._draft if text is None else text
        new = self._draft or ""

        def work() -> Any:
            return plan_card(self.session, version.model, version.version, new, seen=version.card)

        self.console.proposals.propose(self, work, "the card is saved", then=self._saved)

    why_not_edit = _not_known

    def _saved(self) -> None:
        self._draft = None
