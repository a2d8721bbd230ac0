"""What the gates before an alias say of a version, all rules of it."""

import json
from collections.abc import Sequence

from msgspec import Struct

from modeldeck.app.usecases.encode import SCHEMA, plain, verdict
from modeldeck.backends.api.plan import PolicyRef, Verdict

_WORST_FIRST = ("fail", "unknown", "wait")


class GateReport(Struct, frozen=True, kw_only=True):
    """Whether version `version` of `model` may become `alias`, for `purpose` (promote, rollback).

    `digest` is that of its content, `holder` the version there now. `rules` stand in the order of
    the policy; none where no gate stands. `evidence` is the root over the candidate's own facts,
    empty where no gate stands.
    """

    model: str
    alias: str
    version: int
    digest: str
    holder: int | None
    purpose: str
    policy: PolicyRef | None
    rules: Sequence[Verdict]
    evidence: str

    @property
    def verdict(self) -> str:
        """`pass` when all rules hold, else the worst of fail, unknown, wait."""
        left = [rule.verdict for rule in self.rules if not rule.holds]
        return next((word for word in _WORST_FIRST if word in left), "fail" if left else "pass")

    @property
    def holds(self) -> bool:
        """Whether it may."""
        return self.verdict == "pass"


def document(report: GateReport) -> str:
    """The report as one line of JSON with all keys in order: the bytes that CI and console share.

    Everything that is not ASCII is escaped. No time is in it but what rules show, and of the policy
    only what is the same on every machine.
    """
    source = report.policy
    tree = {
        "schema": SCHEMA,
        "model": report.model,
        "alias": report.alias,
        "version": report.version,
        "digest": report.digest,
        "holder": report.holder,
        "purpose": report.purpose,
        "policy": None
        if source is None
        else {"ref": source.ref, "commit": source.commit, "digest": source.digest},
        "rules": [verdict(rule) for rule in report.rules],
        "evidence": report.evidence,
        "verdict": report.verdict,
    }
    text = json.dumps(plain(tree), sort_keys=True, allow_nan=False)
    return text.replace("\x7f", "\\u007f")
