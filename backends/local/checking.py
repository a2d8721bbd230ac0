"""The whole trail read once: chain, payloads, tree, signatures, and the checkpoints of others."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from ..api.errors import ModeldeckError
from ..api.events import ELSEWHERE, Actor
from ..api.trail import (
    NAMESPACE,
    Broken,
    Mark,
    People,
    Progress,
    TrailCheck,
    VerifySignature,
)
from ..tlog.merkle import Growing
from . import checkpoints, tree
from .comparing import Comparing
from .database import Connection

START = bytes(32)
_STEP = 5000
_NAMED = 100
"""As many events that are odd are named; the rest are counted by nobody."""
_ROWS = (
    "SELECT a.seq, a.leaf, a.link, p.id, p.salt, p.body, s.key, s.signature FROM audit a"
    " LEFT JOIN audit_payload p ON p.id = a.payload_id"
    " LEFT JOIN audit_signature s ON s.seq = a.seq"
)
Row = tuple[int, bytes, bytes, int | None, bytes | None, str | None, str | None, bytes | None]


class Leaf(msgspec.Struct, gc=False):
    """What of a leaf is looked at. `time` is RFC 3339 in UTC."""

    seq: int
    time: str
    payload_commit: str
    phase: str = ""
    actor_key: str = ""


class _Said(msgspec.Struct):
    actor: Actor


_LEAF = msgspec.json.Decoder(Leaf)
_SAID = msgspec.json.Decoder(_Said)


def nothing(done: int, of: int) -> None:
    """Tell nobody how far it is."""


def first_broken(connection: Connection, first: int, before: bytes) -> Broken | None:
    """The first event from `first` on whose leaf, payload or link does not hold."""
    rows = connection.execute(f"{_ROWS} WHERE a.seq >= ? ORDER BY a.seq", (first,))
    walk = _Walk(first, before)
    for row in rows:
        walk.step(row)
        if walk.broken is not None:
            return walk.broken
    return None


class _Walk:
    """The chain and the payloads, row by row."""

    def __init__(self, first: int = 1, before: bytes = START) -> None:
        self.expected = first
        self.link = before
        self.erased = 0
        self.hash = b""
        self.broken: Broken | None = None

    def step(self, row: Row) -> Leaf | None:
        """Look at the next row; gives its leaf, None where it is `broken`."""
        seq, leaf, stored, payload, salt, body = row[:6]
        if seq != self.expected:
            where = min(seq, self.expected)
            what = "is missing" if seq > self.expected else "has a number that no event has"
            return self._stop(where, what, "chain")
        # A million rows come by: what is called for each is written out.
        self.hash = hashed = sha256(b"\0" + leaf).digest()
        self.link = link = sha256(self.link + hashed).digest()
        if link != stored:
            return self._stop(seq, "is not what was written: its link does not follow", "chain")
        try:
            found = _LEAF.decode(leaf)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._stop(seq, "has a leaf that nobody can read", "chain")
        if found.seq != seq:
            return self._stop(seq, f"has the leaf of event {found.seq}", "chain")
        if payload is None:
            return self._stop(seq, "has lost its payload", "payload")
        if salt is None or body is None:
            if (salt is None) != (body is None):
                return self._stop(seq, "has half of its payload", "payload")
            self.erased += 1
        elif sha256(salt + body.encode()).hexdigest() != found.payload_commit:
            return self._stop(seq, "has another payload than it was written with", "payload")
        self.expected += 1
        return found

    def _stop(self, seq: int, what: str, by: str) -> Leaf | None:
        self.broken = Broken(seq=seq, what=what, by=by)
        return None


class _Nodes:
    """The stored nodes, each level in order beside the leaves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[int, Iterator[tuple[int, bytes]]] = {}
        self._ahead: dict[int, tuple[int, bytes] | None] = {}

    def agrees(self, level: int, index: int, found: bytes) -> bool:
        """Whether the stored node is `found`; one that is not stored says nothing."""
        if level not in self._rows:
            sql = "SELECT idx, hash FROM audit_node WHERE level = ? ORDER BY idx"
            self._rows[level] = iter(self._connection.execute(sql, (level,)))
            self._ahead[level] = next(self._rows[level], None)
        ahead = self._ahead[level]
        if ahead is None or ahead[0] > index:
            return True
        self._ahead[level] = next(self._rows[level], None)
        return ahead == (index, found)

    def beyond(self, size: int) -> bool:
        """Whether there are nodes, or signatures, of events after `size`."""
        row = self._connection.execute(
            "SELECT 1 FROM audit_node WHERE (idx + 1) << level > ?1 UNION ALL"
            " SELECT 1 FROM audit_signature WHERE seq > ?1 LIMIT 1",
            (size,),
        ).fetchone()
        return row is not None


class _Signatures:
    """Who has signed, and who has not though he does."""

    def __init__(self, people: People, verify: VerifySignature | None) -> None:
        self._people = people
        self._verify = verify
        self._having = {name for key, name in people.keys.items()}
        self._begun: set[str] = set(people.must_sign)
        self.signed = 0
        self.by: dict[str, int] = {}
        self.unsigned: list[int] = []
        self.never: dict[str, int] = {}

    def step(self, row: Row, leaf: Leaf) -> str:
        """Look at the next event; gives what is wrong with its signature, or nothing."""
        body, key, signature = row[5], row[6], row[7]
        if signature is None:
            if leaf.actor_key:
                return f"says that {leaf.actor_key} signed it, and its signature is gone"
            self._missing(row[0], leaf, body)
            return ""
        self.signed += 1
        if self._verify is None:
            return ""
        try:
            found = self._verify(signature, NAMESPACE, row[1])
        except (ValueError, ModeldeckError):
            return f"is not signed by {key}, as it says"
        if found != key or found != leaf.actor_key:
            return f"is signed by {found}, and says that {leaf.actor_key or 'nobody'} did"
        revoked = self._people.revoked.get(found)
        if revoked is not None and datetime.fromisoformat(leaf.time) >= revoked:
            return f"is signed by {found}, which was revoked before"
        person, login = self._people.keys.get(found, ""), self._person(body)
        if person and login and person != login:
            return f"is signed by {person}, and says that {login} did it"
        self._begun.add(person)
        self.by[person] = self.by.get(person, 0) + 1
        return ""

    def _missing(self, seq: int, leaf: Leaf, body: str | None) -> None:
        if not self._people.logins or leaf.phase in ELSEWHERE:
            return
        person = self._person(body)
        if person in self._begun and person:
            if len(self.unsigned) < _NAMED:
                self.unsigned.append(seq)
        elif person in self._having:
            self.never[person] = self.never.get(person, 0) + 1

    def _person(self, body: str | None) -> str:
        if body is None or not self._people.logins:
            return ""
        try:
            actor = _SAID.decode(body).actor
        except msgspec.MsgspecError:
            return ""
        logins, user = self._people.logins, actor.sudo_user or actor.user
        return logins.get(f"{user}@{actor.host}", "") or logins.get(user, "")


def _earlier(time: str, last: str) -> bool:
    """Whether a time is before another: of one second, text without decimals looks later."""
    try:
        return datetime.fromisoformat(time) < datetime.fromisoformat(last)
    except (ValueError, TypeError):
        return False


def check(
    connection: Connection,
    *,
    marks: Sequence[Mark] = (),
    keys: Sequence[str] = (),
    people: People | None = None,
    verify: VerifySignature | None = None,
    progress: Progress = nothing,
) -> TrailCheck:
    """Read all of the trail, up to the first event that is broken.

    `marks` are checkpoints from elsewhere, beside those that the registry keeps itself; `keys` are
    the vkeys that are trusted to sign them, none when none is known.
    """
    origin = checkpoints.origin_of(checkpoints.registry_uid(connection))
    own = [
        Mark(place="the registry", note=one.text, time=one.time)
        for one in checkpoints.all_kept(connection)
    ]
    comparing = Comparing(origin, [*own, *marks], keys)
    walk, growing, nodes = _Walk(), Growing(), _Nodes(connection)
    signatures = _Signatures(people or People(), verify)
    of, set_back, last = tree.size(connection), list[int](), ""
    comparing.at(growing)
    for row in connection.execute(f"{_ROWS} ORDER BY a.seq"):
        leaf = walk.step(row)
        if leaf is None:
            break
        seq = row[0]
        signed = row[7] is not None or leaf.actor_key or people is not None
        if signed and (wrong := signatures.step(row, leaf)):
            walk.broken = Broken(seq=seq, what=wrong, by="signature")
            break
        for level, index, found in growing.add(walk.hash):
            if level >= tree.LOWEST and not nodes.agrees(level, index, found):
                first = (index << level) + 1
                what = "are not those that the tree was made of"
                walk.broken = Broken(seq=first, what=what, by="tree", last=seq)
                break
        if walk.broken is not None:
            break
        if growing.size in comparing.sizes:
            comparing.at(growing)
        if leaf.time < last and _earlier(leaf.time, last) and len(set_back) < _NAMED:
            set_back.append(seq)
        last = leaf.time
        if seq % _STEP == 0:
            progress(seq, of)
    broken = walk.broken
    if broken is None and nodes.beyond(growing.size):
        what = "is gone, with those after it: there are nodes or signatures of them"
        broken = Broken(seq=growing.size + 1, what=what, by="tree")
    progress(growing.size, of)
    compared, against = comparing.compared(growing.size, whole=walk.broken is None)
    return TrailCheck(
        origin=origin,
        size=growing.size,
        root=growing.root().hex(),
        head=walk.link.hex() if walk.broken is None else "",
        erased=walk.erased,
        signed=signatures.signed,
        checked=verify is not None or not signatures.signed,
        by=signatures.by,
        unsigned=signatures.unsigned,
        never=signatures.never,
        set_back=set_back,
        broken=broken or against,
        compared=compared,
    )
