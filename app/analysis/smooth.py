"""Smoothing of a series as TensorBoard does it: an exponential mean that does not lag at first."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = 1e100
"""How much larger than the last one the first weight of a block may be."""


def smoothed(y: NDArray[Any], weight: float) -> NDArray[np.float64]:
    """Return the exponential moving mean of `y` (any unit), debiased, point by point.

    `weight` is that of what came before, 0 to below 1. With m the mean so far (0 at first) and k
    finite values up to here: m = weight * m + (1 - weight) * y, and given is m / (1 - weight^k)
    (TensorBoard, vz_line_chart2, resmoothDataset; the correction is that of Adam, Kingma and Ba
    2015). NaN and infinities stay where they are and count for nothing.
    """
    values = np.asarray(y, dtype=np.float64)
    if not 0 <= weight < 1:
        msg = f"a weight lies from 0 up to below 1, not at {weight}"
        raise ValueError(msg)
    found = values.copy()
    good = np.isfinite(values)
    finite = values[good]
    if not weight or not len(finite):
        return found
    # Within -1 to 1 no sum overflows, and 0 stays 0.
    size = float(np.abs(finite).max()) or 1.0
    means = _means(finite / size, weight)
    counts = np.arange(1, len(finite) + 1)
    # A mean lies among its values; rounding must not lead out of them.
    means = (means / -np.expm1(counts * math.log(weight))).clip(-1, 1) * size
    found[good] = means.clip(finite.min(), finite.max())
    return found


def _means(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Return the mean after each value, block by block: a sum of values that are scaled up."""
    length = max(1, int(math.log(_LARGEST) / -math.log(weight)))
    down = weight ** np.arange(1, length + 1, dtype=np.float64)
    up = (1 - weight) / down
    found = np.empty(len(values))
    mean = 0.0
    for start in range(0, len(values), length):
        part = values[start : start + length]
        count = len(part)
        sums = np.cumsum(part * up[:count])
        found[start : start + count] = (sums + mean) * down[:count]
        mean = float(found[start + count - 1])
    return found
