"""Names by a few of their letters, ranked as fzf does it.

Letters must come in order. What counts (the weights of fzf): 16 for a letter, 8
where it begins a word, 4 more for each that follows at once, 3 off for a gap and 1 for each further
letter of it. The first letter counts double where it begins a word.
"""

import heapq
from collections.abc import Iterable, Sequence

MATCH, WORD, NEXT, GAP, FURTHER = 16, 8, 4, 3, 1
_BREAKS = frozenset(" /_-.:,@|")


def score(wanted: str, text: str) -> int | None:
    """How well `text` fits the letters of `wanted`; None when it does not hold them in order.

    A capital in `wanted` makes case count, as fzf's smart case does.
    """
    where = text if wanted != wanted.lower() else text.lower()
    if len(where) != len(text):  # a letter whose lower case is two would shift the places
        where = text
    at = -1
    for char in wanted:
        at = where.find(char, at + 1)
        if at < 0:
            return None
    if wanted in where:
        start = _best_start(wanted, where, text)
        return _points(range(start, start + len(wanted)), text)
    return max(
        _points(_shortest(wanted, where, at), text), _points(_words(wanted, where, text), text)
    )


def _best_start(wanted: str, where: str, text: str) -> int:
    """Where the letters stand together: at the beginning of a word, if they do there."""
    first = at = where.find(wanted)
    while at >= 0:
        if _begins(text, at):
            return at
        at = where.find(wanted, at + 1)
    return first


def _shortest(wanted: str, where: str, end: int) -> Sequence[int]:
    """The places of the letters, from the last of the first match at `end` back."""
    places, at = [], end + 1
    for char in reversed(wanted):
        at = where.rfind(char, 0, at)
        places.append(at)
    return places[::-1]


def _words(wanted: str, where: str, text: str) -> Sequence[int]:
    """The places of the letters, each at the beginning of a word where the rest still fits."""
    places: list[int] = []
    for number, char in enumerate(wanted):
        begin = places[-1] + 1 if places else 0
        at = where.find(char, begin)
        while at >= 0 and not _begins(text, at):
            at = where.find(char, at + 1)
        if at < 0 or not _fits(wanted[number + 1 :], where, at + 1):
            at = where.find(char, begin)
        places.append(at)
    return places


def _fits(wanted: str, where: str, begin: int) -> bool:
    for char in wanted:
        begin = where.find(char, begin) + 1
        if not begin:
            return False
    return True


def _points(places: Sequence[int], text: str) -> int:
    total = 0
    for number, at in enumerate(places):
        gap = at - places[number - 1] - 1 if number else 0
        bonus = WORD if _begins(text, at) else 0
        if number == 0:
            bonus *= 2
        elif not gap:
            bonus = max(bonus, NEXT)
        else:
            total -= GAP + FURTHER * (gap - 1)
        total += MATCH + bonus
    return total


def _begins(text: str, at: int) -> bool:
    if at == 0:
        return True
    before, here = text[at - 1], text[at]
    return (
        before in _BREAKS
        or (before.islower() and here.isupper())
        or (here.isdigit() and not before.isdigit())
    )


def best(wanted: str, texts: Iterable[str], most: int) -> Sequence[int]:
    """The numbers of the texts that fit best, at most `most`: the better, then the shorter first.

    Several words must each fit.
    """
    words = wanted.split()
    found = []
    for number, text in enumerate(texts):
        total = 0
        for word in words:
            points = score(word, text)
            if points is None:
                break
            total += points
        else:
            found.append((-total, len(text), number))
    return [number for *_, number in heapq.nsmallest(most, found)]
