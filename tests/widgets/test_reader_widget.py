"""The wiring: keys, messages, what is drawn anew and what is not."""

from typing import ClassVar

from textual.app import App

from modeldeck.widgets.reader import Reader, diff_style

HOSTILE = ["[@click=app.quit]x[/]", "[/]", "\x1b]52;c;x\x07", "a\x9b31m", "日本\u202e"]


class Stage(App):
    BINDINGS: ClassVar = [("left", "leave", "Leave")]

    def __init__(self, *args, **options):
        super().__init__()
        self.reader = Reader(*args, **options)
        self.heard = []
        self.back = 0

    def compose(self):
        yield self.reader

    def on_mount(self):
        self.reader.focus()

    def on_reader_moved(self, event):
        self.heard.append(event.reader.position)

    def on_reader_sought(self, event):
        self.heard.append(event.match and event.match.line)

    def action_leave(self):
        self.back += 1

    def text(self):
        return [self.reader.render_line(y).text.rstrip() for y in range(self.size.height)]


async def test_keys_move_and_the_owner_hears_of_it():
    app = Stage([f"line {n}" for n in range(100)])
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.press("j", "down", "k", "pagedown", "G", "g", "end", "up", "space")
        await pilot.pause()
        assert app.heard[0] == "lines 1-10 of 100"
        assert app.heard[-1] == "lines 91-100 of 100"
        assert app.text()[0] == "line 90"


async def test_left_is_somebody_elses_key_at_the_left_edge():
    app = Stage(["x" * 60])
    async with app.run_test(size=(20, 3)) as pilot:
        await pilot.press("right", "left")
        assert app.back == 0
        await pilot.press("left")
        assert app.back == 1


async def test_a_search_goes_there_and_says_so():
    app = Stage([f"line {n}" for n in range(5000)])
    async with app.run_test(size=(30, 10)) as pilot:
        app.reader.search("line 49")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.heard[-1] == 49
        app.reader.seek()
        await app.workers.wait_for_complete()
        app.reader.seek(back=True)
        await app.workers.wait_for_complete()
        app.reader.search("nowhere")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert [one for one in app.heard if one is None or isinstance(one, int)] == [
            49,
            490,
            49,
            None,
        ]


async def test_wrap_follow_and_other_lines():
    lines = [f"{'x' * 40} {n}" for n in range(20)]
    app = Stage(lines, numbers=True)
    async with app.run_test(size=(30, 6)) as pilot:
        assert app.reader.toggle_wrap()
        assert app.reader.toggle_follow()
        lines.append("new")
        app.reader.grew()
        assert app.text()[-1] == "21 new"
        assert app.reader.position.endswith("of 21  wrapped  following the end")
        app.reader.set_lines(["+a", "-b"], diff_style)
        await pilot.pause()
        assert app.text()[:2] == ["1 +a", "2 -b"]
        app.reader.set_lines([])
        assert app.text()[0] == "nothing here"


async def test_only_rows_that_changed_are_drawn():
    lines = ["a", "b"]
    app = Stage(lines)
    async with app.run_test(size=(30, 6)) as pilot:
        await pilot.pause()
        asked = []
        app.reader.refresh = lambda *regions, **_: asked.append([r.y for r in regions])
        app.reader.grew()
        assert asked == []
        lines.append("c")
        app.reader.grew()
        assert asked == [[2]]


async def test_foreign_text_is_safe():
    app = Stage(HOSTILE)
    async with app.run_test(size=(40, 6)):
        drawn = "".join(app.text())
        assert drawn.isprintable()
        assert "[@click=app.quit]x[/]" in drawn
