"""Versions: naming one, describing it, tagging, deleting and restoring."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.runs import Evaluation, Lock, Run
from modeldeck.backends.api.times import rfc3339

from .plans import command_of, inverse_of, make_plan, tag_changes, tag_words
from .session import Session

FORMS = "A version is named MODEL VERSION, MODEL/VERSION or MODEL@ALIAS"


class VersionDetail(Struct, frozen=True, kw_only=True):
    """A version with its source run (None when it is not here), files, lock and evaluations."""

    version: Version
    run: Run | None
    artifacts: Sequence[Artifact]
    lock: Lock | None
    evaluations: Sequence[Evaluation]


def version_refs(words: Sequence[str]) -> Sequence[str]:
    """Words of a command line as refs: `MODEL 13` becomes `MODEL/13`, the others stay."""
    refs: list[str] = []
    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        if number_of(word.rpartition("/")[2]) and "/" in word:
            refs.append(word)
        elif number_of(following):
            refs.append(f"{word}/{number_of(following)}")
            at += 1
        elif "@" in word:
            refs.append(word)
        else:
            raise UsageError(f"{word!r} names no version", way_out=FORMS)
        at += 1
    return refs


def number_of(text: str) -> int:
    """The number of `13` or `v13`; 0 when it is none."""
    digits = text[1:] if text[:1] in {"v", "V"} else text
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


async def find_version(session: Session, ref: str) -> Version:
    """The version of `MODEL/13`, `MODEL@ALIAS` or its address `models/MODEL/13`."""
    model, number, alias = _parts(ref)
    if not alias:
        return await session.registry.version(model, number)
    found = await session.registry.model(model)
    if alias not in found.aliases:
        known = ", ".join(found.aliases)
        raise NotFoundError(
            f"model {model!r} has no alias {alias!r}",
            way_out=f"It has {known}"
            if known
            else f"`modeldeck alias set {model} {alias} VERSION`",
        )
    return await session.registry.version(model, found.aliases[alias])


def _parts(ref: str) -> tuple[str, int, str]:
    if ref.startswith("models/"):
        try:
            address = parse_address(ref)
        except ModeldeckError:
            address = None
        if address and (address.version is not None or address.alias):
            return address.name, address.version or 0, address.alias or ""
    name, slash, number = ref.rpartition("/")
    if slash and name and number_of(number):
        return name, number_of(number), ""
    name, at, alias = ref.rpartition("@")
    if at and name and alias:
        return name, 0, alias
    raise UsageError(f"{ref!r} names no version", way_out=FORMS)


async def describe_version(session: Session, ref: str) -> VersionDetail:
    """Everything that is known of a version."""
    registry = session.registry
    version = await find_version(session, ref)
    run = None
    if version.run_id:
        try:
            run = await registry.run(version.run_id)
        except NotFoundError:
            run = None
    evaluations = await registry.evaluations(run.id) if run else ()
    lock = version.lock or (run.lock if run else None)
    return VersionDetail(
        version=version,
        run=run,
        artifacts=await registry.artifacts(address(version.model, version.version)),
        lock=await registry.lock(lock) if lock else None,
        evaluations=[
            one
            for one in evaluations
            if one.model is None or (one.model, one.version) == (version.model, version.version)
        ],
    )


async def plan_tags(
    session: Session,
    refs: Sequence[str],
    tags: Mapping[str, str | None],
    *,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Set tags of versions; None removes one."""
    words = tag_words(tags)
    versions = await _find(session, refs)
    names = [_name(version) for version in versions]
    changes = [
        change
        for version in versions
        for change in tag_changes(address(version.model, version.version), version.tags, tags)
    ]
    return make_plan(
        session,
        "version.tag",
        {"versions": names, "tags": dict(tags)},
        changes,
        command=command_of(["versions", "tag"], names, words),
        inverse=inverse_of(changes, "version.tag"),
        reason=reason,
        ticket=ticket,
    )


async def plan_shelf(
    session: Session,
    refs: Sequence[str],
    *,
    delete: bool,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Delete versions (they can be restored) or restore deleted ones.

    Raises RefusedError for one that an alias points at: whoever reads the alias would find nothing.
    """
    verb = "rm" if delete else "restore"
    now = rfc3339(session.clock())
    versions = await _find(session, refs)
    changes = []
    for version in versions:
        if delete and version.aliases:
            raise _held(version)
        before = rfc3339(version.deleted_at) if version.deleted_at else None
        if (before is None) == delete:
            subject = address(version.model, version.version)
            changes.append(Change(subject, "deleted", before, now if delete else None))
    names = [_name(version) for version in versions]
    return make_plan(
        session,
        f"version.{verb}",
        {"versions": names},
        changes,
        command=command_of(["versions", verb], names),
        untouched=["its files and its source run stay"] if delete else [],
        inverse=inverse_of(changes, "version.restore" if delete else "version.rm"),
        reason=reason,
        ticket=ticket,
    )


def _held(version: Version) -> RefusedError:
    words = ", ".join(f"{version.model}@{alias}" for alias in version.aliases)
    return RefusedError(
        f"{words} point{'s' * (len(version.aliases) == 1)} at it",
        where=f"version {_name(version)}",
        way_out=f"`modeldeck alias set {version.model} {version.aliases[0]} VERSION` moves it,"
        f" `modeldeck alias rm {version.model} {version.aliases[0]}` removes it",
    )


async def _find(session: Session, refs: Sequence[str]) -> Sequence[Version]:
    found = [await find_version(session, ref) for ref in refs]
    return list({_name(version): version for version in found}.values())


def _name(version: Version) -> str:
    return f"{version.model}/{version.version}"
