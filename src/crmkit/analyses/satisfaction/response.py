"""Who was asked and who answered: response by wave and channel, likeness to the customer base, answers left out?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.labels import absent, level_label
from crmkit.analyses.satisfaction.population import UNKNOWN
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.summaries.answers import response_counts
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

LOW_RESPONSE, MUCH_MISSING, LARGE_GAP = 0.2, 0.1, 0.05
ALL = mark("all channels")
TOO_MANY = Text("Those who answered differ from all customers: “{level}” is over-represented by {gap} percentage points.")
TOO_FEW = Text("Those who answered differ from all customers: “{level}” is under-represented by {gap} percentage points.")
LEFT_OUT_COLUMNS = (
    Column("item", "Question"),
    Column("answered", "Answered", "count"),
    Column("inapplicable_share", "Does not apply", "share"),
    Column("value", "No answer", "share"),
    Column("interval", "Interval", "share"),
    Column("n", "n", "count"),
)


def response(past: Survey) -> Result:
    """How many of those who were asked answered, by wave and channel?

    Returns
    -------
    Result
        Table ``wave, channel, sent, responded, value, low, high`` (share who answered, Wilson), ``complete_share,
        complete_low, complete_high`` (of the answers, those without a gap), ``days_to_response`` (mean), ``n, suppressed``.
        Where nobody wrote down who was asked, ``value`` is empty.
    """
    title = Text("How many answered?")
    if not past.usable or past.answers.surveys is None:
        return absent(past, "satisfaction_response", title)
    table = response_table(past)
    asked = bool((table["sent"] > table["responded"]).any())
    rate = wilson(table["responded"], table["sent"], confidence=past.confidence)
    full = wilson(table["complete"], table["responded"], confidence=past.confidence)
    shown = table.assign(
        value=rate.value if asked else np.nan,
        low=rate.low if asked else np.nan,
        high=rate.high if asked else np.nan,
        complete_share=full.value,
        complete_low=full.low,
        complete_high=full.high,
        n=table["sent"],
        # the channels of a wave are parts of the whole, which stands above them
        part=table["wave"] + np.where(table["channel"] == ALL, f" {ALL}", ""),
    )
    hidden = ["value", "low", "high", "complete_share", "complete_low", "complete_high"]
    hidden += [name for name in ("days_to_response",) if name in shown]
    shown = suppress_small(shown, values=hidden, min_cell=past.min_cell, within="part").drop(columns="part")
    columns = [Column("wave", "Wave"), Column("channel", "Channel", translate=True)]
    columns += [Column("sent", "Asked", "count")] if asked else []
    columns += [Column("responded", "Answered", "count")]
    columns += [Column("value", "Response rate", "share"), Column("interval", "Interval", "share")] if asked else []
    columns += [Column("complete_share", "Of these, complete", "share")]
    if "days_to_response" in shown and shown["days_to_response"].notna().any():
        columns.append(Column("days_to_response", "Days until the answer", "days"))
    shown.attrs["confidence"] = past.confidence
    note = Text(
        "n: the people asked. Complete: every question has an answer or does not apply. Wilson intervals. Channels of the "
        "wave reported and the one before. An answer after the last day of the report has not come yet."
    )
    return Result(
        "satisfaction_response", "table", title, shown, tuple(columns), finding=_response_finding(past, shown, asked), note=note
    )


def response_table(past: Survey) -> pd.DataFrame:
    """``wave, channel, sent, responded, complete, days_to_response``; first the waves as a whole, then the channels."""
    import pandas as pd

    whole = response_counts(past.answers.surveys, as_of=past.as_of, by=["wave"]).assign(channel=ALL)
    parts = [whole]
    if "channel" in past.recorded:
        parts.append(
            response_counts(past.answers.surveys, as_of=past.as_of, by=["wave", "channel"]).fillna({"channel": UNKNOWN})
        )
    table = pd.concat(parts, ignore_index=True)
    order = {wave: place for place, wave in enumerate(past.waves.names)}
    table = table[table["wave"].isin(order)]
    # channels of the wave reported and the one before; of older ones only the whole, so that the table can be read
    table = table[table["wave"].isin([past.waves.reported, past.waves.previous]) | (table["channel"] == ALL)]
    table = table.assign(at=-table["wave"].map(order), whole=table["channel"] != ALL)
    table = table.sort_values(["at", "whole", "channel"], kind="stable", ignore_index=True)
    kept = ["wave", "channel", "sent", "responded", "complete", *[c for c in ["days_to_response"] if c in table]]
    return table[kept]


def _response_finding(past: Survey, table: pd.DataFrame, asked: bool) -> Finding:
    now = table[(table["wave"] == past.waves.reported) & (table["channel"] == ALL)].iloc[0]
    answered = Quantity(now["responded"], "count")
    if not asked:
        text = Text(
            "{n} answered in {wave}. Nobody wrote down who was asked, so there is no response rate.",
            {"n": answered, "wave": past.waves.reported},
        )
        action = Text("Keep a row for everybody who is asked, also for those who do not answer.")
        return Finding("satisfaction.response", "info", None, text, evidence=("satisfaction_response",), action=action)
    rate = Quantity(now["value"], "share", now["low"], now["high"])
    text = Text(
        "In {wave} {rate} of the {sent} asked answered ({n} people).",
        {"wave": past.waves.reported, "rate": rate, "sent": Quantity(now["sent"], "count"), "n": answered},
    )
    low = bool(now["value"] < LOW_RESPONSE)
    return Finding(
        "satisfaction.response",
        "warning" if low else "info",
        None if not low else False,
        text,
        criteria=Text("Below {least} those who keep silent decide the result.", {"least": Quantity(LOW_RESPONSE, "share")})
        if low
        else None,
        evidence=("satisfaction_response",),
        action=Text("Remind once, shorten the questionnaire, and read the weighted figures.") if low else None,
    )


def representative(past: Survey) -> Result:
    """Do those who answered look like the customers?

    Returns
    -------
    Result
        Interval dots: share of each level among the answers of the wave (Wilson) beside its share among the customers of that
        day. Table ``group, measure, value, low, high, n, unit, method``.
    """
    name, title = "satisfaction_representative", Text("Do those who answered look like the customers?")
    if not past.usable:
        return absent(past, name, title)
    base = past.population.margins[past.population.margins["wave"] == past.waves.reported]
    if not len(base):
        return not_assessed(name, title, Text("nothing is known of customers to compare with"))
    listed: list[dict[str, object]] = []
    tests: dict[str, tuple[float, str, float]] = {}
    n = 0
    for margin in past.population.groups:
        goal = base[base["margin"] == margin].set_index("level")["customers"].astype("float64")
        said = past.current[f"group:{margin}"]
        counts = said[said != UNKNOWN].value_counts().reindex(goal.index).fillna(0.0).astype("float64")
        n = max(n, int(counts.sum()))
        tests[margin] = _likeness(past, margin, counts, goal)
        listed += _pairs(past, margin, counts, goal)
    if not n:
        return not_assessed(name, title, Text("of no answer the customer is known"))
    adjusted = dict(zip(tests, holm([one[0] for one in tests.values()]), strict=True))
    return Result(
        name,
        "interval_dots",
        title,
        estimates(listed),
        columns=(Column("group", "Group"), Column("measure", "Measure", translate=True)),
        finding=_likeness_finding(past, tests, {margin: float(p) for margin, p in adjusted.items()}),
        note=Text(
            "n = {n} answers of known customers, {base} customers ({rule}). Wilson intervals; chi-squared tests of each "
            "grouping, Holm over the groupings.",
            {
                "n": Quantity(n, "count"),
                "base": Quantity(0 if past.population.customers is None else len(past.population.customers), "count"),
                "rule": past.population.rule,
            },
        ),
        alt=Text("Two dots per group: its share among the answers, with an interval, and its share among the customers."),
        x=Axis("Group", "text"),
        y=Axis("Share", "share"),
    )


def _pairs(past: Survey, margin: str, counts: pd.Series[float], goal: pd.Series[float]) -> list[dict[str, object]]:
    found = wilson(counts, counts.sum(), confidence=past.confidence)
    rows: list[dict[str, object]] = []
    for place, level in enumerate(goal.index):
        group, n = level_label(past, margin, str(level)), float(counts.sum())
        rows += [
            {
                "group": group,
                "measure": mark("Of those who answered"),
                "value": found.value[place],
                "low": found.low[place],
                "high": found.high[place],
                "n": n,
                "unit": "share",
                "method": mark("Wilson"),
            },
            {
                "group": group,
                "measure": mark("Of the customers"),
                "value": float(goal.iloc[place] / goal.sum()),
                "n": n,
                "unit": "share",
                "method": mark("count"),
            },
        ]
    return rows


def _likeness(past: Survey, margin: str, counts: pd.Series[float], goal: pd.Series[float]) -> tuple[float, str, float]:
    """p-value of a chi-squared test, the level that is furthest off, and by how much."""
    from scipy.special import chdtrc

    n, share = float(counts.sum()), goal / goal.sum()
    if n == 0 or len(goal) < 2:
        return float("nan"), "", 0.0
    statistic = float((((counts - n * share) ** 2) / (n * share)).sum())
    gap = counts / n - share
    level = str(gap.abs().idxmax())
    return float(chdtrc(len(goal) - 1, statistic)), level_label(past, margin, level), float(gap[gap.abs().idxmax()])


def _likeness_finding(past: Survey, tests: dict[str, tuple[float, str, float]], adjusted: dict[str, float]) -> Finding:
    off = {margin: tests[margin] for margin, p in adjusted.items() if p < 1 - past.confidence}
    if not off:
        text = Text("Those who answered look like the customers in every group that is known.")
        return Finding("satisfaction.representative", "good", True, text, evidence=("satisfaction_representative",))
    _, level, gap = max(off.values(), key=lambda one: abs(one[2]))
    numbers: dict[str, Quantity | Text | str] = {"level": level, "gap": Quantity(100 * abs(gap), "points")}
    text = Text((TOO_MANY if gap > 0 else TOO_FEW).template, numbers)
    large = abs(gap) >= LARGE_GAP
    action = Text("Read the weighted figures, which give each group its part.")
    return Finding(
        "satisfaction.representative",
        "warning" if large else "info",
        not large,
        text,
        evidence=("satisfaction_representative",),
        action=action,
    )


def items_left_out(past: Survey) -> Result:
    """Which questions are skipped, and which do not apply?

    Returns
    -------
    Result
        Table ``item, answered, inapplicable_share, value, low, high`` (share without an answer, of those to whom it
        applies, Wilson), ``n``.
    """
    import pandas as pd

    name, title = "satisfaction_items_left_out", Text("Which questions are left without an answer?")
    if not past.usable:
        return absent(past, name, title)
    rows = past.answers.responses["wave"] == past.waves.reported
    n = int(rows.sum())
    if n < past.min_cell:
        return not_assessed(name, title, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(n, "count")}))
    listed = []
    for item in past.items:
        answered = int(past.answers.given.loc[rows, item.id].notna().sum())
        inapplicable = int(past.answers.inapplicable.loc[rows, item.id].sum())
        listed.append((item.label, answered, inapplicable / n, n - answered - inapplicable, n - inapplicable))
    table = pd.DataFrame(listed, columns=["item", "answered", "inapplicable_share", "missing", "n"])
    found = wilson(table["missing"], table["n"], confidence=past.confidence)
    table = table.assign(value=found.value, low=found.low, high=found.high)
    table = table.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    table.attrs["confidence"] = past.confidence
    worst = table.iloc[0]
    much = bool(worst["low"] > MUCH_MISSING)
    text = Text(
        "The question left out most is “{item}”: {share} gave no answer.",
        {"item": str(worst["item"]), "share": Quantity(worst["value"], "share", worst["low"], worst["high"])},
    )
    finding = Finding(
        "satisfaction.items_left_out",
        "warning" if much else "good",
        not much,
        text,
        criteria=Text(
            "At most {most} of those to whom a question applies leave it out.", {"most": Quantity(MUCH_MISSING, "share")}
        ),
        evidence=(name,),
        action=Text("Ask the question again in plainer words, or leave it out.") if much else None,
    )
    note = Text(
        "n: to whom the question applies. “Does not apply” is an answer of its own: it is never a score and is not counted as "
        "missing. Careless answers are included. Wilson intervals."
    )
    return Result(name, "table", title, table, LEFT_OUT_COLUMNS, finding=finding, note=note)
