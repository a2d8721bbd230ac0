"""The key to sign with: real keys of OpenSSH, a real agent, keys of our own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from modeldeck.app.config import keyrings, own_keys, signing
from modeldeck.app.config.key_files import (
    HOST,
    SIGNING,
    Signing,
    keys_folder,
    me,
    private_file,
    public_file,
    public_line,
)
from modeldeck.app.config.own_keys import host_key, make_key, remove_key
from modeldeck.app.config.policy import Person, Policy
from modeldeck.app.config.signing import (
    FileSigner,
    OwnSigner,
    ProgramSigner,
    find_signer,
    owners_of,
)
from modeldeck.backends.api.errors import (
    DamagedError,
    ModeldeckError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.statements.sshsig import verify
from tests.config.test_keyrings import SECRET_SERVICE, backend
from tests.statements.signing import Key

MESSAGE = b"promote 13"


@pytest.fixture(autouse=True)
def _config(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELDECK_CONFIG", str(tmp_path / "config" / "config.toml"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """A real ssh-agent of this test."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    process.terminate()
    process.communicate()


def keygen(path, *words, password=""):
    command = ["ssh-keygen", "-q", *(words or ("-t", "ed25519")), "-N", password, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Signing(key=str(path))


def signs(signer):
    return verify(signer.sign("modeldeck", MESSAGE), "modeldeck", MESSAGE)


def shown(fingerprint, path):
    told = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True)
    return fingerprint in told.stdout


@pytest.mark.real
@pytest.mark.parametrize("words", [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256")])
@pytest.mark.parametrize("named", ["id", "id.pub", "id without its .pub"])
def test_a_key_of_openssh_without_a_passphrase(tmp_path, words, named):
    keygen(tmp_path / "id", *words)
    fingerprint = me(Signing(key=str(tmp_path / "id"))).key
    assert shown(fingerprint, tmp_path / "id.pub")
    if "without" in named:
        (tmp_path / "id.pub").unlink()
    signer = find_signer(Signing(key=str(tmp_path / named.split()[0])))
    assert isinstance(signer, FileSigner)
    assert signs(signer).fingerprint == signer.fingerprint == fingerprint


@pytest.mark.real
def test_a_key_with_a_passphrase_signs_through_the_agent(tmp_path, agent):
    named = keygen(tmp_path / "id", password="s3ntinel")
    signer = find_signer(named)
    assert isinstance(signer, ProgramSigner)
    with pytest.raises(RefusedError, match="ssh-add") as caught:
        signer.sign("modeldeck", MESSAGE)
    assert "passphrase" in str(caught.value)
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho s3ntinel\n")
    ask.chmod(0o700)
    env = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(tmp_path / "id")], check=True, env=env)
    assert signs(signer).fingerprint == signer.fingerprint
    (tmp_path / "id").unlink()
    only = find_signer(Signing(key=str(tmp_path / "id.pub")))
    assert signs(only).fingerprint == signer.fingerprint, "the agent alone has it"
    assert me(named).trail is None, "the trail does not wait for an agent"


@pytest.mark.real
def test_one_that_nobody_touches_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    named = keygen(tmp_path / "id", password="x")
    monkeypatch.setattr(signing, "PATIENCE", 0.05)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh-keygen").write_text("#!/bin/sh\nexec sleep 600\n")
    (folder / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    signer = find_signer(named)
    with pytest.raises(RefusedError, match="nobody touched it"):
        signer.sign("modeldeck", MESSAGE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="ssh-keygen is not installed"):
        signer.sign("modeldeck", MESSAGE)


@pytest.mark.real
def test_a_private_key_that_others_may_read_does_not_sign(tmp_path):
    named = keygen(tmp_path / "id")
    (tmp_path / "id").chmod(0o644)
    with pytest.raises(RefusedError, match="chmod 600"):
        find_signer(named).sign("modeldeck", MESSAGE)


@pytest.mark.real
def test_a_key_of_a_kind_that_does_not_count(tmp_path):
    with pytest.raises(UsageError, match="type that does not count"):
        find_signer(keygen(tmp_path / "id", "-t", "rsa"))
    (tmp_path / "id.pub").unlink()
    with pytest.raises(UsageError, match="type that does not count"):
        find_signer(Signing(key=str(tmp_path / "id")))


def test_a_key_that_is_not_there_is_said_when_it_is_to_sign(tmp_path):
    named = Signing(key=str(tmp_path / "none"))
    who = me(named)
    assert (who.key, who.trail) == (None, None)
    with pytest.raises(UsageError, match="there is no such key"):
        who.signer()
    (tmp_path / "none").write_text("-----BEGIN X-----\nabc\n")
    with pytest.raises(UsageError, match="no private key of OpenSSH"):
        who.signer()


def test_without_any_there_is_none():
    who = me(Signing())
    assert (who.key, who.trail, who.signer()) == (None, None, None)


# Keys of our own


@pytest.fixture
def keyring(monkeypatch):
    one = backend(SECRET_SERVICE)
    monkeypatch.setattr(keyrings, "choose", lambda: keyrings.allowed(one))
    return one


@pytest.fixture
def no_keyring(monkeypatch):
    monkeypatch.setattr(keyrings, "choose", lambda: (None, "", "there is none here"))


@pytest.mark.parametrize("p256", [False, True])
async def test_a_key_of_our_own_in_a_file(no_keyring, p256):
    who = me(Signing())
    where = await make_key(p256=p256, in_file=False, comment="ada@jump1")
    assert where == f"{private_file(SIGNING)} (no keyring can be used: there is none here)"
    assert keys_folder().stat().st_mode & 0o777 == 0o700
    for path in (private_file(SIGNING), public_file(SIGNING)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert who.signer() is not None, "whoever has no key yet finds a new one"
    who = me(Signing())
    assert isinstance(who.trail, OwnSigner)
    assert signs(who.signer()).fingerprint == who.key
    assert public_line(SIGNING).endswith(" ada@jump1")
    assert "PRIVATE" not in f"{who.signer()!r} {vars(who.signer())}"
    with pytest.raises(RefusedError, match="there is a key already"):
        await make_key(p256=p256, in_file=True, comment="")
    gone = await remove_key(SIGNING)
    assert gone == [str(private_file(SIGNING)), str(public_file(SIGNING))]
    assert me(Signing()).key is None
    with pytest.raises(NotFoundError):
        await remove_key(SIGNING)


@pytest.mark.simulated
async def test_a_key_of_our_own_in_the_keyring(keyring):
    where = await make_key(p256=False, in_file=False, comment="ada")
    assert where == "the keyring (Secret Service)"
    assert [path.name for path in keys_folder().iterdir()] == ["signing.pub"]
    who = me(Signing())
    assert signs(who.signer()).fingerprint == who.key, "also while an event loop runs"
    assert await remove_key(SIGNING) == ["keyring (Secret Service)", str(public_file(SIGNING))]
    assert keyring.kept == {}


@pytest.mark.simulated
async def test_one_whose_private_half_is_gone_from_the_keyring(keyring):
    await make_key(p256=False, in_file=False, comment="ada")
    keyring.kept.clear()
    with pytest.raises(NotFoundError, match="neither in the keyring nor in a file"):
        me(Signing()).signer().sign("modeldeck", MESSAGE)


@pytest.mark.simulated
async def test_a_key_that_config_toml_names_goes_before(keyring, tmp_path):
    await make_key(p256=False, in_file=True, comment="")
    own = me(Signing()).key
    named = keygen(tmp_path / "id")
    assert me(named).key not in (own, None)


def loose(path):
    path.chmod(0o640)


def linked(path):
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def a_pipe(path):
    path.unlink()
    os.mkfifo(path, 0o600)


def open_folder(path):
    path.parent.chmod(0o777)


def damaged(path):
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\ns3ntinel\n")


BAD = {
    loose: (RefusedError, "may be used by others"),
    linked: (RefusedError, "is a symbolic link"),
    a_pipe: (RefusedError, "is no plain file"),
    open_folder: (RefusedError, "others may put files there"),
    damaged: (DamagedError, "is no private key"),
}


@pytest.mark.parametrize("harm", BAD)
async def test_a_private_key_that_is_not_as_it_must_be(no_keyring, harm):
    await make_key(p256=False, in_file=True, comment="")
    host_key()
    kind, words = BAD[harm]
    for name, use in ((SIGNING, lambda: me(Signing()).signer().sign("x", b"")), (HOST, host_key)):
        harm(private_file(name))
        with pytest.raises(kind, match=words) as caught:
            use()
        assert "s3ntinel" not in f"{caught.value} {caught.value.__cause__!r}"
        keys_folder().chmod(0o700)


def test_a_private_key_of_somebody_else(no_keyring, monkeypatch):
    host_key()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(RefusedError, match="does not belong to you"):
        host_key()


def test_the_key_of_the_machine_is_made_once():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: host_key().public_key().public_bytes_raw(), range(8)))
    assert len(set(made)) == 1
    assert public_line(HOST).startswith("ssh-ed25519 ")
    assert not list(keys_folder().glob(".*")), "nothing half written is left"
    signature = host_key().sign(b"note")
    host_key().public_key().verify(signature, b"note")


@pytest.mark.real
def test_no_key_means_nothing_of_this_is_imported():
    code = (
        "import sys; from modeldeck.app.config.key_files import Signing, me; me(Signing())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {name for name in loaded if name.startswith(("cryptography", "keyring"))}
    assert "modeldeck.app.config.signing" not in loaded
    assert "modeldeck.backends.statements" not in loaded


def test_whose_keys_are_whose_is_said_by_the_policy():
    ada = Key()
    people = {"ada": Person(keys=(ada.public,)), "bob": Person(keys=("no key",))}
    found = owners_of(Policy(people=people))
    assert {key: owner.person for key, owner in found.items()} == {ada.fingerprint: "ada"}


async def test_a_keyring_that_hangs_fails_the_signature_alone(keyring, monkeypatch):
    await make_key(p256=False, in_file=False, comment="")

    def hang(*_):
        raise TimeoutError

    keyring.get_password = hang
    with pytest.raises(ModeldeckError):
        await asyncio.to_thread(me(Signing()).signer().sign, "modeldeck", MESSAGE)
    assert own_keys.public_line(SIGNING)
