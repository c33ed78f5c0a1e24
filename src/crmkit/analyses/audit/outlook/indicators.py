"""Where will the headline indicators be in the next cycle, and how likely is it that they miss their targets?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.by_class import in_words
from crmkit.analyses.audit.catalogue import Indicator
from crmkit.analyses.audit.findings.model import joined, theme_of
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.read import YEAR
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Severity, Text, curve, not_assessed
from crmkit.models.basics.estimates import critical
from crmkit.models.outlook.ranges import FEWEST, Outlook, Scale, outlook

if TYPE_CHECKING:
    import pandas as pd

# what leads a report to managers: sales, customers, satisfaction, service
HEADLINE = (
    "R-SALES", "R-NEW", "R-NCUST", "R-CHURN", "R-RENEW", "R-NPS", "P-CSAT", "P-RESP", "P-RES", "P-FCR", "P-CMPR", "P-BACK"
)  # fmt: skip
# a stock: the cycle's value is that of its last month, not the mean of its months
STOCKS = ("R-NCUST", "P-BACK")
# beyond, a limit is likely to be missed
LIKELY = 0.5
SUREST = 0.01
# of the months between the first and the newest known one so many may be missing
MOST_MISSING = 0.25
METHODS = {
    "last": mark("as last time"),
    "smoothed": mark("smoothed level"),
    "damped": mark("smoothed, trend dies out"),
    "level": mark("around one level"),
    "line": mark("along a line"),
    "together": mark("mean of all methods"),
}
KNOWN, AHEAD, TARGET = mark("Known"), mark("Forecast"), mark("Target")
TITLE = Text("Headline indicators in the next cycle")


@dataclass(frozen=True, eq=False)
class Forecast:
    """One indicator and what is to come of it.

    Parameters
    ----------
    indicator : Indicator
    row : mapping
        Of the audit's state.
    series : pandas.DataFrame
        ``month_end, value, low, high`` at even steps, none missing.
    step : int
        Months between two values.
    found : Outlook
    target : float
        In the indicator's unit; nan where none can be said for the next cycle.
    miss : float
        The chance that the next cycle's value lies on its bad side.
    """

    indicator: Indicator
    row: dict[str, Any]
    series: pd.DataFrame
    step: int
    found: Outlook
    target: float
    miss: float


@dataclass(frozen=True, eq=False)
class Coming:
    """All forecasts of an audit; those with the greatest chance to miss their target first. ``short``: name, cycles lacking."""

    work: Audit
    forecasts: tuple[Forecast, ...]
    short: tuple[tuple[str, int], ...]


def coming(work: Audit) -> Coming:
    """What is to come of the headline indicators in the next cycle?"""
    length = len(work.past.current.months)
    made, short = [], []
    # what has no target yet has a future all the same
    state = work.state[work.state["value"].notna()].set_index("indicator", drop=False)
    for name in HEADLINE:
        if name not in state.index:
            continue
        row: dict[str, Any] = {str(key): value for key, value in state.loc[name].items()}
        if row["n"] < work.book[name].min_n:
            continue
        months = work.months[(work.months["indicator"] == name) & work.months["value"].notna()]
        series, step, lacking = even(months)
        if lacking:
            short.append((str(row["name"]), math.ceil(lacking / length)))
            continue
        made.append(_forecast(work, work.book[name], row, series, step, length))
    made.sort(key=lambda one: -np.nan_to_num(one.miss, nan=-1.0))
    return Coming(work, tuple(made), tuple(short))


def even(months: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """A series at even steps, the step in months, and how many months are lacking for a forecast.

    Parameters
    ----------
    months : pandas.DataFrame
        ``month_end, value, low, high``, the oldest first, none missing.

    Notes
    -----
    The step is the one that most values keep. Values that are missing between are on the line between their neighbours, where
    at most a quarter are; else the series begins after the gap.
    """
    import pandas as pd

    columns = ["month_end", "value", "low", "high"]
    empty = pd.DataFrame(columns=columns)
    if len(months) < 2:
        return empty, 1, FEWEST - len(months)
    ends = months["month_end"]
    place = (12 * ends.dt.year + ends.dt.month).to_numpy(dtype="int64")
    gaps = np.diff(place)
    step = int(np.bincount(gaps).argmax())
    own = months[columns].set_index(place)
    own = own[(place[-1] - place) % step == 0]
    grid = np.arange(own.index[0], place[-1] + 1, step)
    known = np.isin(grid, own.index)
    while len(grid) > 1 and (not known[0] or 1 - known.mean() > MOST_MISSING):
        grid, known = grid[1:], known[1:]
    if len(grid) < FEWEST:
        return empty, step, step * (FEWEST - len(grid))
    whole = own.reindex(grid)
    days = pd.Series([month_end(ends.iloc[-1], int(at - grid[-1])) for at in grid], index=grid)
    whole = whole.assign(month_end=whole["month_end"].fillna(days), value=whole["value"].astype("float64").interpolate())
    return whole.reset_index(drop=True), step, 0


def month_end(day: pd.Timestamp, months: int) -> pd.Timestamp:
    """The last day of so many months on: of calendar months where the day ends one."""
    import pandas as pd

    return day + pd.Timedelta(days=1) + pd.DateOffset(months=months) - pd.Timedelta(days=1)


def scale_of(unit: str, values: NDArray[np.float64]) -> Scale:
    """On which scale errors are alike: shares by their odds, amounts by their logarithm, or root where there is a 0."""
    least, most = float(values.min()), float(values.max())
    if unit == "share" and least >= 0 and most <= 1:
        return "logit"
    if unit in ("points", "score", "share") or least < 0:
        return "plain"
    return "log" if least > 0 else "root"


def _forecast(work: Audit, one: Indicator, row: dict[str, Any], series: pd.DataFrame, step: int, length: int) -> Forecast:
    import pandas as pd

    values = series["value"].to_numpy(dtype="float64")
    newest = series["month_end"].iloc[-1]
    end = pd.Timestamp(work.past.as_of)
    # what is known late is over already: those steps are no part of the next cycle
    late = max(0, 12 * (end.year - newest.year) + end.month - newest.month) // step
    ahead = late + max(1, math.ceil(length / step))
    errors = ((series["high"] - series["low"]) / (2 * critical(work.confidence))).to_numpy(dtype="float64")
    skip = ahead - 1 if one.id in STOCKS or one.months > 1 else late
    given = {"ahead": ahead, "scale": scale_of(one.unit, values), "period": YEAR // step if step < YEAR else 0}
    found = outlook(values, **given, errors=errors, skip=skip, confidence=work.confidence)
    target = _target(work, one, row, values, step, late, length)
    if not np.isfinite(target) or one.direction == "range":
        return Forecast(one, row, series, step, found, target if one.direction != "range" else math.nan, math.nan)
    # no forecast is surer than so
    above = min(max(found.above(target), SUREST), 1 - SUREST)
    return Forecast(one, row, series, step, found, target, 1 - above if one.direction == "up" else above)


def _target(work: Audit, one: Indicator, row: dict[str, Any], values: np.ndarray, step: int, late: int, length: int) -> float:
    """What the next cycle is held against: the same limit, or the same part of the value a year before it."""
    if one.basis != "previous" or one.id in work.past.plans:
        return float(row["target"])
    first, many = YEAR // step - late, max(1, length // step)
    own = values[len(values) - first :][:many]
    if first > len(values) or len(own) < many:
        return math.nan
    return float(one.target * (own[-1] if one.id in STOCKS else own.mean()))


def outlook_table(ahead: Coming) -> Result:
    """Each headline indicator now and in the next cycle: forecast with range, chance to miss its target, earlier ranges.

    Returns
    -------
    Result
        A row per indicator: ``indicator, name, now, value, low, high`` (in ``unit``), ``n`` (values behind), ``target, miss,
        tried, held, method, seasonal``; and these in words.
    """
    import pandas as pd

    work = ahead.work
    if not ahead.forecasts:
        reason = _short(ahead) or Text("needs an indicator of sales, customers, satisfaction or service by month")
        return not_assessed("audit_outlook", TITLE, reason)
    rows = [_row(one, work) for one in ahead.forecasts]
    columns = (
        Column("name", "Indicator"),
        Column("now_text", "Now"),
        Column("value_text", "Next cycle"),
        Column("range_text", "Range"),
        Column("target_text", "Target"),
        Column("miss", "Chance to miss it", "share"),
        Column("earlier", "Earlier ranges that held"),
        Column("how", "Method", translate=True),
    )
    note = Text(
        "Range: {confidence} of outcomes should lie in it; it is as wide as earlier forecasts were off. Earlier ranges rest on "
        "what was known then. Chances beyond 1% and 99% are not told apart.",
        {"confidence": Quantity(work.confidence, "share")},
    )
    if ahead.short:
        note = Text("{note} Too short a past: {short}.", {"note": note, "short": _listed(ahead)})
    return Result("audit_outlook", "table", TITLE, pd.DataFrame(rows), columns=columns, finding=_finding(ahead), note=note)


def _row(one: Forecast, work: Audit) -> dict[str, Any]:
    found, unit = one.found, one.indicator.unit
    low, value, high = (in_words(end, unit, work) for end in (found.whole_low, found.whole, found.whole_high))
    return {
        "indicator": one.indicator.id,
        "name": one.row["name"],
        "now": one.row["value"],
        "value": found.whole,
        "low": found.whole_low,
        "high": found.whole_high,
        "n": found.n,
        "unit": unit,
        "target": one.target,
        "miss": one.miss,
        "tried": found.tried,
        "held": found.held,
        "method": found.method,
        "seasonal": found.seasonal,
        "now_text": in_words(one.row["value"], unit, work),
        "value_text": value,
        "range_text": f"{low} – {high}",
        "target_text": in_words(one.target, unit, work),
        "earlier": f"{found.held} / {found.tried}" if found.tried else "–",
        "how": METHODS[found.method],
    }


def _short(ahead: Coming) -> Text | None:
    return Text("too short a past: {short}", {"short": _listed(ahead)}) if ahead.short else None


def _listed(ahead: Coming) -> Text:
    words = [
        Text("{name} needs {n} more {n:cycle|cycles}", {"name": name, "n": Quantity(n, "count")}) for name, n in ahead.short
    ]
    return joined(words)


def _finding(ahead: Coming) -> Finding:
    """The indicator that is most likely to miss its target, one that keeps it today before those that miss it already."""
    judged = [one for one in ahead.forecasts if np.isfinite(one.miss)]
    likely = [one for one in judged if one.miss >= LIKELY]
    if not likely:
        text = Text("No headline indicator is likely to miss its target in the next cycle.")
        return Finding(
            "audit.outlook", "good" if judged else "info", True if judged else None, text, evidence=("audit_outlook",)
        )
    fresh = [one for one in likely if _keeps(one)]
    lead = (fresh or likely)[0]
    unit = lead.indicator.unit
    words: dict[str, Quantity | Text | str] = {
        "name": str(lead.row["name"]),
        "chance": Quantity(lead.miss, "share"),
        "value": Quantity(lead.found.whole, unit),
        "low": Quantity(lead.found.whole_low, unit),
        "high": Quantity(lead.found.whole_high, unit),
        "target": Quantity(lead.target, unit),
        "n": Quantity(len(likely), "count"),
        "all": Quantity(len(judged), "count"),
    }
    if fresh:
        text = Text("{name} will probably miss its target in the next cycle: the chance is {chance}.", words)
    else:
        text = Text("{name} will probably go on missing its target in the next cycle: the chance is {chance}.", words)
    rule = Text("Forecast: {value} ({low} to {high}); target: {target}.", words)
    if len(likely) > 1:
        rule = Text("{rule} {n} of {all} indicators are likely to miss theirs.", words | {"rule": rule})
    if lead.row["placeholder"]:
        rule = Text("{rule} The target is the kit's placeholder, not yours.", {"rule": rule})
    theme = theme_of(lead.indicator.id)
    remedy = theme.remedy(ahead.work.locale.language, lead.indicator.id) if theme is not None else ""
    severity: Severity = "info" if lead.row["placeholder"] else "warning"
    action = Text("{what}", {"what": remedy}) if remedy else None
    return Finding("audit.outlook", severity, False, text, rule, evidence=("audit_outlook",), action=action)


def _keeps(one: Forecast) -> bool:
    """Whether the target is kept today."""
    now = float(one.row["value"])
    return now >= one.target if one.indicator.direction == "up" else now <= one.target


def outlook_figure(ahead: Coming) -> Result:
    """The indicator that is most likely to miss its target: its past with intervals, its forecast with range, its target."""
    import pandas as pd

    title = Text("Past and forecast of what is most likely to miss its target")
    judged = [one for one in ahead.forecasts if np.isfinite(one.miss)] or list(ahead.forecasts)
    if not judged:
        return not_assessed("audit_outlook_figure", title, Text("no headline indicator has a past that is long enough"))
    keeping = [one for one in judged if _keeps(one) and one.miss >= LIKELY]
    lead = (keeping or judged)[0]
    past = lead.series.tail(24)
    newest = past["month_end"].iloc[-1]
    steps = [month_end(newest, lead.step * (at + 1)) for at in range(len(lead.found.value))]
    tables = [
        past.rename(columns={"month_end": "x"}).assign(group=KNOWN),
        pd.DataFrame(
            {
                # the forecast grows out of the last known value
                "x": [newest, *steps],
                "value": [past["value"].iloc[-1], *lead.found.value],
                "low": [past["value"].iloc[-1], *lead.found.low],
                "high": [past["value"].iloc[-1], *lead.found.high],
                "group": AHEAD,
            }
        ),
    ]
    if np.isfinite(lead.target):
        tables.append(pd.DataFrame({"x": [past["month_end"].iloc[0], steps[-1]], "value": lead.target, "group": TARGET}))
    table = pd.concat(tables, ignore_index=True)
    table["x"] = [day.date().isoformat() for day in table["x"]]
    shown = curve(table[["group", "x", "value", "low", "high"]])
    shown.attrs |= {"zero": False, "actual": KNOWN, "quiet": [TARGET]}
    name = str(lead.row["name"])
    return Result(
        "audit_outlook_figure",
        "curve",
        Text("{name}: past and forecast", {"name": name}),
        shown,
        columns=(Column("group", "Line", translate=True),),
        note=Text("Bands: interval of each month, and range of each month to come."),
        alt=Text("Line of {name} by month, its forecast with a band that widens, and its target.", {"name": name}),
        x=Axis("End of the month", "date"),
        y=Axis(name, lead.indicator.unit),
    )
