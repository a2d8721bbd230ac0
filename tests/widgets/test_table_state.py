from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.table.model import Column, ListSource, Row
from modeldeck.widgets.table.state import BlankLine, NoticeLine, RowLine, TableState

COLUMNS = [Column("name", "NAME"), Column("n", "N", "number")]


class Window:
    """A source that loads what it is asked for when the test says so."""

    def __init__(self, count=100, at_least=0):
        self.generation, self.count, self.at_least = 1, count, at_least
        self.rows, self.wanted = {}, []

    def row(self, index):
        return self.rows.get(index)

    def want(self, first, last):
        self.wanted.append((first, last))

    def index_of(self, key):
        return next((index for index, row in self.rows.items() if row.key == key), None)

    def load(self, first, last, text="row"):
        self.rows |= {
            index: Row(f"k{index}", [f"{text} {index}", "1"]) for index in range(first, last + 1)
        }


def rows(*keys, text=""):
    return [Row(key, [text or key, "1"]) for key in keys]


def state_over(source, width=40, height=11):
    state = TableState(COLUMNS, source)
    state.resize(width, height)
    state.update()
    return state


def test_the_cursor_stays_on_its_row_when_rows_are_rearranged():
    source = ListSource(rows(*"abcdef"))
    state = state_over(source)
    state.view.goto(2)
    state.update()
    source.replace(rows(*"fedcba"))
    state.update()
    assert state.view.cursor == 3
    assert state.cursor_row.key == "c"
    state.set_source(ListSource(rows("x", "c")))
    state.update()
    assert state.cursor_row.key == "c"


def test_the_cursor_stays_near_when_its_row_is_gone():
    source = ListSource(rows(*"abcdef"))
    state = state_over(source)
    state.view.goto(5)
    state.update()
    source.replace(rows("a", "b"))
    state.update()
    assert state.cursor_row.key == "b"
    source.replace([])
    state.update()
    assert (state.cursor_row, state.view.cursor) == (None, 0)
    assert state.line(1) == NoticeLine(0, "empty")


def test_a_view_is_asked_for_once():
    source = Window()
    state = state_over(source)
    for _ in range(3):
        state.want()
    assert source.wanted == [(0, 9)]
    source.load(0, 9)
    state.update()
    state.want()
    state.view.goto(15)
    state.update()
    state.want()
    assert source.wanted == [(0, 9), (6, 15)]
    state.ask_again()
    state.want()
    assert len(source.wanted) == 3


def test_a_source_that_does_not_know_its_end_is_asked_for_what_comes_next():
    source = Window(count=None)
    state = state_over(source)
    assert state.line(1) == NoticeLine(0, "reading")
    state.want()
    assert source.wanted == [(0, 10)]
    source.load(0, 4)
    source.at_least = 5
    state.update()
    assert state.position == "rows 1-5 of 5+"
    assert state.line(6) == RowLine(None, state.plan)
    assert state.line(7) == BlankLine()
    state.want()
    assert source.wanted[1:] == [(0, 10)]
    source.count = 5
    state.update()
    state.want()
    assert source.wanted[2:] == [(0, 4)]
    assert state.line(6) == BlankLine()


def test_widths_do_not_move_while_scrolling():
    source = ListSource([Row(str(n), ["x" * (n // 4 + 4), "1"]) for n in range(100)])
    state = state_over(source)
    plan = state.plan
    state.view.goto(99)
    state.update()
    assert state.plan is plan
    source.generation += 1
    state.update()
    assert state.plan.places[0].width > plan.places[0].width


def test_widths_grow_until_a_whole_page_has_been_seen():
    source = Window(count=20)
    state = state_over(source)
    widths = [state.plan.places[0].width]
    for last, text in ((3, "a longer name"), (9, "tiny"), (19, "the longest name of all")):
        source.load(0 if last < 4 else last - 5, last, text)
        state.update()
        widths.append(state.plan.places[0].width)
    assert widths == [4, 15, 15, 15]


def test_equal_lines_have_equal_states_and_others_do_not():
    state = state_over(ListSource(rows("a", "b")))
    before = [state.line(y) for y in range(5)]
    assert [state.line(y) for y in range(5)] == before
    state.view.goto(1)
    state.update()
    assert [state.line(y) == before[y] for y in range(5)] == [True, False, False, True, True]
    state.marks = frozenset({"b"})
    state.baseline = "b"
    assert state.line(2) == RowLine(rows("b")[0], state.plan, True, True, True)


@given(
    st.lists(
        st.tuples(st.sampled_from(["goto", "count", "size", "select"]), st.integers(-3, 60)),
        max_size=20,
    )
)
def test_nothing_upsets_a_table(moves):
    source = ListSource()
    state = state_over(source)
    for what, number in moves:
        if what == "goto":
            state.view.goto(number)
        elif what == "count":
            source.replace(rows(*map(str, range(max(number, 0)))))
        elif what == "size":
            state.resize(max(number, 0), max(number // 2, 0))
        else:
            state.set_columns(COLUMNS[: max(number, 0)])
            state.selected = 0 if state.columns else None
        state.update()
        state.want()
        assert 0 <= state.view.cursor <= max(source.at_least - 1, 0)
        assert all(state.line(y) is not None for y in range(30))


def test_words_for_what_is_in_sight():
    state = state_over(ListSource(rows(*"abc")), width=8)
    assert state.position == "rows 1-3 of 3  cols 1 of 2"
    state = state_over(ListSource())
    assert state.position == "no rows"
