"""What do estimates and differences of many groups look like? Values with interval, n and method, side by side in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from crmkit.core.errors import ModelError, ParamError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimates:
    """One estimate per group, each with its interval.

    Parameters
    ----------
    value, low, high : arrays of equal shape
        Estimate and limits in the unit that the function states; nan where a group has no answers.
    n : array
        Answers, or effective answers where they are weighted.
    method : str
        How the interval was made.
    """

    value: Floats
    low: Floats
    high: Floats
    n: Floats
    method: str

    def table(self, groups: ArrayLike | None = None) -> pd.DataFrame:
        """As a table: group (where given), value, low, high, n, method."""
        return _table(self, groups, ("value", "low", "high", "n"))


@dataclass(frozen=True, eq=False)
class Differences:
    """Second minus first, one difference per pair, each with its interval and p-value.

    Parameters
    ----------
    value, low, high : arrays of equal shape
        Difference and limits in the unit that the function states.
    p_value : array
        Two-sided, for "no difference"; below 1 - confidence exactly where the interval leaves 0 out.
    n_first, n_second : arrays
        Answers on each side, or effective answers.
    method : str
        How interval and p-value were made.
    """

    value: Floats
    low: Floats
    high: Floats
    p_value: Floats
    n_first: Floats
    n_second: Floats
    method: str

    def table(self, groups: ArrayLike | None = None) -> pd.DataFrame:
        """As a table: group (where given), value, low, high, p_value, n_first, n_second, method."""
        return _table(self, groups, ("value", "low", "high", "p_value", "n_first", "n_second"))


def critical(confidence: float) -> float:
    """Which normal deviate bounds a two-sided interval?

    Parameters
    ----------
    confidence : float
        Coverage, between 0 and 1, both excluded.

    Returns
    -------
    float

    Raises
    ------
    ParamError
        When it lies outside.

    Examples
    --------
    >>> round(critical(0.95), 6)
    1.959964
    """
    if not 0 < confidence < 1:
        raise ParamError(f"confidence is {confidence}; it must lie between 0 and 1, for example 0.95")
    return float(ndtri(0.5 + confidence / 2))


def same_shape(what: str, *arrays: ArrayLike) -> list[Floats]:
    """Arrays as floats of one common shape, at least one-dimensional.

    Raises
    ------
    ModelError
        When the shapes do not go together.
    """
    floats = [np.atleast_1d(np.asarray(array, dtype=np.float64)) for array in arrays]
    try:
        return [np.array(array) for array in np.broadcast_arrays(*floats)]
    except ValueError as err:
        shapes = ", ".join(str(array.shape) for array in floats)
        raise ModelError(f"{what}: arrays of different shapes, {shapes}; give one value per group") from err


def _table(found: Estimates | Differences, groups: ArrayLike | None, names: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, object] = {} if groups is None else {"group": np.asarray(groups)}
    columns |= {name: getattr(found, name) for name in names}
    return pd.DataFrame(columns).assign(method=found.method)
