"""Events of a model as moves: what went from where to where, when, by whom, why, and what of it.

Pure: events in, moves out. What was only tried and refused is no move.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import OUTCOMES, Event
from modeldeck.backends.api.plan import PolicyRef, Verdict

Kind = Literal[
    "alias", "registered", "copied", "deleted", "restored", "purged", "card",
    "asked", "approved", "refused", "withdrawn", "drilled",
]  # fmt: skip
_KINDS: Mapping[str, Kind] = {
    "version.register": "registered",
    "copy.model": "copied",
    "version.rm": "deleted",
    "version.restore": "restored",
    "version.purge": "purged",
    "version.card": "card",
    "model.rm": "deleted",
    "model.restore": "restored",
    "model.purge": "purged",
    "approval.ask": "asked",
    "approval.approve": "approved",
    "approval.refuse": "refused",
    "approval.withdraw": "withdrawn",
    "rollback.drill": "drilled",
}
CERTAIN = ("done", "observed", "learned")
"""The phases of what has happened; of the others nobody knows whether it has."""


class Move(Struct, frozen=True, kw_only=True):
    """One thing that happened to a model, with the `event` that tells of it.

    An `alias` goes from version `before` to version `after`, None where it is not set. Of another
    `kind` it happened to `version`, or to the model itself. It happened at `earliest` at the
    soonest and was there at `latest`, which is None where nobody knows whether it happened at all.
    `undone_by` is the event that took it back. `person` is whose key it was done with by the policy
    in force, or by the statement that told of it.
    """

    event: Event
    model: str
    kind: Kind
    alias: str = ""
    version: int | None = None
    before: int | None = None
    after: int | None = None
    earliest: datetime
    latest: datetime | None = None
    undone_by: int | None = None
    person: str = ""

    @property
    def seq(self) -> int:
        """The number of its event."""
        return self.event.seq

    @property
    def certain(self) -> bool:
        """Whether it has happened."""
        return self.latest is not None

    @property
    def outside(self) -> bool:
        """Whether nobody is known to have done it."""
        return self.event.phase == "observed" and self.event.caused_by is None

    @property
    def why(self) -> str:
        """What its outcome says beside the change."""
        after = self.event.after
        return str(after.get("why") or "") if isinstance(after, Mapping) else ""

    @property
    def evidence(self) -> Mapping[str, Any]:
        """What it stood on, as its event says."""
        found = self.event.evidence
        return found if isinstance(found, Mapping) else {}

    @property
    def purpose(self) -> str:
        """promote, rollback, undo or set, as far as that is known."""
        said = self.evidence.get("as")
        if isinstance(said, str) and said:
            return said
        return "undo" if self.event.undo_of is not None else ""

    @property
    def glass(self) -> str:
        """The ticket for which the glass was broken; empty where it was not."""
        return str(self.evidence.get("glass") or "")

    @property
    def approvals(self) -> Sequence[str]:
        """The ids of the statements that approved it."""
        found = self.evidence.get("approvals")
        return [str(one) for one in found] if isinstance(found, list | tuple) else []

    @property
    def gates(self) -> Sequence[Verdict]:
        """What each rule said then; a verdict that cannot be read is left out."""
        found = self.evidence.get("gates")
        if not isinstance(found, list | tuple):
            return []
        verdicts = []
        for one in found:
            try:
                verdicts.append(msgspec.convert(one, Verdict, strict=False))
            except msgspec.ValidationError:
                continue
        return verdicts

    @property
    def policy(self) -> PolicyRef | None:
        """Which policy it met, where that was written down."""
        try:
            return msgspec.convert(self.evidence.get("policy"), PolicyRef, strict=False)
        except msgspec.ValidationError:
            return None


def moves_of(events: Iterable[Event], people: Mapping[str, str] | None = None) -> Sequence[Move]:
    """The moves that events tell of, in the order in which they were written down.

    An intent is told by its outcome; one without any is told by itself. `people` maps fingerprints
    of keys to names.
    """
    ordered = sorted(events, key=lambda event: event.seq)
    ended = {e.caused_by for e in ordered if e.phase in OUTCOMES and e.caused_by is not None}
    intents = {event.seq: event for event in ordered if event.phase == "intent"}
    undone = _undone(ordered)
    found = []
    for event in ordered:
        if event.phase == "intent":
            if event.seq in ended:
                continue
        elif event.phase not in (*CERTAIN, "unknown"):
            continue
        person = _person(event, people or {})
        move = _move(event, intents.get(event.caused_by or 0), undone.get(event.seq), person)
        if move is not None:
            found.append(move)
    return found


def _undone(events: Sequence[Event]) -> Mapping[int, int]:
    """Which event took which back: an undo names the last event of a plan and means all of it."""
    plans = {event.seq: event.plan for event in events}
    undone: dict[int, int] = {}
    by_plan: dict[tuple[str, str], int] = {}
    for event in events:
        if event.undo_of is not None and event.phase in CERTAIN:
            undone[event.undo_of] = event.seq
            if plan := plans.get(event.undo_of):
                by_plan[plan, event.subject] = event.seq
    for event in events:
        if event.plan and (event.plan, event.subject) in by_plan:
            undone.setdefault(event.seq, by_plan[event.plan, event.subject])
    return undone


def _person(event: Event, people: Mapping[str, str]) -> str:
    if event.phase == "learned":
        return str((event.evidence or {}).get("person") or "")
    return people.get(event.actor.key or "", "")


def _move(event: Event, intent: Event | None, undone_by: int | None, person: str) -> Move | None:
    try:
        subject = parse_address(event.subject)
    except ModeldeckError:
        return None
    if subject.noun != "models" or not subject.name:
        return None
    earliest, latest = _interval(event, intent)
    fields: dict[str, Any] = {
        "event": event,
        "model": subject.name,
        "version": subject.version,
        "alias": subject.alias or "",
        "earliest": earliest,
        "latest": latest,
        "undone_by": undone_by,
        "person": person,
    }
    before = event.before if isinstance(event.before, Mapping) else {}
    after = event.after if isinstance(event.after, Mapping) else {}
    if subject.alias is not None and "version" in after:
        here, there = before.get("version"), after["version"]
        if _number(here) and _number(there) and here != there:
            return Move(kind="alias", before=here, after=there, **fields)
        return None
    kind = _KINDS.get(event.action)
    return None if kind is None else Move(kind=kind, **fields)


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _interval(event: Event, intent: Event | None) -> tuple[datetime, datetime | None]:
    """Between which two times it happened; nobody knows the second of what is not certain."""
    if event.phase in ("intent", "unknown"):
        return (intent or event).time, None
    between = event.after.get("between") if isinstance(event.after, Mapping) else None
    if isinstance(between, list | tuple) and len(between) == 2:
        try:
            first, last = (datetime.fromisoformat(str(text)) for text in between)
        except ValueError:
            return event.time, event.time
        if first.tzinfo and last.tzinfo and first <= last:
            # Where a clock was set back, or goes ahead: what was written down had happened by then.
            return min(first, event.time), min(last, event.time)
    if event.phase == "done" and intent is not None:
        # A clock that was set back in between says nothing of the order of the two.
        return min(intent.time, event.time), event.time
    return _said(event), _said(event)


def _said(event: Event) -> datetime:
    """When somebody else's signed word says that it was, else when it was written down."""
    told = (event.evidence or {}).get("time")
    if event.phase == "learned" and isinstance(told, str):
        try:
            time = datetime.fromisoformat(told)
        except ValueError:
            return event.time
        return min(time, event.time) if time.tzinfo else event.time
    return event.time
