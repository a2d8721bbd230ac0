"""A Plan in words."""

import shlex
import sys
from typing import Any

from modeldeck.app.usecases import encode
from modeldeck.backends.api.plan import Plan
from modeldeck.widgets.text import clip, show


def print_plan(plan: Plan, form: str, *, to_stderr: bool = False) -> None:
    """The whole plan: what changes, what else it touches, the command, the way back."""
    if form != "table":
        print(encode.one(plan))
        return
    stream = sys.stderr if to_stderr else sys.stdout
    for text in plan_lines(plan):
        print(text, file=stream)


def plan_lines(plan: Plan) -> list[str]:
    """The lines of a plan, safe to print."""
    lines = [f"PLAN {plan.id}  {plan.operation}    nothing changed yet", "WHAT CHANGES"]
    lines += [
        f"  {show(c.subject)}  {show(c.field)}  {_value(c.before)} -> {_value(c.after)}"
        for c in plan.changes
        if c.before != c.after
    ] or ["  nothing: it is so already"]
    lines += _part("TOUCHES", plan.effects)
    lines += _part("NOT TOUCHED", plan.untouched)
    lines += _part("GATE", [f"{g.verdict:5} {g.rule}  {g.shows}" for g in plan.gates])
    lines.append(
        f"WAY BACK  {plan.inverse.operation if plan.inverse else 'none: it cannot be undone'}"
    )
    lines.append(f"$ {show(shlex.join(plan.command))}")
    return lines


def _part(title: str, items: Any) -> list[str]:
    return [title, *(f"  {show(item)}" for item in items)] if items else []


def _value(value: Any) -> str:
    return "(not there)" if value is None else clip(show(str(value)), 60)
