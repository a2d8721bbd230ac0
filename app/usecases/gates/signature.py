"""`signature`: who calls the version that has the alias can call the candidate as well."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, Finding, Rule

_PARTS = ("inputs", "outputs", "params")


class Signature(Rule, frozen=True, kw_only=True):
    """Inputs and outputs fit those of the holder.

    The candidate may take fewer inputs and give more outputs. It may not want an input that is not
    sent now, drop an output that is read now, or change a type. Numbers: differences.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)

    async def judge(self, facts: Facts) -> Finding:
        mine = facts.candidate.version.signature
        if facts.holder is None:
            asks = "signature"
            if not mine:
                return Finding(UNKNOWN, asks, f"{facts.candidate.name} has none")
            return Finding(PASS, asks, f"nothing is {facts.alias} yet, so nothing to fit")
        asks = f"signature fits {facts.holder.name}"
        theirs = facts.holder.version.signature
        for side, told in ((facts.candidate, mine), (facts.holder, theirs)):
            if not told:
                return Finding(UNKNOWN, asks, f"{side.name} has no signature")
        assert mine
        assert theirs
        wrong, counts = [], []
        for part in _PARTS:
            new, old = _fields(mine.get(part)), _fields(theirs.get(part))
            if new is None or old is None:
                if _plain(mine.get(part)) != _plain(theirs.get(part)):
                    return Finding(UNKNOWN, asks, f"{part} differ in a form that is not known")
                continue
            wrong += _differences(part, new, old)
            if new or old:
                noun = part.removesuffix("s") if len(new) == 1 else part
                before = "" if new == old else f" for {len(old)}"
                counts.append(f"{len(new)} {noun}{before}")
        same = "" if any(" for " in count for count in counts) else "same "
        words = ", ".join(wrong) or same + ", ".join(counts)
        return Finding(FAIL if wrong else PASS, asks, words, {"differences": wrong})


def _differences(part: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    one = part.removesuffix("s")
    wrong = [
        f"{one} {key} was {_type(old[key])}, is {_type(new[key])}"
        for key in new
        if key in old and _type(new[key]) != _type(old[key])
    ]
    if part == "outputs":
        return wrong + [f"output {key} is gone" for key in old if key not in new]
    if part == "params":
        return wrong
    added = [key for key in new if key not in old and new[key].get("required", True)]
    return wrong + [f"input {key} is new" for key in added]


def _fields(value: Any) -> Mapping[str, Mapping[str, Any]] | None:
    """The named fields of a part; an unnamed one goes by its place. None for an unknown form."""
    value = _plain(value)
    if value is None:
        return {}
    if isinstance(value, dict):
        value = [
            {"name": key, **(told if isinstance(told, dict) else {"type": told})}
            for key, told in value.items()
        ]
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return None
    return {str(one.get("name", f"#{place}")): one for place, one in enumerate(value)}


def _plain(value: Any) -> Any:
    """JSON that came as text, as what it says."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _type(field: Mapping[str, Any]) -> str:
    """Everything of a field but its name and whether it is needed, as text to compare and show."""
    rest = {key: value for key, value in field.items() if key not in ("name", "required")}
    if rest.keys() == {"type"} and isinstance(rest["type"], str):
        return rest["type"]
    return json.dumps(rest, sort_keys=True, default=str)
