"""What a backend finds when it is asked to look at itself, for `modeldeck doctor`."""

from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from msgspec import Struct

ODD, WRONG = timedelta(seconds=5), timedelta(seconds=300)
"""How far a server's clock may be from ours before it is doubtful, and before it is bad."""


class Weight(StrEnum):
    """How much a finding matters: data is lost or false; it may come to that; good to know."""

    BAD = "bad"
    DOUBTFUL = "doubtful"
    NOTE = "note"


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a check found: where, what, and the way out."""

    weight: Weight
    where: str
    what: str
    way_out: str = ""


@runtime_checkable
class Checked(Protocol):
    """A server that can look at itself, with a handful of light requests that change nothing.

    What is found comes as it is found. An error says that there is no use in asking on.
    """

    def checkup(self) -> AsyncIterator[Finding]: ...


def clock_finding(skew: timedelta | None) -> Finding:
    """What it means that the server's clock is `skew` ahead of ours; None: it does not say."""
    if skew is None:
        return Finding(weight=Weight.NOTE, where="clock", what="the server does not say its time")
    off = abs(skew)
    if off <= ODD:
        # Servers say whole seconds.
        return Finding(weight=Weight.NOTE, where="clock", what="agrees with the server's")
    seconds = off.total_seconds()
    far = f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
    return Finding(
        weight=Weight.BAD if off > WRONG else Weight.DOUBTFUL,
        where="clock",
        what=f"the server's is {far} {'ahead of' if skew > timedelta() else 'behind'} ours",
        way_out="Set the one that is wrong: what was changed when is told by both",
    )
