"""Runs counted by values that they share."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from .lists import RunQuery
from .query import Field

ATTRIBUTES = frozenset(
    {"name", "experiment", "status", "started", "ended", "user", "parent", "reason", "exit", "git"}
)
"""The attributes of runs that can be grouped by: times by UTC day."""
MOST = 1000
"""So many groups are given, the largest."""


class Spread(Struct, frozen=True):
    """The finite values of one metric in a group, of which there is at least one."""

    low: float
    high: float
    mean: float


class Group(Struct, frozen=True, kw_only=True):
    """The rows with one value of each field; None means an empty one or none.

    A value is text as it is, a number as `repr` writes it, or the UTC day of a time (YYYY-MM-DD).
    `metrics` holds those of which the group has finite values.
    """

    values: tuple[str | None, ...]
    count: int
    metrics: Mapping[str, Spread] = {}


class Groups(Struct, frozen=True, kw_only=True):
    """The largest groups, largest first; `distinct` is how many there are in all.

    `counted` is how many rows were looked at; `note` says in words which, where not all were.
    """

    groups: Sequence[Group]
    distinct: int
    counted: int
    note: str = ""


@runtime_checkable
class Grouping(Protocol):
    """A backend that groups without handing out the runs."""

    async def run_groups(
        self, query: RunQuery, by: Sequence[Field], metrics: Sequence[str]
    ) -> Groups: ...
