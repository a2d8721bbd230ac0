"""What every kind of rule is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from .facts import Facts

PROMOTE = "promote"
ROLLBACK = "rollback"
PASS, FAIL, WAIT, UNKNOWN, WAIVED = "pass", "fail", "wait", "unknown", "waived"

Problem = tuple[Sequence[str | int], str, str]
"""Which key of a rule is wrong, what is wrong with it, and the way out."""


class Finding(Struct, frozen=True):
    """What a rule found: its verdict, what it asks for, and the facts, in words and in numbers."""

    verdict: str
    rule: str
    shows: str = ""
    numbers: Mapping[str, Any] = {}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as a policy file writes it. `purposes` say for what it is asked.

    `problems` says what the shape alone cannot refuse. `judge` gives a finding, or raises: then
    nothing is known.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE,)
    kind: str

    def problems(self) -> Iterator[Problem]:
        """Nothing is wrong with it."""
        return iter(())

    async def judge(self, facts: Facts) -> Finding:
        """What the facts say to it."""
        raise NotImplementedError
