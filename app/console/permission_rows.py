"""What stands between a version and an alias, as rows: its gate, and what people signed. Pure."""

from datetime import datetime

from modeldeck.app.usecases.asked import Approval
from modeldeck.app.usecases.gated import policy_words
from modeldeck.app.usecases.gates.report import GateReport
from modeldeck.app.usecases.permission import Permission
from modeldeck.app.usecases.plan_parts import in_order
from modeldeck.widgets.table import Cell, Column, Row, Span

from .words import when

VERDICTS = {
    "fail": ("FAIL", "bad"),
    "wait": ("wait", "warn"),
    "unknown": ("unkn", "warn"),
    "waived": ("WAIVED", "warn"),
    "pass": ("pass", "ok"),
}
SAYS = {
    "asked": ("asked", ""),
    "approved": ("approved", "ok"),
    "refused": ("REFUSED", "bad"),
    "withdrawn": ("withdrew", "dim"),
}
WORDS = (
    Column("says", "SAYS", pinned=True, min_width=8, priority=9),
    Column("who", "WHO", max_width=16, priority=8),
    Column("when", "WHEN", "time", priority=7),
    Column("counts", "COUNTS", min_width=6, max_width=44, priority=8, grow=1),
    Column("until", "UNTIL", "time", priority=5),
    Column("for", "FOR", max_width=20, priority=6),
    Column("why", "WHY", min_width=10, max_width=0, priority=4, grow=1),
    Column("id", "ID", max_width=8, priority=3),
)
_NAMED = 24


def gate_rows(permission: Permission | None, alias: str) -> list[Row]:
    """May it go to `alias`? Failures first. Nothing where no gate stands before an alias of it."""
    if permission is None:
        return [_head(f"MAY IT GO TO {alias}?  asking ...", "strong")] if alias else []
    report = permission.report
    if report is None:
        return []
    rows = [_head(gate_words(report), "strong" if report.holds else "bad")]
    named = min(max((len(rule.rule) for rule in report.rules), default=0), _NAMED)
    for place, rule in enumerate(in_order(report.rules)):
        word, style = VERDICTS.get(rule.verdict, (rule.verdict, "warn"))
        text = f"{rule.rule:{named}}  {rule.shows}".rstrip()
        # One text over the whole width: what a rule shows is the reason, and needs the room.
        span = Span("fact", f"{word:6}{text}", "" if rule.holds else style)
        rows.append(Row(f"gate:{place}", [word, text], span=span))
    return rows


def _head(text: str, style: str) -> Row:
    return Row("gate", [Cell(text, style)], span=Span("fact", text, style))


def gate_words(report: GateReport) -> str:
    """`MAY IT GO TO champion? NO: 1 fail, 1 wait, 1 unknown of 9  by a1b2c3d main`."""
    counts = [
        f"{count} {word}"
        for word in ("fail", "wait", "unknown", "waived")
        if (count := sum(rule.verdict == word for rule in report.rules))
    ]
    said = f"NO: {', '.join(counts)} of {len(report.rules)}"
    if report.holds:
        said = f"yes: all {len(report.rules)} hold" + (f", {counts[0]}" if counts else "")
    return f"MAY IT GO TO {report.alias}? {said}  by {policy_words(report.policy)}"


def word_rows(permission: Permission | None, now: datetime) -> list[Row]:
    """What was said, by alias; what was said last stands first."""
    said = permission.said if permission else {}
    return [
        _word_row(target, one, now) for target, words in said.items() for one in reversed(words)
    ]


def _word_row(target: str, one: Approval, now: datetime) -> Row:
    word, style = SAYS[one.decision]
    return Row(
        f"word:{one.id}",
        [
            Cell(word, style if one.counts else "dim"),
            one.person or Cell("nobody", "dim"),
            when(one.time, now),
            Cell("yes", "ok") if one.counts else Cell(f"no: {one.why}", "warn"),
            when(one.expires, now) if one.expires else "",
            target.rpartition("@")[2],
            Cell(one.reason.partition("\n")[0], "dim"),
            Cell(one.id[:8], "dim"),
        ],
    )
