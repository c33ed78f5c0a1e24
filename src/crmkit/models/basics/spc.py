"""Is this wave different, or the usual up and down? Control charts of values, shares, rates and counts, with run rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, did_you_mean
from crmkit.core.language import mark

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

D2, D4 = 1.128, 3.267  # of ranges of two, as tables of control charts print them
FEWEST_POINTS = 4
RULES = ("beyond", "two_of_three", "four_of_five", "eight_in_a_row")
DEFAULT_RULES = ("beyond", "eight_in_a_row")


@dataclass(frozen=True, eq=False)
class Chart:
    """A control chart.

    Parameters
    ----------
    centre : float
        Mean of the baseline, in the unit of the values.
    table : pandas.DataFrame
        One row per point: `value`, `low`, `high` (limits), `moving_range`, `range_high`; one boolean column per
        rule, `signal` (any of them), `reason` (rules in words).
    range_centre : float
        Mean moving range.
    baseline : int
        Points that limits were computed from.
    """

    centre: float
    table: pd.DataFrame
    range_centre: float
    baseline: int


def xmr(
    values: ArrayLike,
    *,
    baseline: int | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    bounds: tuple[float, float] | None = None,
) -> Chart:
    """Which waves differ from the usual up and down?

    Parameters
    ----------
    values : array of shape (n,), n of 4 or more
        One value per wave, in order of time.
    baseline : int, optional
        Limits from the first so many points, frozen afterwards; all when left out.
    rules : sequence of str
        Of "beyond" (one point outside the limits), "two_of_three" (beyond two thirds of the way, same side), "four_of_five"
        (beyond one third), "eight_in_a_row" (same side of the centre).
    bounds : tuple of two float, optional
        Lowest and highest possible value; limits are cut there.

    Returns
    -------
    Chart

    Raises
    ------
    ModelError
        With fewer than four points in the baseline, or a missing value.
    ParamError
        A rule that does not exist.

    Notes
    -----
    Limits are the mean plus and minus ``3 / 1.128`` times the mean moving range; ranges are bounded by 3.267 times their
    mean. With known limits and normal values, one of 370 points lies beyond; all four rules together signal every 92 points.
    With limits from few points it is more: see :func:`false_alarm_share`.

    References
    ----------
    Wheeler (2000), Understanding Variation. Champ & Woodall (1987), doi:10.1080/00401706.1987.10488266.

    Examples
    --------
    >>> found = xmr([10, 50, 40, 30])
    >>> found.centre, found.range_centre, found.table["high"].round(4).iloc[0].item()
    (32.5, 20.0, 85.6915)
    """
    x = np.asarray(values, dtype=np.float64)
    if np.isnan(x).any():
        raise ModelError(f"control chart: point {int(np.flatnonzero(np.isnan(x))[0]) + 1} has no value; leave the wave out")
    first = _baseline(len(x), baseline)
    ranges = np.abs(np.diff(x))
    centre, mean_range = float(x[:first].mean()), float(ranges[: first - 1].mean())
    reach = 3 * mean_range / D2
    low, high = centre - reach, centre + reach
    flags = run_flags((x - centre) / (reach / 3) if reach > 0 else np.sign(x - centre) * 9, rules)
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    table = pd.DataFrame({"value": x, "low": low, "high": high})
    table["moving_range"] = np.concatenate([[np.nan], ranges])
    table["range_high"] = D4 * mean_range
    return Chart(centre, _signals(table, flags), mean_range, first)


def p_chart(
    hits: ArrayLike,
    n: ArrayLike,
    *,
    baseline: int | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    overdispersed: bool = False,
) -> Chart:
    """Which weeks have another share than usual, such as that of tickets answered in time?

    Parameters
    ----------
    hits, n : array of shape (m,), m of 4 or more
        How many of how many, per week, in order of time.
    baseline, rules
        As for :func:`xmr`.
    overdispersed : bool
        Whether shares vary by more than chance alone; the limits are then widened by the moving ranges (Laney's p').

    Returns
    -------
    Chart
        ``centre`` and the table's ``value, low, high`` are shares; ``moving_range`` is of neighbouring shares.

    Raises
    ------
    ModelError
        With fewer than four points in the baseline, a point without tickets, or more hits than tickets.

    Notes
    -----
    The centre is all hits over all tickets; limits of a point are three times ``sqrt(p (1 - p) / n)`` away, cut at 0 and 1.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7. Laney (2002), doi:10.1081/QEN-120006555.

    Examples
    --------
    >>> found = p_chart([12, 15, 8, 10], [50, 50, 50, 50])
    >>> round(found.centre, 4), found.table["high"].round(4).iloc[0].item()
    (0.225, 0.4022)
    """
    x, size = _counted("p-chart", hits, n)
    if (x > size).any():
        raise ModelError(f"p-chart: point {int(np.flatnonzero(x > size)[0]) + 1} has more hits than tickets")
    first = _baseline(len(x), baseline)
    centre = float(x[:first].sum() / size[:first].sum())
    return _of_shares(x / size, centre, np.sqrt(centre * (1 - centre) / size), first, rules, overdispersed, (0.0, 1.0))


def u_chart(
    events: ArrayLike,
    n: ArrayLike,
    *,
    baseline: int | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    overdispersed: bool = False,
) -> Chart:
    """Which months have another rate than usual, such as complaints per order?

    Parameters
    ----------
    events, n : array of shape (m,), m of 4 or more
        How many events, on how many orders (or days, or customers), in order of time.
    baseline, rules, overdispersed
        As for :func:`p_chart`.

    Returns
    -------
    Chart
        Of events per unit of `n`.

    Raises
    ------
    ModelError
        With fewer than four points in the baseline, or a point without orders.

    Notes
    -----
    The centre is all events over all orders; limits of a point are three times ``sqrt(u / n)`` away, cut at 0.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7.

    Examples
    --------
    >>> found = u_chart([3, 5, 4, 4], [100, 100, 100, 100])
    >>> round(found.centre, 4), found.table["low"].iloc[0].item(), found.table["high"].round(4).iloc[0].item()
    (0.04, 0.0, 0.1)
    """
    x, size = _counted("u-chart", events, n)
    first = _baseline(len(x), baseline)
    centre = float(x[:first].sum() / size[:first].sum())
    return _of_shares(x / size, centre, np.sqrt(centre / size), first, rules, overdispersed, (0.0, np.inf))


def c_chart(counts: ArrayLike, *, baseline: int | None = None, rules: Sequence[str] = DEFAULT_RULES) -> Chart:
    """Which weeks have more or fewer events than usual, where all weeks are alike?

    Parameters
    ----------
    counts : array of shape (m,), m of 4 or more
        Events of each week, in order of time.
    baseline, rules
        As for :func:`xmr`.

    Returns
    -------
    Chart

    Raises
    ------
    ModelError
        With fewer than four points in the baseline, or a negative count.

    Notes
    -----
    The centre is the mean; limits are three times its root away, cut at 0.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7.

    Examples
    --------
    >>> found = c_chart([9, 11, 10, 10])
    >>> found.centre, found.table["high"].round(4).iloc[0].item()
    (10.0, 19.4868)
    """
    x, size = _counted("c-chart", counts, np.ones(np.shape(counts)))
    first = _baseline(len(x), baseline)
    centre = float(x[:first].mean())
    return _of_shares(x, centre, np.sqrt(centre / size), first, rules, False, (0.0, np.inf))


def _counted(what: str, counts: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    x, size = np.asarray(counts, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if x.shape != size.shape:
        raise ModelError(f"{what}: {len(x)} counts of {len(size)} sizes; give one of each per point")
    for values, least, word in ((x, 0.0, "a count of 0 or more"), (size, 1e-300, "a size above 0; leave the point out")):
        wrong = np.flatnonzero(~(values >= least))
        if len(wrong):
            raise ModelError(f"{what}: point {int(wrong[0]) + 1} is {values[wrong[0]]:g}; it needs {word}")
    return x, size


def _of_shares(
    x: Floats, centre: float, spread: Floats, first: int, rules: Sequence[str], widened: bool, bounds: tuple[float, float]
) -> Chart:
    """A chart whose limits are three standard deviations of each point away."""
    z = np.divide(x - centre, spread, out=np.sign(x - centre) * 9, where=spread > 0)
    wide = float(np.abs(np.diff(z[:first])).mean() / D2) if widened and (spread > 0).all() else 1.0
    ranges = np.abs(np.diff(x))
    reach = 3 * spread * wide
    table = pd.DataFrame(
        {"value": x, "low": np.maximum(centre - reach, bounds[0]), "high": np.minimum(centre + reach, bounds[1])}
    )
    table["moving_range"] = np.concatenate([[np.nan], ranges])
    table["range_high"] = np.nan
    return Chart(
        centre, _signals(table, run_flags(z / wide if wide > 0 else z, rules)), float(ranges[: first - 1].mean()), first
    )


def false_alarm_share(
    points: int, *, baseline: int | None = None, rules: Sequence[str] = DEFAULT_RULES, draws: int = 20_000, seed: int = 0
) -> float:
    """How often does an XmR chart show a signal although nothing has changed?

    Parameters
    ----------
    points : int
        Points of the chart, 4 or more.
    baseline, rules
        As for :func:`xmr`.
    draws : int
        Simulated charts of independent normal values.
    seed : int

    Returns
    -------
    float
        Share of charts with at least one signal, 0 to 1; its standard error is at most ``0.5 / sqrt(draws)``.

    Raises
    ------
    ModelError
        With fewer than four points in the baseline.

    Examples
    --------
    >>> 0.05 < false_alarm_share(24) < 0.2
    True
    """
    first = _baseline(points, baseline)
    x = np.random.default_rng(seed).normal(size=(draws, points))
    sigma = np.abs(np.diff(x[:, :first], axis=1)).mean(1, keepdims=True) / D2
    z = (x - x[:, :first].mean(1, keepdims=True)) / sigma
    return float(np.any([flag.any(1) for flag in run_flags(z, rules).values()], axis=0).mean())


def _baseline(points: int, baseline: int | None) -> int:
    first = points if baseline is None else baseline
    if not FEWEST_POINTS <= first <= points:
        raise ModelError(f"control chart: limits from {first} of {points} points; at least {FEWEST_POINTS} are needed")
    return first


def run_flags(z: Floats, rules: Sequence[str]) -> dict[str, Bools]:
    """Points (last axis) at which each rule is complete, for values in standard deviations from the centre."""
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ParamError(f"control chart: there is no rule '{unknown[0]}'; {did_you_mean(unknown[0], RULES)}")
    found: dict[str, Bools] = {}
    for rule in rules:
        if rule == "beyond":
            found[rule] = np.asarray(np.abs(z) > 3)
            continue
        limit, least, window = {"two_of_three": (2, 2, 3), "four_of_five": (1, 4, 5), "eight_in_a_row": (0, 8, 8)}[rule]
        found[rule] = _run(z > limit, least, window) | _run(z < -limit, least, window)
    return found


def _run(on: Bools, least: int, window: int) -> Bools:
    """Points that are on, and complete `least` points that are on within `window`."""
    total = np.cumsum(on, axis=-1)
    before = np.zeros_like(total)
    before[..., window:] = total[..., :-window] if on.shape[-1] > window else 0
    return np.asarray(on & (total - before >= least))


def _signals(table: pd.DataFrame, flags: dict[str, Bools]) -> pd.DataFrame:
    words = {
        "beyond": mark("outside the limits"),
        "two_of_three": mark("two of three far from the centre"),
        "four_of_five": mark("four of five on one side"),
        "eight_in_a_row": mark("eight in a row on one side"),
    }
    for rule, flag in flags.items():
        table[rule] = pd.Series(flag, index=table.index)
    each = np.column_stack(list(flags.values())) if flags else np.zeros((len(table), 0), dtype=bool)
    table["signal"] = pd.Series(np.asarray(each.any(1)), index=table.index)
    reasons = [tuple(words[rule] for rule, on in zip(flags, row, strict=True) if on) for row in each]
    table["reason"] = pd.Series(reasons, index=table.index, dtype=object)
    return table
