"""Freezes to the second, by the clock of their zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.gates.freeze import Freeze

BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


async def at(instant: datetime, **rule: Any):
    made = msgspec.convert({"kind": "freeze", **rule}, Freeze)
    assert list(made.problems()) == []
    facts: Any = SimpleNamespace(session=SimpleNamespace(clock=lambda: instant))
    return await made.judge(facts)


YEAR_END = {
    "windows": [{"from": "2026-12-20", "to": "2027-01-04", "why": "year end"}],
    "zone": "Europe/Berlin",
}
HOURS = {
    "windows": [{"from": "2026-12-20 16:00", "to": "2026-12-20T18:30:00"}],
    "zone": "Europe/Berlin",
}
WEEKEND = {"weekly": ["fri 16:00-mon 08:00"], "zone": "Europe/Berlin"}
OFFSET = {"windows": [{"from": "2026-12-20T16:00:00-05:00", "to": "2026-12-21T00:00:00+00:00"}]}
EDGES = {
    "a day begins": (YEAR_END, datetime(2026, 12, 20, tzinfo=BERLIN), "begins"),
    "the last day ends": (YEAR_END, datetime(2027, 1, 5, tzinfo=BERLIN), "ends"),
    "an hour begins": (HOURS, datetime(2026, 12, 20, 16, tzinfo=BERLIN), "begins"),
    "an hour ends": (HOURS, datetime(2026, 12, 20, 18, 30, tzinfo=BERLIN), "ends"),
    "a weekend begins": (WEEKEND, datetime(2026, 11, 27, 16, tzinfo=BERLIN), "begins"),
    "a weekend ends": (WEEKEND, datetime(2026, 11, 30, 8, tzinfo=BERLIN), "ends"),
    "a weekend in which clocks go back": (
        WEEKEND,
        datetime(2026, 10, 26, 8, tzinfo=BERLIN),
        "ends",
    ),
    "a weekend in which clocks go forward": (
        WEEKEND,
        datetime(2026, 3, 30, 8, tzinfo=BERLIN),
        "ends",
    ),
    "inside of a week": (
        {"weekly": ["mon 09:00-mon 17:00"]},
        datetime(2026, 11, 23, 9, tzinfo=UTC),
        "begins",
    ),
    "the end of a day": (
        {"weekly": ["sun 12:00-sun 24:00"]},
        datetime(2026, 11, 23, tzinfo=UTC),
        "ends",
    ),
    "an offset of its own": (OFFSET, datetime(2026, 12, 20, 21, tzinfo=UTC), "begins"),
}


@pytest.mark.parametrize("about", EDGES)
async def test_the_first_instant_is_inside_and_the_last_is_not(about):
    rule, edge, what = EDGES[about]
    before, after = ("pass", "wait") if what == "begins" else ("wait", "pass")
    assert (await at(edge - SECOND, **rule)).verdict == before
    for zone in (UTC, BERLIN, ZoneInfo("America/New_York")):
        assert (await at(edge.astimezone(zone), **rule)).verdict == after


async def test_the_hour_that_comes_twice_is_told_apart():
    """At 02:30 of 25 October in Berlin it is 00:30 UTC, and an hour later again 02:30."""
    rule = {
        "windows": [{"from": "2026-10-25T00:45:00+00:00", "to": "2026-10-26"}],
        "zone": "Europe/Berlin",
    }
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert (await at(first, **rule)).verdict == "pass"
    assert (await at(first.replace(fold=1), **rule)).verdict == "wait"


async def test_it_says_until_when_and_why():
    found = await at(datetime(2026, 12, 24, 12, tzinfo=UTC), **YEAR_END)
    assert found.shows == "frozen until 2027-01-05 00:00 Europe/Berlin: year end"
    assert found.numbers == {"until": "2027-01-04T23:00:00Z"}


async def test_windows_that_follow_each_other_are_one():
    rule = {"windows": [{"from": "2026-11-20", "to": "2026-11-27 16:00"}], **WEEKEND}
    found = await at(datetime(2026, 11, 23, tzinfo=UTC), **rule)
    assert found.shows == "frozen until 2026-11-30 08:00 Europe/Berlin"


async def test_it_shows_the_next_window():
    found = await at(datetime(2026, 11, 24, tzinfo=UTC), **{**YEAR_END, **WEEKEND})
    assert (found.verdict, found.shows) == ("pass", "none until 2026-11-27 16:00 Europe/Berlin")
    assert found.numbers == {"next": "2026-11-27T15:00:00Z"}
    gone = await at(datetime(2028, 1, 1, tzinfo=UTC), **YEAR_END)
    assert (gone.verdict, gone.shows, gone.numbers) == ("pass", "none ahead", {"next": None})


def by_hand(instant: datetime) -> bool:
    """Friday 16:00 to Monday 08:00 by the clock on the wall in Berlin."""
    wall = instant.astimezone(BERLIN)
    hours = wall.weekday() * 24 + wall.hour + wall.minute / 60
    return hours >= 4 * 24 + 16 or hours < 8


@given(st.integers(0, 1_051_200).map(lambda minutes: START + timedelta(minutes=minutes)))
async def test_a_week_is_what_the_clock_says(instant):
    assert (await at(instant, **WEEKEND)).verdict == ("wait" if by_hand(instant) else "pass")
