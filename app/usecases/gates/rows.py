"""Two versions' rows as arrays for a measure, and the comparison of them."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modeldeck.backends.api.runs import Evaluation

from .facts import Facts, Side
from .predictions import Rows, paired, read_rows
from .values import MissingError, evaluations_of, one_of, where_words

if TYPE_CHECKING:
    from modeldeck.app.analysis.paired import Comparison

_SAME = {
    "roc_auc": "auc",
    "roc_auc_score": "auc",
    "accuracy_score": "accuracy",
    "acc": "accuracy",
    "log_loss": "logloss",
    "brier_score": "brier",
    "f1_score": "f1",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
}
_YES = ("1", "true", "True", "yes", "positive")


class How(Struct, frozen=True, kw_only=True):
    """How two versions are compared; see the rule `paired`."""

    metric: str
    test: str = "auto"
    alpha: float = 0.05
    times: int = 2000
    positive: str = ""


def measure_of(metric: str) -> str:
    """The measure that a metric is, by what people call it: `val/roc_auc` is auc."""
    name = metric.rpartition("/")[2].lower()
    return _SAME.get(name, name)


async def evaluation_with_rows(
    side: Side, metric: str, dataset: str, part: str = "", *, called: str = ""
) -> Evaluation:
    """The evaluation on a dataset and slice; MissingError where it names no file of its rows."""
    found = [one for one in await evaluations_of(side, metric, dataset) if one.slice == part]
    where = where_words(called or dataset, part)
    if not found:
        raise MissingError(f"{side.name} has no {metric}{where}")
    one = one_of(found, metric)
    if not one.artifact:
        raise MissingError(f"{metric} of {side.name}{where} names no file of per-row predictions")
    return one


async def rows_of(side: Side, evaluation: Evaluation) -> Rows:
    """The rows that an evaluation was made on; MissingError where they are not to be had."""
    path = evaluation.artifact or ""
    if path not in await side.files():
        raise MissingError(f"{path} of {side.name} is not there")
    data, _ = await side.file(path)
    rows = (await asyncio.to_thread(read_rows, data, path)).only(evaluation.slice)
    if evaluation.n is not None and evaluation.n != len(rows.labels):
        said = f"{path} has {len(rows.labels):,} rows, the evaluation {evaluation.n:,}"
        raise MissingError(said)
    return rows


async def compared(
    facts: Facts, holder: Side, how: How, dataset: str, part: str = ""
) -> "Comparison":
    """The candidate against the holder on the same rows. MissingError or UnfitError where not."""
    mine = await evaluation_with_rows(facts.candidate, how.metric, dataset, part)
    if not mine.dataset_digest:
        raise MissingError(
            f"no digest of {mine.dataset} is known, so nor is whether it is the same"
        )
    theirs = await evaluation_with_rows(
        holder, how.metric, mine.dataset_digest, part, called=f"the same {mine.dataset}"
    )
    new = await rows_of(facts.candidate, mine)
    old = await rows_of(holder, theirs)
    return await asyncio.to_thread(_compare, old, new, how, facts.evidence)


def _compare(old: Rows, new: Rows, how: How, evidence: str) -> "Comparison":
    import numpy as np

    from modeldeck.app.analysis.paired import compare
    from modeldeck.app.analysis.scoring import CLASSES, DECISIONS, SCORES

    old, new = paired(old, new)
    metric = measure_of(how.metric)
    labels: Any
    if metric in CLASSES:
        labels = np.array(old.labels)
        values = [np.array(_column(rows.predictions, "prediction")) for rows in (old, new)]
    elif metric in DECISIONS or metric in SCORES:
        positive = how.positive or _positive(old.labels)
        labels = np.array([float(label == positive) for label in old.labels])
        if metric in SCORES:
            values = [_numbers(rows.scores, "score") for rows in (old, new)]
        else:
            said = [_column(rows.predictions, "prediction") for rows in (old, new)]
            values = [np.array([float(one == positive) for one in column]) for column in said]
    else:
        labels = _numbers(old.labels, "label")
        values = [_numbers(rows.predictions or rows.scores, "prediction") for rows in (old, new)]
    return compare(
        metric,
        labels,
        values[0],
        values[1],
        test=how.test,
        alpha=how.alpha,
        times=how.times,
        seed=int(evidence.rpartition(":")[2] or "0", 16),
    )


def _positive(labels: Sequence[str]) -> str:
    classes = set(labels)
    found = [word for word in _YES if word in classes]
    if len(classes) > 2 or len(found) != 1:
        names = ", ".join(sorted(classes)[:5])
        raise MissingError(f"which label is positive is not known ({names}): say positive")
    return found[0]


def _column(cells: Sequence[str] | None, name: str) -> Sequence[str]:
    if cells is None:
        raise MissingError(f"a file has no column {name}")
    if empty := sum(not cell for cell in cells):
        raise MissingError(f"{empty:,} rows have no {name}")
    return cells


def _numbers(cells: Sequence[str] | None, name: str) -> Any:
    import numpy as np

    try:
        return np.array([float(cell) for cell in _column(cells, name)])
    except ValueError:
        raise MissingError(f"a {name} is no number") from None
