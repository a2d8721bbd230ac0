"""A version: may it go, what differs from the one that it would replace, where it came from."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.widget import Widget

from modeldeck.app.usecases.beside import Beside, look_beside
from modeldeck.app.usecases.permission import Permission
from modeldeck.app.usecases.preview import Preview, preview
from modeldeck.backends.api.address import alias as alias_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.lines import Line, Lines, text_of
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import ListSource, Table

from ..version_parts import PARTS, described, difference, parts_line, title_line
from .base import DeckScreen
from .run_files import text_screen
from .text import TextScreen
from .version_verbs import VersionVerbs


class VersionScreen(VersionVerbs):
    """One version, in nine parts. `number` None is the one that `alias` points at, or the latest.

    An alias that moves while one looks does not take the screen along: it is of one version.
    """

    offers: ClassVar[tuple[str, ...]] = (
        "promote", "ask", "approve", "edit", "tag", "diff", "owner", "history", "next_part",
        "delete", "goto", "hangs",
    )  # fmt: skip
    watches = True
    reads = "view"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(at + 1), f"part({at})", one.title, show=False)
            for at, one in enumerate(PARTS)
        ),
    ]

    def __init__(
        self, model: str, version: int | None, *, alias: str | None = None, part: str = ""
    ) -> None:
        super().__init__()
        self.model = model
        self.number = version
        self.alias = alias
        if version is not None:
            self.address = version_address(model, version)
        elif alias is not None:
            self.address = alias_address(model, alias)
        self.view: Beside | None = None
        self.part = next((at for at, one in enumerate(PARTS) if one.title == part), 0)
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

    def on_mount(self) -> None:
        """Name it, as far as it is known."""
        number, alias = self.number, self.alias
        self.crumb = self._crumb(f"v{number}" if number is not None else f"@{alias or 'latest'}")

    def begin(self) -> None:
        """The table has the keys until it is known what is in sight."""
        self.set_focus(self.table)
        super().begin()

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
        version, old = view.detail.version, self.view
        if old is not None and old.gated == view.gated:
            # What was known stays in sight until it is known anew.
            view = replace(view, permission=old.permission)
        self.view, self.number = view, version.version
        self.crumb = self._crumb(f"v{version.version}")
        self.address = version_address(self.model, version.version)
        self.command = f"modeldeck versions show {self.model} {version.version}"
        self.draw_part()
        if old is None and not self.query_one(Prompt).display:
            self.set_focus(self.first_focus())
        if view.gated or self.session.policy.people:
            self._ask_permission(view)

    def _ask_permission(self, view: Beside) -> None:
        """Ask what stands between it and where it may go: beside, since that may take long."""
        from modeldeck.app.usecases.permission import look_permission

        version, model = view.detail.version, view.model
        self.bridge.ask(
            self,
            "permission",
            f"may {self.model} v{version.version} go to {view.gated or 'any alias'}",
            lambda: look_permission(self.session, version, model),
            old=True,
        )

    def got_permission(self, permission: Permission) -> None:
        """Show it."""
        if self.view is not None:
            self.view = replace(self.view, permission=permission)
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
        self.query_one("#parts", Bar).say(parts_line(self.part, self.app.size.width))
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
        elif kind == "word":
            self._show_word(rest)
        elif key.startswith(("runs/", "models/")):
            self.console.open_address(key)
        else:
            row = self.table.cursor_row
            cells = row.cells if row else ()
            said = [cell if isinstance(cell, str) else cell.text for cell in cells]
            self.say("  ".join(filter(None, said)))

    def _show_word(self, one: str) -> None:
        from modeldeck.app.usecases.views import approval

        permission = self.view.permission if self.view else None
        for said in permission.said.values() if permission else ():
            for word in said:
                if word.id == one:
                    self.console.show_json(self, approval(word), f"{word.decision} {one[:8]}")

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

    def do_hangs(self) -> None:
        """The aliases that point at it, what has its content, what was signed of it."""
        from .hangs import HangsScreen

        self.console.push_screen(HangsScreen(self.address))

    def do_history(self) -> None:
        """What happened to it; there, and on an alias, the time line of the model."""
        from .timeline import TimelineScreen

        here = next(at for at, one in enumerate(PARTS) if one.title == "History")
        kind, _, alias = (self.table.cursor_key or "").partition(":")
        on_alias = kind in ("alias", "elsewhere") and alias and PARTS[self.part].title == "Facts"
        if on_alias or self.part == here:
            self.console.push_screen(TimelineScreen(self.model, alias if on_alias else ""))
        else:
            self.action_part(here)

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


def _style_of(text: str) -> str:
    if "UNSAFE" in text:
        return "bad"
    return "strong" if text.strip().isupper() else ""
