"""The audit trail's words: who did what to which, why, and from which plan."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from .address import parse_address
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
    started, ended, observed. `before` and `after` are None for what did not exist; of a changed
    field they hold its name and value, `after` beside it `why` it is not simply done, or `between`
    which two times it was observed. `plan` is the digest of the plan. `evidence` is what a change
    stood on: `as` (promote, rollback, undo), `gates` with each rule's verdict and its words,
    `policy` with commit and digest, ids of `approvals`, the ticket that broke the glass.
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
