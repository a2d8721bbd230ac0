"""Histories of an alias as they truly were, and what a trail tells of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from modeldeck.app.usecases.spans import Watch
from modeldeck.backends.api import address
from modeldeck.backends.api.events import UNKNOWN, Actor, Event
from modeldeck.backends.api.times import rfc3339

START = datetime(2026, 11, 17, 14, 0, tzinfo=UTC)
ADA = Actor(user="ada", host="jump1")
LANE = ("fraud", "champion")
SUBJECT = address.alias(*LANE)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def event(seq: int, at: float, phase: str = "done", before: Any = None, after: Any = None, **more):
    """A move of the champion, `at` minutes after the start."""
    between = more.pop("between", None)
    told = {"between": [rfc3339(minute(one)) for one in between]} if between else {}
    return Event(
        **{
            "seq": seq,
            "time": minute(at),
            "actor": UNKNOWN if phase == "observed" else ADA,
            "tool": "test",
            "context": "here",
            "phase": phase,
            "action": "alias.rm" if after is None else "alias.set",
            "subject": SUBJECT,
            "before": {"version": before},
            "after": {"version": after, **told},
            **more,
        }
    )


class History(NamedTuple):
    """Events, what was seen beside them, and where the alias truly was from which minute on."""

    events: list[Event]
    watch: Watch
    truth: list[tuple[float, int | None]]

    def truly(self, at: float) -> int | None:
        return [value for since, value in self.truth if since <= at][-1]


@st.composite
def histories(draw: Any, *, far: bool) -> History:
    """Up to a dozen steps, each some minutes after the one before.

    Here each is a plan. On a server one may take a minute, be somebody else's, seen in a look
    later, or be lost on its way, after which a look tells what came of it.
    """
    value: int | None = draw(st.sampled_from([None, 1, 2]))
    truth: list[tuple[float, int | None]] = [(-1000.0, value)]
    events: list[Event] = []
    now, looked = 0.0, 0.0
    for _ in range(draw(st.integers(0, 12))):
        now += draw(st.integers(1, 5))
        new = draw(st.sampled_from([one for one in (None, 1, 2, 3) if one != value]))
        how = draw(st.sampled_from(["done", "outside", "lost", "look"])) if far else "done"
        seq = len(events) + 1
        if how == "look":
            looked = now
        elif how == "done" and not far:
            events.append(event(seq, now, "done", value, new))
            truth.append((now, new))
            value = new
        elif how == "done":
            share = draw(st.integers(0, 4)) / 4
            events.append(event(seq, now, "intent", value, new))
            events.append(event(seq + 1, now + 1, "done", value, new, caused_by=seq))
            truth.append((now + share, new))
            value, now = new, now + 1
            looked = now
        elif how == "outside":
            moved = looked + draw(st.integers(1, 4)) / 4 * (now - looked)
            events.append(event(seq, now, "observed", value, new, between=(looked, now)))
            truth.append((moved, new))
            value, looked = new, now
        else:
            events.append(event(seq, now, "intent", value, new))
            events.append(event(seq + 1, now + 0.5, "unknown", value, new, caused_by=seq))
            if draw(st.booleans()):
                truth.append((now + 0.25, new))
                events.append(
                    event(seq + 2, now + 1, "observed", value, new, between=(looked, now + 1))
                )
                value = new
            now += 1
            looked = now
    since = max(truth[-1][0] + far, 0)
    looked = looked if far else now + 1
    watch = Watch(
        first=minute(0), version=value, since=minute(min(since, looked)), looked=minute(looked),
        far=far,
    )  # fmt: skip
    return History(events, watch, truth)
