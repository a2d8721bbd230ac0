"""Ten thousand odd names as rows of a table: no line is wider or narrower than the screen."""

from hypothesis import given, settings
from hypothesis import strategies as st

from modeldeck.widgets.table.model import Cell, Column, ListSource, Row, Span
from modeldeck.widgets.table.render import head_runs, plain, row_runs
from modeldeck.widgets.table.state import TableState
from modeldeck.widgets.text import cells
from tests.hostile.strings import LOOKALIKES, NAMES

EXAMPLES, ROWS = 250, 40
"""Together ten thousand names."""
ODD = st.text(max_size=40) | st.sampled_from((*NAMES, *LOOKALIKES))
WIDTHS = st.sampled_from([60, 80, 120, 200]) | st.integers(0, 30)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(ODD, min_size=ROWS, max_size=ROWS), ODD, WIDTHS, st.integers(0, 3))
def test_every_line_fills_the_screen_and_holds_nothing_that_commands(names, title, width, scrolls):
    columns = [
        Column("name", title, pinned=True, min_width=10, max_width=36, priority=99, grow=1),
        Column("n", title, "number", priority=5),
        *(Column(f"t{n}", f"{title}{n}", priority=n) for n in range(4)),
    ]
    rows = [
        Row(
            str(at),
            [name, name, Cell(name, "bad"), name],
            span=Span("t2", name) if at % 5 else None,
        )
        for at, name in enumerate(names)
    ]
    state = TableState(columns, ListSource(rows))
    state.resize(width, ROWS + 1)
    state.update()
    for _ in range(scrolls):
        state.scroll(1)
    lines = [head_runs(state.plan, columns, width, state.glyphs, 0, (("n", True), ("name", False)))]
    lines += [
        row_runs(row, state.plan, columns, width, state.glyphs, cursor=at == 3, marked=at == 4)
        for at, row in enumerate(rows)
    ]
    for line in map(plain, lines):
        assert cells(line) == width
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)
