"""How sure are the totals? Refits to samples of the customers, and futures drawn with each: for all, per tier, per customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.draws import Draws, draws_of
from crmkit.analyses.clv.values import Refits, Total, Values
from crmkit.core.language import mark
from crmkit.models.basics.draws import percentiles
from crmkit.models.purchases.spend import SpendFit, spend_draws

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_SIMULATED = 4_000_000
FUTURES_EACH = 10
ALL = mark("All customers")
PURCHASES, MONTHS, VALUE = mark("Expected purchases"), mark("Expected months paid"), mark("Expected value")
LIMITS = ("low", "high", "outcome_low", "outcome_high")


def resample(
    values: Values,
    models: Sequence[Any],
    spend: SpendFit | None,
    *,
    method: str,
    per: float,
    confidence: float = 0.95,
) -> Values:
    """The values with intervals from refits in place of those of the delta method.

    Parameters
    ----------
    values : Values
        With a horizon that ends, unless customers are under contract; sums are made for each of its tiers.
    models : sequence of fitted models
        Its model with other parameters, from the customers it was fitted to.
    spend : SpendFit or None
    method : {"bootstrap", "normal"}
    per : float
        Days per unit of time of the model.
    confidence : float

    Returns
    -------
    Values
        ``purchases`` and ``clv`` hold their new limits, and ``refits`` the rest.

    Notes
    -----
    Each draw takes parameters from a refit to customers drawn with replacement (above 300,000 different histories: from the
    normal approximation), and then each customer's purchases and spend from their posterior. With very many customers fewer
    futures are drawn. Tiers are those of the estimate.
    """
    import pandas as pd

    spends = _spends(spend, len(models))
    who, n = values.customers, len(values.customers)
    valued = values.clv is not None
    names, place = np.unique(who["tier"].to_numpy(dtype="str"), return_inverse=True)
    engine = draws_of(values, models, spends, per, who)
    count = max(20, min(len(models), MOST_SIMULATED // max(n, 1)))
    expected, outcome = _sums(engine, len(models), count, place, len(names))
    points = [who["expected_purchases"].to_numpy(), who["clv"].to_numpy()]
    kinds = [(MONTHS if values.under_contract else PURCHASES, "count"), (VALUE, "money")]
    both = (*_limits(expected, confidence), *_limits(outcome, confidence))
    rows: list[dict[str, Any]] = []
    for m, (measure, unit) in enumerate(kinds[: 1 + valued]):
        value = _per_group(points[m], place, len(names))
        for g, group in enumerate([ALL, *names.tolist()]):
            size = n if g == 0 else int((place == g - 1).sum())
            limits = {name: float(limit[m, g]) for name, limit in zip(LIMITS, both, strict=True)}
            rows.append({"group": group, "measure": measure, "value": value[g], **limits, "n": size, "unit": unit})
    table = pd.DataFrame(rows)
    table = table[table["value"].notna()].reset_index(drop=True)
    whole = table[table["group"] == ALL].set_index("measure")
    return replace(
        values,
        purchases=_total(whole, kinds[0][0]),
        clv=_total(whole, VALUE),
        refits=Refits(models, method, spends, per, table, count),
    )


def customer_limits(values: Values, who: pd.DataFrame, *, confidence: float, seed: int = 3) -> pd.DataFrame | None:
    """Between which limits will the value of single customers lie?

    Parameters
    ----------
    values : Values
        With ``refits``.
    who : DataFrame
        Some of its customers, at most a few thousand.
    confidence : float
    seed : int

    Returns
    -------
    DataFrame or None
        In the order of ``who``: ``low, high`` of the expected value by the parameters alone, and ``outcome_low, outcome_high``
        of what the customer will really bring: 10 futures with each refit. None without refits or without values in money.
    """
    import pandas as pd

    if values.refits is None or values.clv is None or who.empty:
        return None
    refits, rng = values.refits, np.random.default_rng(seed)
    engine = draws_of(values, refits.models, refits.spends, refits.per, who)
    drawn = [(engine.expected(turn)[1], engine.drawn(turn, rng, FUTURES_EACH)[1]) for turn in range(len(refits.models))]
    expected, outcome = np.array([one for one, _ in drawn]), np.concatenate([other for _, other in drawn])
    limits = (*percentiles(expected, confidence), *percentiles(outcome, confidence))
    return pd.DataFrame(dict(zip(LIMITS, limits, strict=True)), index=who.index)


def _spends(spend: SpendFit | None, draws: int) -> list[SpendFit]:
    if spend is None:
        return []
    moved = spend_draws(spend, draws=draws, seed=1)
    return [replace(spend, params=MappingProxyType(dict(one.params))) for one in moved.fits()]


def _sums(engine: Draws, turns: int, futures: int, place: NDArray[np.intp], tiers: int) -> tuple[Floats, Floats]:
    """Sums per group: what is expected with each draw of the parameters, and what customers then do; (draws, 2, 1 + tiers)."""
    rng = np.random.default_rng(2)
    expected, outcome = [], []
    for turn in range(turns):
        expected.append([_per_group(one, place, tiers) for one in engine.expected(turn)])
        if turn < futures:
            drawn = engine.drawn(turn, rng)
            outcome.append([_per_group(None if one is None else one[0], place, tiers) for one in drawn])
    return np.array(expected), np.array(outcome)


def _per_group(each: Floats | None, place: NDArray[np.intp], tiers: int) -> Floats:
    """The sum over all customers, then over those of each tier."""
    if each is None:
        return np.full(1 + tiers, np.nan)
    return np.array([each.sum(), *np.bincount(place, weights=each, minlength=tiers)])


def _limits(drawn: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of each sum over its finite draws: a few parameters may let customers pay without end."""
    flat = drawn.reshape(len(drawn), -1)
    ends = np.full((2, flat.shape[1]), np.nan)
    for column in range(flat.shape[1]):
        finite = flat[np.isfinite(flat[:, column]), column]
        if len(finite) > 1:
            ends[:, column] = np.ravel(percentiles(finite[:, None], confidence))
    return ends[0].reshape(drawn.shape[1:]), ends[1].reshape(drawn.shape[1:])


def _total(whole: pd.DataFrame, measure: str) -> Total | None:
    if measure not in whole.index:
        return None
    row = whole.loc[measure]
    value = float(row["value"])
    return Total(value, min(value, float(row["low"])), max(value, float(row["high"])))
