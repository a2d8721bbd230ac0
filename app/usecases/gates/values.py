"""One measured value of a version, and figures as the words of verdicts have them."""

import math
from decimal import Decimal
from typing import NamedTuple

from modeldeck.backends.api.runs import Evaluation

from .facts import Side


class MissingError(Exception):
    """There is no such value, or not one only; the text says so for people."""


class Value(NamedTuple):
    """A value, where it comes from in words, and the rows and the data it was measured on."""

    value: float
    source: str
    n: int | None = None
    dataset: str = ""
    digest: str = ""


async def value_of(
    side: Side, metric: str, dataset: str = "", part: str = "", *, called: str = ""
) -> Value:
    """The value of `metric` on a dataset (its name or digest; empty: the only one) and slice.

    An evaluation of the version comes first, then one of its run, then the run's latest value where
    no dataset and no slice was named. MissingError when there is none, or several could be meant;
    there the dataset is `called` so.
    """
    found = await evaluations_of(side, metric, dataset)
    found = [one for one in found if one.slice == part]
    if found:
        one = one_of(found, metric)
        return Value(one.value, f"on {one.dataset}", one.n, one.dataset, one.dataset_digest)
    run = await side.run()
    if not dataset and not part and run is not None and metric in run.metrics:
        return Value(run.metrics[metric], "latest of the run")
    raise MissingError(f"{side.name} has no {metric}{where_words(called or dataset, part)}")


def where_words(dataset: str, part: str) -> str:
    """` on test for "new customers"`."""
    return (f" on {dataset}" if dataset else "") + (f' for "{part}"' if part else "")


async def evaluations_of(side: Side, metric: str, dataset: str = "") -> list[Evaluation]:
    """Those of a metric, on a dataset where one is named; the version's own before its run's."""
    found = [
        one
        for one in await side.evaluations()
        if one.metric == metric and (not dataset or dataset in (one.dataset, one.dataset_digest))
    ]
    own = {(one.dataset, one.dataset_digest, one.slice) for one in found if one.model is not None}
    return [
        one
        for one in found
        if one.model is not None or (one.dataset, one.dataset_digest, one.slice) not in own
    ]


def one_of(found: list[Evaluation], metric: str) -> Evaluation:
    """The only one; MissingError where they are of several datasets."""
    if len(found) > 1:
        names = ", ".join(sorted({one.dataset for one in found}))
        raise MissingError(f"{metric} was measured on several datasets ({names}): name one")
    return found[0]


def difference(new: float, old: float) -> Decimal:
    """The gain as the decimal numbers that both are written as: 0.9355 - 0.9335 is 0.002."""
    return Decimal(repr(new)) - Decimal(repr(old))


def figure(value: float) -> str:
    """Six significant digits."""
    return f"{value:.6g}"


def signed(value: float | Decimal) -> str:
    """`+.0043`, `-1.25`, `+3.1e-05`: four decimals where they say something, always a sign."""
    number = float(value)
    if number == 0 or not math.isfinite(number):
        return f"{number:+.0f}"
    if abs(number) < 0.0005:
        return f"{number:+.1e}"
    text = f"{number:+.4f}" if abs(number) < 100 else f"{number:+.6g}"
    return text.replace("+0.", "+.").replace("-0.", "-.")


def counted(number: int) -> str:
    """`48,210`."""
    return f"{number:,}"
