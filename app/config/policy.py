"""The policy in force: who may do what, which gates stand before which alias, what is kept."""

from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Literal

from msgspec import Struct, field

from modeldeck.backends.api.plan import PolicyRef

Role = Literal["viewer", "author", "operator", "approver", "auditor", "admin"]


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody. `keys` are lines of public SSH keys; `logins` are `user` or `user@host`.

    `revoked` maps fingerprints to the day from which the key counts for nothing.
    """

    keys: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    logins: tuple[str, ...] = ()
    revoked: Mapping[str, date] = {}


class Gate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that stand before aliases. `targets` (`for` in the file) are `MODEL@ALIAS` patterns.

    Rules are checked against their kind where they are read; a kind that nobody knows is kept, and
    is `unknown` when it is asked.
    """

    targets: tuple[str, ...] = field(name="for", default=())
    rules: tuple[Mapping[str, Any], ...] = ()

    def stands_before(self, model: str, alias: str) -> bool:
        """Whether moving this alias must meet it."""
        return any(fnmatchcase(f"{model}@{alias}", pattern) for pattern in self.targets)


class Trash(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what was deleted can be restored, in days."""

    retention_days: int = 30


class Policy(Struct, frozen=True, kw_only=True):
    """All of it, and where it was read. Without people everybody may do everything."""

    people: Mapping[str, Person] = {}
    gates: Mapping[str, Gate] = {}
    trash: Trash = Trash()
    source: PolicyRef | None = None

    def before(self, model: str, alias: str) -> Sequence[tuple[str, Gate]]:
        """The gates that stand before an alias, with their names."""
        found = self.gates.items()
        return [(name, gate) for name, gate in found if gate.stands_before(model, alias)]
