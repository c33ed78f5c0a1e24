"""Which model should be believed? Likelihood, information criterion and the test on held-out days, and the parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fit import NAMES, WITH, FitSet, Models
from crmkit.analyses.clv.fit import used as model_used
from crmkit.analyses.clv.holdout import HoldOut
from crmkit.analyses.clv.read import Purchases, no_holdout
from crmkit.analyses.clv.selection import stand_in
from crmkit.analyses.clv.values import CONSTANT, SBG
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.estimates import critical
from crmkit.models.purchases import btyd
from crmkit.models.purchases.spend import SpendFit

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"day": mark("day"), "week": mark("week"), "month": mark("month")}


def model_choice(past: Purchases, models: Models, check: HoldOut | None) -> Result:
    """How well does each model describe what is known, and what came?

    Returns
    -------
    Result
        One row per model: log-likelihood and AIC on all data (lower AIC is better), mean absolute error on the held-out days;
        the finding says which model values come from, and whether another is clearly better.
    """
    import pandas as pd

    title = Text("The models compared")
    if past.contracts is not None:
        return _contract_choice(past, models)
    if not models.final.fits:
        return not_assessed("clv_model_choice", title, Text("no model could be fitted; the section on the models says why"))
    table = pd.DataFrame(_rows(models.final, check)).sort_values(
        ["comparable", "aic"], ascending=[False, True], ignore_index=True
    )
    columns = (
        Column("model", "Model", translate=True),
        Column("parameters", "Parameters", "count"),
        Column("log_likelihood", "Log-likelihood", "points"),
        Column("aic", "AIC", "points"),
        Column("mae", "Mean absolute error on held-out days", "score"),
        Column("n", "Customers", "count"),
    )
    return Result(
        "clv_model_choice", "table", title, table, columns=columns, finding=_finding(table, models), note=_note(models)
    )


def _rows(fitted: FitSet, check: HoldOut | None) -> list[dict[str, object]]:
    rows = [_row(name, fit.log_likelihood, fit.aic, fit.n, check) for name, fit in fitted.fits.items()]
    for name, with_ in fitted.kinds.fits.items():
        rows.append(_row(name + WITH, with_.log_likelihood, with_.aic, with_.n, check))
    if fitted.occasions is not None:
        fit = fitted.occasions.fit
        rows.append(_row("bgbb", fit.log_likelihood, fit.aic, fit.n, check))
    return rows


def _contract_choice(past: Purchases, models: Models) -> Result:
    """sBG beside one rate of leaving for everybody."""
    import pandas as pd

    title, agreed = Text("The models compared"), models.contracts
    if agreed is None or agreed.fit is None:
        reason = "" if agreed is None else agreed.reason
        return not_assessed("clv_model_choice", title, Text("{reason}", {"reason": reason or Text("there are no contracts")}))
    fits = {CONSTANT: (agreed.constant[1], 1)}
    if not agreed.alike:
        fits[SBG] = (agreed.fit.log_likelihood, 2)
    rows = [
        {
            "name": name,
            "model": NAMES[name],
            "parameters": k,
            "log_likelihood": likelihood,
            "aic": 2 * k - 2 * likelihood,
            "mae": agreed.errors.get(name, float("nan")),
            "n": agreed.fit.n,
        }
        for name, (likelihood, k) in fits.items()
    ]
    table = pd.DataFrame(rows).sort_values("aic", ignore_index=True)
    columns = (
        Column("model", "Model", translate=True),
        Column("parameters", "Parameters", "count"),
        Column("log_likelihood", "Log-likelihood", "points"),
        Column("aic", "AIC", "points"),
        Column("mae", "Mean absolute error of months paid", "score"),
        Column("n", "Customers", "count"),
    )
    gain = 2 * (agreed.fit.log_likelihood - agreed.constant[1]) - 2
    numbers: Numbers = {"better": Quantity(abs(gain), "points")}
    text = (
        Text(
            "Values come from one rate of leaving for everybody: little shows that customers differ in how readily they leave."
        )
        if agreed.alike
        else Text("Values come from sBG; its AIC is lower by {better} than with one rate of leaving for everybody.", numbers)
    )
    finding = Finding("clv.model_choice", "info", None, text, evidence=("clv_model_choice",))
    return Result("clv_model_choice", "table", title, table, columns=columns, finding=finding, note=MONTHS)


MONTHS = Text(
    "sBG: every month a customer leaves with a probability of their own, so cohorts thin out more and more slowly. The error "
    "is that of the months paid in the held-out days by those under contract before, forecast without these days."
)


def _row(name: str, likelihood: float, aic: float, n: int, check: HoldOut | None) -> dict[str, object]:
    forecast = None if check is None else check.forecasts.get(name)
    mae = float("nan") if forecast is None or check is None else float(np.abs(forecast - check.actual).mean())
    return {
        "name": name,
        "model": NAMES[name],
        "parameters": round(aic / 2 + likelihood),
        "log_likelihood": likelihood,
        "aic": aic,
        "mae": mae,
        "n": n,
        "comparable": name != "bgbb",
    }


def _finding(table: pd.DataFrame, models: Models) -> Finding:
    name = model_used(models.chosen, models.final)
    usual = stand_in(models.judged) if models.judged else name
    best = str(table.loc[table["mae"].idxmin() if table["mae"].notna().any() else 0, "model"])
    numbers: Numbers = {"used": NAMES[name], "best": Text(best), "mae": Quantity(float(table["mae"].min()), "score")}
    if name != usual:
        gain = models.judged[usual].aic - models.judged[name].aic
        text = Text(
            "Values come from {used}: its AIC is lower by {gain} than that of {usual}, and its forecast of the held-out days "
            "was no worse.",
            {**numbers, "usual": Text(NAMES[usual]), "gain": Quantity(gain, "points")},
        )
    elif best == NAMES[name]:
        text = Text("Values come from {used}, which was also nearest on the held-out days.", numbers)
    else:
        text = Text("Values come from {used}; {best} was nearer on the held-out days (mean absolute error {mae}).", numbers)
    return Finding(
        "clv.model_choice", "info", None, text, criteria=RULE if models.judged else None, evidence=("clv_model_choice",)
    )


RULE = Text(
    "Rule: Pareto/NBD, or the next that can be fitted, unless the AIC of another is lower by more than 2. It must also have "
    "missed the held-out days by no more, in total and per customer."
)


def _note(models: Models) -> Text:
    regular = models.final.fits.get("mbgcnbd")
    numbers: Numbers = {"k": Quantity(float("nan") if regular is None else regular.params["k"], "count")}
    parts: dict[str, Text] = {"aic": AIC}
    if regular is not None:
        parts["regular"] = Text("MBG/CNBD-k found k = {k}; with k = 1 it is MBG/NBD.", numbers)
    parts["occasions"] = DENSITY if models.final.occasions is not None else NO_OCCASIONS
    return Text(" ".join(f"{{{name}}}" for name in parts), parts)


AIC = Text(
    "AIC = −2 log-likelihood + 2 × parameters, on the same customers; lower is better. BG/NBD is taken only where it is set, "
    "or neither Pareto/NBD nor MBG/NBD can be fitted, because it takes every one-time buyer for active."
)
DENSITY = Text(
    "Purchases fall on few days, so BG/BB applies; it counts occasions, and its AIC cannot be compared with the others."
)
NO_OCCASIONS = Text("BG/BB is for purchases on few fixed days and was not fitted.")


def fit_table(past: Purchases, models: Models) -> Result:
    """The parameters of each model, with standard errors turned into intervals.

    Returns
    -------
    Result
        Estimate table: group = model, measure = parameter; fitted to everything until ``as_of``. Intervals are normal on the
        logarithm of the parameter, which keeps them positive.
    """
    return _fit_table(past, models.final, "clv_fit", Text("Parameters of the models, all data"))


def calibration_table(past: Purchases, models: Models) -> Result:
    """The parameters as they were estimated without the held-out days; the basis of the forecasts that are tested."""
    title = Text("Parameters of the models, without the held-out days")
    if models.calibration is None:
        return not_assessed("clv_fit_calibration", title, no_holdout(past))
    return _fit_table(past, models.calibration, "clv_fit_calibration", title)


def _fit_table(past: Purchases, fitted: FitSet, name: str, title: Text) -> Result:
    rows = [row for model, one in fitted.fits.items() for row in _parameter_rows(NAMES[model], one, past.confidence)]
    if fitted.spend is not None:
        rows += _parameter_rows("Gamma-Gamma", fitted.spend, past.confidence)
    if not rows:
        return not_assessed(name, title, _reasons(fitted))
    note = Text(
        "Maximum likelihood, time in units of one {unit}; limits are {confidence} intervals.",
        {"unit": Text(UNITS[past.unit]), "confidence": Quantity(past.confidence, "share")},
    )
    columns = (
        Column("group", "Model"),
        Column("measure", "Parameter", translate=True),
        Column("value", "Estimate", "number", limits=("low", "high")),
        Column("n", "Customers", "count"),
    )
    return Result(name, "table", title, estimates(rows), columns=columns, note=note)


def _parameter_rows(label: str, fitted: btyd.Fit | SpendFit, confidence: float) -> list[dict[str, object]]:
    reach = critical(confidence)
    rows = []
    held = fitted.fixed if isinstance(fitted, btyd.Fit) else {}
    for name, value in fitted.params.items():
        if name in held and name != "k":
            continue
        # k of MBG/CNBD-k counts phases, and is chosen among whole numbers
        relative = fitted.standard_errors.get(name, float("nan")) / value
        rows.append(
            {
                "group": label,
                "measure": name,
                "value": value,
                "low": value * math.exp(-reach * relative),
                "high": value * math.exp(reach * relative),
                "n": fitted.n,
                "unit": "number",
                "method": mark("maximum likelihood, log-normal"),
            }
        )
    rows.append(
        {
            "group": label,
            "measure": mark("log-likelihood"),
            "value": fitted.log_likelihood,
            "n": fitted.n,
            "unit": "number",
            "method": mark("maximum likelihood"),
        }
    )
    return rows


def _reasons(fitted: FitSet) -> Text:
    """Why there is no fit at all, each reason once."""
    listed: list[Text | str] = [*fitted.reasons.values(), *([fitted.spend_reason] if fitted.spend_reason else [])]
    once = [one for number, one in enumerate(listed) if one not in listed[:number]]
    names = [f"reason{number}" for number in range(len(once))]
    return Text(" ".join(f"{{{name}}}" for name in names), dict(zip(names, once, strict=True)))
