"""What is a point of satisfaction worth? Leaving per point, and the money that goes with it: an association, not a promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.labels import LABELS, absent, quantity
from crmkit.analyses.satisfaction.leaving import PLAN, PURCHASES, Exposure
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark, translate
from crmkit.core.privacy import pseudonyms
from crmkit.core.reading import Reading, per_customer
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson
from crmkit.models.survey.point_value import SCORE, PointValue, Value, fit_point, hazard_ratio, point_value
from crmkit.models.survival import kaplan_meier

if TYPE_CHECKING:
    import pandas as pd

NOTHING = Text("there is nothing to estimate")
LEAST_WATCHED = 10
SOURCES = {
    "clv": mark("value from the value report"),
    "price": mark("monthly price times margin, while the customer stays"),
    "spend": mark("spend of the last year times margin"),
    "": mark("no value: needs prices in subscriptions, or the value report"),
}
ADJUSTED = {"tenure": mark("time as a customer"), PLAN: mark("first plan"), PURCHASES: mark("purchases of the year before")}
CONTRACTS = Text(
    "Leaving: the contract ended; {late} answers that came afterwards and {soon} within {gap} before it are left out."
)
LESS = Text("Each extra point of “{item}” is linked to a {less} lower rate of leaving: an association, not an effect.")
MORE = Text("Each extra point of “{item}” is linked to a {less} higher rate of leaving: an association, not an effect.")
LESS_MONEY = Text(
    "Each extra point of “{item}” is linked to a {less} lower rate of leaving. That is {money} per customer over {days}; "
    "{total} if everybody below the top gave a point more. An association, not an effect."
)
MORE_MONEY = Text(
    "Each extra point of “{item}” is linked to a {less} higher rate of leaving. That is {money} per customer over {days}; "
    "{total} if everybody below the top gave a point more. An association, not an effect."
)
SILENCE = Text("Without contracts, who buys nothing within {days} of an answer counts as having left.")
# the groups are words of ours here
ESTIMATES = (
    Column("group", "For", translate=True),
    Column("measure", "Measure", translate=True),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("n", "n", "count"),
    Column("method", "Method", translate=True),
)


@dataclass(frozen=True, eq=False)
class Worth:
    """What a point goes with.

    Parameters
    ----------
    found : PointValue or None
    later : Value or None
        Hazard ratio when the first four weeks that count are left out too.
    source : str
        Where values come from: key of SOURCES.
    customers : int
        Customers of today with a value.
    days : int
        Time looked at.
    reason : Text or None
        Why there is no estimate.
    """

    found: PointValue | None
    later: Value | None = None
    source: str = ""
    customers: int = 0
    days: int = 0
    reason: Text | None = field(default=None)


def point_worth(
    past: Survey,
    seen: Exposure,
    reading: Reading | None = None,
    *,
    margin: float = 1.0,
    discount_rate: float = 0.1,
    key: bytes = b"",
) -> Worth:
    """How much less do customers leave per point of satisfaction, and what is that worth?

    Parameters
    ----------
    past : Survey
    seen : Exposure
    reading : Reading or None
        Results of the value report with a table ``clv_scores``; customers stand there under pseudonyms.
    margin : float
        Part of revenue that counts as value, above 0 and at most 1; values of the value report already have theirs.
    discount_rate : float
        Per year.
    key : bytes
        The client's secret, to know customers by their pseudonyms.

    Returns
    -------
    Worth
        Without an estimate where leaving cannot be seen, or where the score does not precede the decision; with the reason.

    Raises
    ------
    ParamError
        When a parameter is out of range.
    """
    if not 0 < margin <= 1:
        raise ParamError(Problem("margin:", f"is {margin}", "a share above 0 and at most 1 is needed"))
    if seen.reason is not None or seen.item is None:
        return Worth(None, reason=seen.reason or NOTHING)
    table = seen.rows[[SCORE, *seen.adjusted]]
    try:
        fit = fit_point(seen.rows["duration"], seen.rows["event"], table)
        value, per_day, source, base = _values(seen, reading, margin, key)
        known = np.isfinite(value)
        found = point_value(
            fit,
            seen.latest.loc[known, list(table.columns)],
            value[known],
            highest=seen.item.high,
            period_days=seen.window.period_days,
            periods=seen.window.periods,
            per_day=per_day,
            base=float(base.sum()),
            discount_rate=discount_rate,
            at_once=seen.window.silent_days > 0,
            confidence=past.confidence,
        )
    except ModelError as err:
        return Worth(None, reason=err.text)
    days = min(seen.window.periods, fit.last) * seen.window.period_days
    return Worth(found, _later(seen, past.confidence), source, len(base), days)


def _values(seen: Exposure, reading: Reading | None, margin: float, key: bytes) -> tuple[np.ndarray, bool, str, np.ndarray]:
    """Worth of the customers in ``seen.latest`` (nan: unknown), whether it is per day, where it is from, and that of all."""
    ids = seen.latest["customer_id"]
    clv = per_customer(reading, "clv", tables=["clv_scores"], margin=margin)
    if clv is not None:
        own = clv.reindex(pseudonyms(ids.astype(str), key=key)).to_numpy(dtype="float64")
        everybody = clv.reindex(pseudonyms(sorted(seen.customers), key=key)).dropna().to_numpy(dtype="float64")
        if np.isfinite(own).any():
            return own, False, "clv", everybody
    if len(seen.mrr):
        per_day = seen.mrr * margin / DAYS_PER["month"]
        return (
            per_day.reindex(ids).to_numpy(dtype="float64"),
            True,
            "spend" if seen.window.silent_days else "price",
            per_day.to_numpy(dtype="float64"),
        )
    return np.ones(len(ids)), True, "", np.ones(len(seen.customers))


def _later(seen: Exposure, confidence: float) -> Value | None:
    """The hazard ratio without the first four weeks: where it is much weaker, the score followed the decision."""
    if seen.window.silent_days:
        return None
    try:
        fit = fit_point(
            seen.rows["duration"], seen.rows["event"], seen.rows[[SCORE, *seen.adjusted]], after=28 // seen.window.period_days
        )
    except ModelError:  # too few are left; the table then has one row less
        return None
    return hazard_ratio(fit, confidence=confidence)


def leaving_by_score(past: Survey, seen: Exposure) -> Result:
    """How many left after each answer?

    Returns
    -------
    Result
        Interval dots per score: share of the customers who left within half of the time looked at, or within as much of it as
        enough of each score were watched (Kaplan-Meier), not adjusted. Table ``group, measure, value, low, high, n, unit,
        method``; neighbouring scores with fewer than ``min_cell`` answers are joined.

    Notes
    -----
    Customers who were watched for less count as long as they were: those who left early are seen in full, those who stayed are
    not, so that of the ones seen in full far too many have left.
    """
    name, title = "satisfaction_leaving", Text("Who leaves after which answer?")
    if not past.usable or seen.reason is not None or seen.item is None:
        return absent(past, name, title) if not past.usable else not_assessed(name, title, seen.reason or NOTHING)
    rows = seen.rows.assign(group=_joined(seen.rows["score"], past.min_cell))
    groups = sorted(rows["group"].unique(), key=lambda label: float(str(label).split("–")[0]))
    if len(groups) < 2:
        return not_assessed(name, title, Text("{n} {n:answer is|answers are} too few", {"n": Quantity(len(rows), "count")}))
    watched = rows["duration"].groupby(rows["group"]).nlargest(LEAST_WATCHED).groupby(level=0).min()
    until = int(min(max(1, seen.window.periods // 2), watched.min()))
    if until < 1:
        return not_assessed(name, title, Text("too few customers were watched for long enough after their answer"))
    table = _shares_left(rows, groups, until=until, confidence=past.confidence)
    days = until * seen.window.period_days
    first, last = table.iloc[0], table.iloc[-1]
    text = Text(
        "Within {days} {low} of those who answered {worst} left, and {high} of those who answered {best}.",
        {
            "days": Quantity(days, "days"),
            "low": quantity(first),
            "worst": str(first["group"]),
            "high": quantity(last),
            "best": str(last["group"]),
        },
    )
    note = Text(
        "Question: {item}. n: answers; their customers are watched for up to {days} from {gap} after the answer, until the "
        "next answer of the same customer (Kaplan–Meier). Not adjusted for anything. {rule}",
        {
            "rule": _rule(seen),
            "item": seen.item.label,
            "days": Quantity(days, "days"),
            "gap": Quantity(seen.window.gap_days, "days"),
        },
    )
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Answer"), Column("measure", "Measure", translate=True)),
        finding=Finding("satisfaction.leaving", "info", None, text, evidence=(name,)),
        note=note,
        alt=Text("A dot with an interval per answer: the share of customers who left afterwards."),
        x=Axis("Answer", "text"),
        y=Axis("Left", "share"),
    )


def _shares_left(rows: pd.DataFrame, groups: Sequence[str], *, until: int, confidence: float) -> pd.DataFrame:
    """Estimate table of the share who left, by score; Wilson's limits where nobody left, or all were watched so long."""
    found = []
    for label in groups:
        own = rows[rows["group"] == label]
        time, left = own["duration"].to_numpy(dtype="float64"), own["event"].to_numpy(dtype=bool)
        gone, whole = int((left & (time <= until)).sum()), int((left & (time <= until) | (time >= until)).sum())
        curve = kaplan_meier(time, left, confidence=confidence)
        row = curve[curve["x"] <= until].iloc[-1]
        value, low, high, method = 1 - row["value"], 1 - row["high"], 1 - row["low"], mark("Kaplan-Meier")
        if whole == len(own) or np.isnan(low):
            part = wilson([gone], [whole], confidence=confidence)
            value, low, high, method = float(part.value[0]), float(part.low[0]), float(part.high[0]), part.method
        found.append(
            {
                "group": label,
                "measure": mark("Left"),
                "value": value,
                "low": low,
                "high": high,
                "n": len(own),
                "unit": "share",
                "method": method,
            }
        )
    table = estimates(found)
    table.attrs["confidence"] = confidence
    return table


def _joined(score: pd.Series[float], least: int) -> pd.Series[str]:
    """Scores as labels, neighbours joined until each holds enough answers."""
    counts = score.round().value_counts().sort_index()
    parts: list[list[float]] = []
    for level, n in counts.items():
        if parts and (sum(counts[one] for one in parts[-1]) < least or (level == counts.index[-1] and n < least)):
            parts[-1].append(float(str(level)))
        else:
            parts.append([float(str(level))])
    if len(parts) > 1 and sum(counts[one] for one in parts[-1]) < least:
        parts[-2:] = [parts[-2] + parts[-1]]
    words = {one: f"{part[0]:g}" if len(part) == 1 else f"{part[0]:g}–{part[-1]:g}" for part in parts for one in part}
    return score.round().map(words)


def money_per_point(past: Survey, seen: Exposure, work: Worth) -> Result:
    """What goes with a point more: leaving, days, money?

    Returns
    -------
    Result
        Estimate table ``group, measure, value, low, high, n, unit, method``: hazard ratio per point, and without the first
        four weeks; discounted days and money per customer who rises by a point; share of the value of all customers, and money
        of all, if everybody below the top of the scale rises by one. Not assessed, with the reason, where the score does not
        precede the decision.
    """
    name, title = "satisfaction_money", Text("What a point of satisfaction is linked to")
    if not past.usable:
        return absent(past, name, title)
    if work.found is None:
        return not_assessed(name, title, work.reason or NOTHING)
    table = estimates(_rows(work))
    table.attrs["confidence"] = past.confidence
    note = Text(
        "{n} answers, {left} followed by leaving. The time that counts begins {gap} after the answer; adjusted for {adjusted}. "
        "{rule} Discrete-time proportional hazards; money over {days}: {source}. An association: who is content may differ in "
        "what no table holds.",
        {
            "n": Quantity(work.found.n, "count"),
            "left": Quantity(work.found.events, "count"),
            "gap": Quantity(seen.window.gap_days, "days"),
            "rule": _rule(seen),
            "adjusted": _listed(seen.adjusted, past.language),
            "days": Quantity(work.days, "days"),
            "source": Text(SOURCES[work.source]),
        },
    )
    return Result(name, "table", title, table, ESTIMATES, finding=_finding(past, seen, work, name), note=note)


def _rule(seen: Exposure) -> Text:
    """What counts as leaving, and which answers do not count."""
    if seen.window.silent_days:
        return Text(SILENCE.template, {"days": Quantity(seen.window.silent_days, "days")})
    numbers = {"late": Quantity(seen.after, "count"), "soon": Quantity(seen.soon, "count")}
    return Text(CONTRACTS.template, {**numbers, "gap": Quantity(seen.window.gap_days, "days")})


def _listed(names: Sequence[str], language: str) -> str:
    """What was adjusted for, in the language of the report."""
    return ("、" if language == "zh" else ", ").join(
        translate(ADJUSTED.get(one, LABELS.get(one, one)), language) for one in names
    )


def _rows(work: Worth) -> list[dict[str, object]]:
    found = work.found
    assert found is not None  # noqa: S101  the caller has looked
    every, model = mark("all answers"), mark("proportional hazards by period")
    rises, everybody = mark("a customer who rises by a point"), mark("everybody below the top rises by a point")
    listed: list[tuple[str, str, Value | None, int, str]] = [
        (every, mark("Hazard ratio of leaving, per point"), found.hazard_ratio, found.n, "ratio"),
        (mark("without the first four weeks"), mark("Hazard ratio of leaving, per point"), work.later, found.n, "ratio"),
        (rises, mark("Days that the customer stays longer"), found.days, found.customers, "days"),
    ]
    if work.source:
        listed += [
            (rises, mark("Money per customer"), found.per_customer, found.customers, "money"),
            (everybody, mark("Share of the value of all customers"), found.share, found.customers, "share"),
            (everybody, mark("Money in all"), found.total, work.customers, "money"),
        ]
    return [
        {
            "group": group,
            "measure": measure,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "n": n,
            "unit": unit,
            "method": model,
        }
        for group, measure, one, n, unit in listed
        if one is not None
    ]


def _finding(past: Survey, seen: Exposure, work: Worth, name: str) -> Finding:
    found = work.found
    assert found is not None  # noqa: S101
    assert seen.item is not None  # noqa: S101
    ratio = found.hazard_ratio
    numbers: dict[str, Quantity | Text | str] = {
        "item": seen.item.label,
        "ratio": Quantity(ratio.value, "ratio", ratio.low, ratio.high),
        "money": Quantity(found.per_customer.value, "money", found.per_customer.low, found.per_customer.high),
        "total": Quantity(found.total.value, "money", found.total.low, found.total.high),
        "days": Quantity(work.days, "days"),
    }
    # in how much less, or more, customers leave
    ends = sorted((abs(1 - ratio.low), abs(1 - ratio.high)))
    numbers["less"] = Quantity(abs(1 - ratio.value), "share", *ends)
    if ratio.low <= 1 <= ratio.high:
        text = Text(
            "Leaving is not clearly linked to “{item}”: a point more goes along with {ratio} times the rate of leaving.",
            numbers,
        )
        return Finding("satisfaction.money", "info", None, text, evidence=(name,))
    fewer = ratio.value < 1
    if not work.source:
        text = Text(LESS.template if fewer else MORE.template, numbers)
        return Finding("satisfaction.money", "info", None, text, evidence=(name,))
    text = Text(LESS_MONEY.template if fewer else MORE_MONEY.template, numbers)
    action = Text("Improve one driver for customers chosen at random, and compare: only that shows what a point brings.")
    stake = Quantity(found.total.value, "money") if ratio.value < 1 else None
    return Finding("satisfaction.money", "info", None, text, evidence=(name,), money_at_stake=stake, action=action)
