"""Do as many leave as predicted, are the right ones on top, and is the model better than rules that need none?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.backtest import MODEL, TENURE, difference, rules_of
from crmkit.analyses.churn.chances import RIVALS
from crmkit.analyses.churn.fit import Backtest, Test, score
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.worth import Worth, earlier_value
from crmkit.core.errors import CrmkitError, ModelError
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models import survival as sv
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.survival import Campaign

OBSERVED, PREDICTED = mark("observed"), mark("predicted")
BY_PROFIT = mark("the model, by profit")
RIGHT = (0.8, 1.25)
AUC = mark("AUC at the horizon")
IN_SHORT = ("Brier score", "Observed / expected", "Calibration slope")
NO_TEST = Text("no earlier cut-off had both enough to learn from and its whole horizon behind it")


def _why(work: Backtest) -> Text:
    return Text("{reason}", {"reason": work.reason}) if work.model is None else NO_TEST


def pooled(work: Backtest) -> pd.DataFrame:
    """All customers of all tests: ``follow_days, event_observed, complete, probability``."""
    import pandas as pd

    parts = [
        one.rows[["follow_days", "event_observed", "complete"]].assign(probability=one.scores[MODEL]) for one in work.tests
    ]
    return pd.concat(parts, ignore_index=True)


def calibration(past: Past, work: Backtest) -> Result:
    """Among customers of about the same predicted probability, how many left?

    Returns
    -------
    Result
        Dots per tenth of the predicted probability, observed with intervals beside predicted, over all cut-offs of the
        back-test; the finding is on observed over expected.
    """
    shop = past.shop is not None
    title = Text("Did as many stay away as predicted?") if shop else Text("Did as many leave as predicted?")
    if not work.tests:
        return not_assessed("churn_calibration", title, _why(work))
    seen = pooled(work)
    given = (seen["follow_days"], seen["event_observed"], seen["probability"])
    try:
        table = sv.calibration_table(*given, horizon=past.rule.horizon_days, confidence=past.confidence)
        summary = sv.calibration_summary(*given, horizon=past.rule.horizon_days, confidence=past.confidence)
    except ModelError as err:
        return not_assessed("churn_calibration", title, err.text)
    shown = estimates(_tenths(table))
    shown.attrs["zero"] = True
    ratio = summary.set_index("measure").loc["Observed / expected"]
    value, low, high = (float(ratio[name]) for name in ("value", "low", "high"))
    good = low <= 1 <= high or RIGHT[0] <= value <= RIGHT[1]
    finding = Finding(
        id="churn.calibration",
        severity="good" if good else "warning",
        passed=good,
        text=Text(
            "For each customer expected to stay away, {ratio} did, on {k} earlier days that the models had not seen."
            if shop
            else "For each customer expected to leave, {ratio} left, in {k} cut-offs that the models had not seen.",
            {"ratio": Quantity(value, "score", low, high), "k": Quantity(len(work.tests), "count")},
        ),
        criteria=Text(
            "Between {low} and {high}, or not clearly away from one.",
            {
                "low": Quantity(RIGHT[0], "score"),
                "high": Quantity(RIGHT[1], "score"),
            },
        ),
        evidence=("churn_calibration", "churn_accuracy"),
    )
    return Result(
        "churn_calibration",
        "interval_dots",
        title,
        shown,
        columns=(Column("measure", "Measure", translate=True),),
        finding=finding,
        note=Text(
            "Tenths of the customers by predicted probability, {n} customers in all; {confidence} intervals.",
            {
                "n": Quantity(len(seen), "count"),
                "confidence": Quantity(past.confidence, "share"),
            },
        ),
        alt=Text("Dots per tenth of customers, from the lowest predicted risk: share observed to leave, and share predicted."),
        x=Axis("Tenth, the lowest risk first", "text"),
        y=Axis("Bought nothing within the horizon" if shop else "Left within the horizon", "share"),
    )


def accuracy(past: Past, work: Backtest) -> Result:
    """How good are ranking and probabilities, over all cut-offs of the back-test?

    Returns
    -------
    Result
        Estimate table: Harrell's and Uno's C, AUC at the horizon, Brier scores, observed over expected, calibration slope, ICI,
        E50, E90, and the integrated Brier score.
    """
    title = Text("How good are the predictions?")
    if not work.tests:
        return not_assessed("churn_accuracy", title, _why(work))
    seen = pooled(work)
    t, e, p = seen["follow_days"], seen["event_observed"], seen["probability"]
    horizon, level = float(past.rule.horizon_days), past.confidence
    rows = []
    made: dict[str, Callable[[], sv.Agreement]] = {
        mark("Harrell's C"): lambda: sv.concordance(t, e, p, tau=horizon, confidence=level),
        mark("Uno's C"): lambda: sv.concordance(t, e, p, weighting="uno", tau=horizon, confidence=level),
        AUC: lambda: sv.auc_at(t, e, p, horizon=horizon, confidence=level),
    }
    for name, make in made.items():
        try:
            one = make()
        except ModelError:  # all left at one time (no two can be compared), or too few were followed: the row is missing
            continue
        rows.append(
            {
                "group": "",
                "measure": name,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "n": one.n,
                "unit": "score",
                "method": one.method,
            }
        )
    import pandas as pd

    parts = [estimates(rows)]
    for table in (sv.brier_score, sv.calibration_summary):
        try:
            parts.append(table(t, e, p, horizon=horizon, confidence=level))
        except ModelError as err:
            return not_assessed("churn_accuracy", title, err.text)
    found = pd.concat([*parts, _integrated(past, work)], ignore_index=True)
    if work.model is not None and work.model.chances is not None:
        found["group"] = work.model.chances.behind
    found = pd.concat([found, _rivals(past, work)], ignore_index=True)
    columns = (
        *((Column("group", "Of", translate=True),) if past.shop is not None else ()),
        Column("measure", "Measure", translate=True),
        Column("value", "Value", "number"),
        Column("interval", "Interval", "number"),
        Column("n", "n", "count"),
    )
    return Result("churn_accuracy", "table", title, found, columns=columns)


def _everywhere(work: Backtest, name: str) -> bool:
    """Whether a model could be fitted on each of the earlier days."""
    return all(name in one.rows and one.rows[name].notna().all() for one in work.tests)


def _rivals(past: Past, work: Backtest) -> pd.DataFrame:
    """Of a shop: the same in short for each of the models, of which the best stands behind the list."""
    import pandas as pd

    if past.shop is None or work.model is None or work.model.chances is None:
        return estimates([])
    seen = pd.concat([one.rows for one in work.tests], ignore_index=True)
    t, e, horizon, level = seen["follow_days"], seen["event_observed"], float(past.rule.horizon_days), past.confidence
    parts = []
    for name in (name for name in RIVALS if _everywhere(work, name) and name != work.model.chances.behind):
        own = sv.auc_at(t, e, seen[name], horizon=horizon, confidence=level)
        row = {"group": name, "measure": AUC, "value": own.value, "low": own.low, "high": own.high, "n": own.n, "unit": "score"}
        parts.append(estimates([row | {"method": own.method}]))
        for table in (sv.brier_score, sv.calibration_summary):
            try:
                made = table(t, e, np.clip(seen[name], 1e-9, 1 - 1e-9), horizon=horizon, confidence=level)
            except ModelError:  # too little was followed for this measure; the others stand
                continue
            parts.append(made[made["measure"].isin(IN_SHORT)].assign(group=name))
    return pd.concat(parts, ignore_index=True) if parts else estimates([])


def _integrated(past: Past, work: Backtest) -> pd.DataFrame:
    """Integrated Brier score up to the horizon; only where predictions exist for shorter horizons."""
    import pandas as pd

    if work.model is None or work.model.engine != "cox":
        return estimates([])
    times = [max(1, round(past.rule.horizon_days * share)) for share in (1 / 3, 2 / 3, 1)]
    if len(set(times)) < len(times):
        return estimates([])
    at = [
        np.column_stack([score(replace(one.model, horizon_days=h), one.rows)["probability"] for h in times])
        for one in work.tests
    ]
    seen = pd.concat([one.rows for one in work.tests], ignore_index=True)
    try:
        table = sv.integrated_brier_score(
            seen["follow_days"], seen["event_observed"], np.vstack(at), times=times, confidence=past.confidence
        )
    except ModelError:  # a probability is not estimable; the score at the horizon stands
        return estimates([])
    last = table.iloc[-1]
    rows = [
        (mark("Integrated Brier score"), last["value"], last["low"], last["high"]),
        (mark("Scaled integrated Brier score"), last["scaled"], last["scaled_low"], last["scaled_high"]),
    ]
    return estimates(
        {
            "group": "",
            "measure": name,
            "value": value,
            "low": low,
            "high": high,
            "n": len(seen),
            "unit": "number",
            "method": mark("mean over the horizon"),
        }
        for name, value, low, high in rows
    )


def backtest(past: Past, work: Backtest, campaign: Campaign, *, contacts: int, value: Worth) -> Result:
    """Is the model better than rules that need none, in money too?

    Parameters
    ----------
    past : Past
    work : Backtest
    campaign : Campaign
        What a contact costs and does.
    contacts : int
        Length of the list that is judged.
    value : Worth
        How today's customers are valued; those of earlier days are valued alike, from what was known then.

    Returns
    -------
    Result
        A row per cut-off and rule: ``cut, rule, n, left, auc, low, high, lift_1, lift_5, lift_10, precision, recall,
        observed_expected, ici, captured, profit``.
    """
    import pandas as pd

    title = Text("Model and simple rules, at earlier cut-offs")
    if not work.tests:
        return not_assessed("churn_backtest", title, _why(work))
    rows = [row for one in work.tests for row in _judged(past, one, campaign, contacts, value)]
    table = pd.DataFrame(rows)
    columns = (
        Column("cut", "Cut-off", "date"),
        Column("rule", "Ranked by", translate=True),
        Column("left", "Stayed away" if past.shop is not None else "Left", "count"),
        Column("auc", "AUC", "score"),
        Column("lift_10", "Lift, top 10", "score"),
        Column("precision", "Of the list, stayed away" if past.shop is not None else "Of the list, left", "share"),
        Column("recall", "Of these found" if past.shop is not None else "Leavers found", "share"),
        Column("observed_expected", "Observed / exp.", "score"),
        Column("captured", "Value captured", "share"),
        Column("profit", "Profit of the list", "money"),
    )
    note = Text(
        "The list: the {k} customers ranked first. Lift: how many times as many leavers as by lot, among the first tenth. "
        "Profit: with what came to pass and the assumed save rate, not by experiment. The file has lift at one and five "
        "of a hundred, intervals and ICI as well.",
        {"k": Quantity(contacts, "count")},
    )
    return Result("churn_backtest", "table", title, table, columns=columns, finding=comparison(past, work), note=note)


def _judged(past: Past, one: Test, campaign: Campaign, contacts: int, value: Worth) -> list[dict[str, object]]:
    kept = one.rows["complete"].to_numpy(dtype=bool)
    rows, y = one.rows[kept], one.rows.loc[kept, "event_observed"].to_numpy(dtype="float64")
    money = earlier_value(past, rows, value)
    k = min(contacts, len(rows))
    found = []
    known = one.scores[kept]
    ranked = {str(rule): known[rule].to_numpy(dtype="float64") for rule in known.columns}
    if money is not None:
        ranked[BY_PROFIT] = sv.contact_profit(ranked[MODEL], money, campaign)
    for rule, s in ranked.items():
        lift = sv.lift_table(y, s, value=money, shares=(0.01, 0.05, 0.10, k / len(rows)))
        ranking = sv.auc_at(rows["follow_days"], rows["event_observed"], s, horizon=past.rule.horizon_days)
        own = {
            "cut": one.cut,
            "rule": rule,
            "n": len(rows),
            "left": int(y.sum()),
            "auc": ranking.value,
            "low": ranking.low,
            "high": ranking.high,
            "lift_1": lift["lift"][0],
            "lift_5": lift["lift"][1],
            "lift_10": lift["lift"][2],
            "precision": lift["precision"][3],
            "recall": lift["recall"][3],
            "observed_expected": np.nan,
            "ici": np.nan,
            "captured": lift["value_captured"][3],
            "profit": np.nan,
        }
        if rule in (MODEL, TENURE):
            own |= _calibrated(past, one, rule)
        if money is not None:
            first = np.argsort(-s, kind="stable")[:k]
            own["profit"] = float(sv.contact_profit(y[first], money[first], campaign).sum())
        found.append(own)
    return found


def _calibrated(past: Past, one: Test, rule: str) -> dict[str, float]:
    p = np.clip(one.scores[rule].to_numpy(dtype="float64"), 1e-9, 1 - 1e-9)
    try:
        table = sv.calibration_summary(one.rows["follow_days"], one.rows["event_observed"], p, horizon=past.rule.horizon_days)
    except CrmkitError:  # too few left to judge probabilities; the ranking stands
        return {}
    found = table.set_index("measure")["value"]
    return {"observed_expected": float(found["Observed / expected"]), "ici": float(found["ICI"])}


def comparison(past: Past, work: Backtest) -> Finding:
    """Which of the simple rules does the model beat, over all cut-offs together?

    Returns
    -------
    Finding
        Beaten: the interval of the mean difference of AUC lies above zero, corrected for the three comparisons (Bonferroni).
    """
    beaten: list[Text] = []
    rest: list[Text] = []
    least = np.inf
    rules = rules_of(past)
    reach = critical(1 - (1 - past.confidence) / len(rules))
    for rule in rules:
        values, variances = zip(*(_apart(one, rule) for one in work.tests), strict=True)
        value, error = float(np.mean(values)), float(np.sqrt(np.sum(variances))) / len(values)
        least = min(least, value)
        (beaten if value - reach * error > 0 else rest).append(Text(rule))
    k = Quantity(len(work.tests), "count")
    if not rest:
        text = Text(
            "Over {k} cut-offs the model ranks customers clearly better than all three simple rules; the nearest is {gap} of "
            "AUC behind.",
            {"k": k, "gap": Quantity(least, "score")},
        )
    else:
        text = Text(
            "Over {k} cut-offs the model does not rank customers clearly better than simple rules: {rules}.",
            {"k": k, "rules": in_a_row(rest)},
        )
    return Finding(
        id="churn.backtest",
        severity="warning" if rest else "good",
        passed=not rest,
        text=text,
        criteria=Text("Better than the longest silence, silence over own rhythm, and the probability to be gone.")
        if past.shop is not None
        else Text("Better than last month's rate of the segment, the longest silence, and the time as a customer alone."),
        evidence=("churn_backtest",),
        action=Text("Use the simpler rule, or the model for its probabilities only.") if rest else None,
    )


def _apart(one: Test, rule: str) -> tuple[float, float]:
    kept = one.rows["complete"].to_numpy(dtype=bool)
    y = one.rows.loc[kept, "event_observed"].to_numpy(dtype=bool)
    return difference(y, one.scores.loc[kept, MODEL].to_numpy(), one.scores.loc[kept, rule].to_numpy())


def _tenths(table: pd.DataFrame) -> list[dict[str, object]]:
    """Two rows per tenth of the customers: observed and predicted."""
    rows = []
    for row in table.to_dict("records"):
        shared = {"group": str(row["group"]), "n": row["n"], "unit": "share"}
        rows.append(
            shared
            | {
                "measure": OBSERVED,
                "value": row["observed"],
                "low": row["low"],
                "high": row["high"],
                "method": mark("Kaplan-Meier"),
            }
        )
        rows.append(shared | {"measure": PREDICTED, "value": row["predicted"], "method": mark("mean of the predictions")})
    return rows
