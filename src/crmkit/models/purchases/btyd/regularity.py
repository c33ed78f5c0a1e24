"""Do customers buy at random, or with a rhythm? How regular they are, and MBG/CNBD-k with the k that explains it best.

Who buys by the clock and is overdue has probably left; a model of chance purchases (k = 1) would wait for them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from crmkit.core.errors import ModelError
from crmkit.models.basics.draws import Interval
from crmkit.models.basics.estimates import critical
from crmkit.models.purchases.btyd.fitting import Fit, search
from crmkit.models.purchases.btyd.tuples import Tuples, dot

Floats = NDArray[np.float64]

MOST_PHASES = 12
FEWEST_PAIRS = 20


def fit_mbgcnbd(histories: Tuples, log_intervals: float, *, k: int | None = None) -> Fit:
    """Which MBG/CNBD-k, and which k, explains the histories best?

    Parameters
    ----------
    histories : Tuples
        From :func:`tuples`; at least 20 customers, one of them with a repeat purchase.
    log_intervals : float
        Sum, over all customers and all intervals between two successive purchases, of log(interval) in the unit of time of the
        tuples. It is all that the single intervals tell the model, and decides between values of k.
    k : int from 1 to 12, optional
        Phases between two purchases; when left out, the k of highest likelihood.

    Returns
    -------
    Fit
        ``params`` holds k beside r, alpha, a, b; alpha is the scale of the rate of phases, so a customer buys at lambda / k.

    Raises
    ------
    ModelError
        As for :func:`fit`, or a k or sum out of range.

    Notes
    -----
    Times between purchases are Erlang(k, lambda), lambda ~ Gamma(r, alpha), and a customer leaves after any purchase, the first
    included, with p ~ Beta(a, b); k = 1 is MBG/NBD. The search goes up from k = 1 and stops when two more phases have not
    raised the likelihood; a k whose likelihood has no maximum, which far too small a k may lack, is passed over.

    References
    ----------
    Reutterer, Platzer, Schroeder (2021), International Journal of Research in Marketing 38(1),
    https://doi.org/10.1016/j.ijresmar.2020.09.002.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, simulate, tuples
    >>> truth = known("mbgcnbd", {"r": 0.9, "alpha": 5, "a": 0.8, "b": 2.5, "k": 3})
    >>> x, tx, T = simulate(truth, np.full(3000, 52.0), np.random.default_rng(0))
    >>> repeat = x[x > 0].astype(int)  # given the last purchase, the intervals share the time between first and last
    >>> parts = [np.random.default_rng(i).dirichlet([3.0] * n) for i, n in enumerate(repeat)]
    >>> log_intervals = sum(np.log(part * t).sum() for part, t in zip(parts, tx[x > 0]))
    >>> fit_mbgcnbd(tuples(x, tx, T), log_intervals).params["k"]
    3.0
    """
    if not np.isfinite(log_intervals):
        raise ModelError(f"MBG/CNBD-k: the sum of log(interval) is {log_intervals}; merge purchases of one day before.")
    if k is not None and not (1 <= k <= MOST_PHASES and k == int(k)):
        raise ModelError(f"MBG/CNBD-k: k is {k}; it is a whole number from 1 to {MOST_PHASES}.")
    if k is not None:
        return _complete(search(histories, "mbgcnbd", k=int(k)), histories, log_intervals)
    best: Fit | None = None
    reason: ModelError | None = None
    for phases in range(1, MOST_PHASES + 1):
        try:
            further = _complete(search(histories, "mbgcnbd", k=phases), histories, log_intervals)
        except ModelError as err:
            reason = err
            continue
        if best is None or further.log_likelihood > best.log_likelihood:
            best = further
        elif phases >= best.params["k"] + 2:
            break
    if best is None:
        raise reason if reason else ModelError("MBG/CNBD-k cannot be fitted.")
    return best


def regularity(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """How regular are purchases, from two intervals of each customer?

    Parameters
    ----------
    first, second : array_like > 0, shape (customers,)
        Two successive intervals between purchases, for example the last two, one pair per customer with three purchases or
        more; in any unit.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    Interval
        The phases k of an Erlang interval: 1 is chance, more is regular, less is in bursts. The upper limit is infinite where
        the data do not exclude clockwork.

    Raises
    ------
    ModelError
        Fewer than 20 pairs, or an interval of 0 or less.

    Notes
    -----
    Whatever a customer's rate, first / (first + second) is Beta(k, k) with variance v = 1 / (4 (2k + 1)), so
    k = (1 - 4v) / (8v); the interval is that of v, by the normal distribution, carried over. The last two intervals before a
    fixed day favour short ones a little.

    References
    ----------
    Wheat, Morrison (1990), Estimating Purchase Regularity with Two Interpurchase Times, Journal of Marketing Research 27(1).

    Examples
    --------
    >>> gaps = np.random.default_rng(0).gamma(2.0, size=(2, 20_000))
    >>> found = regularity(*gaps)
    >>> bool(found.low < 2 < found.high), found.value.round().item()
    (True, 2.0)
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.size < FEWEST_PAIRS:
        raise ModelError(
            f"regularity: there are {a.size} and {b.size} intervals; pairs of {FEWEST_PAIRS} customers or more with three "
            "purchases are needed."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all() and a.min() > 0 and b.min() > 0):
        raise ModelError("regularity: an interval is missing, 0 or less; merge purchases of one day before.")
    squared = (a / (a + b) - 0.5) ** 2
    reach = critical(confidence) * squared.std(ddof=1) / np.sqrt(a.size)
    mean = squared.mean()
    spread = np.array([mean, mean + reach, max(mean - reach, 0.0)])
    with np.errstate(divide="ignore"):
        k = (1 - 4 * spread) / (8 * spread)
    return Interval(k[0], np.maximum(k[1], 0.0), k[2], "Wheat-Morrison")


def _complete(found: Fit, histories: Tuples, log_intervals: float) -> Fit:
    """Adds the part of the single intervals: it moves no parameter, and without it two values of k cannot be compared."""
    purchases = dot(histories.frequency, histories.n.astype(np.float64))
    return replace(found, log_likelihood=found.log_likelihood + interval_part(found.fixed["k"], purchases, log_intervals))


def interval_part(k: float, purchases: float, log_intervals: float) -> float:
    """What so many single intervals, by the sum of their logarithms, add to the log-likelihood given k."""
    return (k - 1) * float(log_intervals) - purchases * float(gammaln(k))
