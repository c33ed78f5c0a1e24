"""Do several questions measure one thing, and how do the dimensions do? Indexes on 0 to 100 with their reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.estimates import hundred
from crmkit.analyses.satisfaction.labels import dimension_label, quantity, too_few
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.language import mark, translate
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.purchases.calibrated import weighted_mean
from crmkit.models.survey.reliability import FEWEST_FOR_OMEGA, Reliability, cronbach_alpha, mcdonald_omega

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.basics.estimates import Floats

ENOUGH_ALPHA = 0.7
INDEX = mark("Index of all these questions")
LEAST_ANSWERED = 0.5
OMEGA_DRAWS = 400


@dataclass(frozen=True)
class Scale:
    """Several questions that are taken together, and what they are called in the language of the report."""

    label: str
    items: tuple[Item, ...]


def scales(past: Survey, names: Sequence[str] = ()) -> list[Scale]:
    """The index (the items named, else all drivers), then each dimension that has items.

    Raises
    ------
    ParamError
        For an item that is not declared.
    """
    chosen = tuple(past.item(name) for name in names) or past.of_kind("driver")
    found = [Scale(translate(INDEX, past.language), chosen)] if len(chosen) > 1 else []
    dimensions: dict[str, list[Item]] = {}
    for item in past.of_kind("driver", "csat", "ces", "other"):
        if item.dimension:
            dimensions.setdefault(item.dimension, []).append(item)
    return [*found, *(Scale(dimension_label(past, name), tuple(items)) for name, items in dimensions.items())]


def index_values(scale: Scale, rows: pd.DataFrame) -> Floats:
    """Mean of the questions of a scale on 0 to 100, one per response; nan where fewer than half were answered."""
    points = np.column_stack([hundred(item, rows[item.id].to_numpy(dtype=np.float64)) for item in scale.items])
    known = ~np.isnan(points)
    enough = known.mean(1) >= LEAST_ANSWERED
    return np.where(enough, np.where(known, points, 0.0).sum(1) / np.maximum(known.sum(1), 1), np.nan)


def index(past: Survey, *, items: Sequence[str] = ()) -> Result:
    """How do the index and the dimensions (product, service, support) do?

    Parameters
    ----------
    past : Survey
    items : sequence of str
        Items of the index; empty: all drivers.

    Returns
    -------
    Result
        Interval dots, 0 to 100, per scale and wave (the one reported and the one before): ``group, measure, value, low, high,
        n, unit, method`` (t).
    """
    name, title = "satisfaction_index", Text("Index and dimensions, from 0 to 100")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    listed: list[dict[str, object]] = []
    found = scales(past, items)
    for wave in (past.waves.reported, past.waves.previous):
        for scale in found if wave else ():
            values = index_values(scale, past.at(wave))
            n = int(np.isfinite(values).sum())
            if n < max(past.min_cell, 2):
                continue
            one = weighted_mean(values, confidence=past.confidence)
            listed.append(
                {
                    "group": scale.label,
                    "measure": wave,
                    "value": one.value,
                    "low": max(one.low, 0.0),
                    "high": min(one.high, 100.0),
                    "n": n,
                    "unit": "points",
                    "method": mark("Student's t"),
                }
            )
    if not listed:
        return not_assessed(name, title, Text("an index needs two questions or more, declared as drivers"))
    table = estimates(sorted(listed, key=lambda row: [scale.label for scale in found].index(str(row["group"]))))
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Dimension"), Column("measure", "Wave")),
        finding=_index_finding(past, table),
        note=Text(
            "Mean over the questions of the mean on 0 (worst answer) to 100 (best), of those who answered at "
            "least half of them. Intervals from Student's t. n: those of the wave {wave}.",
            {"wave": past.waves.reported},
        ),
        alt=Text("A dot with an interval per dimension and wave, on a scale of 0 to 100."),
        x=Axis("Dimension", "text"),
        y=Axis("Mean of 100", "points"),
    )


def _index_finding(past: Survey, table: pd.DataFrame) -> Finding | None:
    now = table[table["measure"] == past.waves.reported]
    parts = now[(now["group"] != translate(INDEX, past.language)) & now["value"].notna()]
    if len(parts) < 2:
        return None
    worst, best = parts.loc[parts["value"].idxmin()], parts.loc[parts["value"].idxmax()]
    text = Text(
        "Of the dimensions, “{worst}” does worst with {low} of 100 and “{best}” best with {high}.",
        {
            "worst": str(worst["group"]),
            "low": quantity(worst),
            "best": str(best["group"]),
            "high": quantity(best),
        },
    )
    return Finding("satisfaction.index", "info", None, text, evidence=("satisfaction_index",))


def reliability(past: Survey, *, items: Sequence[str] = ()) -> Result:
    """Do the questions of an index measure one thing?

    Returns
    -------
    Result
        Table ``group, measure, value, low, high, n, unit, method, items``: alpha (Feldt) and omega (bootstrap) of each scale;
        undefined ones are empty, and the note says why.
    """
    name, title = "satisfaction_reliability", Text("Do the questions of an index measure one thing?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    rows: list[dict[str, object]] = []
    sizes: list[int] = []
    reasons: list[Text] = []
    for scale in scales(past, items):
        if len(scale.items) < 2:
            continue
        for measure, one in _measured(scale, past):
            if one.reason is not None:
                said: dict[str, Quantity | Text | str] = {"scale": scale.label, "measure": Text(measure), "reason": one.reason}
                reasons.append(Text("{scale}, {measure}: {reason}.", said))
            rows.append(
                {
                    "group": scale.label,
                    "measure": measure,
                    "value": one.value,
                    "low": one.low,
                    "high": one.high,
                    "n": one.n,
                    "unit": "score",
                    "method": one.method,
                }
            )
            sizes.append(len(scale.items))
    if not rows:
        return not_assessed(name, title, Text("an index needs two questions or more, declared as drivers"))
    table = estimates(rows).assign(items=sizes)
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("group", "Scale"),
        Column("items", "Questions", "count"),
        Column("measure", "Measure", translate=True),
        Column("value", "Value", "score"),
        Column("interval", "Interval", "score"),
        Column("n", "n", "count"),
        Column("method", "Method", translate=True),
    )
    return Result(name, "table", title, table, columns, finding=_reliable(table), note=_why(reasons))


def _measured(scale: Scale, past: Survey) -> list[tuple[str, Reliability]]:
    points = np.column_stack([hundred(item, past.current[item.id].to_numpy(dtype=np.float64)) for item in scale.items])
    found = [(mark("alpha"), cronbach_alpha(points, confidence=past.confidence))]
    if points.shape[1] >= FEWEST_FOR_OMEGA:
        found.append((mark("omega"), mcdonald_omega(points, confidence=past.confidence, draws=OMEGA_DRAWS)))
    return found


def _why(reasons: list[Text]) -> Text:
    note = Text(
        "Alpha with Feldt's interval, from all pairs of answers. Omega from one factor with a bootstrap "
        "interval, from complete answers; it does not suppose that all questions weigh the same. A dash: "
        "undefined."
    )
    if not reasons:
        return note
    names = [f"reason{at}" for at in range(len(reasons))]
    template = "{note} " + " ".join(f"{{{name}}}" for name in names)
    return Text(template, {"note": note, **dict(zip(names, reasons, strict=True))})


def _reliable(table: pd.DataFrame) -> Finding:
    alpha = table[table["measure"] == "alpha"]
    known = alpha[alpha["value"].notna()]
    if known.empty:
        text = Text("Alpha is undefined for every scale: nothing varies in the answers.")
        return Finding("satisfaction.reliability", "warning", False, text, evidence=("satisfaction_reliability",))
    weak = known[known["value"] < ENOUGH_ALPHA]
    first = known.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "scale": str(first["group"]),
        "alpha": quantity(first),
        "weak": Quantity(len(weak), "count"),
        "limit": Quantity(ENOUGH_ALPHA, "score"),
    }
    if weak.empty:
        text = Text("The questions go together: alpha of “{scale}” is {alpha}.", numbers)
        return Finding("satisfaction.reliability", "good", True, text, evidence=("satisfaction_reliability",))
    text = Text(
        "Alpha of “{scale}” is {alpha}; {weak} scales stay below {limit}, and their means should be read question by question.",
        numbers,
    )
    return Finding("satisfaction.reliability", "info", None, text, evidence=("satisfaction_reliability",))
