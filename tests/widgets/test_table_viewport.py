from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from modeldeck.widgets.table.viewport import Viewport

SIZES = st.integers(-2, 60)


class AnyMoves(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.view = Viewport()

    @rule(count=SIZES, height=SIZES)
    def resize(self, count, height):
        self.view.resize(count, height)

    @rule(index=st.integers(-100, 100))
    def goto(self, index):
        self.view.goto(index)

    @rule(pages=st.integers(-3, 3))
    def page(self, pages):
        self.view.page(pages)

    @rule(lines=st.integers(-30, 30))
    def scroll(self, lines):
        self.view.scroll(lines)

    @rule(index=st.integers(0, 80))
    def hold(self, index):
        self.view.hold(index)

    @rule(jump=st.integers(0, 80))
    def jump(self, jump):
        self.view.jump = jump

    @invariant()
    def the_cursor_is_on_a_row_in_sight(self):
        view = self.view
        assert 0 <= view.cursor <= max(view.count - 1, 0)
        assert 0 <= view.top <= view.cursor < view.top + max(view.height, 1)

    @invariant()
    def no_room_is_wasted(self):
        view = self.view
        assert view.top <= max(view.count - max(view.height, 1), 0)


TestAnyMoves = AnyMoves.TestCase


def at(count, height, cursor=0, top=0):
    return Viewport(count, height, cursor, top)


def test_a_page_keeps_the_line_of_the_cursor():
    view = at(100, 10, cursor=3)
    view.page(1)
    assert (view.top, view.cursor) == (9, 12)
    view.page(-1)
    assert (view.top, view.cursor) == (0, 3)


def test_paging_ends_at_the_ends():
    view = at(15, 10, cursor=3)
    view.page(1)
    view.page(1)
    assert (view.top, view.cursor) == (5, 14)
    view.page(-1)
    view.page(-1)
    assert (view.top, view.cursor) == (0, 0)


def test_a_row_that_moved_stays_on_its_line():
    view = at(100, 10, cursor=25, top=20)
    view.hold(60)
    assert (view.top, view.cursor) == (55, 60)
    view.hold(2)
    assert (view.top, view.cursor) == (0, 2)


def test_the_sight_follows_by_one_row_or_by_more():
    view = at(100, 10)
    view.goto(10)
    assert view.top == 1
    view.jump = 5
    view.goto(11)
    assert view.top == 6
    view.goto(5)
    assert view.top == 1


@given(SIZES, SIZES)
def test_the_last_row_in_sight(count, height):
    view = at(0, 0)
    view.resize(count, height)
    assert view.last == min(max(height, 0), max(count, 0)) - 1
