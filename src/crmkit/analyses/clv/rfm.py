"""Recency, frequency and money: the classic scores, what each cell is worth, and who moved since an earlier date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.analyses.clv.read import NO_PURCHASES, Purchases
from crmkit.analyses.clv.stages import Grouping, StageRules, by_stage, by_tier, counted_in, worth_columns
from crmkit.analyses.clv.values import Values, lacking
from crmkit.core.errors import ParamError
from crmkit.core.privacy import suppress_beside, suppress_small
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.purchases import rfm

if TYPE_CHECKING:
    import pandas as pd

NO_MODEL = Text("no model could be fitted; the section on the models says why")
NO_EARLIER = Text("there is no earlier date to compare with (holdout_days is 0)")
TIES = Text(
    "Scores from 1 to 5 by rank, 5 best; equal values get equal scores, so cells differ in size where many are equal. n = {n}."
)
# which way a move leads
TONES = {"down": -1.0, "same": 0.0, "up": 1.0}


def rfm_rules(recency: Sequence[float], frequency: Sequence[float], money: Sequence[float]) -> rfm.Rules | None:
    """The company's own limits of the scores, None where it has none and each score takes a fifth of the customers.

    Parameters
    ----------
    recency : sequence of 4 float, or none
        Most days since the last purchase for scores 2, 3, 4, 5: falling.
    frequency, money : sequence of 4 float, or none
        Fewest purchase days, and least spend, for scores 2, 3, 4, 5: rising.

    Returns
    -------
    Rules or None

    Raises
    ------
    ParamError
        When one of the three is given without the others, or is not four numbers in order.
    """
    given = {"rfm_recency": recency, "rfm_frequency": frequency, "rfm_money": money}
    lacking = [name for name, cuts in given.items() if not len(cuts)]
    if len(lacking) == len(given):
        return None
    if lacking:
        raise ParamError(
            [f"{name}: is empty; own limits need all of {', '.join(given)}, four numbers each" for name in lacking]
        )
    return rfm.Rules(tuple(recency), tuple(frequency), tuple(money))


def scored(customers: pd.DataFrame, *, rules: rfm.Rules | None = None) -> tuple[pd.DataFrame, rfm.Rules]:
    """Scores and segment of each customer, and the rules they were made by.

    Parameters
    ----------
    customers : DataFrame
        ``days_since_last, purchase_days, total`` per customer.
    rules : Rules or None
        Those of an earlier date; default: made from these customers.
    """
    columns = (customers["days_since_last"], customers["purchase_days"], customers["total"])
    rule = rules or rfm.rules(*columns)
    r, f, m = rfm.scores(rule, *columns)
    return customers.assign(r=r, f=f, m=m, segment=rfm.segments(r, f, m)), rule


def rfm_grid(
    past: Purchases, values: Values | None, *, rules: rfm.Rules | None = None, stages: StageRules | None = None
) -> Result:
    """Where in the grid of recency and frequency is the value?

    Parameters
    ----------
    past, values
        As computed for the page.
    rules : Rules or None
        Own limits of the scores, from :func:`rfm_rules`.
    stages : StageRules or None
        Those of the stages on the page; default: as they come.

    Returns
    -------
    Result
        Heat grid of the expected value per cell; hidden are small cells, and those that with segments, stages and tiers would
        tell of few customers.
    """
    import pandas as pd

    known = past.spend.known
    title = Text("Expected value by recency and frequency" if known else "Expected purchases by recency and frequency")
    if values is None or values.under_contract or (values.clv is None and past.spend.known):
        return not_assessed("clv_rfm_grid", title, lacking(values) or NO_MODEL)
    table = _scored(past, values.customers, rules)
    cells = rfm.grid(table["r"], table["f"], value=table[counted_in(past)], p_alive=table["p_alive"])
    cells = cells[cells["n"] > 0].reset_index(drop=True)
    # segments, stages and tiers are the same customers in other groups
    others = [_segments(past, values, table, stages=stages)[0], *_others(past, values, stages=stages)]
    place, places = 10 * table["r"] + table["f"], 10 * cells["recency"] + cells["frequency"]
    beside = [one.beside(place, places) for one in others]
    cells = suppress_beside(cells, beside, values=["value", "p_alive"], min_cell=past.min_cell)
    if cells["value"].isna().all():
        few = Text("no cell of the grid has {n} customers", {"n": Quantity(past.min_cell, "count")})
        return not_assessed("clv_rfm_grid", title, few)
    best = cells.loc[cells["value"].idxmax()]
    # a score that nobody has is a column of its own, empty
    every = pd.MultiIndex.from_product([range(1, 6), range(1, 6)], names=["recency", "frequency"]).to_frame(index=False)
    cells = every.merge(cells, how="left", on=["recency", "frequency"])
    nobody = cells["suppressed"].isna()
    cells = cells.assign(n=cells["n"].mask(nobody, 0), suppressed=cells["suppressed"].eq(True))
    shown = cells.assign(row=cells["recency"].astype(str), column=cells["frequency"].astype(str))
    shown = shown.sort_values(["recency", "frequency"], ascending=[False, True], ignore_index=True)
    shown.attrs["unit"] = "money" if past.spend.known else "count"
    finding = Finding(
        "clv.rfm",
        "info",
        None,
        Text(
            "The {n} customers with recency {r} and frequency {f} hold {value} of expected value, more than any other cell."
            if past.spend.known
            else "The {n} customers with recency {r} and frequency {f} are expected to make {value} purchases, more than any "
            "other cell.",
            {
                "n": Quantity(float(best["n"]), "count"),
                "r": Quantity(int(best["recency"]), "count"),
                "f": Quantity(int(best["frequency"]), "count"),
                "value": Quantity(float(best["value"]), "money" if past.spend.known else "count"),
            },
        ),
        evidence=("clv_rfm_grid",),
    )
    return Result(
        "clv_rfm_grid",
        "heat_grid",
        title,
        shown,
        finding=finding,
        note=_scoring(len(table), rules),
        alt=Text(
            "Grid of five by five cells, recency upwards and frequency to the right; darker cells hold more expected value."
            if past.spend.known
            else "Grid of five by five cells, recency upwards and frequency to the right; darker cells hold more purchases."
        ),
        x=Axis("Frequency score"),
        y=Axis("Recency score"),
    )


def rfm_segments(
    past: Purchases, values: Values | None, *, rules: rfm.Rules | None = None, stages: StageRules | None = None
) -> Result:
    """What do the named segments hold?

    Parameters
    ----------
    past, values, rules, stages
        As for :func:`rfm_grid`.

    Returns
    -------
    Result
        One row per segment, from the best to the worst: customers, share, expected value, mean probability to be active.
    """
    title = Text("Segments by recency, frequency and money" if past.spend.known else "Segments by recency and frequency")
    if values is None or values.under_contract:
        return not_assessed("clv_rfm_segments", title, lacking(values) or NO_MODEL)
    shown = _segments(past, values, _scored(past, values.customers, rules), stages=stages)[1]
    columns = (
        Column("segment", "Segment", translate=True),
        Column("n", "Customers", "count"),
        Column("share_n", "Share of customers", "share"),
        *worth_columns(past),
        Column("p_alive", "Mean probability not to have left", "share"),
    )
    return Result("clv_rfm_segments", "table", title, shown, columns=columns)


def migration(past: Purchases, *, rules: rfm.Rules | None = None) -> Result:
    """Who moved up and who down since the split, by the rules of that day?

    Parameters
    ----------
    past : Purchases
    rules : Rules or None
        Own limits of the scores; default: those of the earlier day.

    Returns
    -------
    Result
        Customers and spend by direction (up, same, down, gone, new), with Wilson intervals of the shares. Money is what was
        spent until either date, so a move down shows as silence, not as lost money.
    """
    title = Text("Movement between segments since the earlier date")
    if past.calibration is None:
        return not_assessed("clv_migration", title, _no_earlier(past))
    moved = _moves(past, rules)
    shown = rfm.movement(moved, confidence=past.confidence)
    columns: tuple[Column, ...] = (
        Column("direction", "Direction", translate=True),
        Column("n", "Customers", "count"),
        Column("share", "Share of earlier customers", "share", limits=("low", "high")),
    )
    if past.spend.known:
        columns += (Column("value_before", "Spent until then", "money"), Column("change", "Spent since then", "money"))
    else:
        shown = shown[["direction", "n", "share", "low", "high"]]
    rows = shown.set_index("direction").to_dict("index")
    finding = Finding(
        "clv.migration",
        "info",
        None,
        Text(
            "Since {date}, {up} of customers have moved to a better segment and {down} to a worse one.",
            {
                "date": Quantity(past.split, "date"),
                "up": _share(rows, "up"),
                "down": _share(rows, "down"),
            },
        ),
        evidence=("clv_migration", "clv_migration_matrix"),
    )
    note = (
        Text(
            "Scored on both days by the rules of {date}; shares with Wilson intervals.", {"date": Quantity(past.split, "date")}
        )
        if rules is None
        else Text("Scored on both days by the company's own limits; shares with Wilson intervals.")
    )
    return Result("clv_migration", "table", title, shown, columns=columns, finding=finding, note=note)


def migration_matrix(past: Purchases, *, rules: rfm.Rules | None = None) -> Result:
    """How many of each earlier segment moved to a better one, stayed, or moved to a worse one?

    Returns
    -------
    Result
        ``group, box`` (the direction), ``tone`` (-1 worse, 0 the same, 1 better), ``value`` (share of the segment), ``n,
        suppressed``.
    """
    title = Text("Where the customers of each earlier segment are now")
    if past.calibration is None:
        return not_assessed("clv_migration_matrix", title, _no_earlier(past))
    moved = _moves(past, rules)
    there = moved[(moved["before"] != rfm.NEW) & (moved["after"] != rfm.GONE) & (moved["of"] > 0)]
    of = there.groupby("before", sort=False)["of"].first()
    table = there.groupby(["before", "direction"], sort=False)["n"].sum().reset_index()
    table["share"] = table["n"] / table["before"].map(of)
    # the table of movements tells how many moved up and down and how many stayed
    table = suppress_small(table, values=["share"], min_cell=past.min_cell, within=["before", "direction"])
    shown = table.assign(tone=table["direction"].map(TONES)).rename(
        columns={"before": "group", "direction": "box", "share": "value"}
    )
    shown.attrs["ends"] = (Text("to a worse segment"), Text("in the same segment"), Text("to a better segment"))
    return Result(
        "clv_migration_matrix",
        "diverging",
        title,
        shown[["group", "box", "tone", "value", "n", "suppressed"]],
        columns=(
            Column("group", "Segment then", translate=True),
            Column("box", "Direction", translate=True),
            Column("n", "Customers", "count"),
        ),
        note=Text("Parts of fewer than {cell} customers are not shown.", {"cell": Quantity(past.min_cell, "count")}),
        alt=Text(
            "A bar per segment at the earlier date: the share that is in a worse segment now, in the same and in a better one."
        ),
        x=Axis("Share of the earlier segment", "share"),
        y=Axis("Segment then"),
    )


def _others(past: Purchases, values: Values, *, stages: StageRules | None) -> list[Grouping]:
    return [by_stage(past, values, rules=stages or StageRules())[0], by_tier(past, values)]


def _segments(
    past: Purchases, values: Values, table: pd.DataFrame, *, stages: StageRules | None
) -> tuple[Grouping, pd.DataFrame]:
    """Customers by segment, and what each segment holds, where that tells of no few customers, stages and tiers beside it."""
    worth = counted_in(past)
    rows = table.groupby("segment").agg(n=(worth, "size"), value=(worth, "sum"), p_alive=("p_alive", "mean"))
    rows = rows.reindex(list(rfm.SEGMENTS)).rename_axis("segment").reset_index()
    rows["n"] = rows["n"].fillna(0)
    rows["share_n"] = rows["n"] / rows["n"].sum()
    rows["mean_value"] = rows["value"] / rows["n"].where(rows["n"] > 0)
    shown = suppress_beside(
        rows,
        [one.beside(table["segment"], rfm.SEGMENTS) for one in _others(past, values, stages=stages)],
        values=["value", "p_alive", "share_n", "mean_value"],
        min_cell=past.min_cell,
    )
    return Grouping(table["segment"], shown.set_index("segment")["suppressed"]), shown


def _scored(past: Purchases, customers: pd.DataFrame, rules: rfm.Rules | None) -> pd.DataFrame:
    """Scores and segments; where nothing is known of money, how often somebody bought stands for it."""
    return scored(customers if past.spend.known else customers.assign(total=customers["purchase_days"]), rules=rules)[0]


def _scoring(n: int, rules: rfm.Rules | None) -> Text:
    if rules is None:
        return Text(TIES.template, {"n": Quantity(n, "count")})
    return Text(
        "Scores from 1 to 5 by the company's own limits. Score 5 begins at {days} since the last "
        "purchase, at {purchases} purchase days and at {money}. n = {n}.",
        {
            "days": Quantity(rules.recency[-1], "days"),
            "purchases": Quantity(rules.frequency[-1], "count"),
            "money": Quantity(rules.monetary[-1], "money"),
            "n": Quantity(n, "count"),
        },
    )


def _moves(past: Purchases, rules: rfm.Rules | None) -> pd.DataFrame:
    """Segments at the split and now, scored by the rules of the split, or by own ones."""
    if past.calibration is None:
        raise ValueError("nothing is held out")
    earlier, now = past.calibration.customers, past.customers
    if not past.spend.known:
        earlier, now = (one.assign(total=one["purchase_days"]) for one in (earlier, now))
    before, frozen = scored(earlier, rules=rules)
    after, _ = scored(now, rules=frozen)
    both = after[["customer_id", "segment", "total"]].merge(
        before[["customer_id", "segment", "total"]], on="customer_id", how="left", suffixes=("_after", "_before")
    )
    return rfm.migration(
        [None if one != one else str(one) for one in both["segment_before"]],
        both["segment_after"].tolist(),
        value_before=both["total_before"].fillna(0.0),
        value_after=both["total_after"],
        confidence=past.confidence,
    )


def _no_earlier(past: Purchases) -> Text:
    return NO_PURCHASES if past.customers.empty else NO_EARLIER


def _share(rows: Mapping[Any, Mapping[Any, Any]], direction: str) -> Quantity:
    one = rows[direction]
    return Quantity(one["share"], "share", one["low"], one["high"])
