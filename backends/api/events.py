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


class Event(Struct, frozen=True, kw_only=True):
    """One row of the audit trail.

    `phase` is done, intent, outcome, started, ended or observed. `before` and `after` are None
    for what did not exist. `plan` is the digest of the plan; `link` the chain's hash after it.
    """

    seq: int
    time: datetime
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
    link: str = ""
