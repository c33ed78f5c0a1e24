"""Do those who say that they would recommend us do it, and do the recommended become customers?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.labels import band_names, bands, leading_item
from crmkit.analyses.satisfaction.loop import low_answers, nothing_to_follow
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.errors import ParamError, Problem
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import newcombe, wilson

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.models.basics.estimates import Floats

NO_TABLE = Text("needs referrals: who recommended whom, and when")
NO_ITEM = Text("no question asks for satisfaction, recommendation or effort")
COLUMNS = (
    Column("group", "Answer", translate=True),
    Column("n", "n", "count"),
    Column("value", "Share", "share", limits=("low", "high")),
    Column("difference", "Less than the top", "share"),
    Column("p_value", "p", "p"),
)


def referring(past: Survey, *, days: int = 180) -> Result:
    """How many of those who would recommend us did so, and how many of the others?

    Parameters
    ----------
    past : Survey
    days : int
        How long after an answer a recommendation counts.

    Returns
    -------
    Result
        Table per band, the highest first: ``group, n`` (customers, one answer each, with all these days behind it),
        ``referred, value, low, high`` (share who recommended somebody, Wilson), ``difference, difference_low,
        difference_high`` (top band less this one, Newcombe), ``p_value`` (Holm), ``suppressed``.

    Raises
    ------
    ParamError
        When ``days`` is below 1.
    """
    import pandas as pd

    name, title = "satisfaction_referring", Text("Who recommends us?")
    missing = _missing(past, name, title, days)
    if missing is not None:
        return missing
    answers = _answers(past)
    whole = answers[answers["day"] + pd.Timedelta(days=days) <= pd.Timestamp(past.as_of)]
    whole = whole.drop_duplicates("customer_id", keep="last")
    made = _referrals(past)
    pairs = made.merge(whole[["customer_id", "day"]], left_on="referrer_id", right_on="customer_id")
    within = (pairs["referred_at"] > pairs["day"]) & (pairs["referred_at"] <= pairs["day"] + pd.Timedelta(days=days))
    did = whole["customer_id"].isin(set(pairs.loc[within, "referrer_id"]))
    n = _by_band(whole.groupby("band").size())
    count = _by_band(did.groupby(whole["band"]).sum())
    table = _table(past, n, count, n)
    if table is None:
        return not_assessed(name, title, Text("too few customers answered so long ago"))
    text = Text(
        "Of the most content {top} recommended us within {days} of their answer, of the least content {bottom}.",
        {**_ends(table), "days": Quantity(days, "days")},
    )
    note = Text(
        "n: customers, with their latest answer that lies {days} back. Wilson intervals; differences Newcombe, p after Holm. "
        "Who recommends without being recorded is not counted.",
        {"days": Quantity(days, "days")},
    )
    return Result(name, "table", title, table, COLUMNS, finding=_finding(past, table, text, name), note=note)


def converting(past: Survey, *, days: int = 180, conversion_days: int = 90) -> Result:
    """How many of those who were recommended to us became customers, by the answer of who recommended?

    Parameters
    ----------
    past : Survey
    days : int
        How old an answer may be when the recommendation is made.
    conversion_days : int
        How long after a recommendation becoming a customer counts; younger ones are left out.

    Returns
    -------
    Result
        Table as for :func:`referring`: ``n`` is recommendations; intervals are those of fewer, as the recommendations of one
        customer are alike (``effective_n``).

    Raises
    ------
    ParamError
        When ``days`` or ``conversion_days`` is below 1.
    """
    import pandas as pd

    name, title = "satisfaction_converting", Text("Do the recommended become customers?")
    missing = _missing(past, name, title, min(days, conversion_days))
    if missing is not None:
        return missing
    made = _referrals(past)
    if made["converted_at"].isna().all():
        return not_assessed(name, title, Text("needs referrals with the day on which the recommended became customers"))
    made = made[made["referred_at"] + pd.Timedelta(days=conversion_days) <= pd.Timestamp(past.as_of)]
    won = made["converted_at"] <= made["referred_at"] + pd.Timedelta(days=conversion_days)
    made = made.assign(won=won.astype("float64")).sort_values("referred_at", kind="stable")
    answers = _answers(past).rename(columns={"customer_id": "referrer_id"})[["referrer_id", "day", "band"]]
    joined = pd.merge_asof(
        made, answers, left_on="referred_at", right_on="day", by="referrer_id", tolerance=pd.Timedelta(days=days)
    )
    known = joined[joined["band"].notna()]
    n, count = _by_band(known.groupby("band").size()), _by_band(known.groupby("band")["won"].sum())
    effective = {str(band): len(own) / _inflation(own) for band, own in known.groupby("band")}
    table = _table(past, n, count, effective)
    if table is None:
        return not_assessed(name, title, Text("too few recommendations come from customers with an answer"))
    text = Text(
        "Of those whom the most content recommended, {top} became customers within {days}; of those of the least content "
        "{bottom}.",
        {**_ends(table), "days": Quantity(conversion_days, "days")},
    )
    note = Text(
        "n: recommendations that are {days} old, made within {age} after an answer; {all} in all, the others by customers "
        "without one. Wilson intervals on the effective number, since one customer's recommendations are alike; differences "
        "Newcombe, p after Holm.",
        {"days": Quantity(conversion_days, "days"), "age": Quantity(days, "days"), "all": Quantity(len(made), "count")},
    )
    return Result(name, "table", title, table, COLUMNS, finding=_finding(past, table, text, name), note=note)


def _missing(past: Survey, name: str, title: Text, days: int) -> Result | None:
    if days < 1:
        raise ParamError(Problem("referral_days:", f"is {days}", "at least one day is needed"))
    missing = nothing_to_follow(past, name, title)
    if missing is None and "referrals" not in past.tables:
        missing = not_assessed(name, title, NO_TABLE)
    return missing


def _answers(past: Survey) -> pd.DataFrame:
    """``customer_id, day, band`` in the order of days."""
    item = leading_item(past)
    rows = low_answers(past)
    if item is None:
        return rows.iloc[:0].assign(band=None)
    rows = rows[rows["score"].notna()]
    rows = rows.assign(band=bands(item, rows["score"]), day=rows["day"].astype("datetime64[ns]"))
    return rows[["customer_id", "day", "band"]].reset_index(drop=True)


def _referrals(past: Survey) -> pd.DataFrame:
    import pandas as pd

    seen = known_at(past.tables["referrals"], name="referrals", day=past.as_of)
    beside = ["converted_at"] if "converted_at" in seen.columns else []
    rows = to_frame(seen.select("referrer_id", "referred_id", "referred_at", *beside).order_by("referrer_id", "referred_id"))
    for name in ("referred_at", "converted_at"):
        known = rows[name] if name in rows else pd.Series(pd.NaT, index=rows.index)
        rows[name] = pd.to_datetime(known).astype("datetime64[ns]")
    return rows[rows["referrer_id"] != rows["referred_id"]].reset_index(drop=True)


def _by_band(counts: pd.Series[Any]) -> dict[str, float]:
    return {str(band): float(n) for band, n in counts.items()}


def _inflation(own: pd.DataFrame) -> float:
    """By which factor the variance of a share grows because rows come in groups; 1 or more."""
    p, n = float(own["won"].mean()), len(own)
    sums = (own["won"] - p).groupby(own["referrer_id"]).sum()
    plain = n * p * (1 - p)
    return max(1.0, float((sums**2).sum()) / plain) if plain > 0 else 1.0


def _table(past: Survey, n: dict[str, float], count: dict[str, float], effective: dict[str, float]) -> pd.DataFrame | None:
    """Shares per band, the highest first, with the differences to the highest; None where fewer than two can be shown."""
    import pandas as pd

    item = leading_item(past)
    if item is None:
        return None
    names = list(reversed(band_names(item)))
    size = np.array([float(n.get(band, 0)) for band in names])
    if (size >= past.min_cell).sum() < 2 or size[0] < past.min_cell:
        return None
    hits = np.array([float(count.get(band, 0)) for band in names])
    real = np.array([float(effective.get(band, 0.0)) for band in names])
    scaled: Floats = hits * np.divide(real, size, out=np.zeros(3), where=size > 0)
    share = wilson(scaled, real, confidence=past.confidence)
    gap = newcombe(scaled[1:], real[1:], np.repeat(scaled[0], 2), np.repeat(real[0], 2), confidence=past.confidence)
    nothing = [np.nan]
    table = pd.DataFrame(
        {
            "group": names,
            "n": size,
            "referred": hits,
            "value": share.value,
            "low": share.low,
            "high": share.high,
            "difference": np.concatenate([nothing, gap.value]),
            "difference_low": np.concatenate([nothing, gap.low]),
            "difference_high": np.concatenate([nothing, gap.high]),
            "p_value": np.concatenate([nothing, holm(gap.p_value)]),
            "effective_n": real,
            "method": share.method,
        }
    )
    hidden = [name for name in table.columns if name not in ("group", "n", "method")]
    return suppress_small(table, values=hidden, min_cell=past.min_cell)


def _ends(table: pd.DataFrame) -> dict[str, Quantity]:
    """The highest and the lowest band that can be shown."""
    shown = table[~table["suppressed"]]
    ends = {"top": shown.iloc[0], "bottom": shown.iloc[-1]} if len(shown) else {}
    return {name: Quantity(row["value"], "share", row["low"], row["high"]) for name, row in ends.items()}


def _finding(past: Survey, table: pd.DataFrame, text: Text, name: str) -> Finding | None:
    shown = table[~table["suppressed"]]
    if len(shown) < 2:
        return None
    sure = bool((shown["p_value"] < 1 - past.confidence).any())
    said = (
        Text("{sentence} The difference is significant.", {"sentence": text})
        if sure
        else Text("{sentence} The difference may be chance.", {"sentence": text})
    )
    return Finding(name.replace("_", ".", 1), "info", None, said, evidence=(name,))
