"""What was last seen of a server's fields, in the table `seen` of registry.db.

A row is a subject with its value as JSON, or the beginning of subjects of which all were seen (it
ends in `/` or `@`, as no address does). The value is null for what was looked for and not there,
and NULL where an own change left open what is there now: the next look only remembers it.
`looked` is the time to which a value is known; of what lies below a beginning that was looked at
later, it is that time.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ..api.address import Address, model, parse_address
from ..api.events import OUTCOMES, Entry, Event, observation
from ..api.times import from_micros, to_micros
from .database import Connection
from .trail import ERASED, events_by_seq

RENEW = timedelta(seconds=30)
"""How much later a look is before its time is written though nothing changed."""

SLACK = timedelta(minutes=1)
"""So much may the clock of who signed be behind ours."""

ABSENT = "null"
_ENDS = "/@"
_OUTCOMES = ", ".join(f"'{phase}'" for phase in OUTCOMES)
_OPEN = (
    "SELECT seq, subject FROM audit_index AS i WHERE phase = 'intent' AND subject <> ?"
    f" AND NOT EXISTS (SELECT 1 FROM audit_index AS o WHERE o.caused_by = i.seq"
    f" AND o.phase IN ({_OUTCOMES})) ORDER BY seq"
)


class Look(NamedTuple):
    """One look at a field: what was seen, asked for `at`, compared `now` (in microseconds)."""

    context: str
    field: str
    seen: Mapping[str, Any]
    below: Collection[str]
    at: int
    now: int


class Row(NamedTuple):
    """What was known: a value as JSON and the time to which it is."""

    value: str | None
    looked: int


class News(NamedTuple):
    """What a look changes: values to write down, beginnings to renew, events to tell."""

    values: Mapping[str, str]
    looks: Collection[str]
    changes: Sequence[tuple[str, str, int]]
    """Subject, value before as JSON, the time to which that was known."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.values and not self.looks


def news(connection: Connection, look: Look) -> News:
    """What `look` says that was not known."""
    known = _known(connection, look)
    busy = {_family(subject) for _, subject in _open(connection)}
    now = {subject: _json(value) for subject, value in look.seen.items()}
    below = frozenset(look.below)
    for subject, old in known.items():
        if old.value != ABSENT and subject not in now and not below.isdisjoint(_around(subject)):
            now[subject] = ABSENT
    values: dict[str, str] = {}
    looks: set[str] = set()
    changes = []
    skipped = False
    for subject, value in now.items():
        row = _last(known, subject)
        if (busy and _family(subject) in busy) or (row and look.at < row.looked <= look.now):
            # Being changed from here, or known from a later look.
            skipped = skipped or row is None or row.value != value
        elif row is None or row.value is None:
            values[subject] = value
        elif row.value != value:
            values[subject] = value
            changes.append((subject, row.value, row.looked))
        elif _due(look, row) and below.isdisjoint(_around(subject)):
            if subject in known:
                looks.add(subject)
            else:
                values[subject] = value
    if not skipped:
        for start in look.below:
            whole = known.get(start)
            if whole is None:
                values[start] = ABSENT
            elif values or _due(look, whole):
                looks.add(start)
    return News(values, looks, changes)


def remember(connection: Connection, look: Look, found: News) -> None:
    """Write down what is known now."""
    for subject, value in found.values.items():
        put(connection, look.context, look.field, subject, value, look.at)
    connection.executemany(
        "UPDATE seen SET looked = max(looked, ?) WHERE context = ? AND field = ? AND subject = ?",
        [(look.at, look.context, look.field, subject) for subject in found.looks],
    )


def put(
    connection: Connection, context: str, field: str, subject: str, value: str | None, at: int
) -> None:
    """Write down one value."""
    connection.execute(
        "INSERT INTO seen VALUES(?, ?, ?, ?, ?5, ?5) ON CONFLICT DO UPDATE SET"
        " value = excluded.value, since = excluded.since, looked = excluded.looked",
        (context, field, subject, value, at),
    )


def told(
    connection: Connection,
    look: Look,
    tool: str,
    found: News,
    lessons: Mapping[str, Sequence[Entry]],
) -> Sequence[Entry]:
    """The changes of a look as entries of the trail.

    What others have signed for is theirs; what nobody did is between what is known.
    """
    entries: list[Entry] = []
    for subject, before, known in found.changes:
        value, after = json.loads(before), json.loads(found.values[subject])
        steps = _steps(connection, look, lessons.get(subject, ()), (value, after), known)
        for one in [*steps, None]:
            then = after if one is None else one.before[look.field]
            if then != value:
                entries.append(
                    observation(
                        subject,
                        look.field,
                        value,
                        then,
                        (from_micros(known), from_micros(look.now)),
                        tool=tool,
                        context=look.context,
                        caused_by=_tried(connection, look, subject, _json(then), known),
                    )
                )
            if one is not None:
                entries.append(one)
                value = one.after[look.field]
    return entries


def _steps(
    connection: Connection,
    look: Look,
    lessons: Sequence[Entry],
    ends: tuple[Any, Any],
    known: int,
) -> Sequence[Entry]:
    """Those of `lessons` that lead on from what was known, or else the one to what is there now."""
    used = _used(connection, lessons[0].subject) if lessons else frozenset()
    value, after = ends
    chain: list[Entry] = []
    last = None
    for one in lessons:
        evidence = one.evidence or {}
        time = to_micros(datetime.fromisoformat(evidence["time"]))
        if evidence["statement"] in used or time <= known - SLACK / timedelta(microseconds=1):
            continue
        if one.before[look.field] == value:
            chain.append(one)
            value = one.after[look.field]
        if one.after[look.field] == after and time > known:
            last = one
    if value != after and last is not None and last not in chain:
        return [last]
    return chain


def _used(connection: Connection, subject: str) -> frozenset[str]:
    """The statements that were learned from."""
    seqs = connection.execute(
        "SELECT seq FROM audit_index WHERE subject = ? AND phase = 'learned'", (subject,)
    ).fetchall()
    events = events_by_seq(connection, [row[0] for row in seqs])
    return frozenset(str((event.evidence or {}).get("statement")) for event in events)


def learn(connection: Connection, entry: Entry, time: datetime) -> None:
    """Write down what an event of ours says is on the server from now on."""
    address, now = parse_address(entry.subject), to_micros(time)
    after = entry.after if isinstance(entry.after, dict) else {}
    if address.alias is not None and "version" in after:
        value = _json(after["version"])
        put(connection, entry.context, "version", entry.subject, value, now)
    elif address.noun == "models" and "deleted" in after:
        _leave_open(connection, entry.context, address, now)


def open_intents(connection: Connection) -> Sequence[Event]:
    """The intents without an outcome, oldest first."""
    return events_by_seq(connection, [seq for seq, _ in _open(connection)])


def outcome_of(connection: Connection, seq: int | None) -> Event | None:
    """The outcome of an intent."""
    row = connection.execute(
        f"SELECT seq FROM audit_index WHERE caused_by = ? AND phase IN ({_OUTCOMES})", (seq,)
    ).fetchone()
    return events_by_seq(connection, [row[0]])[0] if row else None


def _open(connection: Connection) -> Sequence[tuple[int, str]]:
    return connection.execute(_OPEN, (ERASED,)).fetchall()


def _leave_open(connection: Connection, context: str, address: Address, now: int) -> None:
    """A model or version went or came back, and aliases may have with it."""
    start = model(address.name) + "@"
    number = "" if address.version is None else " AND value IN (?, 'null')"
    connection.execute(
        "UPDATE seen SET value = NULL, looked = ? WHERE context = ? AND field = 'version'"
        f" AND subject > ? AND subject < ?{number}",
        (
            *(now, context, start, _after(start)),
            *([] if address.version is None else [str(address.version)]),
        ),
    )


def _tried(connection: Connection, look: Look, subject: str, value: str, since: int) -> int | None:
    """An own intent since then for what is there now, whose outcome was never known."""
    seqs = connection.execute(
        "SELECT i.seq FROM audit_index AS i JOIN audit_index AS o ON o.caused_by = i.seq"
        " WHERE i.phase = 'intent' AND i.subject = ? AND i.time >= ?"
        " AND o.phase IN ('failed', 'unknown') ORDER BY i.seq DESC",
        (subject, since),
    ).fetchall()
    for event in events_by_seq(connection, [row[0] for row in seqs]):
        if event.context == look.context and _json(event.after.get(look.field)) == value:
            return event.seq
    return None


def _known(connection: Connection, look: Look) -> Mapping[str, Row]:
    """The rows of all that a look speaks of, and of the beginnings of that."""
    names = {*look.seen, *look.below}
    names |= {start for name in tuple(names) for start in _around(name)}
    found = {
        row[0]: Row(row[1], row[2])
        for row in connection.execute(
            "SELECT subject, value, looked FROM seen WHERE context = ? AND field = ?"
            " AND subject IN (SELECT value FROM json_each(?))",
            (look.context, look.field, json.dumps(list(names))),
        )
    }
    if look.below:
        below = frozenset(look.below)
        rows = connection.execute(
            "SELECT subject, value, looked FROM seen WHERE context = ? AND field = ?"
            " AND subject > ? AND subject < ?",
            (look.context, look.field, min(below), _after(max(below))),
        )
        for subject, value, looked in rows:
            if subject[-1] not in _ENDS and not below.isdisjoint(_around(subject)):
                found[subject] = Row(value, looked)
    return found


def _last(known: Mapping[str, Row], subject: str) -> Row | None:
    """What was known of a subject; that it is not there when all around it were seen."""
    row = known.get(subject)
    around = max((known[s].looked for s in _around(subject) if s in known), default=None)
    if row is None:
        return None if around is None else Row(ABSENT, around)
    return row if around is None else Row(row.value, max(row.looked, around))


def _due(look: Look, row: Row) -> bool:
    return look.at - row.looked >= RENEW / timedelta(microseconds=1)


@lru_cache(4096)
def _around(subject: str) -> Sequence[str]:
    """The beginnings under which it is."""
    return [subject[:n] for n in range(1, len(subject)) if subject[n - 1] in _ENDS]


def _family(subject: str) -> str:
    """What is changed together: a model with its versions and aliases."""
    address = parse_address(subject)
    return f"{address.noun}/{address.name}"


def _after(start: str) -> str:
    """The text after all that begin with `start`."""
    return start[:-1] + chr(ord(start[-1]) + 1)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
