"""A Plan: what a change will do, before it does it. Data only, so it can be stored and sent.

`plan` functions of the use cases read and return one; a backend's `apply` checks again that every
`Change.before` still holds (compare and set), then does it and writes its event, all or nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from .errors import ConflictError, RefusedError
from .events import Actor, Entry
from .times import rfc3339

LIFETIME = timedelta(minutes=15)
OPERATIONS = (
    "alias.set",
    "alias.rm",
    "experiment.tag",
    "run.tag",
    "run.note",
    "run.rm",
    "run.restore",
    "run.purge",
    "version.tag",
    "version.card",
    "version.lock",
    "version.unlock",
    "version.rm",
    "version.restore",
    "version.purge",
    "version.register",
    "model.tag",
    "model.rm",
    "model.restore",
    "model.purge",
    "copy.runs",
    "copy.model",
    "rollback.drill",
    "approval.ask",
    "approval.approve",
    "approval.refuse",
    "approval.withdraw",
    "audit.erase",
)
"""All that a plan for a context may do; a backend's `availability` is asked by these names."""
RECORDED = ("approval.", "audit.", "rollback.drill")
"""How operations begin of which nothing goes to a server: they add to the records beside it."""


class Change(Struct, frozen=True):
    """One difference: `field` of `subject` (an address) goes from `before` to `after`.

    None means that it is not there. `before` is also what the plan expects to find.
    """

    subject: str
    field: str
    before: Any
    after: Any


class Verdict(Struct, frozen=True, kw_only=True):
    """What a gate's rule said: pass, fail, wait, unknown or waived, with its numbers in words.

    `numbers` are the same for machines; text where a float would not be exact. A rule is waived
    where the glass was broken for it.
    """

    rule: str
    verdict: str
    shows: str = ""
    kind: str = ""
    gate: str = ""
    numbers: Mapping[str, Any] = {}

    @property
    def holds(self) -> bool:
        """Whether it lets the change through."""
        return self.verdict in ("pass", "waived")


class PolicyRef(Struct, frozen=True, kw_only=True):
    """Which policy a plan was checked against.

    `place` is the file, `ref` and `commit` where in git it was read, empty for the file as it lies
    there; `digest` is over its bytes. `notes` say what a reader must know of it, such as edits
    that do not count.
    """

    place: str = ""
    ref: str = ""
    commit: str = ""
    digest: str = ""
    notes: Sequence[str] = ()


class Inverse(Struct, frozen=True):
    """The operation that takes a change back."""

    operation: str
    arguments: Mapping[str, Any]


class Plan(Struct, frozen=True, kw_only=True, dict=True):
    """What `operation` with `arguments` will do.

    `effects` says what else it touches or would break; `untouched` what a reader might fear for;
    `command` is the same as a command line; `request` what is sent or written; `caveats` what the
    backend cannot keep anybody from doing past this plan. `policy` is what `gates` come from;
    `evidence` is what its events say it stood on. `way_back` says how it is taken back, and whether
    that would work now. `agreed` is the digest of the plan that a person said yes to, where its
    gates were checked again since.
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
    caveats: Sequence[str] = ()
    policy: PolicyRef | None = None
    evidence: Mapping[str, Any] | None = None
    inverse: Inverse | None = None
    way_back: Sequence[str] = ()
    agreed: str = ""
    created_at: datetime
    lapses_at: datetime
    reason: str = ""
    ticket: str = ""
    undo_of: int | None = None

    @cached_property
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
        return not all(gate.holds for gate in self.gates)

    def check(self, now: datetime) -> None:
        """Raise RefusedError when it may not be applied any more, or at all."""
        if now > self.lapses_at:
            raise RefusedError(
                f"the plan lapsed at {rfc3339(self.lapses_at)}", way_out="Make it again"
            )
        if self.refused:
            raise RefusedError("a gate of the plan says no", way_out="The plan shows which")

    def entry(
        self,
        change: Change,
        phase: str,
        *,
        actor: Actor,
        tool: str,
        context: str,
        caused_by: int | None = None,
    ) -> Entry:
        """What the audit trail says of one of its changes."""
        return Entry(
            actor=actor,
            tool=tool,
            context=context,
            phase=phase,
            action=self.operation,
            subject=change.subject,
            before={change.field: change.before},
            after={change.field: change.after},
            reason=self.reason,
            ticket=self.ticket,
            plan=self.agreed or self.digest,
            caused_by=caused_by,
            undo_of=self.undo_of,
            evidence=self.evidence,
        )


def moved_on(change: Change, found: Any) -> ConflictError:
    """The error that says: `change` expects something else than what is there now."""
    return ConflictError(
        f"{change.field or 'it'} is {_words(found)} now, the plan expects {_words(change.before)}",
        where=change.subject,
        way_out="Look at what changed, then plan again",
    )


def _words(value: Any) -> str:
    return "not there" if value is None else repr(value)
