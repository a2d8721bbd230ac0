"""Which keyrings are used. The keyrings are simulated; the real ones are those of a desktop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from modeldeck.app.config import keyrings
from modeldeck.app.config.keyrings import ALLOWED, Keyring, allowed
from modeldeck.backends.api.errors import RefusedError, UnreachableError

pytestmark = pytest.mark.simulated
URL = "https://host/x"


def backend(name: str, *bases: type) -> KeyringBackend:
    """A keyring in memory, whose class has this full name."""
    module, _, kind = name.rpartition(".")

    class Memory(*(bases or (KeyringBackend,))):
        priority = 1

        def __init__(self) -> None:
            self.kept: dict[tuple[str, str], str] = {}

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

        def delete_password(self, service, username):
            del self.kept[service, username]

    Memory.__module__, Memory.__qualname__, Memory.__name__ = module, kind, kind
    # Whatever is a subclass is offered by keyring to everybody else in this process.
    KeyringBackend._classes.discard(Memory)
    return Memory()


@pytest.fixture
def chain(monkeypatch):
    def make(*members):
        monkeypatch.setattr(ChainerBackend, "backends", list(members))
        return ChainerBackend()

    return make


SECRET_SERVICE = "keyring.backends.SecretService.Keyring"


@pytest.mark.parametrize("name", ALLOWED)
def test_what_keeps_secrets_is_used(name):
    one = backend(name)
    assert allowed(one) == (one, ALLOWED[name], "")


@pytest.mark.parametrize(
    "name",
    [
        "keyrings.alt.file.PlaintextKeyring",
        "keyrings.alt.file.EncryptedKeyring",
        "keyrings.cryptfile.cryptfile.CryptFileKeyring",
        "keyring_pass.Other",
        "mine.Keyring",
    ],
)
def test_others_are_not(name, chain):
    for one in (backend(name), chain(backend(name))):
        assert allowed(one) == (None, "", f"{name} is not known to keep secrets")


def test_what_descends_from_a_plain_one_is_not_used_whatever_its_name():
    plain = type(backend("keyrings.alt.file.PlaintextKeyring"))
    one = backend(SECRET_SERVICE, plain)
    assert allowed(one)[0] is None


def test_the_first_good_one_of_a_chain_is_used_alone(chain):
    plain, good = backend("keyrings.alt.file.PlaintextKeyring"), backend(SECRET_SERVICE)
    assert allowed(chain(plain, good)) == (good, "Secret Service", "")


def test_where_there_is_none_it_is_said(chain):
    assert allowed(fail.Keyring())[2] == allowed(chain())[2] == "there is none here"
    assert allowed(null.Keyring())[2] == "it is switched off"


@pytest.fixture
def chosen(monkeypatch):
    def make(one):
        monkeypatch.setattr(keyrings, "choose", lambda: allowed(one))
        return Keyring()

    return make


async def test_a_secret_is_kept_and_forgotten(chosen):
    one = backend(SECRET_SERVICE)
    keyring = chosen(one)
    assert await keyring.read("prod", URL) is None
    await keyring.keep("prod", URL, "s3ntinel")
    assert await keyring.read("prod", f"{URL}/") == "s3ntinel"
    assert await keyring.read("dev", URL) is None
    assert await keyring.read("prod", "https://other/x") is None, "it is of this address alone"
    assert "s3ntinel" not in repr(keyring)
    assert await keyring.forget("prod", URL)
    assert not await keyring.forget("prod", URL)
    assert one.kept == {}


async def test_nothing_is_kept_in_what_we_do_not_know(chosen):
    one = backend("keyrings.alt.file.PlaintextKeyring")
    one.kept[f"modeldeck {URL}", "prod"] = "s3ntinel"
    keyring = chosen(one)
    with pytest.raises(RefusedError, match="PlaintextKeyring is not known to keep secrets"):
        await keyring.keep("prod", URL, "new")
    assert await keyring.read("prod", URL) is None, "nor is anything read from there"
    assert not await keyring.forget("prod", URL)


async def test_one_that_hangs_holds_nobody_up(chosen, monkeypatch):
    monkeypatch.setattr(keyrings, "ASKING", 0.05)
    one = backend(SECRET_SERVICE)
    hanging = threading.Event()
    calls = []

    def get_password(*_):
        calls.append(1)
        hanging.wait(20)

    one.get_password = one.set_password = get_password
    keyring = chosen(one)
    try:
        assert await keyring.read("prod", URL) is None
        assert await keyring.choose() == "it did not answer within 0 s"
        assert await keyring.read("prod", URL) is None
        assert len(calls) == 1, "it is not asked again"
        with pytest.raises(RefusedError, match="did not answer"):
            await keyring.keep("prod", URL, "x")
    finally:
        hanging.set()


async def test_one_that_hangs_while_it_is_chosen_too(monkeypatch):
    monkeypatch.setattr(keyrings, "CHOOSING", 0.05)
    hanging = threading.Event()
    monkeypatch.setattr(keyrings, "choose", lambda: hanging.wait(20))
    try:
        assert (await Keyring().choose()).startswith("it did not answer within")
    finally:
        hanging.set()


async def test_one_that_fails_says_no_more_than_its_kind(chosen):
    one = backend(SECRET_SERVICE)

    def set_password(*args):
        raise ValueError(args)

    one.set_password = set_password
    with pytest.raises(UnreachableError, match=r"it failed \(ValueError\)") as caught:
        await chosen(one).keep("prod", URL, "s3ntinel")
    assert "s3ntinel" not in str(caught.value)


async def test_one_that_cannot_be_loaded(monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.Keyring")
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    assert await Keyring().choose() == "it cannot be loaded (ModuleNotFoundError)"


async def test_nobody_waits_for_what_was_cancelled(chosen):
    one = backend(SECRET_SERVICE)
    begun, hanging = threading.Event(), threading.Event()

    def get_password(*_):
        begun.set()
        hanging.wait(20)

    one.get_password = get_password
    keyring = chosen(one)
    asked = asyncio.create_task(keyring.read("prod", URL))
    await asyncio.to_thread(begun.wait, 20)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    hanging.set()
