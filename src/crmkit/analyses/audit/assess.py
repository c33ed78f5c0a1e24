"""How does each indicator stand: value, interval, score from 1 to 5, and could it be as good as its target?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crmkit.analyses.audit.catalogue import Catalogue, Indicator
from crmkit.analyses.audit.indicators import Estimate, Owned, evaluate
from crmkit.analyses.audit.indicators.estimate import NO_BEFORE, NO_PLAN, SHORT, TOO_FEW
from crmkit.analyses.audit.indicators.from_reports import came_back
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.sampling import Sampling
from crmkit.analyses.audit.scoring import ASSESSED, NOT_ASSESSED
from crmkit.models.basics.grades import score, score_range

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "indicator",
    "class",
    "name",
    "value",
    "low",
    "high",
    "n",
    "n_missing",
    "unit",
    "direction",
    "target",
    "score",
    "score_low",
    "score_high",
    "status",
    "reason",
    "owner",
    "weight",
    "method",
    "p_value",
    "p_better",
    "needs",
    "kri",
    "placeholder",
    "reference",
    "cut2",
    "cut3",
    "cut4",
    "cut5",
    "came_back",
    "start",
    "end",
)
MONTHLY = ("indicator", "month_end", "value", "low", "high", "n")
TOLERATED = 2
NAN = math.nan


class Standard(NamedTuple):
    """What a value is held against: target and cuts in its own unit; how it was sampled, and the target as it was."""

    target: float
    cuts: tuple[float, ...]
    sampling: Sampling | None = None
    sampled_target: float = NAN
    reason: str = ""


def assess(past: History, catalogue: Catalogue, *, owned: Owned | None = None, confidence: float = 0.95) -> pd.DataFrame:
    """How does each indicator stand in the newest cycle?

    Parameters
    ----------
    past : History
    catalogue : Catalogue
    owned : mapping of str to Reading, optional
        Results of ``clv``, ``churn`` and ``satisfaction``, by name; ``clv_previous`` are those of the audit before. Indicators
        of an analysis that is not there are not assessed.
    confidence : float
        Coverage of every interval, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per indicator that is not switched off, in the order of the catalogue: ``indicator, class, name`` (in the
        language of the history), ``value, low, high`` (in ``unit``; shares 0 to 1), ``n, n_missing``, ``direction``,
        ``target``, ``score, score_low, score_high`` (1 to 5, nan where not assessed; the range follows from the interval),
        ``status``, ``reason`` (why not assessed), ``owner, weight, method``, ``p_value, p_better`` (one-sided, for "the
        truth is worse than the target" and "better"), ``needs`` (the table, column or analysis that is missing), ``kri``,
        ``placeholder`` (whether the target is the kit's own), ``reference`` (what the value is compared with), ``cut2`` to
        ``cut5`` (where scores begin, in ``unit``; for ``range`` as a part of the target), ``came_back`` (share of those
        counted as lost who came back later, where loss is a silence), ``start, end`` (of the period).
    """
    return _table(past, catalogue, past.current, owned=owned or {}, confidence=confidence)


def cycles(past: History, catalogue: Catalogue, *, owned: Owned | None = None, confidence: float = 0.95) -> pd.DataFrame:
    """How did each indicator stand in each of the last cycles? Parameters as in :func:`assess`.

    Returns
    -------
    DataFrame
        ``cycle`` and the columns of :func:`assess`, the oldest cycle first. Tickets that were opened in a cycle are seen as
        they are today; records are, and so is what other analyses own, but for churn by month, and scores and response by
        wave.
    """
    import pandas as pd

    parts = [
        _table(past, catalogue, window, owned=owned or {}, confidence=confidence).assign(cycle=window.name)
        for window in past.cycles
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["cycle", *COLUMNS]]


def monthly(past: History, catalogue: Catalogue, *, owned: Owned | None = None, confidence: float = 0.95) -> pd.DataFrame:
    """What was the value of each indicator in each month? Parameters as in :func:`assess`.

    Returns
    -------
    DataFrame
        ``indicator, month_end, value, low, high, n``, the oldest month first; nan where there is no value. Indicators with a
        length of their own are those of that length up to the end of the month.
    """
    import pandas as pd

    rows = []
    for one in (each for each in catalogue if each.enabled):
        for window in past.months:
            found = evaluate(one, past, window, results=owned or {}, confidence=confidence)
            rows.append((one.id, pd.Timestamp(window.end), found.value, found.low, found.high, found.n))
    return pd.DataFrame(rows, columns=list(MONTHLY))


def standard(one: Indicator, found: Estimate, plans: Mapping[str, float]) -> Standard:
    """Which target and cuts hold for a value, and how was it sampled?

    Parameters
    ----------
    one : Indicator
    found : Estimate
    plans : mapping of str to float
        The company's goals.

    Returns
    -------
    Standard
    """
    if one.basis == "fixed":
        return Standard(one.target, one.cuts, found.sampling, one.target)
    if one.basis == "own":
        if not found.past:
            return Standard(NAN, (), reason=SHORT)
        at, *ends = (float(cut) for cut in np.quantile(found.past, [one.target, *one.cuts]))
        return Standard(at, tuple(ends), found.sampling, at)
    if one.basis in ("previous", "plan") and one.id in plans:
        plan = plans[one.id]
        cuts = one.cuts if one.direction == "range" else tuple(cut * plan for cut in one.cuts)
        return Standard(one.target * plan, cuts, found.sampling, one.target * plan)
    if math.isnan(found.reference):
        return Standard(NAN, (), reason=NO_PLAN if one.basis == "plan" else NO_BEFORE)
    cuts = tuple(cut * found.reference for cut in one.cuts)
    return Standard(one.target * found.reference, cuts, found.relative, one.target)


def worse(sampling: Sampling | None, target: float, one: Indicator) -> float:
    """One-sided p-value of "the truth is worse than the target"; nan where the value is no sample."""
    if sampling is None:
        return NAN
    if one.direction == "up":
        return sampling.below(target)
    if one.direction == "down":
        return sampling.above(target)
    # both sides are bad, beyond the distance that still has the score 4
    room = one.cuts[TOLERATED] * abs(target)
    return min(1.0, 2 * min(sampling.below(target - room), sampling.above(target + room)))


def better(sampling: Sampling | None, target: float, one: Indicator) -> float:
    """One-sided p-value of "the truth is better than the target"; nan where the value is no sample."""
    if sampling is None:
        return NAN
    if one.direction == "up":
        return sampling.above(target)
    if one.direction == "down":
        return sampling.below(target)
    # good is what lies between both sides that are bad
    room = one.cuts[TOLERATED] * abs(target)
    return max(sampling.above(target - room), sampling.below(target + room))


def _table(past: History, catalogue: Catalogue, window: Window, *, owned: Owned, confidence: float) -> pd.DataFrame:
    import pandas as pd

    wanted = [one for one in catalogue if one.enabled]
    rows = [_row(one, past, catalogue, window, owned=owned, confidence=confidence) for one in wanted]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    one: Indicator, past: History, catalogue: Catalogue, window: Window, *, owned: Owned, confidence: float
) -> dict[str, Any]:
    import pandas as pd

    found = evaluate(one, past, window, results=owned, confidence=confidence)
    held = standard(one, found, past.plans) if found.known else Standard(NAN, (), reason=found.reason)
    few = found.known and found.n < one.min_n
    reason = found.reason or (TOO_FEW if few else held.reason)
    scores = (NAN, NAN, NAN) if reason else _scores(one, found, held)
    seen = past.window(window, one.months) if one.months > len(window.months) else window
    return {
        "indicator": one.id,
        "class": one.group,
        "name": one.name(past.language),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": float(found.n),
        "n_missing": float(found.n_missing),
        "unit": one.unit,
        "direction": one.direction,
        "target": held.target,
        "score": scores[0],
        "score_low": scores[1],
        "score_high": scores[2],
        "status": NOT_ASSESSED if reason else ASSESSED,
        "reason": reason,
        "owner": one.owner,
        "weight": one.weight,
        "method": found.method,
        "p_value": NAN if reason else worse(held.sampling, held.sampled_target, one),
        "p_better": NAN if reason else better(held.sampling, held.sampled_target, one),
        "needs": found.needs if found.reason else "",
        "kri": one.kri,
        "placeholder": _placeholder(one, past, catalogue),
        "reference": found.reference,
        **_cuts(held.cuts),
        "came_back": came_back(one.id, owned, confidence) if found.known else NAN,
        "start": pd.Timestamp(seen.start),
        "end": pd.Timestamp(seen.end),
    }


def _scores(one: Indicator, found: Estimate, held: Standard) -> tuple[float, float, float]:
    given: dict[str, Any] = {"cuts": held.cuts, "direction": one.direction, "target": held.target}
    return score(found.value, **given), *score_range(found.value, found.low, found.high, **given)


def _placeholder(one: Indicator, past: History, catalogue: Catalogue) -> bool:
    """Whether the target is the kit's: the client's file does not set it, and no goal of the company stands for it."""
    planned = one.basis in ("previous", "plan") and one.id in past.plans
    return one.id not in catalogue.edited and not planned


def _cuts(cuts: Sequence[float]) -> dict[str, float]:
    return {f"cut{number}": cuts[number - 2] if cuts else NAN for number in range(2, 6)}
