"""SSH signatures: ours believed by ssh-keygen, its own by us, and nothing else by us."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.statements import sshsig
from modeldeck.backends.statements.keys import (
    SK_ED25519,
    SK_P256,
    owners,
    read_blob,
    read_line,
)
from modeldeck.backends.statements.wire import MalformedError, Reader, mpint, number, string

from .signing import Key

MESSAGE = b"promote 13\n"
SPACE = "modeldeck"
KINDS = ["ed25519", "p256"]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def keygen_verify(folder, line, signature, message=MESSAGE, namespace=SPACE):
    (folder / "allowed").write_text(f"ada {line}\n")
    (folder / "sig").write_bytes(signature)
    words = ["-Y", "verify", "-f", "allowed", "-I", "ada", "-n", namespace, "-s", "sig"]
    return subprocess.run(["ssh-keygen", *words], cwd=folder, input=message, capture_output=True)


def keygen(folder, *words):
    done = subprocess.run(["ssh-keygen", *words], cwd=folder, input=MESSAGE, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_ssh_keygen_believes_what_we_sign(tmp_path, kind):
    key = Key(kind)
    signature = key.sign(SPACE, MESSAGE)
    assert keygen_verify(tmp_path, key.public, signature).returncode == 0
    assert keygen_verify(tmp_path, key.public, signature, b"promote 14\n").returncode
    assert keygen_verify(tmp_path, Key(kind).public, signature).returncode


@pytest.mark.real
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
@pytest.mark.parametrize("hashed", ["sha256", "sha512"])
def test_we_believe_what_ssh_keygen_signs(tmp_path, kind, hashed):
    keygen(tmp_path, "-q", "-t", kind, "-N", "", "-C", "ada@host", "-f", "key")
    signature = keygen(tmp_path, "-Y", "sign", "-n", SPACE, "-O", f"hashalg={hashed}", "-f", "key")
    public = read_line((tmp_path / "key.pub").read_text())
    found = sshsig.verify(signature, SPACE, MESSAGE)
    assert found.fingerprint == public.fingerprint
    assert public.fingerprint in keygen(tmp_path, "-l", "-f", "key.pub").decode()
    assert public.comment == "ada@host"
    for wrong in ((SPACE, b"promote 14\n"), ("modeldeck-event", MESSAGE)):
        with pytest.raises(MalformedError):
            sshsig.verify(signature, *wrong)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["rsa", "ecdsa384"])
def test_other_kinds_of_keys_are_refused_with_the_way_out(tmp_path, kind):
    more = ["-t", "ecdsa", "-b", "384"] if kind == "ecdsa384" else ["-t", kind]
    keygen(tmp_path, "-q", *more, "-N", "", "-f", "key")
    signature = keygen(tmp_path, "-Y", "sign", "-n", SPACE, "-f", "key")
    with pytest.raises(MalformedError, match="not taken: use Ed25519 or P-256"):
        sshsig.verify(signature, SPACE, MESSAGE)
    with pytest.raises(MalformedError, match="not taken"):
        read_line((tmp_path / "key.pub").read_text())


def test_nor_are_they_signed_with():
    with pytest.raises(MalformedError, match="not taken"):
        sshsig.public_of(rsa.generate_private_key(65537, 2048))
    with pytest.raises(MalformedError, match="wrong length"):
        sshsig.public_of(ec.generate_private_key(ec.SECP384R1()))


class Hardware:
    """A key on a token, as OpenSSH speaks to it; simulated."""

    def __init__(self, kind: str, application: bytes = b"ssh:") -> None:
        self.inner = Key(kind)
        self.application = application
        plain = read_line(self.inner.public)
        self.kind = (SK_ED25519 if kind == "ed25519" else SK_P256).encode()
        curve = b"" if kind == "ed25519" else string(b"nistp256")
        self.blob = string(self.kind) + curve + string(plain.point) + string(application)

    def sign(self, *, flags: int = 1, counter: int = 7, application: bytes = b"") -> bytes:
        inner = sshsig._signed(SPACE.encode(), "sha512", MESSAGE)
        where = hashlib.sha256(application or self.application).digest()
        after = bytes([flags]) + number(counter)
        data = where + after + hashlib.sha256(inner).digest()
        if self.kind == SK_ED25519.encode():
            raw = self.inner.private.sign(data)
        else:
            pair = decode_dss_signature(self.inner.private.sign(data, ec.ECDSA(SHA256())))
            raw = b"".join(map(mpint, pair))
        return envelope(self.blob, string(self.kind) + string(raw) + after)


def envelope(
    blob, signature, *, namespace=SPACE, hashed=b"sha512", version=1, reserved=b"", more=b""
):
    parts = (blob, namespace.encode(), reserved, hashed, signature)
    return sshsig.armored(b"SSHSIG" + number(version) + b"".join(map(string, parts)) + more)


@pytest.mark.simulated
@pytest.mark.parametrize("kind", KINDS)
def test_a_hardware_key_must_have_been_touched(tmp_path, kind):
    token = Hardware(kind)
    signature = token.sign()
    key = sshsig.verify(signature, SPACE, MESSAGE)
    assert (key.hardware, key.blob) == (True, token.blob)
    assert keygen_verify(tmp_path, key.line, signature).returncode == 0, "OpenSSH agrees"
    assert sshsig.verify(token.sign(flags=5), SPACE, MESSAGE) == key, "with its PIN too"
    with pytest.raises(MalformedError, match="nobody touched"):
        sshsig.verify(token.sign(flags=4), SPACE, MESSAGE)
    with pytest.raises(MalformedError, match="not one of these words"):
        sshsig.verify(token.sign(application=b"ssh:other"), SPACE, MESSAGE)
    raw = sshsig.unarmored(signature)
    for place in (len(raw) - 1, len(raw) - 5):
        changed = raw[:place] + bytes([raw[place] ^ 2]) + raw[place + 1 :]
        with pytest.raises(MalformedError):
            sshsig.verify(sshsig.armored(changed), SPACE, MESSAGE)


def parts(key):
    reader = Reader(sshsig.unarmored(key.sign(SPACE, MESSAGE)))
    reader.take(6)
    reader.number()
    blob = reader.string()
    for _ in range(3):
        reader.string()
    return blob, reader.string()


WRONG = {
    "another version": ({"version": 2}, "version"),
    "what is not signed": ({"reserved": b"x"}, "more than is signed"),
    "another hash": ({"hashed": b"sha1"}, "hash that is not taken"),
    "bytes that follow": ({"more": b"\0"}, "something follows"),
    "another namespace": ({"namespace": "git"}, "another purpose"),
}


@pytest.mark.parametrize("about", WRONG)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_odd_is_refused(kind, about):
    blob, signature = parts(Key(kind))
    assert sshsig.verify(envelope(blob, signature), SPACE, MESSAGE)
    fields, words = WRONG[about]
    with pytest.raises(MalformedError, match=words):
        sshsig.verify(envelope(blob, signature, **fields), SPACE, MESSAGE)


def test_a_signature_has_one_way_to_be_written():
    blob, signature = parts(Key("p256"))
    inner = Reader(signature)
    kind, pair = inner.string(), Reader(inner.string())
    r, s = pair.mpint(), pair.mpint()

    def odd(*numbers: bytes, after: bytes = b"") -> bytes:
        return envelope(blob, string(kind) + string(b"".join(numbers)) + after)

    assert sshsig.verify(odd(mpint(r), mpint(s)), SPACE, MESSAGE)
    padded = string(b"\0\0" + r.to_bytes(32, "big"))
    for wrong in (
        odd(padded, mpint(s)),
        odd(string(b""), mpint(s)),
        odd(mpint(r), mpint(s), b"\0"),
        odd(mpint(r)),
        odd(mpint(r), mpint(s), after=b"\0"),
        odd(mpint(r + ORDER), mpint(s)),
        odd(mpint(1 << 4000), mpint(s)),
    ):
        with pytest.raises(MalformedError):
            sshsig.verify(wrong, SPACE, MESSAGE)


def test_a_signature_of_another_kind_than_its_key():
    one, other = parts(Key("ed25519")), parts(Key("p256"))
    with pytest.raises(MalformedError, match="of another kind"):
        sshsig.verify(envelope(one[0], other[1]), SPACE, MESSAGE)


def test_a_point_that_is_on_no_curve():
    blob, signature = parts(Key("p256"))
    off = blob[:-1] + bytes([blob[-1] ^ 1])
    with pytest.raises(MalformedError, match="no point of the curve"):
        sshsig.verify(envelope(off, signature), SPACE, MESSAGE)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"BEGIN SSH", b"BEGIN PGP"),
        lambda text: text[:-20],
        lambda text: b"x" + text,
        lambda text: text + b"x",
        lambda text: text + b"\n",
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"U1NI", b"U1N*"),
        lambda text: text.replace(b"U1NI", b"U1N I"),
        lambda text: text * 2,
        lambda text: sshsig.BEGIN + sshsig.END,
        lambda text: sshsig.BEGIN + b"\n" + sshsig.END,
        lambda text: sshsig.BEGIN + b"QUJD\n" * 2000 + sshsig.END,
        lambda _: b"",
    ],
)
def test_armor_that_is_none(change):
    with pytest.raises(MalformedError):
        sshsig.verify(change(Key().sign(SPACE, MESSAGE)), SPACE, MESSAGE)


KEY = Key()
SIGNATURE = sshsig.unarmored(KEY.sign(SPACE, MESSAGE))


@given(st.integers(0, len(SIGNATURE) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(place, change):
    changed = bytearray(SIGNATURE)
    changed[place] ^= change
    with pytest.raises(MalformedError):
        sshsig.verify(sshsig.armored(bytes(changed)), SPACE, MESSAGE)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_nothing_else_is_raised(data):
    for blob in (data, b"SSHSIG" + number(1) + data, SIGNATURE[: len(data)]):
        with pytest.raises(MalformedError):
            sshsig.verify(sshsig.armored(blob), SPACE, MESSAGE)
    with pytest.raises(MalformedError):
        read_blob(data)


@given(st.text(max_size=200))
def test_any_line_is_a_key_or_is_refused(text):
    with pytest.raises(MalformedError):
        read_line(text)


@given(st.integers(1, 1 << 300))
def test_numbers_come_back(value):
    reader = Reader(mpint(value))
    assert reader.mpint() == value
    reader.end()


def test_a_key_of_two_persons_counts_for_neither():
    key = Key()
    found = owners({"ada": ([key.public, "no key", ""], {}), "bob": ([key.public], {})})
    assert [(one.person, one.revoked) for one in found.values()] == [("", None)]
