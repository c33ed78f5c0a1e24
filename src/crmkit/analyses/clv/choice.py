"""Which model should be believed? Likelihood, information criterion and the test on held-out days side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fitting import NAMES, FitSet, Models
from crmkit.analyses.clv.history import History
from crmkit.analyses.clv.holdout import HoldOut
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd


def model_choice(past: History, models: Models, check: HoldOut | None) -> Result:
    """How well does each model describe what is known, and what came?

    Returns
    -------
    Result
        One row per model: log-likelihood and AIC on all data (lower AIC is better), mean absolute error on the held-out days;
        the finding says which model values come from, and whether another is clearly better.
    """
    import pandas as pd

    title = Text("The models compared")
    if not models.final.fits:
        return not_assessed("clv_model_choice", title, Text("no purchase model could be fitted"))
    table = pd.DataFrame([_row(name, models.final, check) for name in models.final.fits]).sort_values("aic", ignore_index=True)
    columns = (
        Column("model", "Model"),
        Column("log_likelihood", "Log-likelihood", "points"),
        Column("aic", "AIC", "points"),
        Column("mae", "Mean absolute error on held-out days", "score"),
        Column("n", "Customers", "count"),
    )
    note = Text(
        "AIC = −2 log-likelihood + 2 × parameters, on the same customers; lower is better. The default is Pareto/NBD; BG/NBD "
        "is never the default, because it takes every one-time buyer for active."
    )
    return Result("clv_model_choice", "table", title, table, columns=columns, finding=_finding(table, models), note=note)


def _row(name: str, fitted: FitSet, check: HoldOut | None) -> dict[str, object]:
    fit = fitted.fits[name]
    forecast = None if check is None else check.forecasts.get(name)
    mae = float("nan") if forecast is None or check is None else float(np.abs(forecast - check.actual).mean())
    return {"model": NAMES[name], "log_likelihood": fit.log_likelihood, "aic": fit.aic, "mae": mae, "n": fit.n}


def _finding(table: pd.DataFrame, models: Models) -> Finding:
    used = NAMES[models.chosen if models.chosen in models.final.fits else next(iter(models.final.fits))]
    best = table.loc[table["mae"].idxmin(), "model"] if table["mae"].notna().any() else table.loc[0, "model"]
    numbers: Numbers = {"used": used, "best": str(best), "mae": Quantity(float(table["mae"].min()), "score")}
    text = (
        Text("Values come from {used}, which was also nearest on the held-out days.", numbers)
        if best == used
        else Text("Values come from {used}; {best} was nearer on the held-out days (mean absolute error {mae}).", numbers)
    )
    return Finding("clv.model_choice", "info", None, text, evidence=("clv_model_choice",))
