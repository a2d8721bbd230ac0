"""Requests to a server, as the log of them shows. Nothing in them is secret."""

from datetime import datetime

from msgspec import Struct


class Exchange(Struct, frozen=True, kw_only=True):
    """One try of a request: when it began, what was asked, how it ended.

    `url` has neither user nor password; values of parameters that could be secrets are masked.
    `status` is None without an answer, `received` counts bytes as they came, `outcome` is `ok` or
    what went wrong in few words.
    """

    at: datetime
    method: str
    url: str
    status: int | None
    seconds: float
    received: int
    attempt: int = 1
    outcome: str = "ok"
