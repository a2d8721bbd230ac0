"""`samples`: enough rows were evaluated."""

from collections.abc import Iterator

from .facts import Facts
from .rule import FAIL, PASS, UNKNOWN, Finding, Problem, Rule
from .values import counted


class Samples(Rule, frozen=True, kw_only=True):
    """Each (dataset, slice) that was evaluated has at least so many rows.

    `dataset` (name or digest) and `slices` (the whole is "") narrow it; a slice that is named must
    be there. Numbers: least, slice, dataset.
    """

    at_least: int
    dataset: str = ""
    slices: tuple[str, ...] = ()

    def problems(self) -> Iterator[Problem]:
        if self.at_least < 1:
            yield ("at_least",), "at_least is below 1: every evaluation passes", ""

    async def judge(self, facts: Facts) -> Finding:
        asks = f"samples >= {counted(self.at_least)}"
        found = [
            one
            for one in await facts.candidate.evaluations()
            if (not self.dataset or self.dataset in (one.dataset, one.dataset_digest))
            and (not self.slices or one.slice in self.slices)
        ]
        missing = sorted(set(self.slices) - {one.slice for one in found})
        if missing or not found:
            what = f"slice {missing[0]!r}" if missing else self.dataset or "anything"
            return Finding(UNKNOWN, asks, f"no evaluation of {what}")
        unknown = [one for one in found if one.n is None]
        least = min(
            (one for one in found if one.n is not None), key=lambda one: one.n or 0, default=None
        )
        numbers = {}
        words = ""
        if least is not None and least.n is not None:
            numbers = {"least": least.n, "slice": least.slice, "dataset": least.dataset}
            part = f'"{least.slice}" of {least.dataset}' if least.slice else least.dataset
            words = f"fewest {counted(least.n)}, {part}"
            if least.n < self.at_least:
                return Finding(FAIL, asks, words, numbers)
        if unknown:
            one = unknown[0]
            said = f"how many rows {one.metric} on {one.dataset} {one.slice!r} has is not known"
            return Finding(UNKNOWN, asks, said, numbers)
        return Finding(PASS, asks, words, numbers)
