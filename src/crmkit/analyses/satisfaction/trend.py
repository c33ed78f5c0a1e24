"""Is a wave different from the usual up and down? A control chart over all waves, each step tested."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.estimates import Row, main_scores, net_promoters, top_box
from crmkit.analyses.satisfaction.labels import absent, quantity, too_few, unit_of
from crmkit.analyses.satisfaction.response import ALL, response_table
from crmkit.analyses.satisfaction.segments import box_counts, difference_of, leading_score
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import ESTIMATE_COLUMNS, Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models.basics import spc
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

FEW_WAVES = Text("needs {needed} waves, there {waves:is|are} {waves}")
LARGE_SHIFT = 0.15
BEYOND = 0.01
ANSWERED = mark("Response rate")
LIMITS = (mark("upper limit"), mark("mean"), mark("lower limit"))


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
    asked = leading_score(past)
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
    table.attrs["quiet"] = LIMITS
    table.attrs["ticks"] = [(past.waves.days[one].isoformat(), Text("{wave}", {"wave": one})) for one in waves]
    return Result(
        name,
        "curve",
        title,
        table,
        columns=(Column("group", "Score", translate=True),),
        finding=_trend_finding([one for one, flag in zip(waves, out, strict=True) if flag], len(levels), past.waves.reported),
        note=Text(
            "XmR chart of {waves} waves: the limits are the mean {mean} plus and minus 2.66 times the mean step {step}. If "
            "nothing changes, {alarm} of such charts still show a signal. n: {least} to {most} answers per wave; the band is "
            "the interval of each score.",
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
    for wave in past.waves.names:
        rows = past.at(wave)
        row = net_promoters(past, item, rows, "") if item.kind == "nps" else top_box(past, item, rows, "")
        value, low, high, n = (float(str(row[name])) for name in ("value", "low", "high", "n"))
        if n >= past.min_cell:
            found.append((wave, value, low, high, n))
    return found


def _lines(past: Survey, chart: spc.Chart, levels: list[tuple[str, float, float, float, float]], score: str) -> pd.DataFrame:
    """The score with its interval, and beside it the mean and the limits as lines of their own."""
    import pandas as pd

    x = [past.waves.days[wave].isoformat() for wave, *_ in levels]
    own = pd.DataFrame(
        {
            "group": score,
            "x": x,
            "value": [one[1] for one in levels],
            "low": [one[2] for one in levels],
            "high": [one[3] for one in levels],
            "at_risk": [one[4] for one in levels],
        }
    )
    ends = chart.table.iloc[0]
    flat = dict(zip(LIMITS, (ends["high"], chart.centre, ends["low"]), strict=True))
    lines = [pd.DataFrame({"group": word, "x": x, "value": float(value)}) for word, value in flat.items()]
    return curve(pd.concat([own, *lines], ignore_index=True))


def _trend_finding(signals: list[str], waves: int, reported: str) -> Finding:
    evidence = ("satisfaction_trend",)
    if not signals:
        text = Text("No wave as a whole stands out: all {n} lie within the usual range.", {"n": Quantity(waves, "count")})
        return Finding("satisfaction.trend", "info", None, text, evidence=evidence)
    text = Text("Outside the usual range: {waves}.", {"waves": in_a_row(signals)})
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
        Column("from_wave", "From wave"),
        Column("to_wave", "To wave"),
        Column("measure", "Score", translate=True),
        Column("value", "Change, points", "points"),
        Column("interval", "Interval", "points"),
        Column("p_holm", "p, Holm", "p"),
        Column("moved", "Beyond chance"),
        Column("comparable", "Asked in the same way"),
        Column("n_others", "n before", "count"),
        Column("n", "n after", "count"),
    )
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
            usable = [(wave, box_counts(item, past.at(wave)[item.id].to_numpy(dtype=np.float64))) for wave in past.waves.names]
            usable = [(wave, one) for wave, one in usable if one[2] >= past.min_cell]
            for (before, first), (now, second) in pairwise(usable):
                found = difference_of(item, first, second, past.confidence)
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
        text = Text("None of the {m} changes from one wave to the next is significant.", {"m": Quantity(len(table), "count")})
        return Finding("satisfaction.steps", "info", None, text, evidence=evidence)
    first = clear.iloc[0]
    text = Text(
        "{k} of {m} changes from one wave to the next {k:is|are} significant, most clearly {score} from "
        "{before} to {now}: {change}.",
        {
            "k": Quantity(len(clear), "count"),
            "m": Quantity(len(table), "count"),
            "score": Text(str(first["measure"])),
            "before": str(first["from_wave"]),
            "now": str(first["to_wave"]),
            "change": quantity(first),
        },
    )
    return Finding("satisfaction.steps", "info", None, text, evidence=evidence)


@dataclass(frozen=True)
class Modes:
    """Whether two waves may be compared.

    Parameters
    ----------
    comparable : bool
    why : Text
        Which channel changed its part, and by how much; empty words where nothing did.
    """

    comparable: bool
    why: Text


def compare_modes(past: Survey, before: str, now: str) -> Modes:
    """Have the channels of the answers changed their parts from one wave to the other?

    Parameters
    ----------
    past : Survey
    before, now : str
        Waves.

    Returns
    -------
    Modes
        Not comparable where a channel's part changed by 15 percentage points or more and not by chance (chi-squared test
        below 1 %).
    """
    from scipy.special import chdtrc

    same = Modes(True, Text(""))
    if "channel" not in past.recorded or not before:
        return same
    counts = [past.at(wave)["channel"].value_counts() for wave in (before, now)]
    names = sorted(set(counts[0].index) | set(counts[1].index))
    table = np.array([[float(one.get(name, 0)) for name in names] for one in counts])
    if len(names) < 2 or (table.sum(1) == 0).any():
        return same
    shares = table / table.sum(1, keepdims=True)
    shift = shares[1] - shares[0]
    at = int(np.abs(shift).argmax())
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    p_value = float(chdtrc(len(names) - 1, ((table - expected) ** 2 / expected).sum()))
    if abs(shift[at]) < LARGE_SHIFT or p_value >= BEYOND:
        return same
    numbers: dict[str, Quantity | Text | str] = {
        "channel": str(names[at]),
        "before": Quantity(shares[0, at], "share"),
        "now": Quantity(shares[1, at], "share"),
    }
    return Modes(False, Text("“{channel}” had {before} of the answers and now has {now}", numbers))


def waves(past: Survey) -> Result:
    """What were the scores and the response of every wave?

    Returns
    -------
    Result
        Table, the oldest wave first: ``wave, starts_on`` (first day) and the columns of an estimate table, a row per score of
        the wave with at least ``min_cell`` answers, as :func:`crmkit.analyses.satisfaction.scores` has it for the wave
        reported; and ``response``, the share of those asked who answered (n: asked), where it is known who was asked.
    """
    import pandas as pd

    name, title = "satisfaction_waves", Text("Scores and response of every wave")
    if not past.usable or past.answers.surveys is None:
        return absent(past, name, title)
    asked = _rates(past)
    listed = [
        {"wave": wave, "starts_on": pd.Timestamp(past.waves.days[wave]), **row}
        for wave in past.waves.names
        for row in [*main_scores(past, past.at(wave)), *([asked[wave]] if wave in asked else [])]
        if float(str(row["n"])) >= past.min_cell
    ]
    table = pd.DataFrame(listed, columns=["wave", "starts_on", *ESTIMATE_COLUMNS]).astype({"n": "float64"})
    columns = (
        Column("wave", "Wave"),
        Column("group", "Score", translate=True),
        Column("value", "Value", "number"),
        Column("n", "n", "count"),
    )
    return Result(name, "table", title, table, columns)


def _rates(past: Survey) -> dict[str, Row]:
    """The response of each wave; nothing where nobody wrote down who was asked."""
    table = response_table(past)
    whole: pd.DataFrame = table[table["channel"] == ALL]
    if not (table["sent"] > table["responded"]).any():
        return {}
    rate = wilson(whole["responded"], whole["sent"], confidence=past.confidence)
    columns = zip(whole["wave"], rate.value, rate.low, rate.high, whole["sent"], strict=True)
    return {
        str(wave): {
            "group": ANSWERED,
            "measure": "response",
            "value": value,
            "low": low,
            "high": high,
            "n": n,
            "unit": "share",
            "method": rate.method,
        }
        for wave, value, low, high, n in columns
    }
