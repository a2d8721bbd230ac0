"""What waits for me, and all requests for approval: lists that are decided on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from modeldeck.app.actions import Action
from modeldeck.app.usecases import inbox as waits
from modeldeck.app.usecases import requests as usecase
from modeldeck.app.usecases import views
from modeldeck.app.usecases.asked import APPROVALS, INBOX, Request, Waiting
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.lists import Window, pages_of
from modeldeck.widgets.table import Cell, Column, Row

from .. import deciding
from ..exports import export_rows
from ..inbox_words import KINDS, STATES, state_words
from ..words import when
from .listing import ListScreen


class DecidingScreen(ListScreen):
    """A list of what was asked; Enter shows the version, the other keys decide."""

    offers: ClassVar[tuple[str, ...]] = (
        "open", "approve", "refuse", "withdraw", "filter", "goto",
    )  # fmt: skip

    _fresh = False

    def do_refresh(self) -> None:
        """Fetch what others have said, too."""
        self._fresh = True
        super().do_refresh()

    async def catch_up(self) -> None:
        """Do that, once, if a person has asked for it."""
        wanted, self._fresh = self._fresh, False
        if wanted and self.session.statements is not None:
            from modeldeck.app.usecases.sharing import refresh

            await refresh(self.session)

    def ref(self, item: Any) -> str:
        """What names the request of an item; empty where it has none."""
        raise NotImplementedError

    def place(self, item: Any) -> tuple[str, int | None, str]:
        """Model, version and alias of an item."""
        raise NotImplementedError

    def document(self, item: Any) -> Mapping[str, Any]:
        """An item as JSON."""
        raise NotImplementedError

    def open_item(self, item: Any) -> None:
        """The version, at what was said of it."""
        from .version import VersionScreen

        model, number, _ = self.place(item)
        if number is None:
            self.say(self.console.copy(item.command))
        else:
            self.console.push_screen(VersionScreen(model, number, part="Approvals"))

    def _why_not(self) -> str:
        item = self.current()
        if item is None:
            return deciding.why_not(self) or "there is nothing to decide on"
        return "" if self.ref(item) else f"nobody was asked yet: {item.command}"

    why_not_approve = why_not_refuse = why_not_withdraw = _why_not

    def do_approve(self) -> None:
        """Approve it."""
        deciding.approve(self, self.ref(self.current()))

    def do_refuse(self) -> None:
        """Refuse it."""
        deciding.refuse(self, self.ref(self.current()))

    def do_withdraw(self) -> None:
        """Take back what one said of it last."""
        model, number, _ = self.place(self.current())
        deciding.withdraw(self, f"{model}/{number}")

    def do_ask(self) -> None:
        """Ask for the approval that is owed."""
        model, number, alias = self.place(self.current())
        if number is not None:
            deciding.ask_for(self, model, number, alias)

    def why_not_ask(self) -> str:
        """What was asked for is asked for."""
        item = self.current()
        if item is None or self.place(item)[1] is None:
            return "there is no version here; A on a version asks for it"
        return "it was asked for already" if self.ref(item) else ""

    def address_now(self) -> str:
        """The address of the version under the cursor."""
        item = self.current()
        model, number, _ = self.place(item) if item is not None else ("", None, "")
        return self.address if number is None else version_address(model, number)

    async def whole(self, item: Any) -> Mapping[str, Any]:
        """The item as JSON."""
        return self.document(item)

    def do_export(self) -> None:
        """Write what is shown to a file."""
        if self.rows is None:
            self.say("there is nothing to export yet", "warn")
            return
        window = self.rows.window

        async def pages() -> AsyncIterator[Sequence[Any]]:
            async for page in pages_of(window):
                yield [dict(self.document(item)) for item in page]

        day = f"{self.session.clock():%Y%m%d}"
        export_rows(self, f"{self.noun}-{day}.csv", pages, self.noun)


class InboxScreen(DecidingScreen):
    """What waits for who sits here, the worst first."""

    noun: ClassVar[str] = "inbox"
    vocabulary = INBOX
    crumb = "inbox"
    address = "inbox"
    command = "modeldeck inbox"
    empty = "nothing waits for you"

    async def load(self) -> Window[Waiting]:
        """What waits."""
        await self.catch_up()
        return await waits.list_inbox(self.session, where=self.where, sort=self.sort)

    def nothing_words(self) -> str:
        """Where the policy names nobody, nothing ever waits."""
        return (self.where and super().nothing_words()) or deciding.why_not(self) or self.empty

    def columns(self) -> Sequence[Column]:
        """What, which version, where to, who, since when, until when, in words."""
        return [
            Column("kind", "WHAT", min_width=7, pinned=True, priority=9),
            Column("model", "VERSION", min_width=10, max_width=32, priority=9, grow=1),
            Column("target", "FOR", max_width=16, priority=8),
            Column("person", "WHO", max_width=16, priority=6),
            Column("time", "SINCE", "time", priority=5),
            Column("until", "UNTIL", "time", priority=7),
            Column("words", "IS", min_width=20, max_width=0, priority=8, grow=2),
        ]

    def row(self, item: Waiting) -> Row:
        """One thing."""
        now = self.session.clock()
        word, style = KINDS[item.kind]
        cells: list[Cell | str] = [
            Cell(word, style),
            Cell(f"{item.model} v{item.version}" if item.version is not None else "-", "strong"),
            item.target.rpartition("@")[2],
            item.person,
            when(item.time, now),
            when(item.until, now) if item.until else "",
            Cell(item.words.partition("\n")[0], style if item.kind == "wrong" else ""),
        ]
        return Row(f"{item.kind}:{item.id}:{item.target}:{item.version}", cells)

    def ref(self, item: Waiting) -> str:
        """The request that it is about."""
        return item.id

    def place(self, item: Waiting) -> tuple[str, int | None, str]:
        """Model, version and alias."""
        return item.model, item.version, item.target.rpartition("@")[2]

    def document(self, item: Waiting) -> Mapping[str, Any]:
        """As `modeldeck inbox -o json` has it."""
        return views.waiting(item)


class ApprovalsScreen(DecidingScreen):
    """Requests for approval: those that are open, or all with ctrl+d."""

    noun: ClassVar[str] = "approvals"
    vocabulary = APPROVALS
    offers = ("open", "approve", "refuse", "withdraw", "shelf", "filter", "goto")
    crumb = "approvals"
    address = "approvals"
    command = "modeldeck approvals ls"
    empty = "nobody asks for anything: A on a version does"
    every = False

    async def load(self) -> Window[Request]:
        """The requests."""
        await self.catch_up()
        return await usecase.list_requests(
            self.session, where=self.where, sort=self.sort, every=self.every
        )

    def nothing_words(self) -> str:
        """Where the policy names nobody, nothing is ever asked."""
        return (self.where and super().nothing_words()) or deciding.why_not(self) or self.empty

    def columns(self) -> Sequence[Column]:
        """Which, where to, how it stands, who, when, why."""
        return [
            Column("id", "ID", max_width=8, priority=4),
            Column("model", "VERSION", min_width=10, max_width=32, pinned=True, priority=9, grow=1),
            Column("target", "FOR", max_width=16, priority=8),
            Column("state", "STATE", min_width=8, max_width=16, priority=9),
            Column("person", "BY", max_width=16, priority=7),
            Column("time", "ASKED", "time", priority=6),
            Column("expires", "EXPIRES", "time", priority=6),
            Column("due", "DUE", "time", priority=3),
            Column("reason", "WHY", min_width=12, max_width=0, priority=5, grow=2),
        ]

    def row(self, item: Request) -> Row:
        """One request."""
        word, now = item.word, self.session.clock()
        expires = item.itself.expires if item.itself else word.expires
        cells: list[Cell | str] = [
            Cell(word.short, "dim"),
            Cell(f"{word.model} v{word.number}", "strong"),
            word.alias,
            Cell(state_words(item), STATES[item.state]),
            word.person or Cell("nobody", "warn"),
            when(word.time, now),
            when(expires, now) if expires else "",
            when(word.due, now) if word.due else "",
            Cell(word.why.partition("\n")[0], "dim"),
        ]
        return Row(word.id, cells)

    def words(self, action: Action) -> str:
        """What `ctrl+d` brings here."""
        if action.id == "shelf":
            return "open ones" if self.every else "all"
        return super().words(action)

    def do_shelf(self) -> None:
        """All, or those that are open."""
        self.every = not self.every
        self.say("those too that are over or never counted" if self.every else "")
        self.ask()

    def ref(self, item: Request) -> str:
        """Its id."""
        return item.word.id

    def place(self, item: Request) -> tuple[str, int | None, str]:
        """Model, version and alias."""
        return item.word.model, item.word.number, item.word.alias

    def document(self, item: Request) -> Mapping[str, Any]:
        """As `modeldeck approvals ls -o json` has it."""
        return views.request(item)
