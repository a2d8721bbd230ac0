"""`ticket`: a ticket is named, of the form that it should have, and known elsewhere if asked."""

import asyncio
import importlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from modeldeck.app.recorder.ask import Answer, ask

from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, WAIT, Finding, Problem, Rule

LONGEST = 64
"""Characters of a ticket."""
_PATTERN = 200
_REPEATS = 4
_SECONDS = 10.0
_OUTPUT = 4096
_SHOWN = 200
_FRESH = timedelta(minutes=1)
_PLACE = "{ticket}"
_answers: dict[tuple[str, ...], tuple[datetime, Answer | None]] = {}


class Ticket(Rule, frozen=True, kw_only=True):
    """A ticket is given; `pattern` fits it as a whole, and `check` ends well for it.

    `check` is a program and its arguments, run without a shell in the folder of the project for at
    most 10 s, `{ticket}` replaced; its answer is good for a minute. Numbers: ticket, exit, output.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)
    pattern: str = ""
    check: tuple[str, ...] = ()

    def problems(self) -> Iterator[Problem]:
        if self.pattern and (why := wrong_pattern(self.pattern)):
            yield ("pattern",), f"the pattern {why}", "Write one such as CHG[0-9]{4,8}"
        if self.check and not any(_PLACE in word for word in self.check[1:]):
            said = f"no argument of check is {_PLACE}, so it checks nothing of the ticket"
            yield ("check",), said, f'Write ["program", "{_PLACE}"]'

    async def judge(self, facts: Facts) -> Finding:
        ticket = facts.ticket
        asks = f"ticket {self.pattern}".strip()
        if not ticket:
            return Finding(WAIT, asks, "none is given: --ticket names it")
        numbers: dict[str, Any] = {"ticket": ticket[:LONGEST]}
        if len(ticket) > LONGEST or not ticket.isprintable() or ticket.startswith("-"):
            said = f"is no ticket: up to {LONGEST} characters that are seen, no - first"
            return Finding(FAIL, asks, said, numbers)
        if self.pattern and re.fullmatch(self.pattern, ticket) is None:
            return Finding(FAIL, asks, f"{ticket} does not fit", numbers)
        if not self.check:
            return Finding(PASS, asks, ticket, numbers)
        answer = await self._ask(facts, [word.replace(_PLACE, ticket) for word in self.check])
        if answer is None:
            return Finding(UNKNOWN, asks, f"{self.check[0]} could not be started", numbers)
        output = " ".join(answer.output.decode("utf-8", "replace").split())[:_SHOWN]
        numbers |= {"exit": answer.code, "output": output}
        words = f"{ticket}: {output}" if output else ticket
        if answer.code is None:
            return Finding(UNKNOWN, asks, f"{self.check[0]} did not end in time, {words}", numbers)
        if answer.code:
            return Finding(FAIL, asks, f"{self.check[0]} says no ({answer.code}), {words}", numbers)
        return Finding(PASS, asks, words, numbers)

    async def _ask(self, facts: Facts, argv: Sequence[str]) -> Answer | None:
        session = facts.session
        folder = str(session.project.parent) if session.project else ""
        key, now = (folder, *argv), session.clock()
        known = _answers.get(key)
        if known and timedelta() <= now - known[0] < _FRESH:
            return known[1]
        answer = await asyncio.to_thread(
            ask, argv, cwd=folder or None, limit=_OUTPUT, seconds=_SECONDS
        )
        _answers[key] = (now, answer)
        return answer


def wrong_pattern(pattern: str) -> str:
    """Why a regular expression may not be used; empty when it may.

    It is held against 64 characters at most. One that repeats what itself repeats or chooses could
    take for ever on even so few, as could one with many repeats after each other.
    """
    if len(pattern) > _PATTERN:
        return f"is longer than {_PATTERN} characters"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    # The tree that `re` compiles; it has no public name.
    tree = importlib.import_module("re._parser").parse(pattern)
    open_repeats = _repeats(tree, inside=False)
    if open_repeats is None:
        return "repeats what repeats or chooses itself: it could take for ever"
    if open_repeats > _REPEATS:
        return f"has more than {_REPEATS} open repeats: it could take for ever"
    return ""


def _repeats(tree: Any, *, inside: bool) -> int | None:
    """How many parts of a tree match any number of times; None where one holds another."""
    count = 0
    for operation, argument in tree:
        name = str(operation)
        repeat = name.endswith("REPEAT") and argument[0] != argument[1]
        if inside and (repeat or name == "BRANCH" or name.startswith("GROUPREF")):
            return None
        parts: list[Any] = []
        if name.endswith("REPEAT"):
            count += repeat
            parts = [argument[2]]
        elif name == "BRANCH":
            parts = argument[1]
        elif name == "SUBPATTERN":
            parts = [argument[3]]
        elif name in {"ASSERT", "ASSERT_NOT"}:
            parts = [argument[1]]
        elif name == "ATOMIC_GROUP":
            parts = [argument]
        elif name == "GROUPREF_EXISTS":
            parts = [part for part in argument[1:] if part is not None]
        for part in parts:
            below = _repeats(part, inside=inside or bool(repeat))
            if below is None:
                return None
            count += below
    return count
