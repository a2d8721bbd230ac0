"""Two locks beside one another, as the rows of a table."""

from collections.abc import Mapping

from modeldeck.backends.api.runs import Lock
from modeldeck.widgets.table import Cell, Column, Row

from .words import size


def lock_words(lock: Lock | None) -> str:
    """A lock in a few words."""
    if lock is None:
        return "not known"
    python = f"py {lock.python}, " if lock.python else ""
    return f"{python}{len(lock.packages):,} packages"


def lock_columns(mine: str, other: str, width: int) -> list[Column]:
    """Package, the version here, the version there."""
    side = max((width - 36) // 2, 8)
    return [
        Column("what", "PACKAGE", pinned=True, min_width=14, max_width=44, priority=9),
        Column("mine", mine, min_width=side, max_width=side, priority=8),
        Column("other", other, min_width=side, max_width=side, priority=7),
        Column("diff", "DIFF", min_width=7, max_width=10, priority=6),
    ]


def lock_rows(mine: Lock | None, other: Lock | None) -> list[Row]:
    """The surroundings and packages of two locks; what differs comes first."""
    if mine is None:
        return []
    here, there = _surroundings(mine), _surroundings(other) if other else {}
    rows = [
        Row(f"host:{name}", [Cell(name, "dim"), here.get(name, "-"), *_beside(name, here, there)])
        for name in dict.fromkeys([*here, *there])
    ]
    ours, theirs = _packages(mine), _packages(other) if other else {}
    names = sorted({**ours, **theirs}, key=lambda n: (ours.get(n) == theirs.get(n), n.casefold()))
    return rows + [
        Row(f"package:{name}", [name, ours.get(name, "-"), *_beside(name, ours, theirs, other)])
        for name in names
    ]


def lock_difference(mine: Lock | None, other: Lock | None) -> str:
    """How many packages differ, in words; empty when one of the locks is not known."""
    if mine is None or other is None:
        return ""
    ours, theirs = _packages(mine), _packages(other)
    changed = sum(name in theirs and theirs[name] != text for name, text in ours.items())
    added, gone = len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys())
    if not (changed or added or gone):
        return "the same packages"
    return f"{changed} changed, {added} added, {gone} removed"


def _beside(
    name: str, here: Mapping[str, str], there: Mapping[str, str], other: Lock | None = None
) -> list[Cell]:
    if not there and other is None:
        return []
    mine, theirs = here.get(name), there.get(name)
    if mine == theirs:
        return [Cell(theirs or "", "dim"), Cell("")]
    word, style = ("added", "ok") if theirs is None else ("removed", "bad")
    if mine is not None and theirs is not None:
        word, style = "changed", "warn"
    return [Cell(theirs or "-"), Cell(word, style)]


def _surroundings(lock: Lock) -> dict[str, str]:
    told = {
        "python": " ".join(filter(None, (lock.implementation, lock.python))),
        "system": " ".join(filter(None, (lock.system, lock.machine))),
        "cpu": f"{lock.cpu or ''}{f', {lock.cpus} cores' if lock.cpus else ''}".lstrip(", "),
        "memory": size(lock.memory_bytes) if lock.memory_bytes else "",
        "gpus": ", ".join(lock.gpus),
        "cuda": lock.cuda or "",
    }
    return {name: text for name, text in told.items() if text}


def _packages(lock: Lock) -> dict[str, str]:
    """Versions by name; a record in short where the same version could be another build."""
    return {
        one.name: " ".join((one.version, (one.record or "").removeprefix("sha256:")[:8])).rstrip()
        for one in lock.packages
    }
