"""What is typed after `:` -> where to go: `runs fraud /metrics.auc > 0.9 team=risk`, `q`."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from modeldeck.app.nouns import NOUNS
from modeldeck.app.usecases.asked import APPROVALS, INBOX
from modeldeck.app.usecases.trash_words import TRASH
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.query import EVENTS, EXPERIMENTS, MODELS, RUNS, VERSIONS, Vocabulary

OF = {
    "runs": "experiments",
    "versions": "models",
    "history": "models",
    "contexts": "contexts",
    "views": "views",
}
"""Whose names may follow a noun."""
_WORDS: dict[str, Vocabulary] = {
    "experiments": EXPERIMENTS,
    "runs": RUNS,
    "models": MODELS,
    "versions": VERSIONS,
    "inbox": INBOX,
    "approvals": APPROVALS,
    "audit": EVENTS,
    "trash": TRASH,
}
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_TERM = re.compile(r"([\w.-]+)=(\S+)")
_SIMPLE = re.compile(r"[\w.:+-]+")
_OPEN = ("and", "or", "not", "in", "(", ",", "=", "!=", "<", "<=", ">", ">=", "~", "!~")


class Goal(NamedTuple):
    """A noun, what it is of (an experiment, a model), a filter; `context` where it is elsewhere.

    Of `contexts` it names one to open.
    """

    noun: str
    of: str = ""
    where: str = ""
    context: str = ""


def parse_goal(text: str) -> Goal:
    """The goal of `noun [of] [/filter] [key=value ...] [@context]`.

    UsageError when there is no such noun. A context alone means its overview.

    `key=value` is a field of the noun where it has one of that name, else a tag.
    """
    pieces = _PIECE.findall(text)
    if not pieces:
        raise UsageError("go where?", way_out=f"One of {', '.join(NOUNS)}")
    context = ""
    if len(pieces[-1]) > 1 and pieces[-1].startswith("@") and not _goes_on(" ".join(pieces[-2:-1])):
        context = pieces.pop()[1:]
    noun = noun_of(pieces.pop(0)) if pieces else "overview"
    names, tail = pieces, []
    for place, piece in enumerate(pieces):
        if piece.startswith("/"):
            names, tail = pieces[:place], [piece[1:], *pieces[place + 1 :]]
            break
    last: list[str] = []
    while tail and _TERM.fullmatch(tail[-1]) and (len(tail) == 1 or not _goes_on(tail[-2])):
        last.insert(0, tail.pop())
    where = " ".join(piece for piece in tail if piece)
    terms = [where] if where else []
    if where and last:
        terms = [f"({where})"] if re.search(r"\bor\b", where) else [where]
    terms += [_term(noun, piece) for piece in names if _TERM.fullmatch(piece)]
    terms += [_term(noun, piece) for piece in last]
    of = " ".join(_unquoted(piece) for piece in names if not _TERM.fullmatch(piece))
    if of and noun not in OF:
        raise UsageError(f"{noun} are not of anything", way_out=f"`:{noun} /{of}` filters them")
    return Goal(noun, of, " and ".join(terms), context)


def vocabulary_of(noun: str) -> Vocabulary | None:
    """The words that a filter of a noun may hold; None where it has no filter."""
    return _WORDS.get(noun)


def address_in(text: str) -> Address | None:
    """The address that was typed, None when it is none: `runs /x` is a noun and a filter."""
    word = text.strip()
    if "/" not in word or " /" in word:
        return None
    try:
        found = parse_address(word)
    except UsageError:
        return None
    return found if found.name else None


def _goes_on(piece: str) -> bool:
    return piece.lower() in _OPEN or piece.endswith(("(", ",", "=", "<", ">", "~"))


def _term(noun: str, piece: str) -> str:
    key, _, value = piece.partition("=")
    words = _WORDS.get(noun)
    known = words is not None and (words.attribute(key.lower()) or "." in key)
    if not _SIMPLE.fullmatch(value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{key} = {value}" if known else f"tags.{key} = {value}"


def _unquoted(piece: str) -> str:
    if len(piece) > 1 and piece[0] == piece[-1] == '"':
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    return piece


def quoted(name: str) -> str:
    """A name as it is typed after a noun."""
    odd = not name or name != " ".join(name.split()) or name.startswith(("/", '"')) or "=" in name
    odd = odd or any(word.startswith("@") for word in name.split())
    if odd or " /" in name or ' "' in name:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return name


def noun_of(word: str) -> str:
    """The noun of one of its spellings, or of a beginning that only it has."""
    for noun, also in NOUNS.items():
        if word == noun or word in also:
            return noun
    begins = [noun for noun in NOUNS if noun.startswith(word)]
    if len(begins) == 1:
        return begins[0]
    spellings = {name: noun for noun, also in NOUNS.items() for name in (noun, *also)}
    near = get_close_matches(word.lower(), list(spellings), 1, 0.5)
    raise UsageError(
        f"there is no {word!r} to go to",
        way_out=f"Did you mean {spellings[near[0]]}?" if near else f"One of {', '.join(NOUNS)}",
    )


def completions(text: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """How `text` could go on; `names` are the experiments and models that are known."""
    start, _, last = text.rpartition(" ")
    if last.startswith("@"):
        begin = f"{start} @" if start else "@"
        contexts = [begin + name for name in names.get("contexts", ())]
        return [one for one in contexts if one.startswith(text) and one != text]
    head, space, tail = text.partition(" ")
    if not space:
        return [noun for noun in NOUNS if noun.startswith(head) and noun != head]
    try:
        known = names.get(OF.get(noun_of(head), ""), ())
    except UsageError:
        return []
    found = [quoted(name) for name in known]
    return [f"{head} {name}" for name in found if name.startswith(tail) and name != tail]
