"""Names, texts and numbers as MLflow's filter grammar takes them; None for what it cannot say.

It is sqlparse's SQL with `AND` alone. A backslash there escapes a quote, in LIKE of some databases
any character, and in others nothing: texts that hold one are not sent.
"""

import math
from collections.abc import Sequence

from ..api.evaluate import literal

_LONGEST = 1000


def key(of: str, name: str) -> str | None:
    """A key of metrics, params or tags."""
    if not name or name != name.strip() or not _plain(name) or "`" in name or '"' in name:
        return None
    return f"{of}.`{name}`"


def text(value: str) -> str | None:
    """A text in quotes."""
    if not _plain(value):
        return None
    if "'" not in value:
        return f"'{value}'"
    return None if '"' in value else f'"{value}"'


def texts(values: Sequence[str]) -> str | None:
    """Texts in quotes and parentheses."""
    found = [text(value) for value in values]
    if not found or None in found or any("'" in value for value in values):
        return None
    return f"({', '.join(filter(None, found))})"


def number(value: float) -> str | None:
    """A finite number; a plus in its exponent would be read as an addition."""
    return repr(float(value)).replace("e+", "e") if math.isfinite(value) else None


def found_in(wanted: str) -> tuple[str | None, bool]:
    """The pattern of ILIKE that holds for all that `~ wanted` finds, and whether for no more.

    What is not ASCII stands as `%`: databases fold the case of other letters as they like. So do k,
    s and i in such a text, which Python takes for a Kelvin sign, a long s and a dotless i too.
    """
    plain = literal(wanted)
    if plain is None:
        return None, False
    if not plain.isascii():
        plain = "".join("%" if not char.isascii() or char in "kKsSiI" else char for char in plain)
        return text(f"%{plain}%"), False
    return text(f"%{plain}%"), not set("%_") & set(plain)


def _plain(value: str) -> bool:
    return len(value) <= _LONGEST and "\\" not in value and value.isprintable()
