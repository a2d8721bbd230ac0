"""What every command shares: an open session, confirmation of a plan, ids from stdin."""

import asyncio
import functools
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.errors import UnconfirmedError, UsageError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan
from modeldeck.widgets.text import show

from . import output, streams
from .wish import without_place

T = TypeVar("T")
Apply = Callable[[Session, Plan], Awaitable[Sequence[Event]]]


def with_session(work: Callable[..., Awaitable[T]]) -> Callable[..., T]:
    """Make `async def command(session, ...)` a click callback that opens and closes the session."""

    @functools.wraps(work)
    def run(wish: Wish, *args: Any, **kwargs: Any) -> T:
        async def inside() -> T:
            session = await open_session(wish, ask=asker())
            try:
                return await work(session, *args, **kwargs)
            finally:
                await session.registry.close()

        return asyncio.run(inside())

    return without_place(run)


def asker() -> Any:
    """What asks for the secret of a server; None where nobody sits at a terminal."""
    if not (streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)):
        return None
    from .asking import ask_secret

    return ask_secret


async def carry_out(
    session: Session,
    plan: Plan,
    *,
    yes: bool,
    dry_run: bool,
    form: str,
    apply: Apply | None = None,
) -> int:
    """Show the plan, ask, apply it. Gives the exit code; UnconfirmedError without a terminal."""
    from modeldeck.app.usecases.plans import apply_plan

    from .plans import print_plan

    if dry_run:
        print_plan(plan, form)
        return 1 if plan.refused else 0
    events: Sequence[Event] = ()
    if plan.empty:
        streams.say("nothing to change: it is so already")
    else:
        session.check_writable(plan.operation)
        if not yes:
            confirm(plan, session.context if session.protected else "")
        events = await (apply or apply_plan)(session, plan)
        seq = f", event {events[-1].seq}" if events else ""
        streams.say(f"done: {output.counted(len(events), 'change')}{seq}")
    if form != "table":
        output.write_list(events, {}, form)
    return 0


def confirm(plan: Plan, protected: str = "") -> None:
    """Show the plan and ask at the terminal. UnconfirmedError for anything but yes.

    Of a `protected` context its name is asked for, as the console does.
    """
    from .plans import print_plan

    if not streams.is_terminal(sys.stdin):
        raise UnconfirmedError(
            "not confirmed, and there is no terminal to ask at",
            way_out="--yes confirms, --dry-run shows the plan",
        )
    print_plan(plan, "table", to_stderr=True)
    if protected:
        sure = answer(f"Type {show(protected)} to do it there: ").strip() == protected
    else:
        sure = answer("Do it? [y/N] ").strip().lower() in {"y", "yes"}
    if not sure:
        raise UnconfirmedError("not confirmed; nothing was changed")


def answer(question: str) -> str:
    """What a person answers at the terminal."""
    import signal

    # The event loop holds ctrl+c back until the next await, and there is none while we ask.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)


def refs_of(words: Sequence[str], ref: Callable[[Any], str]) -> list[str]:
    """The refs among `words`, with `-` replaced by those on stdin: JSON lines, or bare refs.

    `ref` gives the ref of a JSON object; KeyError or TypeError when it has none.
    """
    found: list[str] = []
    for word in words:
        found.extend(_from_stdin(ref) if word == "-" else [word])
    if not words:
        raise UsageError("nothing was named", way_out="Name some, or give - to read ids from stdin")
    return found


def _from_stdin(ref: Callable[[Any], str]) -> list[str]:
    found: list[str] = []
    for number, line in enumerate(sys.stdin, 1):
        text = line.strip()
        if not text:
            continue
        if not text.startswith("{"):
            found.append(text)
            continue
        try:
            item = json.loads(text)
            items = item["items"] if "schema" in item and "items" in item else [item]
            found.extend(ref(one) for one in items)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(
                "is no JSON with an id", where=f"stdin, line {number}", way_out="Give -o jsonl"
            ) from None
    return found


def tags_of(words: Sequence[str]) -> tuple[list[str], dict[str, str | None]]:
    """Words of a command line apart: refs, and KEY=VALUE as tags (KEY= is None: removed)."""
    refs = [word for word in words if "=" not in word]
    pairs = (word.partition("=") for word in words if "=" in word)
    return refs, {key: value or None for key, _, value in pairs}
