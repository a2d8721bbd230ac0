"""Who we are to a server: where the secret is found, and nowhere else kept."""

import asyncio
import base64
import os
import stat
from collections.abc import Awaitable, Callable, Sequence

from modeldeck.backends.api.errors import DeniedError, RefusedError, UsageError

from .commands import first_line
from .contexts import Slot, expanded
from .keyrings import Keyring
from .redaction import hold

PATIENCE = 30.0
"""Seconds that a credential command has."""
_LARGEST = 1 << 16


class Secret:
    """A token, or with a `user` a password. It shows itself to nobody."""

    __slots__ = ("_word", "user")

    def __init__(self, word: str, user: str = "") -> None:
        if not word:
            raise UsageError("the secret that was found is empty")
        if not user and not (word.isascii() and word.isprintable() and " " not in word):
            raise UsageError("the token that was found holds what cannot be sent")
        if ":" in user:
            raise UsageError("a user name cannot hold a colon")
        self._word = word
        self.user = user
        hold(word)
        if user:
            hold(self.header.removeprefix("Basic "))

    @property
    def header(self) -> str:
        """The value of `Authorization`."""
        if not self.user:
            return f"Bearer {self._word}"
        return f"Basic {base64.b64encode(f'{self.user}:{self._word}'.encode()).decode()}"

    @property
    def text(self) -> str:
        """As it is written where secrets are kept; `read_secret` reads it."""
        return f"{self.user}:{self._word}" if self.user else self._word

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (other.user, other.text) == (self.user, self.text)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"<Secret {'password' if self.user else 'token'}>"


Ask = Callable[[str, Slot], Awaitable[Secret | None]]
"""Asks the person for the secret of a context; None when nobody is there, or nothing was said."""


def read_secret(text: str, slot: Slot) -> Secret:
    """The secret in the first line of `text`: a token, `user:password`, or the user's password."""
    line = text.partition("\n")[0].removesuffix("\r")
    if slot.auth == "token" or (not slot.auth and not slot.user and ":" not in line):
        return Secret(line)
    if slot.user:
        return Secret(line.removeprefix(f"{slot.user}:"), slot.user)
    user, colon, word = line.partition(":")
    if not colon or not user:
        raise UsageError(
            "the secret that was found has no user", way_out='Add user = "..." to the slot'
        )
    return Secret(word, user)


class Source:
    """One place where a secret may be; `asks` when looking there runs a program."""

    def __init__(
        self, words: str, find: Callable[[], Awaitable[Secret | None]], *, asks: bool = False
    ) -> None:
        self.words = words
        self.find = find
        self.asks = asks


def sources(context: str, slot: Slot, keyring: Keyring) -> Sequence[Source]:
    """Where the secret of this slot is looked for, in order."""
    found = [Source(keyring.words, lambda: _from_keyring(keyring, context, slot))]
    if slot.credential_command:
        program = slot.credential_command[0]
        found.append(Source(f"command {program}", lambda: _from_command(slot), asks=True))
    if slot.credential_env:
        found.append(Source(f"variable {slot.credential_env}", lambda: _from_variable(slot)))
    if slot.credential_file:
        found.append(Source(f"file {slot.credential_file}", lambda: _from_file(slot)))
    return found


class Kept:
    """The credentials of one slot: looked for when they are needed, held in memory only.

    A slot that says nothing of them goes without until the server wants some: asking a keyring
    costs more than many an answer.
    """

    def __init__(
        self, context: str, slot: Slot, *, keyring: Keyring | None = None, ask: Ask | None = None
    ) -> None:
        self._context = context
        self._slot = slot
        self._sources = sources(context, slot, keyring or Keyring())
        self._ask = ask
        self._secret: Secret | None = None
        self._where = ""
        self._looked = not (
            slot.auth or slot.credential_command or slot.credential_env or slot.credential_file
        )
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Kept {self._context}>"

    async def header(self, *, refresh: bool = False) -> str | None:
        """The value of `Authorization`; DeniedError where one must be and none is found."""
        if self._slot.auth == "none":
            return None
        async with self._lock:
            if refresh or not self._looked:
                await self._look(refused=self._secret if refresh else None, refresh=refresh)
                self._looked = True
        return None if self._secret is None else self._secret.header

    async def _look(self, *, refused: Secret | None, refresh: bool) -> None:
        for source in self._sources:
            found = await source.find()
            if found is not None and found != refused:
                self._secret, self._where = found, source.words
                return
        must = bool(self._slot.auth)
        if self._ask is not None and (must or refresh):
            asked = await self._ask(self._context, self._slot)
            if asked is not None:
                self._secret, self._where = asked, "asked for, kept in memory"
                return
            self._ask = None  # who said nothing is not asked by every request again
        if must and self._secret is None:
            raise DeniedError(
                "no credentials were found",
                where=self._context,
                way_out=f"`modeldeck login {self._context}` keeps them",
            )

    def describe(self) -> str:
        """Where they come from, or would."""
        if self._slot.auth == "none":
            return "none"
        return self._where or ", else ".join(source.words for source in self._sources)


async def _from_keyring(keyring: Keyring, context: str, slot: Slot) -> Secret | None:
    text = await keyring.read(context, slot.url)
    kind, _, rest = (text or "").partition(" ")
    user, colon, word = rest.partition(":")
    if kind == "basic" and user and colon:
        return Secret(word, user)
    return Secret(rest) if kind == "token" else None


async def keep_in_keyring(keyring: Keyring, context: str, slot: Slot, secret: Secret) -> None:
    """Put it where `Kept` looks first; RefusedError where there is no keyring to trust."""
    kind = "basic" if secret.user else "token"
    await keyring.keep(context, slot.url, f"{kind} {secret.text}")


async def _from_command(slot: Slot) -> Secret:
    """Run it without a shell; its first line is the secret, its words are shown to nobody."""
    where = f"credential_command {slot.credential_command[0]}"
    way_out = "Run it in a shell to see why"
    try:
        line, code = await first_line(slot.credential_command, PATIENCE)
    except TimeoutError:
        raise DeniedError(
            f"did not end within {PATIENCE:.0f} s", where=where, way_out=way_out
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command"
        raise UsageError(f"cannot be started: {why}", where=where) from None
    if code:
        raise DeniedError(f"ended with {code}", where=where, way_out=way_out)
    return _read(line, slot, where)


async def _from_variable(slot: Slot) -> Secret | None:
    text = os.environ.get(slot.credential_env)
    if not text:
        return None
    return _read(os.fsencode(text), slot, f"variable {slot.credential_env}")


async def _from_file(slot: Slot) -> Secret | None:
    where = str(expanded(slot.credential_file))
    try:
        # A pipe there must not hold us up.
        handle = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror})", where=where) from None
    with os.fdopen(handle, "rb") as file:
        check_private(os.fstat(handle), where)
        return _read(file.read(_LARGEST), slot, where)


def check_private(status: os.stat_result, where: str) -> None:
    """RefusedError for a file that others may read or have made."""
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("is no plain file", where=where)
    if status.st_uid != os.getuid():
        raise RefusedError("does not belong to you", where=where, way_out="Make one of your own")
    if status.st_mode & 0o077:
        raise RefusedError(
            f"may be used by others (mode {stat.S_IMODE(status.st_mode):04o})",
            where=where,
            way_out=f"chmod 600 {where}",
        )


def _read(text: bytes, slot: Slot, where: str) -> Secret:
    line = text.decode("utf-8", "surrogateescape")
    try:
        if not line.isascii() and not _is_utf8(line):
            raise UsageError("the secret that was found is not UTF-8")
        return read_secret(line, slot)
    except UsageError as error:
        raise UsageError(error.what, where=where, way_out=error.way_out) from None


def _is_utf8(text: str) -> bool:
    # Asked so, and not by catching an error, which would hold the text.
    return not any("\udc80" <= letter <= "\udcff" for letter in text)
