"""How probable is it that a customer of a shop does not buy in time? Two models, their mean, and which of them is believed.

One is the Cox model of the gaps between purchases: how long customers like this one take to come back, given how long they have
been silent. The other is the purchase model of the value report, which knows only how often and how recently somebody bought, and
that some are gone for good. Both are fitted to what was known by a day, and their level is set by the newest days whose horizon
was over by then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.churn.shop import Shop, customers_on, histories_by, known_by
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.models.purchases import btyd
from crmkit.models.survival import gaps as gm
from crmkit.models.survival.data.encoding import Recipe, apply_recipe, learn_recipe

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.purchases.btyd.fitting import Fit

Floats = NDArray[np.float64]

GAPS, PURCHASES, MEAN = mark("model of the gaps"), mark("purchase model"), mark("mean of both models")
RIVALS = (GAPS, PURCHASES, MEAN)
PURCHASE_MODELS = ("pareto_nbd", "mbgnbd")
EDGE = 1e-6
LEVEL_DAYS = 2
FEWEST_LEVEL = 20
SPREAD, STEPS = 0.25, 25
MOST_FITTED = 60_000
CLEARLY = 0.2


@dataclass(frozen=True, eq=False)
class Fits:
    """Both models of one day.

    Parameters
    ----------
    day : date
    gaps : RecurrentFit
    recipe : Recipe
        How features become columns of the model of the gaps.
    purchases : Fit or None
        None where no purchase model can be fitted.
    """

    day: dt.date
    gaps: gm.RecurrentFit
    recipe: Recipe
    purchases: Fit | None


@dataclass(frozen=True, eq=False)
class Chances:
    """Both models of one day with their level, and which of them is believed.

    Parameters
    ----------
    fits : Fits
    horizon_days : int
    levels : dict of str to pair of float
        How the log-odds of each model are moved and stretched, so that on the newest days whose horizon was over as many stayed
        away as it expected.
    behind : {"model of the gaps", "purchase model", "mean of both models"}
        What stands behind the list.
    confidence : float
    """

    fits: Fits
    horizon_days: int
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)
    behind: str = MEAN
    confidence: float = 0.95

    def believing(self, behind: str) -> Chances:
        """The same with another model behind the list."""
        return replace(self, behind=behind)


def fit_on(shop: Shop, day: dt.date, features: Sequence[str], *, chosen: Sequence[str] = (), engine: str = "rows") -> Fits:
    """Both models, of what was known by a day.

    Parameters
    ----------
    shop : Shop
    day : date
    features : sequence of str
        Columns of the gaps that a model may use.
    chosen : sequence of str
        Features to use; empty: all that can be.
    engine : {"rows", "auto"}
        As for :func:`~crmkit.models.survival.fit_cox`.

    Raises
    ------
    ModelError
        When no gap had ended by then, or no column explains anything.
    """
    rows = fitted_rows(shop, day)
    there = [name for name in features if rows[name].notna().any()]
    recipe = learn_recipe(rows, there, chosen=[name for name in chosen if name in there])
    X = apply_recipe(recipe, rows)
    found = gm.fit_gap_times(
        rows["duration_days"], rows["event_observed"], X, number=rows["number"], customer=rows["customer_id"], engine=engine
    )
    return Fits(day, found, recipe, _purchases(histories_by(shop, day)))


def fitted_rows(shop: Shop, day: dt.date) -> pd.DataFrame:
    """The gaps that the model of a day is fitted to."""
    rows = some(known_by(shop, day))
    return rows[rows["duration_days"] > 0].reset_index(drop=True)


def some(rows: pd.DataFrame) -> pd.DataFrame:
    """All gaps of as many customers as a model needs: every k-th of them, in the order of their ids."""
    every = -(-len(rows) // MOST_FITTED)
    if every <= 1:
        return rows
    place = rows.groupby("customer_id", sort=True).ngroup()
    return rows[place % every == 0].reset_index(drop=True)


def _purchases(known: pd.DataFrame) -> Fit | None:
    histories = btyd.tuples(known["frequency"], known["recency"], known["T"])
    for model in PURCHASE_MODELS:
        try:
            return btyd.fit(histories, model)
        except ModelError:  # nothing in the histories that this model could learn from; the next knows less
            continue
    return None


def each(fits: Fits, rows: pd.DataFrame, *, horizon_days: int, confidence: float) -> pd.DataFrame:
    """What each model says of some customers, before its level is set: a column per rival there is, limits, and the rest."""
    X = apply_recipe(fits.recipe, rows)
    found = gm.no_purchase_probability(
        fits.gaps,
        X,
        silence=rows["silence_days"],
        horizon=float(horizon_days),
        number=rows["number"],
        tail="constant",
        confidence=confidence,
    )
    table = found.rename(columns={"probability": GAPS})
    if fits.purchases is not None:
        history = (rows["frequency"], rows["recency"], rows["T"])
        table[PURCHASES] = 1 - btyd.probability_active(fits.purchases, float(horizon_days), *history)
        table["p_alive"] = btyd.probability_alive(fits.purchases, *history)
    return table


def log_odds(p: Floats | pd.Series[float]) -> Floats:
    """Logarithm of the odds, within what a computer can tell from 0 and 1."""
    q = np.clip(np.asarray(p, dtype="float64"), EDGE, 1 - EDGE)
    return np.asarray(np.log(q / (1 - q)))


def _odds(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def level(expected: Floats, left: NDArray[np.bool_]) -> tuple[float, float]:
    """How have log-odds to be moved and stretched so that as many stay away as expected, at high risk and at low?

    Returns
    -------
    tuple of float
        What is added, and the factor before it: of a logistic regression of what came on the log-odds, the factor held near 1
        where little came. (0, 1) where there is too little to tell.

    Notes
    -----
    Cox (1958), doi:10.1093/biomet/45.3-4.562. The factor has a normal prior around 1 of standard deviation SPREAD.
    """
    known = np.isfinite(expected)
    x, y = log_odds(expected[known]), left[known].astype("float64")
    if min(y.sum(), len(y) - y.sum()) < FEWEST_LEVEL:
        return 0.0, 1.0
    X, at = np.column_stack([np.ones(len(x)), x]), np.array([0.0, 1.0])
    prior = np.diag([0.0, 1 / SPREAD**2])
    for _ in range(STEPS):
        p = _odds(X @ at)
        step = np.linalg.solve((X * (p * (1 - p))[:, None]).T @ X + prior, X.T @ (y - p) - prior @ (at - [0.0, 1.0]))
        at = at + np.clip(step, -1.0, 1.0)
    return float(at[0]), float(at[1])


def levels_of(before: Sequence[tuple[pd.DataFrame, pd.Series[bool]]]) -> dict[str, tuple[float, float]]:
    """The level of each model, from what it said on earlier days and what came."""
    import pandas as pd

    if not before:
        return {}
    said = pd.concat([_both(table) for table, _ in before], ignore_index=True)
    left = np.concatenate([came.to_numpy(dtype=bool) for _, came in before])
    return {name: level(said[name].to_numpy(), left) for name in RIVALS if name in said}


def _both(table: pd.DataFrame) -> pd.DataFrame:
    """With the mean of the log-odds of both models."""
    if PURCHASES not in table:
        return table
    return table.assign(**{MEAN: _odds((log_odds(table[GAPS]) + log_odds(table[PURCHASES])) / 2)})


def chances(of: Chances, rows: pd.DataFrame) -> pd.DataFrame:
    """How probable is it that each customer buys nothing within the horizon?

    Returns
    -------
    DataFrame
        ``log_hazard_ratio`` (above 0: more likely to stay away), ``probability, low, high`` (of what is believed),
        ``beyond_support, missing_inputs``, a column per rival, ``p_alive`` where there is a purchase model, and ``apart``
        (whether the two models clearly differ).

    Notes
    -----
    The limits are those of the model of the gaps, moved to the probability that is believed.
    """
    table = _both(each(of.fits, rows, horizon_days=of.horizon_days, confidence=of.confidence))
    raw = log_odds(table[GAPS])
    for name in (name for name in RIVALS if name in table):
        add, factor = of.levels.get(name, (0.0, 1.0))
        table[name] = _odds(add + factor * log_odds(table[name]))
    p = table[of.behind if of.behind in table else GAPS]
    moved = log_odds(p) - raw
    return table.assign(
        probability=p,
        low=np.minimum(_odds(log_odds(table["low"]) + moved), p),
        high=np.maximum(_odds(log_odds(table["high"]) + moved), p),
        log_hazard_ratio=-table["log_hazard_ratio"],
        beyond_support=False,
        apart=np.abs(table[GAPS] - table[PURCHASES]) > CLEARLY if PURCHASES in table else False,
    ).drop(columns="basis")


def outcome(rows: pd.DataFrame, horizon_days: int) -> pd.Series[bool]:
    """Who of the customers of a day bought nothing within the horizon?"""
    return ~(rows["event_observed"] & (rows["ahead_days"] <= horizon_days))
