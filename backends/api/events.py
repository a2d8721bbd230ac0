"""The audit trail's words: who did what to which, why, and from which plan."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from .address import parse_address
from .statements import EVENT, Signed
from .times import rfc3339


class Actor(Struct, frozen=True, kw_only=True):
    """Who acts, as far as a file without a server can know it.

    `user` is the login user; `sudo_user` who stood behind sudo; `session` the terminal or SSH
    connection; `key` the id of a signing key; `on_behalf_of` whom an agent or pipeline acts for.
    """

    user: str
    host: str
    sudo_user: str | None = None
    session: str | None = None
    key: str | None = None
    on_behalf_of: str | None = None


UNKNOWN = Actor(user="unknown", host="unknown")
"""Who did what was only observed."""


class Entry(Struct, frozen=True, kw_only=True):
    """An event before it has its place in the trail.

    `phase` is done; or intent, and then done, failed or unknown with the intent as `caused_by`; or
    started, ended, observed, learned (from a statement of somebody else). `before` and `after` are
    None for what did not exist; of a changed field they hold its name and value, `after` beside it
    `why` it is not simply done, or `between` which two times it was observed. `plan` is the digest
    of the plan. `evidence` is what a change stood on: `as` (promote, rollback, undo), `gates` with
    each rule's verdict and its words, `policy` with commit and digest, ids of `approvals`, the
    ticket that broke the glass; or the `statement` that it was learned from.
    """

    actor: Actor
    tool: str
    context: str
    phase: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""
    ticket: str = ""
    plan: str | None = None
    caused_by: int | None = None
    undo_of: int | None = None
    evidence: Mapping[str, Any] | None = None


class Event(Entry, frozen=True, kw_only=True):
    """One row of the audit trail; `link` is the chain's hash after it."""

    seq: int
    time: datetime
    link: str = ""


ELSEWHERE = ("observed", "learned")
"""The phases of what was not done from here: nobody here has signed for it."""
OUTCOMES = ("done", "failed", "unknown")
"""The phases that an intent ends in."""


def observation(
    subject: str,
    field: str,
    before: Any,
    after: Any,
    between: Sequence[datetime],
    *,
    tool: str,
    context: str,
    caused_by: int | None = None,
) -> Entry:
    """What the trail says of a change that nobody made from here.

    `caused_by` is an own intent for the same, the outcome of which never became known.
    """
    verb = f"change {field}"
    if parse_address(subject).alias is not None:
        verb = "alias.rm" if after is None else "alias.set"
    return Entry(
        actor=UNKNOWN,
        tool=tool,
        context=context,
        phase="observed",
        action=verb,
        subject=subject,
        before={field: before},
        after={field: after, "between": [rfc3339(time) for time in between]},
        caused_by=caused_by,
    )


def learned(signed: Signed, field: str, *, context: str) -> Entry | None:
    """What the trail says of a change of `field` that somebody else has signed for.

    None where the statement is no valid word of another on such a change that was made.
    """
    body, said = signed.statement.body, signed.statement
    before, after, who = body.get("before"), body.get("after"), body.get("actor")
    if not (signed.valid and signed.origin and said.kind == EVENT and isinstance(who, Mapping)):
        return None
    if body.get("phase") != "done" or body.get("subject") != said.subject:
        return None
    if not isinstance(after, Mapping) or field not in after:
        return None
    named = {key: value for key, value in who.items() if isinstance(value, str) and key in _WHO}
    return Entry(
        actor=Actor(**({"user": signed.person, "host": "unknown"} | named), key=signed.key),
        tool=_text(body.get("tool")),
        context=context,
        phase="learned",
        action=_text(body.get("action")),
        subject=said.subject,
        before={field: before.get(field) if isinstance(before, Mapping) else None},
        after={field: after[field]},
        reason=_text(body.get("reason")),
        ticket=_text(body.get("ticket")),
        evidence={
            "statement": signed.id,
            "key": signed.key,
            "person": signed.person,
            "time": rfc3339(said.time),
        },
    )


_WHO = ("user", "host", "sudo_user", "session", "on_behalf_of")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
