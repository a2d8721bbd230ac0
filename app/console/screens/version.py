"""A version: may it go, what differs from the one that it would replace, where it came from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from modeldeck.app.usecases.beside import Beside, look_beside
from modeldeck.app.usecases.preview import Preview, preview
from modeldeck.app.usecases.shelf import plan_tags
from modeldeck.app.usecases.texts import card_template, plan_card
from modeldeck.backends.api.address import alias as alias_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.models import Version
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.lines import Line, Lines, text_of
from modeldeck.widgets.table import ListSource, Table
from modeldeck.widgets.text import file_name

from .. import changing, editor
from ..version_parts import PARTS, described, difference, parts_line, title_line
from . import alias as aliases
from .base import DeckScreen
from .run_files import text_screen
from .text import TextScreen


class VersionScreen(DeckScreen):
    """One version, in eight parts. `number` None is the one that `alias` points at, or the latest.

    An alias that moves while one looks does not take the screen along: it is of one version.
    """

    offers: ClassVar[tuple[str, ...]] = (
        "promote", "edit", "tag", "diff", "owner", "history", "next_part", "delete", "goto",
    )  # fmt: skip
    watches = True
    reads = "view"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(at + 1), f"part({at})", one.title, show=False)
            for at, one in enumerate(PARTS)
        ),
    ]

    def __init__(self, model: str, version: int | None, *, alias: str | None = None) -> None:
        super().__init__()
        self.model = model
        self.number = version
        self.alias = alias
        if version is not None:
            self.address = version_address(model, version)
        elif alias is not None:
            self.address = alias_address(model, alias)
        self.view: Beside | None = None
        self.part = 0
        self._rows = ListSource()
        self._draft: str | None = None

    # What is shown.

    def body(self) -> Iterator[Widget]:
        """Two lines of head; a table or lines."""
        yield Bar(id="title")
        yield Bar(id="parts")
        yield Table(
            source=self._rows, empty="reading ...", ascii_only=self.console.ascii_only, id="table"
        )
        lines = Lines(id="lines")
        lines.display = False
        yield lines

    @property
    def table(self) -> Table:
        """The table of the parts that are one."""
        return self.query_one("#table", Table)

    def on_mount(self) -> None:
        """Name it, as far as it is known."""
        number, alias = self.number, self.alias
        self.crumb = self._crumb(f"v{number}" if number is not None else f"@{alias or 'latest'}")

    def _crumb(self, word: str) -> str:
        """The model is not named again where the screen below is about it."""
        stack = self.console.screen_stack
        below = stack[stack.index(self) - 1] if self in stack else None
        named = isinstance(below, DeckScreen) and below.crumb == self.model
        return word if named else f"{self.model} {word}"

    def ask(self) -> None:
        """Ask for all of it."""
        model, number, alias = self.model, self.number, self.alias

        async def work() -> Beside:
            return await look_beside(self.session, model, number, alias=alias)

        self.bridge.ask(self, "view", f"version {self.address}", work, old=True)

    def got_view(self, view: Beside) -> None:
        """Show it."""
        version = view.detail.version
        self.view, self.number = view, version.version
        self.crumb = self._crumb(f"v{version.version}")
        self.address = version_address(self.model, version.version)
        self.command = f"modeldeck versions show {self.model} {version.version}"
        self.draw_part()

    def failed_view(self, error: ModeldeckError) -> None:
        """Say why there is nothing."""
        self.table.empty = str(error)
        self.fail(error)

    def draw_part(self) -> None:
        """Show the present part."""
        if self.view is None:
            return
        part = PARTS[self.part]
        now, directions = self.session.clock(), self.session.directions
        self.query_one("#title", Bar).say(*title_line(self.view, now))
        self.query_one("#parts", Bar).say(parts_line(self.part))
        lines = self.query_one("#lines", Lines)
        if part.lines is not None:
            lines.say(part.lines(self.view))
        else:
            self.table.empty = part.empty
            self._rows.replace(part.rows(self.view, now, directions))
            with self.table.prevent(Table.RowHighlighted):
                self.table.set_columns(part.columns(self.view, self.app.size.width))
        lines.display = part.lines is not None
        self.table.display = part.lines is None

    def on_resize(self) -> None:
        """Both sides keep the same room."""
        self.draw_part()

    def action_part(self, at: int) -> None:
        """Go to a part."""
        if at != self.part:
            self.part = at
            self.notice = ""
            self.draw_part()
            self.table.goto(0)
            self.query_one("#lines", Lines).goto(0)
            self.set_focus(self.first_focus())
        self.draw_frame()

    def do_next_part(self) -> None:
        """The next one."""
        self.action_part((self.part + 1) % len(PARTS))

    def do_previous_part(self) -> None:
        """The one before."""
        self.action_part((self.part - 1) % len(PARTS))

    def first_focus(self) -> Widget | None:
        """What is in sight."""
        lines = self.query_one("#lines", Lines)
        return lines if lines.display else self.table

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is in sight of the part."""
        if self.notice or not self.is_attached or self.view is None:
            return super().state_line()
        lines = self.query_one("#lines", Lines)
        said = lines.position if lines.display else self.table.position
        return [Part(said, "dim")], [Part(self.age(), "dim")]

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_row_highlighted(self) -> None:
        """What was said of the row before is over."""
        if self.notice:
            self.say("")

    def on_lines_moved(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    # Where one can go from here.

    @property
    def version(self) -> Version | None:
        """The version, once it is known."""
        return self.view.detail.version if self.view else None

    def on_table_row_chosen(self) -> None:
        """Enter."""
        self.do_open()

    def do_open(self) -> None:
        """Go into what the row names."""
        key = self.table.cursor_key or ""
        if self.view is None or self.query_one("#lines", Lines).display:
            return
        kind, _, rest = key.partition(":")
        if kind == "event":
            event = next(e for e in self.view.events if str(e.seq) == rest)
            self.console.show_json(self, event, f"event {rest}")
        elif kind == "file":
            self.open_file(rest)
        elif key.startswith(("runs/", "models/")):
            self.console.open_address(key)
        else:
            row = self.table.cursor_row
            cells = row.cells if row else ()
            said = [cell if isinstance(cell, str) else cell.text for cell in cells]
            self.say("  ".join(filter(None, said)))

    def open_file(self, path: str) -> None:
        """Look into one of its files, which is never loaded."""
        if self.view is None:
            return
        owner = self.address
        file = next(one for one in self.view.detail.artifacts if one.path == path)

        async def look() -> tuple[Artifact, Preview]:
            return file, await preview(self.session, owner, file)

        self.bridge.ask(self, "look", f"look into {path}", look)

    def got_look(self, answer: tuple[Artifact, Preview]) -> None:
        """Show it."""
        self.console.push_screen(text_screen(*answer))

    def do_owner(self) -> None:
        """Its source run."""
        version = self.version
        if version and version.run_id:
            self.console.open_run(version.run_id)

    def why_not_owner(self) -> str:
        """A version need not have a run."""
        if self.view is None:
            return "still reading"
        if self.view.detail.run is None:
            return "no run is known here to have made it"
        return ""

    def do_history(self) -> None:
        """What happened to it."""
        self.action_part(next(at for at, one in enumerate(PARTS) if one.title == "History"))

    def do_diff(self) -> None:
        """All that differs from the other version."""
        view = self.view
        if view is not None:
            lines = difference(view, self.session.clock(), self.session.directions)
            self._show("difference", lines)

    def why_not_diff(self) -> str:
        """There need be no other."""
        if self.view is None:
            return "still reading"
        return "" if self.view.other else "no alias points at another version to differ from"

    def do_describe(self) -> None:
        """All of it in lines."""
        view = self.view
        if view is not None:
            lines = described(view, self.session.clock(), self.session.directions)
            self._show("describe", lines)

    def _show(self, title: str, lines: Sequence[Line]) -> None:
        text = text_of(lines).split("\n")
        screen = TextScreen(
            title, text, style_of=_style_of, address=self.address, command=self.command
        )
        self.console.push_screen(screen)

    def do_raw(self) -> None:
        """As JSON."""
        version = self.version
        if version is not None:
            self.console.show_json(self, version, f"{version.model} v{version.version}")

    # What can be changed.

    def _not_known(self) -> str:
        return "still reading" if self.view is None else ""

    why_not_promote = why_not_tag = why_not_describe = why_not_raw = _not_known

    def do_promote(self) -> None:
        """Point an alias at it."""
        if self.version is not None:
            self.console.promote(self, self.version)

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


def _style_of(text: str) -> str:
    if "UNSAFE" in text:
        return "bad"
    return "strong" if text.strip().isupper() else ""
