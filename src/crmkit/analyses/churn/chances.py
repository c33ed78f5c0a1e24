"""How probable is it that a customer of a shop does not buy in time? Two models, their mean, and which of them is believed.

One is the Cox model of the gaps between purchases: how long customers like this one take to come back, given how long they
have been silent, both in their own usual gap. The other is the purchase model of the value report, which knows only how often
and how recently somebody bought, and that some are gone for good. Both are fitted to what was known by a day, and their level
is set by all earlier days whose horizon was over by then, which also tell how much days differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.churn.shop import Shop, customers_on, histories_by
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical
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
FEWEST_LEVEL = 20
FEWEST_FREE = 2
YEAR = 365.2425
YEAR_DAYS = np.timedelta64(365, "D")
SPREAD, STEPS = 0.5, 40
MEETINGS = 6
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
    typical : float
        Usual gap of the shop, in days.
    """

    day: dt.date
    gaps: gm.RecurrentFit
    recipe: Recipe
    purchases: Fit | None
    typical: float


class Level(NamedTuple):
    """How the probabilities of a model are moved and stretched, how sure that is, and how much days differ beyond chance."""

    add: float = 0.0
    factor: float = 1.0
    covariance: Floats | None = None
    between: float = 0.0
    free: int = 0


@dataclass(frozen=True, eq=False)
class Chances:
    """Both models of one day with their level, and which of them is believed.

    Parameters
    ----------
    fits : Fits
    horizon_days : int
    levels : dict of str to Level
        How the probabilities of each model are moved and stretched, so that on earlier days whose horizon was over as many
        stayed away as it expected.
    behind : {"model of the gaps", "purchase model", "mean of both models"}
        What stands behind the list.
    confidence : float
    """

    fits: Fits
    horizon_days: int
    levels: dict[str, Level] = field(default_factory=dict)
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
    own = own_gap(shop, rows)
    there = [name for name in features if rows[name].notna().any()]
    recipe = learn_recipe(rows, there, chosen=[name for name in chosen if name in there])
    X = apply_recipe(recipe, rows)
    found = gm.fit_gap_times(
        rows["duration_days"] / own,
        rows["event_observed"],
        X,
        number=rows["number"],
        customer=rows["customer_id"],
        entry=rows["silence_days"] / own,
        engine=engine,
    )
    return Fits(day, found, recipe, _purchases(histories_by(shop, day)), shop.typical)


def own_gap(shop: Shop, rows: pd.DataFrame) -> Floats:
    """The usual gap of each customer, in days: silence is counted in it, so that one curve fits daily and yearly buyers."""
    return np.asarray(np.exp(rows["log_rhythm"].to_numpy(dtype="float64")) * shop.typical)


def fitted_rows(shop: Shop, day: dt.date) -> pd.DataFrame:
    """What the model of a day is fitted to: the customers of earlier days, half a horizon apart, each followed for a horizon.

    So it learns from customers like those it is asked about; in all gaps those who buy often would count most. Half a horizon,
    so that a horizon of half a year meets more than two times of the year; errors by customer allow for what is seen twice.
    """
    import pandas as pd

    horizon, parts = shop.horizon_days, []
    for k in range(MEETINGS):
        met = day - dt.timedelta(days=horizon + k * max(1, horizon // 2))
        if not shop.free(met, horizon):
            continue
        try:
            rows = customers_on(shop, met, as_of=day)
        except ModelError:  # nobody had bought so early
            break
        late = rows["ahead_days"] > horizon
        until = rows["silence_days"] + rows["ahead_days"].clip(upper=horizon)
        rows = rows.assign(duration_days=until, event_observed=rows["event_observed"] & ~late)
        parts.append(rows[rows["duration_days"] > rows["silence_days"]])
    if not parts:
        raise ModelError(Text("before {day} no horizon was over", {"day": Quantity(day, "date")}))
    return pd.concat(parts, ignore_index=True)


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
    X, own = apply_recipe(fits.recipe, rows), np.exp(rows["log_rhythm"].to_numpy(dtype="float64")) * fits.typical
    found = gm.no_purchase_probability(
        fits.gaps,
        X,
        silence=rows["silence_days"] / own,
        horizon=horizon_days / own,
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


def scale(p: Floats | pd.Series[float]) -> Floats:
    """log(-log(1 - p)), within what a computer can tell from 0 and 1: here levels are set and models averaged."""
    q = np.clip(np.asarray(p, dtype="float64"), EDGE, 1 - EDGE)
    return np.asarray(np.log(-np.log1p(-q)))


def _back(x: Floats) -> Floats:
    return np.asarray(-np.expm1(-np.exp(np.clip(x, -30.0, 5.0))))


def level(expected: Floats, left: NDArray[np.bool_], customer: Any, day: Any, *, today: dt.date) -> Level:
    """How have probabilities to be moved and stretched so that as many stay away as expected, at high risk and at low?

    Parameters
    ----------
    expected : array
        What a model said, of all customers of several days.
    left : array of bool
        Who stayed away.
    customer : array_like
        Of whom it was said.
    day : array_like of dates
        For which day.
    today : date
        The day whose customers are asked about.

    Returns
    -------
    Level
        What is added on the scale log(-log(1 - p)), and the factor before it: a regression of what came, the factor held near 1
        where little came; the covariance of both, by customer; the variance of what would have to be added from day to day, and
        its degrees of freedom. Nothing is changed where there is too little to tell.

    Notes
    -----
    Cox (1958), doi:10.1093/biomet/45.3-4.562, on the complementary log-log scale. The factor has a normal prior around 1 of
    standard deviation SPREAD. Where the days span a year, what is added may change with the time of the year (a sine wave, with
    such a prior around 0), and is that of today. Variance between days: by moments (DerSimonian & Laird 1986,
    doi:10.1016/0197-2456(86)90046-2).
    """
    known = np.isfinite(expected)
    x, y = scale(expected[known]), left[known].astype("float64")
    if min(y.sum(), len(y) - y.sum()) < FEWEST_LEVEL:
        return Level()
    when, days = np.unique(np.asarray(day, dtype="datetime64[D]")[known], return_inverse=True)
    wave = _season(when) if when[-1] - when[0] >= YEAR_DAYS else np.empty((len(when), 0))
    X = np.column_stack([np.ones(len(x)), x, wave[days]])
    usual = np.array([0.0, 1.0, *np.zeros(wave.shape[1])])
    prior, at = np.diag([0.0, *np.full(len(usual) - 1, 1 / SPREAD**2)]), usual
    for _ in range(STEPS):  # Fisher scoring
        score, weight = _scored(X @ at, y)
        information = (X * weight[:, None]).T @ X + prior
        step = np.linalg.solve(information, X.T @ score - prior @ (at - usual))
        at = at + np.clip(step, -0.5, 0.5)
    score, weight = _scored(X @ at, y)
    each_row = np.linalg.solve(information, (X * score[:, None]).T)
    who = np.unique(np.asarray(customer)[known], return_inverse=True)[1]
    summed = np.array([np.bincount(who, one) for one in each_row])
    there = _season(np.array([today], dtype="datetime64[D]"))[0][: wave.shape[1]]
    now = np.array([[1.0, 0.0, *there], [0.0, 1.0, *np.zeros(len(there))]])
    free = len(when) - 1 - wave.shape[1]
    between = _between_days(*(np.bincount(days, one).astype(np.float64) for one in (score, weight)), free=free)
    add, factor = (float(one) for one in now @ at)
    return Level(add, factor, now @ (summed @ summed.T) @ now.T, between, free)


def _season(days: NDArray[np.datetime64]) -> Floats:
    """A wave over the year, in two columns."""
    angle = 2 * np.pi * (days.astype(np.int64) % YEAR) / YEAR
    return np.column_stack([np.sin(angle), np.cos(angle)])


def _scored(eta: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Score and information of each row on the complementary log-log scale."""
    held = np.clip(eta, -30.0, 3.0)
    p, slope = _back(held), np.exp(held - np.exp(held))
    per = slope / np.maximum(p * (1 - p), EDGE)
    return (y - p) * per, slope * per


def _between_days(score: Floats, information: Floats, *, free: int) -> float:
    """By how much what has to be added differs from day to day, beyond chance: a variance."""
    if free < FEWEST_FREE:
        return 0.0
    apart, weight = score / information, information
    excess = float((weight * (apart - float(score.sum() / weight.sum())) ** 2).sum()) - free
    return max(0.0, excess / (free * float(weight.sum() - (weight**2).sum() / weight.sum()) / (len(weight) - 1)))


def levels_of(before: Sequence[tuple[pd.DataFrame, pd.DataFrame]], *, today: dt.date) -> dict[str, Level]:
    """The level of each model, from what it said on earlier days and the customers of those days."""
    import pandas as pd

    if not before:
        return {}
    said = pd.concat([_both(table) for table, _ in before], ignore_index=True)
    rows = pd.concat([rows[["customer_id", "cut", "event_observed"]] for _, rows in before], ignore_index=True)
    came = (rows["event_observed"].to_numpy(dtype=bool), rows["customer_id"], rows["cut"])
    return {name: level(said[name].to_numpy(), *came, today=today) for name in RIVALS if name in said}


def range_of_sum(of: Chances, found: pd.DataFrame, weight: Floats, *, confidence: float) -> tuple[float, float]:
    """Between which limits will be what is lost with those who stay away: chance, an unsure level, and days that differ.

    Parameters
    ----------
    of : Chances
    found : DataFrame
        From :func:`chances`: ``probability, low, high``.
    weight : array
        What is lost with each customer; 1 counts them.
    confidence : float

    Returns
    -------
    tuple of float
        Limits around the sum of probabilities times weights, within what is possible. Where no level could be set, the limits
        of each customer, summed, take its place.

    Notes
    -----
    Three variances are added: of chance, of the level, and between days, which few days tell badly: Student's t with the
    degrees of freedom of Satterthwaite (1946), doi:10.2307/3002019.
    """
    from scipy.special import stdtrit

    p = found["probability"].to_numpy(dtype="float64")
    known = np.isfinite(p) & np.isfinite(weight)
    p, own = p[known], weight[known]
    at = of.levels.get(of.behind, Level())
    between, reach = 0.0, critical(confidence)
    variance = float((own**2 * p * (1 - p)).sum())
    if at.covariance is None:
        half = float(((found["high"] - found["low"]).to_numpy()[known] * own).sum()) / 2
        variance += (half / reach) ** 2
    else:
        eta = scale(p)
        slope = own * np.exp(eta - np.exp(eta))
        gradient = np.array([slope.sum(), (slope * (eta - at.add) / at.factor).sum()])
        variance += float(gradient @ at.covariance @ gradient)
        between = float(gradient[0] ** 2 * at.between * (1 + 1 / (at.free + 1)))
    if between > 0:
        reach = float(stdtrit(at.free * (variance / between + 1) ** 2, 0.5 + confidence / 2))
    middle, wide = float((own * p).sum()), reach * float(np.sqrt(variance + between))
    return max(0.0, middle - wide), min(float(own.sum()), middle + wide)


def _both(table: pd.DataFrame) -> pd.DataFrame:
    """With the mean of both models, on the scale on which they are levelled."""
    if PURCHASES not in table:
        return table
    return table.assign(**{MEAN: _back((scale(table[GAPS]) + scale(table[PURCHASES])) / 2)})


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
    raw = scale(table[GAPS])
    for name in (name for name in RIVALS if name in table):
        at = of.levels.get(name, Level())
        table[name] = _back(at.add + at.factor * scale(table[name]))
    # a curve that has seen no purchase says nothing of its customers; the other model does
    for name in (GAPS, MEAN) if PURCHASES in table else ():
        table[name] = table[name].fillna(table[PURCHASES])
    p = table[of.behind if of.behind in table else GAPS].to_numpy(dtype="float64")
    moved = scale(p) - raw
    return table.assign(
        probability=p,
        low=np.fmin(_back(scale(table["low"]) + moved), p),
        high=np.fmax(_back(scale(table["high"]) + moved), p),
        log_hazard_ratio=-table["log_hazard_ratio"],
        beyond_support=False,
        apart=np.abs(table[GAPS] - table[PURCHASES]) > CLEARLY if PURCHASES in table else False,
    ).drop(columns="basis")


def outcome(rows: pd.DataFrame, horizon_days: int) -> pd.Series[bool]:
    """Who of the customers of a day bought nothing within the horizon?"""
    return ~(rows["event_observed"] & (rows["ahead_days"] <= horizon_days))
