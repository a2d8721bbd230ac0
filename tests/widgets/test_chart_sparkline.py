import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.sparkline import spark

values = st.lists(st.one_of(st.none(), st.floats(), st.floats(-1, 1)), max_size=80)


@given(values, st.integers(0, 30), st.booleans())
def test_exactly_as_wide_as_asked(series, width, ascii_only):
    row = spark(series, width, ascii=ascii_only)
    assert len(row) == width
    assert row.isascii() or not ascii_only


@given(st.lists(st.floats(-1, 1), min_size=20, max_size=400), st.data())
def test_one_spike_is_seen_up_or_down(series, data):
    at = data.draw(st.integers(0, len(series) - 1))
    series[at] = data.draw(st.sampled_from([1e3, -1e3]))
    cell = next(c for c in range(20) if (c + 1) * len(series) // 20 > at)
    assert spark(series, 20)[cell] == ("█" if series[at] > 0 else "▁")


@pytest.mark.parametrize(
    ("series", "blocks", "plain"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█  ", "_.-:=+*#  "),
        ([3, 3, 3], "▄▄▄       ", ":::       "),
        ([1, math.nan, None, 2], "▁  █      ", "_  #      "),
        ([0, math.inf, 1, -math.inf], "▁▲█▼      ", "_^#v      "),
        ([-1.7e308, 1.7e308], "▁█        ", "_#        "),
        ([0, 5e-324], "▁█        ", "_#        "),
        ([math.nan], " " * 10, " " * 10),
        ([math.inf], "▲         ", "^         "),
        ([], " " * 10, " " * 10),
    ],
)
def test_golden(series, blocks, plain):
    assert spark(series, 10) == blocks
    assert spark(series, 10, ascii=True) == plain


def test_many_values_share_a_cell():
    series = [0.0] * 1000
    series[123] = 1
    series[877] = math.nan
    assert spark(series, 10) == "▁█▁▁▁▁▁▁▁▁"
