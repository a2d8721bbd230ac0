"""A confusion matrix as a table: counts, shares of each true label, and how good it is in all."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..text import cells, show_name
from . import scale
from .rows import Run, padded

_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:*#"
_CORNER = "true/pred"


@dataclass(frozen=True, slots=True)
class Squares:
    """`counts[true][predicted]`, finite and not below 0, in the order of `labels`."""

    labels: Sequence[str]
    counts: Sequence[Sequence[float]]
    title: str = "confusion matrix"

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return a row a true label: counts and shares where there is room, else shades."""
        total = sum(map(sum, self.counts))
        right = sum(row[place] for place, row in enumerate(self.counts))
        rate = f", {right / total:.1%} right" if total else ""
        head = f"{self.title}  {scale.number(total)} rows{rate}"
        found: list[list[Run]] = [[(padded(head, width, ascii_only=ascii_only), "title")]]
        longest = max(cells(show_name(one)) for one in self.labels)
        name = min(max(longest, len(_CORNER)), max(width // 5, 4))
        most = max((count for row in self.counts for count in row), default=0)
        count = len(scale.number(most))
        each = (width - name - 8) // len(self.labels)
        with_shares = each >= max(count + 6, 8)
        cell = min(each, max(count + 7, 9) if with_shares else count + 2)
        if cell < 2:
            return [*found, *self._shaded(name, height - 1, width, ascii_only=ascii_only)]
        found.append([(padded(_CORNER, name, ascii_only=ascii_only), "label")])
        for label in self.labels:
            text = padded(label, cell - 1, ascii_only=ascii_only, right=True)
            found[-1].append((" " + text, "label"))
        found[-1].append(("  right", "label"))
        fit = len(self.labels) if len(self.labels) <= height - 2 else height - 3
        found += [
            self._row(place, name, cell, with_shares, ascii_only=ascii_only) for place in range(fit)
        ]
        if fit < len(self.labels):
            found.append([(f"+{len(self.labels) - fit} more labels", "label")])
        return found

    def _row(
        self, place: int, name: int, cell: int, with_shares: bool, *, ascii_only: bool
    ) -> list[Run]:
        counts = self.counts[place]
        total = sum(counts)
        runs: list[Run] = [(padded(self.labels[place], name, ascii_only=ascii_only), "")]
        for column, count in enumerate(counts):
            text = scale.number(count)
            if with_shares:
                text += f" {count / total:4.0%}" if total else "    -"
            wrong = "line-3" if count else "label"
            style = "line-2" if column == place else wrong
            runs.append((" " + padded(text, cell - 1, ascii_only=ascii_only, right=True), style))
        runs.append((f"  {counts[place] / total:5.1%}" if total else "      -", "title"))
        return runs

    def _shaded(self, name: int, height: int, width: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return one cell a count, darker for more of its row."""
        shades = _ASCII_SHADES if ascii_only else _SHADES
        found: list[list[Run]] = []
        for label, counts in list(zip(self.labels, self.counts, strict=True))[:height]:
            total = sum(counts) or 1.0
            marks = "".join(
                shades[min(int(count / total * len(shades) + 0.999), len(shades) - 1)]
                for count in counts
            )
            text = padded(label, name, ascii_only=ascii_only)
            found.append([(text + " ", ""), (marks[: max(width - name - 1, 0)], "line-2")])
        return found
