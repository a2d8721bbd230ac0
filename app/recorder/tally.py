"""What is wrong with a run's files: each kind of thing said once, then counted."""

from modeldeck.backends.api.ingest import Problem

KINDS = 50


class Tally:
    """Collects problems. A million bad lines are still a handful of them."""

    def __init__(self) -> None:
        self._more: dict[tuple[str, str], int] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._kinds: dict[str, int] = {}
        self._fresh: list[Problem] = []

    def note(self, file: str, what: str, *, line: int | None = None, kind: str = "") -> None:
        """Say what is wrong with a file, or only count it when its kind was said before.

        Beyond `KINDS` kinds in one file, the rest are counted as one.
        """
        key = (file, kind or what)
        if key not in self._said:
            if self._kinds.get(file, 0) < KINDS:
                self._kinds[file] = self._kinds.get(file, 0) + 1
                self._said[key] = what
                self._fresh.append(Problem(file if line is None else f"{file}:{line}", what))
                return
            key = (file, "")
            self._said[key] = "other problems"
        self._more[key] = self._more.get(key, 0) + 1

    def take(self) -> list[Problem]:
        """The problems that were not yet taken."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def close(self) -> list[Problem]:
        """`take`, and how often each of those said before was met again."""
        fresh = self.take()
        for key, count in self._more.items():
            times = "once" if count == 1 else f"{count} times"
            fresh.append(Problem(key[0], f"{self._said[key]}: {times} more"))
        self._more = {}
        return fresh
