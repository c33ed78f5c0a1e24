"""What did customers answer: the leading scores, the spread of the answers, and every question?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from crmkit.analyses.satisfaction.estimates import Row, given_answers, hundred, main_scores, mean, top_box
from crmkit.analyses.satisfaction.labels import STANDING, dimension_label, quantity, too_few, with_standing
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.analyses.satisfaction.weights import Weights, weighted_score
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, Unit, estimates, history, not_assessed

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.basics.estimates import Floats


def scores(past: Survey, weights: Weights) -> Result:
    """How satisfied are those who answered?

    Returns
    -------
    Result
        Value boxes: CSAT as the share in the two top boxes (Wilson) and as a mean (t), NPS (adjusted Wald), CES (mean and
        share), of the wave reported.
    """
    name, title = "satisfaction_scores", Text("Scores of the wave")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    listed = [row for row in main_scores(past, past.current) if float(str(row["n"])) >= past.min_cell]
    if not listed:
        return not_assessed(name, title, Text("no question asks for satisfaction, recommendation or effort"))
    table = estimates(listed)
    table.attrs |= {"confidence": past.confidence, "history": _by_wave(past)}
    note = Text(
        "Wave {wave}, sent from {day}. Shares: the two highest answers of the scale. NPS: share of 9 and 10 less share of 0 to "
        "6, from −100 to 100. As answered, not weighted.",
        {"wave": past.waves.reported, "day": Quantity(past.waves.days[past.waves.reported], "date")},
    )
    return Result(name, "values", title, table, finding=_level(past, weights, table), note=note)


def _by_wave(past: Survey) -> dict[str, dict[str, Any]]:
    """Each score over the waves with enough answers, up to the one reported."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for wave in past.waves.names[: past.waves.names.index(past.waves.reported) + 1]:
        for row in main_scores(past, past.at(wave)):
            if float(str(row["n"])) >= past.min_cell:
                found.setdefault(str(row["group"]), []).append((past.waves.days[wave].isoformat(), row))
    said = mark("by wave")
    return {
        group: history(said, cast(Unit, rows[0][1]["unit"]), [day for day, _ in rows], [row["value"] for _, row in rows])
        for group, rows in found.items()
    }


def _level(past: Survey, weights: Weights, table: pd.DataFrame) -> Finding:
    """NPS where it is asked, else satisfaction; with the weighted figure beside it."""
    asked = past.of_kind("nps") or past.of_kind("csat") or past.of_kind("ces")
    item = asked[0]
    row = table[table["measure"] == "nps"].iloc[0] if item.kind == "nps" else table.iloc[0]
    value = quantity(row)
    of_all = weighted_score(past, weights, past.waves.reported, item, top=row["measure"] == "top_share")
    numbers: dict[str, Quantity | Text | str] = {"value": value, "wave": past.waves.reported, "item": item.label}
    if of_all is None:
        text = Text("“{item}” stands at {value} in {wave}, of those who answered.", numbers)
        if item.kind == "nps":
            text = Text("The NPS is {value} in {wave}, of those who answered.", numbers)
        return Finding("satisfaction.level", "info", None, text, evidence=("satisfaction_scores",))
    numbers["all"] = Quantity(of_all[0], value.unit, of_all[1], of_all[2])
    text = Text("“{item}” stands at {value} in {wave}; weighted to all customers at {all}.", numbers)
    if item.kind == "nps":
        text = Text("The NPS is {value} in {wave}; weighted to all customers it is {all}.", numbers)
    return Finding("satisfaction.level", "info", None, text, evidence=("satisfaction_scores", "satisfaction_weighting"))


def distribution(past: Survey) -> Result:
    """How are the answers spread, from the worst to the best?

    Returns
    -------
    Result
        Diverging bars: per question and answer ``group, box, value`` (share), ``tone`` (-1 worst to 1 best), ``n, suppressed``;
        the recommendation in detractors, passives and promoters. Sorted, the best question first.
    """
    name, title = "satisfaction_distribution", Text("How are the answers spread?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    import pandas as pd

    listed: list[dict[str, object]] = []
    order: list[tuple[float, list[dict[str, object]]]] = []
    for item in past.items:
        given = given_answers(item, past.current)
        if item.kind == "other" or not len(given):
            continue
        order.append((-float(hundred(item, given).mean()), _boxes(item, given, past.min_cell)))
    for _, rows in sorted(order, key=lambda pair: pair[0]):
        listed += rows
    if not listed:
        return not_assessed(name, title, Text("there are no answers on a scale"))
    table = pd.DataFrame(listed)
    return Result(
        name,
        "diverging",
        title,
        table,
        columns=(Column("group", "Question"), Column("box", "Answer", "number"), Column("value", "Share", "share")),
        finding=_spread_finding(past),
        note=Text(
            "Shares of the answers of wave {wave}; answers in the middle lie on both sides of the line. n at the right. "
            "The recommendation is divided into 0 to 6, 7 and 8, 9 and 10; questions asked the other way round are turned.",
            {"wave": past.waves.reported},
        ),
        alt=Text("Bars around a middle line, one per question: bad answers to the left, good ones to the right."),
        x=Axis("Share of answers", "share"),
        y=Axis("Question", "text"),
    )


def _boxes(item: Item, given: Floats, min_cell: int) -> list[dict[str, object]]:
    """Share of each answer of an item; many answers are joined into seven classes."""
    if item.kind == "nps":
        edges, tones = [(0.0, 6.0), (7.0, 8.0), (9.0, 10.0)], [-1.0, 0.0, 1.0]
    else:
        steps = int(min(item.high - item.low, 6)) + 1
        width = (item.high - item.low) / max(steps - 1, 1)
        edges = [(item.low + (at - 0.5) * width, item.low + (at + 0.5) * width) for at in range(steps)]
        tones = np.linspace(-1, 1, steps).tolist()
    hidden = len(given) < min_cell
    rows: list[dict[str, object]] = []
    for box, ((low, high), tone) in enumerate(zip(edges, tones, strict=True)):
        inside = (given >= low) & (given <= high) if item.kind == "nps" else (given >= low) & (given < high)
        rows.append(
            {
                "group": item.label,
                "box": float(box),
                "value": np.nan if hidden else float(inside.mean()),
                "tone": tone,
                "n": np.nan if hidden else float(len(given)),
                "suppressed": hidden,
            }
        )
    return rows


def _spread_finding(past: Survey) -> Finding | None:
    """Which question gets the most answers in the two lowest boxes?"""
    worst: tuple[float, Item, Row] | None = None
    for item in past.of_kind("csat", "driver", "ces"):
        row = _bottom(past, item)
        if row is not None and (worst is None or float(str(row["value"])) > worst[0]):
            worst = (float(str(row["value"])), item, row)
    if worst is None:
        return None
    _, item, row = worst
    text = Text(
        "Most bad answers go to “{item}”: {share} are in the lower half of the scale.",
        {"item": item.label, "share": Quantity(row["value"], "share", float(str(row["low"])), float(str(row["high"])))},
    )
    return Finding("satisfaction.spread", "info", None, text, evidence=("satisfaction_distribution",))


def _bottom(past: Survey, item: Item) -> Row | None:
    from crmkit.models.basics.shares import wilson

    given = given_answers(item, past.current)
    if len(given) < past.min_cell:
        return None
    found = wilson(float((given < (item.low + item.high) / 2).sum()), float(len(given)), confidence=past.confidence)
    return {"value": found.value[0], "low": found.low[0], "high": found.high[0]}


def items(past: Survey) -> Result:
    """How does each question do?

    Returns
    -------
    Result
        Table, the best first: ``dimension, item, value, low, high`` (share in the two top boxes, Wilson), ``mean, mean_low,
        mean_high`` (points of the scale, t), ``of_scale`` (mean on 0 to 100), ``rank`` (empty below 30 answers), ``n,
        standing, suppressed, small``.
    """
    name, title = "satisfaction_items", Text("How does each question do?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    import pandas as pd

    listed = _item_rows(past)
    if not listed:
        return not_assessed(name, title, Text("there are no answers on a scale"))
    table = with_standing(
        pd.DataFrame(listed),
        values=["value", "low", "high", "mean", "mean_low", "mean_high", "of_scale"],
        min_cell=past.min_cell,
        within="item",
    )
    table = table.sort_values("of_scale", ascending=False, kind="stable", ignore_index=True)
    ranked = ~table["suppressed"] & ~table["small"]
    table["rank"] = ranked.cumsum().where(ranked).astype("float64")
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("rank", "Rank", "count"),
        Column("item", "Question"),
        Column("dimension", "Dimension"),
        Column("value", "Two top boxes", "share"),
        Column("interval", "Interval", "share"),
        Column("mean", "Mean", "score"),
        Column("scale", "Scale"),
        Column("of_scale", "Of 100", "points"),
        Column("n", "n", "count"),
        *((STANDING,) if (table["standing"] != "").any() else ()),
    )
    note = Text(
        "Intervals: Wilson, of the share in the two top boxes; those of the mean are in the results file. Sorted by the mean "
        "on 0 (worst answer) to 100 (best); questions with fewer than 30 answers have no rank."
    )
    return Result(name, "table", title, table, columns, finding=_best_and_worst(table, ranked), note=note)


def _item_rows(past: Survey) -> list[Row]:
    """Both scores of each question, and its mean on 0 to 100."""
    listed: list[Row] = []
    for item in past.of_kind("csat", "driver", "ces"):
        top, middle = top_box(past, item, past.current, item.label), mean(past, item, past.current, item.label)
        listed.append(
            {
                "item": item.label,
                "dimension": dimension_label(past, item.dimension) or "–",
                "value": top["value"],
                "low": top["low"],
                "high": top["high"],
                "mean": middle["value"],
                "mean_low": middle["low"],
                "mean_high": middle["high"],
                "of_scale": float(hundred(item, np.array([middle["value"]], dtype=float))[0]),
                "scale": f"{item.low:g}–{item.high:g}",
                "n": top["n"],
            }
        )
    return listed


def _best_and_worst(table: pd.DataFrame, ranked: pd.Series[bool]) -> Finding | None:
    shown = table[ranked]
    if len(shown) < 2:
        return None
    first, last = shown.iloc[0], shown.iloc[-1]
    text = Text(
        "Best: “{best}” with {high} in the two top boxes; worst: “{worst}” with {low}.",
        {
            "best": str(first["item"]),
            "high": quantity(first, "share"),
            "worst": str(last["item"]),
            "low": quantity(last, "share"),
        },
    )
    return Finding("satisfaction.items", "info", None, text, evidence=("satisfaction_items",))
