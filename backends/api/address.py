"""Everything has an address: `runs/3f2a9c`, `models/fraud/13`, `models/fraud@champion`.

Names are percent-encoded where a character would read as part of the address.
"""

from urllib.parse import quote, unquote

from msgspec import Struct

from .errors import UsageError
from .text import exact

NOUNS = ("experiments", "runs", "models", "events")
_SHAPES = (
    "An address is runs/ID, experiments/ID, models/NAME, models/NAME/VERSION or models/NAME@ALIAS"
)
_PLAIN = " .-_~+!$&'()*,;=:"


class Address(Struct, frozen=True, kw_only=True):
    """The parts of an address. `name` is an id, or a model's name; empty for the whole list."""

    noun: str
    name: str = ""
    version: int | None = None
    alias: str | None = None
    context: str = ""

    def __str__(self) -> str:
        parts = [_quoted(self.context)] if self.context else []
        parts.append(self.noun)
        if self.name or self.version is not None or self.alias is not None:
            parts.append(_quoted(self.name))
        text = "/".join(parts)
        if self.version is not None:
            return f"{text}/{self.version}"
        return text if self.alias is None else f"{text}@{_quoted(self.alias)}"


def _quoted(text: str) -> str:
    return quote(exact(text), safe=_PLAIN)


def experiment(name: str) -> str:
    """The address of an experiment by its id."""
    return str(Address(noun="experiments", name=name))


def run(run_id: str) -> str:
    """The address of a run."""
    return str(Address(noun="runs", name=run_id))


def model(name: str) -> str:
    """The address of a model."""
    return str(Address(noun="models", name=name))


def version(name: str, number: int) -> str:
    """The address of a version."""
    return str(Address(noun="models", name=name, version=number))


def alias(name: str, word: str) -> str:
    """The address of an alias."""
    return str(Address(noun="models", name=name, alias=word))


def parse_address(text: str) -> Address:
    """The parts of `text`; UsageError when it is none."""
    parts = text.split("/")
    context = ""
    if parts[0] not in NOUNS and len(parts) > 1 and parts[1] in NOUNS:
        context = unquote(parts.pop(0))
    noun = parts[0]
    if noun not in NOUNS or len(parts) > (3 if noun == "models" else 2):
        raise UsageError(f"{text!r} is no address", way_out=_SHAPES)
    name, at, word = (parts[1] if len(parts) > 1 else "").partition("@")
    if at and (noun != "models" or len(parts) == 3):
        raise UsageError(f"{text!r} is no address", way_out=_SHAPES)
    number = None
    if len(parts) == 3:
        if not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 19):
            raise UsageError(
                f"{parts[2]!r} in {text!r} is no version", way_out="A version is a number"
            )
        number = int(parts[2])
    return Address(
        noun=noun,
        name=unquote(name),
        version=number,
        alias=unquote(word) if at else None,
        context=context,
    )
