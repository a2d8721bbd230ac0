"""The policy in force: who may do what, which gates stand before which alias, what is kept."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Literal

from msgspec import Struct, field

from modeldeck.backends.api.plan import PolicyRef

Role = Literal["viewer", "author", "operator", "approver", "auditor", "admin"]
Direction = Literal["higher", "lower"]


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
    """All of it, and where it was read. Without people everybody may do everything.

    `directions` are those that the same file declares for metrics. `trouble` says why the policy
    could not be read: then nobody knows what stands where, and one gate that nothing passes stands
    before every alias.
    """

    people: Mapping[str, Person] = {}
    gates: Mapping[str, Gate] = {}
    trash: Trash = Trash()
    directions: Mapping[str, Direction] = {}
    source: PolicyRef | None = None
    trouble: str = ""

    def before(self, model: str, alias: str) -> Sequence[tuple[str, Gate]]:
        """The gates that stand before an alias, with their names."""
        found = self.gates.items()
        return [(name, gate) for name, gate in found if gate.stands_before(model, alias)]

    def person_with(self, key: str, day: date) -> str:
        """Whose key that is (a fingerprint), if it counts on that day; empty when nobody's."""
        for name, person in self.people.items():
            if key in person.revoked and person.revoked[key] <= day:
                continue
            if key in fingerprints(person):
                return name
        return ""

    def person_named(self, user: str, host: str = "") -> str:
        """Who logs in as `user` on `host`, any host where that is empty; empty when nobody."""
        for name, person in self.people.items():
            for login in person.logins:
                known, _, at = login.partition("@")
                if known == user and (not at or not host or at == host):
                    return name
        return ""


def fingerprints(person: Person) -> Sequence[str]:
    """Those of somebody's keys; what is no key of a kind that counts has none."""
    from .public_keys import fingerprint

    found = []
    for line in person.keys:
        with contextlib.suppress(ValueError):
            found.append(fingerprint(line))
    return found
