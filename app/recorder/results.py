"""Lines of evaluations.jsonl: measured values of the model on a dataset."""

from typing import Any

from modeldeck.backends.api.runs import Evaluation
from modeldeck.backends.api.text import exact

from . import loose
from .tail import Tail
from .tally import Tally

_TEXTS = ("dataset", "dataset_digest", "slice", "artifact", "model")
_WHOLE = ("n", "version")


class Evaluations:
    """The evaluations of a run, read as the file grows.

    A line needs `metric` and `value`; the other fields are those of an Evaluation. What does not
    fit is named and left out, the rest of its line is kept.
    """

    def __init__(self, tail: Tail, tally: Tally) -> None:
        self.tail = tail
        self._tally = tally
        self._place = 0

    def read(self, limit: int, *, finish: bool = False) -> list[Evaluation]:
        """Those of the next lines."""
        found = []
        lines = self.tail.lines(limit, finish=finish)
        for self._place, line in enumerate(lines):
            if line.strip() and (evaluation := self._evaluation(line)) is not None:
                found.append(evaluation)
        return found

    def _evaluation(self, line: bytes) -> Evaluation | None:
        try:
            row = loose.decode(line)
        except ValueError as error:
            self._note(str(error), kind=str(error).partition(" at ")[0])
            return None
        for key in row.twice:
            self._note(f"{key!r} stands twice, the last one counts", kind=f"twice {key}")
        if not isinstance(row.value, dict):
            self._note("no JSON object", kind="object")
            return None
        metric, value = row.value.pop("metric", None), _float(row.value.pop("value", None))
        if not isinstance(metric, str) or value is None:
            self._note('no "metric" that is text, or no "value" that is a number', kind="needed")
            return None
        fields = {"dataset": ""} | self._fields(row.value)
        return Evaluation(metric=exact(metric), value=value, **fields)

    def _fields(self, row: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for key, value in row.items():
            if value is None:
                continue
            if key in _TEXTS and isinstance(value, str):
                fields[key] = exact(value)
            elif key in _WHOLE and type(value) is int and 0 <= value < 1 << 63:
                fields[key] = value
            elif key in _TEXTS or key in _WHOLE:
                self._note(f"{key!r} does not fit and was left out", kind=f"unfit {key}")
            else:
                self._note(f"{key!r} is no field of an evaluation", kind=f"unknown {key}")
        return fields

    def _note(self, what: str, *, kind: str) -> None:
        line = self.tail.line_number(self._place)
        self._tally.note(self.tail.name, what, line=line, kind=kind)


def _float(value: Any) -> float | None:
    try:
        match value:
            case bool() | int() | float():
                return float(value)
            case str():
                return loose.number(value)
    except OverflowError:
        pass
    return None
