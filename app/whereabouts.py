"""Where secrets live, for `modeldeck doctor`: which keyring, which file, who may read it."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from modeldeck.backends.api.errors import ModeldeckError, RefusedError
from modeldeck.backends.http.addresses import on_this_machine

from .config.contexts import ENV, LOCAL, Context, Slot
from .config.keyrings import Keyring
from .config.paths import config_file
from .config.secrets import check_private, sources
from .config.settings import read_settings
from .usecases.findings import Finding, bad, doubtful, good


async def secret_findings() -> Sequence[Finding]:
    """Where each context's credentials are, and whether anybody else can read them."""
    found = list(_file_modes())
    try:
        contexts = read_settings().contexts
    except ModeldeckError:
        return found  # said already, where settings are looked at
    remote = {name: c for name, c in contexts.items() if _slot(c) is not None}
    found.extend(_environment())
    if not remote:
        return [*found, good("keyring", "not needed: no context in config.toml names a server")]
    keyring = Keyring()
    found.append(_keyring(await keyring.choose(), keyring.words))
    for name, context in remote.items():
        slot = _slot(context)
        assert slot is not None
        found.append(await _context(name, slot, keyring))
        found.extend(_doubts(name, slot))
    return found


def _slot(context: Context) -> Slot | None:
    slot = context.registry
    return None if slot is None or slot.type == LOCAL else slot


def _keyring(reason: str, words: str) -> Finding:
    if not reason:
        return good("keyring", words)
    way_out = "`modeldeck login CONTEXT --file` keeps a secret in a private file"
    if reason == "there is none here":
        return good("keyring", f"none: {reason}")
    return doubtful("keyring", f"not used: {reason}", way_out)


async def _context(name: str, slot: Slot, keyring: Keyring) -> Finding:
    about = f"context {name}"
    if slot.auth == "none":
        return good(about, "no credentials are wanted")
    for source in sources(name, slot, keyring):
        if source.asks:
            return good(about, f"credentials: {source.words}, run when they are needed")
        try:
            secret = await source.find()
        except ModeldeckError as error:
            return bad(about, f"credentials: {error.where}: {error.what}", error.way_out)
        if secret is not None:
            return good(about, f"credentials: {source.words}")
    if slot.auth:
        return doubtful(about, "no credentials are found", f"`modeldeck login {name}` keeps them")
    return good(about, "no credentials; they are asked for when the server wants them")


def _doubts(name: str, slot: Slot) -> Iterator[Finding]:
    about = f"context {name}"
    parts = urlsplit(slot.url)
    if parts.scheme == "http" and not on_this_machine(parts.hostname or ""):
        shows = "http:// lets everybody on the way read along and change what is said"
        if slot.auth != "none":
            shows = "http:// shows who we are to everybody on the way"
        yield doubtful(about, shows, "Use https://")
    if not slot.verify:
        yield doubtful(
            about,
            f"anybody is believed to be {parts.hostname}: verify is false",
            "Give ca_file instead",
        )


def _environment(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    if not environ.get("MLFLOW_TRACKING_URI"):
        return
    from .config.mlflow_env import credentials_file, names_server, read_environment

    if not names_server(environ):
        return
    about = f"context {ENV}"
    try:
        named = read_environment(environ)
    except ModeldeckError as error:
        yield bad(about, f"{error.where}: {error.what}", error.way_out)
        return
    yield good(about, f"credentials: {named.credentials.describe()}")
    slot = named.context.registry
    assert slot is not None
    yield from _doubts(ENV, slot)
    yield from _private(credentials_file(environ))


def _file_modes() -> Iterator[Finding]:
    file = config_file()
    for path in (file, file.absolute().parent):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid not in {os.getuid(), 0}:
            yield bad("settings", f"{path} belongs to somebody else", "Make one of your own")
        elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            mode = f"mode {stat.S_IMODE(status.st_mode):04o}"
            yield bad("settings", f"{path}: others may change it ({mode})", f"chmod go-w {path}")


def _private(path: Path) -> Iterator[Finding]:
    try:
        check_private(path.stat(), str(path))
    except FileNotFoundError:
        return
    except (OSError, RefusedError) as error:
        what = error.what if isinstance(error, RefusedError) else error.strerror
        yield doubtful("credentials", f"{path}: {what}", f"chmod 600 {path}")
