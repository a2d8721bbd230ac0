"""Whether who calls one version can call another: what their signatures say.

Fewer inputs, optional inputs and more outputs are fine. An input that must be there and was not
needed before, an output that is gone, and a type that is another are not.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

_PARTS = ("inputs", "outputs", "params")
_NO_TYPE = frozenset({"name", "required", "optional", "default"})


class Fit(Struct, frozen=True):
    """What was found, `shows` in words: what does not fit is `wrong`; else `unknown` says why."""

    wrong: Sequence[str]
    unknown: str
    shows: str


def fit(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Fit:
    """Compare the signature that is wanted with the one that callers know."""
    wrong: list[str] = []
    counts: list[str] = []
    unknown = ""
    for part in _PARTS:
        new, old = _fields(wanted.get(part)), _fields(live.get(part))
        if new is None or old is None:
            if _plain(wanted.get(part)) != _plain(live.get(part)):
                unknown = unknown or f"{part} differ in a form that is not known"
            continue
        wrong += _differences(part, new, old)
        if new or old:
            noun = part.removesuffix("s") if len(new) == 1 else part
            before = "" if new == old else f" for {len(old)}"
            counts.append(f"{len(new)} {noun}{before}")
    same = "" if any(" for " in count for count in counts) else "same "
    shows = ", ".join(wrong) or unknown or same + ", ".join(counts)
    return Fit(wrong, "" if wrong else unknown, shows)


def _differences(
    part: str, new: Mapping[str, Mapping[str, Any]], old: Mapping[str, Mapping[str, Any]]
) -> list[str]:
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
    needed = [key for key in new if _is_needed(new[key])]
    return [
        *wrong,
        *(f"input {key} is new" for key in needed if key not in old),
        *(
            f"input {key} may not be left out any more"
            for key in needed
            if key in old and not _is_needed(old[key])
        ),
    ]


def _is_needed(field: Mapping[str, Any]) -> bool:
    """MLflow says `required`, and older ones `optional`."""
    return field.get("required") is not False and not field.get("optional")


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
    found = {str(one.get("name") or f"#{place}"): one for place, one in enumerate(value)}
    # Of two with one name neither can be told from the other.
    return found if len(found) == len(value) else None


def _plain(value: Any) -> Any:
    """JSON that came as text, as what it says."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _type(field: Mapping[str, Any]) -> str:
    """All of a field that callers must keep to but its name, as text to compare and show."""
    rest = {key: value for key, value in field.items() if key not in _NO_TYPE}
    if rest.keys() == {"type"} and isinstance(rest["type"], str):
        return rest["type"]
    return json.dumps(rest, sort_keys=True, default=str)
