"""`artifact`: the content is known, safe to load, and of a format that is allowed."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.address import version as version_address

from ..rereading import read_again
from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, Finding, Rule
from .values import counted


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
        session = facts.session
        files = await session.registry.artifacts(version_address(version.model, version.version))
        if not files:
            return Finding(UNKNOWN, asks, f"{words}, none of its files is here to be read", numbers)
        again = await read_again(session, version, files)
        said = again.wrong or f"{words}, {counted(again.read)} bytes read again"
        return Finding(FAIL if again.wrong else PASS, asks, said, {**numbers, "read": again.read})
