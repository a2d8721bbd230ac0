"""`slices`: no part of the data is left behind."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modeldeck.backends.api.runs import Evaluation

from .facts import Facts
from .rows import How, compared
from .rule import FAIL, PASS, UNKNOWN, Finding, Problem, Rule
from .values import MissingError, counted, difference, evaluations_of, figure, signed, value_of

if TYPE_CHECKING:
    from modeldeck.app.analysis.paired import Comparison


class Slices(Rule, frozen=True, kw_only=True):
    """`metric` meets a floor (or a ceiling) on every slice, or on those of `slices`.

    A slice with fewer than `min_n` rows fails. With `not_worse_by` none may be worse than the
    holder's by more: where both have per-row predictions, one is when that is sure at `alpha` over
    all slices together (Holm), else by the values alone. Numbers: worst, value, n, slices, and for
    each slice that was compared its delta and adjusted p.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    slices: tuple[str, ...] = ()
    dataset: str = ""
    min_n: int = 1
    not_worse_by: float | None = None
    alpha: float = 0.05
    B: int = 2000
    positive: str = ""

    def problems(self) -> Iterator[Problem]:
        if self.at_least is None and self.at_most is None and self.not_worse_by is None:
            yield (), "it asks for nothing", "Add at_least, at_most or not_worse_by"
        if self.not_worse_by is not None and self.not_worse_by < 0:
            yield ("not_worse_by",), "not_worse_by is below 0", ""
        if not 0.0001 <= self.alpha <= 0.5:
            yield ("alpha",), "alpha is not between 0.0001 and 0.5", "Write 0.05"
        if not 200 <= self.B <= 100_000:
            yield ("B",), "B is not between 200 and 100000", "Write 2000"

    async def judge(self, facts: Facts) -> Finding:
        found = await evaluations_of(facts.candidate, self.metric, self.dataset)
        found = [
            one for one in found if one.slice and (not self.slices or one.slice in self.slices)
        ]
        missing = [name for name in self.slices if name not in {one.slice for one in found}]
        if missing or not found:
            what = f'slice "{missing[0]}"' if missing else "slices"
            return Finding(UNKNOWN, self._asks(), f"no {self.metric} of {what} was measured")
        if len({(one.dataset, one.dataset_digest) for one in found}) > 1:
            names = ", ".join(sorted({one.dataset for one in found}))
            return Finding(UNKNOWN, self._asks(), f"slices of several datasets ({names}): name one")
        said = self._floors(found)
        numbers: dict[str, Any] = {"slices": len(found)}
        worst = self._worst(found)
        if worst is not None:
            numbers |= {"worst": worst.slice, "value": worst.value, "n": worst.n}
        if self.not_worse_by is not None:
            verdict, words, more = await self._against(facts, found, self.not_worse_by)
            said.append((verdict, words))
            numbers |= more
        verdicts = [verdict for verdict, _ in said]
        result = next((word for word in (FAIL, UNKNOWN) if word in verdicts), PASS)
        shown = [words for verdict, words in said if verdict == result or result == PASS]
        return Finding(result, self._asks(), ", ".join(filter(None, shown)), numbers)

    def _floors(self, found: Sequence[Evaluation]) -> list[tuple[str, str]]:
        said = []
        for one in found:
            name, rows = f'"{one.slice}"', "?" if one.n is None else counted(one.n)
            if one.value != one.value:
                said.append((UNKNOWN, f"{name} is NaN"))
            elif (self.at_least is not None and one.value < self.at_least) or (
                self.at_most is not None and one.value > self.at_most
            ):
                said.append((FAIL, f"{name} {figure(one.value)} n={rows}"))
            if one.n is None and self.min_n > 1:
                said.append((UNKNOWN, f"how many rows {name} has is not known"))
            elif one.n is not None and one.n < self.min_n:
                said.append((FAIL, f"{name} has {rows} of {counted(self.min_n)} rows"))
        worst = self._worst(found)
        if worst is not None:
            rows = "" if worst.n is None else f" n={counted(worst.n)}"
            said.append((PASS, f'worst "{worst.slice}" {figure(worst.value)}{rows}'))
        return said

    def _worst(self, found: Sequence[Evaluation]) -> Evaluation | None:
        known = [one for one in found if one.value == one.value]
        low = self.at_least is not None or self.at_most is None
        order = sorted(known, key=lambda one: (one.value, one.slice), reverse=not low)
        return order[0] if order else None

    async def _against(
        self, facts: Facts, found: Sequence[Evaluation], margin: float
    ) -> tuple[str, str, Mapping[str, Any]]:
        """Whether a slice is worse than the holder's by more than `margin`."""
        from modeldeck.app.analysis.intervals import below, holm
        from modeldeck.app.analysis.unfit import UnfitError

        holder = facts.holder
        if holder is None or holder is facts.candidate:
            return PASS, "", {}
        direction = facts.directions.get(self.metric)
        if direction is None:
            words = f"which way {self.metric} is better is not declared under [metrics]"
            return UNKNOWN, words, {}
        how = How(metric=self.metric, alpha=self.alpha, times=self.B, positive=self.positive)
        tested: dict[str, Comparison] = {}
        said: list[tuple[str, str]] = []
        deltas: dict[str, str] = {}
        for one in found:
            try:
                if one.artifact:
                    tested[one.slice] = await compared(
                        facts, holder, how, one.dataset_digest or one.dataset, one.slice
                    )
                    deltas[one.slice] = f"{tested[one.slice].delta:.6g}"
                    continue
                named = one.dataset_digest or one.dataset
                called = f"the same {one.dataset}"
                there = await value_of(holder, self.metric, named, one.slice, called=called)
            except (MissingError, UnfitError) as error:
                said.append((UNKNOWN, f'"{one.slice}": {error}'))
                continue
            if one.value != one.value or there.value != there.value:
                said.append((UNKNOWN, f'"{one.slice}" is NaN'))
                continue
            delta = difference(one.value, there.value)
            deltas[one.slice] = str(delta)
            if (delta if direction == "higher" else -delta) < difference(0.0, margin):
                said.append((FAIL, f'"{one.slice}" {signed(delta)} to {holder.name}'))
        ps = holm([below(_distance(one, margin)) for one in tested.values()])
        adjusted = dict(zip(tested, ps, strict=True))
        for name, p in adjusted.items():
            if p < self.alpha:
                words = f'"{name}" {signed(tested[name].delta)} to {holder.name} p={p:.2g}'
                said.append((FAIL, words))
        verdicts = [verdict for verdict, _ in said]
        result = next((word for word in (FAIL, UNKNOWN) if word in verdicts), PASS)
        finds = max((one.detectable for one in tested.values()), default=0.0)
        sure = f", detects {signed(finds).removeprefix('+')}" if tested else ""
        words = ", ".join(words for verdict, words in said if verdict == result)
        words = words or f"none worse than {holder.name} by {figure(margin)}"
        more = {"deltas": deltas, "holm": {name: f"{p:.6g}" for name, p in adjusted.items()}}
        return result, f"{words}{sure}", more

    def _asks(self) -> str:
        limits = [
            f"{sign} {figure(bound)}"
            for sign, bound in ((">=", self.at_least), ("<=", self.at_most))
            if bound is not None
        ]
        if self.not_worse_by is not None:
            limits.append(f"not worse by {figure(self.not_worse_by)}")
        return f"slices {self.metric} {', '.join(limits)}"


def _distance(found: "Comparison", margin: float) -> float:
    """By how many standard errors the gain is above -margin."""
    above = found.gain + margin
    if not found.se:
        return 0.0 if not above else float("inf") if above > 0 else float("-inf")
    return above / found.se
