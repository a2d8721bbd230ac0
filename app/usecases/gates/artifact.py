"""`artifact`: the content is known, safe to load, and of a format that is allowed."""

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact

from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, Finding, Rule
from .values import counted

_PAGE = 4 << 20


class ArtifactRule(Rule, frozen=True, kw_only=True):
    """Loading it runs no foreign code, its digest is known, its format is one of `formats`, if any.

    With `verify` every file is read again and compared with what was recorded. Numbers: format,
    digest, unsafe, and read, the bytes that were.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)
    formats: tuple[str, ...] = ()
    verify: bool = False

    async def judge(self, facts: Facts) -> Finding:
        version = facts.candidate.version
        asks = "artifact safe"
        unsafe = version.unsafe
        numbers: dict[str, Any] = {
            "format": version.format,
            "digest": version.digest,
            "unsafe": None if unsafe is None else list(unsafe),
        }
        if unsafe:
            return Finding(FAIL, asks, f"could run foreign code: {unsafe[0]}", numbers)
        if self.formats and version.format not in self.formats:
            said = f"{version.format} is not one of {', '.join(self.formats)}"
            return Finding(FAIL, asks, said, numbers)
        if unsafe is None:
            said = f"nobody looked whether {version.format} is safe to load"
            return Finding(UNKNOWN, asks, said, numbers)
        if version.digest is None:
            return Finding(UNKNOWN, asks, "its digest is not known", numbers)
        words = f"{version.format}, nothing in it runs code"
        if not self.verify:
            return Finding(PASS, asks, words, numbers)
        verdict, said, read = await _read_again(facts, version.digest)
        return Finding(verdict, asks, f"{words}, {said}", {**numbers, "read": read})


async def _read_again(facts: Facts, digest: str) -> tuple[str, str, int]:
    from modeldeck.backends.formats.folder import manifest_digest

    version = facts.candidate.version
    owner = version_address(version.model, version.version)
    read = 0
    found: list[Artifact] = []
    for one in await facts.session.registry.artifacts(owner):
        sha, start = hashlib.sha256(), read
        while page := await facts.session.registry.read_artifact(
            owner, one.path, read - start, _PAGE
        ):
            sha.update(page)
            read += len(page)
        same = "sha256:" + sha.hexdigest()
        if one.digest not in (None, same):
            return FAIL, f"{one.path} has other bytes than recorded", read
        found.append(Artifact(path=one.path, size=read - start, digest=same))
    if not found:
        return UNKNOWN, "none of its files is here to be read", read
    if digest not in (
        manifest_digest(found),
        *(one.digest for one in found[:1] if len(found) == 1),
    ):
        return FAIL, "its files are not those of its digest", read
    return PASS, f"{counted(read)} bytes read again", read
