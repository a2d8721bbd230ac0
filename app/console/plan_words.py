"""A plan in words: what stands in its dialog, what its button says, why it cannot be applied."""

import difflib
import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from modeldeck.app.config.redaction import masked_word
from modeldeck.app.usecases import plan_parts as parts
from modeldeck.app.usecases.confirming import loses
from modeldeck.app.usecases.plan_parts import field_words, value_words
from modeldeck.app.usecases.plans import alias_of, sends, way_back
from modeldeck.backends.api.plan import Change, Plan, Verdict
from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Line, line

LABEL = 12
"""Cells of the words that stand before a part of a plan."""

_VERDICTS = {
    "fail": ("FAIL", "bad"),
    "wait": ("wait", "warn"),
    "unknown": ("unkn", "warn"),
    "waived": ("WAIV", "bad"),
    "pass": ("pass", "ok"),
}
_SENT = 4
FEW, MANY = 8, 16
"""Of more than many changes a few stand first: what else there is to know is not below them all."""


def plan_lines(plan: Plan, now: datetime | None = None, *, numbers: bool = False) -> list[Line]:
    """All that a reader must know before saying yes, at `now`; of gates all `numbers`, or less."""
    now = now or plan.created_at
    made = _made(plan)
    count = f"  {len(made):,}" if len(made) > 1 else ""
    lines = []
    if loses(plan):
        lines = _part("BREAKS", plan.effects or ["nothing that is known here"], "warn")
    if glass := (plan.evidence or {}).get("glass"):
        words = f"with {glass}: an approval is due afterwards"
        lines += [line(Part("BREAKS GLASS", "alert"), " ", Part(words, "bad"), hang=LABEL + 1)]
    lines.append(line(Part("WHAT CHANGES", "strong"), Part(count, "dim")))
    changes = _changes(made) or [line("  nothing: it is so already")]
    many = len(made) > MANY
    lines += changes[:FEW] if many else changes
    if many:
        lines.append(line(Part(f"  and {len(made) - FEW:,} more, at the end", "dim")))
    lines += _part("SIGNS", parts.signs(plan))
    lines += _part("TOUCHES", () if loses(plan) else plan.effects)
    lines += _part("EXPECTS", [", ".join(parts.expectations(plan, now))])
    lines += _gates(plan, numbers)
    lines += _part("APPROVED", parts.approved_words(plan, now))
    lines += _part("POLICY", parts.policy_notes(plan), "warn")
    if made:
        back = way_back(plan)
        bad = "REFUSED" in back[0] or back[0].startswith("none:")
        lines += _part("WAY BACK", back, "warn" if bad else "")
    lines += _part("NOT TOUCHED", plan.untouched)
    lines += _part("NOT KEPT", plan.caveats, "warn")
    if plan.request and made:
        lines += _requests(plan, len(made))
    if many:
        rest = Part(f"  {len(made) - FEW:,} more", "dim")
        lines += [line(Part("WHAT CHANGES", "strong"), rest), *changes[FEW:]]
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


def why_not_apply(plan: Plan, ticket: str = "") -> str:
    """Why a plan cannot be applied, with the `ticket` that is typed now; empty when it can."""
    failing = parts.barred(plan, ticket)
    if failing:
        first = failing[0]
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
    words = [masked_word(word) for word in plan.command]
    for option, value in (("--ticket", plan.ticket), ("--reason", plan.reason)):
        if value:
            words += [option, value]
    return shlex.join(words)


_KINDS = {"promote": "Promote", "rollback": "Roll back"}
"""What moving an alias is called, by what the plan is."""


def verb(plan: Plan) -> str:
    """What the button says: `Move champion 12 -> 13`."""
    text = _verb(plan, _made(plan))
    return f"{text} (undo)" if plan.undo_of is not None else text


def _made(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if change.before != change.after]


def _verb(plan: Plan, made: Sequence[Change]) -> str:
    if not made:
        return "Nothing to change"
    noun, _, action = plan.operation.partition(".")
    count = len({change.subject for change in made if noun == "alias" or "@" not in change.subject})
    if noun == "alias" and len(made) == 1:
        (change,) = made
        name = alias_of(change.subject)
        if change.after is None:
            return f"Remove {name} from {change.before}"
        if change.before is None:
            return f"Set {name} to {change.after}"
        what = _KINDS.get(plan.arguments.get("as", ""), "Move")
        return f"{what} {name} {change.before} -> {change.after}"
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
        case "ask" | "approve" | "refuse" | "withdraw":
            return f"Sign: {action} {made[0].after}"
        case "card" | "note":
            return f"Save the {action}"
        case _:
            return f"Apply {len(made):,} change{'s' * (len(made) != 1)}"


def heading(plan: Plan) -> str:
    """What a plan is for: `promote fraud@champion  12 -> 13`, `delete 3 runs`."""
    text, said = parts.title(plan), _verb(plan, _made(plan))
    if text != plan.operation or said.startswith("Apply"):
        return text
    return said[0].lower() + said[1:]


def lapse_words(plan: Plan, now: datetime) -> str:
    """How long the plan can be applied; by whole minutes, so that the line rarely changes."""
    left = plan.lapses_at - now
    if left < timedelta():
        return "LAPSED: make it again"
    minutes = -(-int(left.total_seconds()) // 60)
    return f"lapses in {minutes} min" if minutes < 120 else f"lapses in {minutes // 60} h"


def _changes(made: Sequence[Change]) -> list[Line]:
    short = [change for change in made if change.field not in parts.TEXTS]
    wide = min(max((len(change.subject) for change in short), default=0), 40)
    names = min(max((len(field_words(change.field)) for change in short), default=0), 16)
    lines = []
    for change in made:
        if change.field in parts.TEXTS:
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


def _gates(plan: Plan, numbers: bool) -> list[Line]:
    gates = parts.in_order(plan.gates)
    if not gates:
        return _part("GATE", [parts.gate_words(plan)], "dim")
    style = "" if all(gate.holds for gate in gates) else "bad"
    head = line(
        Part(f"{'GATE':{LABEL}}", "strong"),
        " ",
        Part(parts.gate_words(plan), style),
        Part("" if numbers else "   v shows the numbers", "dim"),
        hang=LABEL + 1,
    )
    shown = gates if numbers else [gate for gate in gates if gate.verdict != "pass"]
    return [head, *(one for gate in shown for one in _gate(gate, numbers))]


def _gate(gate: Verdict, numbers: bool) -> list[Line]:
    word, style = _VERDICTS.get(gate.verdict, (gate.verdict, "bad"))
    shows = Part(f"  {gate.shows}" if gate.shows else "", "dim")
    lines = [line(f"{'':{LABEL + 1}}", Part(f"{word} ", style), gate.rule, shows, hang=18)]
    if numbers and gate.numbers:
        said = "  ".join(f"{name} {value}" for name, value in gate.numbers.items())
        lines.append(line(f"{'':{LABEL + 6}}", Part(said, "dim"), hang=18))
    return lines
