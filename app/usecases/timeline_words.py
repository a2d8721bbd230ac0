"""Moves and answers in words. Plain text: whoever prints makes it safe."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .moves import Move
from .spans import Span

OUTSIDE = "OUTSIDE"
"""Who did what nobody is known to have done."""
NOT_SET = "not set"
_CLOSE = timedelta(minutes=2)


def version_words(number: int | None) -> str:
    """A version, or that there is none."""
    return NOT_SET if number is None else str(number)


def clock(time: datetime, now: datetime, *, seconds: bool = False) -> str:
    """A time in the zone of `now`: with its day where that is another one, its year too."""
    local = time.astimezone(now.tzinfo)
    told = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    if local.date() == now.date():
        return told
    day = f"{local.day} {local:%b}" if local.year == now.year else f"{local:%Y-%m-%d}"
    return f"{day} {told}"


def who_words(move: Move) -> str:
    """The person behind it: by the policy, else behind sudo, else who was logged in."""
    if move.event.phase == "observed":
        return OUTSIDE if move.outside else "from here?"
    actor = move.event.actor
    name = f"{actor.sudo_user} as {actor.user}" if actor.sudo_user else actor.user
    name = move.person or name
    return f"{name} for {actor.on_behalf_of}" if actor.on_behalf_of else name


def step_words(move: Move) -> str:
    """`11 -> 12` of an alias; `v13 registered` of a version."""
    if move.kind == "alias":
        left = "none" if move.before is None else str(move.before)
        return f"{left} -> {'none' if move.after is None else move.after}"
    if move.kind == "drilled":
        after = move.event.after if isinstance(move.event.after, Mapping) else {}
        failed = "" if after.get("drill") == "passed" else ", FAILED"
        return f"drill: back to {after.get('to') or '?'}{failed}"
    what = "model" if move.version is None else f"v{move.version}"
    return f"{what} card edited" if move.kind == "card" else f"{what} {move.kind}"


def outcome_words(move: Move, now: datetime) -> str:
    """What is to be said of it beside who and why; empty where it was simply done."""
    said = []
    if move.event.phase == "observed":
        said.append(f"moved {between_words(move, now)}, seen by poll")
        if not move.outside:
            said.append(f"as event {move.event.caused_by} was to do")
    elif not move.certain:
        said.append("NOT KNOWN to have arrived")
    elif move.event.phase == "learned":
        said.append("told by a signed statement")
    if move.why:
        said.append(move.why)
    if move.glass:
        said.append(f"BROKE GLASS {move.glass}")
    if move.purpose == "rollback":
        said.append("rollback")
    if move.event.undo_of is not None:
        said.append(f"takes back {move.event.undo_of}")
    if move.undone_by is not None:
        said.append(f"UNDONE by {move.undone_by}")
    return ", ".join(said)


def why_words(move: Move, now: datetime) -> str:
    """The reason, and what else is to be said."""
    return "  ".join(filter(None, (outcome_words(move, now), move.event.reason)))


def between_words(move: Move, now: datetime) -> str:
    """`01:55..02:10`."""
    last = move.latest or move.earliest
    close = last - move.earliest < _CLOSE
    first = clock(move.earliest, now, seconds=close)
    end = clock(last, now, seconds=close)
    same = move.earliest.astimezone(now.tzinfo).date() == last.astimezone(now.tzinfo).date()
    return f"{first}..{end.rpartition(' ')[2] if same else end}"


def gate_words(move: Move) -> str:
    """How many of its rules held: `9/9`; empty where no gate stood before it."""
    gates = move.gates
    said = f"{sum(gate.holds for gate in gates)}/{len(gates)}" if gates else ""
    return f"{said} GLASS".strip() if move.glass else said


def span_words(span: Span, instant: datetime, now: datetime) -> str:
    """Where the alias was at an instant, or what of it is known and why no more is."""
    if span.known:
        return version_words(span.version)
    among = " or ".join(map(version_words, span.among)) or "not known"
    move = span.to

    def told(time: datetime | None) -> str:
        return "a time not known" if time is None else clock(time, now)

    match span.how:
        case "moving" if move is not None and len(span.among) == 2 and not move.event.plan:
            first, second = map(version_words, span.among)
            close = (move.latest or move.earliest) - move.earliest < _CLOSE
            ends = [clock(t, now, seconds=close) for t in (move.earliest, move.latest) if t]
            at = clock(instant, now, seconds=close)
            return (
                f"{first}, moved to {second} some time between {' and '.join(ends)};"
                f" not known which at {at}"
            )
        case "moving":
            return f"{among}: it was just being moved"
        case "unsettled":
            sent = told(move.earliest if move is not None else None)
            return f"{among}: whether the change sent at {sent} arrived is not known"
        case "broken":
            return f"{among}: no event says how it went from one to the other"
        case "clock":
            return f"{among}: the clock was set back, {told(span.start)} to {told(span.end)} twice"
        case "unlooked":
            seen = among if span.among else "not known"
            return f"{seen} when last looked at, {told(span.start)}; nobody has looked since"
        case _:
            since = f", nothing is known before {told(span.end)}" if span.end else ""
            return f"not known{since}"


def gaps_words(spans: Sequence[Span], now: datetime) -> Sequence[str]:
    """The gaps of an alias in words, the oldest first; what was moving is told with its move."""
    return [
        f"{span.alias}: {span_words(span, span.start or now, now)}"
        for span in spans
        if span.how in ("broken", "clock", "unlooked", "unsettled")
    ]
