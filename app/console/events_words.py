"""What an event changed, in few words."""

from typing import Any

from modeldeck.backends.api.events import Event


def change_words(event: Event) -> str:
    """`version: 11 -> 12`, or what there is now."""
    before, after = event.before, event.after
    if isinstance(before, dict) and isinstance(after, dict) and len(after) == 1:
        (name,) = after
        # An alias has nothing but a version, and content is what a new version is.
        word = "" if name in ("version", "content") else f"{name}: "
        return f"{word}{_value(before.get(name))} -> {_value(after[name])}"
    return _value(after) if after is not None else ""


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return " ".join(
            f"{key}={_value(inner)}" for key, inner in value.items() if inner is not None
        )
    return str(value).partition("\n")[0]
