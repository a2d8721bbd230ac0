"""Notes, checkpoints and proofs as C2SP writes them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.tlog import merkle, note
from modeldeck.backends.tlog.checkpoint import Checkpoint, read_checkpoint
from modeldeck.backends.tlog.note import Ed25519Signer, NoteError
from modeldeck.backends.tlog.proof import LogProof, proven, read_proof

# The example of c2sp.org/signed-note.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2O"
    "NncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN = "modeldeck/00112233"
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(5)]


def signer(seed=1, name=ORIGIN):
    return Ed25519Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def tree():
    growing, nodes = merkle.Growing(), {}
    for index, leaf in enumerate(LEAVES):
        nodes[0, index] = leaf
        nodes |= {(level, at): value for level, at, value in growing.add(leaf)}
    return growing.root(), lambda level, at: nodes[level, at]


def test_the_example_of_the_specification():
    key = note.parse_vkey(VKEY)
    assert (key.name, key.vkey) == ("example.com/foo", VKEY)
    found = note.parse(EXAMPLE)
    assert found.text == "This is an example message.\n"
    assert note.verified(found, [key]) == [key]
    assert note.verified(found, [signer().key]) == [], "a key that it does not name"
    with pytest.raises(NoteError, match="not signed by example"):
        note.verified(note.parse(EXAMPLE.replace("example m", "examples m")), [key])


def test_what_is_signed_is_verified_by_each_of_its_keys_once():
    one, two = signer(1), signer(2, "witness")
    text = note.sign("a\n\nb\n", [one, two])
    found = note.parse(text)
    assert found.text == "a\n\nb\n", "the last empty line parts them"
    assert note.verified(found, [two.key, one.key]) == [one.key, two.key]
    twice = note.parse(text + text[text.rindex("— ") :])
    assert note.verified(twice, [two.key]) == [two.key]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no note"),
        ("a\n", "no note"),
        ("a\n\n", "no note"),
        ("a\n\nb", "no note"),
        ("a\n\nb\n", "no line of a signature"),
        ("a\n\n— x\n", "no line of a signature"),
        ("a\n\n— x AAAA\n", "no bytes"),
        ("a\n\n— x AAAAAB==\n", "base 64"),
        ("a\n\n— x !!!!\n", "base 64"),
        ("a\n\n— x+y AAAAAAA=\n", "cannot name a key"),
        ("a\tb\n\n— x AAAAAAA=\n", "control"),
        ("\ud800\n\n— x AAAAAAA=\n", "UTF-8"),
        ("a\n\n" + "— x AAAAAAA=\n" * 65, "more than 64"),
        ("a" * (1 << 20) + "\n\n— x AAAAAAA=\n", "million"),
    ],
)
def test_what_is_no_note(text, why):
    with pytest.raises(NoteError, match=why):
        note.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x+00000000+AA==",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("+Ae", "+Be"),
        VKEY.replace("example.com/foo", "exam ple"),
        VKEY[:-4],
    ],
)
def test_what_is_no_key(text):
    with pytest.raises(NoteError):
        note.parse_vkey(text)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
        lambda text: text.isprintable()
    ),
    st.integers(0, 1 << 60),
    st.binary(min_size=32, max_size=32),
)
def test_a_checkpoint_is_read_as_it_was_written(origin, size, root):
    checkpoint = Checkpoint(origin, size, root)
    found, taken = read_checkpoint(checkpoint.signed([signer()]))
    assert found == checkpoint
    assert note.verified(taken, [signer().key]) == [signer().key]


@pytest.mark.parametrize(
    "body",
    ["o\n1\n", "o\n01\nX\n", "o\n-1\nX\n", "o\n1e3\nX\n", "o\n\nX\n", "o\n٣\nX\n", "o\n1\nAAAA\n"],
)
def test_what_is_no_checkpoint(body):
    text = note.sign(body.replace("X", note.encoded(bytes(32))), [signer()])
    with pytest.raises(NoteError):
        read_checkpoint(text)


def test_lines_of_others_stay_in_a_checkpoint():
    checkpoint = Checkpoint("o", 0, merkle.EMPTY, ("more",))
    assert read_checkpoint(checkpoint.signed([signer()]))[0] == checkpoint
    with pytest.raises(NoteError, match="origin"):
        Checkpoint("a\nb", 0, merkle.EMPTY).signed([signer()])


@pytest.mark.parametrize("extra", [b"", b"more"])
def test_a_proof_is_read_as_it_was_written_and_proves(extra):
    root, node = tree()
    signed = Checkpoint(ORIGIN, 5, root).signed([signer()])
    proof = LogProof(4, tuple(merkle.inclusion(4, 5, node)), signed, extra)
    found = read_proof(proof.text)
    assert found == proof
    assert proven(found, LEAVES[4], [signer().key]).size == 5
    with pytest.raises(NoteError, match="do not lead"):
        proven(found, LEAVES[3], [signer().key])
    with pytest.raises(NoteError, match="no known key"):
        proven(found, LEAVES[4], [signer(2).key])
    with pytest.raises(NoteError, match="no known key"):
        proven(found, LEAVES[4], [signer(1, "another").key])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("index 4", "index 04"),
        ("index 4", "place 4"),
        ("\n\n", "\nAAAA\n\n"),
        ("\n\n", "\n"),
    ],
)
def test_what_is_no_proof(old, new):
    root, node = tree()
    signed = Checkpoint(ORIGIN, 5, root).signed([signer()])
    text = LogProof(4, tuple(merkle.inclusion(4, 5, node)), signed).text
    with pytest.raises(NoteError):
        read_proof(text.replace(old, new, -1 if new == "\n" else 1))
