"""How does an analyst go on from here in lifelines? The page's model and curves as objects of that library."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.churn.chances import fitted_rows, own_gap
from crmkit.analyses.churn.curves import groupings, observed, shown_groups
from crmkit.analyses.churn.effects import spreads
from crmkit.analyses.churn.fit import Backtest, stretches
from crmkit.analyses.churn.inputs import heading
from crmkit.analyses.churn.panel import shop_with
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ModelError
from crmkit.core.language import mark, translate
from crmkit.core.results import Column, Quantity, Result, Text, not_assessed
from crmkit.models import survival as sv
from crmkit.models.survival.data.design import encode
from crmkit.models.survival.data.encoding import apply_recipe
from crmkit.models.survival.gaps import stratum_of_number

if TYPE_CHECKING:
    import pandas as pd
    from lifelines import CoxPHFitter, KaplanMeierFitter

EVERYBODY = mark("All customers")
NOT_COX = {
    "cloglog": Text("the model of this page is by month, which lifelines does not have"),
    "once": Text("the model of this page is of one period, which lifelines does not have"),
}


@dataclass(frozen=True)
class Curves:
    """What there is where the page's model is none of lifelines: its curves, and why there is no more.

    Parameters
    ----------
    reason : Text
    fitters : dict of str to lifelines.KaplanMeierFitter
        By level of the main group.
    """

    reason: Text
    fitters: dict[str, KaplanMeierFitter]


def lifelines_model(past: Past, work: Backtest, *, language: str = "en") -> CoxPHFitter | Curves:
    """What does the page's model look like as an object of lifelines?

    Parameters
    ----------
    past : Past
    work : Backtest
    language : str
        Of the names of the columns; as on the page.

    Returns
    -------
    lifelines.CoxPHFitter or Curves
        The Cox model of all who leave, its columns named and scaled as in the figure of effects: numbers per standard
        deviation, levels against the most frequent one. Where the page's model is by month or of one period, where there is
        none, or where it has more rows than lifelines fits in about a second: the curves, with the reason.

    Notes
    -----
    Coefficients, hazard ratios and log-likelihood are the page's. Its standard errors are model-based, the page's count
    repeated customers once where cut-offs overlap; its baseline is Breslow's, the page's Efron's; and its test of proportional
    hazards is an approximation, the page's the score test.
    """
    model = work.model
    if model is None or work.panel is None:
        return Curves(Text("there is no model: {reason}", {"reason": work.reason}), lifelines_curves(past))
    if not isinstance(model.fit, sv.CoxFit):
        return Curves(NOT_COX[model.engine], lifelines_curves(past))
    shop = shop_with(past, model.recipe) if past.shop is not None else None
    strata = None
    if shop is None or model.chances is None:
        rows = work.panel.at(*model.cuts)
        entry, stop, _ = stretches(rows)
    else:
        rows = fitted_rows(shop, past.as_of)
        own = own_gap(shop, rows)
        entry, stop = rows["silence_days"].to_numpy() / own, rows["duration_days"].to_numpy() / own
        strata = stratum_of_number(rows["number"], model.chances.fits.gaps.strata)
    if not sv.lifelines_serves(stop, rows["event_observed"], entry=entry):
        text = Text(
            "the model has {n} rows, which lifelines does not work out in about a second", {"n": Quantity(len(rows), "count")}
        )
        return Curves(text, lifelines_curves(past))
    X = apply_recipe(model.recipe, rows)
    scale = spreads(model, X)
    columns = _named(encode(model.fit.design, X) / scale, model.fit.design.columns, language)
    start, level = sv.Start(model.fit.coefficients * scale, model.fit.log_likelihood_null), model.confidence
    return sv.cox_fitter(stop, rows["event_observed"], columns, entry=entry, strata=strata, start=start, confidence=level)


def _named(values: np.ndarray, names: tuple[str, ...], language: str) -> pd.DataFrame:
    """The columns under the words of the page; two of one name are told apart by their own."""
    import pandas as pd

    words = [translate(heading(name), language) for name in names]
    words = [word if words.count(word) == 1 else f"{word} ({name})" for word, name in zip(words, names, strict=True)]
    return pd.DataFrame(values, columns=words)


def lifelines_curves(past: Past) -> dict[str, KaplanMeierFitter]:
    """How long do customers stay, as objects of lifelines? A curve per level of the main group that is large enough to show.

    Left out is a group of which all that were under observation left before others came in: lifelines draws no curve of it.
    """
    if not past.usable:
        return {}
    by = next(iter(groupings(past)), None)
    given: dict[str, Any] = observed(past)
    parts = {"": given}
    if by is not None:
        levels = past.spells[by].to_numpy(dtype=object)
        parts = {
            str(level): {name: None if value is None else value[levels == level] for name, value in given.items()}
            for level in sorted(shown_groups(past, by)[0][by].unique())
        }
    found = {}
    for level, own in parts.items():
        with suppress(ModelError):
            found[level] = sv.kaplan_meier_fitter(**own, confidence=past.confidence, label=level or EVERYBODY)
    return found


def lifelines_summary(fitted: CoxPHFitter | Curves) -> Result:
    """What is in the object of lifelines? Its coefficients, or the curves that stand in its place.

    Parameters
    ----------
    fitted : lifelines.CoxPHFitter or Curves
        From :func:`lifelines_model`.

    Returns
    -------
    Result
        A row per column: ``column, coefficient, ratio, standard_error, p``; or per curve: ``group, n, left, median``.
    """
    title = Text("The same in lifelines")
    if isinstance(fitted, Curves):
        return _curves_table(title, fitted)
    table = fitted.summary.reset_index(names="column")
    names = {"coef": "coefficient", "exp(coef)": "ratio", "se(coef)": "standard_error"}
    columns = (
        Column("column", "Feature"),
        Column("coefficient", "Coefficient", "number"),
        Column("ratio", "Hazard ratio", "score"),
        Column("standard_error", "Standard error", "number"),
        Column("p", "p", "p"),
    )
    note = Text(
        "CoxPHFitter, {n} rows, {events} left; numbers per standard deviation. Its errors take rows as independent.",
        {"n": Quantity(len(fitted.durations), "count"), "events": Quantity(int(fitted.event_observed.sum()), "count")},
    )
    shown = table.rename(columns=names)[[one.name for one in columns]]
    return Result("churn_lifelines", "table", title, shown, columns=columns, note=note)


def _curves_table(title: Text, curves: Curves) -> Result:
    import pandas as pd

    if not curves.fitters:
        return not_assessed("churn_lifelines", title, curves.reason)
    rows = [
        {
            "group": name or EVERYBODY,
            "n": len(one.durations),
            "left": int(one.event_observed.sum()),
            "median": one.median_survival_time_ if np.isfinite(one.median_survival_time_) else np.nan,
        }
        for name, one in curves.fitters.items()
    ]
    columns = (
        Column("group", "Group", translate="" in curves.fitters),
        Column("n", "n", "count"),
        Column("left", "Left so far", "count"),
        Column("median", "Half are gone after", "days"),
    )
    note = Text("KaplanMeierFitter, one per group: {reason}.", {"reason": curves.reason})
    return Result("churn_lifelines", "table", title, pd.DataFrame(rows), columns=columns, note=note)
