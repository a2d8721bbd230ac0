"""Signed words of people and hosts: what travels between those who share records.

A statement says something of a `subject` (an address) that has a `digest`. Signed, it is an in-toto
statement in a DSSE envelope; the SHA-256 of the envelope is its id, so that it can be stored by
that name anywhere, be there twice, and arrive in any order.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

if TYPE_CHECKING:
    from .events import Entry, Event

REQUEST = "request"
APPROVAL = "approval"
REFUSAL = "refusal"
WITHDRAWAL = "withdrawal"
EVENT = "event"
CHECKPOINT = "checkpoint"
ATTESTATION = "attestation"
DRILL = "drill"
KINDS = (REQUEST, APPROVAL, REFUSAL, WITHDRAWAL, EVENT, CHECKPOINT, ATTESTATION, DRILL)


class Statement(Struct, frozen=True, kw_only=True):
    """What is said. `body` is plain JSON with text for numbers that floats cannot hold.

    `digest` is that of the subject's content, empty where it has none. `time` is when the signer
    says that it was said.
    """

    kind: str
    subject: str
    digest: str = ""
    time: datetime
    body: Mapping[str, Any] = {}


class Signed(Struct, frozen=True, kw_only=True):
    """A statement as it was found. Only a `valid` one counts for anything.

    `key` is the fingerprint that it was signed with ("SHA256:..."); `person` is whose key that is
    by the policy in force, empty when nobody's. `why` says why it is not valid. `received_at` is
    when this machine saw it first, and `origin` the shared place that it came from, empty for what
    was signed here. Of what cannot be read, the statement is empty.
    """

    id: str
    statement: Statement
    key: str = ""
    person: str = ""
    valid: bool = False
    why: str = ""
    received_at: datetime | None = None
    origin: str = ""


class Sync(Struct, frozen=True, kw_only=True):
    """How far what is shared has come: what waits to be sent, what came, and what is wrong.

    `at` is when the shared place was last reached, None when never; `trouble` is in words.
    `new` are the ids that came with this one. `shared` is False where nobody else has the place.
    `rewritten` says that what is there is not what was there before: nothing is taken from it until
    a person accepts that. `away` says that it could not be reached when that was last tried.
    """

    place: str
    shared: bool = True
    rewritten: bool = False
    away: bool = False
    at: datetime | None = None
    waiting: int = 0
    new: Sequence[str] = ()
    trouble: str = ""


@runtime_checkable
class Signer(Protocol):
    """A key that signs. `sign` gives an armored SSH signature of `message` in `namespace`.

    It may ask for a touch of a hardware key, so it is called off the event loop. `fingerprint` is
    "SHA256:...", `public` the line of an authorized_keys file.
    """

    fingerprint: str
    public: str

    def sign(self, namespace: str, message: bytes) -> bytes: ...


@runtime_checkable
class Statements(Protocol):
    """Where statements are kept: here alone, or shared through a git repository.

    `put` stores, and sends as soon as that can be done: what cannot be sent now waits, and is not
    lost; with `send` False it waits for the next sync. `put_all` does so for several at once, all
    or none. `put_noted` stores one together with the event that `entry` makes of it, both or none,
    and gives the event. `statements` gives those that are here, oldest first, the invalid ones too.
    `sync` fetches and sends, unless that was tried less than
    `older` seconds ago; it never raises for a shared place that is away, `Sync.trouble` says so.
    `status` says the same as the last sync and asks nobody.
    """

    async def put(self, statement: Statement, signer: Signer, *, send: bool = True) -> Signed: ...
    async def put_all(
        self, statements: Sequence[Statement], signer: Signer, *, send: bool = True
    ) -> Sequence[Signed]: ...
    async def put_noted(
        self, statement: Statement, signer: Signer, entry: "Callable[[Signed], Entry]"
    ) -> "Event": ...
    async def statements(
        self, kinds: Sequence[str] = (), subject: str = ""
    ) -> Sequence[Signed]: ...
    async def sync(self, *, older: float = 0.0) -> Sync: ...
    async def status(self) -> Sync: ...
    async def close(self) -> None: ...


@runtime_checkable
class Accepting(Protocol):
    """Statements of a shared place that can be rewritten by others.

    `heads` are the state that was last taken and the one there now, empty for none;
    UnreachableError when it is away. `accept` takes the state `head` as it is; ConflictError when
    it is another.
    """

    async def heads(self) -> tuple[str, str]: ...
    async def accept(self, head: str) -> Sync: ...
