"""What an event changed, who did it and what came of it, in few words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from modeldeck.app.config.redaction import masked_value
from modeldeck.backends.api.events import Event

OUTSIDE = "OUTSIDE"
"""Who did what nobody did from here."""
STYLES = {"failed": "bad", "unknown": "warn", "intent": "warn", "observed": "warn"}
_BESIDE = ("why", "between")
_SIGNED = ("request", "approval", "refusal", "withdrawal")
"""What was said of a version, which changes nothing of it."""


def who(event: Event) -> str:
    """The person behind sudo first."""
    if event.phase == "observed":
        return OUTSIDE if event.caused_by is None else "here?"
    return event.actor.sudo_user or event.actor.user


def change_words(event: Event) -> str:
    """`version: 11 -> 12`, or what there is now."""
    before, after = event.before, _fields(event.after)
    if isinstance(after, dict) and "drill" in after:
        return f"drilled: {_value(after['drill'])}, back to {_value(after.get('to'))}"
    if isinstance(before, dict) and isinstance(after, dict) and len(after) == 1:
        (name,) = after
        if name in _SIGNED:
            return f"{name} for {_value(after[name])}"
        if name == "deleted":
            return "in use -> deleted" if after[name] else "deleted -> in use"
        # An alias has nothing but a version, and content is what a new version is.
        word = "" if name in ("version", "content") else f"{name}: "
        return f"{word}{_value(before.get(name), name)} -> {_value(after[name], name)}"
    return _value(after) if after is not None else ""


def outcome_words(event: Event, now: datetime) -> str:
    """What came of a change, or when it was seen; empty where it is simply done."""
    why = event.after.get("why", "") if isinstance(event.after, dict) else ""
    said = f": {why}" if why else ""
    match event.phase:
        case "intent":
            return "to be sent"
        case "failed":
            return f"REFUSED{said}"
        case "unknown":
            return f"NOT KNOWN to have arrived{said}"
        case "observed":
            own = f", as event {event.caused_by} was to do" if event.caused_by is not None else ""
            return f"moved {_between(event.after, now)}, seen by poll{own}"
        case "learned":
            return f"signed by {(event.evidence or {}).get('person', '')}"
        case "done":
            return str(why)
        case _:
            return ""


def whole_words(event: Event, now: datetime) -> str:
    """The change and what came of it."""
    return "  ".join(filter(None, (change_words(event), outcome_words(event, now))))


def unsettled_words(events: Sequence[Event], now: datetime) -> str:
    """What is said at the start of changes that nobody knows the outcome of, the newest first."""
    first = events[0]
    days = (now.date() - first.time.astimezone(now.tzinfo).date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
    more = f", and {len(events) - 1} more" if len(events) > 1 else ""
    said = f"{first.subject} {change_words(first)}{more}"
    return f"a change of {day} is not known to have arrived: {said}"


def _between(after: Any, now: datetime) -> str:
    times = after.get("between") if isinstance(after, dict) else None
    if not isinstance(times, list | tuple) or len(times) != 2:
        return "at a time not known"
    try:
        first, last = (datetime.fromisoformat(str(text)).astimezone(now.tzinfo) for text in times)
    except ValueError:
        return "at a time not known"
    days = [f"{at:%d%b} " if at.date() != now.date() else "" for at in (first, last)]
    if first.date() == last.date():
        days[1] = ""
    clock = "%H:%M:%S" if last - first < timedelta(minutes=2) else "%H:%M"
    return f"{days[0]}{first:{clock}}..{days[1]}{last:{clock}}"


def _fields(after: Any) -> Any:
    if isinstance(after, Mapping) and any(name in after for name in _BESIDE):
        return {name: value for name, value in after.items() if name not in _BESIDE}
    return after


def _value(value: Any, name: str = "") -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return " ".join(
            f"{key}={_value(inner, key)}" for key, inner in value.items() if inner is not None
        )
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        # The files of a version, which are told one by one on its own screen.
        return f"{len(value):,}"
    return masked_value(name, str(value).partition("\n")[0])
