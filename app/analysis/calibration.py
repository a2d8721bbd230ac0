"""How far stated probabilities are from what happened."""

import numpy as np
from numpy.typing import NDArray

from .unfit import UnfitError


def expected_error(
    labels: NDArray[np.float64], scores: NDArray[np.float64], bins: int = 15
) -> float:
    """Expected calibration error: mean |share of positives - mean score|, by bins of equal width.

    Guo et al. (2017). Bins are (low, high], 0 in the first. UnfitError without rows, and for scores
    that are no probabilities.
    """
    if not len(scores):
        raise UnfitError("there are no rows")
    if not bool(np.all((scores >= 0) & (scores <= 1))):
        raise UnfitError("scores are no probabilities between 0 and 1")
    place = np.clip(np.ceil(scores * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=labels - scores, minlength=bins)
    return float(np.abs(gaps).sum()) / len(scores)
