"""`paired`: both versions on the same rows, with how sure the difference is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from .facts import Facts
from .rows import How, compared, measure_of
from .rule import FAIL, PASS, UNKNOWN, Finding, Problem, Rule
from .values import MissingError, counted, figure, signed

if TYPE_CHECKING:
    from modeldeck.app.analysis.paired import Comparison

_NAMES = {"mcnemar": "McNemar", "delong": "DeLong", "bootstrap": "paired bootstrap"}
_TAIL = 1e-9
"""Below it machines do not agree on six digits of a p."""
_MEASURES = (
    "accuracy", "auc", "f1", "precision", "recall", "logloss", "brier", "rmse", "mse", "mae",
)  # fmt: skip


class Paired(Rule, frozen=True, kw_only=True):
    """The candidate is not worse than the holder by `margin`, or it is better, on the same rows.

    `noninferior`: the lower bound of the gain, at 1 - `alpha` two-sided, is above -`margin`.
    `superior`: the difference is one in the better direction, and the test or the interval says so
    at `alpha`. `test` auto is McNemar for accuracy, DeLong for auc, else a percentile bootstrap of
    `B` resamples. Rows are those of the files that the evaluations of `metric` on `dataset` name.
    `positive` is the label that scores are for. Numbers, as text of six digits: first, second,
    delta, low, high, se, p, detectable; n, test, B.
    """

    metric: str
    dataset: str = ""
    test: Literal["auto", "mcnemar", "delong", "bootstrap"] = "auto"
    mode: Literal["noninferior", "superior"] = "noninferior"
    margin: float = 0.005
    alpha: float = 0.05
    B: int = 2000
    min_n: int = 30
    positive: str = ""

    def problems(self) -> Iterator[Problem]:
        measure = measure_of(self.metric)
        if measure not in _MEASURES:
            known = f"Known: {', '.join(_MEASURES)}"
            yield ("metric",), f"{self.metric} cannot be computed from rows", known
        fitting = {"accuracy": "mcnemar", "auc": "delong"}.get(measure, "bootstrap")
        if self.test not in ("auto", "bootstrap", fitting):
            yield ("test",), f"{self.test} does not fit {self.metric}", f"Write {fitting} or auto"
        if self.margin < 0:
            yield ("margin",), "margin is below 0", 'mode = "superior" asks for more'
        if not 0.0001 <= self.alpha <= 0.5:
            yield ("alpha",), "alpha is not between 0.0001 and 0.5", "Write 0.05"
        if not 200 <= self.B <= 100_000:
            yield ("B",), "B is not between 200 and 100000", "Write 2000"

    async def judge(self, facts: Facts) -> Finding:
        from modeldeck.app.analysis.unfit import UnfitError

        asks = self._asks()
        if facts.holder is None:
            return Finding(PASS, asks, f"nothing is {facts.alias} yet, so nothing to compare with")
        if facts.holder is facts.candidate:
            return Finding(PASS, asks, f"it is {facts.alias} already")
        how = How(
            metric=self.metric,
            test=self.test,
            alpha=self.alpha,
            times=self.B,
            positive=self.positive,
        )
        try:
            found = await compared(facts, facts.holder, how, self.dataset)
        except (MissingError, UnfitError) as error:
            return Finding(UNKNOWN, asks, str(error))
        words, numbers = _words(found), numbers_of(found)
        if found.rows < self.min_n:
            few = f"fewer than {counted(self.min_n)} rows, {words}"
            return Finding(UNKNOWN, asks, few, numbers)
        verdict, said = self._verdict(found, facts)
        return Finding(verdict, asks, f"{words}{said}", numbers)

    def _verdict(self, found: "Comparison", facts: Facts) -> tuple[str, str]:
        if self.mode == "superior":
            sure = found.least_gain > 0 if found.p is None else found.p < self.alpha
            return (PASS if found.gain > 0 and sure else FAIL), ""
        if found.same and found.test != "mcnemar":
            # An interval of no width says nothing: the file may be the other version's.
            assert facts.holder is not None
            digests = {side.version.digest for side in (facts.candidate, facts.holder)}
            if len(digests) > 1 or None in digests:
                return UNKNOWN, ", the same in every row: is it a file of this version?"
            return PASS, ", the same content"
        return (PASS if found.least_gain > -self.margin else FAIL), ""

    def _asks(self) -> str:
        if self.mode == "superior":
            return f"{self.metric} better"
        return f"{self.metric} not worse by {figure(self.margin)}"


def _words(found: "Comparison") -> str:
    """`+.0043 [+.0021,+.0066] paired bootstrap n=48,210, detects .0031`."""
    name = _NAMES[found.test]
    bounds = f"[{signed(found.low)},{signed(found.high)}]"
    sure = "" if found.p is None else " p<.0001" if found.p < 0.0001 else f" p={found.p:.2g}"
    times = f" B={found.times}" if found.times else ""
    finds = signed(found.detectable).removeprefix("+")
    rows = f"n={counted(found.rows)}"
    return f"{signed(found.delta)} {bounds} {name}{times} {rows}{sure}, detects {finds}"


def numbers_of(found: "Comparison") -> dict[str, Any]:
    """The figures of a comparison; six digits as text, which are the same on every machine."""
    rounded = {
        name: None if getattr(found, name) is None else f"{getattr(found, name):.6g}"
        for name in ("first", "second", "delta", "low", "high", "se", "p", "detectable")
    }
    if found.p is not None and found.p < _TAIL:
        rounded["p"] = f"<{_TAIL:g}"
    return {**rounded, "n": found.rows, "test": found.test, "B": found.times}
