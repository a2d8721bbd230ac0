"""The statements of a session: opened when somebody first asks for one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.events import Entry, Event
from modeldeck.backends.api.statements import (
    Accepting,
    Signed,
    Signer,
    Statement,
    Statements,
    Sync,
)

from .config.contexts import GIT, Slot, expanded
from .config.key_files import Me
from .config.paths import state_folder
from .config.policy import Policy


class Later:
    """Statements that are made by `make` when they are first needed."""

    def __init__(self, make: Callable[[], Statements]) -> None:
        self._make = make
        self._made: Statements | None = None

    async def heads(self) -> tuple[str, str]:
        """See `Accepting`."""
        return await self._accepting().heads()

    async def accept(self, head: str) -> Sync:
        """See `Accepting`."""
        return await self._accepting().accept(head)

    def _accepting(self) -> Accepting:
        if not isinstance(self.made, Accepting):
            raise RefusedError("these records are shared with nobody", where="records")
        return self.made

    @property
    def made(self) -> Statements:
        """The statements themselves."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def put(self, statement: Statement, signer: Signer, *, send: bool = True) -> Signed:
        return await self.made.put(statement, signer, send=send)

    async def put_all(
        self, statements: Sequence[Statement], signer: Signer, *, send: bool = True
    ) -> Sequence[Signed]:
        return await self.made.put_all(statements, signer, send=send)

    async def put_noted(
        self, statement: Statement, signer: Signer, entry: Callable[[Signed], Entry]
    ) -> Event:
        return await self.made.put_noted(statement, signer, entry)

    async def statements(self, kinds: Sequence[str] = (), subject: str = "") -> Sequence[Signed]:
        return await self.made.statements(kinds, subject)

    async def sync(self, *, older: float = 0.0) -> Sync:
        return await self.made.sync(older=older)

    async def status(self) -> Sync:
        return await self.made.status()

    async def close(self) -> None:
        """Close them if they were opened."""
        if self._made is not None:
            await self._made.close()


def statements_of(
    registry: Any, slot: Slot | None, policy: Policy, clock: Callable[[], datetime]
) -> Later | None:
    """The statements kept in the file of `registry`, shared where `slot` names a repository.

    None where there is no file of ours that could hold them.
    """
    backend = getattr(registry, "records", registry)
    if getattr(backend, "name", "") != "local" or backend.source is not None:
        return None

    def people() -> Any:
        from .config.signing import owners_of

        return owners_of(policy)

    def make() -> Statements:
        if slot is None or slot.type != GIT:
            from modeldeck.backends.statements.here import LocalStatements

            return LocalStatements(backend, people, clock)
        from modeldeck.backends.statements.shared import GitStatements

        return GitStatements(
            backend,
            people,
            clock,
            address=address_of(slot),
            branch=slot.branch,
            clone=clone_of(slot),
            seconds=slot.deadline,
        )

    return Later(make)


def share(registry: Any, statements: Statements | None, who: Me) -> None:
    """Have the trail signed by who acts, and learn from others what they have changed."""
    backend = getattr(registry, "records", registry)
    if getattr(backend, "name", "") == "local":
        backend.signer = who.trail
    if statements is not None and hasattr(registry, "learn_from"):
        registry.learn_from(statements)


def address_of(slot: Slot) -> str:
    """What git is told: the URL, or the folder."""
    return slot.url or str(expanded(slot.path))


def clone_of(slot: Slot) -> Path:
    """Where our bare clone of a shared repository lies."""
    import hashlib

    name = hashlib.sha256(f"{address_of(slot)} {slot.branch}".encode()).hexdigest()[:16]
    return state_folder() / "records" / f"{name}.git"
