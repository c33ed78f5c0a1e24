"""Which kinds of customers are worth more, grow, and stay? Segments compared with all others, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.read import BOUGHT_COLUMNS, CUSTOMER_COLUMNS, Purchases, no_value
from crmkit.analyses.clv.values import Values
from crmkit.core.errors import ParamError, did_you_mean
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.tables.groups import GROUP_NAMES, NOT_KNOWN
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

PERMUTATIONS = 1999
MOST_DRAWN = 4_000_000
NEW, EXISTING, POTENTIAL = mark("new"), mark("existing"), mark("potential")
SEGMENT_COLUMNS = (*CUSTOMER_COLUMNS, *BOUGHT_COLUMNS)
NAMES = GROUP_NAMES | {
    "category": mark("Need: category bought most"),
    "channel": mark("Behaviour: channel used most"),
    "standing": mark("New, existing, potential"),
}
NEW_DAYS = 90


def segments(past: Purchases, values: Values | None, *, by: Sequence[str]) -> Result:
    """What are the customers of each segment worth, do they grow, do they stay?

    Parameters
    ----------
    past : Purchases
    values : Values or None
    by : sequence of str
        Columns of the customer table: region, industry, size, acquisition_channel, department; and category and channel, by
        what the customer spent most on. New and existing customers are always compared, and potential ones, who never bought,
        counted. A column that the client does not have is left out.

    Returns
    -------
    Result
        One row per segment: customers, value per customer with its interval, adjusted p against all other customers, growth
        of spend with interval, mean probability to be active; groups below ``min_cell`` are hidden with their complement.

    Raises
    ------
    ParamError
        For a column that no customer table has.

    Notes
    -----
    The mean of a segment is compared with that of all others by permutation (1,999 draws; Welch's test where that would take
    too long), and all comparisons of the table are corrected together (Holm).
    """
    import pandas as pd

    title = Text("Segments: value, growth and activity")
    unknown = [name for name in by if name not in SEGMENT_COLUMNS]
    if unknown:
        raise ParamError([f"segment_by: no column {name!r}; {did_you_mean(name, SEGMENT_COLUMNS)}" for name in unknown])
    if values is None or values.clv is None:
        return not_assessed("clv_segments", title, no_value(past))
    table = _table(past, values)
    parts = [_compare(past, table, name) for name in [*by, "standing"] if name in table.columns]
    rows = pd.concat([*parts, *_potential(past)], ignore_index=True)
    rows["p_adjusted"] = holm(rows["p"])
    hidden = ["mean_value", "low", "high", "p_adjusted", "growth", "growth_low", "growth_high", "p_alive", "share_value"]
    shown = suppress_small(rows, values=hidden, min_cell=past.min_cell, within="criterion")
    return Result("clv_segments", "table", title, shown, columns=_columns(), finding=_finding(past, shown), note=_note(past))


def _table(past: Purchases, values: Values) -> pd.DataFrame:
    table = values.customers[["customer_id", "clv", "p_alive", "first_day"]].merge(
        past.people.attributes, on="customer_id", how="left"
    )
    windows = past.spend.windows
    if {"amount_0", "amount_1"} <= set(windows.columns):
        table = table.merge(windows[["customer_id", "amount_0", "amount_1"]], on="customer_id", how="left")
        table[["amount_0", "amount_1"]] = table[["amount_0", "amount_1"]].fillna(0.0)
    age = (np.datetime64(past.as_of) - table["first_day"].to_numpy().astype("datetime64[D]")).astype("int64")
    return table.assign(standing=np.where(age < NEW_DAYS, NEW, EXISTING))


def _potential(past: Purchases) -> list[pd.DataFrame]:
    """Who never bought: nothing is expected of them by models of purchases, so they are counted and not compared."""
    import pandas as pd

    if not past.people.never_bought:
        return []
    row = {"criterion": NAMES["standing"], "segment": POTENTIAL, "n": len(past.people.never_bought), "share_value": 0.0}
    return [pd.DataFrame([row])]


def _compare(past: Purchases, table: pd.DataFrame, column: str) -> pd.DataFrame:
    import pandas as pd

    labels = (
        table[column].astype("object").where(table[column].notna(), NOT_KNOWN).astype(str).str.strip().replace("", NOT_KNOWN)
    )
    codes, names = pd.factorize(labels, sort=True)
    worth = table["clv"].to_numpy()
    p = _p_values(codes, len(names), worth)
    total = float(worth.sum())
    rows = []
    for code, name in enumerate(names):
        own = table[codes == code]
        mean, low, high = _mean(own["clv"].to_numpy(), past.confidence)
        growth = _growth(own, past.confidence)
        rows.append(
            {
                "criterion": NAMES[column],
                "segment": name,
                "n": len(own),
                "mean_value": mean,
                "low": low,
                "high": high,
                "share_value": float(own["clv"].sum()) / total if total else float("nan"),
                "p": p[code],
                "growth": growth[0],
                "growth_low": growth[1],
                "growth_high": growth[2],
                "p_alive": float(own["p_alive"].mean()),
            }
        )
    return pd.DataFrame(rows)


def _mean(values: NDArray[np.float64], confidence: float) -> tuple[float, float, float]:
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    reach = critical(confidence) * float(values.std(ddof=1)) / len(values) ** 0.5
    return mean, max(0.0, mean - reach), mean + reach


def _growth(own: pd.DataFrame, confidence: float) -> tuple[float, float, float]:
    """Relative change of spend between the last two periods; a ratio of sums, its variance by linearisation."""
    if "amount_0" not in own or len(own) < 2 or own["amount_0"].sum() <= 0:
        return float("nan"), float("nan"), float("nan")
    before, after = own["amount_0"].to_numpy(), own["amount_1"].to_numpy()
    ratio = after.sum() / before.sum()
    spread = float(np.sqrt(((after - ratio * before) ** 2).sum())) / before.sum()
    reach = critical(confidence) * spread
    return ratio - 1, max(-1.0, ratio - 1 - reach), ratio - 1 + reach


def _p_values(codes: NDArray[np.int64], groups: int, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p of each group's mean against that of all others; nan where there are no others."""
    n = len(worth)
    size = np.bincount(codes, minlength=groups)
    if groups < 2:
        return np.full(groups, np.nan)
    centred = worth - worth.mean()
    seen = np.abs(np.bincount(codes, weights=centred, minlength=groups))
    if n * PERMUTATIONS > MOST_DRAWN * 10:
        from scipy.special import ndtr

        variance = size * (n - size) / n * centred.var(ddof=1)
        return np.asarray(2 * ndtr(-seen / np.sqrt(variance)))
    rng = np.random.default_rng(0)
    reached = np.zeros(groups)
    for _ in range(PERMUTATIONS):
        drawn = np.abs(np.bincount(codes, weights=rng.permutation(centred), minlength=groups))
        reached += drawn >= seen * (1 - 1e-12)
    return (reached + 1) / (PERMUTATIONS + 1)


def _columns() -> tuple[Column, ...]:
    return (
        Column("criterion", "By", translate=True),
        Column("segment", "Segment", translate=True),
        Column("n", "Customers", "count"),
        Column("mean_value", "Value per customer", "money", limits=("low", "high")),
        Column("p_adjusted", "Adjusted p", "p"),
        Column("share_value", "Share of value", "share"),
        Column("growth", "Growth of spend", "share"),
        Column("growth_low", "Growth: from", "share"),
        Column("growth_high", "Growth: to", "share"),
        Column("p_alive", "Mean probability not to have left", "share"),
    )


def _finding(past: Purchases, shown: pd.DataFrame) -> Finding:
    differing = shown[(shown["p_adjusted"] < 1 - past.confidence) & ~shown["suppressed"]]
    compared = Quantity(int(shown["p"].notna().sum()), "count")
    if not compared.value:
        text = Text("No two segments are there to be compared.")
    elif differing.empty:
        text = Text(
            "None of {compared} segments differs significantly in value from all other customers.", {"compared": compared}
        )
    else:
        best = differing.loc[differing["mean_value"].idxmax()]
        text = Text(
            "{found} of {compared} segments {found:differs|differ} significantly in value from all other "
            "customers; the most valuable is {segment}, with {value} per customer.",
            {
                "found": Quantity(len(differing), "count"),
                "compared": compared,
                "segment": Text(str(best["segment"])) if best["segment"] in (NEW, EXISTING) else str(best["segment"]),
                "value": Quantity(float(best["mean_value"]), "money", float(best["low"]), float(best["high"])),
            },
        )
    return Finding("clv.segments", "info", None, text, evidence=("clv_segments",))


def _note(past: Purchases) -> Text:
    return Text(
        "Each segment's mean against that of all other customers: permutation test, corrected for all comparisons of the "
        "table (Holm). Growth: spend of the last {days} against the {days} before. New: first purchase less than {new} ago.",
        {"days": Quantity(past.spend.growth_days, "days"), "new": Quantity(NEW_DAYS, "days")},
    )
