"""Would the forecast have been right? Models that did not see the last days are asked for them and compared with what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.fit import NAMES, FitSet, Models, held_forecasts, model_of, used
from crmkit.analyses.clv.read import Calibration, Purchases, no_holdout
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, curve, estimates, not_assessed
from crmkit.models.basics.concentration import capture
from crmkit.models.basics.estimates import critical
from crmkit.models.purchases import btyd

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NAIVE, LAST, MEAN = "naive", "last_period", "mean"
NAIVE_NAME = mark("Each customer's rate so far")
BASELINES = {
    NAIVE: NAIVE_NAME,
    LAST: mark("As many as in the period before"),
    MEAN: mark("Mean rate of all customers so far"),
}
ACTUAL, FORECAST = mark("Actual"), mark("Forecast")
TOLERATED_BIAS = 0.15
MOST_FREQUENT = 7


@dataclass(frozen=True)
class HoldOut:
    """Forecasts of the held-out days beside what came.

    Parameters
    ----------
    forecasts : mapping of model name to array, shape (customers,)
        Expected purchase days in the held-out period. Beside the models, rules that need none: ``naive`` = the customer's own
        rate so far goes on; ``last_period`` = as many as in as many days before the split; ``mean`` = all buy at the mean rate.
    actual : array, shape (customers,)
        Purchase days in the held-out period.
    chosen : str
        The model that is judged.
    """

    forecasts: Mapping[str, NDArray[np.float64]]
    actual: NDArray[np.float64]
    chosen: str


def hold_out(past: Purchases, models: Models) -> HoldOut | None:
    """What did each model expect of the held-out days, customer by customer?

    Returns
    -------
    HoldOut or None
        None where nothing is held out or no model could be fitted.
    """
    if past.calibration is None or models.calibration is None or not models.calibration.fits:
        return None
    table, per = past.calibration.customers, past.days_per_unit
    found = held_forecasts(past, models.calibration)
    if models.calibration.occasions is not None and past.split is not None:
        found["bgbb"] = models.calibration.occasions.expected(int((past.rhythm.dates > np.datetime64(past.split)).sum()))
    x, T = table["frequency"].to_numpy(dtype="float64"), table["T_days"].to_numpy(dtype="float64") / per
    found |= _rules(past.calibration, x, T, past.holdout_days / per)
    chosen = used(models.chosen, models.calibration)
    return HoldOut(found, table["holdout_frequency"].to_numpy(dtype="float64"), chosen)


def _rules(held: Calibration, x: NDArray[np.float64], T: NDArray[np.float64], horizon: float) -> dict[str, NDArray[np.float64]]:
    """Forecasts that need no model."""
    found = {NAIVE: np.divide(x, T, out=np.zeros_like(x), where=T > 0) * horizon}
    before = held.last_period.set_index("customer_id")["purchase_days_0"]
    found[LAST] = before.reindex(held.customers["customer_id"]).fillna(0.0).to_numpy(dtype="float64")
    total = float(T.sum())
    found[MEAN] = np.full(len(x), float(x.sum()) / total * horizon if total else 0.0)
    return found


def accuracy(past: Purchases, check: HoldOut | None) -> Result:
    """How far were the forecasts off: in total, per customer, and in the order of customers?

    Returns
    -------
    Result
        One row per model and one for each rule that needs none: expected and actual purchases, bias, mean absolute error with
        its normal interval, root mean squared error, share of the actual purchases made by the fifth of customers ranked
        highest.
    """
    import pandas as pd

    title = Text("Forecast of the held-out days against what came")
    if check is None:
        return not_assessed("clv_accuracy", title, no_holdout(past))
    order = sorted(
        check.forecasts, key=lambda name: (name in BASELINES, float(np.abs(check.forecasts[name] - check.actual).mean()))
    )
    table = pd.DataFrame([_scores(name, check, past.confidence) for name in order])
    columns = (
        Column("model", "Forecast", translate=True),
        Column("expected", "Expected purchases", "count"),
        Column("actual", "Actual purchases", "count"),
        Column("bias", "Bias", "share"),
        Column("mae", "Mean absolute error", "score", limits=("mae_low", "mae_high")),
        Column("rmse", "Root mean squared error", "score"),
        Column("capture", "Found by the top fifth", "share"),
    )
    note = Text(
        "{n} customers, {days} held out; errors in purchase days per customer; limits are {confidence} intervals.",
        {
            "n": Quantity(len(check.actual), "count"),
            "days": Quantity(past.holdout_days, "days"),
            "confidence": Quantity(past.confidence, "share"),
        },
    )
    return Result("clv_accuracy", "table", title, table, columns=columns, finding=_beats_naive(table, check), note=note)


def _scores(name: str, check: HoldOut, confidence: float) -> dict[str, object]:
    forecast, actual = check.forecasts[name], check.actual
    error = np.abs(forecast - actual)
    n = len(actual)
    reach = critical(confidence) * float(error.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
    total = float(actual.sum())
    found = capture(forecast, actual, confidence=confidence)
    return {
        "model": NAMES.get(name) or BASELINES[name],
        "expected": float(forecast.sum()),
        "actual": total,
        "bias": float(forecast.sum()) / total - 1 if total else float("nan"),
        "mae": float(error.mean()),
        "mae_low": float(error.mean()) - reach,
        "mae_high": float(error.mean()) + reach,
        "rmse": float(np.sqrt(((forecast - actual) ** 2).mean())),
        "capture": found.value,
        "capture_low": found.low,
        "capture_high": found.high,
        "n": n,
    }


def _beats_naive(table: pd.DataFrame, check: HoldOut) -> Finding:
    by_model = table.set_index("model")
    model, naive = by_model.loc[NAMES[check.chosen]], by_model.loc[NAIVE_NAME]
    better = bool(model["mae"] < naive["mae"])
    numbers: Numbers = {
        "model": NAMES[check.chosen],
        "mae": Quantity(model["mae"], "score", float(model["mae_low"]), float(model["mae_high"])),
        "naive": Quantity(naive["mae"], "score"),
    }
    text = (
        Text(
            "{model} misses a customer's purchases by {mae} on average; carrying on each one's rate misses by {naive}.", numbers
        )
        if better
        else Text(
            "{model} misses a customer's purchases by {mae} on average, no less than carrying on each one's rate ({naive}).",
            numbers,
        )
    )
    return Finding(
        id="clv.beats_naive",
        severity="good" if better else "warning",
        passed=better,
        text=text,
        criteria=Text("The model's mean absolute error is below that of the naive rate."),
        evidence=("clv_accuracy",),
    )


def forecast_finding(past: Purchases, check: HoldOut) -> Finding:
    """Was the total right? The finding that leads the report."""
    expected, actual = float(check.forecasts[check.chosen].sum()), float(check.actual.sum())
    bias = expected / actual - 1 if actual else float("inf")
    good = abs(bias) <= TOLERATED_BIAS
    numbers: Numbers = {
        "days": Quantity(past.holdout_days, "days"),
        "model": NAMES[check.chosen],
        "expected": Quantity(expected, "count"),
        "actual": Quantity(actual, "count"),
        "bias": Quantity(abs(bias), "share"),
    }
    low = Text(
        "For the last {days}, unseen by it, {model} expected {expected} repeat purchases; {actual} came: {bias} too low.",
        numbers,
    )
    high = Text(
        "For the last {days}, unseen by it, {model} expected {expected} repeat purchases; {actual} came: {bias} too high.",
        numbers,
    )
    return Finding(
        id="clv.forecast",
        severity="good" if good else "warning",
        passed=good,
        text=low if bias < 0 else high,
        criteria=Text("The total is missed by at most {limit}.", {"limit": Quantity(TOLERATED_BIAS, "share")}),
        evidence=("clv_weekly", "clv_accuracy"),
        action=None if good else Text("Read totals as orders of magnitude; rankings may still hold."),
    )


def tracking(past: Purchases, models: Models, check: HoldOut | None) -> Result:
    """Do the purchases of all customers together follow the forecast, week by week, summed up?"""
    title = Text("Repeat purchases so far: forecast and actual")
    if check is None or past.calibration is None:
        return not_assessed("clv_tracking", title, no_holdout(past))
    return _tracking_result("clv_tracking", title, _weekly(past, models, check), "cumulative", past, None)


def weekly(past: Purchases, models: Models, check: HoldOut | None) -> Result:
    """Do the purchases of all customers together follow the forecast in each single week?"""
    title = Text("Repeat purchases per week: forecast and actual")
    if check is None or past.calibration is None:
        return not_assessed("clv_weekly", title, no_holdout(past))
    return _tracking_result("clv_weekly", title, _weekly(past, models, check), "purchases", past, forecast_finding(past, check))


def _weekly(past: Purchases, models: Models, check: HoldOut) -> pd.DataFrame:
    """Actual and expected purchases of each whole week since the start, and their sums."""
    import pandas as pd

    if past.calibration is None or models.calibration is None:
        raise ValueError("nothing is held out")
    actual, per = past.calibration.weekly, past.days_per_unit
    whole = actual[actual["length_days"] == actual["length_days"].iloc[0]]
    ends = (whole["to_day"] - pd.Timestamp(past.start)).dt.days.to_numpy(dtype="float64") + 1
    expected = _cumulative(past, past.calibration, models.calibration, check.chosen, ends / per)
    both = {
        ACTUAL: (whole["cumulative"].to_numpy(), whole["purchases"].to_numpy()),
        FORECAST: (expected, np.diff(expected, prepend=0.0)),
    }
    weeks = np.arange(1, len(whole) + 1)
    return pd.concat(
        [pd.DataFrame({"group": name, "x": weeks, "cumulative": c, "purchases": p}) for name, (c, p) in both.items()]
    )


def _cumulative(
    past: Purchases, held: Calibration, fitted: FitSet, name: str, times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected repeat purchases of the customers who came before the split, up to each time; kinds apart, and added."""
    import pandas as pd

    fit, arrivals = model_of(name, fitted), held.arrivals

    def since(days: pd.Series) -> NDArray[np.float64]:
        return np.asarray((days - pd.Timestamp(past.start)).dt.days.to_numpy(dtype="float64") / past.days_per_unit)

    if not isinstance(fit, btyd.CovariateFit):
        return np.asarray(btyd.expected_cumulative(fit, since(arrivals["first_day"]), times, arrivals["n"].to_numpy()))
    place, kinds = fitted.kinds.patterns()
    born = since(held.customers["first_day"])
    parts = [btyd.expected_cumulative(fit.at(one), born[place == number], times) for number, one in enumerate(kinds)]
    return np.asarray(np.sum(parts, axis=0))


def _tracking_result(
    name: str, title: Text, table: pd.DataFrame, column: str, past: Purchases, finding: Finding | None
) -> Result:
    shown = curve(table[["group", "x"]].assign(value=table[column].astype("float64").to_numpy()))
    split = 0.0 if past.split is None else ((past.split - past.start).days + 1) / 7
    shown.attrs["actual"] = ACTUAL
    shown.attrs["marks"] = [(split, Text("held out from here"))]
    alt = Text(
        "Two lines over weeks since {start}: actual repeat purchases and those expected by the model.",
        {"start": Quantity(past.start, "date")},
    )
    note = Text(
        "Customers who first bought by {split}, n = {n}; whole weeks only.",
        {
            "split": Quantity(past.split, "date"),
            "n": Quantity(0 if past.calibration is None else len(past.calibration.customers), "count"),
        },
    )
    y = Axis("Repeat purchases so far", "count") if column == "cumulative" else Axis("Repeat purchases per week", "count")
    return Result(
        name,
        "curve",
        title,
        shown,
        columns=(Column("group", "Group", translate=True),),
        finding=finding,
        note=note,
        alt=alt,
        x=Axis("Weeks since the first purchase", "count"),
        y=y,
    )


def by_frequency(past: Purchases, check: HoldOut | None) -> Result:
    """Is the forecast right for rare and for frequent buyers alike?"""
    import pandas as pd

    title = Text("Purchases in the held-out days, by how often a customer had bought before")
    if check is None or past.calibration is None:
        return not_assessed("clv_by_frequency", title, no_holdout(past))
    group = past.calibration.customers["frequency"].clip(upper=MOST_FREQUENT).astype(int)
    frame = pd.DataFrame({"x": group, ACTUAL: check.actual, FORECAST: check.forecasts[check.chosen]})
    parts = frame.groupby("x")
    sizes = suppress_small(parts.size().rename("n").reset_index(), values=[], min_cell=past.min_cell).set_index("x")["n"]
    reach = critical(past.confidence)
    rows = []
    for measure in (ACTUAL, FORECAST):
        mean, spread = parts[measure].mean(), parts[measure].std(ddof=1) / parts.size() ** 0.5
        for x in sizes.index[sizes.notna()]:
            known = measure == ACTUAL
            rows.append(
                {
                    "group": f"{x}+" if x == MOST_FREQUENT else str(x),
                    "measure": measure,
                    "value": mean[x],
                    "low": max(0.0, mean[x] - reach * spread[x]) if known else float("nan"),
                    "high": mean[x] + reach * spread[x] if known else float("nan"),
                    "n": sizes[x],
                    "unit": "score",
                    "method": mark("mean, normal") if known else NAMES[check.chosen],
                }
            )
    return Result(
        "clv_by_frequency",
        "bars",
        title,
        estimates(rows),
        note=Text(
            "Whiskers are {confidence} intervals of the actual mean; groups below {cell} customers are left out.",
            {"confidence": Quantity(past.confidence, "share"), "cell": Quantity(past.min_cell, "count")},
        ),
        alt=Text("Bars in pairs, actual beside forecast: mean purchases in the held-out days, by repeat purchases before."),
        x=Axis("Repeat purchases before", "text"),
        y=Axis("Mean purchases per customer", "score"),
    )
