"""How sure are the totals? What is not known about the parameters, and what single customers may do, told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fitting import NAMES, Models, cells
from crmkit.analyses.clv.history import History
from crmkit.analyses.clv.terms import Values, lacking
from crmkit.analyses.clv.tiering import assign_tiers
from crmkit.analyses.clv.value import different_histories
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Column, Numbers, Quantity, Result, Text, not_assessed
from crmkit.models import btyd
from crmkit.models.btyd.bootstrap import parameter_draws
from crmkit.models.btyd.future import draw_purchases
from crmkit.models.draws import percentiles
from crmkit.models.spend import SpendFit, draw_spend, expected_spend, spend_draws

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_SIMULATED = 4_000_000
ALL = mark("All customers")


def intervals(
    past: History, models: Models, values: Values | None, *, cuts: Sequence[float], by: str = "value_rank", draws: int = 200
) -> Result:
    """Between which limits will purchases and revenue lie, for all customers and for each tier?

    Parameters
    ----------
    past, models, values
        As computed for the page.
    cuts, by
        As for :func:`crmkit.analyses.clv.tiers.tiers`.
    draws : int
        Refits to samples of the customers, and futures drawn with each.

    Returns
    -------
    Result
        One row per tier and measure: ``group, measure, value``; ``low, high`` = parameters only; ``outcome_low,
        outcome_high`` = parameters and the chance of what single customers do. Revenue is not discounted, times the margin.

    Notes
    -----
    Each draw takes parameters from a refit to customers drawn with replacement (above 300,000 different histories: from the
    normal approximation), and then each customer's purchases and spend from their posterior. With very many customers fewer
    futures are drawn.
    """
    title = Text("How sure the totals are")
    if values is None or values.under_contract:
        return not_assessed("clv_intervals", title, lacking(values) or Text("no purchase model could be fitted"))
    if values.purchases is None or not values.terms.horizon_days:
        return not_assessed("clv_intervals", title, Text("a range of outcomes needs a horizon, and horizon_days is 0"))
    fit, per = models.final.fits[values.model], past.days_per_unit
    table = values.customers
    try:
        others = parameter_draws(cells(table, per), fit, draws=draws, seed=0)
    except ModelError as err:
        return not_assessed("clv_intervals", title, err.text)
    spend = models.final.spend
    tier = assign_tiers(table["clv" if spend is not None else "expected_purchases"].to_numpy(), cuts, by=by)
    names, place = np.unique(tier, return_inverse=True)
    futures = max(20, min(draws, MOST_SIMULATED // max(len(table), 1)))
    expected, outcome = _drawn(others, spend, values, per, place, len(names), futures=futures)
    margin = values.terms.margin
    each = None if spend is None else margin * (table["expected_purchases"] * table["expected_spend"]).to_numpy()
    best = _sums(table["expected_purchases"].to_numpy(), each, place, len(names))
    rows = _rows(best, percentiles(expected, past.confidence), percentiles(outcome, past.confidence), names)
    numbers: Numbers = {
        "model": NAMES[values.model],
        "span": values.terms.span(),
        "draws": Quantity(len(expected), "count"),
        "tuples": Quantity(fit.n_tuples, "count"),
        "futures": Quantity(len(outcome), "count"),
        "confidence": Quantity(past.confidence, "share"),
    }
    note = (
        Text(
            "{model}, {span}; {draws} refits to customers drawn with replacement, {futures} futures of every customer; "
            "{confidence} intervals.",
            numbers,
        )
        if others.method == "bootstrap"
        else Text(
            "{model}, {span}; with {tuples} different histories the parameters are as good as normal, so {draws} draws from "
            "their normal approximation (Laplace) stand in place of refits; {futures} futures of every customer; {confidence} "
            "intervals.",
            numbers,
        )
    )
    return Result("clv_intervals", "table", title, rows, columns=_columns(), note=note)


def _drawn(
    others: btyd.ParameterDraws,
    spend: SpendFit | None,
    values: Values,
    per: float,
    place: NDArray[np.intp],
    tiers: int,
    *,
    futures: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums per tier: what is expected with each draw of the parameters, and what single customers then do."""
    table, margin = values.customers, values.terms.margin
    x, tx, T = (table[name].to_numpy(dtype="float64") / scale for name, scale in zip(_TUPLE, (1, per, per), strict=True))
    horizon = values.terms.horizon_days / per
    unique, inverse, _ = different_histories(table)
    once = (unique[:, 0], unique[:, 1] / per, unique[:, 2] / per)
    moved = [] if spend is None else spend_draws(spend, draws=len(others), seed=1).fits()
    rng = np.random.default_rng(2)
    expected, outcome = [], []
    for turn, other in enumerate(others.fits()):
        # each different history once, found before the loop: looking for equal rows costs more than their forecast
        count = np.asarray(btyd.expected_purchases(other, horizon, *once))[inverse]
        money = None if spend is None else replace(spend, params=moved[turn].params)
        expected.append(_sums(count, _spent(money, table, count, margin), place, tiers))
        if turn < futures:
            drawn = draw_purchases(other, horizon, x, tx, T, draws=1, rng=rng)[0]
            paid = None if money is None else draw_spend(money, table["frequency"], table["monetary_value"], drawn, rng)
            outcome.append(_sums(drawn, None if paid is None else margin * paid, place, tiers))
    return np.array(expected), np.array(outcome)


_TUPLE = ("frequency", "recency_days", "T_days")


def _spent(
    spend: SpendFit | None, table: pd.DataFrame, count: NDArray[np.float64], margin: float
) -> NDArray[np.float64] | None:
    if spend is None:
        return None
    return np.asarray(margin * count * expected_spend(spend, table["frequency"], table["monetary_value"]))


def _sums(
    count: NDArray[np.float64], money: NDArray[np.float64] | None, place: NDArray[np.intp], tiers: int
) -> NDArray[np.float64]:
    """Purchases and money: all customers first, then each tier; shape (2, 1 + tiers)."""
    both = [count, np.full(len(count), np.nan) if money is None else money]
    return np.array([[one.sum(), *np.bincount(place, weights=one, minlength=tiers)] for one in both])


def _rows(
    best: NDArray[np.float64],
    parameters: tuple[NDArray[np.float64], NDArray[np.float64]],
    outcomes: tuple[NDArray[np.float64], NDArray[np.float64]],
    names: NDArray[np.str_],
) -> pd.DataFrame:
    import pandas as pd

    groups = [ALL, *names.tolist()]
    measures = [mark("Expected purchases"), mark("Expected revenue times margin")]
    rows = [
        {
            "group": group,
            "measure": measures[m],
            "value": best[m, g],
            "low": parameters[0][m, g],
            "high": parameters[1][m, g],
            "outcome_low": outcomes[0][m, g],
            "outcome_high": outcomes[1][m, g],
        }
        for m in (0, 1)
        for g, group in enumerate(groups)
        if not np.isnan(best[m, g])
    ]
    return pd.DataFrame(rows)


def _columns() -> tuple[Column, ...]:
    return (
        Column("group", "Tier", translate=True),
        Column("measure", "Measure", translate=True),
        Column("value", "Expected", "count"),
        Column("low", "Parameters: from", "count"),
        Column("high", "to", "count"),
        Column("outcome_low", "With chance: from", "count"),
        Column("outcome_high", "to", "count"),
    )
