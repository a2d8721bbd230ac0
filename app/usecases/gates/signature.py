"""`signature`: who calls the version that has the alias can call the candidate as well."""

from collections.abc import Sequence
from typing import ClassVar

from ..fitting import fit
from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, Finding, Rule


class Signature(Rule, frozen=True, kw_only=True):
    """Inputs and outputs fit those of the holder.

    See `fitting`. Numbers: differences.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)

    async def judge(self, facts: Facts) -> Finding:
        mine = facts.candidate.version.signature
        if facts.holder is None:
            asks = "signature"
            if not mine:
                return Finding(UNKNOWN, asks, f"{facts.candidate.name} has none")
            return Finding(PASS, asks, f"nothing is {facts.alias} yet, so nothing to fit")
        asks = f"signature fits {facts.holder.name}"
        theirs = facts.holder.version.signature
        for side, told in ((facts.candidate, mine), (facts.holder, theirs)):
            if not told:
                return Finding(UNKNOWN, asks, f"{side.name} has no signature")
        assert mine
        assert theirs
        found = fit(mine, theirs)
        verdict = FAIL if found.wrong else UNKNOWN if found.unknown else PASS
        return Finding(verdict, asks, found.shows, {"differences": list(found.wrong)})
