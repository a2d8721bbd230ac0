"""Instants as people write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.instants import parse_instant
from modeldeck.backends.api.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-17T14:05:00Z", "2026-11-17T14:05:00+00:00"),
        ("2026-11-17T14:05:00.25+01:00", "2026-11-17T13:05:00.250000+00:00"),
        ("2026-11-17 14:05", "2026-11-17T14:05:00+00:00"),
        ("2026-11-17", "2026-11-17T00:00:00+00:00"),
        ("11:05", "2026-11-23T11:05:00+00:00"),
        ("9:05:07", "2026-11-23T09:05:07+00:00"),
        ("yesterday", "2026-11-22T00:00:00+00:00"),
        ("Yesterday 14:05", "2026-11-22T14:05:00+00:00"),
        ("today 08:00", "2026-11-23T08:00:00+00:00"),
        ("tuesday 14:05", "2026-11-17T14:05:00+00:00"),
        ("last  TUE 14:05", "2026-11-17T14:05:00+00:00"),
        ("last monday 14:05", "2026-11-16T14:05:00+00:00"),
        ("sunday", "2026-11-22T00:00:00+00:00"),
        ("-3d", "2026-11-20T12:00:00+00:00"),
        ("-1h30m", "2026-11-23T10:30:00+00:00"),
        ("now", "2026-11-23T12:00:00+00:00"),
    ],
)
def test_forms(text, wanted):
    assert parse_instant(text, NOW).isoformat() == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("14:05", "is still to come"),
        ("+1h", "is still to come"),
        ("2027-01-01", "is still to come"),
        ("monday 08:00", "today is monday: it could be today or a week ago"),
        ("", "is no time"),
        ("last", "is no time"),
        ("last yesterday", "is no time"),
        ("2pm", "is no time"),
        ("24:00", "is no time"),
        ("11/12/2026", "is no time"),
        ("2026-02-30", "is no time"),
        ("tuesday wednesday", "is no time"),
        ("-3 d", "is no time"),
        ("-99999999999d", "is no time"),
    ],
)
def test_what_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        parse_instant(text, NOW)


def in_zone(how, monkeypatch, at):
    """Now, told as a zone with rules, or as the machine tells it."""
    if how == "rules":
        return at.astimezone(BERLIN)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    return at.astimezone(timezone(at.astimezone(BERLIN).utcoffset(), "CET"))


@pytest.fixture
def _zone_back(monkeypatch):
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone_back")
@pytest.mark.parametrize("how", ["rules", "machine"])
def test_clocks_that_were_put_forward_or_back(how, monkeypatch):
    now = in_zone(how, monkeypatch, NOW)
    summer = parse_instant("2026-07-01 14:05", now)
    assert summer.isoformat() == "2026-07-01T12:05:00+00:00"
    assert parse_instant("2026-11-17 14:05", now).hour == 13
    with pytest.raises(UsageError, match="never was: the clocks were put forward"):
        parse_instant("2026-03-29 02:30", now)
    with pytest.raises(UsageError, match="was twice: the clocks were put back") as caught:
        parse_instant("2026-10-25 02:30", now)
    assert "02:30:00+02:00 or 2026-10-25T02:30:00+01:00" in caught.value.way_out
    assert parse_instant("2026-10-25T02:30:00+01:00", now).hour == 1


@given(st.text(max_size=30))
def test_any_text_is_a_time_that_has_been_or_is_refused(text):
    try:
        found = parse_instant(text, NOW)
    except UsageError:
        return
    assert found <= NOW


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 1)))  # noqa: DTZ001
def test_what_was_told_is_read_again(naive):
    instant = naive.replace(tzinfo=UTC)
    now = NOW.astimezone(BERLIN)
    assert parse_instant(instant.isoformat(), now) == instant
    local = instant.astimezone(BERLIN)
    said = local.replace(tzinfo=None).isoformat(" ")
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        with pytest.raises(UsageError, match="was twice"):
            parse_instant(said, now)
    else:
        assert parse_instant(said, now) == instant


def test_a_day_ago_is_a_day_of_hours():
    assert NOW - parse_instant("-1d", NOW) == timedelta(days=1)
