"""What makes customers leave sooner? The Cox model by three paths with equal answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, counted
from crmkit.models.survival.data.design import Design, check_columns, encode, make_design
from crmkit.models.survival.data.layout import Patterns, cells_blocks, find_patterns, rows_blocks, strata_codes
from crmkit.models.survival.data.observed import Observed, check_observed, one_of, total
from crmkit.models.survival.data.riskset import Block, Moments, information, moments, residuals
from crmkit.models.survival.regression.fitted import CoxFit
from crmkit.models.survival.regression.reference import Start, fit_lifelines, lend_errors
from crmkit.models.survival.regression.robust import with_robust_errors

if TYPE_CHECKING:
    import pandas as pd
    from lifelines import CoxPHFitter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIES = ("efron", "breslow")
ENGINES = ("auto", "lifelines", "cells", "rows")
# lifelines 0.30.3, begun at the maximum, looks at every row once; with late entry once for every time of leaving. One thread,
# a busy machine: 1.0 CPU s at 11,010 rows, 22 columns and 443 times; without entries .3 s at 20,000 rows
LIFELINES_ROWS = 20_000
LIFELINES_LOOKS = 6_000_000
STEPS = 40
CLOSE = 1e-12  # half of the squared length of a Newton step in standard errors; one more step then squares what is left
NEAR = 1e-10  # squared distance to the maximum, in standard errors, beyond which lifelines' answer is refused
FAR = 25.0  # a coefficient that moves the hazard by e^25 per standard deviation is on its way to infinity


class Slope(NamedTuple):
    """Of all strata together, at one vector of coefficients: the partial log-likelihood and its derivatives."""

    log_likelihood: float
    gradient: Floats
    information: Floats


def fit_cox(
    durations: ArrayLike,
    event_observed: ArrayLike,
    covariates: pd.DataFrame,
    *,
    entry: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    sampling_weights: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    strata: Any = None,
    references: Mapping[str, Any] | None = None,
    ties: str = "efron",
    engine: str = "auto",
) -> CoxFit:
    """By which factor does each covariate raise the rate of leaving?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        Time to leaving or to the end of observation.
    event_observed : array_like of 0/1, shape (n,)
        Whether the customer left then.
    covariates : pandas.DataFrame of n rows
        Numbers, booleans, and text or categories (a dummy per level).
    entry : array_like, shape (n,), optional
        Since when the row was under observation. A customer whose covariates change has a row per stretch of time
        (start-stop), each with the `entry` where the one before ended.
    copies : array_like of whole numbers, shape (n,), optional
        From how many customers the row was counted: the fit is that of all of them, each in a row of their own.
    sampling_weights : array_like > 0, shape (n,), optional
        For how many customers the one of this row stands: one over the probability of being drawn, of answering, of being
        treated so. R's `weights`: the unit does not matter, and the errors are robust.
    cluster : array_like, shape (n,), optional
        To whom each row belongs (a household, an account): the errors are robust and hold though rows of one are alike.
    strata : array_like or pandas.DataFrame of n rows, optional
        Groups with a baseline of their own.
    references : mapping of column to level, optional
        With which level the others are compared.
    ties : {"efron", "breslow"}
        How customers leaving at the same time are treated. Efron is nearer to the truth under many ties.
    engine : {"auto", "lifelines", "cells", "rows"}
        "auto": lifelines where :func:`lifelines_serves` with Efron ties and without copies; else cells where the
        covariates have few different patterns, else rows. What can be done with a fit does not depend on it. "rows" is the
        path of refits and back-tests.

    Returns
    -------
    CoxFit

    Raises
    ------
    ModelError
        Names the columns that are missing, constant, collinear or separating; or says that nobody leaves, or that the
        coefficients run to infinity.

    Notes
    -----
    Newton's method on the partial likelihood of centred and scaled columns. All paths maximise the same function: "cells" with
    the exact Efron likelihood of every customer, not of every row. Among tied leavers who stand for different numbers each step
    counts their mean weight, as in R.

    References
    ----------
    Cox (1972), doi:10.1111/j.2517-6161.1972.tb00899.x; Efron (1977), doi:10.1080/01621459.1977.10480613; weights: Binder
    (1992), doi:10.1093/biomet/79.1.139.

    Examples
    --------
    >>> import pandas as pd
    >>> found = fit_cox([5, 6, 7, 8, 9, 10], [1, 1, 1, 1, 1, 0], pd.DataFrame({"x": [1, 0, 1, 1, 0, 0]}), engine="rows")
    >>> round(float(found.coefficients[0]), 4), round(found.log_likelihood, 4)
    (1.3945, -5.7345)
    """
    seen = check_observed(durations, event_observed, entry=entry, copies=copies, sampling_weights=sampling_weights)
    fit = fit_observed(seen, covariates, strata=strata, references=references, ties=ties, engine=engine)
    if not seen.sampled and cluster is None:
        return fit
    robust = with_robust_errors(fit, cluster=cluster)
    if robust.fitter is not None:
        lend_errors(robust.fitter, robust.covariance * np.outer(robust.scale, robust.scale))
    return robust


def fit_observed(
    seen: Observed, covariates: pd.DataFrame, *, strata: Any, references: Mapping[str, Any] | None, ties: str, engine: str
) -> CoxFit:
    """The Cox model of checked observations, with the model's own errors, as of :func:`fit_cox`."""
    one_of(ties, TIES, "ties")
    one_of(engine, ENGINES, "engine")
    _check_table(seen, covariates)
    codes, labels = strata_codes(strata, len(seen.time))
    chosen = _choose(engine, seen, ties)
    prepared = None
    if chosen in ("cells", "auto"):
        prepared = _as_cells(seen, covariates, codes, len(labels), references, required=chosen == "cells")
    if prepared is None:
        prepared = _as_rows(seen, covariates, codes, len(labels), references)
        chosen = "lifelines" if chosen == "lifelines" else "rows"
    else:
        chosen = "cells"
    design, center, scale, blocks, X = prepared
    fitter = None
    beta, steps, null = _newton(blocks, len(design.columns), ties, design)
    if chosen == "lifelines":
        known = Start(beta, null.log_likelihood)
        fitter = _tried(seen, X, codes if strata is not None else None, known, required=engine == "lifelines")
        if fitter is None:
            chosen = "rows"
        else:
            beta = np.asarray(fitter.params_, dtype=np.float64)
    return _finish(design, center, scale, blocks, beta, ties, chosen, steps, tuple(labels), seen, null, fitter)


def _tried(seen: Observed, X: Floats, stratum: Ints | None, start: Start, *, required: bool) -> CoxPHFitter | None:
    try:
        return fit_lifelines(seen, X, stratum, start)
    except ModelError:
        if required:
            raise
        return None


Prepared = tuple[Design, Floats, Floats, tuple[Block, ...], Floats]


def _as_cells(
    seen: Observed, covariates: pd.DataFrame, codes: Ints, strata: int, references: Mapping[str, Any] | None, *, required: bool
) -> Prepared | None:
    found = find_patterns(covariates)
    if found is None and required:
        found = _every_pattern(covariates)
    if found is None:
        return None
    table = covariates.iloc[found.first]
    try:
        design = make_design(table, references=references)
    except ModelError:
        make_design(covariates, references=references)  # the same faults, counted in customers
        raise
    X = encode(design, table)
    plain = bool((seen.weight == 1).all())
    counted = np.bincount(found.code, minlength=len(X)) if plain else total(found.code, seen.weight, len(X))
    size = np.asarray(counted, dtype=np.float64)
    left = total(found.code, seen.weight * seen.event, len(X))
    check_columns(design, X, weight=size, events=left)
    center, scale = _standard(X, size)
    blocks = cells_blocks(seen, (X - center) / scale, found.code, codes, strata)
    if blocks is None and required:
        raise ModelError(Problem("Cox model: engine 'cells'", f"would need {len(X)} patterns at too many times", "take 'rows'"))
    return None if blocks is None else (design, center, scale, blocks, X)


def _every_pattern(covariates: pd.DataFrame) -> Patterns:
    grouped = covariates.groupby(list(covariates.columns), sort=True, dropna=False, observed=True)
    code: Ints = np.asarray(grouped.ngroup(), dtype=np.int64)
    return Patterns(code, np.asarray(np.unique(code, return_index=True)[1], dtype=np.int64))


def _as_rows(
    seen: Observed, covariates: pd.DataFrame, codes: Ints, strata: int, references: Mapping[str, Any] | None
) -> Prepared:
    design = make_design(covariates, references=references)
    X = encode(design, covariates)
    check_columns(design, X, weight=seen.weight, events=seen.weight * seen.event)
    center, scale = _standard(X, seen.weight)
    Z = (X - center) / scale
    return design, center, scale, rows_blocks(seen, Z, codes, strata), Z


def _standard(X: Floats, weight: Floats) -> tuple[Floats, Floats]:
    center: Floats = np.asarray(weight @ X / weight.sum(), dtype=np.float64)
    return center, np.sqrt(weight @ (X - center) ** 2 / weight.sum())


def _newton(blocks: tuple[Block, ...], columns: int, ties: str, design: Design) -> tuple[Floats, int, Slope]:
    beta: Floats = np.zeros(columns)
    best = -np.inf
    step = np.zeros(columns)
    start: Slope | None = None
    for count in range(STEPS):
        here = _evaluate(blocks, beta, ties)[1]
        value, gradient, hessian = here
        start = start or here
        if not np.isfinite(value) or value < best - 1e-9 * abs(best):
            step = step / 2
            beta = beta - step
            continue
        best = value
        try:
            step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        except np.linalg.LinAlgError as err:
            raise ModelError(_runaway(beta, design)) from err
        beta = beta + step
        if gradient @ step / 2 < CLOSE:
            return beta, count + 1, start
        if np.abs(beta).max() > FAR:
            break
    raise ModelError(_runaway(beta, design))


def _evaluate(blocks: tuple[Block, ...], beta: Floats, ties: str) -> tuple[list[Moments], Slope]:
    at = [moments(block, beta, ties) for block in blocks]
    gradient = sum(residuals(block, m).sum(axis=1) for block, m in zip(blocks, at, strict=True))
    hessian = sum(information(block, m) for block, m in zip(blocks, at, strict=True))
    return at, Slope(sum(m.log_likelihood for m in at), np.asarray(gradient), np.asarray(hessian))


def _runaway(beta: Floats, design: Design) -> Problem:
    name = design.columns[int(np.argmax(np.abs(beta)))]
    what = "has no finite effect: its values separate who leaves first from the others"
    return Problem(f"Cox model: '{name}'", what, "band it, join levels, or leave it out")


def _finish(
    design: Design,
    center: Floats,
    scale: Floats,
    blocks: tuple[Block, ...],
    beta: Floats,
    ties: str,
    engine: str,
    steps: int,
    labels: tuple[Any, ...],
    seen: Observed,
    null: Slope,
    fitter: Any,
) -> CoxFit:
    at, (value, gradient, hessian) = _evaluate(blocks, beta, ties)
    if gradient @ np.linalg.solve(hessian, gradient) > NEAR or np.abs(beta).max() > FAR:
        raise ModelError(_runaway(beta, design))
    if engine == "lifelines":  # its stop leaves some 1e-8; one step of ours takes them off
        beta = beta + np.linalg.solve(hessian, gradient)
        at, (value, gradient, hessian) = _evaluate(blocks, beta, ties)
    covariance = np.linalg.inv(hessian)
    return CoxFit(
        design=design,
        coefficients=beta / scale,
        covariance=covariance / np.outer(scale, scale),
        log_likelihood=value,
        log_likelihood_null=null.log_likelihood,
        score_statistic=float(null.gradient @ np.linalg.solve(null.information, null.gradient)),
        center=center,
        scale=scale,
        ties=ties,
        engine=engine,
        n=float(seen.number.sum()),
        events=float(seen.number[seen.event].sum()),
        iterations=steps,
        strata=labels,
        blocks=blocks,
        at=tuple(at),
        fitter=fitter,
        sampled=seen.sampled,
    )


def lifelines_serves(durations: ArrayLike, event_observed: ArrayLike, *, entry: ArrayLike | None = None) -> bool:
    """Is a model of these rows one that lifelines works out in about a second of processor time?

    Parameters
    ----------
    durations, event_observed, entry : array_like, shape (n,)
        As for :func:`fit_cox`.

    Returns
    -------
    bool
        At most ``LIFELINES_ROWS`` rows; with late entry also at most ``LIFELINES_LOOKS`` rows times distinct times of leaving.

    Examples
    --------
    >>> lifelines_serves([5, 6, 7], [1, 1, 0])
    True
    """
    time = np.asarray(durations, dtype=np.float64)
    times = 1 if entry is None else len(np.unique(time[np.asarray(event_observed, dtype=bool)]))
    return len(time) <= LIFELINES_ROWS and len(time) * times <= LIFELINES_LOOKS


def _choose(engine: str, seen: Observed, ties: str) -> str:
    # it takes the mean weight of tied leavers, which is right for who stands for several and wrong for copies
    possible = ties == "efron" and (seen.sampled or bool((seen.weight == 1).all()))
    if engine == "lifelines" and not possible:
        raise ModelError("Cox model: engine 'lifelines' takes no copies and Efron ties only; take 'cells' or 'rows'")
    if engine == "auto" and possible and lifelines_serves(seen.time, seen.event, entry=seen.entry):
        return "lifelines"
    return engine


def _check_table(seen: Observed, covariates: pd.DataFrame) -> None:
    faults = []
    if len(covariates) != len(seen.time):
        found = f"has {counted(len(covariates), 'row')}, durations has {len(seen.time)}"
        faults.append(Problem("survival: covariates", found, "all need the same rows"))
    if not seen.event.any():
        faults.append(Problem("Cox model:", "nobody leaves, so there is nothing to explain"))
    if faults:
        raise ModelError(faults)
