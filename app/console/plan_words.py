"""A plan in words: what stands in its dialog, what its button says, why it cannot be applied."""

import difflib
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modeldeck.app.usecases.confirming import loses
from modeldeck.app.usecases.plans import sends
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.plan import Change, Plan, Verdict
from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Line, line

LABEL = 12
"""Cells of the words that stand before a part of a plan."""

_TEXTS = ("card", "note")
_VERDICTS = {
    "fail": ("FAIL", "bad"),
    "wait": ("wait", "warn"),
    "unknown": ("unkn", "warn"),
    "pass": ("pass", "ok"),
}
_EXPECTED = 4
_SENT = 4


def plan_lines(plan: Plan) -> list[Line]:
    """All that a reader must know before saying yes."""
    made = [change for change in plan.changes if change.before != change.after]
    count = f"  {len(made):,}" if len(made) > 1 else ""
    lines = []
    if loses(plan):
        lines = _part("BREAKS", plan.effects or ["nothing that is known here"], "warn")
    lines.append(line(Part("WHAT CHANGES", "strong"), Part(count, "dim")))
    lines += _changes(made) or [line("  nothing: it is so already")]
    lines += _part("TOUCHES", () if loses(plan) else plan.effects)
    lines += _part("EXPECTS", _expected(plan.changes))
    lines += _gates(plan.gates)
    if made:
        lines += _part("WAY BACK", [_way_back(plan)], "" if plan.inverse else "warn")
    lines += _part("NOT KEPT", plan.caveats, "warn")
    lines += _part("NOT TOUCHED", plan.untouched)
    if plan.request and made:
        lines += _requests(plan, len(made))
    return lines


def _requests(plan: Plan, count: int) -> list[Line]:
    events = f"{count:,} event{'s' * (count != 1)}"
    sent = list(sends(plan))
    if not sent:
        return _part("WRITES", [f"{plan.request}, with {events}"])
    if len(sent) > _SENT:
        sent = [*sent[:_SENT], f"and {len(sent) - _SENT:,} more"]
    kept = f"{2 * count:,} events: what is to be done, and what came of it"
    return [*_part("SENDS", sent), *_part("RECORDS", [kept])]


def why_not_apply(plan: Plan) -> str:
    """Why a plan cannot be applied; empty when it can."""
    failing = [gate for gate in plan.gates if gate.verdict != "pass"]
    if failing:
        first = _sorted(failing)[0]
        more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
        says = _VERDICTS.get(first.verdict, (first.verdict, ""))[0]
        shows = f" ({first.shows})" if first.shows else ""
        return f"a gate does not pass: {says} {first.rule}{shows}{more}"
    if plan.empty:
        return "there is nothing to change: it is so already"
    return ""


def command_text(plan: Plan) -> str:
    """The same change as a command line, with its reason and ticket; empty when there is none."""
    if not plan.command:
        return ""
    words = list(plan.command)
    for option, value in (("--ticket", plan.ticket), ("--reason", plan.reason)):
        if value:
            words += [option, value]
    return shlex.join(words)


def verb(plan: Plan) -> str:
    """What the button says: `Move champion 12 -> 13`."""
    made = [change for change in plan.changes if change.before != change.after]
    text = _verb(plan.operation, made)
    return f"{text} (undo)" if plan.undo_of is not None else text


def _verb(operation: str, made: Sequence[Change]) -> str:
    if not made:
        return "Nothing to change"
    noun, _, action = operation.partition(".")
    count = len({change.subject for change in made if noun == "alias" or "@" not in change.subject})
    if noun == "alias" and len(made) == 1:
        (change,) = made
        name = alias_of(change.subject)
        if change.after is None:
            return f"Remove {name} from {change.before}"
        if change.before is None:
            return f"Set {name} to {change.after}"
        return f"Move {name} {change.before} -> {change.after}"
    things = f"{count:,} {noun}{'s' * (count != 1)}"
    match action:
        case "rm":
            return f"Delete {things}"
        case "restore":
            return f"Restore {things}"
        case "purge":
            return f"Remove {things} for good"
        case "lock" | "unlock":
            return f"{action.capitalize()} {things}"
        case "tag":
            keys = {change.field.partition(":")[2] for change in made}
            which = f"tag {next(iter(keys))}" if len(keys) == 1 else f"{len(keys)} tags"
            gone = all(change.after is None for change in made)
            return f"{'Remove' if gone else 'Set'} {which} {'from' if gone else 'on'} {things}"
        case "card" | "note":
            return f"Save the {action}"
        case _:
            return f"Apply {len(made):,} change{'s' * (len(made) != 1)}"


def alias_of(subject: str) -> str:
    """The alias that an address names; the address itself when it names none."""
    try:
        return parse_address(subject).alias or subject
    except ModeldeckError:
        return subject


def lapse_words(plan: Plan, now: datetime) -> str:
    """When the plan lapses, in the reader's time."""
    return f"lapses at {plan.lapses_at.astimezone(now.tzinfo):%H:%M}"


def value_words(field: str, value: Any) -> str:
    """A value of a field in words."""
    word = field.partition(":")[0]
    if word == "deleted":
        return "in use" if value is None else "deleted"
    if word == "record":
        return "gone for good" if value is None else "in the trash"
    if value is None:
        return "not set"
    if isinstance(value, dict):
        return " ".join(f"{k}={v}" for k, v in value.items() if v is not None and k != "files")
    return str(value)


def field_words(field: str) -> str:
    """A field in words."""
    word, _, key = field.partition(":")
    return f"tag {key}" if word == "tag" else word


def _changes(made: Sequence[Change]) -> list[Line]:
    short = [change for change in made if change.field not in _TEXTS]
    wide = min(max((len(change.subject) for change in short), default=0), 40)
    names = min(max((len(field_words(change.field)) for change in short), default=0), 16)
    lines = []
    for change in made:
        if change.field in _TEXTS:
            lines += _text_change(change)
            continue
        lines.append(
            line(
                f"  {change.subject:{wide}}  {field_words(change.field):{names}}  ",
                Part(value_words(change.field, change.before)),
                " -> ",
                Part(value_words(change.field, change.after), "strong"),
                hang=6,
            )
        )
    return lines


def _text_change(change: Change) -> list[Line]:
    before, after = (str(text or "").splitlines() for text in (change.before, change.after))
    found = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    plus = sum(text.startswith("+") for text in found)
    minus = sum(text.startswith("-") for text in found)
    lines = [
        line(f"  {change.subject}  {change.field}  ", Part(f"{plus} lines in, {minus} out", "dim"))
    ]
    styles = {"+": "ok", "-": "bad", "@": "dim"}
    lines += [line(Part(f"    {text}", styles.get(text[:1], "")), hang=6) for text in found]
    if not found:
        lines.append(line(Part("    only the end of the last line differs", "dim")))
    return lines


def _part(title: str, items: Sequence[str], style: str = "") -> list[Line]:
    return [
        line(
            Part(f"{'' if place else title:{LABEL}}", "strong"),
            " ",
            Part(item, style),
            hang=LABEL + 1,
        )
        for place, item in enumerate(items)
    ]


def _expected(changes: Sequence[Change]) -> list[str]:
    if len(changes) > _EXPECTED:
        return [f"all {len(changes):,} values as they were read, each checked again when applied"]
    return [_expectation(change) for change in changes]


def _expectation(change: Change) -> str:
    word = change.field.partition(":")[0]
    if word in _TEXTS:
        return f"the {word} as it was read"
    if word == "content":
        return f"{change.subject} {'does not exist' if change.before is None else 'as it is'}"
    if word == "version":
        return f"{alias_of(change.subject)} is {value_words(change.field, change.before)}"
    is_words = f"is {value_words(change.field, change.before)}"
    return f"{change.subject} " + (
        is_words if word == "deleted" else f"{field_words(change.field)} {is_words}"
    )


def _sorted(gates: Sequence[Verdict]) -> list[Verdict]:
    order = list(_VERDICTS)
    return sorted(gates, key=lambda g: order.index(g.verdict) if g.verdict in order else -1)


def _gates(gates: Sequence[Verdict]) -> list[Line]:
    if not gates:
        return _part("GATE", ["none is declared"], "dim")
    passed = sum(gate.verdict == "pass" for gate in gates)
    lines = _part("GATE", [f"{passed} of {len(gates)} pass"], "" if passed == len(gates) else "bad")
    for gate in _sorted(gates):
        word, style = _VERDICTS.get(gate.verdict, (gate.verdict, "bad"))
        shows = Part(f"  {gate.shows}" if gate.shows else "", "dim")
        lines.append(line(f"{'':{LABEL + 1}}", Part(f"{word} ", style), gate.rule, shows, hang=18))
    return lines


def _way_back(plan: Plan) -> str:
    if plan.undo_of is not None:
        return "make the change again: this plan undoes it"
    if plan.inverse is None:
        return "none: this cannot be undone"
    made = [change for change in plan.changes if change.before != change.after]
    if len(made) == 1 and made[0].field == "version":
        (change,) = made
        back = value_words("version", change.before)
        return f"z in this session: {alias_of(change.subject)} {change.after} -> {back}"
    return f"z in this session, by {plan.inverse.operation}"
