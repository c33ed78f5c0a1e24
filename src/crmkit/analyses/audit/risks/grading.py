"""How likely and how grave is a risk, which grade follows, and how sure is it?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.findings.model import NAN, AuditFinding
from crmkit.analyses.audit.read import absent
from crmkit.analyses.audit.risks.warning import Warned, months_since
from crmkit.core.language import mark
from crmkit.models.audit.risk_matrix import RiskMatrix, grade, stability

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
DRAWS = 1000
MONTHS, AHEAD = 12, 6
FEWEST_MONTHS = 6
Z95 = 1.959964
FROM_DATA, BY_EXPERTS, UNKNOWN = mark("from data"), mark("by experts"), mark("not known")
# what is left of a loss after a response; reduce and share: by the parameter
LEFT = {"avoid": 0.0, "accept": 1.0, "pursue": 1.0}


@dataclass(frozen=True)
class Appetite:
    """What the company can bear.

    Parameters
    ----------
    critical_share : float
        Loss at which the scale of impact ends, as a share of the yearly value of all customers, above 0.
    effect_share : float
        Which part of a trouble a response that reduces or shares it takes away, 0 to 1.
    review_months : int
        Months to the next review; a quarter of it, at least one, for risks graded high.
    """

    critical_share: float = 0.1
    effect_share: float = 0.7
    review_months: int = 6


@dataclass(frozen=True)
class Grading:
    """How likely and how grave a risk is, and which grade follows.

    Parameters
    ----------
    likelihood, impact : float
        Probability that the trouble goes on over the next six months; loss as a share of the critical one. nan: not known.
    loss : float
        Expected loss in money: what risks are ranked by within a grade.
    basis : str
        Where the likelihood comes from.
    grade, residual : int
        Places in the matrix's grades, before and after the response; -1 where not graded.
    stability : float
        Share of resamples with the same grade.
    """

    likelihood: float = NAN
    impact: float = NAN
    loss: float = NAN
    basis: str = UNKNOWN
    grade: int = -1
    residual: int = -1
    stability: float = NAN


@dataclass(frozen=True)
class Risk:
    """One line of the register.

    Parameters
    ----------
    id : str
        ``R-<theme>``, or the client's own.
    theme : str
        Empty for a risk of the client's own.
    category : str
    title : str
        In the reader's language.
    response, owner, contingency : str
    indicator : str
        Early warning.
    warning : Warned or None
    review_on : date or None
    finding : str
        Id of the finding it comes from.
    grading : Grading
    """

    id: str
    theme: str
    category: str
    title: str
    response: str = ""
    owner: str = ""
    contingency: str = ""
    indicator: str = ""
    warning: Warned | None = None
    review_on: dt.date | None = None
    finding: str = ""
    grading: Grading = field(default_factory=Grading)


def likelihood(one: AuditFinding, months: pd.DataFrame, *, seed: int = 0) -> tuple[float, Floats]:
    """How likely is it that the leading indicator misses its target over the next six months?

    Parameters
    ----------
    one : AuditFinding
    months : pandas.DataFrame
        Values by month.
    seed : int

    Returns
    -------
    tuple of float and array
        The probability and resampled ones; nan where neither months nor an interval say it.

    Notes
    -----
    The mean of six months to come is taken as normal around the mean of the last twelve, with their spread; resampled: the
    months. Where there are too few months, the interval of the indicator stands in.
    """
    lead, subject = one.lead.measure, one.lead.subject
    nan = np.full(DRAWS, np.nan)
    if one.rule != "indicator" or not np.isfinite(lead.target):
        return (1.0, np.ones(DRAWS)) if one.rule == "trend" else (NAN, nan)
    sign = 1.0 if lead.value >= lead.target else -1.0
    known = months[(months["indicator"] == subject) & months["value"].notna()]
    # the last months, not the last values: waves of a survey are no months
    series = known[months_since(known["month_end"]) < MONTHS]["value"].to_numpy(dtype="float64")
    rng = np.random.default_rng(seed)
    if len(series) >= FEWEST_MONTHS and series.std() > 0:
        drawn = series[rng.integers(0, len(series), (DRAWS, len(series)))]
        return _beyond(series.mean(), series.std(ddof=1), lead.target, sign), _beyond(
            drawn.mean(1), drawn.std(axis=1, ddof=1), lead.target, sign
        )
    # half the width of an interval of 95 % is 1.96 standard errors
    spread = (lead.high - lead.low) / (2 * Z95)
    if not np.isfinite(spread) or spread <= 0:
        return NAN, nan
    # one standard error beside the estimate, as far as the next half year may differ from this one
    return _beyond(lead.value, spread * np.sqrt(AHEAD), lead.target, sign), _beyond(
        lead.value + spread * rng.normal(size=DRAWS), spread * np.sqrt(AHEAD), lead.target, sign
    )


def _beyond(mean: Any, spread: Any, target: float, sign: float) -> Any:
    """Probability that the mean of the months to come lies on the bad side of the target."""
    from scipy.special import ndtr

    # months of a resample may all be equal
    found = ndtr(sign * (np.asarray(mean) - target) / np.maximum(np.asarray(spread) / np.sqrt(AHEAD), 1e-12))
    return float(found) if np.ndim(found) == 0 else found


def impact_of(one: AuditFinding, critical: float, *, seed: int = 1) -> tuple[float, Floats]:
    """How grave is it, as a share of the loss that the company can just bear?

    Parameters
    ----------
    one : AuditFinding
    critical : float
        That loss, in money.
    seed : int

    Returns
    -------
    tuple of float and array
        The share and 1,000 draws of it from the interval of what is at stake; nan where that or the critical loss is not known.
    """
    stake = one.stake
    if not (np.isfinite(stake.money) and np.isfinite(critical) and critical > 0):
        return NAN, np.full(DRAWS, np.nan)
    spread = (stake.high - stake.low) / (2 * Z95) if np.isfinite(stake.high - stake.low) else 0.0
    drawn = stake.money + spread * np.random.default_rng(seed).normal(size=DRAWS)
    return stake.money / critical, np.maximum(drawn, 0.0) / critical


def graded(risk: Risk, appetite: Appetite, matrix: RiskMatrix, p_draws: Floats, impact_draws: Floats) -> Risk:
    """The risk with its grade, the grade that is left after the response, and how often resamples give the same.

    Parameters
    ----------
    risk : Risk
        With likelihood and impact; comes back as it is where one of them is not known.
    appetite : Appetite
    matrix : RiskMatrix
    p_draws, impact_draws : array
        Resamples of both, of one length.
    """
    known = risk.grading
    if not (np.isfinite(known.likelihood) and np.isfinite(known.impact)):
        return risk
    # a table of likelihood and impact gives grades, never products of ranks: Cox (2008), doi:10.1111/j.1539-6924.2008.01030.x
    left = LEFT.get(risk.response, 1 - appetite.effect_share)
    sure = stability(matrix, known.likelihood, known.impact, draws=(p_draws, impact_draws))
    now = int(grade(matrix, known.likelihood, known.impact).grade)
    # what is avoided cannot happen; any other response makes the loss smaller, not less likely
    after = int(grade(matrix, known.likelihood if left else 0.0, known.impact * left).grade)
    return replace(risk, grading=replace(known, grade=now, residual=after, stability=sure))


def level_of(row: Mapping[Any, Any], name: str) -> float:
    """A level from 1 to 5 as the middle of its stretch of the scale."""
    value: Any = row.get(name)
    return NAN if absent(value) else (float(value) - 0.5) / 5
