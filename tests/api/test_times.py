from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.times import from_micros, rfc3339, to_micros

SPAN = (datetime(1000, 1, 1), datetime(8999, 12, 31))  # noqa: DTZ001
TIMES = st.datetimes(*SPAN, timezones=st.just(UTC))


@given(TIMES)
def test_microseconds_are_exact(time):
    assert from_micros(to_micros(time)) == time


@given(TIMES, st.integers(-12, 12))
def test_rfc3339_is_utc_and_reads_back(time, hours):
    there = time.astimezone(timezone(timedelta(hours=hours)))
    assert rfc3339(there) == rfc3339(time)
    assert datetime.fromisoformat(rfc3339(time)) == time


@given(st.integers())
def test_any_number_is_some_time(micros):
    time = from_micros(micros)
    assert time.tzinfo is UTC
    for hours in (-12, 14):
        assert time.astimezone(timezone(timedelta(hours=hours))) == time
    assert time - timedelta(days=36_500) < time < time + timedelta(days=36_500)
