"""A Plan: what a change will do, before it does it. Data only, so it can be stored and sent.

`plan` functions of the use cases read and return one; a backend's `apply` checks again that every
`Change.before` still holds (compare and set), then does it and writes its event, all or nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

LIFETIME = timedelta(minutes=15)


class Change(Struct, frozen=True):
    """One difference: `field` of `subject` (an address) goes from `before` to `after`.

    None means that it is not there. `before` is also what the plan expects to find.
    """

    subject: str
    field: str
    before: Any
    after: Any


class Verdict(Struct, frozen=True, kw_only=True):
    """What a gate's rule said: pass, fail, wait or unknown, with its numbers in words."""

    rule: str
    verdict: str
    shows: str = ""


class Inverse(Struct, frozen=True):
    """The operation that takes a change back."""

    operation: str
    arguments: Mapping[str, Any]


class Plan(Struct, frozen=True, kw_only=True):
    """What `operation` with `arguments` will do.

    `effects` says what else it touches or would break; `untouched` what a reader might fear for;
    `command` is the same as a command line; `request` what is sent or written.
    """

    operation: str
    arguments: Mapping[str, Any]
    context: str
    changes: Sequence[Change]
    effects: Sequence[str] = ()
    untouched: Sequence[str] = ()
    gates: Sequence[Verdict] = ()
    command: Sequence[str] = ()
    request: str = ""
    inverse: Inverse | None = None
    created_at: datetime
    lapses_at: datetime
    reason: str = ""
    ticket: str = ""
    undo_of: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the whole plan as JSON, keys in order: the name that events carry."""
        return "sha256:" + hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @property
    def id(self) -> str:
        """The first eight hex digits of the digest, for people."""
        return self.digest[7:15]

    @property
    def empty(self) -> bool:
        """Whether everything is already as it would be afterwards."""
        return all(change.before == change.after for change in self.changes)

    @property
    def refused(self) -> bool:
        """Whether a gate says no."""
        return any(gate.verdict != "pass" for gate in self.gates)
