"""What could not be read, kept short."""

from collections.abc import Sequence
from typing import overload

from ..api.ingest import Problem

LIMIT = 1000


class ProblemLog(Sequence[Problem]):
    """Problems in the order they were found, each once; past `limit` only their number is kept."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._found: dict[Problem, None] = {}
        self._list: list[Problem] = []
        self._more = 0

    def add(self, where: str, what: str) -> None:
        """Note that at `where` something is wrong."""
        problem = Problem(where, what)
        if problem in self._found:
            return
        if len(self._found) < self._limit:
            self._found[problem] = None
            self._list.append(problem)
            return
        self._more += 1
        self._list[self._limit :] = [Problem("", f"{self._more} more problems, not listed")]

    def __len__(self) -> int:
        return len(self._list)

    @overload
    def __getitem__(self, index: int) -> Problem: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Problem]: ...
    def __getitem__(self, index: int | slice) -> Problem | Sequence[Problem]:
        return self._list[index]

    def __repr__(self) -> str:
        return f"ProblemLog({self._list!r})"
