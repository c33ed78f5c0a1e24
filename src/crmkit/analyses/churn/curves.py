"""How long do customers stay, and do groups differ? Kaplan-Meier curves, who they rest on, restricted means and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.churn import returning
from crmkit.analyses.churn.basics import unusable
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.shop import RHYTHM
from crmkit.core.errors import ModelError
from crmkit.core.language import in_a_row, level_name, mark
from crmkit.core.privacy import can_be_shown
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.survival import LogRank

TIMES = (0, 90, 180, 365, 730, 1095, 1825, 3650)
LEAST_AT_RISK = 10
EVERYBODY = mark("All customers")
YEAR = 365.0
SIGNIFICANT = 0.05
MOST_DAYS_DRAWN = 400


def observed(past: Past, *, by: str | None = None) -> dict[str, Any]:
    """The arguments of a survival function: durations, events, entries, and the groups where some are asked for."""
    rows = past.spells
    found: dict[str, Any] = {
        "durations": rows["duration_days"].to_numpy(dtype="float64"),
        "event_observed": rows["event_observed"].to_numpy(dtype=bool),
        "entry": rows["entry_days"].to_numpy(dtype="float64") if past.rule.since is not None else None,
    }
    return found if by is None else found | {"group": rows[by].to_numpy(dtype=object)}


def shown_groups(past: Past, by: str) -> tuple[pd.DataFrame, list[str]]:
    """The spells of the groups that can be shown so that nothing is told of few customers, and which groups cannot."""
    shown = can_be_shown(past.spells.groupby(by)["customer_id"].nunique(), min_cell=past.min_cell)
    large = shown.index[shown]
    return past.spells[past.spells[by].isin(large)], sorted(str(one) for one in shown.index.difference(large))


def groupings(past: Past) -> list[str]:
    """What splits customers into groups of which some can be shown, the main one first."""
    return [by for by in past.groups if len(shown_groups(past, by)[0])]


def _main(past: Past) -> str | None:
    return next(iter(groupings(past)), None)


def _large(past: Past, by: str) -> Past:
    from dataclasses import replace

    rows, _ = shown_groups(past, by)
    return replace(past, spells=rows.reset_index(drop=True))


def survival(past: Past) -> Result:
    """Which share of customers is still there after a time, by group?

    Returns
    -------
    Result
        Step curve per level of the main group (all customers where there is none), log-log interval, with the numbers at risk.
    """
    title = Text("How long do customers stay?")
    if not past.usable:
        return unusable(past, "churn_survival", title)
    if past.shop is not None:
        return returning.survival(past, past.shop)
    by = _main(past)
    one = past if by is None else _large(past, by)
    table = sv.kaplan_meier(**observed(one, by=by), confidence=past.confidence)
    shown = curve(_thinned(_supported(table))[["group", "x", "value", "low", "high", "at_risk"]])
    if by is None:
        shown["group"] = ""
    shown.attrs["step"] = True
    return Result(
        "churn_survival",
        "curve",
        title,
        shown,
        finding=year_finding(past),
        note=Text(
            "Kaplan–Meier by {by}, n = {n} spells; bands are {confidence} intervals (log-log); a curve ends where fewer than "
            "{least} customers are left under it.",
            {
                "by": by or Text(EVERYBODY),
                "n": Quantity(len(one.spells), "count"),
                "confidence": Quantity(past.confidence, "share"),
                "least": Quantity(LEAST_AT_RISK, "count"),
            },
        ),
        alt=Text("Falling step curves, one per group: share of customers still there, by days since they came."),
        x=Axis("Time since the first day", "days"),
        y=Axis("Share still there", "share"),
    )


def _supported(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["at_risk"] >= LEAST_AT_RISK) | (table["x"] == 0)]


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Fewer points where a curve has more than can be seen; each that stays is exact."""
    import pandas as pd

    parts = []
    for _, own in table.groupby("group", sort=False):
        keep = np.unique(np.linspace(0, len(own) - 1, min(len(own), MOST_DAYS_DRAWN)).round().astype(int))
        parts.append(own.iloc[keep])
    return pd.concat(parts, ignore_index=True)


def kept_row(past: Past) -> dict[str, object] | None:
    """Which share of all is still there after a year? A row of an estimate table; None where nobody was seen for so long."""
    table = _supported(sv.kaplan_meier(**observed(past), confidence=past.confidence))
    if table["x"].max() < YEAR:
        return None
    row = table[table["x"] <= YEAR].iloc[-1]
    return {
        "group": mark("Kept after a year"),
        "measure": "kept_year",
        **{name: float(row[name]) for name in ("value", "low", "high")},
        "n": past.spells["customer_id"].nunique(),
        "unit": "share",
        "method": mark("Kaplan-Meier"),
    }


def year_finding(past: Past) -> Finding | None:
    """What remains of all customers after a year, in one sentence, with the median in words; of a shop, who came back."""
    if past.shop is not None:
        return returning.back_finding(past)
    table = _supported(sv.kaplan_meier(**observed(past), confidence=past.confidence))
    asked = min(YEAR, float(table["x"].max()))
    if asked <= 0:
        return None
    row = table[table["x"] <= asked].iloc[-1]
    median = sv.median_survival(table, unit="days").iloc[0]
    reached = not np.isnan(median["value"])
    half = (
        Text(
            "half of them are gone after {median}",
            {"median": Quantity(median["value"], "days", _known(median["low"]), _known(median["high"]))},
        )
        if reached
        else Text(
            "the median is not reached: more than half are still there at the end of the {span} observed",
            {"span": Quantity(float(table["x"].max()), "days")},
        )
    )
    return Finding(
        id="churn.survival",
        severity="info",
        passed=None,
        text=Text(
            "{share} of the customers are still there after {time}; {half}.",
            {
                "share": Quantity(row["value"], "share", _known(row["low"]), _known(row["high"])),
                "time": Quantity(asked, "days"),
                "half": half,
            },
        ),
        evidence=("churn_survival", "churn_at_risk"),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def at_risk(past: Past) -> Result:
    """On how many customers does each curve rest, and by when is half of each group gone?

    Returns
    -------
    Result
        A row per group and time: ``group, x`` (days), ``at_risk, events, value, low, high`` and ``median`` in words.
    """
    title = Text("The customers behind the curves")
    if not past.usable:
        return unusable(past, "churn_at_risk", title)
    by = _main(past)
    one = past if by is None else _large(past, by)
    km = sv.kaplan_meier(**observed(one, by=by), confidence=past.confidence)
    last = float(km["x"].max())
    horizon = past.rule.horizon_days
    times = TIMES if past.shop is None else sorted({0, horizon // 4, horizon // 2, horizon, horizon * 3 // 2, 2 * horizon})
    table = sv.at_risk_table(km, [time for time in times if time <= last])
    medians = sv.median_survival(km, unit="days").set_index("group")["value"]
    table["median"] = [medians[group] for group in table["group"]]
    table["reached"] = np.where(table["median"].isna(), mark("not reached"), mark("reached"))
    if by is None:
        table["group"] = EVERYBODY
    shop = past.shop is not None
    columns = (
        Column("group", by or "Group", translate=by in (None, RHYTHM)),
        Column("x", "After", "days"),
        Column("at_risk", "Still waited for" if shop else "Still observed", "count"),
        Column("events", "Back by then" if shop else "Left until then", "count"),
        Column("value", "Not back" if shop else "Still there", "share"),
        Column("interval", "Interval", "share"),
        Column("median", "Half are back after" if shop else "Half are gone after", "days"),
        Column("reached", "Median", translate=True),
    )
    return Result("churn_at_risk", "table", title, table, columns=columns, note=_hidden_note(past, by))


def _hidden_note(past: Past, by: str | None) -> Text | None:
    hidden = shown_groups(past, by)[1] if by else []
    if not hidden:
        return None
    return Text(
        "{n} {n:group|groups} {n:is|are} not shown, so that nothing is told of fewer than {least} customers.",
        {"n": Quantity(len(hidden), "count"), "least": Quantity(past.min_cell, "count")},
    )


def restricted(past: Past) -> Result:
    """How many days of the first year does a customer stay, on average, and how far apart are the groups?

    Returns
    -------
    Result
        Restricted means per group with intervals; the finding gives the largest difference. The time is a year, or what every
        group was observed for.
    """
    title = Text("Days that customers stay, of the first year") if past.shop is None else Text("Days until customers buy again")
    if not past.usable or not groupings(past):
        reason = Text("no column splits customers into groups that are large enough to be shown")
        return unusable(past, "churn_restricted", title) if not past.usable else not_assessed("churn_restricted", title, reason)
    by = groupings(past)[0]
    one = _large(past, by)
    tau = _common_time(one, by)
    try:
        table = sv.restricted_mean(**observed(one, by=by), tau=tau, confidence=past.confidence, unit="days")
        apart = sv.restricted_mean_differences(**observed(one, by=by), tau=tau, confidence=past.confidence)
    except ModelError as err:
        return not_assessed("churn_restricted", title, err.text)
    shown = table.drop(columns="standard_error")
    named = Text(RHYTHM) if by == RHYTHM else by
    shop = past.shop is not None
    return Result(
        "churn_restricted",
        "interval_dots",
        title,
        shown,
        columns=(Column("group", "Group", translate=True),) if by == RHYTHM else (),
        finding=_apart_finding(by, apart, tau, shop=shop),
        note=Text(
            "Area under the Kaplan–Meier curve until {tau}, by {by}; {confidence} intervals; differences corrected after Holm.",
            {"tau": Quantity(tau, "days"), "by": named, "confidence": Quantity(past.confidence, "share")},
        ),
        alt=Text(
            "Dots with intervals, one per group: mean number of days until customers buy again, within the time looked at."
        )
        if shop
        else Text("Dots with intervals, one per group: mean number of days that customers stay within the time looked at."),
        x=Axis("Group", "text"),
        y=Axis("Mean time until the next purchase" if shop else "Mean time there", "days"),
    )


def _common_time(past: Past, by: str) -> float:
    if past.shop is not None:  # everybody is followed for as long, and many have come back before
        return float(min(YEAR, past.spells["duration_days"].max()))
    return float(min(YEAR, past.spells.groupby(by)["duration_days"].max().min()))


def _apart_finding(by: str, apart: pd.DataFrame, tau: float, *, shop: bool = False) -> Finding:
    row = apart.loc[apart["value"].abs().idxmax()]
    longer, shorter = (row["group_a"], row["group_b"]) if row["value"] >= 0 else (row["group_b"], row["group_a"])
    limits = sorted(abs(x) if np.sign(x) == np.sign(row["value"]) else -abs(x) for x in (row["low"], row["high"]))
    clear = row["p_holm"] < SIGNIFICANT
    if shop:
        return _wait_finding(
            by, str(longer), str(shorter), Quantity(abs(row["value"]), "days", *limits), tau, clear=bool(clear)
        )
    text = (
        Text(
            "Of the first {tau}, customers of the group “{longer}” stay {days} longer than those of “{shorter}” ({by}).",
            {
                "tau": Quantity(tau, "days"),
                "longer": str(longer),
                "shorter": str(shorter),
                "by": by,
                "days": Quantity(abs(row["value"]), "days", *limits),
            },
        )
        if clear
        else Text(
            "No two groups ({by}) differ clearly in the days they stay of the first {tau}.",
            {
                "by": by,
                "tau": Quantity(tau, "days"),
            },
        )
    )
    return Finding(id="churn.restricted", severity="info", passed=None, text=text, evidence=("churn_restricted", "churn_tests"))


def _wait_finding(by: str, longer: str, shorter: str, days: Quantity, tau: float, *, clear: bool) -> Finding:
    """Which customers of a shop take longest to come back?"""
    numbers: dict[str, Quantity | Text | str] = {
        "tau": Quantity(tau, "days"),
        "longer": Text(longer) if by == RHYTHM else longer,
        "shorter": Text(shorter) if by == RHYTHM else shorter,
        "by": Text(RHYTHM) if by == RHYTHM else by,
        "days": days,
    }
    text = (
        Text(
            "Counted over {tau}, customers of the group “{longer}” take {days} longer to come back than those of "
            "“{shorter}” ({by}).",
            numbers,
        )
        if clear
        else Text("No two groups ({by}) differ clearly in the days until they come back, counted over {tau}.", numbers)
    )
    return Finding("churn.restricted", "info", None, text, evidence=("churn_restricted", "churn_tests"))


def group_tests(past: Past) -> Result:
    """Do groups leave at different rates, also within the levels of the other groups?

    Returns
    -------
    Result
        A row per test: ``test, group, statistic, df, p, p_holm, n``, and of what ``group`` is made: ``by, within, first,
        second``. Log-rank per grouping, within the strata of the next grouping, and by pairs of the main one; p corrected
        after Holm within each of the three families.
    """
    title = Text("Tests of differences between groups")
    if not past.usable or not groupings(past):
        reason = Text("no column splits customers into groups that are large enough to be shown")
        return unusable(past, "churn_tests", title) if not past.usable else not_assessed("churn_tests", title, reason)
    import pandas as pd

    from crmkit.models.basics.families import holm

    found = list(_overall(past)) + list(_stratified(past))
    table = pd.DataFrame(found)
    if table.empty:
        return not_assessed("churn_tests", title, Text("nobody has left, or every grouping has one level only"))
    table["p_holm"] = np.nan
    for _, family in table.groupby("test"):
        table.loc[family.index, "p_holm"] = holm(family["p"].to_numpy())
    table = pd.concat([table, _pairs(past)], ignore_index=True).fillna({"within": "", "first": "", "second": ""})
    # how often somebody buys is in our words, which are translated one by one
    parts = (
        Column("by", "Grouping", translate=True),
        Column("within", "Within", translate=True),
        Column("first", "One group", translate=True),
        Column("second", "The other", translate=True),
    )
    columns = (
        Column("test", "Test", translate=True),
        *([one for one in parts if table[one.name].any()] if past.shop is not None else [Column("group", "Groups")]),
        Column("statistic", "Chi squared", "score"),
        Column("df", "Degrees of freedom", "count"),
        Column("p", "p", "p"),
        Column("p_holm", "p after Holm", "p"),
        Column("n", "n", "count"),
    )
    return Result("churn_tests", "table", title, table, columns=columns, finding=_tests_finding(table, past))


def _overall(past: Past) -> Iterable[dict[str, Any]]:
    for by in groupings(past):
        test = _tried(lambda by=by: sv.logrank(**observed(_large(past, by), by=by)))
        if test is not None:
            yield _test_row(mark("log-rank"), by, test)


def _stratified(past: Past) -> Iterable[dict[str, Any]]:
    """Each grouping within the levels of the main one, and the main one within those of the second."""
    first, *others = groupings(past)
    pairs = [*((by, first) for by in others), *((first, by) for by in others[:1])]
    for by, within in pairs:
        one = _large(past, by)
        test = _tried(
            lambda one=one, by=by, within=within: sv.logrank(**observed(one, by=by), strata=one.spells[within].to_numpy(object))
        )
        if test is not None:
            yield _test_row(mark("log-rank within strata"), f"{by} | {within}", test) | {"by": by, "within": within}


def _pairs(past: Past) -> pd.DataFrame:
    by = groupings(past)[0]
    found = sv.logrank_pairs(**observed(_large(past, by), by=by))
    names = [level_name(by, f"{a} – {b}") for a, b in zip(found["group_a"], found["group_b"], strict=True)]
    kept = found[["statistic", "p", "p_holm", "n"]]
    kept = kept.assign(test=mark("log-rank by pairs"), group=names, df=1, by=by, within="")
    return kept.assign(first=found["group_a"], second=found["group_b"])


def _tried(test: Any) -> LogRank | None:
    try:
        found: LogRank = test()
    except ModelError:  # one level, or nobody left: there is nothing to compare, which the table shows by its absence
        return None
    return found


def _test_row(name: str, group: str, test: LogRank) -> dict[str, Any]:
    own = {"statistic": test.statistic, "df": test.df, "p": test.p, "n": test.table["n"].sum()}
    return {"test": name, "group": group, "by": group, "within": ""} | own


def _tests_finding(table: pd.DataFrame, past: Past) -> Finding:
    own = table[table["test"] == "log-rank"]
    clear = [str(name) for name in own.loc[own["p_holm"] < SIGNIFICANT, "group"]]
    if past.shop is not None:
        named = in_a_row([Text(RHYTHM) if one == RHYTHM else one for one in clear])
        text = (
            Text("Customers come back at different speeds by this: {names}.", {"names": named})
            if clear
            else Text("No grouping shows a clear difference in how soon customers come back.")
        )
        return Finding(id="churn.groups", severity="info", passed=None, text=text, evidence=("churn_tests",))
    text = (
        Text("Customers leave at different rates by {names}.", {"names": in_a_row(clear)})
        if clear
        else Text("No grouping shows a clear difference in how customers leave.")
    )
    return Finding(id="churn.groups", severity="info", passed=None, text=text, evidence=("churn_tests",))
