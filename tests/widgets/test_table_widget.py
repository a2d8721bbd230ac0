import pytest
from textual import on
from textual.app import App
from textual.content import Content
from textual.events import MouseScrollDown, MouseScrollUp

from modeldeck.widgets.table import Cell, Column, ListSource, Row, Span, Table
from modeldeck.widgets.table import messages as told

COLUMNS = [Column("name", "NAME", pinned=True), Column("auc", "auc+", "number")]
HOSTILE = ["[@click=app.quit]x[/]", "[/]", "$x [$y]", "\x1b]52;c;x\x07", "a\x9b31m", "日本\u202e"]


class Stage(App):
    """A table alone on the screen, and all that it says."""

    def __init__(self, **options):
        super().__init__()
        self.table = Table(COLUMNS, **options)
        self.heard = []

    def compose(self):
        yield self.table

    def on_mount(self):
        self.table.focus()

    @on(told.TableMessage)
    def hear(self, message):
        self.heard.append(message)

    def lines(self):
        return ["".join(s.text for s in self.table.render_line(y)) for y in range(self.size.height)]


def runs(count):
    return ListSource([Row(f"r{n}", [f"run {n}", f"0.{n:03}"]) for n in range(count)])


class Unknown(ListSource):
    count = None


def hear(app, kind):
    return [event for event in app.heard if type(event) is kind]


async def test_keys_move_mark_choose_and_sort():
    app = Stage(source=runs(100))
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.table
        await pilot.press("down", "j", "k", "space", "pagedown", "G", "g", "end", "up")
        assert table.cursor == 98
        assert table.marks == {"r1"}
        await pilot.press("home", "enter", "shift+right", "shift+right", "o", "right", "left")
        assert table.selected_column == "auc"
    assert [event.key for event in hear(app, Table.RowChosen)] == ["r0"]
    assert [event.column for event in hear(app, Table.ColumnSelected)] == ["name", "auc"]
    assert [event.column for event in hear(app, Table.SortAsked)] == ["auc"]
    assert [event.marks for event in hear(app, Table.MarksChanged)] == [frozenset({"r1"})]
    assert [event.index for event in hear(app, Table.RowHighlighted)][:3] == [0, 1, 2]
    assert hear(app, Table.ToggleAsked) == []


async def test_right_asks_a_tree_row_to_open():
    app = Stage(source=ListSource([Row("sweep", ["sweep"], twisty="closed")]))
    async with app.run_test() as pilot:
        await pilot.press("right")
    assert [event.key for event in hear(app, Table.ToggleAsked)] == ["sweep"]


async def test_a_cursor_move_draws_two_lines_and_nothing_that_is_the_same():
    app = Stage(source=runs(100))
    async with app.run_test(size=(40, 12)) as pilot:
        drawn = []
        render_line = app.table.render_line
        app.table.render_line = lambda y: drawn.append(y) or render_line(y)
        await pilot.press("down")
        await pilot.pause()
        assert sorted(drawn) == [1, 2]
        drawn.clear()
        app.table.refresh_rows()
        app.table.set_source(runs(100))
        await pilot.pause()
        assert drawn == []
        app.table.rows_changed(50, 60)
        app.table.toggle_mark("r4")
        await pilot.pause()
        assert drawn == [5]


async def test_marks_and_cursor_survive_another_source():
    app = Stage(source=runs(10))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("down", "space")
        app.table.set_source(ListSource([Row(f"r{n}", [f"new {n}"]) for n in (5, 2, 1)]))
        await pilot.pause()
        assert (app.table.cursor_key, app.table.marks) == ("r2", {"r1"})
        assert [line.rstrip() for line in app.lines()[1:4]] == ["   new 5", ">  new 2", " * new 1"]
        app.table.mark_all(["r5", "zz"])
        assert app.table.marks == {"r1", "r5", "zz"}
        app.table.clear_marks()
        assert app.table.marks == frozenset()


async def test_foreign_text_is_neither_parsed_nor_sent_raw():
    columns = [Column("name", "[/]\x1b[2J")]
    rows = [Row(name, [name, Cell(name, "no such style")], span=None) for name in HOSTILE]
    rows.append(Row("span", ["s"], span=Span("auc", "\x1b[/]")))
    app = Stage(source=ListSource(rows), empty="\x1b[/]")
    async with app.run_test(size=(80, 12)) as pilot:
        app.table.set_columns([*columns, COLUMNS[1]])
        await pilot.pause()
        text = "\n".join(app.lines())
        assert "[@click=app.quit]x[/]" in text
        assert "\\u{1b}]52" in text
        assert not set(text) & set("\x1b\x9b\x07\u202e")
        app.table.set_source(ListSource())
        await pilot.pause()
        assert "\\u{1b}[/]" in app.lines()[2]


async def test_words_stand_where_rows_would_be():
    app = Stage(empty=Content("no runs yet\npress n"))
    async with app.run_test(size=(40, 12)) as pilot:
        assert [line.strip() for line in app.lines()[2:4]] == ["no runs yet", "press n"]
        app.table.set_source(Unknown())
        await pilot.pause()
        assert app.lines()[2].strip() == "reading ..."


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 2), (7, 9), (20, 5)])
async def test_no_size_is_too_small(size):
    app = Stage(source=runs(30))
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.press("end")
        await pilot.resize_terminal(*size)
        await pilot.press("down", "pageup", "shift+right", "space")
        app.table.set_columns([])
        await pilot.pause()
        app.table.set_source(ListSource())
        await pilot.resize_terminal(60, 12)
        assert app.table.position == "no rows"


async def test_the_mouse_moves_the_cursor_chooses_and_sorts():
    app = Stage(source=runs(100))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.click(Table, offset=(5, 4))
        assert app.table.cursor == 3
        await pilot.click(Table, offset=(5, 6), times=2)
        await pilot.click(Table, offset=(4, 0))
        app.table.post_message(scroll(MouseScrollDown))
        await pilot.pause()
        assert app.table.position == "rows 4-14 of 100"
        app.table.post_message(scroll(MouseScrollUp))
        await pilot.pause()
        assert app.table.position == "rows 1-11 of 100"
    assert [event.key for event in hear(app, Table.RowChosen)] == ["r5"]
    assert [event.column for event in hear(app, Table.SortAsked)] == ["name"]


def scroll(kind):
    return kind(None, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=False)


async def test_a_further_sort_is_asked_for_and_the_head_counts_them():
    app = Stage(source=runs(3))
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.set_sort(("name", False))
        await pilot.pause()
        assert app.lines()[0].split() == ["NAME▲", "auc+"]
        await pilot.press("shift+right", "o", "shift+right", "O")
        app.table.set_sort(("auc", True), ("name", False))
        await pilot.pause()
        assert app.lines()[0].split() == ["NAME2▲", ">auc+1▼"]
        app.table.ascii_only = True
        await pilot.pause()
        assert app.lines()[0].split() == ["NAME2^", ">auc+1v"]
    asked = [(event.column, event.further) for event in hear(app, Table.SortAsked)]
    assert asked == [("name", False), ("auc", True)]


@pytest.mark.parametrize("key", ["M", "ctrl+@", "ctrl+space"])
async def test_a_range_is_marked_from_the_last_mark_to_the_cursor(key):
    app = Stage(source=runs(50))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press(key)
        assert app.table.marks == {"r0"}
        app.table.clear_marks()
        await pilot.press("down", "space", "down", "down", key)
        assert app.table.marks == {"r1", "r2", "r3", "r4"}
        await pilot.press("pagedown", "space", "up", "up", "up", key)
        assert app.table.marks == {f"r{n}" for n in range(1, 5)} | {"r12", "r13", "r14"}
        await pilot.press("up", "space", "space")
        assert "r13" in app.table.marks


class Gaps(ListSource):
    """Row 2 is not loaded."""

    def row(self, index):
        return None if index == 2 else super().row(index)


async def test_a_range_with_rows_that_are_not_loaded_is_for_the_owner():
    app = Stage(source=Gaps([Row(f"r{n}", [str(n)]) for n in range(5)]))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("space", "end", "M")
        assert app.table.marks == {"r0"}
    assert [(event.start, event.end) for event in hear(app, Table.RangeAsked)] == [("r0", "r4")]


async def test_columns_scroll_and_stay_where_they_are_when_rows_come_anew():
    columns = [Column("name", "NAME", pinned=True)]
    columns += [Column(f"m{n}", f"metric-{n}", "number") for n in range(9)]
    rows = [Row("a", ["a", *map(str, range(9))])]
    app = Stage(source=ListSource(rows))
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.set_columns(columns)
        await pilot.pause()
        shown = [column.key for column in app.table.visible_columns]
        assert (shown[0], app.table.to_the_right[0].key) == ("name", f"m{len(shown) - 1}")
        await pilot.press(")")
        scrolled = [column.key for column in app.table.visible_columns]
        assert scrolled[:2] == ["name", f"m{len(shown) - 1}"]
        app.table.set_columns(list(columns))
        app.table.set_source(ListSource(rows))
        await pilot.pause()
        assert [column.key for column in app.table.visible_columns] == scrolled
        app.table.set_columns([*columns, Column("m9", "metric-9")])
        await pilot.pause()
        assert [column.key for column in app.table.visible_columns] == scrolled
        await pilot.press("ctrl+right", "ctrl+right", "ctrl+right")
        assert app.table.to_the_right == ()
        await pilot.press("(", "ctrl+left", "(", "(")
        assert [column.key for column in app.table.visible_columns] == shown
