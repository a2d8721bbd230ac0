"""Verifies an exported audit trail with nothing but Python 3.10: `python3 -I -S verify.py`.

    verify.py [--key VKEY] [--checkpoint FILE]...

It reads the folder that it lies in, says what it found, and ends with 0 when everything holds, 1
when something is broken (with the first event that is), 2 when it cannot be used like that.

events.jsonl    one event a line, in order, from 1:
    seq         its number
    leaf        the text that stays for ever: canonical JSON (RFC 8785), hashed as UTF-8
    payload     what a person wrote or is, as JSON text; null once it was erased
    salt        32 bytes in hex; null once the payload was erased
    link        SHA-256(link of the event before || SHA-256(0x00 || leaf)) in hex; before the first
                event stand 32 zero bytes
    key         the fingerprint of the key that signed the leaf, or null
    signature   an armored SSH signature (PROTOCOL.sshsig) of the leaf in the namespace
                "modeldeck-event", or null
  The leaf says seq, time, phase, action, the key of the actor, and SHA-256(salt || payload) as
  payload_commit. It says subject, session, before and after as SHA-256(salt || their JSON), which
  nobody can guess once the salt is gone.
checkpoint      the signed tree head (c2sp.org/tlog-checkpoint): origin, number of events, root of
                the Merkle tree of RFC 6962 over the leaves, and an Ed25519 note signature
key             the verifier key (c2sp.org/signed-note) that goes with it
proofs/N.tlog-proof
                proofs (c2sp.org/tlog-proof) that event N is in that tree; its index is N - 1

A key that lies beside what it signed proves little: give the one that you were told with --key. A
checkpoint that was written down elsewhere, at another time, proves most: give it with --checkpoint.
SSH signatures of other kinds than ssh-ed25519 are counted and not verified here; `ssh-keygen -Y
verify` does.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

# Ed25519, RFC 8032, section 5.1, in extended coordinates.
_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


class WrongError(Exception):
    """Something does not hold, and why."""


def _add(a: _Point, b: _Point) -> _Point:
    p, q = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    r, s = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = q - p, s - r, s + r, q + p
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point) -> _Point:
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point, number = _add(point, point), number >> 1
    return found


def _point(raw: bytes) -> _Point:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        raise WrongError("a key or signature is no point of the curve")
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        raise WrongError("a key or signature is no point of the curve")
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the key has signed the message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= _Q:
        return False
    try:
        key, r = _point(public), _point(signature[:32])
    except WrongError:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left, right = (
        _times(s, _BASE),
        _add(r, _times(int.from_bytes(digest, "little") % _Q, key)),
    )
    return not (
        (left[0] * right[2] - right[0] * left[2]) % _P
        or (left[1] * right[2] - right[1] * left[2]) % _P
    )


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class Tree:
    """The Merkle tree of RFC 6962 as it grows; only its peaks are kept."""

    def __init__(self) -> None:
        self.size, self.peaks = 0, list[tuple[int, bytes]]()

    def add(self, found: bytes) -> None:
        """Add a leaf by its hash."""
        level = 0
        while self.peaks and self.peaks[-1][0] == level:
            found, level = _sha(b"\1" + self.peaks.pop()[1] + found), level + 1
        self.peaks.append((level, found))
        self.size += 1

    def root(self) -> bytes:
        """Its root now."""
        if not self.peaks:
            return _sha(b"")
        found = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            found = _sha(b"\1" + peak + found)
        return found


def climbed(index: int, size: int, found: bytes, path: "list[bytes]") -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    last = size - 1
    for step in path:
        if not last:
            raise WrongError("the proof is too long")
        if index & 1 or index == last:
            found = _sha(b"\1" + step + found)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = _sha(b"\1" + found + step)
        index, last = index >> 1, last >> 1
    if last:
        raise WrongError("the proof is too short")
    return found


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise WrongError("is no base 64") from None


def read_checkpoint(note: str, keys: "list[str]") -> "tuple[str, int, bytes, bool]":
    """Origin, size, root, and whether one of `keys` has signed; WrongError for a false one."""
    text, gap, below = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not lines[1].isdigit():
        raise WrongError("is no checkpoint")
    known, signed = {}, False
    for key in keys:
        name, _, rest = key.strip().partition("+")
        short, _, public = rest.partition("+")
        known[name, short] = _unbase64(public)
    for line in below.splitlines():
        words = line.split(" ")
        if len(words) != 3 or words[0] != "—":
            raise WrongError("has a line that is no signature")
        raw = _unbase64(words[2])
        material = known.get((words[1], raw[:4].hex()))
        if material is None:
            continue
        if material[:1] != b"\1" or not ed25519(material[1:], raw[4:], (text + "\n").encode()):
            raise WrongError("is not signed by the key that it names")
        signed = True
    return lines[0], int(lines[1]), _unbase64(lines[2]), signed


def _strings(data: bytes, count: int) -> "list[bytes]":
    found = []
    for _ in range(count):
        end = 4 + int.from_bytes(data[:4], "big")
        if len(data) < end:
            raise WrongError("is cut off")
        found.append(data[4:end])
        data = data[end:]
    return found


def ssh_signed(armored: str, message: bytes) -> "tuple[str, bool]":
    """The fingerprint of the key of an SSH signature, and whether it could be verified here."""
    body = "".join(armored.strip().split("\n")[1:-1])
    raw = _unbase64(body)
    if raw[:10] != b"SSHSIG\0\0\0\1":
        raise WrongError("is no SSH signature")
    key, space, reserved, algorithm, inner = _strings(raw[10:], 5)
    if space != b"modeldeck-event" or algorithm not in (b"sha256", b"sha512"):
        raise WrongError("is a signature of something else")
    fingerprint = "SHA256:" + base64.b64encode(_sha(key)).decode().rstrip("=")
    kind = _strings(key, 1)[0]
    if kind != b"ssh-ed25519":
        return fingerprint, False
    digest = hashlib.new(algorithm.decode(), message).digest()
    parts = (space, reserved, algorithm, digest)
    signed = b"SSHSIG" + b"".join(len(one).to_bytes(4, "big") + one for one in parts)
    said = _strings(inner, 2)
    if said[0] != kind or not ed25519(_strings(key, 2)[1], said[1], signed):
        raise WrongError(f"is not signed by {fingerprint}, as it says")
    return fingerprint, True


class Event:
    """One line of events.jsonl, held against the link before it."""

    def __init__(self, line: str, expected: int, link: bytes) -> None:
        try:
            row = json.loads(line)
            self.leaf = row["leaf"].encode("utf-8", "surrogateescape")
            seq, stored = row["seq"], bytes.fromhex(row["link"])
            payload, salt = row["payload"], row["salt"]
            key, signature = row.get("key"), row.get("signature")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WrongError("is a line that nobody can read") from None
        if seq != expected:
            raise WrongError(f"is not there: its line holds event {seq}")
        self.hash = _sha(b"\0" + self.leaf)
        self.link = _sha(link + self.hash)
        if self.link != stored:
            raise WrongError("is not what was written: its link does not follow")
        try:
            says = json.loads(self.leaf)
            commit, self.time, actor_key = says["payload_commit"], says["time"], says["actor_key"]
            if says["seq"] != seq:
                raise WrongError(f"has the leaf of event {says['seq']}")
        except (ValueError, KeyError, TypeError):
            raise WrongError("has a leaf that nobody can read") from None
        self.erased = payload is None and salt is None
        if not self.erased:
            try:
                whole = bytes.fromhex(salt) + payload.encode()
            except (ValueError, TypeError, AttributeError):
                raise WrongError("has half of its payload") from None
            if _sha(whole).hex() != commit:
                raise WrongError("has another payload than it was written with")
        self.signed, self.verified = signature is not None, True
        if signature is None:
            if actor_key:
                raise WrongError(f"says that {actor_key} signed it, and its signature is gone")
        else:
            found, self.verified = ssh_signed(str(signature), self.leaf)
            if not found == key == actor_key:
                raise WrongError(f"is signed by {found}, and says that {actor_key or 'nobody'} did")


class Trail:
    """All events, read once; `wanted` are the sizes of the tree whose roots are remembered."""

    def __init__(self, path: Path, wanted: "set[int]", proven: "set[int]") -> None:
        self.tree, self.roots, self.hashes = Tree(), dict[int, bytes](), dict[int, bytes]()
        self.erased = self.signed = self.unverified = self.set_back = 0
        link, last = bytes(32), ""
        self._remember(wanted)
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                try:
                    event = Event(line, number, link)
                except WrongError as wrong:
                    raise WrongError(f"event {number} {wrong}") from None
                self.tree.add(event.hash)
                if number in proven:
                    self.hashes[number] = event.hash
                self._remember(wanted)
                self.erased += event.erased
                self.signed += event.signed
                self.unverified += not event.verified
                self.set_back += event.time[:19] < last
                link, last = event.link, event.time[:19]

    def _remember(self, wanted: "set[int]") -> None:
        if self.tree.size in wanted:
            self.roots[self.tree.size] = self.tree.root()


def verify(folder: Path, keys: "list[str]", checkpoints: "list[Path]") -> "list[str]":
    """What was found, in lines; WrongError with the first thing that does not hold."""
    said, given = [], bool(keys)
    if not given and (folder / "key").exists():
        keys = [(folder / "key").read_text(encoding="utf-8")]
        said.append("note: the key is taken from beside the trail; --key gives one you were told")
    marks = []
    for path in [folder / "checkpoint", *checkpoints]:
        try:
            marks.append((path.name, *read_checkpoint(path.read_text(encoding="utf-8"), keys)))
        except (WrongError, OSError, UnicodeDecodeError) as wrong:
            raise WrongError(f"{path.name} {wrong}") from None
    proofs = {}
    for path in sorted((folder / "proofs").glob("*.tlog-proof")):
        above, _, note = path.read_text(encoding="utf-8").partition("\n\n")
        head, index, *rest = [*above.split("\n"), "", ""][:2] + above.split("\n")[2:]
        if head != "c2sp.org/tlog-proof@v1" or not index[6:].isdigit():
            raise WrongError(f"{path.name} is no proof")
        proofs[path.name] = int(index[6:]), [_unbase64(one) for one in rest], note
    seqs = {one[0] + 1 for one in proofs.values()}
    trail = Trail(folder / "events.jsonl", {mark[2] for mark in marks}, seqs)
    count = trail.tree.size
    for name, origin, size, root, signed in marks:
        if origin != marks[0][1]:
            raise WrongError(f"{name} is of {origin}, the trail of {marks[0][1]}")
        if keys and not signed:
            raise WrongError(f"{name} is signed by no key that is known here")
        if size > count:
            raise WrongError(
                f"event {count + 1} is gone, with those after it: {name} counts {size}"
            )
        if trail.roots[size] != root:
            raise WrongError(f"an event of the first {size} is another than {name} counts")
        word = "signed" if signed else "its signature is not verified: no key is known"
        said.append(f"ok: {name} counts {size} events, and they are these ({word})")
    for name, (place, steps, note) in proofs.items():
        _, size, root, signed = read_checkpoint(note, keys)
        if place + 1 not in trail.hashes or not place < size:
            raise WrongError(f"{name} is of an event that is not there")
        try:
            proven = climbed(place, size, trail.hashes[place + 1], steps) == root
        except WrongError as wrong:
            raise WrongError(f"{name}: {wrong}; it does not prove anything") from None
        if not proven or (keys and not signed):
            raise WrongError(f"{name} does not prove that event {place + 1} was there")
    said.append(f"ok: {count} events, {trail.erased} of them erased, {len(proofs)} proofs")
    words = f", {trail.unverified} of them of kinds that are not verified here"
    said.append(f"ok: {trail.signed} signatures{words if trail.unverified else ''}")
    if trail.set_back:
        said.append(f"note: a clock was set back {trail.set_back} times; the order is that of seq")
    if count > marks[0][2]:
        said.append(f"note: no checkpoint counts the last {count - marks[0][2]} events")
    return said


def main(words: "list[str]") -> int:
    """Give the exit code."""
    keys, checkpoints = [], []
    if len(words) % 2 or any(word not in ("--key", "--checkpoint") for word in words[::2]):
        sys.stderr.write(__doc__ or "")
        return 2
    for name, value in zip(words[::2], words[1::2], strict=True):
        if name == "--key":
            keys.append(value)
        else:
            checkpoints.append(Path(value))
    try:
        found = verify(Path(__file__).resolve().parent, keys, checkpoints)
    except WrongError as wrong:
        sys.stdout.write(f"BROKEN: {wrong}\n")
        return 1
    except (OSError, UnicodeDecodeError) as error:
        sys.stdout.write(f"BROKEN: it cannot be read: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
