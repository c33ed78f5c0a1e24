"""What makes customers come back sooner or later? Cox models of all gaps, with errors by customer.

Two models of the same purchases. Gap time (Prentice, Williams & Peterson): the clock starts anew with each purchase, and the
first, second, third gap have a baseline each. Calendar (Andersen & Gill): one clock per customer, and purchases follow a rate
that covariates raise or lower. Covariates are those known when the gap began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.data.observed import check_observed, group_codes
from crmkit.models.survival.gaps.counting import choose_strata, stratum_of_number
from crmkit.models.survival.gaps.rhythm import NOBODY_TWICE
from crmkit.models.survival.judging.scoring import stratum_of
from crmkit.models.survival.regression.cox import fit_cox
from crmkit.models.survival.regression.fitted import CoxFit
from crmkit.models.survival.regression.robust import row_scores

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 200_000
# with delayed entry lifelines 0.30.3 looks at every row at every time: 12,000 rows at 500 times take 2 CPU s
LIFELINES_LOOKS = 6_000_000


@dataclass(frozen=True, eq=False)
class RecurrentFit:
    """A Cox model of gaps.

    Parameters
    ----------
    cox : CoxFit
        Coefficients are logarithms of the factor on the rate of buying again: above 0 comes back sooner. Its covariance is that
        by customer where customers were given.
    naive : array, shape (p, p)
        Covariance as if all gaps were of different customers.
    clock : {"gap", "calendar"}
    strata : int
        Strata by purchase number, the last one holding all later gaps; 0: one baseline.
    customers : int or None
        Customers behind the errors; None: the errors are naive.
    """

    cox: CoxFit
    naive: Floats
    clock: str
    strata: int
    customers: int | None

    @property
    def inflation(self) -> Floats:
        """Errors by customer over naive errors, per coefficient: 1 where gaps of a customer are as different as any."""
        return np.asarray(np.sqrt(np.diag(self.cox.covariance) / np.diag(self.naive)))


def fit_gap_times(
    durations: ArrayLike,
    event_observed: ArrayLike,
    covariates: pd.DataFrame,
    *,
    number: ArrayLike,
    customer: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    strata: int | None = None,
    references: Mapping[str, Any] | None = None,
    ties: str = "efron",
    engine: str = "auto",
) -> RecurrentFit:
    """By which factor does each covariate raise the rate of the next purchase, gap by gap?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Gaps, open ones too.
    event_observed : array_like of 0/1, shape (n,)
        Whether a purchase ended the gap.
    covariates : pandas.DataFrame of n rows
        Known when the gap began, for example of :func:`~crmkit.models.survival.gaps.gap_covariates`.
    number : array_like of int >= 1, shape (n,)
        1 is the gap after the first purchase.
    customer : array_like, shape (n,), optional
        Whose gap it is; the errors are by customer with it and naive without.
    entry : array_like, shape (n,), optional
        Silence at which the gap came under observation, for gaps met on a day.
    copies : array_like, shape (n,), optional
        Gaps per row, for the cells of :func:`crmkit.data.summaries.gaps.gap_cells`; then errors by customer come from
        :func:`customer_errors`.
    strata : int, optional
        The gap of this number and all later ones share a baseline; chosen so that each stratum has 30 endings, at most 4,
        where left out.
    references, ties, engine
        As for :func:`~crmkit.models.survival.fit_cox`.

    Returns
    -------
    RecurrentFit

    Raises
    ------
    ModelError
        When no gap has ended, both customers and copies are given, or as for :func:`~crmkit.models.survival.fit_cox`.

    Notes
    -----
    hazard of gap k of customer i, u days after its start: h_k(u) exp(b x), b common to all strata. Who has few gaps in the data
    may be slow or new; covariates of the own rhythm (mean of the gaps before) take up what differs between customers.

    References
    ----------
    Prentice, Williams & Peterson (1981), doi:10.1093/biomet/68.2.373; Lin & Wei (1989), doi:10.1080/01621459.1989.10478874.
    """
    seen = check_observed(durations, event_observed, entry=entry, copies=copies)
    if not seen.event.any():
        raise ModelError(NOBODY_TWICE)
    if customer is not None and copies is not None:
        raise ModelError(
            Problem("gap times: copies", "are given with customers", "take customer_errors() after a fit on cells")
        )
    most = strata or choose_strata(number, event_observed, copies=copies)
    stratum = stratum_of_number(number, most)
    cox = fit_cox(
        durations,
        event_observed,
        covariates,
        entry=entry,
        copies=copies,
        strata=stratum,
        references=references,
        ties=ties,
        engine=engine,
    )
    fit = RecurrentFit(cox, cox.covariance, "gap", most, None)
    if customer is None:
        return fit
    return customer_errors(fit, durations, event_observed, covariates, number=number, customer=customer, entry=entry)


def fit_calendar(
    start: ArrayLike,
    stop: ArrayLike,
    event_observed: ArrayLike,
    covariates: pd.DataFrame,
    *,
    customer: ArrayLike | None = None,
    number: ArrayLike | None = None,
    strata: int | None = None,
    references: Mapping[str, Any] | None = None,
    ties: str = "efron",
    engine: str = "auto",
) -> RecurrentFit:
    """By which factor does each covariate raise a customer's rate of buying, over the time that they are known?

    Parameters
    ----------
    start, stop : array_like >= 0, shape (n,)
        Of each gap on the customer's clock (days since the first purchase: ``known_days`` and that plus ``duration_days``), or
        on the calendar (days since the first day of the data), which takes up seasons and days on which the shop was closed.
    event_observed, covariates, customer, references, ties, engine
        As for :func:`fit_gap_times`. Open gaps of no length are left out: they say nothing.
    number : array_like of int >= 1, shape (n,), optional
        With it each purchase number has a baseline (Prentice, Williams & Peterson in total time); without, all share one
        (Andersen & Gill).
    strata : int, optional
        As for :func:`fit_gap_times`, where `number` is given.

    Returns
    -------
    RecurrentFit

    Raises
    ------
    ModelError
        As for :func:`fit_gap_times`.

    References
    ----------
    Andersen & Gill (1982), doi:10.1214/aos/1176345976; Prentice, Williams & Peterson (1981), doi:10.1093/biomet/68.2.373.
    """
    since, until, event = (np.asarray(part, dtype=np.float64) for part in (start, stop, event_observed))
    kept = ~((until == since) & (event == 0))
    given = covariates.loc[kept]
    who = None if customer is None else np.asarray(customer)[kept]
    place = None if number is None else np.asarray(number)[kept]
    since, until, event = since[kept], until[kept], event[kept]
    if not (event > 0).any():
        raise ModelError(NOBODY_TWICE)
    most = 0 if place is None else strata or choose_strata(place, event)
    stratum = None if place is None else stratum_of_number(place, most)
    cox = fit_cox(until, event, given, entry=since, strata=stratum, references=references, ties=ties, engine=engine)
    fit = RecurrentFit(cox, cox.covariance, "calendar", most, None)
    if who is None:
        return fit
    return customer_errors(fit, until, event, given, number=place, customer=who, entry=since)


def customer_errors(
    fit: RecurrentFit,
    durations: ArrayLike,
    event_observed: ArrayLike,
    covariates: pd.DataFrame,
    *,
    customer: ArrayLike,
    number: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    share: float = 1.0,
) -> RecurrentFit:
    """The same model with errors that hold though a customer's gaps are alike.

    Parameters
    ----------
    fit : RecurrentFit
        Of all gaps, on rows or on cells.
    durations, event_observed, covariates, number, entry
        All gaps of all customers, or of some customers drawn without regard to their gaps (for example
        :func:`crmkit.data.summaries.gaps.some_customers`). The covariates of a fit on cells are the banded ones.
    customer : array_like, shape (n,)
    share : float
        Share of the customers of the fit who are given, above 0 to 1.

    Returns
    -------
    RecurrentFit
        With the covariance by customer.

    Raises
    ------
    ModelError
        For an ending at a time at which the fit has none, or as for :func:`~crmkit.models.survival.churn_probability`.

    Notes
    -----
    V (sum over customers of u u') V / share, u the sum of the customer's score residuals over all their gaps and strata, V the
    naive covariance. Of m customers drawn the errors themselves are uncertain by about 1 / sqrt(2 m): 0.3 % for 50,000.

    References
    ----------
    Lin & Wei (1989), doi:10.1080/01621459.1989.10478874.
    """
    if not 0 < share <= 1:
        raise ParamError(Problem("share", f"is {share}", "a share of the customers, above 0 and at most 1"))
    cox = fit.cox
    seen = check_observed(durations, event_observed, entry=entry)
    stratum = stratum_of(cox, None if fit.strata == 0 else _known_strata(fit, number), len(seen.time))
    codes, labels = group_codes(customer, len(seen.time), what="customer")
    beta = cox.coefficients * cox.scale
    summed = np.zeros((len(labels), len(beta)))
    for begin in range(0, len(codes), CHUNK):
        part = slice(begin, begin + CHUNK)
        Z = (encode(cox.design, covariates.iloc[part]) - cox.center) / cox.scale
        for s in np.unique(stratum[part]):
            rows = np.flatnonzero(stratum[part] == s)
            block, at = cox.blocks[s], begin + rows
            since = None if seen.entry is None else seen.entry[at]
            place = _positions(block.times, seen.time[at], seen.event[at], since)
            scores = row_scores(
                np.ascontiguousarray(Z[rows].T), place, deaths=block.deaths, m=cox.at[s], beta=beta, ties=cox.ties
            )
            for j, score in enumerate(scores):
                summed[:, j] += np.bincount(codes[at], score, len(labels))
    meat = summed.T @ summed / share
    bread = fit.naive * cox.scale[:, None]  # the scores are those of the scaled columns
    robust = replace(cox, covariance=bread.T @ meat @ bread, naive=fit.naive)
    return replace(fit, cox=robust, customers=len(labels))


def _known_strata(fit: RecurrentFit, number: ArrayLike | None) -> Ints:
    if number is None:
        raise ModelError(Problem("gaps: number", "is missing", "the fit has a baseline per purchase number"))
    return stratum_of_number(number, fit.strata)


def _positions(times: Floats, time: Floats, event: NDArray[np.bool_], entry: Floats | None) -> tuple[Ints, Ints, Ints, Ints]:
    leave = np.searchsorted(times, time, side="right")
    join = np.zeros(len(time), dtype=np.int64) if entry is None else np.searchsorted(times, entry, side="right")
    who = np.flatnonzero(event)
    when = leave[who] - 1
    if len(who) and ((when < 0) | (times[np.maximum(when, 0)] != time[who])).any():
        raise ModelError(
            Problem("errors by customer:", "a gap ends when none of the fit does", "give gaps that the fit rests on")
        )
    return leave, join, who, when
