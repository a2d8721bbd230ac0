from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Lines, line, text_of, wrapped
from modeldeck.widgets.push import Push
from modeldeck.widgets.text import cells, show


def rows(one, width):
    return ["".join(text for text, _ in row) for row in wrapped(one, width)]


def test_words_wrap_and_hang():
    one = line(Part("WAY BACK ", "strong"), "rollback to 12, lock ok", hang=9)
    assert rows(one, 19) == ["WAY BACK rollback ", "         to 12, ", "         lock ok"]
    assert wrapped(one, 19)[0][0] == ("WAY", "strong")


def test_a_word_longer_than_the_width_is_broken():
    assert rows(line("a" * 25), 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert rows(line("日本語日本語"), 5) == ["日本", "語日", "本語"]
    assert rows(line("日"), 1) == ["日", ""]


def test_an_empty_line_is_a_row():
    assert rows(line(), 10) == [""]


@given(st.text(max_size=200), st.integers(2, 60), st.integers(0, 30))
def test_nothing_but_blanks_is_lost_and_no_row_is_too_wide(text, width, hang):
    found = rows(line(text, hang=hang), width)
    assert "".join(found).replace(" ", "") == show(text).replace(" ", "")
    assert all(cells(row) <= width for row in found)


def test_the_exact_text_is_kept():
    assert text_of([line("a\x1b", Part("b")), line("c")]) == "a\x1bb\nc"


class Stage(App):
    def compose(self):
        yield Lines([line(f"line {n}") for n in range(100)])


async def test_it_scrolls_and_says_where_it_is():
    app = Stage()
    async with app.run_test(size=(40, 10)) as pilot:
        lines = app.query_one(Lines)
        lines.focus()
        await pilot.press("down", "pagedown", "j", "k")
        assert (lines.top, lines.position) == (10, "lines 11-20 of 100")
        await pilot.press("end")
        assert lines.top == 90
        await pilot.press("home", "up", "pageup")
        assert lines.top == 0
        assert lines.render_line(3).text.rstrip() == "line 3"
        lines.say([line("few")])
        assert (lines.top, lines.position) == (0, "")


async def test_a_push_is_pressed_by_keys_when_it_has_them():
    pressed = []

    class Two(App):
        def compose(self):
            yield Push("Cancel", id="cancel")
            yield Push("\x1b[/]", id="odd", disabled=True)

        def on_push_pressed(self, message):
            pressed.append(message.push.id)

    app = Two()
    async with app.run_test(size=(40, 10)) as pilot:
        assert app.query_one("#odd", Push).text == r" ( \u{1b}[/] ) "
        app.query_one("#cancel").focus()
        await pilot.press("enter", "space", "tab", "enter")
        assert app.query_one("#cancel", Push).text == ">[ Cancel ] "
    assert pressed == ["cancel", "cancel", "cancel"]
