"""A Plan in words."""

import shlex
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from modeldeck.app.config.redaction import masked_value, masked_word
from modeldeck.app.usecases import encode
from modeldeck.app.usecases import plan_parts as parts
from modeldeck.app.usecases.confirming import loses
from modeldeck.app.usecases.gated import policy_words
from modeldeck.app.usecases.plans import sends, way_back
from modeldeck.backends.api.plan import Plan, Verdict
from modeldeck.widgets.text import clip, show, show_name

MOST = 50
_LONGEST = 60
_LABEL = 11


def print_plan(
    plan: Plan, form: str, *, to_stderr: bool = False, now: datetime | None = None
) -> None:
    """The whole plan: what changes, what else it touches, its gates, the way back, the command.

    `now` is when a person reads it, where that is later than when it was made.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    if form in {"json", "jsonl"}:
        print(encode.one(plan) if form == "json" else encode.line(plan), file=stream)
        return
    for text in plan_lines(plan, MOST if to_stderr else None, now=now):
        print(text, file=stream)


def plan_lines(plan: Plan, most: int | None = None, *, now: datetime | None = None) -> list[str]:
    """The lines of a plan, safe to print; at most so many of its changes."""
    now = now or plan.created_at
    lines = [f"PLAN {plan.id}  {show(parts.title(plan))}    nothing changed yet"]
    if glass := (plan.evidence or {}).get("glass"):
        lines.append(f"BREAKS GLASS  {show(str(glass))}")
    if loses(plan):
        lines += _part("BREAKS", plan.effects or ["nothing that is known here"])
    lines.append("WHAT CHANGES")
    changes = [
        f"  {show(c.subject)}  {show_name(c.field)}"
        f"  {_value(c.field, c.before)} -> {_value(c.field, c.after)}"
        for c in plan.changes
        if c.before != c.after
    ]
    lines += changes[:most] or ["  nothing: it is so already"]
    if len(changes) > len(changes[:most]):
        lines.append(f"  ... and {len(changes) - len(changes[:most])} more: --dry-run shows all")
    lines += _part("SIGNS", parts.signs(plan))
    lines += _part("TOUCHES", () if loses(plan) else plan.effects)
    lines += _part("NOT TOUCHED", plan.untouched)
    lines.append(f"{'EXPECTS':{_LABEL}}{show(', '.join(parts.expectations(plan, now)))}")
    if plan.gates:
        lines.append(f"{'GATE':{_LABEL}}{show(parts.gate_words(plan))}")
        lines += [show(_gate(gate)) for gate in parts.in_order(plan.gates)]
    lines += _part("APPROVED", parts.approved_words(plan, now))
    if plan.policy is not None:
        lines.append(f"{'POLICY':{_LABEL}}{show(policy_words(plan.policy))}")
        lines += [f"  {show(note)}" for note in parts.policy_notes(plan)]
    back = way_back(plan)
    lines.append(f"{'WAY BACK':{_LABEL}}{show(back[0])}")
    lines += [f"{'':{_LABEL}}{show(text)}" for text in back[1:]]
    lines += _part("NOT KEPT", plan.caveats)
    lines += _part("SENDS", sends(plan)[:most])
    if plan.reason or plan.ticket:
        lines.append(f"WHY  {show(' '.join(part for part in (plan.ticket, plan.reason) if part))}")
    lines.append(f"$ {show(shlex.join(map(masked_word, plan.command)))}")
    return lines


def _gate(gate: Verdict) -> str:
    word = "FAIL" if gate.verdict == "fail" else gate.verdict
    return f"  {word:8}{gate.rule}" + (f"  {gate.shows}" if gate.shows else "")


def _part(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"  {show(item)}" for item in items]
    return [title, *lines] if lines else []


def _value(field: str, value: Any) -> str:
    if value is None:
        return "(not there)"
    return clip(show_name(masked_value(field, str(value))), _LONGEST)
