"""What goes with leaving, by how much, and does that hold over the time as a customer?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.fit import Backtest, Model
from crmkit.analyses.churn.inputs import heading
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models import survival as sv
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm
from crmkit.models.survival.data.encoding import apply_recipe

if TYPE_CHECKING:
    import pandas as pd

ALL, OWN, BACK = mark("all who leave"), mark("of their own will"), mark("buying again")
ENGINES = {
    "cox": Text("Cox model (Efron), clock: days as a customer, up to {clock}"),
    "cloglog": Text("discrete-time model (complementary log-log) by month, because contracts end by month"),
    "once": Text("complementary log-log model of one period"),
    "gaps": Text(
        "Cox model of the gaps between purchases (Prentice, Williams & Peterson), time in own gaps, errors by customer"
    ),
}
SPEEDS_UP = Text(
    "{n} of {of} characteristics {n:is|are} clearly linked to leaving; “{feature}” speeds it up most, by the factor {ratio}."
)
SLOWS_DOWN = Text(
    "{n} of {of} characteristics {n:is|are} clearly linked to leaving; “{feature}” slows it down most, by the factor {ratio}."
)
SOONER = Text(
    "{n} of {of} characteristics {n:is|are} clearly linked to coming back; with “{feature}” customers "
    "come back sooner, by the factor {ratio}."
)
LATER = Text(
    "{n} of {of} characteristics {n:is|are} clearly linked to coming back; with “{feature}” customers "
    "come back later, by the factor {ratio}."
)
SIGNIFICANT = 0.05
MOST_SHOWN = 24


def effects(past: Past, work: Backtest) -> Result:
    """By which factor does each feature raise or lower the rate of leaving?

    Returns
    -------
    Result
        Hazard ratios with intervals on a logarithmic scale: numbers per standard deviation, levels against the most frequent;
        all kinds of leaving, and of their own will alone where enough left so. The finding names what is clear after Holm.
    """
    shop = past.shop is not None
    title = Text("What is linked to coming back") if shop else Text("What is linked to leaving")
    if work.model is None or work.panel is None:
        return not_assessed("churn_effects", title, Text("{reason}", {"reason": work.reason}))
    table = effect_table(work, work.model)
    rows = _rows(table, BACK if shop else ALL, work.model, past.confidence)
    if work.voluntary is not None:
        rows += _rows(effect_table(work, work.voluntary), OWN, work.voluntary, past.confidence)
    shown = estimates(rows)
    shown.attrs["log"], shown.attrs["reference"] = True, (1.0, Text("no effect"))
    return Result(
        "churn_effects",
        "interval_dots",
        title,
        shown,
        columns=(Column("group", "Feature", translate=True), Column("measure", "Measure", translate=True)),
        finding=_effects_finding(table, shop=shop),
        note=_note(past, work.model),
        alt=Text(
            "Dots with intervals on a logarithmic scale: factor on the rate of buying again; right of the line customers come "
            "back sooner."
        )
        if shop
        else Text(
            "Dots with intervals on a logarithmic scale: hazard ratio of each feature; right of the line leaving is faster."
        ),
        x=Axis("Feature", "text"),
        y=Axis("Factor on the rate of buying again" if shop else "Hazard ratio", "ratio"),
    )


def _note(past: Past, model: Model) -> Text:
    engine = Text(ENGINES[model.engine].template, {"clock": Quantity(model.clock_days, "days")})
    if past.shop is not None:
        return Text(
            "{engine}. {n} gaps, {events} of them ended by a purchase. Numbers per standard deviation, levels against the most "
            "frequent one; {confidence} intervals.",
            {
                "engine": engine,
                "n": Quantity(model.fit.n, "count"),
                "events": Quantity(model.fit.events, "count"),
                "confidence": Quantity(past.confidence, "share"),
            },
        )
    return Text(
        "{engine}. {n} rows of {cuts} cut-offs, {events} left within the {horizon} after them. Numbers per standard deviation, "
        "levels against the most frequent one; {confidence} intervals.",
        {
            "engine": engine,
            "n": Quantity(model.fit.n, "count"),
            "cuts": Quantity(len(model.cuts), "count"),
            "events": Quantity(model.fit.events, "count"),
            "horizon": Quantity(model.horizon_days, "days"),
            "confidence": Quantity(past.confidence, "share"),
        },
    )


def effect_table(work: Backtest, model: Model) -> pd.DataFrame:
    """``column, heading, ratio, low, high, p, p_holm, kind`` per column of the model; numbers per standard deviation."""
    import pandas as pd
    from scipy.special import ndtr

    names = list(model.fit.design.columns)
    b, error = _estimated(model)
    assert work.panel is not None  # noqa: S101  there is a model
    spread = spreads(model, apply_recipe(model.recipe, work.panel.at(*model.cuts)))
    reach = critical(model.confidence)
    p = 2 * ndtr(-np.abs(b / error))
    b, error = b * spread, error * spread
    return pd.DataFrame(
        {
            "column": names,
            "heading": [heading(name) for name in names],
            "ratio": np.exp(b),
            "low": np.exp(b - reach * error),
            "high": np.exp(b + reach * error),
            "p": p,
            "p_holm": holm(p),
        }
    )


def spreads(model: Model, X: pd.DataFrame) -> np.ndarray:
    """In which unit is the effect of each column shown? A standard deviation of a number, 1 of a level."""
    numbers = {one.name for one in model.recipe.numbers}
    names = model.fit.design.columns
    if model.chances is not None and isinstance(model.fit, sv.CoxFit):  # of what it was fitted to, which is no panel
        return np.array([spread if name in numbers else 1.0 for name, spread in zip(names, model.fit.scale, strict=True)])
    return np.array([float(X[name].std()) if name in numbers else 1.0 for name in names])


def _estimated(model: Model) -> tuple[np.ndarray, np.ndarray]:
    b, error = np.asarray(model.fit.coefficients), np.asarray(model.fit.standard_errors)
    if isinstance(model.fit, sv.DiscreteFit):
        at = [model.fit.names.index(name) for name in model.fit.design.columns]
        return b[at], error[at]
    return b, error


def _rows(table: pd.DataFrame, measure: str, model: Model, confidence: float) -> list[dict[str, object]]:
    order = table.assign(size=np.abs(np.log(table["ratio"]))).sort_values("size", ascending=False, kind="stable")
    kept = set(order["column"].head(MOST_SHOWN))
    return [
        {
            "group": row["heading"],
            "measure": measure,
            "value": row["ratio"],
            "low": row["low"],
            "high": row["high"],
            "n": model.fit.events,
            "unit": "ratio",
            "method": mark("partial likelihood, Wald"),
        }
        for row in table.to_dict("records")
        if row["column"] in kept
    ]


def _effects_finding(table: pd.DataFrame, *, shop: bool = False) -> Finding:
    clear = table[table["p_holm"] < SIGNIFICANT]
    faster = clear[clear["ratio"] > 1].sort_values("ratio", ascending=False)
    slower = clear[clear["ratio"] < 1].sort_values("ratio")
    if clear.empty:
        text = (
            Text("No characteristic is clearly linked to coming back, once their number is allowed for.")
            if shop
            else Text("No characteristic is clearly linked to leaving, once their number is allowed for.")
        )
        return Finding("churn.effects", "info", None, text, evidence=("churn_effects",))
    first = (faster if len(faster) else slower).iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(len(clear), "count"),
        "of": Quantity(len(table), "count"),
        "feature": Text(str(first["heading"]).replace("{", "{{").replace("}", "}}")),
        "ratio": Quantity(first["ratio"], "score", first["low"], first["high"]),
    }
    words = (SOONER, LATER) if shop else (SPEEDS_UP, SLOWS_DOWN)
    text = Text(words[0 if len(faster) else 1].template, numbers)
    return Finding("churn.effects", "info", None, text, evidence=("churn_effects",))


def proportionality(work: Backtest) -> Result:
    """Does each effect stay the same over the time as a customer, and what to do where it does not?

    Returns
    -------
    Result
        Score test per feature and together: ``term, statistic, df, p, p_holm, hr_early, hr_late, hr_change, verdict``.
    """
    title = Text("Do the effects stay the same over time?")
    if work.model is None:
        return not_assessed("churn_proportionality", title, Text("{reason}", {"reason": work.reason}))
    if not isinstance(work.model.fit, sv.CoxFit):
        return not_assessed("churn_proportionality", title, Text("the test belongs to the Cox model, which was not used here"))
    try:
        table = sv.proportional_hazards(work.model.fit)
    except ModelError as err:
        return not_assessed("churn_proportionality", title, err.text)
    shop = work.model.chances is not None
    bad = table[table["verdict"].str.startswith("changes:")]
    table = table.assign(heading=[heading(term) if term != "GLOBAL" else mark("all together") for term in table["term"]])
    columns = (
        Column("heading", "Feature", translate=True),
        Column("statistic", "Chi squared", "score"),
        Column("df", "Degrees of freedom", "count"),
        Column("p_holm", "p after Holm", "p"),
        Column("hr_early", "Hazard ratio early", "score"),
        Column("hr_late", "Hazard ratio late", "score"),
        Column("verdict", "Verdict", translate=True),
    )
    text = (
        Text(
            "{n} {n:effect changes|effects change} with the length of the silence by so much that it matters.",
            {"n": Quantity(len(bad), "count")},
        )
        if len(bad) and shop
        else Text("No effect changes with the length of the silence by so much that it matters.")
        if shop
        else Text(
            "{n} {n:effect changes|effects change} with the time as a customer by so much that it matters.",
            {"n": Quantity(len(bad), "count")},
        )
        if len(bad)
        else Text("No effect changes over the time as a customer by so much that it matters.")
    )
    finding = Finding(
        "churn.proportional",
        "warning" if len(bad) else "good",
        not len(bad),
        text,
        evidence=("churn_proportionality",),
        action=Text("Read such an effect early and late, as the table gives it: its mean says little.") if len(bad) else None,
    )
    note = Text(
        "Score test (Grambsch & Therneau) on the Kaplan–Meier scale. Early and late: when a quarter and three quarters of the "
        "gaps that ended had ended. With many purchases every change is significant; the factor between early and late says if "
        "it matters."
    )
    if not shop:
        note = Text(
            "Score test (Grambsch & Therneau) on the Kaplan–Meier scale. Early and late: when a quarter and three quarters of "
            "those who left had left. With many customers every change is significant; the factor between early and late says "
            "if it matters."
        )
    return Result("churn_proportionality", "table", title, table, columns=columns, finding=finding, note=note)
