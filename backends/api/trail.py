"""What can be shown of the audit trail: that it is whole, and that an event stands in it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from .events import Actor, Event
from .plan import Plan
from .statements import Signer

NAMESPACE = "modeldeck-event"
"""What an event's signature is for."""
Progress = Callable[[int, int], None]
"""Gets how many events of how many are read."""
VerifySignature = Callable[[bytes, str, bytes], str]
"""(signature, namespace, message) -> the fingerprint of its key; ValueError when it is wrong."""


class HostKey(Protocol):
    """The Ed25519 key that this machine signs checkpoints with, as `cryptography` has it."""

    def sign(self, data: bytes) -> bytes: ...
    def public_key(self) -> Any: ...


class Kept(Struct, frozen=True, kw_only=True):
    """A checkpoint: the signed note, how many events it counts, when it was written."""

    size: int
    time: datetime
    text: str


class Record(Struct, frozen=True, kw_only=True):
    """An event with all that proves it.

    `leaf` is its canonical JSON as it is hashed, `payload` what a person wrote or is, None once it
    is erased; `signature` is an armored SSH signature with the fingerprint of its `key`. `covered`
    is the size of the first checkpoint that counts it, None when none does yet.
    """

    event: Event
    leaf: str
    leaf_hash: str
    link: str
    payload: str | None
    salt: str | None
    key: str = ""
    signature: str = ""
    covered: int | None = None


class Mark(Struct, frozen=True, kw_only=True):
    """A checkpoint found at some `place`. `outside`: it does not lie in the registry itself.

    One that is `asked` for by a person has to hold, whoever's key it is. `trouble` says why the
    place could not be read: that alone speaks against nothing.
    """

    place: str
    note: str
    time: datetime | None = None
    outside: bool = False
    asked: bool = False
    trouble: str = ""


class Compared(Struct, frozen=True, kw_only=True):
    """What the trail says of a checkpoint.

    It is `same`; `differs`: other events were there; `gone`: it counts more events than are here;
    `damaged`; `stranger`: no known key has signed it; `other`: of another registry; `unread`: the
    trail is broken before; `away`: its place cannot be read. `key` names the key that signed it,
    where that is known.
    """

    place: str
    state: Literal["same", "differs", "gone", "damaged", "stranger", "other", "unread", "away"]
    words: str
    size: int = 0
    time: datetime | None = None
    key: str = ""
    outside: bool = False
    asked: bool = False

    @property
    def bad(self) -> bool:
        """Whether it speaks against the trail."""
        if self.state in ("differs", "gone", "damaged"):
            return True
        return self.asked and self.state in ("stranger", "other")


class Broken(Struct, frozen=True, kw_only=True):
    """The first event that is not what it was, and what shows it.

    `by` is chain, payload, tree, signature or checkpoint. A checkpoint knows only that it is one of
    `seq` to `last`.
    """

    seq: int
    what: str
    by: str
    last: int | None = None


class People(Struct, frozen=True, kw_only=True):
    """Whose keys and logins are whose. `keys` maps fingerprints, `logins` `user` or `user@host`.

    `revoked` says from when a key counts for nothing. Who is in `must_sign` has to sign everything;
    others everything after the first event that they have signed.
    """

    keys: Mapping[str, str] = {}
    logins: Mapping[str, str] = {}
    revoked: Mapping[str, datetime] = {}
    must_sign: Collection[str] = ()


class TrailCheck(Struct, frozen=True, kw_only=True):
    """What a look at the whole trail found.

    `signed` counts the events with a signature, `checked` says whether these were verified; `by`
    counts them by person. `unsigned` are events of people who sign, without a signature; `never`
    counts those of people with keys before they first signed. `set_back` are the events that are
    earlier than the one before: a clock was set back, the order is that of `seq`.
    """

    origin: str
    size: int
    root: str
    head: str = ""
    erased: int = 0
    signed: int = 0
    checked: bool = True
    by: Mapping[str, int] = {}
    unsigned: Sequence[int] = ()
    never: Mapping[str, int] = {}
    set_back: Sequence[int] = ()
    broken: Broken | None = None
    compared: Sequence[Compared] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return (
            self.broken is None and not self.unsigned and not any(one.bad for one in self.compared)
        )

    @property
    def newest_outside(self) -> Compared | None:
        """The newest checkpoint outside of the registry that agrees."""
        good = [one for one in self.compared if one.outside and one.state == "same"]
        return max(good, key=lambda one: one.size, default=None)


@runtime_checkable
class Auditing(Protocol):
    """A trail that proves itself.

    `signer` signs the events that are written, `host_key` gives the key for checkpoints, and
    `on_checkpoint` is told of each that the program wrote by itself.
    """

    signer: Signer | None
    host_key: Callable[[], HostKey] | None
    on_checkpoint: Callable[[Kept], None] | None

    async def trail_size(self) -> int: ...
    async def record(self, seq: int) -> Record: ...
    async def prove(self, seq: int, kept: Kept | None = None) -> str: ...
    async def checkpoint(self) -> Kept: ...
    async def checkpoints(self) -> Sequence[Kept]: ...
    async def check_trail(
        self,
        *,
        marks: Sequence[Mark] = (),
        keys: Sequence[str] = (),
        people: People = ...,
        verify: VerifySignature | None = None,
        progress: Progress = ...,
    ) -> TrailCheck: ...
    async def records_from(self, first: int, count: int) -> Sequence[Record]: ...
    async def subjects(self, subject: str) -> Sequence[int]: ...
    async def apply(self, plan: Plan, actor: Actor, context: str) -> Sequence[Event]: ...
