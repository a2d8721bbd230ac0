import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.table.model import Cell, Column, Row, Span
from modeldeck.widgets.table.plan import fit
from modeldeck.widgets.table.render import ASCII, UNICODE, fit_text, head_runs, plain, row_runs
from modeldeck.widgets.text import cells

COLUMNS = [
    Column("name", "NAME", pinned=True),
    Column("st", "ST"),
    Column("auc", "auc+", "number"),
    Column("git", "GIT"),
]
PLAN = fit(COLUMNS, [10, 4, 6, 4], 33)


def row_text(row, width=33, plan=PLAN, glyphs=UNICODE, **state):
    return plain(row_runs(row, plan, COLUMNS, width, glyphs, **state))


def head_text(**state):
    return plain(head_runs(PLAN, COLUMNS, 33, UNICODE, **state))


def test_a_row_and_its_head_stand_in_line():
    row = Row("1", ["xgb-7", Cell("ok", "ok"), "0.93", "7be2"])
    assert head_text() == "   NAME        ST      auc+  GIT "
    assert row_text(row) == "   xgb-7       ok      0.93  7be2"


def test_the_gutter_says_cursor_mark_and_baseline():
    row = Row("1", ["n"])
    states = {
        (False, False, False): "   n",
        (True, False, False): ">  n",
        (False, True, False): " * n",
        (False, False, True): " = n",
        (True, True, False): ">* n",
        (True, False, True): ">= n",
        (True, True, True): ">*=n",
    }
    for (cursor, marked, baseline), text in states.items():
        drawn = row_text(row, cursor=cursor, marked=marked, baseline=baseline)
        assert drawn.rstrip() == text


def test_the_head_says_which_column_is_selected_and_sorted():
    assert head_text(selected=1).rstrip() == "   NAME       >ST      auc+  GIT"
    sorted_ = head_text(selected=2, sorts=(("auc", True),))
    assert sorted_.rstrip() == "   NAME        ST    >auc+▼  GIT"
    runs = head_runs(PLAN, COLUMNS, 33, ASCII, 2, (("name", False),))
    assert plain(runs).startswith("   NAME^ ")
    assert [text for text, style in runs if style == "selected"] == [">auc+"]


def test_a_row_that_is_not_loaded_is_an_ellipsis():
    assert row_text(None).rstrip() == "   …"
    assert row_text(None, cursor=True, glyphs=ASCII).rstrip() == ">  .."


def test_tree_rows_are_indented():
    assert row_text(Row("1", ["sweep"], twisty="open"))[:10] == "   ▾ sweep"
    assert row_text(Row("1", ["sweep"], twisty="closed"), glyphs=ASCII)[:10] == "   > sweep"
    assert row_text(Row("1", ["leaf"], level=2))[:11] == "       leaf"


def test_a_span_takes_the_place_of_the_cells_to_the_right():
    row = Row("1", ["n", "FAIL", "0.9", "7be2"], span=Span("auc", "exit 137, killed", "bad"))
    assert row_text(row) == "   n           FAIL  exit 137, k…"
    hidden = fit(COLUMNS, [10, 4, 6, 4], 20)
    assert [place.column for place in hidden.places] == [0, 1]
    assert row_text(row, 20, hidden) == "   n           exit…"


def test_neighbours_of_one_style_are_one_run():
    row = Row("1", [Cell("a", "ok"), Cell("b", "ok"), "1", ""])
    assert [style for _, style in row_runs(row, PLAN, COLUMNS, 33, UNICODE)] == ["ok", ""]
    bad = Row("1", ["a", Cell("b", "bad"), "", "c"], style="bad")
    assert [style for _, style in row_runs(bad, PLAN, COLUMNS, 33, UNICODE)] == ["bad"]


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("0.93125", 5, "0.93…"),
        ("123456", 5, "#####"),
        ("1.5e-05", 5, "#####"),
        ("12345.6", 5, "#####"),
        ("12.5", 5, "12.5"),
    ],
)
def test_a_number_is_never_cut_into_another_number(text, width, fitted):
    assert fit_text(text, width, "number", "…") == fitted


ANY = st.text(
    st.sampled_from("ab \x1b\x9b\n\u202e\u200b日本👍\u0301\\{}[/]1.")
    | st.characters(codec=None, exclude_categories=()),
    max_size=30,
)


@given(
    texts=st.lists(ANY, max_size=5),
    span=st.none() | ANY,
    level=st.integers(0, 9),
    width=st.integers(0, 60),
    title=ANY,
    cursor=st.booleans(),
    glyphs=st.sampled_from([ASCII, UNICODE]),
)
def test_any_row_fills_its_line_and_carries_no_control(
    texts, span, level, width, title, cursor, glyphs
):
    columns = [*COLUMNS[:3], Column("git", title)]
    plan = fit(columns, [14, 4, 6, 9], width)
    row = Row(
        "k", texts, level=level, span=None if span is None else Span("auc", span), twisty="open"
    )
    for runs in (
        row_runs(row, plan, columns, width, glyphs, cursor=cursor, marked=True),
        head_runs(plan, columns, width, glyphs, 3, (("git", True),)),
    ):
        line = plain(runs)
        assert cells(line) == width
        assert line.isprintable()
        assert all(text for text, _ in runs)
