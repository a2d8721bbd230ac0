"""What comes of a copy, and how far it is."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from modeldeck.backends.api.ingest import Problem


class Step(Struct, frozen=True, kw_only=True):
    """How far a copy is, in runs, versions, points, files and bytes."""

    runs: int = 0
    versions: int = 0
    points: int = 0
    files: int = 0
    size: int = 0


class Copied(Struct, frozen=True, kw_only=True):
    """What came of a copy. `passed` were there already; `left` are files whose bytes are elsewhere.

    What `problems` name was not copied, or is not what it is there.
    """

    step: Step
    passed: int
    left: Sequence[Problem]
    problems: Sequence[Problem]
    event: int

    @classmethod
    def nothing(cls) -> "Copied":
        """Of a copy of what is there already."""
        return cls(step=Step(), passed=0, left=(), problems=(), event=0)


Tell = Callable[[Step], None]


def silent(_: Step) -> None:
    """No progress."""
