"""Evaluations of a run on a server that has no word for them: from a file of the run."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.api.receiving import BESIDE, Beside
from modeldeck.backends.api.runs import Evaluation

LINES = "evaluations.jsonl"
PLACES = (BESIDE, LINES)
"""Where they may stand: what a copy keeps beside its run comes first, then what a run logged."""


def evaluations_in(path: str, data: bytes) -> Sequence[Evaluation]:
    """All that a file holds. DamagedError for any line that does not fit.

    None of them is left out: it could be the one that a rule would fail on.
    """
    if path == BESIDE:
        try:
            return msgspec.json.decode(data, type=Beside).measured
        except (msgspec.DecodeError, OverflowError) as error:
            raise DamagedError(f"cannot be read: {error}", where=path) from None
    found = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                found.append(_evaluation(json.loads(line)))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                name = type(error).__name__
                where = f"{path}, line {number}"
                raise DamagedError(f"is no evaluation ({name})", where=where) from None
    return found


def _evaluation(row: Any) -> Evaluation:
    """One line: `metric`, `value` (a number, or NaN and infinities as text), and the others."""
    value = row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    plain = {"dataset": "", **row, "value": 0.0}
    known = {key: inner for key, inner in plain.items() if inner is not None}
    return msgspec.structs.replace(msgspec.convert(known, Evaluation), value=float(value))
