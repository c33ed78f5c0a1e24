"""What is known of one indicator: a value with interval, n, unit, method, how it was sampled, and what it used to be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from crmkit.analyses.audit.sampling import CountRatio, Located, Sampling, Share, Waiting
from crmkit.core.language import mark
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
NAN = math.nan
NO_TABLE, NO_COLUMN = mark("a table is missing"), mark("a column is missing")
NO_DATA, TOO_FEW = mark("no data in this period"), mark("too few cases")
RUN_FIRST, NOT_HELD = mark("another analysis has to run first"), mark("the other analysis does not give this number")
NO_BEFORE, NO_PLAN = mark("no comparable earlier period"), mark("no plan is set")
SHORT, NOT_REACHED = mark("the own history is too short"), mark("too many cases are still open")
SNAPSHOT = mark("records are known as they are today only")
WILSON, CLUSTERED = mark("Wilson"), mark("Wilson, effective n by customer")
RATIO, MEAN = mark("ratio, linearised by customer"), mark("mean, Student's t")
KAPLAN_MEIER = mark("Kaplan-Meier, limits turned round")
POISSON = mark("ratio of two counts, exact")


@dataclass(frozen=True, eq=False)
class Estimate:
    """One indicator in one window.

    Parameters
    ----------
    value, low, high : float
        Estimate and limits in the indicator's unit; nan where there is none. A limit that is nan is not known to be anywhere.
    n, n_missing : float
        Observations, and those of which the outcome is not known.
    method : str
    sampling : Sampling or None
        Tests the value against a target in its unit.
    reference : float
        What the value is compared with, where target and cuts are parts of it; nan where there is none.
    relative : Sampling or None
        Tests value over reference against a part.
    past : tuple of float
        Own earlier values, where target and cuts are shares of them.
    reason, needs : str
        Why there is no value, and the table, column or analysis it takes.
    """

    value: float = NAN
    low: float = NAN
    high: float = NAN
    n: float = 0.0
    n_missing: float = 0.0
    method: str = ""
    sampling: Sampling | None = None
    reference: float = NAN
    relative: Sampling | None = None
    past: tuple[float, ...] = ()
    reason: str = ""
    needs: str = ""

    @property
    def known(self) -> bool:
        return not self.reason and not math.isnan(self.value)


def nothing(reason: str, needs: str = "", *, n: float = 0.0) -> Estimate:
    """No value, and why."""
    return Estimate(reason=reason, needs=needs, n=n)


def share(hits: float, n: float, confidence: float, *, missing: float = 0.0, method: str = WILSON) -> Estimate:
    """A share of independent cases."""
    if n <= 0:
        return nothing(NO_DATA)
    found = wilson(hits, n, confidence=confidence)
    sampling = Share(hits, n)
    return Estimate(hits / n, float(found.low[0]), float(found.high[0]), n, missing, method, sampling)


def clustered_share(
    rows: pd.DataFrame, hits: str, of: str, confidence: float, *, by: str = "customer_id", all_of: str = ""
) -> Estimate:
    """A share of cases of which those of one customer may go alike.

    Parameters
    ----------
    rows : DataFrame
        Counts ``hits`` and ``of``, and whose they are.
    by : str
        Column of the clusters.
    all_of : str
        Column of all cases, known or not.

    Notes
    -----
    Where cases of a customer go more alike than by chance, n is divided by the design effect, and its uncertainty is allowed
    for as Korn & Graubard do; otherwise it stays.
    """
    n, k = float(rows[of].sum()), float(rows[hits].sum())
    missing = float(rows[all_of].sum()) - n if all_of else 0.0
    if n <= 0:
        return nothing(NO_DATA)
    found = share(k, n, confidence, missing=missing)
    import pandas as pd

    place, different = pd.factorize(rows[by], sort=True)
    whose = place >= 0
    sums = (rows[name].to_numpy(dtype="float64")[whose] for name in (hits, of))
    k_each, n_each = (np.bincount(place[whose], one, len(different)) for one in sums)
    k_each, n_each = k_each[n_each > 0], n_each[n_each > 0]
    clusters, p = len(n_each), k / n
    if clusters < 2 or clusters == n or not 0 < p < 1:
        return found
    rest = k_each - p * n_each
    variance = clusters / (clusters - 1) * float(rest @ rest) / n**2
    effect = variance / (p * (1 - p) / n)
    if effect <= 1:
        return found
    tails = 0.5 + confidence / 2
    effective = min(n, n / effect * float(stdtrit(n - 1, tails) / stdtrit(clusters - 1, tails)) ** 2)
    limits = wilson(p * effective, effective, confidence=confidence)
    sampling = Share(p * effective, effective)
    return Estimate(p, float(limits.low[0]), float(limits.high[0]), n, missing, CLUSTERED, sampling)


def ratio(
    top: ArrayLike,
    bottom: ArrayLike,
    confidence: float,
    *,
    n: float | None = None,
    clusters: float | None = None,
    scale: float = 1.0,
    method: str = RATIO,
) -> Estimate:
    """One sum over another, a pair of numbers per cluster.

    Parameters
    ----------
    top, bottom : arrays
        A pair per cluster; clusters in which both are 0 may be left out if ``clusters`` counts them.
    n : float or None
        Observations to report; None: clusters.
    clusters : float or None
        How many there are.
    scale : float
        What the value is multiplied with; 1,000 for "per thousand".

    Notes
    -----
    Taylor linearisation: the variance of the ratio is that of the sum of ``top - ratio x bottom`` over clusters, Student's t
    with one degree of freedom less than clusters.
    """
    y, x = np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64)
    total = float(x.sum())
    count = float(len(x)) if clusters is None else float(clusters)
    if total <= 0 or count < 2:
        return nothing(NO_DATA if total <= 0 else TOO_FEW, n=count)
    value = float(y.sum()) / total
    rest = y - value * x
    error = math.sqrt(count / (count - 1) * float(rest @ rest)) / total
    located = Located(value * scale, error * scale, count - 1)
    low, high = located.limits(confidence)
    return Estimate(value * scale, low, high, count if n is None else n, 0.0, method, located)


def mean(values: ArrayLike, confidence: float, *, method: str = MEAN) -> Estimate:
    """A mean of independent numbers."""
    x = np.asarray(values, dtype=np.float64)
    return ratio(x, np.ones_like(x), confidence, method=method)


def count_ratio(first: float, first_in: float, second: float, second_in: float, confidence: float) -> Estimate:
    """A rate over another one, each a count over what it was counted in; the limits are those of the exact test's share."""
    if first + second <= 0 or second <= 0:
        return nothing(NO_DATA, n=first + second)
    found = CountRatio(first, first_in, second, second_in)
    part = wilson(first, first + second, confidence=confidence)
    ends = [float(end[0]) for end in (part.low, part.high)]
    low, high = (end / (1 - end) * second_in / first_in if end < 1 else NAN for end in ends)
    return Estimate(found.value, low, high, first + second, 0.0, POISSON, found)


def waiting_time(rows: pd.DataFrame, confidence: float, *, waiting: float = 0.5, per: float = 60.0) -> Estimate:
    """By when have all but a share of the cases come to an end?

    Parameters
    ----------
    rows : DataFrame
        ``minutes, event, n``.
    waiting : float
        Share that still waits; 0.5 for the median.
    per : float
        Minutes in the unit of the result.
    """
    from crmkit.models.survival.curves.curves import left_by, product_limit
    from crmkit.models.survival.data.observed import check_observed, count_at_risk

    if rows.empty:
        return nothing(NO_DATA)
    hours, event = rows["minutes"].to_numpy(dtype="float64") / per, rows["event"].to_numpy()
    weights = rows["n"].to_numpy(dtype="float64")
    counts = count_at_risk(check_observed(hours, event, copies=weights))
    value, low, high = left_by(counts, share=waiting, confidence=confidence)
    n = float(weights.sum())
    if math.isnan(value):
        return nothing(NOT_REACHED, n=n)
    sampling = Waiting(counts.time, *product_limit(counts), waiting, n)
    running = float(weights[~event.astype(bool)].sum())
    return Estimate(value, low, high, n, running, KAPLAN_MEIER, sampling)


def compared(now: Estimate, reference: float, relative: Estimate) -> Estimate:
    """A value beside what it is compared with; the limits are those of the comparison, in the unit of the value."""
    from dataclasses import replace

    if not relative.known or not reference > 0:
        return now
    return replace(
        now, low=relative.low * reference, high=relative.high * reference, reference=reference, relative=relative.sampling
    )


def deviate(confidence: float) -> float:
    """The normal deviate of a two-sided interval."""
    return critical(confidence)


SHORTEST = 6


def against_own_past(now: pd.Series, earlier: pd.Series, confidence: float, *, n: float) -> Estimate:
    """The mean of a series, beside its earlier numbers.

    Parameters
    ----------
    now, earlier : Series
        One number per week or month.
    n : float
        Observations behind the newer ones.

    Notes
    -----
    The test is Welch's: the earlier numbers, which the target comes from, are a sample too.
    """
    if len(now) < 2:
        return nothing(TOO_FEW if len(now) else NO_DATA, n=n)
    found = replace(mean(now.to_numpy(), confidence, method=MEAN), n=n)
    if len(earlier) < SHORTEST:
        return replace(found, needs=SHORT)
    before = earlier.to_numpy(dtype="float64")
    parts = [float(np.var(now.to_numpy(dtype="float64"), ddof=1)) / len(now), float(np.var(before, ddof=1)) / len(before)]
    error = math.sqrt(sum(parts))
    free = [part**2 / (size - 1) for part, size in zip(parts, (len(now), len(before)), strict=True)]
    df = sum(parts) ** 2 / sum(free) if sum(free) > 0 else len(now) + len(before) - 2
    return replace(found, sampling=Located(found.value, error, df), past=tuple(before.tolist()))
