"""Is a wave different from the usual up and down? A control chart over all waves, and each step tested."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.estimating import net_promoters, top_box
from crmkit.analyses.satisfaction.labels import measured, unit_of
from crmkit.analyses.satisfaction.read import Item, Survey
from crmkit.analyses.satisfaction.scores import too_few
from crmkit.analyses.satisfaction.segments import compared, counted, leading
from crmkit.analyses.satisfaction.survey_mode import compare_modes
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models.basics import spc
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

FEW_WAVES = Text("needs {needed} waves, there are {waves}")


def trend(past: Survey) -> Result:
    """Is any wave outside of the usual up and down?

    Returns
    -------
    Result
        Curve of the leading score per wave with the limits of an XmR chart as its band: ``group, x`` (first day of the
        wave), ``value,
        low, high``. Needs four waves.
    """
    name, title = "satisfaction_trend", Text("The score over all waves")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    asked = leading(past)
    levels = [] if asked is None else _levels(past, asked[0])
    if asked is None or len(levels) < spc.FEWEST_POINTS:
        counts = {"needed": Quantity(spc.FEWEST_POINTS, "count"), "waves": Quantity(len(levels), "count")}
        return not_assessed(name, title, Text(FEW_WAVES.template, counts))
    points = asked[0].kind == "nps"
    chart = spc.xmr([value for _, value, _, _, _ in levels], bounds=(-100.0, 100.0) if points else (0.0, 1.0))
    out = chart.table["signal"].to_numpy()
    waves = [wave for wave, *_ in levels]
    table = _lines(past, chart, levels, asked[1])
    table.attrs |= {"zero": False, "actual": asked[1]}
    table.attrs["marks"] = [(past.days[one].isoformat(), Text("{wave}", {"wave": one})) for one in waves]
    return Result(
        name,
        "curve",
        title,
        table,
        columns=(Column("group", "Score", translate=True),),
        finding=_trend_finding([one for one, flag in zip(waves, out, strict=True) if flag], len(levels), past.wave),
        note=Text(
            "XmR chart of {waves} waves: the limits are the mean {mean} plus and minus 2.66 times the mean step {step}. "
            "If nothing changes, "
            "{alarm} of such charts still show a signal. n: {least} to {most} answers per wave; the band is the "
            "interval of each score.",
            {
                "waves": Quantity(len(levels), "count"),
                "mean": Quantity(chart.centre, unit_of(asked[0])),
                "step": Quantity(chart.range_centre, unit_of(asked[0])),
                "alarm": Quantity(spc.false_alarm_share(len(levels)), "share"),
                "least": Quantity(min(one[-1] for one in levels), "count"),
                "most": Quantity(max(one[-1] for one in levels), "count"),
            },
        ),
        alt=Text("Line of the score per wave, with the mean and the limits of its usual up and down."),
        x=Axis("Wave", "date"),
        y=Axis(asked[1], unit_of(asked[0])),
    )


def _levels(past: Survey, item: Item) -> list[tuple[str, float, float, float, float]]:
    """Wave, score with its interval, and n, of every wave with enough answers."""
    found = []
    for wave in past.waves:
        rows = past.at(wave)
        row = net_promoters(past, item, rows, "") if item.kind == "nps" else top_box(past, item, rows, "")
        value, low, high, n = (float(str(row[name])) for name in ("value", "low", "high", "n"))
        if n >= past.min_cell:
            found.append((wave, value, low, high, n))
    return found


def _lines(past: Survey, chart: spc.Chart, levels: list[tuple[str, float, float, float, float]], score: str) -> pd.DataFrame:
    """The score with its interval, and beside it the mean and the limits as lines of their own."""
    import pandas as pd

    x = [past.days[wave].isoformat() for wave, *_ in levels]
    own = pd.DataFrame(
        {
            "group": score, "x": x, "value": [one[1] for one in levels], "low": [one[2] for one in levels],
            "high": [one[3] for one in levels], "at_risk": [one[4] for one in levels],
        }
    )  # fmt: skip
    ends = chart.table.iloc[0]
    flat = {mark("upper limit"): ends["high"], mark("mean"): chart.centre, mark("lower limit"): ends["low"]}
    lines = [pd.DataFrame({"group": word, "x": x, "value": float(value)}) for word, value in flat.items()]
    return curve(pd.concat([own, *lines], ignore_index=True))


def _trend_finding(signals: list[str], waves: int, reported: str) -> Finding:
    evidence = ("satisfaction_trend",)
    if not signals:
        text = Text("All {n} waves lie within the usual up and down.", {"n": Quantity(waves, "count")})
        return Finding("satisfaction.trend", "info", None, text, evidence=evidence)
    text = Text("Outside of the usual up and down: {waves}.", {"waves": ", ".join(signals)})
    action = Text("Look for what happened before these waves, not for an explanation of every up and down.")
    now = reported in signals
    return Finding("satisfaction.trend", "warning" if now else "info", not now, text, evidence=evidence, action=action)


def steps(past: Survey) -> Result:
    """From which wave to the next has a score really moved?

    Returns
    -------
    Result
        Table ``from_wave, to_wave, measure, value, low, high, p_value, p_holm, moved, comparable, n, n_others, unit,
        method``: NPS (or the
        leading score) and satisfaction between every two neighbouring waves, Holm over all of them.
    """
    name, title = "satisfaction_steps", Text("From which wave to the next has a score moved?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    table = step_table(past)
    if not len(table):
        return not_assessed(name, title, Text("there are no two neighbouring waves with enough answers"))
    table.attrs["confidence"] = past.confidence
    columns = (
        Column("from_wave", "From wave"), Column("to_wave", "To wave"), Column("measure", "Score", translate=True),
        Column("value", "Change, points", "points"), Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "number"),
        Column("moved", "Beyond chance"), Column("comparable", "Asked in the same way"),
        Column("n_others", "n before", "count"), Column("n", "n after", "count"),
    )  # fmt: skip
    note = Text(
        "Adjusted two-sample interval (NPS) and Newcombe (shares); p-values after Holm for all {m} steps. Not asked in the "
        "same way: a channel changed its part by 15 percentage points or more.",
        {"m": Quantity(len(table), "count")},
    )
    return Result(name, "table", title, table, columns, finding=_steps_finding(table), note=note)


def step_table(past: Survey) -> pd.DataFrame:
    """One row per step and score; see :func:`steps`."""
    import pandas as pd

    kinds = {"nps": mark("NPS"), "csat": mark("CSAT, two top boxes")}
    listed = []
    for kind, word in kinds.items():
        for item in past.of_kind(kind)[:1]:
            usable = [(wave, counted(item, past.at(wave)[item.id].to_numpy(dtype=np.float64))) for wave in past.waves]
            usable = [(wave, one) for wave, one in usable if one[2] >= past.min_cell]
            for (before, first), (now, second) in pairwise(usable):
                found = compared(item, first, second, past.confidence)
                same = compare_modes(past, before, now).comparable
                listed.append({"from_wave": before, "to_wave": now, "measure": word, **found, "comparable": same})
    table = pd.DataFrame(listed)
    if listed:
        table["p_holm"] = holm(table["p_value"].to_numpy())
        table["moved"] = table["p_holm"] < 1 - past.confidence
        table = table.sort_values(["p_holm", "from_wave"], kind="stable", ignore_index=True)
    return table


def _steps_finding(table: pd.DataFrame) -> Finding:
    evidence = ("satisfaction_steps",)
    clear = table[table["moved"] & table["comparable"]]
    if clear.empty:
        text = Text("No step from one wave to the next is more than chance, of {m}.", {"m": Quantity(len(table), "count")})
        return Finding("satisfaction.steps", "info", None, text, evidence=evidence)
    first = clear.iloc[0]
    text = Text(
        "{k} of {m} steps are more than chance; the clearest is {score} from {before} to {now}: {change}.",
        {
            "k": Quantity(len(clear), "count"),
            "m": Quantity(len(table), "count"),
            "score": Text(str(first["measure"])),
            "before": str(first["from_wave"]),
            "now": str(first["to_wave"]),
            "change": measured(first),
        },
    )
    return Finding("satisfaction.steps", "info", None, text, evidence=evidence)
