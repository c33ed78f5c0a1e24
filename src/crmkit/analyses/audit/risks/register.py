"""What may go wrong, how likely and how grave is it, who answers for it, and how sure is the grade?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, NAN, AuditFinding
from crmkit.analyses.audit.findings.themes import Theme, theme_of, themes
from crmkit.analyses.audit.read import History
from crmkit.analyses.audit.risks.warning import Warned, months_since, warned
from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Quantity, Text
from crmkit.models.audit.risk_matrix import RiskMatrix, grade, stability

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
DRAWS = 1000
MONTHS, AHEAD = 12, 6
FEWEST_MONTHS = 6
Z95 = 1.959964
HIGH = 2
CATEGORY_WORDS = {
    "churn": mark("churn"), "service": mark("service"), "product": mark("product"), "data": mark("data and privacy"),
    "fraud": mark("fraud and arrears"), "market": mark("market"), "legal": mark("legal"), "people": mark("people"),
}  # fmt: skip
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
    response, owner, contingency : str
    indicator : str
        Early warning.
    warning : Warned or None
    review_on : date or None
    finding : str
        Id of the finding it comes from.
    """

    id: str
    theme: str
    category: str
    title: str
    likelihood: float = NAN
    impact: float = NAN
    loss: float = NAN
    basis: str = UNKNOWN
    grade: int = -1
    residual: int = -1
    stability: float = NAN
    response: str = ""
    owner: str = ""
    contingency: str = ""
    indicator: str = ""
    warning: Warned | None = None
    review_on: dt.date | None = None
    finding: str = ""


def register(
    found: Sequence[AuditFinding],
    past: History,
    grounds: Grounds,
    months: pd.DataFrame,
    book: Catalogue,
    *,
    own: pd.DataFrame | None = None,
    appetite: Appetite | None = None,
    matrix: RiskMatrix | None = None,
) -> list[Risk]:
    """Which risks follow from the findings, and how are they graded?

    Parameters
    ----------
    found : sequence of AuditFinding
        Observations make no risk.
    past, grounds, months, book
        What the findings rest on; months as :func:`crmkit.analyses.audit.monthly` gives them.
    own : pandas.DataFrame or None
        The client's table ``risks``: a row of the same id replaces owner, response, contingency, indicator and review; other
        rows are risks of their own with the levels that experts gave.
    appetite : Appetite or None
    matrix : RiskMatrix or None

    Returns
    -------
    list of Risk
        The gravest first; within a grade by expected loss, because products of levels mean nothing.
    """
    appetite, matrix = appetite or Appetite(), matrix or RiskMatrix()
    total = float(grounds.worth.sum()) if grounds.worth is not None else NAN
    said = _own(own, found)
    risks: dict[str, Risk] = {}
    for one in found:
        name = f"R-{one.theme}"
        if one.level != FINDING or name in risks:
            continue
        risks[name] = _risk(one, past, months, book, total * appetite.critical_share, appetite, matrix, said.get(name, {}))
    for name, row in said.items():
        if name not in risks:
            risks[name] = _by_experts(name, row, months, book, total * appetite.critical_share, appetite, matrix, past.language)
    dated = [_reviewed(risk, past.as_of, appetite) for risk in risks.values()]
    return sorted(dated, key=lambda risk: (-risk.grade, -np.nan_to_num(risk.loss, nan=-1.0), risk.id))


def _own(own: pd.DataFrame | None, found: Sequence[AuditFinding]) -> dict[str, Mapping[Any, Any]]:
    """The client's own rows by id; one whose early warning belongs to the theme of a finding speaks of the same risk."""
    if own is None:
        return {}
    made: dict[str, Mapping[Any, Any]] = {}
    known = {one.theme for one in found if one.level == FINDING}
    for row in own.to_dict("records"):
        theme = theme_of(_text(row, "indicator"))
        same = f"R-{theme.id}" if theme is not None and theme.id in known else ""
        made[same if same and same not in made else str(row["risk_id"])] = row
    return made


def _risk(
    one: AuditFinding, past: History, months: pd.DataFrame, book: Catalogue, critical: float, appetite: Appetite,
    matrix: RiskMatrix, said: Mapping[Any, Any],
) -> Risk:  # fmt: skip
    theme = themes()[one.theme]
    kri = _text(said, "indicator") or _warning_indicator(theme, one, book)
    risk = Risk(
        id=f"R-{one.theme}", theme=one.theme, category=_text(said, "category") or theme.category,
        title=theme.name(past.language), response=_text(said, "response") or theme.response,
        owner=_text(said, "owner") or theme.owner.say(past.language),
        contingency=_text(said, "contingency") or theme.contingency.say(past.language), indicator=kri,
        warning=warned(kri, months, book), review_on=_day(said), finding=one.id,
    )  # fmt: skip
    p, p_draws = likelihood(one, months)
    impact, impact_draws = _impact(one, critical)
    if not np.isfinite(p):
        p, basis = _level(said, "likelihood"), BY_EXPERTS
        p_draws = np.full(DRAWS, p)
    else:
        basis = FROM_DATA
    if not np.isfinite(impact) or (not one.money_low > 0 and np.isfinite(_level(said, "impact"))):
        # a loss that is not established is no better than what experts think
        impact = _level(said, "impact")
        impact_draws = np.full(DRAWS, impact)
    money = impact * critical if np.isfinite(critical) else NAN
    risk = replace(risk, likelihood=p, impact=impact, basis=basis if np.isfinite(p) else UNKNOWN, loss=p * money)
    return _graded(risk, appetite, matrix, p_draws, impact_draws)


def _graded(risk: Risk, appetite: Appetite, matrix: RiskMatrix, p_draws: Floats, impact_draws: Floats) -> Risk:
    if not (np.isfinite(risk.likelihood) and np.isfinite(risk.impact)):
        return risk
    left = LEFT.get(risk.response, 1 - appetite.effect_share)
    sure = stability(matrix, risk.likelihood, risk.impact, draws=(p_draws, impact_draws))
    now = int(grade(matrix, risk.likelihood, risk.impact).grade)
    # what is avoided cannot happen; any other response makes the loss smaller, not less likely
    after = int(grade(matrix, risk.likelihood if left else 0.0, risk.impact * left).grade)
    return replace(risk, grade=now, residual=after, stability=sure)


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
    lead = one.lead
    nan = np.full(DRAWS, np.nan)
    if one.rule != "indicator" or not np.isfinite(lead.target):
        return (1.0, np.ones(DRAWS)) if one.rule == "trend" else (NAN, nan)
    sign = 1.0 if lead.value >= lead.target else -1.0
    known = months[(months["indicator"] == lead.subject) & months["value"].notna()]
    # the last months, not the last values: waves of a survey are no months
    series = known[months_since(known["month_end"]) < MONTHS]["value"].to_numpy(dtype="float64")
    rng = np.random.default_rng(seed)
    if len(series) >= FEWEST_MONTHS and series.std() > 0:
        drawn = series[rng.integers(0, len(series), (DRAWS, len(series)))]
        return _beyond(series.mean(), series.std(ddof=1), lead.target, sign), _beyond(
            drawn.mean(1), drawn.std(axis=1, ddof=1), lead.target, sign
        )
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


def _impact(one: AuditFinding, critical: float, *, seed: int = 1) -> tuple[float, Floats]:
    if not (np.isfinite(one.money) and np.isfinite(critical) and critical > 0):
        return NAN, np.full(DRAWS, np.nan)
    spread = (one.money_high - one.money_low) / (2 * Z95) if np.isfinite(one.money_high - one.money_low) else 0.0
    drawn = one.money + spread * np.random.default_rng(seed).normal(size=DRAWS)
    return one.money / critical, np.maximum(drawn, 0.0) / critical


def _by_experts(
    name: str, row: Mapping[Any, Any], months: pd.DataFrame, book: Catalogue, critical: float, appetite: Appetite,
    matrix: RiskMatrix, language: str,
) -> Risk:  # fmt: skip
    p, impact = _level(row, "likelihood"), _level(row, "impact")
    category = _text(row, "category")
    words: dict[str, Quantity | Text | str] = {"id": name, "category": Text(CATEGORY_WORDS.get(category, category))}
    title = say(Text("{id}: {category}", words), Locale(language))
    kri = _text(row, "indicator")
    risk = Risk(
        id=name, theme="", category=category, title=title, likelihood=p,
        impact=impact, loss=p * impact * critical,
        basis=BY_EXPERTS if np.isfinite(p) else UNKNOWN, response=_text(row, "response"), owner=_text(row, "owner"),
        contingency=_text(row, "contingency"), indicator=kri, warning=warned(kri, months, book), review_on=_day(row),
    )  # fmt: skip
    return _graded(risk, appetite, matrix, np.full(DRAWS, p), np.full(DRAWS, impact))


def _warning_indicator(theme: Theme, one: AuditFinding, book: Catalogue) -> str:
    """What moves first: an early-warning indicator of the theme, the one that leads the finding before others."""
    known = [name for name in (one.lead.subject, *theme.indicators) if name in book.indicators]
    return next((name for name in known if book[name].kri), known[0] if known else "")


def _reviewed(risk: Risk, as_of: dt.date, appetite: Appetite) -> Risk:
    if risk.review_on is not None or not risk.theme:
        return risk
    months = max(1, appetite.review_months // 4) if risk.grade >= HIGH else appetite.review_months
    return replace(risk, review_on=as_of + dt.timedelta(days=round(months * 30.4375)))


def _level(row: Mapping[Any, Any], name: str) -> float:
    """A level from 1 to 5 as the middle of its stretch of the scale."""
    value = row.get(name)
    return NAN if value is None or value != value else (float(value) - 0.5) / 5


def _text(row: Mapping[Any, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None or value != value else str(value)


def _day(row: Mapping[Any, Any]) -> dt.date | None:
    value = row.get("review_on")
    if value is None or value != value:
        return None
    return value.date() if hasattr(value, "date") else dt.date.fromisoformat(str(value)[:10])
