import itertools
import math
from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modeldeck.widgets.chart import clock, scale
from modeldeck.widgets.chart.scale import Axis, around

finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=5e-324, allow_infinity=False)
ranges = st.one_of(
    st.tuples(finite, finite, st.just(False)),
    st.tuples(positive, positive, st.just(True)),
    st.tuples(st.integers(-9, 9).map(float), st.integers(-9, 9).map(float), st.just(False)),
).map(lambda r: around(min(r[:2]), max(r[:2]), r[2]))


@given(ranges)
def test_an_axis_has_two_different_ends(axis):
    assert axis.lo < axis.hi
    assert math.isfinite(axis.lo)
    assert math.isfinite(axis.hi)
    assert axis.share(axis.lo) == 0
    assert axis.share(axis.hi) == 1


@given(ranges, st.floats(0, 1))
def test_share_and_value_undo_each_other(axis, share):
    value = axis.value(share)
    assert axis.lo <= value * (1 + 1e-9) or axis.lo <= value
    back = axis.share(value)
    width = abs(axis.hi) + abs(axis.lo)
    # The smallest floats have few digits.
    if axis.hi / 2 - axis.lo / 2 > width * 1e-9 and min(abs(axis.lo), axis.hi) > 1e-290:
        assert back == pytest.approx(share, abs=1e-5)


@given(ranges, st.integers(2, 12))
@example(Axis(0, 5e-324), 4)
@example(Axis(-1.7e308, 1.7e308), 4)
def test_ticks_lie_on_the_axis_ascending_and_can_be_told_apart(axis, most):
    values = scale.ticks(axis, most)
    assert 2 <= len(values) <= max(most, 2)
    assert all(a < b for a, b in itertools.pairwise(values))
    slack = 1e-6
    assert all(-slack <= axis.share(value) <= 1 + slack for value in values)
    assert len(scale.labels(values, axis.log)) == len(values)


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(2, 12))
def test_labels_say_what_they_mark_to_a_hundredth_of_their_distance(lo, width, most):
    axis = Axis(lo / 1000, (lo + width) / 1000)
    values = scale.ticks(axis, most)
    read = [float(text.replace(",", "")) for text in scale.labels(values)]
    gap = min(b - a for a, b in itertools.pairwise(values))
    assert read == pytest.approx(values, rel=0, abs=gap / 99)


@given(finite, finite, st.integers(2, 12))
def test_steps_are_whole(one, other, most):
    for value in scale.steps(around(math.floor(min(one, other)), math.ceil(max(one, other))), most):
        assert math.isfinite(value)
    small = scale.steps(Axis(0.25, 3.75), most)
    assert small == [1, 2, 3] or all(v in (1, 2, 3) for v in small)


@pytest.mark.parametrize(
    ("lo", "hi", "log", "expected"),
    [
        (0.21, 0.6, False, ["0.3", "0.4", "0.5", "0.6"]),
        (-1, 1, False, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (0, 2000, False, ["0", "500", "1,000", "1,500", "2,000"]),
        (1e-7, 5e-7, False, ["1e-7", "2e-7", "3e-7", "4e-7", "5e-7"]),
        (1_000_000, 1_000_004, False, ["1,000,000", "1,000,001", "1,000,002", "1,000,003"]),
        (0.001, 100, True, ["0.001", "0.01", "0.1", "1", "10", "100"]),
        (1, 60, True, ["1", "2", "5", "10", "20", "50"]),
        (2.1, 2.4, True, ["2.1", "2.2", "2.3", "2.4"]),
    ],
)
def test_golden_ticks(lo, hi, log, expected):
    axis = Axis(lo, hi, log)
    assert scale.labels(scale.ticks(axis, 6), log)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9123456, "0.9123"),
        (12345.6, "12,346"),
        (-1500, "-1,500"),
        (1.5e-7, "1.5e-7"),
        (1.23456e12, "1.235e12"),
        (1e308, "1e308"),
        (-0.0, "-0"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (math.inf, "+inf"),
        (-math.inf, "-inf"),
    ],
)
def test_a_number_has_four_digits(value, text):
    assert scale.number(value) == text


@given(finite, finite, st.integers(2, 10))
def test_times_of_any_size_have_ticks_in_order(one, other, most):
    axis = around(min(one, other), max(one, other))
    for marks in (
        clock.time_ticks(axis, most, UTC),
        clock.relative_ticks(axis, most),
    ):
        assert len(marks) <= most
        assert all(a[0] < b[0] for a, b in itertools.pairwise(marks))
        assert all(-1e-6 <= axis.share(at) <= 1 + 1e-6 for at, _ in marks)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (0.004, ["08:00:00.000", "08:00:00.001", "08:00:00.002", "08:00:00.003"]),
        (40, ["08:00:00", "08:00:10", "08:00:20", "08:00:30"]),
        (1500, ["08:00", "08:05", "08:10", "08:15"]),
        (86_400, ["12:00", "18:00", "23 Nov", "06:00"]),
        (5 * 86_400, ["23 Nov", "24 Nov", "25 Nov", "26 Nov"]),
        (120 * 86_400, ["Dec 2026", "Jan 2027", "Feb 2027", "Mar 2027"]),
        (1500 * 86_400, ["2027", "2028", "2029", "2030"]),
    ],
)
def test_golden_times(span, expected):
    start = 1_795_334_400.0  # 2026-11-22 08:00 at UTC+1 is an hour earlier in UTC
    zone = timezone(timedelta(hours=0))
    at = start
    found = clock.time_ticks(Axis(at, at + span), 6, zone)
    assert [label for _, label in found][:4] == expected


def test_days_begin_at_midnight_on_both_sides_of_summer_time():
    zone = ZoneInfo("Europe/Berlin")
    found = clock.time_ticks(Axis(1_792_620_000, 1_792_620_000 + 5 * 86_400), 6, zone)
    assert [clock.moment(at, 1e6, zone)[11:] for at, _ in found] == ["00:00:00"] * len(found)
    assert {b[0] - a[0] for a, b in itertools.pairwise(found)} == {86_400.0, 90_000.0}


@pytest.mark.parametrize(
    ("seconds", "unit", "text"),
    [
        (5, 1, "0:05"),
        (90, 30, "1:30"),
        (5400, 60, "1:30:00"),
        (-90, 1, "-1:30"),
        (86_400, 3600, "1d"),
        (194_400, 3600, "2d 06:00"),
        (1.25, 0.01, "0:01.25"),
        (math.nan, 1, "NaN"),
        (1e300, 1, "1e300"),
    ],
)
def test_durations(seconds, unit, text):
    assert clock.duration(seconds, unit) == text


def test_a_moment_out_of_the_calendar_is_a_number():
    assert clock.moment(1e300, 1, UTC) == "1e300"
    assert clock.moment(1.5, 10, UTC) == "1970-01-01 00:00:01.500"
