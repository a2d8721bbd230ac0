"""Filter and sort texts of a list, read with the words of its noun."""

from collections.abc import Sequence

from modeldeck.backends.api.errors import FilterError
from modeldeck.backends.api.query import Expression, Field, Sort, Vocabulary

from .session import Session


def filter_of(session: Session, text: str, vocabulary: Vocabulary) -> Expression | None:
    """The terms of a filter text; None when it is blank. Relative times count from now."""
    if not text or text.isspace():
        return None
    from modeldeck.backends.api.parse import parse_filter

    return parse_filter(text, vocabulary, session.clock())


def sort_of(text: str, vocabulary: Vocabulary) -> Sequence[Sort]:
    """The sorts of a sort text. An error says that it is the sort that does not parse."""
    if not text or text.isspace():
        return ()
    from modeldeck.backends.api.parse import parse_sort

    try:
        return parse_sort(text, vocabulary)
    except FilterError as error:
        error.where = f"sort, character {error.position + 1}"
        raise


def fields_of(text: str, vocabulary: Vocabulary) -> Sequence[Field]:
    """The fields that a text names. An error says that they are those of `--by`."""
    from modeldeck.backends.api.parse import parse_fields

    try:
        return parse_fields(text, vocabulary)
    except FilterError as error:
        error.where = f"--by, character {error.position + 1}"
        raise


def field_text(key: str) -> str:
    """A field as filters and sorts write it: a key with odd characters stands in quotes."""
    of, dot, name = key.partition(".")
    if not dot or (name and not set(name) & _ODD and not any(map(str.isspace, name))):
        return key
    return f"{of}.{quoted_text(name)}"


def quoted_text(text: str) -> str:
    """A text in quotes, as filters read it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_ODD = frozenset("()\"'`,=<>!~")
