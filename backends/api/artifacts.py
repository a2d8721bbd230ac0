"""Files that a run or a version holds."""

from msgspec import Struct


class Artifact(Struct, frozen=True, kw_only=True):
    """A file, named by its path below its owner.

    `digest` ("sha256:...") is None for a file that lies elsewhere and was never read here;
    `location` then says where it lies.
    """

    path: str
    size: int | None = None
    digest: str | None = None
    location: str | None = None
