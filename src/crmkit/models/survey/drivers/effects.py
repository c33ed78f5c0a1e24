"""What would follow if a driver rose, and where does it pay to start?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.models.basics.families import holm
from crmkit.models.survey.drivers.importance import Importance


def what_if(found: Importance, *, rise: float = 0.5, highest: float | None = None) -> pd.DataFrame:
    """By how much would the outcome rise if the mean of one driver rose, the others held?

    Parameters
    ----------
    found : Importance
    rise : float
        Points on the driver's scale, not 0.
    highest : float, optional
        Highest point of the scale; a mean cannot rise beyond it.

    Returns
    -------
    pandas.DataFrame
        In the order of importance: `driver`; `mean_now`, `mean_then` in points; `value`, `low`, `high`: change of the outcome
        in its unit (points, or a share where the outcome is 0 and 1); `p_value`: for "no effect of its own", Holm over all
        drivers; `own_effect`: whether it holds; `possible`: whether the scale leaves room; `n`; `method`.

    Raises
    ------
    ModelError
        When rise is 0 or not a number.

    Notes
    -----
    Coefficient of a linear regression times the rise; interval and p-value from the bootstrap of respondents (normal
    deviate of its standard error for the p-value, percentiles for the interval). An association: it becomes an effect only
    if what else moves both has been held.
    """
    from scipy.special import ndtr

    if not np.isfinite(rise) or rise == 0:
        raise ModelError(f"what if: a rise of {rise:g} points changes nothing; give for example 0.5")
    tails = [(1 - found.confidence) / 2, (1 + found.confidence) / 2]
    low, high = np.quantile(found.effect_draws * rise, tails, axis=0)
    error = found.effect_draws.std(0, ddof=1)
    p_value = holm(2 * ndtr(-np.abs(found.effects) / np.where(error > 0, error, np.inf)))
    then = found.means + rise
    table = pd.DataFrame(
        {
            "driver": found.drivers,
            "mean_now": found.means,
            "mean_then": then,
            "value": found.effects * rise,
            "low": low,
            "high": high,
            "p_value": p_value,
            "own_effect": p_value < 1 - found.confidence,
            "possible": True if highest is None else then <= highest,
            "method": mark("regression, bootstrap"),
        }
    )
    listed = found.table[["driver", "n"]].merge(table, on="driver", validate="one_to_one")
    return listed[[*table.columns[:-1], "n", "method"]]


def importance_performance(found: Importance, *, lowest: float, highest: float) -> pd.DataFrame:
    """Which important drivers do badly: where does it pay to start?

    Parameters
    ----------
    found : Importance
    lowest, highest : float
        Ends of the drivers' scale, in points.

    Returns
    -------
    pandas.DataFrame
        In the order of importance: `driver`; `importance`, `importance_low`, `importance_high`: shares; `performance`,
        `performance_low`, `performance_high`: mean on 0 (lowest) to 100 (highest); `importance_cross`,
        `performance_cross`: where the lines of the map cross (an equal share; the mean weighted by importance); `field`:
        start here, keep it up, low priority, more than needed, not distinguishable from noise; `clear`: whether both
        intervals stay on one side of the lines; `n`.

    Raises
    ------
    ModelError
        When the scale is upside down, or a mean lies outside.
    """
    if not highest > lowest:
        raise ModelError(f"importance and performance: the scale goes from {lowest:g} to {highest:g}; give its lower end first")
    if (found.means < lowest - 1e-9).any() or (found.means > highest + 1e-9).any():
        bad = found.drivers[int(np.argmax((found.means < lowest) | (found.means > highest)))]
        raise ModelError(f"importance and performance: the mean of '{bad}' lies outside the scale {lowest:g} to {highest:g}")
    tails = [(1 - found.confidence) / 2, (1 + found.confidence) / 2]
    stretch = 100 / (highest - lowest)
    low, high = (np.quantile(found.mean_draws, tails, axis=0) - lowest) * stretch
    performance = pd.DataFrame(
        {
            "driver": found.drivers,
            "performance": (found.means - lowest) * stretch,
            "performance_low": low,
            "performance_high": high,
        }
    )
    names = {"value": "importance", "low": "importance_low", "high": "importance_high"}
    left = found.table[["driver", "value", "low", "high", "distinguishable", "n"]].rename(columns=names)
    table = left.merge(performance, on="driver", validate="one_to_one")
    table["importance_cross"] = 1 / len(table)
    table["performance_cross"] = np.average(table["performance"], weights=table["importance"])
    return _fields(table)


def _fields(table: pd.DataFrame) -> pd.DataFrame:
    strong = table["importance"] >= table["importance_cross"]
    weak = table["performance"] < table["performance_cross"]
    words = [mark("start here"), mark("keep it up"), mark("low priority"), mark("more than needed")]
    field = np.select([strong & weak, strong & ~weak, ~strong & weak], words[:3], default=words[3])
    noise = ~table["distinguishable"].to_numpy(bool)
    clear = np.ones(len(table), dtype=bool)
    for name in ("importance", "performance"):
        cross = table[f"{name}_cross"]
        clear &= ((table[f"{name}_low"] > cross) | (table[f"{name}_high"] < cross)).to_numpy()
    field = np.where(noise, mark("not distinguishable from noise"), field)
    table = table.assign(field=field, clear=clear & ~noise)
    return table[[*[c for c in table.columns if c not in ("n", "distinguishable")], "n"]]
