"""A Plan in words."""

import shlex
import sys
from collections.abc import Iterable
from typing import Any

from modeldeck.app.usecases import encode
from modeldeck.app.usecases.plans import sends
from modeldeck.backends.api.plan import Plan
from modeldeck.widgets.text import clip, show, show_name

MOST = 50
_LONGEST = 60


def print_plan(plan: Plan, form: str, *, to_stderr: bool = False) -> None:
    """The whole plan: what changes, what else it touches, the command, the way back."""
    if form in {"json", "jsonl"}:
        print(encode.one(plan) if form == "json" else encode.line(plan))
        return
    stream = sys.stderr if to_stderr else sys.stdout
    for text in plan_lines(plan, MOST if to_stderr else None):
        print(text, file=stream)


def plan_lines(plan: Plan, most: int | None = None) -> list[str]:
    """The lines of a plan, safe to print; at most so many of its changes."""
    lines = [f"PLAN {plan.id}  {plan.operation}    nothing changed yet", "WHAT CHANGES"]
    changes = [
        f"  {show(c.subject)}  {show_name(c.field)}  {_value(c.before)} -> {_value(c.after)}"
        for c in plan.changes
        if c.before != c.after
    ]
    lines += changes[:most] or ["  nothing: it is so already"]
    if len(changes) > len(changes[:most]):
        lines.append(f"  ... and {len(changes) - len(changes[:most])} more: --dry-run shows all")
    lines += _part("TOUCHES", plan.effects)
    lines += _part("NOT TOUCHED", plan.untouched)
    lines += _part("GATE", [f"{g.verdict:5} {g.rule}  {g.shows}" for g in plan.gates])
    way_back = plan.inverse.operation if plan.inverse else "none: it cannot be undone"
    lines.append(f"WAY BACK  {way_back}")
    lines += _part("NOT KEPT", plan.caveats)
    lines += _part("SENDS", sends(plan)[:most])
    if plan.reason or plan.ticket:
        lines.append(f"WHY  {show(' '.join(part for part in (plan.ticket, plan.reason) if part))}")
    lines.append(f"$ {show(shlex.join(plan.command))}")
    return lines


def _part(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"  {show(item)}" for item in items]
    return [title, *lines] if lines else []


def _value(value: Any) -> str:
    return "(not there)" if value is None else clip(show_name(str(value)), _LONGEST)
