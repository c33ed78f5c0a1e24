"""What makes customers leave, and how probable is it for each? The model, fitted to cut-offs whose horizon is over."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.chances import GAPS, Chances, chances, each
from crmkit.analyses.churn.panel import Panel
from crmkit.analyses.churn.read import Past
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.models import survival as sv
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.data.encoding import Recipe, apply_recipe, learn_recipe
from crmkit.models.survival.regression.one_period import fit_one_period

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.survival import CoxFit, DiscreteFit

PER_MONTH = DAYS_PER["month"]
CLOCK_SHARE = 0.9
TIED_SHARE, TIED_DAYS = 0.8, 2
EVENTS_PER_COLUMN = 5
FEWEST_EVENTS, FEWEST_EACH = 20, 10


@dataclass(frozen=True, eq=False)
class Model:
    """A model of leaving within the horizon.

    Parameters
    ----------
    engine : {"cox", "cloglog", "once", "gaps"}
        Cox model on the time as a customer; complementary log-log by month, where contracts end by month; of one period, for
        declared silences; Cox model of the gaps between purchases, of a shop.
    fit : CoxFit or DiscreteFit
    recipe : Recipe
    horizon_days : int
    clock_days : int
        Time as a customer from which on customers are treated alike.
    cuts : tuple of date
        Cut-offs that it learned from.
    confidence : float
    chances : Chances or None
        Of a shop: the model of the gaps beside the purchase model, and which of them is believed.
    """

    engine: str
    fit: CoxFit | DiscreteFit
    recipe: Recipe
    horizon_days: int
    clock_days: int
    cuts: tuple[dt.date, ...]
    confidence: float
    chances: Chances | None = None


@dataclass(frozen=True, eq=False)
class Test:
    """One cut-off of the back-test.

    Parameters
    ----------
    cut : date
    model : Model
        Fitted to what was known on that day.
    rows : DataFrame
        Customers of that day with their features, what they did, and ``follow_days`` (beyond the horizon for who stayed).
    scores : DataFrame
        A column per rule, MODEL first: higher = more likely to leave; model and TENURE are probabilities. Of a shop the rows
        hold what each of its models said.
    """

    cut: dt.date
    model: Model
    rows: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Backtest:
    """Everything that was learned: the panel, the model of today, and its tests.

    Parameters
    ----------
    panel : Panel or None
    model : Model or None
    voluntary : Model or None
        The same for leaving of one's own will.
    tests : tuple of Test
    scores : DataFrame or None
        The customers of today: features and ``log_hazard_ratio, probability, low, high, beyond_support, missing_inputs``.
    leaks : DataFrame or None
        Hits of the leakage audit, with ``waived``.
    reason : Text or str
        Why there is no model; empty where there is one.
    """

    panel: Panel | None
    model: Model | None
    voluntary: Model | None
    tests: tuple[Test, ...]
    scores: pd.DataFrame | None
    leaks: pd.DataFrame | None
    reason: Text | str = ""


def fit_model(
    past: Past, panel: Panel, *, until: dt.date | None = None, chosen: Sequence[str] = (), engine: str = "rows"
) -> Model:
    """A model of who leaves within the horizon, from what was known by a day.

    Parameters
    ----------
    past : Past
    panel : Panel
    until : date or None
        Only cut-offs whose horizon was over on that day are learned from; None: ``as_of``.
    chosen : sequence of str
        Features to use; empty: all that can be.
    engine : {"rows", "auto"}
        Path of the Cox model, as for :func:`~crmkit.models.survival.fit_cox`: "auto" for what a page shows, "rows" for refits.

    Raises
    ------
    ModelError
        When too few customers left to learn from.

    Notes
    -----
    Rows of one customer follow each other without overlap where cut-offs are at least a horizon apart; then they are the
    stretches of a customer whose covariates change. Else standard errors are those by customer. The clock is the time as a
    customer, held at ``clock_days``: customers who came earlier than nearly all others have no one to be compared with.
    """
    cuts = panel.before(until or past.as_of, past)
    rows = panel.at(*cuts)
    events = int(rows["event_observed"].sum()) if len(rows) else 0
    if events < FEWEST_EVENTS:
        raise ModelError(
            f"churn model: {events} customers left within the horizon of {len(cuts)} earlier cut-offs; "
            f"at least {FEWEST_EVENTS} are needed to learn from"
        )
    recipe = learn_recipe(rows, panel.features, chosen=chosen)
    return _fit_to(past, rows, recipe, cuts, engine=engine)


def stretches(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, int]:
    """From when to when was each row under observation, in days as a customer, and where is that clock held?"""
    clock = int(np.quantile(rows["tenure_days"], CLOCK_SHARE))
    entry = np.minimum(rows["tenure_days"].to_numpy(dtype="float64"), clock)
    return entry, entry + rows["duration_days"].to_numpy(dtype="float64"), clock


def _fit_to(
    past: Past, rows: pd.DataFrame, recipe: Recipe, cuts: tuple[dt.date, ...], *, kind: str = "", engine: str = "rows"
) -> Model:
    event = rows["event_observed"].to_numpy(dtype=bool)
    if kind:
        event = event & (rows["event"] == kind).to_numpy()
    X = apply_recipe(recipe, rows)
    customers = rows["customer_id"].to_numpy(dtype=object)
    if not past.contractual:
        return Model("once", _fit_once(event, X, customers), recipe, past.rule.horizon_days, 0, cuts, past.confidence)
    entry, stop, clock = stretches(rows)
    if by_month(past):
        first, last = np.floor(entry / PER_MONTH), np.floor(stop / PER_MONTH) + 1
        found = sv.fit_discrete(last, event, X, entry=first)
        return Model("cloglog", found, recipe, past.rule.horizon_days, clock, cuts, past.confidence)
    alike = customers if _overlap(cuts, past.rule.horizon_days) else None
    fit = sv.fit_cox(stop, event, X, entry=entry, cluster=alike, engine=engine)
    # the clock may not run beyond the last time at which somebody left
    latest = max(float(base.last_event) for base in sv.baselines(fit))
    clock = max(0, min(clock, math.floor(latest) - past.rule.horizon_days))
    return Model("cox", fit, recipe, past.rule.horizon_days, clock, cuts, past.confidence)


def _fit_once(left: np.ndarray, covariates: pd.DataFrame, customers: np.ndarray) -> DiscreteFit:
    events = int(left.sum())
    if min(events, len(left) - events) < FEWEST_EACH:
        raise ModelError(f"churn model: {events} of {len(left)} left; at least {FEWEST_EACH} leavers and stayers are needed")
    return fit_one_period(left, covariates, cluster=customers)


def cause_specific(past: Past, panel: Panel, model: Model, kind: str) -> Model | None:
    """The same model for one kind of leaving, the others taken as the end of observation; None where too few left so."""
    rows = panel.at(*model.cuts)
    events = int((rows["event"] == kind).sum())
    if model.engine != "cox" or events < max(FEWEST_EVENTS, EVENTS_PER_COLUMN * len(model.recipe.columns)):
        return None
    try:
        return _fit_to(past, rows, model.recipe, model.cuts, kind=kind, engine="auto")
    except ModelError:  # a level from which nobody left so; the model of all kinds stands
        return None


def by_month(past: Past) -> bool:
    """Whether contracts nearly always end on the same one or two days of a month, so that times are known by month only."""
    ends = past.spells.loc[past.spells["event_observed"], "ended_at"]
    return bool(len(ends) and ends.dt.day.value_counts(normalize=True).head(TIED_DAYS).sum() > TIED_SHARE)


def _overlap(cuts: tuple[dt.date, ...], horizon_days: int) -> bool:
    return any((b - a).days < horizon_days for a, b in pairwise(cuts))


def score(model: Model, rows: pd.DataFrame, *, later_days: int = 0) -> pd.DataFrame:
    """How probable is it that each customer leaves within the horizon, and how sure is that?

    Parameters
    ----------
    model : Model
    rows : DataFrame
        Features of customers with ``tenure_days``.
    later_days : int
        As if that much time had passed and nothing else had changed.

    Returns
    -------
    DataFrame
        ``log_hazard_ratio, probability, low, high, beyond_support, missing_inputs``, in the order of the rows. Those of a Cox
        model are the ones to sort by (:func:`~crmkit.models.survival.list_probability`): the sum of the highest is what comes.
    """
    if model.chances is not None:
        return chances(model.chances, rows)
    X, ahead = apply_recipe(model.recipe, rows), 1
    elapsed = _elapsed(model, rows, later_days)
    if isinstance(model.fit, sv.CoxFit):
        return _listed(model.fit, X, elapsed, model.horizon_days, model.confidence)
    if model.engine == "cloglog":
        elapsed, ahead = np.floor(elapsed / PER_MONTH), max(1, round(model.horizon_days / PER_MONTH))
    found = sv.discrete_probability(model.fit, X, elapsed=elapsed, horizon=ahead, confidence=model.confidence)
    p = model.fit.design
    own = np.asarray(model.fit.coefficients)[[model.fit.names.index(name) for name in p.columns]]
    return found.assign(log_hazard_ratio=(encode(p, X, strict=False) - model.fit.center) @ own)


def _elapsed(model: Model, rows: pd.DataFrame, later_days: float = 0.0) -> np.ndarray:
    if model.engine == "once":  # the model of one period knows no time: each customer is at its start
        return np.zeros(len(rows))
    return np.minimum(rows["tenure_days"].to_numpy(dtype="float64") + later_days, model.clock_days)


def range_of_leavers(model: Model, rows: pd.DataFrame, weights: np.ndarray) -> tuple[float, float] | None:
    """Between which limits will the number of leavers be, or what goes with them?

    Parameters
    ----------
    model : Model
    rows : DataFrame
        Features of the customers of today.
    weights : array, shape (n,)
        1, or what goes with each.

    Returns
    -------
    tuple or None
        None for a model that has no range of a sum.
    """
    if model.chances is not None or not isinstance(model.fit, sv.CoxFit):
        return None
    X = apply_recipe(model.recipe, rows)
    found = sv.list_probability(model.fit, X, elapsed=_elapsed(model, rows), horizon=model.horizon_days)
    box = sv.list_sum(model.fit, found, X, top=len(rows), weights=np.nan_to_num(weights), confidence=model.confidence)
    return box["low"], box["high"]


def _listed(fit: CoxFit, X: pd.DataFrame, elapsed: np.ndarray, horizon: int, confidence: float) -> pd.DataFrame:
    """The probabilities to sort by, with the limits of the fit's own, moved as these are."""
    found = sv.churn_probability(fit, X, elapsed=elapsed, horizon=horizon, confidence=confidence)
    p = sv.list_probability(fit, X, elapsed=elapsed, horizon=horizon)["probability"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.log1p(-p) / np.log1p(-found["probability"].to_numpy())
        ends = {name: -np.expm1(np.log1p(-found[name].to_numpy()) * moved) for name in ("low", "high")}
    return found.assign(probability=p, **ends)


def parts(model: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """What does each feature add to a customer's log hazard, against the average customer? Columns: features.

    The part of a gap is counted with its feature; the columns of a row add up to the log hazard ratio.
    """
    import pandas as pd

    X = apply_recipe(model.recipe, rows)
    if model.chances is not None and isinstance(model.fit, sv.CoxFit):
        table = _away(model.chances, sv.contributions(model.fit, X), rows)
    elif isinstance(model.fit, sv.CoxFit):
        table = sv.contributions(model.fit, X)
    else:
        fit = model.fit
        own = np.asarray(fit.coefficients)[[fit.names.index(name) for name in fit.design.columns]]
        each = (encode(fit.design, X, strict=False) - fit.center) * own
        table = pd.DataFrame(
            {term.name: each[:, term.start : term.stop].sum(axis=1) for term in fit.design.terms}, index=X.index
        )
    for number in model.recipe.numbers:
        gap = next((name for name in table.columns if name != number.name and name.startswith(number.name + " (")), None)
        if gap is not None:
            table[number.name] += table.pop(gap)
    return table


def _away(of: Chances, back: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """What makes a customer of a shop stay away: the parts against coming back, and those of the silence and of the own gap.

    log(-log P(no purchase)) is the log of the rate that is left for this silence in this rhythm, plus the parts.
    """
    own = np.exp(rows["log_rhythm"].to_numpy(dtype="float64"))
    usual = rows.assign(silence_days=float((rows["silence_days"].to_numpy() / own).mean()) * own)

    def rest(of_whom: pd.DataFrame) -> np.ndarray:
        said = each(of.fits, of_whom, horizon_days=of.horizon_days, confidence=of.confidence)
        whole = np.log(-np.log(np.clip(said[GAPS].to_numpy(), 1e-12, 1 - 1e-12)))
        return np.asarray(said["log_hazard_ratio"].to_numpy() - whole)

    there, without = rest(rows), rest(usual)
    table = (-back).assign(days_since_last=there - without - (there - without).mean())
    rhythm = without - without.mean()
    for name in ("log_rhythm", "log_rhythm_squared"):  # one feature, whose effect bends
        rhythm = rhythm + table.pop(name) if name in table else rhythm
    return table.assign(log_rhythm=rhythm)


def expected_days(model: Model, rows: pd.DataFrame, *, days: int, first: np.ndarray | None = None) -> np.ndarray:
    """How many of the next days is each customer expected to stay, if nothing else changes?

    Parameters
    ----------
    model : Model
    rows : DataFrame
    days : int
    first : array or None
        Probability of leaving within the first horizon, where it is known already.

    Returns
    -------
    array of float64
        Horizon by horizon: within each the rate is constant. nan where the probability is not estimable. Of a shop: days until
        the next purchase, at most the horizon.
    """
    if model.chances is not None:  # what is waited for is the next purchase, and nothing is said beyond the horizon
        p = np.clip(score(model, rows)["probability"].to_numpy() if first is None else first, 1e-12, 1 - 1e-12)
        return np.asarray((1 - p) / (-np.log(p) / model.horizon_days))
    stay, total = np.ones(len(rows)), np.zeros(len(rows))
    done = 0
    while done < days:
        p = first if done == 0 and first is not None else score(model, rows, later_days=done)["probability"].to_numpy()
        p = np.clip(p, 1e-12, 1 - 1e-12)
        length = min(model.horizon_days, days - done)
        rate = -np.log1p(-p) / model.horizon_days
        total += stay * -np.expm1(-rate * length) / rate
        stay *= np.exp(-rate * length)
        done += length
    return total
