"""Versions: naming one, describing it."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, UsageError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.runs import Evaluation, Lock, Run, Shelf

from .session import Session

SINGLY = 8
"""So many versions of one model are read one by one."""
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


async def find_versions(session: Session, refs: Sequence[str]) -> Sequence[Version]:
    """The versions that `refs` name, each once, in this order.

    Of a model of which many are named all are read at once.
    """
    parts = [_parts(ref) for ref in refs]
    named = Counter(model for model, _, alias in parts if not alias)
    known: dict[str, Version] = {}
    for model, count in named.items():
        if count > SINGLY:
            window = await session.registry.versions(model, shelf=Shelf.ALL)
            known |= {version_name(one): one for one in await all_of(window)}
    found = [
        known.get(f"{model}/{number}") or await find_version(session, ref)
        for ref, (model, number, _) in zip(refs, parts, strict=True)
    ]
    return list({version_name(version): version for version in found}.values())


def version_name(version: Version) -> str:
    """`MODEL/13`."""
    return f"{version.model}/{version.version}"
