"""What can be done with a run as a whole, whatever part of it is in sight."""

from collections.abc import Sequence

from modeldeck.app.usecases import views
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.runs import list_runs
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.runs import Fields, Run

from .run_words import described
from .text import ReadingScreen, TextScreen


class RunVerbs(ReadingScreen):
    """The verbs of a run's screen."""

    known: Run | None
    ref: str
    detail: RunDetail | None
    _near: Sequence[str] = ()

    @property
    def run_id(self) -> str:
        """Its id, as far as that is known."""
        run = self.run_now
        return run.id if run else self.ref

    @property
    def run_now(self) -> Run | None:
        """The run, with all of its keys or without."""
        return self.detail.run if self.detail else self.known

    def _why_unknown(self) -> str:
        return "" if self.detail is not None else "the run has not been read yet"

    why_not_describe = why_not_raw = why_not_hangs = why_not_edit = why_not_compare = _why_unknown
    why_not_tag = why_not_delete = why_not_owner = _why_unknown

    def do_describe(self) -> None:
        """All of it in words."""
        if self.detail is not None:
            lines = described(self.detail, self.session.clock())
            self.console.push_screen(TextScreen("describe", lines, address=self.address))

    def do_raw(self) -> None:
        """All of it as JSON."""
        if self.detail is not None:
            self.console.show_json(self, views.run_detail(self.detail), "JSON")

    def do_owner(self) -> None:
        """Its parent; of a run without one, the runs of its experiment."""
        from .runs import RunsScreen

        run = self.run_now
        if run is not None and run.parent_id:
            self.console.open_run(run.parent_id)
        elif run is not None:
            self.console.push_screen(RunsScreen(experiment=run.experiment))

    def do_hangs(self) -> None:
        """Its children, and the versions that were made from it."""
        from .hangs import HangsScreen

        self.console.push_screen(HangsScreen(self.address))

    def do_compare(self) -> None:
        """Ask which other runs to compare it with."""
        run = self.run_now
        if run is None:
            return
        self._near = []

        async def near() -> Sequence[str]:
            fields = Fields(metrics=(), params=(), tags=())
            window = await list_runs(self.session, experiments=[run.experiment], fields=fields)
            return [one.name for one in window.first if one.id != run.id]

        self.bridge.ask(self, "near", f"runs of {run.experiment}", near)
        self.ask_line(
            "compare",
            "with",
            self._compare_with,
            hint="names or ids, with commas between; Tab completes",
            complete=self._complete_run,
        )

    def got_near(self, names: Sequence[str]) -> None:
        """Complete with the names of runs beside it."""
        self._near = list(names)

    def _complete_run(self, text: str) -> Sequence[str]:
        head, comma, last = text.rpartition(",")
        start = f"{head}{comma} " if comma else ""
        word = last.strip()
        return [start + name for name in self._near if name.startswith(word) and name != word]

    def _compare_with(self, text: str) -> None:
        from .compare import CompareScreen

        others = [word.strip() for word in text.split(",") if word.strip()]
        if others:
            self.console.push_screen(CompareScreen([self.run_id, *others]))
        else:
            self.say("no other run was named")

    def do_edit(self) -> None:
        """Edit the note in the editor, then show what that would change."""
        from modeldeck.app.usecases.texts import plan_note

        from ..editor import edit_text

        run = self.run_now
        if run is None:
            return
        try:
            text = edit_text(self.console, run.note, "note.md")
        except ModeldeckError as error:
            self.fail(error)
            return
        if text is None:
            self.say("the note is as it was")
            return
        session = self.session
        self.console.propose(
            self, lambda: plan_note(session, run.id, text), f"note of {run.name} changed"
        )

    def do_tag(self) -> None:
        """Set or remove a tag."""
        from ..changing import tag

        tag(self, "run", [self.run_id])

    def do_delete(self) -> None:
        """Delete the run; it can be restored."""
        self._shelve(delete=True)

    def do_restore(self) -> None:
        """Restore it."""
        self._shelve(delete=False)

    def why_not_restore(self) -> str:
        """Only what is deleted can be."""
        run = self.run_now
        return "" if run and run.deleted_at else "it is not deleted"

    def _shelve(self, *, delete: bool) -> None:
        from ..changing import shelve

        shelve(self, "run", [self.run_id], delete=delete)
