"""Do those who answered stand for all customers? Weights that meet known margins, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, did_you_mean, rows
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import Floats

Integers = NDArray[np.intp]
Targets = Mapping[str, Mapping[object, float]]

MOST_ROUNDS = 1000
MOST_TRIMS = 200
TRIM_FROM = 5.0


@dataclass(frozen=True, eq=False)
class Raking:
    """Weights that meet the margins, and what they cost.

    Parameters
    ----------
    weights : array of shape (n,)
        Sum to the population.
    design_weights : array of shape (n,)
        The weights before, on the same scale as they were given.
    margins : pandas.DataFrame
        Columns margin, level, respondents, target_share, before_share, after_share (shares 0 to 1).
    rounds : int
        Passes over the margins.
    largest_gap : float
        Largest difference between a weighted share and its target, as a share.
    trimmed_share : float
        Share of respondents whose adjustment was held at the limit.
    design_effect : float
        Kish's: how many times larger the variance of a mean becomes by unequal weights.
    effective_n : float
        n / design_effect.
    largest_ratio : float
        Largest weight over the median weight.
    cells : array of int, shape (n,)
        Number of the combination of levels of each respondent; what standard errors need.
    levels : array of int, shape (combinations, margins)
        Levels behind each combination.
    """

    weights: Floats
    design_weights: Floats
    margins: pd.DataFrame
    rounds: int
    largest_gap: float
    trimmed_share: float
    design_effect: float
    effective_n: float
    largest_ratio: float
    cells: Integers
    levels: Integers


def design_effect(weights: ArrayLike) -> float:
    """How many times larger does the variance of a mean become because weights are unequal?

    Parameters
    ----------
    weights : array, 0 or more
        Survey weights of those who answered.

    Returns
    -------
    float
        Kish's ``n sum(w^2) / (sum w)^2``, 1 for equal weights.

    Raises
    ------
    ModelError
        When weights are negative, missing, or all 0.

    Notes
    -----
    It supposes that weights have nothing to do with the answers; a calibrated standard error can be smaller.

    References
    ----------
    Kish (1992), Weighting for unequal Pi, Journal of Official Statistics 8(2), 183-200.

    Examples
    --------
    >>> design_effect([1, 1, 2])
    1.125
    """
    w = np.asarray(weights, dtype=np.float64)
    if not len(w) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ModelError("weights: they are numbers of 0 or more, at least one of them above 0")
    return float(len(w) * (w @ w) / w.sum() ** 2)


def effective_n(weights: ArrayLike) -> float:
    """How many equally weighted answers would be as sure as these?

    Parameters
    ----------
    weights : array, 0 or more

    Returns
    -------
    float
        ``(sum w)^2 / sum(w^2)``.

    Raises
    ------
    ModelError
        As for :func:`design_effect`.

    Examples
    --------
    >>> round(effective_n([1, 1, 2]), 4)
    2.6667
    """
    w = np.asarray(weights, dtype=np.float64)
    return len(w) / design_effect(w)


def rake(
    respondents: pd.DataFrame,
    targets: Targets,
    *,
    population: float | None = None,
    design_weights: ArrayLike | None = None,
    most: float | None = None,
    tolerance: float = 1e-10,
) -> Raking:
    """Which weights make the respondents look like all customers on every margin?

    Parameters
    ----------
    respondents : pandas.DataFrame
        One row per respondent, a column per margin; other columns are ignored.
    targets : mapping of margin to mapping of level to number
        Customers of each level, as counts or as shares; each margin covers all levels and all customers.
    population : float, optional
        What the weights sum to. Left out: the sum of the targets where they are counts, else the sum of the design weights.
    design_weights : array of shape (n,), optional
        Weights before raking, above 0; all 1 when left out.
    most : float, optional
        Trimming: no respondent's weight is raised to more than this many times the mean rise. Without it, weights beyond 5
        times the median are refused.
    tolerance : float
        Largest allowed difference between a weighted share and its target.

    Returns
    -------
    Raking

    Raises
    ------
    ModelError
        All at once: a margin without column, respondents without level or with a level that has no target, levels that
        nobody answered for, margins with different totals. Also when the margins cannot be met together (with `most`: not
        within the limit), and when weights get extreme without trimming.

    Notes
    -----
    Iterative proportional fitting. All respondents of one combination of levels get the same factor, so passes run over
    combinations, not over respondents. Trimming alternates with raking until both hold.

    References
    ----------
    Deming & Stephan (1940), doi:10.1214/aoms/1177731829. Deville, Särndal & Sautory (1993),
    doi:10.1080/01621459.1993.10476369.

    Examples
    --------
    >>> people = pd.DataFrame({"region": ["N", "N", "N", "S"]})
    >>> rake(people, {"region": {"N": 0.5, "S": 0.5}}).weights.round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    shares, codes, total = _shares(respondents, targets)
    design = np.ones(len(respondents)) if design_weights is None else np.asarray(design_weights, dtype=np.float64)
    if len(design) != len(respondents) or not np.isfinite(design).all() or (design <= 0).any():
        raise ModelError(f"weights: {len(respondents)} design weights above 0 are needed, one for each respondent")
    cells, levels, held = _combinations(list(codes.values()), [len(s) for s in shares.values()], design)
    goals = [np.array(list(s.values())) for s in shares.values()]
    factor, rounds, gap = _fit(held / held.sum(), levels, goals, most, tolerance)
    size = population if population is not None else (total if total is not None else float(design.sum()))
    weights = design * (factor / held.sum() * size)[cells]
    ratio = float(weights.max() / np.median(weights))
    if most is None and ratio > TRIM_FROM:
        raise ModelError(
            Text(
                "weights: the largest is {ratio} times the median, so a few respondents would decide the result; join small "
                "levels, or trim with most=3 and report the gap that stays",
                {"ratio": f"{ratio:.1f}"},
            )
        )
    at_limit = factor >= (most or np.inf) * (1 - 1e-6)
    return Raking(
        weights=weights,
        design_weights=design,
        margins=_margins(shares, levels, held / held.sum(), factor, np.bincount(cells)),
        rounds=rounds,
        largest_gap=gap,
        trimmed_share=float(at_limit[cells].mean()),
        design_effect=design_effect(weights),
        effective_n=effective_n(weights),
        largest_ratio=ratio,
        cells=cells,
        levels=levels,
    )


def _shares(
    respondents: pd.DataFrame, targets: Targets
) -> tuple[dict[str, dict[object, float]], dict[str, Integers], float | None]:
    """Targets as shares, levels of the respondents as numbers, and the population where targets were counts."""
    if not targets or not len(respondents):
        raise ModelError("weights: at least one margin and one respondent are needed")
    problems: list[Problem] = []
    codes: dict[str, Integers] = {}
    for name, goal in targets.items():
        if name not in respondents:
            hint = did_you_mean(name, map(str, respondents.columns))
            problems.append(Problem(f"margin '{name}'", "has no column", hint=hint))
            continue
        found, present = pd.factorize(respondents[name])
        problems += _problems(name, goal, found, list(present))
        place = {level: number for number, level in enumerate(goal)}
        codes[name] = np.array([place.get(level, -1) for level in present] or [-1], dtype=np.intp)[found]
    sums = {name: float(sum(goal.values())) for name, goal in targets.items()}
    first = next(iter(sums))
    for name, total in sums.items():
        if not np.isclose(total, sums[first], rtol=1e-6):
            what = f"adds up to {total:g}, but margin '{first}' to {sums[first]:g}"
            problems.append(Problem(f"margin '{name}'", what, "all margins describe the same customers"))
    if problems:
        raise ModelError(problems)
    shares = {name: {level: v / sums[name] for level, v in goal.items()} for name, goal in targets.items()}
    return shares, codes, None if np.isclose(sums[first], 1.0, rtol=1e-6) else sums[first]


def _problems(name: str, goal: Mapping[object, float], codes: Integers, present: list[object]) -> list[Problem]:
    where = f"margin '{name}'"
    found: list[Problem] = []
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        what = f"is missing for {len(missing)} respondents ({rows(missing[:5].tolist(), len(missing))})"
        found.append(Problem(where, what, "give them a level with a target of its own, or leave them out"))
    for level in sorted(set(present) - set(goal), key=str):
        found.append(
            Problem(where, f"has respondents in '{level}' but no target", hint=did_you_mean(str(level), map(str, goal)))
        )
    for level, value in goal.items():
        if not (np.isfinite(value) and value > 0):
            found.append(Problem(where, f"has the target {value:g} for '{level}'", "targets are above 0"))
        elif level not in present:
            found.append(Problem(where, f"has a target but no respondent in '{level}'", "join it with a similar level"))
    return found


def _combinations(codes: list[Integers], sizes: list[int], design: Floats) -> tuple[Integers, Integers, Floats]:
    """Number of the combination of each respondent, its levels, and the design weight that each combination holds."""
    joint = np.zeros(len(design), dtype=np.intp)
    for column, size in zip(codes, sizes, strict=True):
        joint = joint * size + column
    possible = int(np.prod([float(size) for size in sizes]))
    if possible <= max(4 * len(design), 1_000_000):
        counts = np.bincount(joint, minlength=possible)
        used = np.flatnonzero(counts)
        place = np.zeros(possible, dtype=np.intp)
        place[used] = np.arange(len(used))
        cells = place[joint]
    else:
        used, cells = np.unique(joint, return_inverse=True)
    levels = np.column_stack(np.unravel_index(used, sizes))
    return cells, levels, np.bincount(cells, weights=design).astype(np.float64)


def _fit(
    held: Floats, levels: Integers, goals: list[Floats], most: float | None, tolerance: float
) -> tuple[Floats, int, float]:
    """The factor of each combination, passes, and the largest gap left."""
    if most is not None and most <= 1:
        raise ModelError(f"weights: most is {most:g}; a limit must be above 1, for example 3")
    factor, rounds = _rake_from(np.ones_like(held), held, levels, goals, tolerance)
    trims = 0
    while most is not None and factor.max() > most * (1 + 1e-12) and trims < MOST_TRIMS:
        factor, more = _rake_from(np.minimum(factor, most), held, levels, goals, tolerance)
        rounds, trims = rounds + more, trims + 1
    if most is not None:
        factor = np.minimum(factor, most)
        factor = factor / (held @ factor)
    gap = max(float(np.abs(np.bincount(col, held * factor, len(g)) - g).max()) for col, g in zip(levels.T, goals, strict=True))
    if most is None and gap > tolerance:
        raise ModelError(
            Text(
                "weights: the margins cannot be met together; after {rounds} passes a share is still off by {gap}. "
                "Combinations that nobody answered for stand in the way: join small levels",
                {"rounds": Quantity(rounds, "count"), "gap": f"{gap:.2g}"},
            )
        )
    if gap > 0.05:
        raise ModelError(
            Text(
                "weights: within {most} times the mean a share stays off by {gap}; raise the limit, or join small levels",
                {"most": f"{most:g}", "gap": f"{gap:.1%}"},
            )
        )
    return factor, rounds, gap


def _rake_from(start: Floats, held: Floats, levels: Integers, goals: list[Floats], tolerance: float) -> tuple[Floats, int]:
    factor = start
    rounds = 0
    while rounds < MOST_ROUNDS:
        rounds += 1
        largest = 0.0
        for column, goal in zip(levels.T, goals, strict=True):
            now = np.bincount(column, held * factor, len(goal))
            largest = max(largest, float(np.abs(now - goal).max()))
            factor = factor * (goal / now)[column]
        if largest <= tolerance / 2:
            break
    return factor, rounds


def _margins(
    shares: dict[str, dict[object, float]], levels: Integers, held: Floats, factor: Floats, people: Integers
) -> pd.DataFrame:
    parts = []
    for name, column in zip(shares, levels.T, strict=True):
        size = len(shares[name])
        parts.append(
            pd.DataFrame(
                {
                    "margin": name,
                    "level": list(shares[name]),
                    "respondents": np.bincount(column, people, size).astype(int),
                    "target_share": list(shares[name].values()),
                    "before_share": np.bincount(column, held, size),
                    "after_share": np.bincount(column, held * factor, size),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
