"""The stand-alone verifier: its own Ed25519, what it needs, and what it says of a bad export."""

from __future__ import annotations

import ast
import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldeck.app.usecases.audit_export import export_trail
from modeldeck.app.usecases.session import Session
from modeldeck.backends.local.trail import erase
from modeldeck.backends.tlog import verifier
from modeldeck.backends.tlog.note import Ed25519Signer
from tests.local.records import ME
from tests.local.trails import ADA, HOST, backend_at, happen, private

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]
EVENTS = 6


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(public, message, signature):
    key, text, signed = map(bytes.fromhex, (public, message, signature))
    assert verifier.ed25519(key, signed, text)
    assert not verifier.ed25519(key, signed, text + b"x")
    assert not verifier.ed25519(key, signed[:-1], text)
    assert not verifier.ed25519(b"\xff" * 32, signed, text)
    s = int.from_bytes(signed[32:], "little") + verifier._Q
    assert not verifier.ed25519(key, signed[:32] + s.to_bytes(32, "little"), text), "malleable"


@settings(max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.data())
def test_it_agrees_with_cryptography(seed, message, data):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert verifier.ed25519(public, signature, message)
    place = data.draw(st.integers(0, 511))
    wrong = bytearray(signature)
    wrong[place // 8] ^= 1 << place % 8
    assert not verifier.ed25519(public, bytes(wrong), message)


def test_it_imports_nothing_but_the_standard_library():
    tree = ast.parse(Path(verifier.__file__).read_text())
    names = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names == {"base64", "hashlib", "json", "sys", "pathlib"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What `audit export` writes: an event without signature, five with, one erased."""
    folder = tmp_path_factory.mktemp("export")

    async def make():
        backend = backend_at(folder)
        await happen(backend, 1)
        backend.signer = ADA
        await happen(backend, EVENTS - 1, 1)
        await backend.registry.write(lambda c: erase(c, 2))
        session = Session(context="here", registry=backend, actor=ME)
        made = await export_trail(session, folder / "out", lambda *_: None, proofs=[1, 4, 4])
        assert (made.events, made.proofs) == (EVENTS, 2)
        await backend.close()

    asyncio.run(make())
    return folder / "out"


@pytest.fixture
def out(exported, tmp_path):
    return Path(shutil.copytree(exported, tmp_path / "out"))


def run(folder, *words):
    argv = [sys.executable, "-I", "-S", folder / "verify.py", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def vkey(folder, key=HOST):
    return Ed25519Signer((folder / "checkpoint").read_text().split("\n")[0], key).key.vkey


def test_a_whole_export_holds(out):
    assert sorted(p.name for p in out.iterdir()) == [
        "checkpoint", "events.jsonl", "proofs", "verify.py",
    ]  # fmt: skip
    said = run(out, "--key", vkey(out), "--checkpoint", out / "checkpoint")
    assert (said.returncode, said.stderr) == (0, "")
    assert f"ok: checkpoint counts {EVENTS} events, and they are these (signed)" in said.stdout
    assert f"ok: {EVENTS} events, 1 of them erased, 2 proofs" in said.stdout
    assert f"ok: {EVENTS - 1} signatures\n" in said.stdout
    assert "not verified: no key is known" in run(out).stdout
    (out / "key").write_text(vkey(out) + "\n")
    assert "the key is taken from beside the trail" in run(out).stdout


@pytest.mark.parametrize("words", [["--help"], ["--key"], ["--other", "x"]])
def test_how_it_is_used(out, words):
    said = run(out, *words)
    assert (said.returncode, said.stdout) == (2, "")
    assert "events.jsonl" in said.stderr


def rows(folder):
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def put(folder, found):
    text = "".join(json.dumps(row) + "\n" for row in found)
    (folder / "events.jsonl").write_text(text)


@pytest.mark.parametrize("seq", range(1, EVENTS + 1))
@pytest.mark.parametrize("field", ["leaf", "payload", "salt", "link", "signature"])
def test_a_changed_field_is_found_in_its_event(out, seq, field):
    found = rows(out)
    value = found[seq - 1][field]
    if value is None:
        wrong = "00" * 32 if field != "signature" else found[-1]["signature"]
    else:
        place = len(value) // 2
        wrong = f"{value[:place]}{'0' if value[place] != '0' else '1'}{value[place + 1 :]}"
    found[seq - 1][field] = wrong
    put(out, found)
    said = run(out, "--key", vkey(out))
    assert said.returncode == 1
    assert f"BROKEN: event {seq} " in said.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f[:3] + f[4:], "event 4 is not there"),
        (lambda f: f[:4], "event 5 is gone"),
        (lambda f: [f[0], f[2], f[1], *f[3:]], "event 2 is not there"),
        (lambda f: [*f[:2], "x", *f[3:]], "event 3 is a line that nobody can read"),
        (lambda f: [*f[:2], {**f[2], "signature": None}, *f[3:]], "event 3 says that SHA256"),
        (lambda f: [*f[:2], {**f[2], "key": "SHA256:x"}, *f[3:]], "event 3 is signed by SHA256"),
        (lambda f: [], "event 1 is gone"),
    ],
)
def test_rows_that_are_not_right(out, change, words):
    put(out, change(rows(out)))
    said = run(out, "--key", vkey(out))
    assert (said.returncode, words in said.stdout) == (1, True), said.stdout


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("checkpoint", lambda t: t.replace("\n6\n", "\n5\n"), "not signed by the key"),
        ("checkpoint", lambda t: t.replace("modeldeck/", "modeldock/", 1), "no key that is known"),
        ("checkpoint", lambda _: "nothing", "no checkpoint"),
        ("proofs/4.tlog-proof", lambda t: t.replace("index 3", "index 2"), "does not prove"),
        ("proofs/4.tlog-proof", lambda t: t.replace("index 3", "index 5"), "does not prove"),
        ("proofs/4.tlog-proof", lambda t: t.replace("@v1", "@v2"), "is no proof"),
    ],
)
def test_papers_that_are_not_right(out, name, change, words):
    path = out / name
    path.write_text(change(path.read_text()))
    said = run(out, "--key", vkey(out))
    assert said.returncode == 1
    assert words in said.stdout


def test_another_key_and_another_checkpoint(out, tmp_path):
    assert "no key that is known" in run(out, "--key", vkey(out, private(7))).stdout

    async def other():
        backend = backend_at(tmp_path / "other")
        await happen(backend, 3)
        kept = await backend.checkpoint()
        await backend.close()
        return kept.text

    (tmp_path / "theirs").write_text(asyncio.run(other()))
    said = run(out, "--checkpoint", tmp_path / "theirs")
    assert said.returncode == 1
    assert "theirs is of modeldeck/" in said.stdout
    assert "No such file" in run(out, "--checkpoint", tmp_path / "none").stdout


def test_signatures_of_other_kinds_are_counted(tmp_path):
    from cryptography.hazmat.primitives.asymmetric import ec

    from modeldeck.backends.statements import sshsig

    class Curve:
        def __init__(self):
            self._private = ec.generate_private_key(ec.SECP256R1())
            found = sshsig.public_of(self._private)
            self.fingerprint, self.public = found.fingerprint, found.line

        def sign(self, namespace, message):
            return sshsig.sign(self._private, namespace, message)

    async def make():
        backend = backend_at(tmp_path, signer=Curve())
        await happen(backend, 2)
        session = Session(context="here", registry=backend, actor=ME)
        await export_trail(session, tmp_path / "out", lambda *_: None)
        await backend.close()

    asyncio.run(make())
    said = run(tmp_path / "out")
    assert said.returncode == 0
    assert "2 signatures, 2 of them of kinds that are not verified here" in said.stdout
