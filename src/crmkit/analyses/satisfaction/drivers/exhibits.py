"""What moves satisfaction, where does it pay to start, and can the drivers be told apart?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit.analyses.satisfaction.drivers.fit import Drive
from crmkit.analyses.satisfaction.labels import quantity
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.errors import ModelError
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.survey import drivers as model
from crmkit.models.survey.ordinal import fit_ordinal, proportional_odds_test

if TYPE_CHECKING:
    import pandas as pd

CORNERS = (Text("low priority"), Text("start here"), Text("more than needed"), Text("keep it up"))
MOST_FIELDS = 3


def importance(past: Survey, work: Drive) -> Result:
    """Which questions explain the outcome, and how surely?

    Returns
    -------
    Result
        Interval dots, the most important first: ``group, measure, value, low, high`` (part of what all drivers explain,
        0 to 1), ``n, unit,
        method, rank, rank_low, rank_high, rank_stability, p_value, distinguishable, own_effect``. Drivers that cannot be
        told from
        noise, and those that only go along with others, are measures of their own.
    """
    name, title = "satisfaction_drivers", Text("What moves satisfaction?")
    if work.found is None or work.outcome is None:
        return not_assessed(name, title, work.reason or Text("there is no fit"))
    shares = work.found.table
    own = own_effects(work.found)
    rows = [
        {
            "group": work.label(row["driver"]),
            "measure": _standing(row["distinguishable"], own[row["driver"]]),
            "value": row["value"],
            "low": row["low"],
            "high": row["high"],
            "n": row["n"],
            "unit": "share",
            "method": row["method"],
        }
        for row in shares.to_dict("records")
    ]
    kept = ["rank", "rank_low", "rank_high", "rank_stability", "p_value", "distinguishable", "explained", "driver"]
    table = estimates(rows).assign(**{column: shares[column].to_numpy() for column in kept})
    table["own_effect"] = [own[driver] for driver in table["driver"]]
    table.attrs["reference"] = (1 / len(table), Text("equal share"))
    table.attrs["quiet"] = QUIET
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Driver"), Column("measure", "Measure", translate=True)),
        finding=_drivers_finding(work, table),
        note=_how(work),
        alt=Text("A dot with an interval per driver, the most important first: its part of what all drivers explain."),
        x=Axis("Driver", "text"),
        y=Axis("Part of what the drivers explain", "share"),
    )


def own_effects(found: model.Importance) -> dict[str, bool]:
    """Which drivers have an effect of their own, the others held (Holm over the drivers)?"""
    table = model.what_if(found, rise=1.0)
    return dict(zip(table["driver"], table["own_effect"], strict=True))


QUIET = (mark("no effect of its own shown"), mark("not distinguishable from noise"))


def _standing(distinguishable: bool, own: bool) -> str:
    if not distinguishable:
        return mark("not distinguishable from noise")
    return mark("effect of its own") if own else mark("no effect of its own shown")


def _how(work: Drive) -> Text:
    found = work.found
    if found is None or work.outcome is None:
        return Text("")
    return Text(
        "“{outcome}” explained by {p} drivers; {method} shares, together {r2} of its variance. n = {n} answers of {waves}, "
        "{weighted}; {missing} of the ratings missing ({how}; only {complete} answers are complete). Bootstrap intervals; "
        "noise: what the luckiest of as many unrelated drivers would reach, which corrects for their number. An association, "
        "not an effect.",
        {
            "outcome": work.outcome.label,
            "p": Quantity(len(found.drivers), "count"),
            "method": Text(found.method),
            "r2": Quantity(found.r_squared, "share", found.r_squared_low, found.r_squared_high),
            "n": Quantity(found.n, "count"),
            "waves": in_a_row(work.waves),
            "weighted": Text("weighted to all customers") if work.weights is not None else Text("not weighted"),
            "missing": Quantity(found.missing_share, "share"),
            "how": Text(found.missing_method),
            "complete": Quantity(found.complete_n, "count"),
        },
    )


def _drivers_finding(work: Drive, table: pd.DataFrame) -> Finding:
    evidence = ("satisfaction_drivers", "satisfaction_map")
    clear = table[table["distinguishable"]]
    flat = () if work.found is None else work.found.without_variance
    if clear.empty:
        text = Text("No driver can be told from noise.")
        return Finding("satisfaction.drivers", "info", None, text, evidence=evidence)
    first = clear.iloc[0]
    noise, along = int((~table["distinguishable"]).sum()), int((table["distinguishable"] & ~table["own_effect"]).sum())
    numbers: dict[str, Quantity | Text | str] = {
        "driver": str(first["group"]),
        "share": quantity(first),
        "noise": Quantity(noise, "count"),
        "p": Quantity(len(table), "count"),
        "along": Quantity(along, "count"),
        "flat": Quantity(len(flat), "count"),
    }
    if noise and along:
        rest = Text("Of {p} drivers, {noise} may be noise; {along} more {along:has|have} no separate effect.", numbers)
    elif noise:
        rest = Text("{noise} of {p} drivers may be noise.", numbers)
    elif along == len(table):
        rest = Text("All {p} drivers matter, but none has a separate effect.", numbers)
    elif along:
        rest = Text("All {p} drivers matter, but {along} {along:has|have} no separate effect.", numbers)
    else:
        rest = Text("All {p} drivers have an effect of their own.", numbers)
    text = Text(
        "“{driver}” drives satisfaction most, with {share} of what the drivers explain. {rest}", numbers | {"rest": rest}
    )
    if flat:
        text = Text("{text} Got the same answer from everybody, and say nothing: {flat}.", {**numbers, "text": text})
    return Finding("satisfaction.drivers", "info", None, text, evidence=evidence)


def ranks(past: Survey, work: Drive) -> Result:
    """Is the order of the drivers sure, and does each of them have an effect of its own?

    Returns
    -------
    Result
        Table ``driver, rank, rank_low, rank_high, rank_stability, value, low, high`` (share), ``p_value, distinguishable, vif,
        entangled, odds_ratio, agrees, proportional, n``.
    """
    name, title = "satisfaction_ranks", Text("How sure is the order, and do other methods agree?")
    if work.found is None or work.outcome is None:
        return not_assessed(name, title, work.reason or Text("there is no fit"))
    spread = model.halo(work.found)
    table = work.found.table.merge(spread.table[["driver", "vif", "entangled"]], on="driver", validate="one_to_one")
    ordinal, said = _ordinal(past, work)
    table = table.merge(ordinal, on="driver", how="left", validate="one_to_one")
    table["label"] = [work.label(driver) for driver in table["driver"]]
    table["places"] = [f"{low}–{high}" for low, high in zip(table["rank_low"], table["rank_high"], strict=True)]
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("rank", "Rank", "count"),
        Column("label", "Driver"),
        Column("value", "Share", "share"),
        Column("interval", "Interval", "share"),
        Column("places", "Ranks in resamples"),
        Column("rank_stability", "Same rank", "share"),
        Column("p_value", "p against noise", "p"),
        Column("distinguishable", "Beyond noise"),
        Column("vif", "VIF", "score"),
        Column("odds_ratio", "Odds ratio", "score"),
        Column("proportional", "Equal at each step"),
        Column("n", "n", "count"),
    )
    return Result(name, "table", title, table, columns, finding=_halo_finding(spread), note=said)


def _halo_finding(spread: model.Halo) -> Finding:
    entangled = int(spread.table["entangled"].sum())
    numbers: dict[str, Quantity | Text | str] = {
        "share": Quantity(spread.factor_share, "share"),
        "explained": Quantity(spread.explained_by_factor, "share"),
        "entangled": Quantity(entangled, "count"),
    }
    evidence = ("satisfaction_ranks",)
    if spread.suspected:
        text = Text(
            "The drivers follow one overall impression (halo): it holds {share} of their variance and {explained} of what they "
            "explain. Their order says little.",
            numbers,
        )
        action = Text("Ask for facts (how long, how often, solved or not) instead of marks.")
        return Finding("satisfaction.halo", "warning", False, text, evidence=evidence, action=action)
    text = Text("The drivers can be told apart: their common impression holds {share} of their variance.", numbers)
    if entangled:
        text = Text("{text} {entangled} {entangled:is|are} entangled with others (VIF above 10).", numbers | {"text": text})
    return Finding("satisfaction.halo", "good", True, text, evidence=evidence)


def _ordinal(past: Survey, work: Drive) -> tuple[pd.DataFrame, Text]:
    """``driver, odds_ratio, agrees, proportional`` from a proportional-odds regression, and what it is or why it is not
    there."""
    import pandas as pd

    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in ("driver", "odds_ratio", "agrees", "proportional")})
    how = Text(
        "Rank stability: share of resamples with the same rank. VIF: how much other drivers blur the effect. Odds "
        "ratio of one standard deviation, "
        "proportional odds; “equal at each step” tests that it is the same from every answer to the next (Holm)."
    )
    if work.found is None or work.outcome is None:
        return empty, how
    names = list(work.found.drivers)
    x = work.rows[names].astype("float64")
    z = ((x - x.mean()) / x.std()).fillna(0.0)
    marks = work.rows[work.outcome.id].to_numpy(dtype="float64")
    try:
        fit = fit_ordinal(z, marks, weights=work.weights, confidence=past.confidence).table.set_index("driver")
        test = proportional_odds_test(z, marks, weights=work.weights).set_index("term")
    except ModelError as err:
        return empty, Text("{how} The ordinal check was not possible: {reason}.", {"how": how, "reason": err.text})
    effects = dict(zip(names, work.found.effects, strict=True))
    odds, equal = fit["odds_ratio"].to_dict(), test["proportional"].to_dict()
    table = pd.DataFrame(
        {
            "driver": names,
            "odds_ratio": [odds[one] for one in names],
            "agrees": [bool((odds[one] > 1) == (effects[one] > 0)) for one in names],
            "proportional": [bool(equal[one]) for one in names],
        }
    )
    against = Quantity(int((~table["agrees"]).sum()), "count")
    return table, Text("{how} {k} drivers have another sign than in the linear fit.", {"how": how, "k": against})


def importance_performance(past: Survey, work: Drive) -> Result:
    """Which important drivers do badly: where does it pay to start?

    Returns
    -------
    Result
        Map of importance against performance with the intervals of both: ``group, x, x_low, x_high`` (performance, 0 to 100),
        ``value, low, high`` (share of what the drivers explain), ``x_cross, cross, field, clear, pale, n``.
    """
    name, title = "satisfaction_map", Text("Where does it pay to start?")
    if work.found is None:
        return not_assessed(name, title, work.reason or Text("there is no fit"))
    found = model.importance_performance(work.found, lowest=0.0, highest=100.0)
    columns = {f"performance{end}": f"x{end}" for end in ("", "_low", "_high", "_cross")}
    columns |= {"importance": "value", "importance_low": "low", "importance_high": "high", "importance_cross": "cross"}
    table = found.rename(columns=columns).assign(group=[work.label(one) for one in found["driver"]])
    own = own_effects(work.found)
    table["own_effect"] = [own[driver] for driver in table["driver"]]
    table["pale"] = ~table["own_effect"]
    # performance grows to the right, importance upwards: what matters and does badly lies at the upper left
    table.attrs["corners"] = (CORNERS[1], CORNERS[3], CORNERS[0], CORNERS[2])
    return Result(
        name,
        "quadrants",
        title,
        table,
        columns=(Column("group", "Driver"),),
        finding=_start_finding(table),
        note=Text(
            "Performance: mean on 0 (worst answer) to 100 (best); importance: part of what the drivers explain. Lines: the "
            "mean performance weighted by importance, and an equal share. Bars: bootstrap intervals; grey: no effect of its "
            "own shown."
        ),
        alt=Text("Points with bars in both directions: how important each driver is, against how well it does."),
        x=Axis("Performance, of 100", "points"),
        y=Axis("Importance", "share"),
    )


def _start_finding(table: pd.DataFrame) -> Finding:
    evidence = ("satisfaction_map", "satisfaction_drivers")
    start = table[(table["field"] == "start here") & table["own_effect"]]
    if start.empty:
        text = Text("No driver is both important and below the others.")
        return Finding("satisfaction.start", "info", None, text, evidence=evidence)
    names = in_a_row([f"“{one}”" for one in start["group"].head(MOST_FIELDS)])
    sure = int(start["clear"].sum())
    numbers: dict[str, Quantity | Text | str] = {
        "names": names,
        "sure": Quantity(sure, "count"),
        "n": Quantity(len(start), "count"),
    }
    if sure == len(start):
        text = Text(
            "Start with {names}: more important than most, and below average, both for certain.",
            numbers,
        )
    elif sure:
        text = Text(
            "Start with {names}: they matter most and score below average. For {sure} of the {n} both are certain.", numbers
        )
    else:
        text = Text(
            "Start with {names}: more important than most, and below average, though one of the two may be chance.",
            numbers,
        )
    action = Text("Decide on one change for {names}, who owns it, and what the next wave should show.", numbers)
    return Finding("satisfaction.start", "warning", False, text, evidence=evidence, action=action)


def what_if(past: Survey, work: Drive, *, rise: float = 0.5) -> Result:
    """By how much would the outcome rise if a driver rose by some points of its scale, all others held?

    Parameters
    ----------
    past : Survey
    work : Drive
    rise : float
        Points on the driver's own scale.

    Returns
    -------
    Result
        Interval dots: ``group, measure, value, low, high`` (points of the outcome), ``n, unit, method, mean_now, p_value,
        own_effect, possible``, the largest first.
    """
    name, title = "satisfaction_what_if", Text("What if a driver rose by {rise} points?", {"rise": Quantity(rise, "number")})
    if work.found is None or work.outcome is None:
        return not_assessed(name, title, work.reason or Text("there is no fit"))
    width = {item.id: item.high - item.low for item in work.drivers}
    per_hundred = model.what_if(work.found, rise=1.0)
    scale = per_hundred["driver"].map(width).astype("float64")
    step = 100 * rise / scale
    low = per_hundred["driver"].map({item.id: item.low for item in work.drivers}).astype("float64")
    now = low + per_hundred["mean_now"] * scale / 100
    table = estimates(
        {
            "group": work.label(row["driver"]),
            "measure": mark("effect of its own") if row["own_effect"] else mark("no effect of its own shown"),
            "value": row["value"] * by,
            "low": row["low"] * by,
            "high": row["high"] * by,
            "n": row["n"],
            "unit": "score",
            "method": row["method"],
        }
        for row, by in zip(per_hundred.to_dict("records"), step, strict=True)
    ).assign(
        mean_now=now.to_numpy(),
        p_value=per_hundred["p_value"].to_numpy(),
        own_effect=per_hundred["own_effect"].to_numpy(),
        possible=(now + rise <= low + scale).to_numpy(),
    )
    table = table.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    table.attrs["reference"] = 0.0
    table.attrs["quiet"] = QUIET
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Driver"), Column("measure", "Measure", translate=True)),
        finding=_rise_finding(work, table, rise),
        note=Text(
            "Coefficient of a linear regression times the rise, the other drivers and the wave held; bootstrap intervals, Holm "
            "over the drivers. It becomes an effect only if what else moves both has been held: try it in one region first."
        ),
        alt=Text("A dot with an interval per driver: by how much the outcome would be higher."),
        x=Axis("Driver", "text"),
        y=Axis("Rise of the outcome, in points", "score"),
    )


def _rise_finding(work: Drive, table: pd.DataFrame, rise: float) -> Finding:
    own = table[table["own_effect"] & (table["value"] > 0)]
    evidence = ("satisfaction_what_if",)
    if own.empty or work.outcome is None:
        text = Text("No driver has an effect of its own that is beyond chance.")
        return Finding("satisfaction.what_if", "info", None, text, evidence=evidence)
    first = own.iloc[0]
    text = Text(
        "If “{driver}” rose by {rise} points, “{outcome}” would be expected {gain} points higher.",
        {
            "driver": str(first["group"]),
            "rise": Quantity(rise, "number"),
            "outcome": work.outcome.label,
            "gain": quantity(first),
        },
    )
    return Finding("satisfaction.what_if", "info", None, text, evidence=evidence)
