"""Which share of customers under contract is left after so many months, and how will it go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fit import NAMES, Models
from crmkit.analyses.clv.read import Purchases
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models.basics.draws import interval
from crmkit.models.purchases import sbg
from crmkit.models.survival import kaplan_meier

if TYPE_CHECKING:
    import pandas as pd

OBSERVED, MODEL = mark("Actual"), mark("Forecast")
AHEAD = 1.5
STAYED = Text("{first} of customers stay for the first year, and {later} of those for the second.")
SO_FAR = Text("{first} of customers stay for the first year; {later} of those are expected to stay for the second.")
EXPECTED = Text(
    "{first} of customers are expected to stay for the first year, and {later} of those for the second; the data are younger."
)
YEAR, YEAR_DAYS = 12, 365
# at risk, below which no curve of the churn report is shown either
FEWEST = 10


def retention(past: Purchases, models: Models) -> Result:
    """How many customers stay for how many months, so far and from now on?

    Returns
    -------
    Result
        Curves over months since the start of the contract: the share observed (Kaplan-Meier with its interval) and that of sBG
        with a bootstrap interval, half as far again as was observed; the finding compares the first year with later ones.

    References
    ----------
    Fader & Hardie (2007), doi:10.1002/dir.20074.
    """
    import pandas as pd
    from lifelines import KaplanMeierFitter

    title = Text("Customers under contract: the share who stay")
    agreed = models.contracts
    if past.contracts is None or agreed is None:
        return not_assessed("clv_retention", title, Text("needs subscriptions, and is for clients without transactions"))
    if agreed.fit is None:
        return not_assessed("clv_retention", title, Text("{reason}", {"reason": agreed.reason}))
    data = agreed.cohorts
    km = KaplanMeierFitter(alpha=1 - past.confidence)
    entry = data.before if data.before.any() else None
    km.fit(data.period, ~data.stays, weights=data.n.astype("float64"), entry=entry)
    limits = km.confidence_interval_survival_function_
    seen = pd.DataFrame(
        {
            "group": OBSERVED,
            "x": km.survival_function_.index.to_numpy(dtype="float64"),
            "value": km.survival_function_.iloc[:, 0].to_numpy(),
            "low": limits.iloc[:, 0].to_numpy(),
            "high": limits.iloc[:, 1].to_numpy(),
            "at_risk": km.event_table["at_risk"].to_numpy(dtype="float64"),
        }
    )
    months = np.arange(0.0, np.ceil(AHEAD * float(data.period.max())) + 1)
    draws = sbg.parameter_draws(data, agreed.fit)
    fitted = interval(lambda one: sbg.survival(one, months), agreed.fit, draws, confidence=past.confidence)
    ahead = pd.DataFrame({"group": MODEL, "x": months, "value": fitted.value, "low": fitted.low, "high": fitted.high})
    table = curve(pd.concat([seen, ahead], ignore_index=True))
    table.attrs["actual"] = OBSERVED
    return Result(
        "clv_retention",
        "curve",
        title,
        table,
        columns=(Column("group", "Group", translate=True),),
        finding=_finding(past, past.contracts, agreed.fit, draws),
        note=Text(
            "Kaplan–Meier estimate and {model}, {n} times under contract; a month has 30.4375 days; bands are {confidence} "
            "intervals.",
            {
                "model": Text(NAMES[agreed.model]),
                "n": Quantity(data.customers, "count"),
                "confidence": Quantity(past.confidence, "share"),
            },
        ),
        alt=Text("Two falling curves over months under contract: the share of customers who stayed, and that of the model."),
        x=Axis("Months since the contract began", "count"),
        y=Axis("Share still under contract", "share"),
    )


def _rate(table: pd.DataFrame, after: int, *, confidence: float) -> Quantity | None:
    """Which share stayed for the year after so many days, as the churn report has it? None where too few were seen so long."""
    there = table[table["duration_days"] > after]
    if (there["duration_days"] >= after + YEAR_DAYS).sum() < FEWEST:
        return None
    curve = kaplan_meier(
        there["duration_days"],
        there["event_observed"],
        entry=np.maximum(there["entry_days"].to_numpy(dtype="float64"), after) if after or there["entry_days"].any() else None,
        confidence=confidence,
    )
    row = curve[curve["x"] <= after + YEAR_DAYS].iloc[-1]
    low, high = (None if np.isnan(one) else float(one) for one in (row["low"], row["high"]))
    return Quantity(float(row["value"]), "share", low, high)


def _finding(past: Purchases, contracts: pd.DataFrame, fit: sbg.Fit, draws: sbg.ParameterDraws) -> Finding:
    def yearly(one: sbg.Fitted) -> np.ndarray:
        left = sbg.survival(one, [YEAR, 2 * YEAR])
        return np.array([left[0], left[1] / left[0]])

    seen = [_rate(contracts, after, confidence=past.confidence) for after in (0, YEAR_DAYS)]
    rates = interval(yearly, fit, draws, confidence=past.confidence)
    expected = [Quantity(float(rates.value[at]), "share", float(rates.low[at]), float(rates.high[at])) for at in (0, 1)]
    first, later = (one or other for one, other in zip(seen, expected, strict=True))
    said = STAYED if seen[0] and seen[1] else SO_FAR if seen[0] else EXPECTED
    text = Text(said.template, {"first": first, "later": later})
    return Finding("clv.retention", "info", None, text, evidence=("clv_retention", "clv_model_choice"))
