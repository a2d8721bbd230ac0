"""Two-sided tests and intervals that need no library: normal, exact binomial, Holm."""

import math
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()
POWER = 0.8


def quantile(share: float) -> float:
    """Of the standard normal distribution."""
    return _NORMAL.inv_cdf(share)


def below(z: float) -> float:
    """The share of the standard normal distribution below `z`."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def two_sided(z: float) -> float:
    """P(|Z| >= |z|)."""
    return math.erfc(abs(z) / math.sqrt(2))


def detectable(se: float, alpha: float) -> float:
    """The difference that a two-sided test at `alpha` finds with a power of 80 %."""
    return (quantile(1 - alpha / 2) + quantile(POWER)) * se


def sign_test(fewer: int, more: int) -> float:
    """Exact two-sided p of `fewer` against `more` where both are as likely: 2 P(X <= fewer).

    The tail is summed downwards from its largest term until nothing is added.
    """
    count = fewer + more
    at = min(fewer, more)
    if fewer == more:
        return 1.0
    term = math.exp(
        math.lgamma(count + 1)
        - math.lgamma(at + 1)
        - math.lgamma(count - at + 1)
        - count * math.log(2)
    )
    total = 0.0
    while at >= 0 and term > total * 1e-18:
        total += term
        term *= at / (count - at + 1)
        at -= 1
    return min(1.0, 2 * total)


def holm(values: Sequence[float]) -> Sequence[float]:
    """Adjusted p values (Holm 1979): comparing each with alpha keeps the family at alpha."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [1.0] * len(values)
    worst = 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = worst
    return adjusted
