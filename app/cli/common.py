"""What every command shares: an open session, confirmation of a plan, ids from stdin."""

import asyncio
import functools
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.errors import RefusedError, UnconfirmedError, UsageError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan
from modeldeck.backends.api.text import exact
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
    save: str = "",
    lapses: str = "",
    apply: Apply | None = None,
    typed: str = "",
) -> int:
    """Show the plan, ask, apply it; or `save` it. Gives the exit code.

    `typed` is a word to be typed for what cannot be undone. UnconfirmedError without a terminal,
    RefusedError where a gate says no or a reason is needed.
    """
    from .plans import print_plan

    if save or lapses:
        return await save_instead(session, plan, save, lapses, form if dry_run else "")
    if dry_run:
        print_plan(plan, form, now=session.clock())
        return 1 if plan.refused else 0
    events: Sequence[Event] = ()
    if plan.empty:
        streams.say("nothing to change: it is so already")
    else:
        plan = agree(session, plan, yes=yes, typed=typed)
        events = await (apply or _applied)(session, plan)
        seq = f", event {events[-1].seq}" if events else ""
        streams.say(f"done: {output.counted(len(events), 'change')}{seq}")
    if form != "table":
        output.write_list(events, {}, form)
    return 0


async def _applied(session: Session, plan: Plan) -> Sequence[Event]:
    from modeldeck.app.usecases.plans import apply_plan

    return await apply_plan(session, plan, tell=told)


def told(text: str) -> None:
    """Say what a use case tells."""
    streams.say(f"modeldeck: {text}")


def agree(session: Session, plan: Plan, *, yes: bool, typed: str = "") -> Plan:
    """The plan with its reason, after a person has said yes to it, here or with `yes`.

    RefusedError where a gate says no, or a reason is needed and nobody can be asked for it.
    """
    from modeldeck.app.usecases.gated import check_verdicts
    from modeldeck.app.usecases.plans import reason_needed

    session.check_writable(plan.operation)
    if plan.refused:
        from .plans import print_plan

        print_plan(plan, "table", to_stderr=True, now=session.clock())
        check_verdicts(plan)
    why = reason_needed(session, plan)
    if not yes:
        plan = confirm(plan, session.context if session.protected else typed, why) or plan
    if reason_needed(session, plan):
        raise RefusedError(f"a reason is needed: {why}", way_out="--reason says why")
    return plan


async def save_instead(session: Session, plan: Plan, save: str, lapses: str, form: str) -> int:
    """Save the plan and change nothing; print it too where there is a `form`. The exit code."""
    from modeldeck.app.usecases.saved_plans import LIVES, save_plan, saved_words, span_of

    from .plans import print_plan

    if not save:
        raise UsageError("--lapses is for a plan that is saved", way_out="Give --save FILE too")
    saved = await save_plan(session, plan, save, span_of(lapses) if lapses else LIVES)
    if form:
        print_plan(saved, form, now=session.clock(), to_stderr=save == "-")
    streams.say(saved_words(saved, save))
    return 1 if plan.refused else 0


def confirm(plan: Plan, protected: str = "", why: str = "") -> Plan:
    """Show the plan and ask at the terminal. UnconfirmedError for anything but yes.

    Of a `protected` context its name is asked for, as the console does, and the great count or the
    aliases that the plan is about; and for a reason, if `why` says that one is needed.
    """
    from modeldeck.app.usecases.confirming import to_type

    from .plans import print_plan

    if not streams.is_terminal(sys.stdin):
        raise UnconfirmedError(
            "not confirmed, and there is no terminal to ask at",
            way_out="--yes confirms, --dry-run shows the plan",
        )
    print_plan(plan, "table", to_stderr=True)
    if why:
        reason = exact(answer(f"Reason, since {show(why)}: ").strip())
        plan = msgspec.structs.replace(plan, reason=reason)
    typed = {word: f"Type {show(word)} to " for word in (protected, to_type(plan)) if word}
    if typed:
        sure = all(
            answer(f"{words}do it{' there' if word == protected else ''}: ").strip() == word
            for word, words in typed.items()
        )
    else:
        sure = answer("Do it? [y/N] ").strip().lower() in {"y", "yes"}
    if not sure:
        raise UnconfirmedError("not confirmed; nothing was changed")
    return plan


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
