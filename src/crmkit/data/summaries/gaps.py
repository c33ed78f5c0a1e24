"""How long was it from each purchase to the customer's next one, and what was known when the wait began?

A purchase is a customer and a day, exactly as in :mod:`crmkit.data.summaries.purchases`: returns make none. Each begins
one gap; it ends with the customer's next purchase, or is open on the last day that counts. Everything beside a gap was known on
the evening of the day on which it began, so a model may use it. For millions of purchases the gaps never leave the engine: they
are counted there in cells of length, ending, purchase number and coarse features, from which a Cox model is fitted exactly.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import EPOCH, MONEY, with_amounts

if TYPE_CHECKING:
    import ibis
    import pandas as pd

STRATA = 4  # first, second and third gap for themselves, all later ones together
SEVERAL = "several"
WORDS = ("category", "channel")
Closed = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Band:
    """A number cut into bands, each standing for one value, so that few different patterns remain.

    Parameters
    ----------
    column : str
        Of :func:`purchase_gaps`.
    edges : tuple of float
        Rising; a value on an edge belongs above it.
    values : tuple of float
        What each band stands for, one more than edges.
    fill : float
        What stands for a missing value.
    """

    column: str
    edges: tuple[float, ...]
    values: tuple[float, ...]
    fill: float


def log_band(column: str, *, low: float, high: float, bands: int = 8, fill: float | None = None) -> Band:
    """Bands of equal ratio between two limits, each standing for the logarithm of its middle.

    Parameters
    ----------
    column : str
    low, high : float > 0
        About the 2nd and the 98th percentile of the column; what lies beyond joins the outer bands.
    bands : int
        2 or more.
    fill : float or None
        The value (not its logarithm) that stands for a missing one; None: the middle of the limits.

    Examples
    --------
    >>> log_band("previous_gap_days", low=1, high=100, bands=2).edges
    (10.0,)
    """
    if not 0 < low < high or bands < 2:
        raise DataError(
            Problem("gaps: bands", f"of '{column}' run from {low:g} to {high:g} in {bands}", "rising limits above 0, 2 or more")
        )
    step = math.log(high / low) / bands
    edges = tuple(round(low * math.exp(step * k), 9) for k in range(1, bands))
    values = tuple(math.log(low) + step * (k + 0.5) for k in range(bands))
    return Band(column, edges, values, math.log(math.sqrt(low * high) if fill is None else fill))


def purchase_gaps(
    transactions: ibis.Table,
    *,
    as_of: dt.date,
    since: dt.date | None = None,
    closed: Sequence[Closed] = (),
    typical_days: float | None = None,
    prior_gaps: float = 2.0,
) -> ibis.Table:
    """How long was it from each purchase to the next, and what was known when it began?

    Parameters
    ----------
    transactions : ibis.Table
        ``customer_id, ordered_at`` and what there is of ``amount, is_return, category, channel, discount``.
    as_of : date
        Last day that counts; the gap of a customer's last purchase until then is open on it.
    since : date or None
        First day that counts; earlier purchases are not seen, as if the customer had come later.
    closed : sequence of (date, date)
        Stretches, first and last day, on which nobody could buy: their days do not count in a gap's length. See
        :func:`crmkit.models.survival.gaps.closures`.
    typical_days : float or None
        With it, ``rhythm_days`` is there: the customer's own mean gap so far, drawn towards this typical one.
    prior_gaps : float
        How many gaps the typical one counts for.

    Returns
    -------
    ibis.Table
        A row per purchase (customer and day), fetched in order of ``customer_id, number``: ``customer_id``; ``number``
        (1 = gap after the first purchase); ``started_at`` (day of the purchase); ``ended_at`` (day of the next; empty where
        there is none); ``duration_days`` (to the next purchase: 1 or more; to ``as_of`` where there is none: 0 or more);
        ``event_observed`` (whether a next purchase was seen). Known when the gap began: ``previous_gap_days`` (empty for the
        first), ``mean_gap_days`` (of all gaps before; empty for the first), ``known_days`` (since the first purchase),
        ``amount`` (of this day), ``mean_amount`` (of all days so far, this one included), ``returned_share`` (amount returned
        so far over amount bought so far, this day included), ``month`` (1 to 12), where the columns are there ``category`` and
        ``channel`` ("several" where the day has more than one; empty where none is said) and ``discount_share`` (of the price
        before discount, this day), and ``rhythm_days`` where asked for.

    Notes
    -----
    rhythm_days = (k m + sum of the gaps before) / (k + their number), k ``prior_gaps`` and m ``typical_days``. Returns on later
    days than the purchase do not count towards it. With a list of purchases without amounts they are 0.
    """
    import ibis

    days = _days(with_amounts(transactions), end=as_of, since=since)
    days = days.mutate(at=days.day.delta(ibis.literal(EPOCH), unit="day"))
    returns = "is_return" in transactions.columns
    if returns:  # counted before days of returns alone are dropped
        so_far = ibis.cumulative_window(group_by="customer_id", order_by="at")
        days = days.mutate(returned=days.returned.sum().over(so_far))
        days = days.filter(days.n_purchases > 0)
    # whole numbers in windows: not every engine has differences of dates that may be empty. One order for all: one sort
    window = ibis.window(group_by="customer_id", order_by="at")
    running = ibis.cumulative_window(group_by="customer_id", order_by="at")
    rows = days.mutate(
        place=ibis.row_number().over(window),
        before=days["at"].lag().over(window),
        after=days["at"].lead().over(window),
        next_day=days.day.lead().over(window),
        first=days["at"].min().over(running),
        spent=days.amount.sum().over(running),
    )
    end = (as_of - EPOCH).days
    until = ibis.coalesce(rows.after, end)
    later = rows.place.nullif(0).cast("float64")
    known = _length(rows.first, rows["at"], closed)
    columns: dict[str, Any] = {
        "customer_id": rows.customer_id,
        "number": rows.place + 1,
        "started_at": rows.day,
        "ended_at": rows.next_day,
        "duration_days": _length(rows["at"], until, closed),
        "event_observed": rows.after.notnull(),
        "previous_gap_days": _length(rows.before, rows["at"], closed).cast("float64"),
        "mean_gap_days": known.cast("float64") / later,
        "known_days": known,
        "amount": rows.amount.cast("float64"),
        "mean_amount": rows.spent.cast("float64") / (rows.place + 1).cast("float64"),
        "returned_share": ibis.coalesce(rows.returned.cast("float64") / rows.spent.cast("float64").nullif(0.0), 0.0)
        if returns
        else ibis.literal(0.0),
        "month": rows.day.month(),
    }
    columns |= {name: rows[name] for name in (*WORDS, "discount_share") if name in rows.columns}
    if typical_days is not None:
        weight = rows.place.cast("float64") + prior_gaps
        columns["rhythm_days"] = (known.cast("float64") + prior_gaps * typical_days) / weight
    return rows.select(**columns)


def gap_cells(
    gaps: ibis.Table,
    *,
    bands: Mapping[str, Band],
    words: Sequence[str] = (),
    strata: int = STRATA,
) -> pd.DataFrame:
    """How many gaps are there of each length, ending, purchase number and coarse pattern?

    Parameters
    ----------
    gaps : ibis.Table
        From :func:`purchase_gaps`.
    bands : mapping of name to Band
        Features that become a covariate of that name.
    words : sequence of str
        Columns of words (or ``month``) that become covariates as they are; empty ones become "".
    strata : int
        Gaps of this number and all later ones are one stratum.

    Returns
    -------
    pandas.DataFrame
        ``stratum`` (1 to ``strata``), ``duration_days``, ``event_observed``, a column per band and word, ``n`` (gaps) and
        ``amount`` (sum over the purchases that began them), ordered. :func:`crmkit.models.survival.gaps.fit_gap_times` takes
        it with ``copies=n`` and finds what it would find on the rows with the same bands.

    Raises
    ------
    DataError
        Names a column that the gaps do not have.
    """
    import ibis

    missing = [name for name in [*(band.column for band in bands.values()), *words] if name not in gaps.columns]
    if missing:
        raise DataError(Problem("gaps:", f"there is no column '{missing[0]}'", did_you_mean(missing[0], gaps.columns)))
    made = {name: banded(gaps[band.column], band) for name, band in bands.items()}
    made |= {name: _plain(gaps[name]) for name in words}
    rows = gaps.select(
        stratum=ibis.least(gaps.number, strata),
        duration_days=gaps.duration_days,
        event_observed=gaps.event_observed,
        **made,
        money=gaps.amount.cast(MONEY),
    )
    keys = ["stratum", "duration_days", "event_observed", *made]
    return to_frame(rows.group_by(keys).agg(n=rows.count(), amount=rows.money.sum()).order_by(keys))


def banded(column: Any, band: Band) -> Any:
    """A column of the engine as the value of its band."""
    import ibis

    parts = [
        (column.isnull(), band.fill),
        *((column < edge, value) for edge, value in zip(band.edges, band.values, strict=False)),
    ]
    return ibis.cases(*parts, else_=band.values[-1])


def open_gaps(gaps: ibis.Table) -> ibis.Table:
    """Which gap is each customer in? The gaps that are open, one per customer; ``duration_days`` is the silence."""
    return gaps.filter(~gaps.event_observed).order_by("customer_id")


def some_customers(gaps: ibis.Table, *, every: int) -> ibis.Table:
    """All gaps of each n-th customer in the order of their ids: enough for errors by customer, at a fraction of the cost.

    Parameters
    ----------
    gaps : ibis.Table
    every : int
        1 keeps everybody.
    """
    import ibis

    if every <= 1:
        return gaps
    last = gaps.filter(~gaps.event_observed).select("customer_id")
    placed = last.mutate(place=ibis.row_number().over(ibis.window(order_by="customer_id")))
    kept = placed.filter(placed.place % every == 0).select("customer_id")
    return gaps.semi_join(kept, "customer_id").order_by("customer_id", "number")


def gap_lengths(gaps: ibis.Table, *, strata: int = STRATA, group: str | None = None) -> pd.DataFrame:
    """How many gaps are there of each length, ended and open? For curves and for the choice of a horizon.

    Returns
    -------
    pandas.DataFrame
        ``stratum``, the group where one is asked for, ``duration_days``, ``event_observed``, ``n``, ordered.
    """
    import ibis

    made = {} if group is None else {group: _plain(gaps[group])}
    rows = gaps.select(
        stratum=ibis.least(gaps.number, strata), **made, duration_days=gaps.duration_days, event_observed=gaps.event_observed
    )
    keys = ["stratum", *made, "duration_days", "event_observed"]
    return to_frame(rows.group_by(keys).agg(n=rows.count()).order_by(keys))


def buying_days(transactions: ibis.Table, *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """How many customers bought on each day? ``day, n``, ordered; days without a purchase have no row, returns do not count."""
    days = _days(with_amounts(transactions), end=as_of, since=since)
    days = days.filter(days.n_purchases > 0)
    return to_frame(days.group_by("day").agg(n=days.count()).order_by("day"))


def _plain(column: Any) -> Any:
    return column.fill_null("") if column.type().is_string() else column


def _length(start: Any, end: Any, closed: Sequence[Closed]) -> Any:
    """Days from one day to another, both as numbers, without the days of the closed stretches after the first."""
    import ibis

    found = end - start
    for first, last in closed:
        before, until = (first - EPOCH).days - 1, (last - EPOCH).days
        found = found - ibis.greatest(ibis.least(end, until) - ibis.greatest(start, before), 0)
    return found


def _days(transactions: ibis.Table, *, end: dt.date, since: dt.date | None) -> ibis.Table:
    """A row per customer and day: amounts bought and returned, how often, and what of words there is."""
    import ibis

    table = transactions.mutate(day=transactions.ordered_at.cast("date"), money=transactions.amount.cast(MONEY))
    table = table.filter(table.day <= ibis.literal(end))
    if since is not None:
        table = table.filter(table.day >= ibis.literal(since))
    returns = "is_return" in table.columns
    back = table.is_return.fill_null(False) if returns else ibis.literal(False)
    found: dict[str, Any] = {
        "amount": table.money.sum(where=~back).fill_null(0) if returns else table.money.sum(),
        "n_purchases": table.count(where=~back) if returns else table.count(),
    }
    if returns:
        found["returned"] = table.money.abs().sum(where=back).fill_null(0)
    kept = ~back if returns else None
    for name in (name for name in WORDS if name in table.columns):
        low, high = table[name].min(where=kept), table[name].max(where=kept)
        found[name] = ibis.ifelse(low == high, low, ibis.ifelse(low.isnull(), ibis.null("string"), SEVERAL))
    if "discount" in table.columns:
        taken = table.discount.cast(MONEY).sum(where=kept).fill_null(0).cast("float64")
        full = (table.money.sum(where=kept).fill_null(0)).cast("float64") + taken
        found["discount_share"] = ibis.coalesce(taken / full.nullif(0.0), 0.0)
    days = table.group_by("customer_id", "day").agg(**found)
    return days if returns else days.filter(days.n_purchases > 0)
