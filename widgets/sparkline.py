"""A series in one row of a table."""

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-:=+*#"


def spark(values: Sequence[float | None], width: int, ascii: bool = False) -> str:  # noqa: A002
    """Draw `values`, equally spaced, as one row of exactly `width` cells.

    Every cell stands for an equal share of the values and shows the extreme (of its lowest and its
    highest) that lies further from the median of all: a spike of one value is seen, up or down.
    A cell with no number in it (NaN, None) is blank; one with an infinity shows an arrow, since
    that is further out than any number. The height is relative to the values given. Fewer values
    than cells take one cell each, from the left.
    """
    levels = _ASCII if ascii else _BLOCKS
    up, down = ("^", "v") if ascii else ("▲", "▼")
    known = [math.nan if value is None else float(value) for value in values]
    finite = sorted(value for value in known if math.isfinite(value))
    lowest, highest = (finite[0], finite[-1]) if finite else (0.0, 0.0)
    middle = finite[len(finite) // 2] if finite else 0.0
    cells = max(0, min(width, len(known)))
    out = []
    for cell in range(cells):
        part = known[cell * len(known) // cells : (cell + 1) * len(known) // cells]
        part = [value for value in part if not math.isnan(value)]
        if not part:
            out.append(" ")
            continue
        low, high = min(part), max(part)
        # Halved, since the difference of two floats may overflow.
        value = high if high / 2 - middle / 2 >= middle / 2 - low / 2 else low
        if math.isinf(value):
            out.append(up if value > 0 else down)
        elif lowest == highest:
            out.append(levels[len(levels) // 2 - 1])
        else:
            out.append(levels[_level(value, lowest, highest, len(levels))])
    return "".join(out).ljust(max(0, width))


def _level(value: float, lowest: float, highest: float, levels: int) -> int:
    span = highest - lowest
    share = (
        (value - lowest) / span
        if math.isfinite(span)
        else (value / 2 - lowest / 2) / (highest / 2 - lowest / 2)
    )
    return min(levels - 1, int(share * levels))
