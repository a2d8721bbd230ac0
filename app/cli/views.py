"""`--view NAME` of lists: what was kept in the console, or written in `config.toml`."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from modeldeck.app.usecases.session import Session

T = TypeVar("T")


def view_option(noun: str) -> Callable[[Callable[..., Awaitable[T]]], Callable[..., Awaitable[T]]]:
    """Make `--view` set what a list of `noun` is not told otherwise: its filter and its order.

    A filter beside it holds too. Runs get the view's `columns` as well.
    """

    def decorate(work: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        @functools.wraps(work)
        async def run(session: Session, *args: Any, view: str, **kwargs: Any) -> T:
            columns: tuple[str, ...] = ()
            if view:
                from modeldeck.app.config.settings import read_settings
                from modeldeck.app.console.memory import Memory
                from modeldeck.app.console.views import view_named

                found = view_named(read_settings(), Memory(session.registry.place), view, noun)
                # Groups of what it shows have an order of their own.
                kwargs["sort"] = kwargs["sort"] or ("" if kwargs.get("by") else found.sort)
                both = [text for text in (found.where, kwargs["where"]) if text.strip()]
                kwargs["where"] = (
                    " and ".join(f"({text})" for text in both) if both[1:] else ("".join(both))
                )
                columns = found.columns
            if noun == "runs":
                kwargs["chosen"] = columns
            return await work(session, *args, **kwargs)

        return click.option("--view", default="", metavar="NAME", help="As a saved view shows it.")(
            run
        )

    return decorate
