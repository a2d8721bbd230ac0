"""The keys that a person and this machine sign with."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from modeldeck.app.config.actor import current_actor
from modeldeck.app.config.key_files import (
    HOST,
    NAMES,
    SIGNING,
    Signing,
    private_file,
    public_line,
)
from modeldeck.backends.api.errors import NotFoundError, UsageError

CONFIGURED = "configured"
"""The name of the key that config.toml names."""


class Key(Struct, frozen=True, kw_only=True):
    """A key. `use` is what it signs, empty for one that another goes before.

    `where` is where its private half lies, `trouble` why it cannot be used.
    """

    name: str
    kind: str
    fingerprint: str
    public: str
    use: str
    where: str
    trouble: str = ""


def list_keys(signing: Signing) -> Sequence[Key]:
    """The keys that there are."""
    found = [_configured(signing)] if signing.key else []
    for name in NAMES:
        if line := public_line(name):
            use = "checkpoints" if name == HOST else "" if signing.key else "statements"
            private = private_file(name)
            where = str(private) if private.exists() or private.is_symlink() else "keyring"
            found.append(_key(name, line, use, where))
    return found


def _configured(signing: Signing) -> Key:
    from modeldeck.app.config.signing import find_key

    try:
        line = found.line if (found := find_key(signing)) else ""
    except UsageError as error:
        return Key(
            name=CONFIGURED, kind="", fingerprint="", public="", use="statements",
            where=signing.key, trouble=error.what,
        )  # fmt: skip
    return _key(CONFIGURED, line, "statements", signing.key)


def _key(name: str, line: str, use: str, where: str) -> Key:
    from modeldeck.app.config.public_keys import fingerprint

    try:
        found, trouble = fingerprint(line), ""
    except ValueError as error:
        found, trouble = "", str(error)
    return Key(
        name=name,
        kind=line.partition(" ")[0],
        fingerprint=found,
        public=line,
        use=use,
        where=where,
        trouble=trouble or _private_trouble(name),
    )


def _private_trouble(name: str) -> str:
    """Why the file of a private half is not used."""
    if name not in NAMES:
        return ""
    from modeldeck.app.config.own_keys import read_private_file
    from modeldeck.backends.api.errors import RefusedError

    try:
        read_private_file(private_file(name))
    except RefusedError as error:
        return error.what
    return ""


def find_key(signing: Signing, name: str = "") -> Key:
    """The key of that name; without one, the one to sign with."""
    for key in list_keys(signing):
        if key.name == name or (not name and key.use == "statements"):
            return key
    raise NotFoundError(
        f"there is no key {name!r}" if name else "there is no key to sign with",
        way_out="`modeldeck key ls` lists them" if name else "`modeldeck key new` makes one",
    )


async def new_key(signing: Signing, *, p256: bool, in_file: bool) -> tuple[Key, str]:
    """Make the key to sign with; gives it and where it is kept, in words."""
    from modeldeck.app.config.own_keys import make_key

    who = current_actor()
    where = await make_key(p256=p256, in_file=in_file, comment=f"{who.user}@{who.host}")
    return find_key(signing, SIGNING), where


async def remove(name: str) -> Sequence[str]:
    """Forget a key of ours; gives where it was."""
    if name == CONFIGURED:
        raise UsageError(
            "is a key of OpenSSH, not one of ours",
            where=name,
            way_out="Take signing.key out of config.toml",
        )
    if name not in NAMES:
        raise NotFoundError(f"there is no key {name!r}", way_out="`modeldeck key ls` lists them")
    from modeldeck.app.config.own_keys import remove_key

    return await remove_key(name)


def key_object(item: Key) -> dict[str, Any]:
    """A key for others; nothing of its private half."""
    return {
        "name": item.name,
        "kind": item.kind or None,
        "fingerprint": item.fingerprint or None,
        "public": item.public or None,
        "use": item.use or None,
        "where": item.where,
        "trouble": item.trouble or None,
    }
