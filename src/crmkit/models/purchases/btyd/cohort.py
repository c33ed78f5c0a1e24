"""How many repeat purchases should a whole cohort have made by now?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.newcomers import expected_purchases_new

Floats = NDArray[np.float64]


def expected_cumulative(fit: Fitted, acquired_at: ArrayLike, times: ArrayLike, n: ArrayLike | None = None) -> Floats:
    """How many repeat purchases in all are expected up to each of these times?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    acquired_at : array_like, shape (rows,)
        When customers made their first purchase, on the calendar of the cohort and in the unit of the fit.
    times : array_like, shape (k,)
        Calendar times to track at; differences of the result are the expected purchases per period.
    n : array_like, shape (rows,), optional
        Customers acquired then; 1 when left out.

    Returns
    -------
    array of float64, shape (k,)
        Cumulative expected repeat purchases; a customer acquired later than a time adds nothing to it.

    Raises
    ------
    ModelError
        Where n does not match, or a time is missing or infinite.

    Notes
    -----
    Sum over customers of E[X(time - acquired_at)], with E evaluated once per different span.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> expected_cumulative(fit, [0, 1], [1, 3], n=[100, 50]).round(2).tolist()
    [5.33, 20.26]
    """
    born, when = np.asarray(acquired_at, dtype=np.float64), np.asarray(times, dtype=np.float64)
    counts = np.ones_like(born) if n is None else np.asarray(n, dtype=np.float64)
    if counts.shape != born.shape:
        raise ModelError(f"tracking: n has shape {counts.shape}, acquired_at has {born.shape}.")
    if not (np.isfinite(born).all() and np.isfinite(when).all()):
        raise ModelError("tracking: a time is missing or infinite; leave these customers out and count them.")
    births, position = np.unique(born, return_inverse=True)
    size = np.bincount(position, counts, len(births))
    spans = np.maximum(when[:, None] - births, 0.0)
    different, place = np.unique(spans, return_inverse=True)
    expected = expected_purchases_new(fit, different)[place.reshape(spans.shape)]
    return np.asarray(np.einsum("ij,j->i", expected, size))
