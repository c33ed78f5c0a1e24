"""Where chance decided who got a better treatment: did satisfaction rise, and did fewer customers leave?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.satisfaction.labels import absent
from crmkit.analyses.satisfaction.leaving import NO_CONTRACTS, NO_CUSTOMERS, NO_ITEM, answers_by_day, read_item
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import spells
from crmkit.models.basics.families import holm
from crmkit.models.survey.point_value import PerPoint, effect_per_point

if TYPE_CHECKING:
    import pandas as pd

NO_ARMS = Text("needs exposures: a campaign with a day and both groups, drawn at random")
NOT_OVER = Text("no campaign has answers in both groups and its whole time behind it")
TREATED = "treated"


def experiment(past: Survey, *, item: str = "", days: int = 180) -> Result:
    """What does a point bring, by the campaigns whose customers were drawn by lot?

    Parameters
    ----------
    past : Survey
        Whose tables ``exposures`` and ``subscriptions`` are read.
    item : str
        The question that is read as satisfaction; empty: the first that asks for it, else the recommendation.
    days : int
        Time after a campaign within which answers and leaving count.

    Returns
    -------
    Result
        Estimate table per campaign: ``group, measure, value, low, high, n, unit, method``: change of the score in points (of
        those who answered), change of the share who left (all as assigned), and, where the score moved beyond chance, the
        change of the share who left per point (Fieller). Customers who had left before the campaign are left out.

    Raises
    ------
    ParamError
        For an item that is not declared, or ``days`` below 1.
    """
    name, title = "satisfaction_experiment", Text("What a point brings, by experiment")
    if days < 1:
        raise ParamError(Problem("horizon_days:", f"is {days}", "at least one day is needed"))
    chosen = read_item(past, item)
    missing = _missing(past, chosen, name, title)
    if missing is not None or chosen is None:
        return missing or not_assessed(name, title, NO_ITEM)
    found = _campaigns(past, chosen, days)
    if not found:
        return not_assessed(name, title, NOT_OVER)
    table = estimates(row for campaign, one in found.items() for row in _rows(campaign, one))
    table.attrs["confidence"] = past.confidence
    note = Text(
        "Treated less control, within {days} of the campaign. Question: {item}. The score is that of those who answered; "
        "leaving counts everybody as assigned. Per point: the effect of a point, if the campaign acts through satisfaction "
        "alone.",
        {"days": Quantity(days, "days"), "item": chosen.label},
    )
    return Result(name, "table", title, table, finding=_finding(past, found, days, name), note=note)


def _missing(past: Survey, item: Item | None, name: str, title: Text) -> Result | None:
    if not past.usable:
        return absent(past, name, title)
    if "customer_id" not in past.recorded:
        return not_assessed(name, title, NO_CUSTOMERS)
    if item is None:
        return not_assessed(name, title, NO_ITEM)
    if "subscriptions" not in past.tables:
        return not_assessed(name, title, NO_CONTRACTS)
    if "exposures" not in past.tables or "exposed_at" not in past.tables["exposures"].columns:
        return not_assessed(name, title, NO_ARMS)
    return None


def _campaigns(past: Survey, item: Item, days: int) -> dict[str, PerPoint]:
    """Every campaign with both arms whose whole time is over."""
    import pandas as pd

    rows = to_frame(known_at(past.tables["exposures"], name="exposures", day=past.as_of))
    rows["exposed_at"] = pd.to_datetime(rows["exposed_at"])
    said = answers_by_day(past, item)
    known = to_frame(spells(past.tables["subscriptions"], as_of=past.as_of))
    for column in ("started_at", "observed_end"):
        known[column] = pd.to_datetime(known[column])
    found: dict[str, PerPoint] = {}
    for campaign, own in rows.groupby("campaign_id", sort=True):
        # those left alone were drawn on the same day as those contacted
        day = own["exposed_at"].min()
        end = day + pd.Timedelta(days=days)
        if pd.isna(day) or end > pd.Timestamp(past.as_of) or own["arm"].nunique() < 2:
            continue
        people = _people(own, known, said, day, end)
        try:
            one = effect_per_point(people["left"], people["score"], people["arm"] == TREATED, confidence=past.confidence)
        except ModelError:  # too few answers in an arm; the campaign is missing, which the table shows
            continue
        found[str(campaign)] = one
    return found


def _people(own: pd.DataFrame, known: pd.DataFrame, said: pd.DataFrame, day: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """``arm, left, score`` of each customer who was there when the campaign began."""
    there = known[(known["started_at"] <= day) & (known["observed_end"] > day)].drop_duplicates("customer_id", keep="last")
    gone = there["event_observed"] & (there["observed_end"] <= end)
    left = dict(zip(there["customer_id"], gone.astype("float64"), strict=True))
    after = said[(said["day"] > day) & (said["day"] <= end)].drop_duplicates("customer_id")
    people = own.drop_duplicates("customer_id")[["customer_id", "arm"]]
    people = people[people["customer_id"].isin(left)]
    score = after.set_index("customer_id")["score"].reindex(people["customer_id"]).to_numpy(dtype=np.float64)
    return people.assign(left=people["customer_id"].map(left), score=score)


def _rows(campaign: str, one: PerPoint) -> list[dict[str, object]]:
    listed = [
        (mark("Score, treated less control"), one.score, "score"),
        (mark("Left, treated less control"), one.outcome, "share"),
        (mark("Left, per point"), one.ratio, "share"),
    ]
    return [
        {
            "group": campaign,
            "measure": measure,
            "value": part.value,
            "low": part.low,
            "high": part.high,
            "n": part.n,
            "unit": unit,
            "method": part.method,
        }
        for measure, part, unit in listed
        if part is not None
    ]


def _finding(past: Survey, found: dict[str, PerPoint], days: int, name: str) -> Finding:
    level = 1 - past.confidence
    moved = {campaign: one for campaign, one in found.items() if one.ratio is not None}
    adjusted = dict(zip(found, holm([one.outcome.p for one in found.values()]), strict=True))
    sure = [campaign for campaign in moved if adjusted[campaign] < level]
    if not moved:
        text = Text(
            "No campaign moved satisfaction beyond chance ({n} looked at), so no experiment tells what a point brings.",
            {"n": Quantity(len(found), "count")},
        )
        return Finding("satisfaction.experiment", "info", None, text, evidence=(name,))
    campaign = (sure or list(moved))[0]
    one = moved[campaign]
    assert one.ratio is not None  # noqa: S101
    numbers: dict[str, Quantity | Text | str] = {
        "campaign": campaign,
        "score": Quantity(one.score.value, "score", one.score.low, one.score.high),
        "ratio": Quantity(100 * one.ratio.value, "points", 100 * one.ratio.low, 100 * one.ratio.high),
        "days": Quantity(days, "days"),
    }
    text = (
        Text(
            "By experiment ({campaign}), the score changed by {score}, and leaving within {days} by {ratio} percentage points "
            "per point. An effect, if the campaign acts through satisfaction alone.",
            numbers,
        )
        if sure
        else Text(
            "By experiment ({campaign}): the score changed by {score}; whether fewer left by it cannot be seen ({ratio} "
            "percentage points per point within {days}).",
            numbers,
        )
    )
    return Finding("satisfaction.experiment", "info", None, text, evidence=(name,))
