from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.times import EPOCH, from_micros, rfc3339, to_micros

DAYS = (datetime(9999, 12, 30, tzinfo=UTC) - EPOCH).days
TIMES = st.timedeltas(timedelta(-719_000), timedelta(DAYS)).map(lambda since: EPOCH + since)


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
    assert from_micros(micros).tzinfo is UTC
