"""Files of per-row predictions: read within bounds, and the rows of two of them put together."""

import csv
import functools
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .values import MissingError, counted

MOST = 2_000_000
"""Rows of a file."""
COLUMNS = ("id", "label", "prediction", "score", "slice")
_CLASSES = ("label", "prediction")


class Rows(NamedTuple):
    """The columns of a file as text, each None where the file has none; `labels` are always there.

    A cell without anything is empty text.
    """

    labels: Sequence[str]
    ids: Sequence[str] | None = None
    predictions: Sequence[str] | None = None
    scores: Sequence[str] | None = None
    slices: Sequence[str] | None = None

    def only(self, part: str) -> "Rows":
        """Those of a slice, where the file tells slices apart."""
        if self.slices is None or not part:
            return self
        return self.take([place for place, name in enumerate(self.slices) if name == part])

    def take(self, places: Sequence[int]) -> "Rows":
        """The rows at these places, in this order."""
        return Rows(*(None if c is None else [c[at] for at in places] for c in self))  # type: ignore[arg-type]


def read_rows(data: bytes, path: str) -> Rows:
    """CSV with a head, or JSON lines. MissingError says why the file cannot be used.

    Columns: `label`, `prediction` and/or `score`, and if there are any `id` and `slice`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MissingError(f"{path} is no UTF-8 text") from None
    columns: dict[str, list[str]] = {}
    source = _of_json if text.lstrip()[:1] == "{" else _of_csv
    count = 0
    for count, row in enumerate(source(text, path), 1):
        if count > MOST:
            raise MissingError(f"{path} has more than {counted(MOST)} rows")
        if count == 1:
            columns = {name: [] for name in COLUMNS if name in row}
        for name, column in columns.items():
            if name not in row:
                raise MissingError(f"{path}, row {counted(count)}: no {name}")
            column.append(_class(row[name]) if name in _CLASSES else _text(row[name]))
    if not count:
        raise MissingError(f"{path} has no rows")
    if "label" not in columns or not {"prediction", "score"} & columns.keys():
        needs = "label, and prediction or score"
        raise MissingError(f"{path} lacks columns: it needs {needs}")
    return Rows(
        labels=columns["label"],
        ids=columns.get("id"),
        predictions=columns.get("prediction"),
        scores=columns.get("score"),
        slices=columns.get("slice"),
    )


def _of_csv(text: str, path: str) -> Iterator[Mapping[str, Any]]:
    try:
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            if None in row or None in row.values():
                raise MissingError(f"{path} has rows with more or fewer cells than its head")
            yield row
    except csv.Error as error:
        raise MissingError(f"{path} is no CSV: {error}") from None


def _of_json(text: str, path: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise MissingError(f"{path}, line {number}: no JSON") from None
        if not isinstance(row, dict):
            raise MissingError(f"{path}, line {number}: no JSON object")
        yield row


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _class(value: Any) -> str:
    """A cell so that 1, 1.0, "1" and true with "true" are the same in both files."""
    return _named(_text(value))


@functools.lru_cache(4096)
def _named(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if math.isfinite(number) and number == int(number) else text


def paired(first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """The same rows of both in the same order: by id where both have ids, else as they stand.

    MissingError where they are not the same rows with the same labels.
    """
    if first.ids is not None and second.ids is not None:
        places = [{name: at for at, name in enumerate(ids)} for ids in (first.ids, second.ids)]
        for ids, place in zip((first.ids, second.ids), places, strict=True):
            if len(place) != len(ids):
                raise MissingError(f"{counted(len(ids) - len(place))} ids are there twice")
        if places[0].keys() != places[1].keys():
            count = len(places[0].keys() ^ places[1].keys())
            raise MissingError(f"{counted(count)} rows are in one file only")
        order = sorted(places[0])
        first = first.take([places[0][name] for name in order])
        second = second.take([places[1][name] for name in order])
    elif len(first.labels) != len(second.labels):
        sizes = f"{counted(len(first.labels))} and {counted(len(second.labels))}"
        raise MissingError(f"the files have {sizes} rows, and no ids to pair them by")
    differ = sum(map(str.__ne__, first.labels, second.labels))
    if differ:
        raise MissingError(f"{counted(differ)} rows have another label in the other file")
    return first, second
