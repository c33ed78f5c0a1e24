"""Do drivers raise the odds of a better mark, by the same factor at every step? Proportional-odds regression and its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, expit, ndtr

from crmkit.core.errors import ModelError, Problem, counted
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm
from crmkit.models.survival.data.design import Design, encode, make_design

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

STEPS, HALVINGS = 100, 40
EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class OrdinalFit:
    """A proportional-odds regression: log odds of a mark above step j are ``x beta - threshold_j``.

    Parameters
    ----------
    table : pandas.DataFrame
        `driver` (``size[large]`` where a level is compared with the reference level), `term` (the column), `level`, `reference`
        (None for a number), `value` (log odds per unit), `standard_error`, `low`, `high`, `odds_ratio`, `odds_low`,
        `odds_high`, `p_value`, `n`, `method`.
    thresholds : array of shape (marks - 1,)
        Between neighbouring marks, increasing.
    levels : tuple
        The marks that occur, from worst to best.
    log_likelihood : float
        Natural logarithm; with survey weights, of the weights scaled to the number of respondents.
    n : int
        Respondents without missing values (the sum of frequencies where these are given).
    """

    table: pd.DataFrame
    thresholds: Floats
    levels: tuple[float, ...]
    log_likelihood: float
    n: int


@dataclass(frozen=True, eq=False)
class _Data:
    design: Design
    x: Floats
    y: Integers
    weight: Floats
    steps: int


def fit_ordinal(
    drivers: pd.DataFrame,
    marks: ArrayLike,
    *,
    references: Mapping[str, Any] | None = None,
    frequencies: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    confidence: float = 0.95,
) -> OrdinalFit:
    """By which factor does each driver raise the odds of a better mark?

    Parameters
    ----------
    drivers : pandas.DataFrame of shape (n, p)
        One column per driver: numbers, booleans, and text or categories (each level is compared with the reference level).
    marks : array of shape (n,)
        The ordered outcome, any increasing numbers. Rows with a missing value are left out.
    references : mapping of column to level, optional
        With which level the others are compared; the first one (of a category's own order, else sorted) where not given.
    frequencies : array of shape (n,), optional
        How many respondents each row stands for.
    weights : array of shape (n,), optional
        Survey weights; standard errors are then robust (sandwich).
    confidence : float
        Coverage of intervals, between 0 and 1.

    Returns
    -------
    OrdinalFit

    Raises
    ------
    ModelError
        One mark only; drivers that determine each other or do not vary; a driver that separates the marks, so that its
        effect has no finite estimate; a level whose respondents all give the best or the worst mark; dates, infinite numbers,
        an unknown reference level.

    Notes
    -----
    Maximum likelihood by Newton's method; the likelihood is log-concave, so the maximum is the only one.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data, doi:10.1111/j.2517-6161.1980.tb01109.x.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speed = rng.normal(size=500)
    >>> mark = np.digitize(speed + rng.logistic(size=500), [-1, 0, 1])
    >>> fit_ordinal(pd.DataFrame({"speed": speed}), mark).table["low"].gt(0).item()
    True
    """
    z = critical(confidence)
    data, levels, n = _prepared(drivers, marks, references, frequencies, weights)
    b, value, information, scores = _maximise(data, ())
    inverse = np.linalg.inv(information)
    if weights is not None:
        inverse = inverse @ (scores.T @ scores) @ inverse
    slopes, error = b[data.steps :], np.sqrt(np.diag(inverse))[data.steps :]
    named = [(term, level) for term in data.design.terms for level in (term.levels or (None,))]
    table = pd.DataFrame({"driver": data.design.columns, "term": [term.name for term, _ in named]})
    table["level"] = pd.Series([level for _, level in named], dtype=object)
    table["reference"] = pd.Series([term.reference for term, _ in named], dtype=object)
    table["value"], table["standard_error"] = slopes, error
    table["low"], table["high"] = slopes - z * error, slopes + z * error
    for name, column in (("odds_ratio", "value"), ("odds_low", "low"), ("odds_high", "high")):
        table[name] = np.exp(table[column])
    table["p_value"] = 2 * ndtr(-np.abs(slopes / error))
    table["n"], table["method"] = n, mark("proportional odds")
    return OrdinalFit(table, b[: data.steps], levels, value, n)


def proportional_odds_test(
    drivers: pd.DataFrame,
    marks: ArrayLike,
    *,
    terms: dict[str, Sequence[str]] | None = None,
    references: Mapping[str, Any] | None = None,
    frequencies: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """Is it the same factor at every step of the scale, as the regression supposes?

    Parameters
    ----------
    drivers, marks, references, frequencies, weights
        As for :func:`fit_ordinal`. Survey weights are scaled to the effective number of respondents, an approximation.
    terms : dict of str to sequence of str, optional
        Columns of `drivers` that belong together (the 0/1 columns of one category); each column by itself when left out. The
        levels of a text column always belong together.

    Returns
    -------
    pandas.DataFrame
        One row per term and one, "all", for all terms at once: `term`; `statistic`, `freedom`, `p_value` of the likelihood
        ratio; `score`, `score_p_value` of the score test, which needs no second fit; `p_adjusted`: Holm over terms (nan for
        "all"); `proportional`: p_adjusted (for "all" the p-value) not below 0.05. Where the wider model has no maximum with
        ordered steps, statistic is nan and the score test decides.

    Raises
    ------
    ModelError
        As for :func:`fit_ordinal`; also a term with an unknown column, or fewer than three marks.

    Notes
    -----
    The wider model gives the columns of the term a coefficient of their own at each step; twice the gain in log-likelihood is
    chi-squared with columns times (steps - 1) degrees of freedom.

    References
    ----------
    Brant (1990), doi:10.2307/2532457. Peterson & Harrell (1990), doi:10.2307/2347760.
    """
    data, levels, _ = _prepared(drivers, marks, references, frequencies, weights)
    if len(levels) < 3:
        raise ModelError(Text("proportional odds: two marks have one step only; there is nothing to compare"))
    if weights is not None:
        w = data.weight
        data = replace(data, weight=w * w.sum() / (w @ w))
    places = {term.name: range(term.start, term.stop) for term in data.design.terms}
    names = list(places)
    groups = terms if terms is not None else {name: [name] for name in names}
    unknown = [column for columns in groups.values() for column in columns if column not in names]
    if unknown:
        raise ModelError(f"proportional odds: column '{unknown[0]}' is not among the drivers")
    narrow, value, _, _ = _maximise(data, ())
    rows = []
    everything = {column for columns in groups.values() for column in columns}
    for term, columns in [*groups.items(), ("all", sorted(everything, key=names.index))]:
        free = tuple(place for column in columns for place in places[column])
        freedom = len(free) * (data.steps - 1)
        statistic = _ratio(data, free, narrow, value)
        score = _score(data, free, narrow)
        p_values = [float(chdtrc(freedom, s)) if np.isfinite(s) else np.nan for s in (statistic, score)]
        rows.append((term, statistic, freedom, p_values[0], score, p_values[1]))
    table = pd.DataFrame(rows, columns=["term", "statistic", "freedom", "p_value", "score", "score_p_value"])
    decisive = table["p_value"].fillna(table["score_p_value"]).to_numpy()
    adjusted = np.append(holm(decisive[:-1]), np.nan)
    return table.assign(p_adjusted=adjusted, proportional=np.append(adjusted[:-1], decisive[-1]) >= 0.05)


def _prepared(
    drivers: pd.DataFrame,
    marks: ArrayLike,
    references: Mapping[str, Any] | None,
    frequencies: ArrayLike | None,
    weights: ArrayLike | None,
) -> tuple[_Data, tuple[float, ...], int]:
    y = _numbers(marks, "marks", "numbers that rise from the worst to the best")
    if frequencies is not None and weights is not None:
        raise ModelError("ordinal regression: give frequencies or survey weights, not both")
    given = frequencies if frequencies is not None else weights
    w = np.ones(len(y)) if given is None else _numbers(given, "weights", "a number for each respondent")
    if not len(drivers) == len(y) == len(w):
        raise ModelError(f"ordinal regression: {len(drivers)} rows, {len(y)} marks and {len(w)} weights do not go together")
    used = drivers.notna().all(axis=1).to_numpy() & ~np.isnan(y) & (w > 0)
    table, y, w = drivers.loc[used].infer_objects(), y[used], w[used]
    levels, code = np.unique(y, return_inverse=True)
    if len(levels) < 2:
        raise ModelError(Text("ordinal regression: all marks are equal; there is nothing to explain"))
    design = make_design(table, references=references, called="drivers")
    _check_levels(table, design, code)
    x = encode(design, table)
    full = np.column_stack([np.ones(len(x)), x])
    if np.linalg.matrix_rank(full) < full.shape[1]:
        raise ModelError(Text("ordinal regression: a driver does not vary, or others determine it; leave it out"))
    n = round(float(w.sum())) if frequencies is not None else len(w)
    if weights is not None:
        w = w * len(w) / w.sum()
    return _Data(design, x, code.astype(np.intp), w, len(levels) - 1), tuple(levels.tolist()), n


def _numbers(given: ArrayLike, name: str, allowed: str) -> Floats:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as err:
        raise ModelError(Problem(f"ordinal regression: {name}", "hold something that is no number", allowed)) from err


def _check_levels(table: pd.DataFrame, design: Design, code: Integers) -> None:
    """Refuses levels whose effect would be infinite: all who have them give the best mark, or all the worst."""
    faults = []
    for term in design.terms:
        if term.reference is None:
            continue
        where = f"drivers: column '{term.name}'"
        if not term.levels:
            faults.append(Problem(where, f"is '{term.reference}' for every respondent", "leave it out"))
            continue
        for level in (term.reference, *term.levels):
            own = code[(table[term.name] == level).to_numpy()]
            if len(own) and (own == own[0]).all() and own[0] in (0, code.max()):
                end = "best" if own[0] else "worst"
                what = f"separates: all {counted(len(own), 'respondent')} of the level '{level}' give the {end} mark"
                faults.append(Problem(where, what, "join the level with another, or leave the column out"))
    if faults:
        raise ModelError(faults)


def _designs(data: _Data, free: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Rows of the upper and lower bound of each respondent's mark: thresholds, common slopes, extra slopes of later steps."""

    def side(step: Integers) -> Floats:
        inside = ((step >= 0) & (step < data.steps))[:, None]
        at = (step[:, None] == np.arange(data.steps)).astype(np.float64)
        extra = [-at[:, 1:] * data.x[:, [k]] for k in free]
        return np.column_stack([at, -data.x * inside, *extra])

    return side(data.y), side(data.y - 1)


def _terms(data: _Data, upper: Floats, lower: Floats, b: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, score of each row, information; -inf where steps cross."""
    u = np.where(data.y < data.steps, upper @ b, np.inf)
    v = np.where(data.y > 0, lower @ b, -np.inf)
    flip = v > 0  # differences of the tail that is small are exact
    a, c = np.where(flip, -v, u), np.where(flip, -u, v)
    p = expit(a) - expit(c)
    if not (p > 0).all():
        return -np.inf, np.empty((0, 0)), np.empty((0, 0))
    fu, fv = expit(u) * expit(-u), expit(v) * expit(-v)
    gu, gv = fu / p, -fv / p
    hu, hv = gu * (1 - 2 * expit(u)) - gu**2, gv * (1 - 2 * expit(v)) - gv**2
    cross = -gu * gv
    w = data.weight
    scores = (upper * gu[:, None] + lower * gv[:, None]) * w[:, None]
    mixed = upper.T @ (lower * (w * cross)[:, None])
    second = upper.T @ (upper * (w * hu)[:, None]) + lower.T @ (lower * (w * hv)[:, None]) + mixed + mixed.T
    return float(w @ np.log(p)), scores, -second


def _maximise(data: _Data, free: tuple[int, ...], start: Floats | None = None) -> tuple[Floats, float, Floats, Floats]:
    upper, lower = _designs(data, free)
    if start is None:
        share = np.cumsum(np.bincount(data.y, data.weight))[:-1] / data.weight.sum()
        start = np.concatenate([np.log(share / (1 - share)), np.zeros(upper.shape[1] - data.steps)])
    b = start
    value, scores, information = _terms(data, upper, lower, b)
    for _ in range(STEPS):
        try:
            move = np.linalg.solve(information, scores.sum(0))
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(move).all() or np.abs(move).max() > 1e3:
            break
        for _ in range(HALVINGS):
            found = _terms(data, upper, lower, b + move)
            if found[0] >= value - 1e-12 * abs(value):
                break
            move = move / 2
        else:
            break
        b, (value, scores, information) = b + move, found
        if np.abs(move).max() < EXACT:
            return b, value, information, scores
    raise ModelError(Text("ordinal regression: no finite maximum; a driver separates the marks, or steps of the scale cross"))


def _ratio(data: _Data, free: tuple[int, ...], narrow: Floats, value: float) -> float:
    start = np.concatenate([narrow, np.zeros(len(free) * (data.steps - 1))])
    try:
        _, wider, _, _ = _maximise(data, free, start)
    except ModelError:
        return float("nan")
    return max(0.0, 2 * (wider - value))


def _score(data: _Data, free: tuple[int, ...], narrow: Floats) -> float:
    at = np.concatenate([narrow, np.zeros(len(free) * (data.steps - 1))])
    upper, lower = _designs(data, free)
    _, scores, information = _terms(data, upper, lower, at)
    gradient = scores.sum(0)
    return float(gradient @ np.linalg.lstsq(information, gradient, rcond=None)[0])
