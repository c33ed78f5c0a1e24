"""How are the rows of a prediction read, and how is each different row evaluated only once?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.models.purchases.btyd.tuples import group_rows

Floats = NDArray[np.float64]

FEW = 200  # below this, looking for equal rows costs more than it saves


def each_once(function: Callable[..., Floats], *columns: Floats) -> Floats:
    """Evaluate a function of columns on the different rows only, and put the results back in the order of the rows."""
    columns = tuple(np.broadcast_arrays(*columns))
    shape = columns[0].shape
    flat = tuple(column.ravel() for column in columns)
    if columns[0].size <= FEW:
        return function(*flat).reshape(shape)
    groups = group_rows(flat)
    return function(*(codes.values[codes.position] for codes in groups.columns))[groups.inverse].reshape(shape)


def read_times(time: ArrayLike, name: str, shape: tuple[int, ...]) -> Floats:
    """Times >= 0, broadcast to the rows.

    Raises
    ------
    ModelError
        Where one is negative, missing or infinite.
    """
    given = np.asarray(time, dtype=np.float64)
    if not (np.isfinite(given).all() and (given >= 0).all()):
        worst = given.ravel()[~(np.isfinite(given) & (given >= 0)).ravel()][0]
        raise ModelError(Problem(f"prediction: {name}", f"is {worst}", "it is a time >= 0 in the unit of the fit"))
    return np.broadcast_to(given, np.broadcast_shapes(given.shape, shape))
