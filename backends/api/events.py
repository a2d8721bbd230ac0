"""The audit trail's words: who did what to which, why, and from which plan."""

from datetime import datetime
from typing import Any

from msgspec import Struct


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
    started, ended, observed. `before` and `after` are None for what did not exist. `plan` is the
    digest of the plan.
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


class Event(Entry, frozen=True, kw_only=True):
    """One row of the audit trail; `link` is the chain's hash after it."""

    seq: int
    time: datetime
    link: str = ""
