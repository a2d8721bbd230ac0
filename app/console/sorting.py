"""The order of a list as its sort text says: one column, or several, one after the other."""

from collections.abc import Sequence

from modeldeck.app.usecases.words import field_text, sort_of
from modeldeck.backends.api.errors import FilterError
from modeldeck.backends.api.query import Vocabulary

Keys = tuple[tuple[str, bool], ...]
"""Keys of columns in turn, each with whether downwards."""


def sort_keys(text: str, vocabulary: Vocabulary) -> Keys:
    """What a sort text says; nothing for one that does not parse."""
    try:
        return tuple((str(one.field), one.descending) for one in sort_of(text, vocabulary))
    except FilterError:
        return ()


def sort_text(keys: Sequence[tuple[str, bool]]) -> str:
    """The sort text of these columns."""
    return ", ".join("-" * descending + field_text(key) for key, descending in keys)


def sorted_by(keys: Keys, column: str) -> Keys:
    """By this column alone, downwards; again, the other way."""
    return ((column, keys != ((column, True),)),)


def sorted_also_by(keys: Keys, column: str) -> Keys:
    """By this column after the others, downwards; one that is there turns in its place."""
    if column in dict(keys):
        return tuple((key, down != (key == column)) for key, down in keys)
    return (*keys, (column, True))
