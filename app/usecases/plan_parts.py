"""Parts of a plan in words, as both the dialog and the command line show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from modeldeck.app.config.redaction import masked_value
from modeldeck.backends.api.plan import Change, Plan, Verdict

from .gated import PROMOTE, ROLLBACK, UNDO, moves_of, policy_words
from .plans import alias_of
from .rollback_checks import KIND, span_words

TEXTS = ("card", "note")
"""Fields that hold a text of many lines."""
ORDER = ("fail", "wait", "unknown", "waived", "pass")
"""Verdicts from the worst on."""
CHECKS = "rollback checks"
MOST = 4
TYPED = "ticket"
"""The kind of a rule that is met by what is typed into the plan itself."""


def title(plan: Plan) -> str:
    """`promote fraud@champion  12 -> 13`; else the operation."""
    moves = moves_of(plan.changes)
    kind = plan.arguments.get("as", "")
    if len(moves) != 1 or kind not in (PROMOTE, ROLLBACK, UNDO):
        return plan.operation
    (move,) = moves
    before, after = move.before or "not set", move.after or "not set"
    return f"{kind} {move.target}  {before} -> {after}"


def in_order(gates: Sequence[Verdict]) -> list[Verdict]:
    """The worst first; else in the order of the policy."""
    return sorted(gates, key=lambda g: ORDER.index(g.verdict) if g.verdict in ORDER else -1)


def gate_words(plan: Plan) -> str:
    """`production 9 of 9 pass`, `production 7 of 9 pass, 1 waived`; `none is declared`."""
    gates = plan.gates
    if not gates:
        return "none is declared"
    groups: dict[str, list[Verdict]] = {}
    for gate in gates:
        groups.setdefault(gate.gate or (CHECKS if gate.kind == KIND else ""), []).append(gate)
    said = ", ".join(
        f"{name} {sum(one.verdict == 'pass' for one in rules)} of {len(rules)} pass".strip()
        for name, rules in groups.items()
    )
    waived = sum(gate.verdict == "waived" for gate in gates)
    return said + (f", {waived} WAIVED: glass broken" if waived else "")


def barred(plan: Plan, typed: str = "") -> Sequence[Verdict]:
    """The rules that say no, the worst first; not those that the ticket now `typed` meets."""
    return [
        gate
        for gate in in_order(plan.gates)
        if not gate.holds and not (gate.kind == TYPED and typed.strip())
    ]


def expectations(plan: Plan, now: datetime) -> list[str]:
    """What must still be so when the plan is applied, and how long ago it was read."""
    changes = plan.changes
    age = read_words(now - plan.created_at)
    if len(changes) > MOST:
        words = f"all {len(changes):,} values as they were read, each checked again when applied"
        return [f"{words} ({age})"]
    found = [expectation(change) for change in changes]
    if found:
        found[0] += f" ({age})"
    if digest := plan.arguments.get("digest"):
        found.append(f"digest {short_digest(str(digest))}")
    if plan.policy is not None:
        found.append(f"policy {policy_words(plan.policy)}")
    return found


def read_words(age: timedelta) -> str:
    """`read just now`, `read 40 s ago`."""
    return "read just now" if age < timedelta(seconds=2) else f"read {span_words(age)} ago"


def expectation(change: Change) -> str:
    """What a change expects, in words."""
    word = change.field.partition(":")[0]
    if word in TEXTS:
        return f"the {word} as it was read"
    if word == "content":
        return f"{change.subject} {'does not exist' if change.before is None else 'as it is'}"
    if word == "version":
        return f"{alias_of(change.subject)} is {value_words(change.field, change.before)}"
    is_words = f"is {value_words(change.field, change.before)}"
    name = "" if word == "deleted" else f"{field_words(change.field)} "
    return f"{change.subject} {name}{is_words}"


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
    return masked_value(field, str(value))


def field_words(field: str) -> str:
    """A field in words."""
    word, _, key = field.partition(":")
    return f"tag {key}" if word == "tag" else word


def approved_words(plan: Plan, now: datetime) -> list[str]:
    """Who approved: `rev1 07:55 (SHA256:Qw3f), good 13 d`."""
    approved: Sequence[Mapping[str, Any]] = (plan.evidence or {}).get("approved", ())
    return [_approval(one, now) for one in approved]


def _approval(one: Mapping[str, Any], now: datetime) -> str:
    time = datetime.fromisoformat(one["time"]).astimezone(now.tzinfo)
    said = f"{time:%H:%M}" if time.date() == now.date() else f"{time:%d%b %H:%M}"
    left = ""
    if one.get("expires"):
        left = f", good {span_words(datetime.fromisoformat(one['expires']) - now)}"
    return f"{one['person']} {said} ({str(one['key'])[:12]}..){left}"


def short_digest(digest: str) -> str:
    """`9f2c4d1a..e1`."""
    bare = digest.removeprefix("sha256:")
    return bare if len(bare) <= 12 else f"{bare[:8]}..{bare[-2:]}"


def policy_notes(plan: Plan) -> Sequence[str]:
    """What a reader must know of the policy."""
    return plan.policy.notes if plan.policy is not None else ()


def signs(plan: Plan) -> list[str]:
    """What exactly is signed, a line each; none where nothing is."""
    if not plan.operation.startswith("approval."):
        return []
    from .attest import signed_lines

    return [f"{name:9} {value}" for name, value in signed_lines(plan)]
