"""`metric`: a floor, a ceiling, a gain over the version that has the alias."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from .facts import Facts, Side
from .rule import FAIL, PASS, UNKNOWN, Finding, Problem, Rule
from .values import MissingError, Value, counted, difference, figure, signed, value_of


class Metric(Rule, frozen=True, kw_only=True):
    """`metric` is at least or at most so much, and better by so much than the holder's.

    `dataset` is a name or a digest, needed where there are several. Better is what the policy file
    declares under [metrics]. `min_n` rows are needed. Numbers: value, n, dataset_digest, holder,
    delta.
    """

    metric: str
    dataset: str = ""
    slice: str = ""
    at_least: float | None = None
    at_most: float | None = None
    better_by: float | None = None
    min_n: int | None = None

    def problems(self) -> Iterator[Problem]:
        if self.at_least is None and self.at_most is None and self.better_by is None:
            yield (), "it asks for nothing", "Add at_least, at_most or better_by"
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            yield ("at_least",), "at_least is above at_most: nothing can pass", ""

    async def judge(self, facts: Facts) -> Finding:
        try:
            value = await value_of(facts.candidate, self.metric, self.dataset, self.slice)
        except MissingError as error:
            return Finding(UNKNOWN, self._asks(), str(error))
        if value.value != value.value:
            return Finding(UNKNOWN, self._asks(), f"it is NaN, {value.source}")
        numbers: dict[str, Any] = {
            "value": value.value,
            "n": value.n,
            "dataset_digest": value.digest,
        }
        said = [(PASS, f"{figure(value.value)} {value.source}")]
        if self.at_least is not None and value.value < self.at_least:
            said.append((FAIL, f"below {figure(self.at_least)}"))
        if self.at_most is not None and value.value > self.at_most:
            said.append((FAIL, f"above {figure(self.at_most)}"))
        if self.min_n is not None:
            said.append(self._rows(value))
        elif value.n is not None:
            said.append((PASS, f"n={counted(value.n)}"))
        if self.better_by is not None:
            verdict, words, more = await self._gain(facts, value)
            said.append((verdict, words))
            numbers |= more
        verdicts = [verdict for verdict, _ in said]
        worst = next((word for word in (FAIL, UNKNOWN) if word in verdicts), PASS)
        return Finding(worst, self._asks(), ", ".join(words for _, words in said), numbers)

    def _rows(self, value: Value) -> tuple[str, str]:
        assert self.min_n is not None
        if value.n is None:
            return UNKNOWN, f"on how many rows is not known, {counted(self.min_n)} are needed"
        if value.n < self.min_n:
            return FAIL, f"n={counted(value.n)} of {counted(self.min_n)}"
        return PASS, f"n={counted(value.n)}"

    async def _gain(self, facts: Facts, value: Value) -> tuple[str, str, Mapping[str, Any]]:
        holder = facts.holder
        if holder is None:
            return PASS, f"nothing is {facts.alias} yet, so nothing to be better than", {}
        if holder is facts.candidate:
            return PASS, f"it is {facts.alias} already", {}
        direction = facts.directions.get(self.metric)
        if direction is None:
            words = f"which way {self.metric} is better is not declared under [metrics]"
            return UNKNOWN, words, {}
        try:
            there = await self._there(holder, value)
        except MissingError as error:
            return UNKNOWN, str(error), {}
        delta = difference(value.value, there.value)
        gain = delta if direction == "higher" else -delta
        words = f"{signed(delta)} to {figure(there.value)} of {holder.name}"
        enough = gain >= Decimal(repr(self.better_by))
        numbers = {"holder": there.value, "delta": str(delta)}
        return (PASS if enough else FAIL), words, numbers

    async def _there(self, holder: Side, value: Value) -> Value:
        """The holder's value on the same data; MissingError where it is of other data."""
        named = value.digest or value.dataset or self.dataset
        called = f"the same {value.dataset}" if value.dataset else ""
        there = await value_of(holder, self.metric, named, self.slice, called=called)
        if there.value != there.value or value.digest != there.digest:
            why = "is NaN" if there.value != there.value else "is of other data"
            raise MissingError(f"{self.metric} of {holder.name} {why}")
        return there

    def _asks(self) -> str:
        limits = [
            f"{sign} {figure(bound)}"
            for sign, bound in ((">=", self.at_least), ("<=", self.at_most))
            if bound is not None
        ]
        if self.better_by is not None:
            limits.append(f"better by {figure(self.better_by)}")
        part = f' of "{self.slice}"' if self.slice else ""
        return f"{self.metric}{part} {', '.join(limits)}"
