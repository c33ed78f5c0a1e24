"""Who of today's customers will not buy within the horizon? One model for a shop, from its gaps to a score per customer.

Frequent customers have many gaps, so a model of all gaps is a model of frequent customers. Here each customer is met on several
days before the last one, a horizon apart, in the one gap that they are in then; the gap counts from that day on, for as long as
the horizon. So the customers that the model learns from are those that it is asked about. Silence is measured in own gaps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.survival.data.observed import one_of
from crmkit.models.survival.gaps.counting import Closed, gap_support, gaps_on_day
from crmkit.models.survival.gaps.covariates import WORDS, gap_covariates, usable_covariates
from crmkit.models.survival.gaps.outlook import no_purchase_probability
from crmkit.models.survival.gaps.recurrent import RecurrentFit, fit_gap_times
from crmkit.models.survival.gaps.rhythm import rhythm_prior

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

CLOCKS = ("rhythm", "days")
MEETINGS = 6
YEAR = 365
EDGES = [0.01, 0.99]

YOUNG = Text("the shop has sold for {days} days; a horizon of {horizon} days needs at least twice as many")


@dataclass(frozen=True, eq=False)
class GapModel:
    """A model of the gaps of a shop, with all that is needed to score its customers.

    Parameters
    ----------
    fit : RecurrentFit
    clock : {"rhythm", "days"}
        Whether silence counts in own gaps or in days.
    typical, prior_gaps : float
        Of :func:`~crmkit.models.survival.gaps.rhythm_prior`.
    columns : tuple of str
        Covariates of the model.
    limits : mapping of column to (low, high)
        The 1st and 99th percentile of each number among the customers met; what lies beyond counts as the limit, so that one
        unusual customer neither makes the model nor gets a probability that nobody else supports.
    dropped : tuple of (name, reason)
        Covariates that were left out.
    words : tuple of str
    days : tuple of date
        On which customers were met.
    rows : int
        Customers met, summed over the days.
    """

    fit: RecurrentFit
    clock: str
    typical: float
    prior_gaps: float
    columns: tuple[str, ...]
    limits: Mapping[str, tuple[float, float]]
    dropped: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    days: tuple[dt.date, ...]
    rows: int


def fit_gap_model(
    gaps: pd.DataFrame,
    *,
    as_of: dt.date,
    horizon_days: int,
    clock: str = "rhythm",
    meetings: int = MEETINGS,
    words: Sequence[str] = WORDS,
    closed: Sequence[Closed] = (),
    engine: str = "auto",
) -> GapModel:
    """What do the gaps up to a day tell of who buys within a horizon?

    Parameters
    ----------
    gaps : pandas.DataFrame
        All gaps up to ``as_of``, as of :func:`crmkit.data.summaries.gaps.purchase_gaps`.
    as_of : date
        Last day of the gaps.
    horizon_days : int
        How far the model will look ahead, and for how long a customer is followed after each meeting.
    clock : {"rhythm", "days"}
        "rhythm": times are silence over own rhythm, so that one baseline fits daily and yearly buyers. "days": as they are.
    meetings : int
        Most days on which customers are met, ``horizon_days`` apart, the last one that long before ``as_of``.
    words : sequence of str
        Columns of words that may be covariates.
    closed : sequence of (date, date)
        As given to ``purchase_gaps``.
    engine : str
        As for :func:`~crmkit.models.survival.fit_cox`; "auto": lifelines for small data, which are a few thousand
        rows here.

    Returns
    -------
    GapModel

    Raises
    ------
    ParamError
        For a horizon below 1 day, or an unknown clock.
    ModelError
        When the shop is younger than two horizons, nobody has bought twice, or no covariate tells gaps apart.

    Notes
    -----
    Gap-time Cox model with strata by purchase number and left truncation at the silence of the day of the meeting; errors by
    customer. Season is a covariate only where the meetings span a year.

    References
    ----------
    van Houwelingen (2007), doi:10.1111/j.1467-9469.2006.00529.x; Prentice, Williams & Peterson (1981),
    doi:10.1093/biomet/68.2.373.
    """
    import pandas as pd

    one_of(clock, CLOCKS, "clock")
    if horizon_days < 1 or meetings < 1:
        raise ParamError(Problem("horizon_days", f"is {horizon_days} for {meetings} meetings", "1 or more"))
    support = gap_support(gaps["duration_days"], gaps["event_observed"], gaps["number"], gaps["customer_id"])
    first = gaps["started_at"].min().date()
    known = (as_of - first).days
    days = [as_of - dt.timedelta(days=horizon_days * (k + 1)) for k in range(meetings)]
    days = [day for day in days if (day - first).days >= horizon_days] or [day for day in days[:1] if day >= first]
    if not days or known < 2 * horizon_days:
        said = {"days": Quantity(known, "count"), "horizon": Quantity(horizon_days, "count")}
        raise ModelError(Text(YOUNG.template, said))
    typical, prior = rhythm_prior(gaps["duration_days"], gaps["event_observed"], gaps["customer_id"])
    met = pd.concat([_followed(gaps, day, as_of, horizon_days, closed) for day in days], ignore_index=True)
    season = horizon_days * len(days) >= YEAR
    X = gap_covariates(met, typical=typical, prior_gaps=prior, words=words, season=season)
    event = met["event_observed"].to_numpy(dtype=bool)
    kept, dropped = usable_covariates(X, event)
    if not kept:
        raise ModelError(Problem("gaps:", "no covariate tells gaps apart", "too few customers have bought again"))
    scale = np.exp(X["log_rhythm"].to_numpy()) * typical if clock == "rhythm" else np.ones(len(met))
    limits = {name: tuple(X[name].quantile(EDGES)) for name in kept if pd.api.types.is_numeric_dtype(X[name])}
    fit = fit_gap_times(
        met["duration_days"] / scale,
        event,
        _held(X[kept], limits),
        number=met["number"],
        customer=met["customer_id"],
        entry=met["silence_days"] / scale,
        strata=None if support.strata > 1 else 1,
        engine=engine,
    )
    return GapModel(fit, clock, typical, prior, tuple(kept), limits, tuple(dropped), tuple(words), tuple(days), len(met))


def score_gaps(
    model: GapModel,
    gaps: pd.DataFrame,
    *,
    horizon_days: ArrayLike,
    silence_days: ArrayLike | None = None,
    tail: str = "constant",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How probable is it that each customer buys nothing within the horizon?

    Parameters
    ----------
    model : GapModel
    gaps : pandas.DataFrame
        The gap that each customer is in, as of :func:`crmkit.data.summaries.gaps.open_gaps`.
    horizon_days : array_like > 0, shape (n,) or a number
    silence_days : array_like, shape (n,), optional
        ``duration_days`` where left out.
    tail : {"constant", "none"}
        As for :func:`~crmkit.models.survival.gaps.no_purchase_probability`.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        In the order of the customers: ``customer_id``, ``number``, ``silence_days``, ``rhythm_days`` (own usual gap),
        ``silent_gaps`` (silence in own gaps), and the columns of ``no_purchase_probability``.
    """
    import pandas as pd

    X = gap_covariates(gaps, typical=model.typical, prior_gaps=model.prior_gaps, words=model.words)
    silence = (
        gaps["duration_days"].to_numpy(dtype=np.float64) if silence_days is None else np.asarray(silence_days, dtype=float)
    )
    rhythm = np.exp(X["log_rhythm"].to_numpy()) * model.typical
    scale = rhythm if model.clock == "rhythm" else np.ones(len(gaps))
    scored = no_purchase_probability(
        model.fit,
        _held(X[list(model.columns)], model.limits),
        silence=silence / scale,
        horizon=np.asarray(horizon_days, dtype=np.float64) / scale,
        number=gaps["number"],
        tail=tail,
        confidence=confidence,
    )
    known = {"customer_id": gaps["customer_id"], "number": gaps["number"], "silence_days": silence}
    own = pd.DataFrame(known | {"rhythm_days": rhythm, "silent_gaps": silence / rhythm}, index=gaps.index)
    return pd.concat([own, scored], axis=1)


def _held(X: pd.DataFrame, limits: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Numbers within their limits."""
    return X.assign(**{name: X[name].clip(low, high) for name, (low, high) in limits.items()})


def _followed(gaps: pd.DataFrame, day: dt.date, as_of: dt.date, horizon: int, closed: Sequence[Closed]) -> pd.DataFrame:
    """Customers in the gap of one day, followed for a horizon."""
    met = gaps_on_day(gaps, day, as_of=as_of, closed=closed)
    later = met["ahead_days"].to_numpy() > horizon
    event = met["event_observed"].to_numpy() & ~later
    until = np.where(later, met["silence_days"] + horizon, met["duration_days"])
    met = met.assign(duration_days=until, event_observed=event)
    return met[met["duration_days"] > met["silence_days"]]
