"""What the options of the place ask for."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from modeldeck.app.workspace import Wish

T = TypeVar("T")
_PLACE = ("registry", "context_name", "readonly", "low_bandwidth")


def wish_of(context: click.Context, path: str = "") -> Wish:
    """What the options of this command and of those above it ask for."""
    found: dict[str, Any] = {}
    step: click.Context | None = context
    while step is not None:
        for name in _PLACE:
            if step.params.get(name):
                found.setdefault(name.removesuffix("_name"), step.params[name])
        step = step.parent
    return Wish(path=path, **found)


def without_place(work: Callable[..., T]) -> Callable[..., T]:
    """Make a click callback of `work(wish, ...)`: the options of the place become the wish."""

    @functools.wraps(work)
    def run(*args: Any, **kwargs: Any) -> T:
        for name in _PLACE:
            kwargs.pop(name, None)
        return work(wish_of(click.get_current_context()), *args, **kwargs)

    return run
