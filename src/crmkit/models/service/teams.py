"""Which team or agent is slow by itself, and which one only has the harder cases?

Each ticket is compared with those of the same kind of case: as long as it runs, it is expected to be finished as often as all
open tickets of its kind are at that age. What a team has finished, over what was to be expected of its cases, is its pace; a
team of few tickets is drawn towards that of all. Nobody is ranked by luck: a team is named only where the log-rank test within
kinds of cases says so after correction for all teams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaln, ndtr

from crmkit.core.errors import ModelError
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# of the prior of paces, all alike beforehand: standard deviations from next to none to as large as the mean
SPREADS = np.linspace(0.02, 1.0, 50)
HALVINGS = 50


def paces(
    durations: ArrayLike,
    event_observed: ArrayLike,
    team: ArrayLike,
    mix: ArrayLike | None = None,
    *,
    teams: int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """At which pace does each team finish its cases, beside others with the same cases?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Time to the end, or until now for tickets that are open.
    event_observed : array_like of 0/1, shape (n,)
    team, mix : array_like of int >= 0, shape (n,)
        Who had the ticket, and which kind of case it was; one kind where `mix` is left out.
    teams : int, optional
        How many teams there are.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per team: ``n, ended`` (tickets), ``expected`` (that ought to have ended), ``raw`` (ended over expected), ``pace,
        low, high`` (drawn towards 1; 0.8: ends come a fifth more rarely than elsewhere), ``usual`` (median time that such cases
        take with all teams, nan where it is not reached), ``p_value, p_holm`` (log-rank within kinds of cases, two-sided),
        ``slow, fast`` (beyond chance).

    Raises
    ------
    ModelError
        When lengths differ or a duration is negative.

    Notes
    -----
    With ``H`` the cumulated hazard of a kind of case (Nelson-Aalen, all teams), ``E`` of a team is the sum of ``H`` over its
    tickets. ``O`` is Poisson with mean ``pace E``; paces are Gamma with mean 1, and all spreads up to 1 are equally likely
    before the counts are seen. Pace and limits are those of the posterior.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50. Clayton & Kaldor (1987), doi:10.2307/2532003.

    Examples
    --------
    >>> found = paces([1, 2, 3, 4, 5, 6], [1] * 6, [0, 1, 0, 1, 0, 1])
    >>> found["raw"].round(3).tolist(), found["slow"].any().item()
    ([1.343, 0.796], False)
    """
    import pandas as pd

    time, event = np.asarray(durations, dtype=np.float64), np.asarray(event_observed, dtype=bool)
    who = np.asarray(team, dtype=np.int64)
    kind = np.zeros(len(time), dtype=np.int64) if mix is None else np.asarray(mix, dtype=np.int64)
    if not len(time) == len(event) == len(who) == len(kind):
        raise ModelError("teams: durations, ends, teams and kinds have different lengths; give one of each per ticket")
    if not (time >= 0).all():
        raise ModelError("teams: a duration is negative or missing; a ticket ends after it was opened")
    count = (int(who.max()) + 1 if len(who) else 0) if teams is None else teams
    n = np.bincount(who, minlength=count).astype(np.float64)
    ended = np.bincount(who, weights=event, minlength=count).astype(np.float64)
    expected, variance = _expected(time, event, who, kind, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        p_value = np.where(variance > 1e-9, 2 * ndtr(-np.abs(ended - expected) / np.sqrt(variance)), np.nan)
    p_value[expected <= 0] = np.nan
    found = pd.DataFrame({"n": n, "ended": ended, "expected": expected})
    with np.errstate(invalid="ignore", divide="ignore"):
        found["raw"] = ended / expected
    found["pace"], found["low"], found["high"] = _drawn(ended, expected, confidence)
    found["usual"] = _usual_medians(time, event, who, kind, count)
    found["p_value"], found["p_holm"] = p_value, holm(p_value)
    beyond = found["p_holm"] < 1 - confidence
    found["slow"], found["fast"] = beyond & (ended < expected), beyond & (ended > expected)
    return found


def _expected(time: Floats, event: NDArray[np.bool_], who: Ints, kind: Ints, count: int) -> tuple[Floats, Floats]:
    """Ends expected of each team, and their variance given all ends (hypergeometric), summed over kinds of cases."""
    expected, variance = np.zeros(count), np.zeros(count)
    for rows in _parts(kind):
        x, place = np.unique(time[rows], return_inverse=True)
        own, done = who[rows], event[rows]
        members, own = np.unique(own, return_inverse=True)
        ends = np.bincount(place, weights=done, minlength=len(x))
        there = np.zeros((len(x), len(members)))
        np.add.at(there, (place, own), 1.0)
        at_risk = there[::-1].cumsum(0)[::-1]
        whole = at_risk.sum(1)
        some = ends > 0
        at_risk, whole, d = at_risk[some], whole[some], ends[some]
        part = at_risk / whole[:, None]
        spread = np.divide(d * (whole - d), whole - 1, out=np.zeros_like(d), where=whole > 1)
        expected[members] += d @ part
        variance[members] += spread @ (part * (1 - part))
    return expected, variance


def _parts(kind: Ints) -> list[Ints]:
    """Rows of each kind."""
    order = np.argsort(kind, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(kind[order])) + 1) if len(order) else []


def _drawn(ended: Floats, expected: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Paces drawn towards 1, with limits that also hold how little is known of their spread."""
    a = 1 / SPREADS[:, None] ** 2
    o, e = ended[None, :], expected[None, :]
    likely = (
        gammaln(o + a) - gammaln(a) + a * np.log(a / (e + a)) + np.where(o > 0, o * np.log(np.fmax(e, 1e-300) / (e + a)), 0.0)
    )
    whole = likely.sum(1)
    weight = np.exp(whole - whole.max())[:, None]
    weight = weight / weight.sum()
    pace = (weight * (o + a) / (e + a)).sum(0)
    ends = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        low, high = np.zeros(len(ended)), np.full(len(ended), 100.0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = (weight * gammainc(o + a, middle[None, :] * (e + a))).sum(0) < share
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        ends.append((low + high) / 2)
    return pace, ends[0], ends[1]


def _usual_medians(time: Floats, event: NDArray[np.bool_], who: Ints, kind: Ints, count: int) -> Floats:
    """By when are half of such cases finished, with all teams? The curves of the kinds, mixed as the team's cases are."""
    grid = np.unique(np.quantile(time, np.linspace(0, 1, 401))) if len(time) else np.zeros(0)
    kinds = _parts(kind)
    curves = np.empty((len(kinds), len(grid)))
    mixed = np.zeros((count, len(kinds)))
    for number, rows in enumerate(kinds):
        x, place = np.unique(time[rows], return_inverse=True)
        there, ends = np.bincount(place), np.bincount(place, weights=event[rows])
        value = np.append(1.0, np.cumprod(1 - ends / there[::-1].cumsum()[::-1]))
        # beyond what was watched the curve is not known
        left = value[np.searchsorted(x, grid, side="right")]
        curves[number] = np.where((grid > x[-1]) & (value[-1] > 0), np.nan, left)
        mixed[:, number] = np.bincount(who[rows], minlength=count)
    found = np.full(count, np.nan)
    for number in range(count):
        has = mixed[number] > 0
        if has.any():
            curve = (mixed[number][has] / mixed[number][has].sum()) @ curves[has]
            below = np.flatnonzero(curve <= 0.5)
            found[number] = grid[below[0]] if len(below) else np.nan
    return found
