"""What is typed after `:` -> where to go. `runs fraud /auc`, `:models`, `:versions fraud`."""

from collections.abc import Sequence
from typing import NamedTuple

from modeldeck.backends.api.errors import UsageError

NOUNS = {
    "overview": ("ov", "home"),
    "experiments": ("experiment", "exp", "e"),
    "runs": ("run", "r"),
    "models": ("model", "m"),
    "versions": ("version", "v"),
    "audit": ("events", "au"),
    "quit": ("q", "q!"),
}


class Goal(NamedTuple):
    """A noun, what it is of (an experiment, a model), a filter."""

    noun: str
    of: str = ""
    where: str = ""


def parse_goal(text: str) -> Goal:
    """The goal of `noun [of] [/filter] [key=value ...]`; UsageError when there is no such noun."""
    words, slash, where = text.strip().partition("/")
    parts = words.split()
    if not parts:
        raise UsageError("go where?", way_out=f"One of {', '.join(NOUNS)}")
    noun = noun_of(parts[0])
    terms = [f"tags.{part}" for part in parts[1:] if "=" in part]
    names = [part for part in parts[1:] if "=" not in part]
    if slash and where:
        terms.insert(0, where.strip())
    return Goal(noun, " ".join(names), " and ".join(terms))


def noun_of(word: str) -> str:
    """The noun of one of its spellings."""
    for noun, also in NOUNS.items():
        if word == noun or word in also:
            return noun
    begins = [noun for noun in NOUNS if noun.startswith(word)]
    if len(begins) == 1:
        return begins[0]
    raise UsageError(f"there is no {word!r} to go to", way_out=f"One of {', '.join(NOUNS)}")


def completions(text: str, names: Sequence[str]) -> list[str]:
    """How `text` could go on; `names` are those of experiments and models that are known."""
    head, space, tail = text.partition(" ")
    if not space:
        return [noun for noun in NOUNS if noun.startswith(head) and noun != head]
    return [f"{head} {name}" for name in names if name.startswith(tail) and name != tail]
