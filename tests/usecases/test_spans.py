"""Where an alias was at any instant: laws over histories as they truly were."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.moves import moves_of
from modeldeck.app.usecases.spans import Watch, span_at, spans_of, state_at
from modeldeck.app.usecases.timeline_words import who_words
from tests.usecases.histories import ADA, LANE, SUBJECT, event, histories, minute


def spans(history):
    return spans_of(LANE, moves_of(history.events), history.watch)


def told(events, watch=None):
    """How each span of these events is known, for a reader."""
    found = spans_of(LANE, moves_of(events), watch)
    return [(span.how, span.version if span.known else list(span.among)) for span in found]


@given(histories(far=False))
def test_here_all_is_known_from_the_beginning_of_the_trail_on(history):
    found = spans(history)
    for at in range(200):
        span = span_at(found, minute(at / 2))
        assert span.known
        assert span.version == history.truly(at / 2)
    assert span_at(found, minute(-1)).how == "before"
    assert found[-1].version == history.truly(1e6), "replaying gives the table as it is"


@given(histories(far=True))
def test_of_a_server_nothing_is_told_that_was_not_so(history):
    found = spans(history)
    for at in range(-8, 400):
        span = span_at(found, minute(at / 4))
        if span.known:
            assert span.version == history.truly(at / 4)
        elif span.how != "before":
            assert history.truly(at / 4) in span.among or span.how == "unlooked"
        if at < 0:
            assert span.how in ("before", "moving", "unsettled")


@given(histories(far=True))
def test_what_a_look_saw_is_where_it_goes_on_from(history):
    found = spans(history)
    for one in history.events:
        if one.phase == "observed":
            span = span_at(found, one.time)
            assert (span.version if span.known else span.among[0]) == one.after["version"]


@given(st.booleans().flatmap(lambda far: histories(far=far)))
def test_an_answer_holds_until_the_next_one_begins(history):
    found = spans(history)
    assert found[0].start is None
    assert found[-1].end is None
    for one, two in pairwise(found):
        assert one.end == two.start
        assert one.start is None or one.start < one.end
        assert (one.how, one.version, one.among, one.by, one.to) != (
            two.how, two.version, two.among, two.by, two.to
        )  # fmt: skip


def test_what_was_written_down_had_happened_by_then_whatever_clock_the_looks_went_by():
    (move,) = moves_of([event(1, 5, "observed", 7, 8, between=(6, 9))])
    assert (move.earliest, move.latest) == (minute(5), minute(5))


def test_a_move_that_was_only_seen_is_not_known_between_the_two_looks():
    events = [event(1, 9, "observed", 7, 8, between=(1, 9))]
    watch = Watch(first=minute(0), version=8, since=minute(9), looked=minute(30), far=True)
    assert told(events, watch) == [
        ("before", []),
        ("known", 7),
        ("moving", [7, 8]),
        ("known", 8),
        ("unlooked", [8]),
    ]


def test_before_the_first_look_is_never_none():
    watch = Watch(first=minute(3), version=None, since=minute(3), looked=minute(4), far=True)
    assert told([], watch) == [("before", []), ("known", None), ("unlooked", [None])]


def test_a_lost_answer_is_both_until_a_look_tells():
    events = [event(1, 1, "intent", 1, 2), event(2, 2, "unknown", 1, 2, caused_by=1)]
    stayed = Watch(first=minute(0), version=1, since=minute(0), looked=minute(5), far=True)
    assert told(events, stayed) == [
        ("before", []),
        ("known", 1),
        ("unsettled", [1, 2]),
        ("unlooked", [1]),
    ]
    arrived = [*events, event(3, 5, "observed", 1, 2, between=(1, 5), caused_by=1)]
    assert told(arrived, Watch(first=minute(0), far=True))[-2:] == [
        ("moving", [1, 2]),
        ("unlooked", [2]),
    ]


def test_an_intent_that_a_crash_left_is_told_as_one():
    assert told([event(1, 1, "intent", 1, 2)])[-1] == ("unsettled", [1, 2])


def test_what_was_refused_is_no_move():
    events = [event(1, 1, "intent", 1, 2), event(2, 2, "failed", 1, 2, caused_by=1)]
    assert moves_of(events) == []


def test_a_step_that_no_event_tells_of_is_a_gap():
    events = [event(1, 1, "done", None, 1), event(2, 9, "done", 4, 5)]
    assert told(events) == [("before", []), ("broken", [1, 4]), ("known", 5)]
    assert span_at(spans_of(LANE, moves_of(events)), minute(5)).how == "broken"


def test_the_clock_set_back_keeps_the_order_and_says_which_minutes_came_twice():
    events = [
        event(1, 0, "done", None, 1),
        event(2, 10, "done", 1, 2),
        event(3, 5, "done", 2, 3),
        event(4, 20, "done", 3, 4),
    ]
    found = spans_of(LANE, moves_of(events), Watch(version=4, since=minute(20), looked=minute(30)))
    assert span_at(found, minute(4)).version == 1
    twice = span_at(found, minute(7))
    assert (twice.how, twice.among) == ("clock", (2, 3))
    assert (span_at(found, minute(10)).version, found[-1].version) == (3, 4)


@pytest.mark.parametrize("bad", [{"version": "12"}, {"version": True}, {}, None, "x"])
def test_what_is_no_version_is_no_move(bad):
    odd = msgspec.structs.replace(event(1, 1, before=1, after=2), after=bad)
    assert moves_of([odd]) == []


def test_an_undo_marks_what_it_took_back():
    events = [
        event(1, 1, "done", None, 1, plan="sha256:a"),
        event(2, 2, "done", 1, 2, plan="sha256:b"),
        event(3, 3, "done", 2, 1, plan="sha256:c", undo_of=2),
    ]
    first, second, third = moves_of(events)
    assert (first.undone_by, second.undone_by, third.undone_by) == (None, 3, None)
    assert third.purpose == "undo"


def test_state_at_names_each_alias_once():
    shadow = event(3, 3, "done", None, 9, subject=SUBJECT.replace("champion", "shadow"))
    events = [event(1, 1, "done", None, 1), event(2, 2, "done", 1, 2), shadow]
    found = state_at(moves_of(events), minute(2.5))
    assert [(one.alias, one.known, one.version) for one in found] == [
        ("champion", True, 2),
        ("shadow", False, None),
    ]


def test_who_is_the_person_whose_key_it_was():
    key = msgspec.structs.replace(ADA, key="SHA256:Aa", sudo_user="op2", on_behalf_of="agent")
    signed = event(1, 1, "done", None, 1, actor=key)
    told = event(2, 2, "learned", 1, 2, evidence={"person": "rev1", "time": "2026-11-17T14:01:30Z"})
    seen = event(3, 9, "observed", 2, 3, between=(4, 9))
    moves = moves_of([signed, told, seen], {"SHA256:Aa": "op one"})
    assert [who_words(move) for move in moves] == ["op one for agent", "rev1", "OUTSIDE"]
    assert who_words(moves_of([signed])[0]) == "op2 as ada for agent"
    assert moves[1].latest == minute(1.5), "when it was said, not when it was heard"
