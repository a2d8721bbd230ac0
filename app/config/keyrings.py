"""The keyring of the desktop or of the system, if it is one that keeps secrets.

What `keyring` chooses may be a plain file, silently, when some other package has brought one: only
backends that we know are used. A keyring that does not answer never holds us up.
"""

from collections.abc import Callable
from typing import Any

from modeldeck.backends.api.errors import RefusedError, UnreachableError

from .threads import in_time

ALLOWED = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet",
    "keyring.backends.libsecret.Keyring": "libsecret",
    "keyring.backends.macOS.Keyring": "macOS",
    "keyring.backends.Windows.WinVaultKeyring": "Windows",
    "keyring_pass.PasswordStoreBackend": "pass",
}
CHOOSING = 5.0
"""Seconds to find a keyring."""
ASKING = 20.0
"""Seconds for it to answer: it may ask the person to unlock it."""


class Keyring:
    """The one to use, chosen when it is first needed; without one, every secret is not there."""

    def __init__(self) -> None:
        self._backend: Any = None
        self._name = ""
        self._reason: str | None = None

    def __repr__(self) -> str:
        return f"<Keyring {self.words}>"

    @property
    def words(self) -> str:
        """What it is, as far as it is known."""
        return f"keyring ({self._name})" if self._name else "keyring"

    async def choose(self) -> str:
        """Why no keyring can be used; empty when one can."""
        if self._reason is not None:
            return self._reason
        try:
            self._backend, self._name, reason = await in_time(choose, CHOOSING)
        except TimeoutError:
            reason = f"it did not answer within {CHOOSING:.0f} s"
        except Exception as error:  # noqa: BLE001 - any module may have been named as a backend
            reason = f"it cannot be loaded ({type(error).__name__})"
        self._reason = reason
        return reason

    async def read(self, context: str, url: str) -> str | None:
        """The secret kept for this context at this address; None when there is none."""
        if await self.choose():
            return None
        try:
            found = await in_time(
                lambda: self._backend.get_password(_service(url), context), ASKING
            )
        except Exception as error:  # noqa: BLE001 - the next place may have it
            self._give_up(error)
            return None
        return found if isinstance(found, str) and found else None

    async def keep(self, context: str, url: str, text: str) -> None:
        """Keep a secret; RefusedError where none can be kept."""
        if reason := await self.choose():
            raise RefusedError(f"no keyring can be used: {reason}")
        await self._do(lambda: self._backend.set_password(_service(url), context, text))

    async def forget(self, context: str, url: str) -> bool:
        """Remove a secret; whether there was one."""
        if await self.choose():
            return False
        if await self.read(context, url) is None:
            return False
        await self._do(lambda: self._backend.delete_password(_service(url), context))
        return True

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await in_time(work, ASKING)
        except Exception as error:  # noqa: BLE001 - each keyring has its own
            self._give_up(error)
            raise UnreachableError(f"the keyring: {self._reason}") from None

    def _give_up(self, error: Exception) -> None:
        slow = isinstance(error, TimeoutError)
        name = type(error).__name__
        self._reason = f"it did not answer within {ASKING:.0f} s" if slow else f"it failed ({name})"


def _service(url: str) -> str:
    # With the address: a secret is never sent to where a context points later.
    return f"modeldeck {url.rstrip('/')}"


def choose() -> tuple[Any, str, str]:
    """The backend to use, its name, and the reason where there is none. May be slow."""
    import keyring

    return allowed(keyring.get_keyring())


def allowed(backend: Any) -> tuple[Any, str, str]:
    """The first of the chain that we know to keep secrets."""
    names = []
    for one in _chain(backend):
        name = f"{type(one).__module__}.{type(one).__qualname__}"
        if name in ALLOWED and not _is_plain(type(one)):
            return one, ALLOWED[name], ""
        names.append(name)
    if names in ([], ["keyring.backends.fail.Keyring"]):
        return None, "", "there is none here"
    if names == ["keyring.backends.null.Keyring"]:
        return None, "", "it is switched off"
    return None, "", f"{', '.join(names)} is not known to keep secrets"


def _chain(backend: Any) -> list[Any]:
    from keyring.backends.chainer import ChainerBackend

    return list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]


def _is_plain(kind: type) -> bool:
    return any("plaintext" in base.__qualname__.lower() for base in kind.__mro__)
