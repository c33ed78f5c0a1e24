"""Does an effect stay the same over time? The score test of proportional hazards, how large the change is, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.language import mark
from crmkit.models.basics.families import holm_of_logs
from crmkit.models.survival.curves.curves import product_limit
from crmkit.models.survival.data.design import Term
from crmkit.models.survival.data.observed import Counts, chi_squared, one_of
from crmkit.models.survival.data.riskset import Block, information, residuals
from crmkit.models.survival.regression.fitted import CoxFit
from crmkit.models.survival.regression.robust import Scores, block_scores, crossed

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

TRANSFORMS = ("km", "identity", "log", "rank")
SIGNIFICANT = 0.01
MATERIAL = 1.5


def proportional_hazards(
    fit: CoxFit, *, transform: str = "km", significant: float = SIGNIFICANT, material: float = MATERIAL
) -> pd.DataFrame:
    """Whose effect changes with time, by how much, and what follows?

    Parameters
    ----------
    fit : CoxFit
    transform : {"km", "identity", "log", "rank"}
        Of time, along which a change is looked for; "km" (one minus the Kaplan-Meier curve) is least moved by late leavers.
    significant : float
        p, corrected after Holm, below which a change counts as real.
    material : float > 1
        Factor between the hazard ratios early and late from which a change matters. With many customers every change is
        significant; look at this one.

    Returns
    -------
    pandas.DataFrame
        A row per term and the row "GLOBAL": `term`, `statistic`, `df`, `p` (never 0), `p_holm` (over the terms), `log10_p`,
        `column` (of several, the one that changes most), `hr_early`, `hr_late` (hazard ratio of that column, per unit, when
        25 % and 75 % of the leavers have left), `hr_change` (late / early, per standard deviation for numbers), `verdict`.

    Raises
    ------
    ModelError
        With "log" when somebody leaves at time 0.

    Notes
    -----
    Score test that the coefficient of x * g(time) is 0, each term with all others held, as R's cox.zph since survival 3.0; g is
    centred at its mean over the leavers and does not differ between strata. Early and late hazard ratios come from one Newton
    step of that coefficient from 0. Where rows were sampled the variance of the score is the sum over clusters (without,
    customers) of their squared part in it.

    References
    ----------
    Grambsch & Therneau (1994), doi:10.1093/biomet/81.3.515.
    """
    import pandas as pd

    one_of(transform, TRANSFORMS, "transform")
    g = _transformed(fit, transform)
    score, inner, spread = _score_information(fit, g)
    early, late = _quartiles(fit, g)
    found = [_row(fit, term, score, inner, spread, early, late) for term in fit.design.terms]
    table = pd.DataFrame(found)
    table["p_holm"] = holm_of_logs(table["log10_p"])
    judged = zip(table["p_holm"].tolist(), table["hr_change"].tolist(), table["is_level"].tolist(), strict=True)
    table["verdict"] = [_verdict(p, change, level, significant, material) for p, change, level in judged]
    everything = float(score @ np.linalg.solve(spread, score))
    p, log10_p = chi_squared(everything, len(score))
    last = {"term": "GLOBAL", "statistic": everything, "df": len(score), "p": p, "p_holm": p, "log10_p": log10_p, "column": ""}
    order = ["term", "statistic", "df", "p", "p_holm", "log10_p", "column", "hr_early", "hr_late", "hr_change", "verdict"]
    whole = pd.DataFrame([last | {"hr_early": np.nan, "hr_late": np.nan, "hr_change": np.nan, "verdict": ""}])
    return pd.concat([table[order], whole[order]], ignore_index=True)


def _score_information(fit: CoxFit, g: list[Floats]) -> tuple[Floats, Floats, Floats]:
    """Score of all time interactions, their information with the effects themselves taken out, and the score's variance."""
    p = len(fit.coefficients)
    score, I11, I12, I22 = np.zeros(p), np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    for block, m, time in zip(fit.blocks, fit.at, g, strict=True):
        score += residuals(block, m) @ time
        I11 += information(block, m)
        I12 += information(block, m, time)
        I22 += information(block, m, time**2)
    across: Floats = np.asarray(np.linalg.solve(I11, I12))
    inner = I22 - I12.T @ across
    return score, inner, _robust(fit, g, across) if fit.sampled else inner


def _robust(fit: CoxFit, g: list[Floats], across: Floats) -> Floats:
    """Variance of the score of all time interactions by what each row adds to it, the effects themselves taken out."""
    beta = fit.coefficients * fit.scale

    def parts() -> Iterator[Scores]:
        for block, m, time in zip(fit.blocks, fit.at, g, strict=True):
            both = (block_scores(block, m, beta, fit.ties, of_time=of) for of in (None, time))
            for plain, changing in zip(*both, strict=True):
                yield plain._replace(score=changing.score - across.T @ plain.score)

    return crossed(parts(), fit.cluster, sampled=True)[0]


def _row(fit: CoxFit, term: Term, score: Floats, inner: Floats, spread: Floats, early: float, late: float) -> dict[str, object]:
    own = slice(term.start, term.stop)
    u = score[own]
    slope = np.linalg.solve(inner[own, own], u)  # of the scaled columns
    statistic = float(u @ np.linalg.solve(spread[own, own], u))
    p, log10_p = chi_squared(statistic, len(u))
    # a column of 0 and 1 is told by its variance; a number counts per standard deviation
    binary = np.abs(fit.scale[own] ** 2 - fit.center[own] * (1 - fit.center[own])) < 1e-9
    unit = np.where(binary, 1.0, fit.scale[own])
    change = slope / fit.scale[own] * unit * (late - early)
    worst = int(np.argmax(np.abs(change)))
    b, per_unit = fit.coefficients[own][worst], slope[worst] / fit.scale[own][worst]
    with np.errstate(over="ignore"):
        return {
            "term": term.name,
            "statistic": statistic,
            "df": len(u),
            "p": p,
            "log10_p": log10_p,
            "column": fit.design.columns[term.start + worst],
            "is_level": bool(term.levels) or bool(binary[worst]),
            "hr_early": float(np.exp(b + per_unit * early)),
            "hr_late": float(np.exp(b + per_unit * late)),
            "hr_change": float(np.exp(change[worst])),
        }


def _verdict(p: float, change: float, is_level: bool, significant: float, material: float) -> str:
    if p >= significant:
        return mark("no sign of a change")
    if max(change, 1 / change) < material:
        return mark("changes, but too little to matter")
    return (
        mark("changes: make it a stratum") if is_level else mark("changes: band it and make it a stratum, or model by period")
    )


def _transformed(fit: CoxFit, transform: str) -> list[Floats]:
    """The transformed times of leaving of each block, centred at the mean over the leavers."""
    times, events, ranks, at_risk = _pooled(fit.blocks)
    if transform == "identity":
        g = times.astype(np.float64)
    elif transform == "log":
        if times[0] <= 0:
            raise ModelError(Problem("proportional hazards: transform 'log'", "has no value at time 0", "take 'km' or 'rank'"))
        g = np.log(times)
    elif transform == "rank":
        g = ranks
    else:
        survival, _ = product_limit(Counts(times, at_risk, events, np.zeros(len(times))))
        g = 1 - np.concatenate([[1.0], survival[:-1]])
    g = g - (g @ events) / events.sum()
    return [g[np.searchsorted(times, block.times)] for block in fit.blocks]


def _pooled(blocks: tuple[Block, ...]) -> tuple[Floats, Floats, Floats, Floats]:
    """Over all strata, per time of leaving: leavers, mean rank among all times (censored ones too), customers at risk."""
    times = np.unique(np.concatenate([block.times for block in blocks]))
    events, before, upto, at_risk = (np.zeros(len(times)) for _ in range(4))
    for block in blocks:
        events[np.searchsorted(times, block.times)] += block.tied
        earlier, through = block.timeline.ranks(times)
        before, upto, at_risk = before + earlier, upto + through, at_risk + block.timeline.at_risk(times)
    return times, events, (before + upto + 1) / 2, at_risk


def _quartiles(fit: CoxFit, g: list[Floats]) -> tuple[float, float]:
    values = np.concatenate(g)
    weight = np.concatenate([block.deaths for block in fit.blocks])
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(share, (0.25, 0.75)), len(values) - 1)
    early, late = values[order][at]
    return float(early), float(late)
