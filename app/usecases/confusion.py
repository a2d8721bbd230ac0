"""Confusion matrices that runs left as files.

Conventions, by the name and what is inside:

    confusion_matrix.json   {"labels": ["cat", "dog"], "matrix": [[50, 3], [2, 45]]}
    *.table.json of W&B     {"columns": ["Actual", "Predicted", "nPredictions"], "data": [...]}
    confusion_matrix.csv    a head of labels, then a row a true label that begins with it; or
                            columns actual, predicted, count

A row is a true label, a column a predicted one. The name may have more around it, such as
`training_confusion_matrix.json`. What MLflow logs by itself is a picture, which is not read.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.errors import UsageError

from .session import Session

LARGEST = 1 << 20
MOST = 200
"""Labels of a matrix."""
_LONG = ({"actual", "true", "label"}, {"predicted", "prediction"}, {"npredictions", "count", "n"})


class Matrix(Struct, frozen=True):
    """Counts: `counts[true][predicted]`, both in the order of `labels`."""

    labels: Sequence[str]
    counts: Sequence[Sequence[float]]


def is_matrix(path: str) -> bool:
    """Whether a file may be one, by its name."""
    name = path.rpartition("/")[2].lower().replace("-", "_")
    return "confusion_matrix" in name and name.endswith((".json", ".csv"))


async def read_matrix(session: Session, owner: str, path: str) -> Matrix:
    """The matrix in a file of `owner` (an address). UsageError says why it is none."""
    data = await session.registry.read_artifact(owner, path, 0, LARGEST + 1)
    if len(data) > LARGEST:
        raise UsageError(f"larger than {LARGEST >> 20} MiB: no confusion matrix", where=path)
    return parse_matrix(data, path)


def parse_matrix(data: bytes, path: str) -> Matrix:
    """The matrix in the bytes of a file of that name. UsageError says why it is none."""
    try:
        text = data.decode("utf-8-sig")
        return _of_csv(text) if path.lower().endswith(".csv") else _of_json(json.loads(text))
    except (UnicodeDecodeError, RecursionError, csv.Error, ValueError, TypeError) as error:
        raise UsageError(
            f"no confusion matrix: {error}",
            where=path,
            way_out='Write {"labels": ["a", "b"], "matrix": [[5, 1], [0, 4]]}',
        ) from None


def _of_json(found: Any) -> Matrix:
    if not isinstance(found, dict):
        raise TypeError("it is no JSON object")
    if "columns" in found:
        return _of_rows(found["columns"], found.get("data") or [])
    matrix = found.get("matrix", found.get("confusion_matrix"))
    if not isinstance(matrix, list):
        raise TypeError("it has no matrix")
    labels = found.get("labels", found.get("classes"))
    named: Iterable[Any] = range(len(matrix)) if labels is None else labels
    return _checked([str(label) for label in named], matrix)


def _of_csv(text: str) -> Matrix:
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    if not rows:
        raise ValueError("it is empty")
    if _places(rows[0]) is not None:
        return _of_rows(rows[0], rows[1:])
    labels, body = [row[0] for row in rows[1:]], [row[1:] for row in rows[1:]]
    if rows[0][1:] != labels:
        raise ValueError("the labels of its rows are not those of its columns")
    return _checked(labels, body)


def _of_rows(head: Sequence[Any], rows: Iterable[Any]) -> Matrix:
    """A matrix of rows with a true label, a predicted one, and how often."""
    places = _places(head)
    if places is None:
        raise ValueError("it needs columns actual, predicted and count")
    true, predicted, count = places
    found = [
        (str(row[true]), str(row[predicted]), float(row[count]))
        for row in rows
        if len(row) == len(head)
    ]
    labels = list(dict.fromkeys([*(row[0] for row in found), *(row[1] for row in found)]))
    if len(labels) > MOST:
        raise ValueError(f"more than {MOST} labels")
    at = {label: place for place, label in enumerate(labels)}
    counts: list[list[Any]] = [[0.0] * len(labels) for _ in labels]
    for actual, told, number in found:
        counts[at[actual]][at[told]] += number
    return _checked(labels, counts)


def _places(head: Sequence[Any]) -> list[int] | None:
    words = [str(word).strip().lower() for word in head]
    found = [next((at for at, word in enumerate(words) if word in names), -1) for names in _LONG]
    return None if -1 in found else found


def _checked(labels: Sequence[str], matrix: Sequence[Any]) -> Matrix:
    if not labels or len(labels) > MOST:
        raise ValueError(f"it has {len(labels)} labels; 1 to {MOST} are drawn")
    if len(matrix) != len(labels) or any(len(row) != len(labels) for row in matrix):
        raise ValueError(f"it is not {len(labels)} rows of {len(labels)} counts")
    counts = [[float(cell) for cell in row] for row in matrix]
    if not all(math.isfinite(cell) and cell >= 0 for row in counts for cell in row):
        raise ValueError("a count is below 0 or no number")
    return Matrix(labels, counts)
