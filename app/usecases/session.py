"""What a use case works with: an open registry, who acts, what the project declares."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from modeldeck.app.config.policy import Policy
from modeldeck.backends.api.errors import ReadOnlyError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.protocols import Registry
from modeldeck.backends.api.statements import Signer, Statements


def local_now() -> datetime:
    """Now, in the zone of this machine."""
    return datetime.now().astimezone()


def no_signer() -> Signer | None:
    """No key."""
    return None


def is_remote(registry: Registry) -> bool:
    """Whether each question to it costs a request to a server."""
    return hasattr(registry, "exchanges")


class Session(Struct, frozen=True, kw_only=True):
    """One context, opened. `directions` maps metrics to "higher" or "lower" where declared.

    `readonly` holds the reason why this session changes nothing, or is empty. A `protected` context
    is one where every change is looked at twice. `project` is the path
    of the `modeldeck.toml` in force. `folder` is where the registry keeps what it holds, None where
    that is not on this machine. `clock` gives aware times in the zone of the reader.

    `policy` is in force. `statements` are those of the people who share these records, and `signer`
    gives the key that this person signs with, None where there is none; it may ask for a
    passphrase, so it is called only when something is to be signed. `reread` reads the policy
    anew, for a session that outlives it; it blocks.
    """

    context: str
    registry: Registry
    actor: Actor
    directions: Mapping[str, str] = {}
    readonly: str = ""
    protected: bool = False
    project: Path | None = None
    folder: Path | None = None
    clock: Callable[[], datetime] = local_now
    policy: Policy = Policy()
    statements: Statements | None = None
    signer: Callable[[], Signer | None] = no_signer
    reread: Callable[[], Policy] | None = None

    @property
    def remote(self) -> bool:
        """Whether each question costs a request to a server."""
        return is_remote(self.registry)

    def check_writable(self, operation: str, subject: str = "") -> None:
        """Raise ReadOnlyError with the reason when `operation` cannot be done here."""
        reason = self.readonly
        if not reason:
            reason = self.registry.availability(operation, subject).reason
        if reason:
            raise ReadOnlyError(reason, where=subject or self.context)
