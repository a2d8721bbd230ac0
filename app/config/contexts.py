"""Contexts: named sets of backends, and what may stand in their slots."""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import fields, replace

from modeldeck.backends.api.address import NOUNS
from modeldeck.backends.api.errors import UsageError

from .toml import place_of

ENV = "env"
"""The context that MLflow's own environment makes."""

SLOTS = ("registry", "records", "serving", "jobs", "telemetry", "alerts", "artifacts")
LOCAL = "local"
GIT = "git"
"""The type of a records slot that several people share."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILES = ("path", "credential_file", "ca_file", "client_cert", "client_key")
REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@{}^~+-]{0,254}")
"""What can name a commit; what git would read as an option cannot."""
_SHORT = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9_~/.][^\s:\\]*"
)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,100}")
_LONGEST = 600.0
_WHO = (
    "auth", "user", "credential_command", "credential_env", "credential_file",
    "client_cert", "client_key",
)  # fmt: skip
"""What a user may add to a slot of the machine's own file: who they are."""


class Slot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One backend of a context. `type` is the name that its adapter is registered under.

    No secret stands here, only where it is found. `auth` empty takes whatever is found
    when the server wants to know. `path` is
    for what lies on this machine. `branch` is that of shared records in git. `options` are words
    for an adapter of others.
    """

    type: str = ""
    url: str = ""
    path: str = ""
    branch: str = "modeldeck"
    workspace: str = ""
    auth: Literal["", "none", "basic", "token"] = ""
    user: str = ""
    credential_command: tuple[str, ...] = ()
    credential_env: str = ""
    credential_file: str = ""
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = ""
    verify: bool = True
    deadline: float = 10.0
    cache: Literal["off", "memory", "disk"] = "memory"
    options: Mapping[str, Any] = {}


class Context(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A named set of backends. `protected` makes every change in it a thing to be careful with.

    `policy_repo` is the repository that the policy is read from, `policy_ref` the commit.
    """

    protected: bool = False
    readonly: bool = False
    policy_repo: str = ""
    policy_ref: str = ""
    registry: Slot | None = None
    records: Slot | None = None
    serving: Slot | None = None
    jobs: Slot | None = None
    telemetry: Slot | None = None
    alerts: Slot | None = None
    artifacts: Slot | None = None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """The slots that are filled, with their names."""
        for name in SLOTS:
            slot = getattr(self, name)
            if slot is not None:
                yield name, slot


def check_name(name: str) -> None:
    """UsageError for what cannot name a context: it is a folder, and the start of an address."""
    if name == ENV:
        raise UsageError(
            f"{ENV!r} is the context of MLflow's own environment", way_out="Choose another name"
        )
    if name in NOUNS:
        raise UsageError(f"{name!r} begins an address", way_out="Choose another name")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a context",
            way_out="A name is up to 64 letters, digits, '.', '_' and '-', a letter or digit first",
        )


def check_url(url: str) -> None:
    """UsageError, which does not show the URL, for one that is not http(s) or holds a secret."""
    _check_url(url, ("http", "https"), "`modeldeck login` keeps it")


def check_proxy(url: str) -> None:
    """As `check_url`, for a proxy."""
    way_out = "HTTPS_PROXY, which is used where the context has none, may hold it"
    _check_url(url, ("http", "https", "socks5", "socks5h"), way_out)


CHECKS = {"url": check_url, "proxy": check_proxy}


def check_repository(url: str) -> None:
    """UsageError, which does not show the URL, for what git cannot be given safely."""
    if url.startswith(("http://", "https://")):
        _check_url(url, ("http", "https"), "git's credential helper may hold it")
        return
    short = None if "://" in url else _SHORT.fullmatch(url)
    if short is None and not url.startswith("ssh://"):
        raise UsageError(
            "is no address of a repository",
            way_out="Write https://host/path, ssh://git@host/path or git@host:path, or add path",
        )
    if short is not None:
        return
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and not (parts.hostname or "").startswith("-")
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise UsageError("is no URL", way_out="Write it as ssh://git@host/path")
    if parts.password is not None or parts.query or parts.fragment:
        raise UsageError("holds more than user, host and path", way_out="Take it out of the URL")


def check_branch(name: str) -> None:
    """UsageError for what cannot be a branch, or could be taken for something else."""
    parts = name.split("/")
    if ".." in name or not all(map(_PART.fullmatch, parts)) or name.endswith(".lock"):
        raise UsageError("cannot be a branch", way_out="Write it as modeldeck, or team/records")


def _check_url(url: str, schemes: Sequence[str], way_out: str) -> None:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or not url.isprintable() or " " in url or "\\" in url:
        raise UsageError("is no URL", way_out="Write it as https://host/prefix")
    if parts.scheme not in schemes:
        raise UsageError("is neither http:// nor https://", way_out="Write https://host/prefix")
    if "@" in parts.netloc:
        raise UsageError(
            "holds a user or a password",
            way_out=f"Take it out of the URL: {way_out}",
        )
    if parts.query or parts.fragment:
        raise UsageError("holds more than host and path", way_out="Leave out ? and # and the rest")


def check_contexts(
    contexts: Mapping[str, Context],
    path: Path,
    *,
    fixed: Mapping[str, Context] | None = None,
    text: str | None = None,
) -> None:
    """UsageError with file and line for the first thing that cannot be.

    `fixed` are those of the machine's own file, to which a user adds no more than who they are.
    """
    for name, context in contexts.items():
        above: tuple[str, ...] = ("contexts", name)
        try:
            check_name(name)
            if fixed and name in fixed:
                _check_addition(context, fixed[name], name)
            _check_policy(context)
            for slot_name, slot in context.slots():
                _check_slot(slot_name, slot, whole=not (fixed and name in fixed))
        except _WrongKeyError as wrong:
            above = (*above, *wrong.keys)
            raise _at(wrong, above, path, text) from None
        except UsageError as wrong:
            raise _at(wrong, above, path, text) from None


class _WrongKeyError(UsageError):
    """Something is wrong with the key at `keys`, below the context."""

    def __init__(self, keys: tuple[str, ...], what: str, way_out: str = "") -> None:
        super().__init__(what, way_out=way_out)
        self.keys = keys


def _at(wrong: UsageError, keys: tuple[str, ...], path: Path, text: str | None) -> UsageError:
    return UsageError(
        f"{'.'.join(keys)}: {wrong.what}",
        where=place_of(path, keys, text),
        way_out=wrong.way_out,
    )


def _check_slot(name: str, slot: Slot, *, whole: bool) -> None:
    def wrong(key: str, what: str, way_out: str = "") -> _WrongKeyError:
        return _WrongKeyError((name, key) if key else (name,), what, way_out)

    if whole and not slot.type:
        raise wrong("", "says no type", 'Add type = "mlflow", or "local"')
    if whole and slot.type == LOCAL and not slot.path:
        raise wrong("", "says no path", "Add path, the folder of the registry")
    if whole and slot.type == "mlflow" and not slot.url:
        raise wrong("", "says no url", 'Add url = "https://..."')
    if whole and name == "records" and slot.type not in (LOCAL, GIT):
        raise wrong("type", "records are kept in a local registry or in git", 'Write type = "git"')
    if slot.type == GIT and name != "records":
        raise wrong("type", "git holds records alone", "Name it in the records slot")
    if slot.type == GIT and bool(slot.url) == bool(slot.path):
        raise wrong("", "says not one place", 'Add url = "git@host:path", or path')
    checks = CHECKS if slot.type != GIT else {"url": check_repository, "branch": check_branch}
    for key, check in checks.items():
        try:
            if getattr(slot, key):
                check(getattr(slot, key))
        except UsageError as error:
            raise wrong(key, error.what, error.way_out) from None
    for key in _FILES:
        if getattr(slot, key) and not expanded(getattr(slot, key)).is_absolute():
            raise wrong(key, "is not absolute", "Write it from / or from ~/")
    if slot.client_key and not slot.client_cert:
        raise wrong("client_key", "has no certificate", "Add client_cert")
    if slot.credential_env and not _VARIABLE.fullmatch(slot.credential_env):
        raise wrong("credential_env", "names no variable", "Write the variable's name, no secret")
    if slot.credential_command and not slot.credential_command[0]:
        raise wrong("credential_command", "names no program")
    if not (math.isfinite(slot.deadline) and 0 < slot.deadline <= _LONGEST):
        raise wrong("deadline", f"is not between 0 and {_LONGEST:.0f} seconds")


def _check_policy(context: Context) -> None:
    if context.policy_repo and not expanded(context.policy_repo).is_absolute():
        raise _WrongKeyError(("policy_repo",), "is not absolute", "Write it from / or from ~/")
    if context.policy_ref and not REF.fullmatch(context.policy_ref):
        raise _WrongKeyError(("policy_ref",), "cannot name a commit", "Write a branch or a tag")


def _check_addition(mine: Context, fixed: Context, name: str) -> None:
    for key in ("policy_repo", "policy_ref"):
        if getattr(mine, key) not in ("", getattr(fixed, key)):
            raise _WrongKeyError(
                (key,), f"the machine's own file says what {name} is", "Leave it out"
            )
    for slot_name, slot in mine.slots():
        there = getattr(fixed, slot_name) or Slot()
        for field in fields(Slot):
            value = getattr(slot, field.name)
            if value == field.default or value == getattr(there, field.name):
                continue
            if field.name not in _WHO:
                raise _WrongKeyError(
                    (slot_name, field.name),
                    f"the machine's own file says what {name} is",
                    "Leave it out, or name your context otherwise",
                )


def expanded(path: str) -> Path:
    """A path of the configuration, with `~` as the home it means."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises without a home


def merged(mine: Mapping[str, Context], fixed: Mapping[str, Context]) -> Mapping[str, Context]:
    """All contexts: the machine's own as they are there, but for who the user is, or stricter.

    Another name for the same server is no way around `protected` and `readonly`.
    """
    found = {name: strict(context, fixed) for name, context in mine.items() if name not in fixed}
    for name, context in fixed.items():
        found[name] = _with_who(context, mine[name]) if name in mine else context
    return found


def strict(context: Context, others: Mapping[str, Context]) -> Context:
    """`context` as protected and as read-only as any of the others with the same registry."""
    same = [other for other in others.values() if _server(other) == _server(context)]
    if _server(context) is None or not same:
        return context
    policies = [(one.policy_repo, one.policy_ref) for one in same]
    repo, ref = next(
        (one for one in policies if any(one)), (context.policy_repo, context.policy_ref)
    )
    return replace(
        context,
        protected=context.protected or any(other.protected for other in same),
        readonly=context.readonly or any(other.readonly for other in same),
        policy_repo=repo,
        policy_ref=ref,
    )


def _server(context: Context) -> tuple[Any, ...] | None:
    slot = context.registry
    if slot is None or not slot.url:
        return None
    parts = urlsplit(slot.url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


def _with_who(fixed: Context, mine: Context) -> Context:
    slots = {}
    for name, slot in mine.slots():
        there = getattr(fixed, name)
        if there is not None:
            added = {key: getattr(slot, key) for key in _WHO if not getattr(there, key)}
            slots[name] = replace(there, **added)
    return replace(
        fixed,
        protected=fixed.protected or mine.protected,
        readonly=fixed.readonly or mine.readonly,
        **slots,
    )
