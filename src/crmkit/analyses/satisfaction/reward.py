"""Did the reward programme make members buy more than customers like them who did not join?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.satisfaction.money import ESTIMATES
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import has_amounts
from crmkit.models.basics.families import holm
from crmkit.models.survey.matched_change import Change, matched_change

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FAR = 10**6
# narrow steps: within wider ones members were still the better customers before
COUNTS = (0.5, 1.5, 2.5, 3.5, 5.5, 8.5, 12.5, 20.5)
EARLIER = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 8.5, 12.5, 18.5, 27.5, 40.5)
RECENT = (14.5, 30.5, 60.5, 90.5, 120.5, 180.5, 240.5)
PURCHASES, SPEND = mark("Purchase days per member"), mark("Spend per member")
NO_LOYALTY = Text("needs loyalty: who joined the programme, and when")
NO_AMOUNTS = Text("needs the amounts of purchases: what members paid before and after they joined")
NO_PURCHASES = Text("needs transactions: what members bought before and after they joined")


@dataclass(frozen=True, eq=False)
class _Purchases:
    """All days of purchase, sorted by customer and day."""

    ids: NDArray[np.str_]
    keys: Integers
    money: Floats
    first: Integers

    def between(self, who: Integers, start: Integers, end: Integers) -> tuple[Floats, Floats]:
        """Days of purchase and money of customers from one day to another, both included."""
        low = np.searchsorted(self.keys, who * FAR + start, side="left")
        high = np.searchsorted(self.keys, who * FAR + end, side="right")
        return (high - low).astype(np.float64), self.money[high] - self.money[low]

    def last(self, who: Integers, day: Integers) -> Integers:
        """Days since the last purchase on or before a day; many where there is none."""
        place = np.searchsorted(self.keys, who * FAR + day, side="right") - 1
        key = self.keys[np.maximum(place, 0)]
        found = (place >= 0) & (key // FAR == who)
        return np.asarray(np.where(found, day - key % FAR, FAR), dtype=np.int64)


def reward(past: Survey, *, days: int = 180) -> Result:
    """Did members of the reward programme buy more after they joined than customers like them?

    Parameters
    ----------
    past : Survey
        Whose tables ``loyalty`` and ``transactions`` are read.
    days : int
        How long before and after joining is compared.

    Returns
    -------
    Result
        Estimate table ``group, measure, value, low, high, n, unit, method``: what members did more in the days after joining
        than in those before, less the same of customers who never joined and were like them; days of purchase and money (two
        tests, Holm in the finding). Beside them, as a check, by how much the two had differed a whole span earlier: that should
        be nothing.

    Raises
    ------
    ParamError
        When ``days`` is below 7.

    Notes
    -----
    Members and others are compared within strata: month of joining, days of purchase in the span before and in all the time
    before that, and days since the last purchase. The day of joining itself counts on neither side. Members who were no
    customers before the span, or whose span after joining is not over, are left out. The check looks at the span before the
    one that is compared: who had moved apart by then would have gone on to.
    """
    name, title = "satisfaction_reward", Text("Does the reward programme pay?")
    if days < 7:
        raise ParamError(Problem("reward_days:", f"is {days}", "at least 7 days are needed"))
    for needed, reason in (("loyalty", NO_LOYALTY), ("transactions", NO_PURCHASES)):
        if needed not in past.tables:
            return not_assessed(name, title, reason)
    if not has_amounts(past.tables["transactions"]):
        return not_assessed(name, title, NO_AMOUNTS)
    bought, joined = _purchases(past), _joined(past)
    try:
        now = [_compare(bought, joined, past, days=days, money=money) for money in (False, True)]
    except ModelError as err:
        return not_assessed(name, title, err.text)
    try:
        before = [_compare(bought, joined, past, days=days, money=money, check=True) for money in (False, True)]
    except ModelError:  # the data do not reach so far back; the finding says that nothing vouches for the comparison
        before = []
    rows = [_row(mark("after joining"), one, money) for one, money in zip(now, (False, True), strict=True)]
    rows += [_row(mark("check: before"), one, bool(at)) for at, one in enumerate(before)]
    table = estimates(rows)
    table.attrs["confidence"] = past.confidence
    note = Text(
        "{members} members and {controls} customers who never joined, {days} before and after joining; {unmatched} members had "
        "nobody like them. Compared within month of joining, earlier purchases and days since the last one. Not drawn by lot: "
        "who joins may be about to buy more anyway.",
        {
            "members": Quantity(now[0].members, "count"),
            "controls": Quantity(now[0].controls, "count"),
            "days": Quantity(days, "days"),
            "unmatched": Quantity(now[0].unmatched, "count"),
        },
    )
    return Result(name, "table", title, table, ESTIMATES, finding=_finding(past, now, before, days, name), note=note)


def _purchases(past: Survey) -> _Purchases:
    import pandas as pd

    seen = known_at(past.tables["transactions"], name="transactions", day=past.as_of)
    per = seen.group_by("customer_id", day=seen.ordered_at.cast("date")).agg(money=seen.amount.sum().cast("float64"))
    rows = to_frame(per.order_by("customer_id", "day"))
    ids, code = np.unique(rows["customer_id"].to_numpy(dtype=str), return_inverse=True)
    day = np.asarray((pd.to_datetime(rows["day"]) - pd.Timestamp(0)).dt.days, dtype=np.int64)
    keys = code * FAR + day
    order = np.argsort(keys, kind="stable")
    money = np.concatenate([[0.0], np.cumsum(rows["money"].to_numpy(dtype=np.float64)[order])])
    first = np.full(len(ids), FAR, dtype=np.int64)
    np.minimum.at(first, code, day)
    return _Purchases(ids, np.asarray(keys[order], dtype=np.int64), money, first)


def _joined(past: Survey) -> pd.Series[int]:
    """Day of joining of each member, as a number."""
    import pandas as pd

    rows = to_frame(known_at(past.tables["loyalty"], name="loyalty", day=past.as_of).select("customer_id", "joined_at"))
    days = (pd.to_datetime(rows["joined_at"]) - pd.Timestamp(0)).dt.days
    return days.set_axis(rows["customer_id"].astype(str)).groupby(level=0).min()


def _compare(
    bought: _Purchases, joined: pd.Series[int], past: Survey, *, days: int, money: bool, check: bool = False
) -> Change:
    """The change of members against others; to check, what they did in the span before the one that is compared."""
    last = (past.as_of - dt.date(1970, 1, 1)).days
    member = np.isin(bought.ids, joined.index.to_numpy(dtype=str))
    place = np.flatnonzero(member)
    day: Integers = np.asarray(joined.reindex(bought.ids[place]), dtype=np.int64)
    reach = 2 * days if check else days
    usable = (day + days <= last) & (bought.first[place] < day - reach)
    place, day = place[usable], day[usable]
    month: Integers = np.asarray(day.astype("datetime64[D]").astype("datetime64[M]"), dtype=np.int64)
    others = np.flatnonzero(~member)
    who: list[Integers] = []
    anchor: list[Integers] = []
    group: list[Integers] = []
    for one in np.unique(month):
        middle = int(np.median(day[month == one]))
        own = others[bought.first[others] < middle - reach]
        who.append(own)
        anchor.append(np.full(len(own), middle, dtype=np.int64))
        group.append(np.full(len(own), one, dtype=np.int64))
    if not who:
        return matched_change([], np.empty(0, int), [], np.empty(0, int))
    ids, days_of = np.concatenate(who), np.asarray(np.concatenate(anchor), dtype=np.int64)
    months: Integers = np.asarray(np.concatenate(group), dtype=np.int64)
    mine, strata = _changes(bought, place, day, month, days=days, money=money, check=check)
    theirs, their_strata = _changes(bought, ids, days_of, months, days=days, money=money, check=check)
    return matched_change(mine, strata, theirs, their_strata, control_ids=ids, confidence=past.confidence)


def _changes(
    bought: _Purchases, who: Integers, day: Integers, month: Integers, *, days: int, money: bool, check: bool
) -> tuple[Floats, Integers]:
    """After less before of each, and the stratum: month, purchases before, purchases before that, how recent the last."""
    after, before = bought.between(who, day + 1, day + days), bought.between(who, day - days, day - 1)
    earlier = bought.between(who, np.zeros_like(day), day - days - 1)[0]
    parts = (
        (np.searchsorted(COUNTS, before[0]), len(COUNTS) + 1),
        (np.searchsorted(EARLIER, earlier), len(EARLIER) + 1),
        (np.searchsorted(RECENT, bought.last(who, day)), len(RECENT) + 1),
    )
    code = month.astype(np.int64)
    for part, size in parts:
        code = code * size + part
    if check:
        return bought.between(who, day - 2 * days, day - days - 1)[int(money)], code
    return after[int(money)] - before[int(money)], code


def _row(group: str, one: Change, money: bool) -> dict[str, object]:
    return {
        "group": group,
        "measure": SPEND if money else PURCHASES,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.members + one.controls,
        "unit": "money" if money else "score",
        "method": one.method,
    }


def _finding(past: Survey, now: list[Change], before: list[Change], days: int, name: str) -> Finding:
    level = 1 - past.confidence
    numbers: dict[str, Quantity | Text | str] = {
        "money": Quantity(now[1].value, "money", now[1].low, now[1].high),
        "n": Quantity(now[1].members, "count"),
        "days": Quantity(days, "days"),
    }
    if before and (holm([one.p for one in before]) < level).any():
        text = Text(
            "Members and others like them differed before anybody joined, so what came after ({money} per member within "
            "{days}) cannot be laid to the programme.",
            numbers,
        )
        return Finding("satisfaction.reward", "warning", None, text, evidence=(name,))
    sure = bool(holm([one.p for one in now])[1] < level)
    if not sure:
        text = Text(
            "Whether members spend more by the programme cannot be seen: {money} per member ({n}) within {days}.", numbers
        )
    elif now[1].value > 0:
        text = Text("Members ({n}) spent {money} more within {days} of joining than customers like them who did not.", numbers)
    else:
        text = Text("Members ({n}) spent less than customers like them who did not join: {money} within {days}.", numbers)
    action = Text("Offer the programme to some customers at random: only that shows what it brings.")
    if not before:
        text = Text(
            "{sentence} How they compared before cannot be checked, the data do not reach so far back.", {"sentence": text}
        )
    return Finding("satisfaction.reward", "info", None, text, evidence=(name,), action=action)
