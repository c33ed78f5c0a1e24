"""Which numbers do other analyses own, and where do their results hold them? Read, never computed again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.indicators.estimate import (
    NO_DATA,
    NOT_HELD,
    RUN_FIRST,
    SNAPSHOT,
    WILSON,
    Estimate,
    nothing,
    share,
)
from crmkit.analyses.audit.indicators.input_output import value_over_cost
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.sampling import Share, Within
from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

REPEAT_DAYS, MONTH_DAYS = 90.0, 30.4375
EVENTS = mark("customers who left over customer-months, Wilson")
LARGEST_GAP = mark("largest gap of any group, Wilson")
KEPT = mark("as the other analysis has it")
STILL_BUY = mark("of the customers a year ago, who have not been silent for too long, Wilson")
SILENT = mark("customers who were silent for too long, over the months of that silence, Wilson")
CAME_BACK = mark("too many of those counted as lost came back")
FALSE_LIMIT = 0.2  # where the owner's record does not say
LOSSES = ("R-RET", "R-CHURN")
TOP, EASE = "CSAT, two top boxes", "CES, mean"

Owned = Mapping[str, Reading]


@dataclass(frozen=True)
class Source:
    """One owner's results: tables by name, None where there is none, and the coverage of their intervals."""

    reading: Reading
    confidence: float

    def table(self, name: str) -> pd.DataFrame | None:
        """A result table, None where the owner made none."""
        try:
            found = self.reading.table(name)
        except CrmkitError:
            return None
        return found if len(found) else None

    def parameter(self, name: str, default: float) -> float:
        """A parameter that the owner was run with."""
        used = dict((self.reading.report or {}).get("parameters", {})).get(name, {})
        return float(used.get("value", default)) if isinstance(used, Mapping) else default


Reader = Callable[[Source, History], Estimate]
Before = Callable[[Source, History, Window], Estimate]


def source(owned: Owned, analysis: str, confidence: float) -> Source | None:
    """The owner's results where they can be used."""
    reading = owned.get(analysis)
    if reading is None or reading.reason is not None:
        return None
    return Source(reading, Source(reading, confidence).parameter("confidence", confidence))


def kept(value: float, low: float, high: float, n: float, of: Source, method: str = KEPT) -> Estimate:
    """A stored estimate with its limits."""
    if math.isnan(value):
        return nothing(NOT_HELD, n=n)
    return Estimate(value, low, high, n, 0.0, method, Within(value, low, high, of.confidence))


def _row(table: pd.DataFrame | None, column: str, text: str) -> Any:
    """The first row in which a column has a text."""
    if table is None or column not in table:
        return None
    rows = table[table[column] == text]
    return rows.iloc[0] if len(rows) else None


def retention(of: Source, past: History) -> Estimate:
    """R-RET: how many customers are kept after a year? Of a shop: of the customers of a day a year ago, who is still one."""
    if _is_shop(of):
        return _of_shop(of, "kept_year", lambda row: _kept_row(row, of, STILL_BUY))
    row = _total(of, "kept_year")
    return nothing(NOT_HELD, "churn: churn_totals") if row is None else _kept_row(row, of, str(row["method"]))


def _is_shop(of: Source) -> bool:
    """Whether the report on leaving asks who does not come back in time."""
    return _total(of, "horizon_days") is not None


def _total(of: Source, measure: str) -> Any:
    return _row(of.table("churn_totals"), "measure", measure)


def _of_shop(of: Source, measure: str, made: Callable[[Any], Estimate]) -> Estimate:
    """A number of a shop's losses, none where too many of those counted as lost came back."""
    row, back = _total(of, measure), _total(of, "came_back")
    if back is None or not float(back["value"]) <= of.parameter("false_limit", FALSE_LIMIT):
        return nothing(CAME_BACK, "churn: churn_totals", n=0.0 if back is None else float(back["n"]))
    return nothing(NOT_HELD, "churn: churn_totals") if row is None else made(row)


def _kept_row(row: Any, of: Source, method: str) -> Estimate:
    return kept(float(row["value"]), float(row["low"]), float(row["high"]), float(row["n"]), of, method)


def came_back(name: str, owned: Owned, confidence: float) -> float:
    """Which share of those whom an indicator counts as lost came back later? The owner's warning; nan where there is none."""
    of = source(owned, "churn", confidence) if name in LOSSES else None
    row = None if of is None else _total(of, "came_back")
    return math.nan if row is None else float(row["value"])


def churn_rate(of: Source, past: History) -> Estimate:
    """R-CHURN: which share of customers leaves in a month? Of a shop: is silent for too long, over months of silence."""
    if _is_shop(of):
        months = float(_total(of, "limit_days")["value"]) / MONTH_DAYS

        def monthly(row: Any) -> Estimate:
            n = float(row["n"])
            return share(round(float(row["value"]) * n, 6), n * months, of.confidence, method=SILENT)

        return _of_shop(of, "lost_share", monthly)
    row = _row(of.table("churn_board"), "dimension", "")
    if row is None or not row["days_recent"] > 0:
        return nothing(NOT_HELD, "churn: churn_board")
    return share(float(row["left"]), float(row["days_recent"]) / MONTH_DAYS, of.confidence, method=EVENTS)


def second_purchase(of: Source, past: History) -> Estimate:
    """R-REPEAT: how many buy again within 90 days?"""
    table = of.table("clv_second_purchase")
    seen = table[table["x"] <= REPEAT_DAYS] if table is not None else None
    if table is None or seen is None or table["x"].max() < REPEAT_DAYS:
        return nothing(NOT_HELD, "clv: clv_second_purchase")
    at = seen.iloc[-1]
    return kept(float(at["value"]), float(at["low"]), float(at["high"]), float(table["at_risk"].max()), of)


def customer_value(of: Source, past: History) -> Estimate:
    """R-CLV: what is a customer worth?"""
    row = _row(of.table("clv_totals"), "measure", "clv")
    if row is None or not row["n"] > 0:
        return nothing(NOT_HELD, "clv: clv_totals")
    value, low, high = (float(row[name]) / float(row["n"]) for name in ("value", "low", "high"))
    return kept(value, low, high, float(row["n"]), of, str(row["method"]))


def top_tier(of: Source, past: History) -> Estimate:
    """R-TIER: which part of all value does the top tier hold?

    Notes
    -----
    Its limits stand in the table of intervals, as values of the tiers; those of the share are taken from the tier's value over
    that of all customers at the estimate.
    """
    tiers, intervals = of.table("clv_tiers"), of.table("clv_intervals")
    if tiers is None:
        return nothing(NOT_HELD, "clv: clv_tiers")
    top = tiers.iloc[0]
    value, low, high = float(top["share_value"]), math.nan, math.nan
    if intervals is not None:
        own = intervals[intervals["group"] == top["tier"]]
        if len(own):
            last = own.iloc[-1]
            low, high = (value * float(last[end]) / float(last["value"]) for end in ("low", "high"))
    return kept(value, low, min(high, 1.0), float(tiers["n"].sum()), of)


def satisfied(of: Source, past: History) -> Estimate:
    """P-CSAT: which share of answers is in the two top boxes?"""
    row = _row(of.table("satisfaction_scores"), "group", TOP)
    return nothing(NOT_HELD, "satisfaction: satisfaction_scores") if row is None else _share_of(row, of, past)


def effort(of: Source, past: History) -> Estimate:
    """P-CES: how hard is it for customers? The owner counts ease on any scale; here 1 is easy and 5 is hard."""
    row = _row(of.table("satisfaction_scores"), "group", EASE)
    return nothing(NOT_HELD, "satisfaction: satisfaction_scores") if row is None else _effort_of(row, of, past)


def promoters(of: Source, past: History) -> Estimate:
    """R-NPS: how many more recommend than warn?"""
    row = _row(of.table("satisfaction_scores"), "measure", "nps")
    return nothing(NOT_HELD, "satisfaction: satisfaction_scores") if row is None else _level_of(row, of, past)


def _share_of(row: Any, of: Source, past: History) -> Estimate:
    return share(round(float(row["value"]) * float(row["n"]), 6), float(row["n"]), of.confidence)


def _effort_of(row: Any, of: Source, past: History) -> Estimate:
    if past.effort_scale is None:
        return nothing(NOT_HELD, "surveys: ces")
    least, most = past.effort_scale
    value, low, high = (1 + 4 * (most - float(row[name])) / (most - least) for name in ("value", "high", "low"))
    return kept(value, low, high, float(row["n"]), of, str(row["method"]))


def _level_of(row: Any, of: Source, past: History) -> Estimate:
    value, low, high, n = (float(row[name]) for name in ("value", "low", "high", "n"))
    return kept(value, low, high, n, of, str(row["method"]))


def response(of: Source, past: History) -> Estimate:
    """P-FBR: how many of those asked answer, in the newest wave?"""
    row = _row(of.table("satisfaction_response"), "channel", "all channels")
    if row is None or math.isnan(float(row["value"])):
        return nothing(NOT_HELD, "satisfaction: satisfaction_response")
    return share(float(row["responded"]), float(row["sent"]), of.confidence)


def likeness(of: Source, past: History) -> Estimate:
    """P-REPR: how far is any group's part of the answers from its part of the customers?

    Notes
    -----
    The largest of several gaps is too large even in a perfect sample. A group speaks against the sample only beyond its own
    limits, narrowed as Bonferroni asks for the number of groups.
    """
    table = of.table("satisfaction_representative")
    if table is None:
        return nothing(NOT_HELD, "satisfaction: satisfaction_representative")
    said = table[table["measure"] == "Of those who answered"].reset_index(drop=True)
    base = table[table["measure"] == "Of the customers"].reset_index(drop=True)
    if len(said) != len(base) or said.empty:
        return nothing(NOT_HELD, "satisfaction: satisfaction_representative")
    gap = (said["value"] - base["value"]).to_numpy()
    at = int(np.argmax(np.abs(gap)))
    value, n = float(abs(gap[at])), float(said["n"].iloc[at])
    narrow = critical(1 - (1 - of.confidence) / len(said)) / critical(of.confidence)
    reach = float(said["high"].iloc[at] - said["low"].iloc[at]) / 2 * narrow
    return kept(value, max(0.0, value - reach), min(1.0, value + reach), n, of, LARGEST_GAP)


def _within(days: pd.Series, window: Window) -> pd.Series:
    import pandas as pd

    # one owner stores moments, another the text of days
    moments = pd.to_datetime(days)
    return (moments >= pd.Timestamp(window.start)) & (moments <= pd.Timestamp(window.end))


def churn_before(of: Source, past: History, window: Window) -> Estimate:
    """R-CHURN of another window: who left in its months, over the customers of those months."""
    table = of.table("churn_monthly")
    if table is None or _is_shop(of):  # months of a shop hold who stays away within its horizon, not within a month
        return nothing(NOT_HELD, "churn: churn_monthly")
    seen = table[(table["group"] == "observed") & table["value"].notna()]
    seen = seen[_within(seen["x"], window)]
    exposed = float(seen["at_risk"].sum())
    return share(round(float((seen["value"] * seen["at_risk"]).sum()), 6), exposed, of.confidence, method=EVENTS)


def _wave(of: Source, window: Window, measure: str, group: str = "") -> Any:
    """The owner's row of the newest wave that began in a window; None where there is none."""
    table = of.table("satisfaction_waves")
    if table is None:
        return None
    own = (table["measure"] == measure) & ((table["group"] == group) | (not group))
    seen = table[own]
    seen = seen[_within(seen["starts_on"], window)]
    return seen.sort_values("starts_on").iloc[-1] if len(seen) else None


def _of_wave(measure: str, made: Callable[[Any, Source, History], Estimate], group: str = "") -> Before:
    """An indicator of an earlier window: that of the newest wave that began in it."""

    def before(of: Source, past: History, window: Window) -> Estimate:
        row = _wave(of, window, measure, group)
        return nothing(NOT_HELD, "satisfaction: satisfaction_waves") if row is None else made(row, of, past)

    return before


def of_data(name: str) -> Reader:
    """An indicator of the data, today."""

    def reader(of: Source, past: History) -> Estimate:
        row = _row(of.table("data_quality_indicators"), "indicator", name)
        if row is None:
            return nothing(NOT_HELD, "data_quality: data_quality_indicators")
        if math.isnan(float(row["value"])):
            return nothing(str(row["reason"]) or NOT_HELD, str(row["needs"]))
        return _of_records(row, of)

    return reader


def _of_records(row: Any, of: Source) -> Estimate:
    value, low, high, n = (float(row[name]) for name in ("value", "low", "high", "n"))
    sampling = Share(value * n, n) if str(row["method"]) == WILSON else Within(value, low, high, of.confidence)
    missing = float(row.get("n_missing", 0.0))
    return Estimate(value, low, high, n, missing, str(row["method"]), sampling)


def data_before(name: str) -> Before:
    """An indicator of the data in another window: what its owner has of the same months."""

    def before(of: Source, past: History, window: Window) -> Estimate:
        import pandas as pd

        table = of.table("data_quality_earlier")
        if table is None:
            return of_data(name)(of, past)
        same = (table["month_end"] == pd.Timestamp(window.end)) & (table["months"] == len(window.months))
        rows = table[same & (table["indicator"] == name)]
        return _of_records(rows.iloc[0], of) if len(rows) else nothing(NO_DATA)

    return before


OF_DATA = ("D-COMP", "D-ACC", "D-DUP", "D-VALID", "D-MATCH", "D-SILO", "D-FRESH", "D-CONS", "D-USE")
READERS: Mapping[str, tuple[str, Reader]] = {
    **{name: ("data_quality", of_data(name)) for name in OF_DATA},
    "R-RET": ("churn", retention),
    "R-CHURN": ("churn", churn_rate),
    "R-REPEAT": ("clv", second_purchase),
    "R-CLV": ("clv", customer_value),
    "R-TIER": ("clv", top_tier),
    "P-CSAT": ("satisfaction", satisfied),
    "P-CES": ("satisfaction", effort),
    "R-NPS": ("satisfaction", promoters),
    "P-FBR": ("satisfaction", response),
    "P-REPR": ("satisfaction", likeness),
}
EARLIER: Mapping[str, Before] = {
    "D-USE": data_before("D-USE"),
    "D-ACC": data_before("D-ACC"),
    "R-CHURN": churn_before,
    "P-CSAT": _of_wave("top_share", _share_of, TOP),
    "P-CES": _of_wave("mean", _effort_of, EASE),
    "R-NPS": _of_wave("nps", _level_of),
    "P-FBR": _of_wave("response", _share_of),
}
BEFORE = {"R-CLV", "R-TIER"}


def read(name: str, past: History, window: Window, owned: Owned, confidence: float) -> Estimate:
    """The owner's number of an indicator, beside that of the audit before where it is compared with it.

    Parameters
    ----------
    name : str
        Of the indicator.
    past : History
    window : Window
        Most numbers are known for today only; churn by month, and scores and response of each wave, go further back.
    owned : mapping of str to Reading
        Results of ``data_quality``, ``clv``, ``churn`` and ``satisfaction``; ``clv_previous``: those of the audit before.
    confidence : float
        Coverage of an owner's interval where its record does not say.
    """
    analysis, reader = READERS[name]
    # a month is no shorter cycle, the newest one neither: its number comes from the owner's series, not from today's results
    newest = window.months == past.current.months
    if not newest and name not in EARLIER:
        return nothing(SNAPSHOT)
    of = source(owned, analysis, confidence)
    if of is None:
        return nothing(RUN_FIRST, analysis)
    if not newest:
        return EARLIER[name](of, past, window)
    found = reader(of, past)
    earlier = source(owned, f"{analysis}_previous", confidence) if name in BEFORE else None
    then = reader(earlier, past) if earlier is not None else None
    return _beside(found, then, of) if then is not None and then.known and found.known else found


def _beside(now: Estimate, then: Estimate, of: Source) -> Estimate:
    """Now over then: both are estimates, so on the scale of logarithms their distances to the limits add up in squares."""
    from dataclasses import replace

    if not (now.value > 0 and then.value > 0):
        return now
    part = now.value / then.value

    def end(side: str, other: str) -> float:
        pairs = [(getattr(now, side), now.value), (getattr(then, other), then.value)]
        if any(not limit > 0 for limit, _ in pairs):
            return math.nan
        reach = math.hypot(*(math.log(limit / value) for limit, value in pairs))
        return part * math.exp(reach if side == "high" else -reach)

    relative = Within(part, end("low", "high"), end("high", "low"), of.confidence)
    return replace(now, reference=then.value, relative=relative)


def acquisition(past: History, window: Window, owned: Owned, confidence: float) -> Estimate:
    """I-CAC: the value of a customer, from clv, over the cost to win one."""
    if window.months[0] != 0:
        return nothing(SNAPSHOT)
    of = source(owned, "clv", confidence)
    if of is None:
        return nothing(RUN_FIRST, "clv")
    value = customer_value(of, past)
    return value_over_cost(past, window, confidence, value) if value.known else value
