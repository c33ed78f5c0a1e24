"""When did each customer come, how long did they stay, and did they leave? What every part of the analysis starts from.

When somebody counts as gone, and which customers the data hold, is declared before anything is counted (:func:`define`).
Where nobody says that they leave, leaving is not to come back in time, and all of it follows from the gaps between purchases.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.churn.shop import RHYTHM, Shop, customers_on, open_shop, rhythm_level
from crmkit.core.errors import DataError, ModelError, ParamError, Problem, did_you_mean
from crmkit.core.language import translate
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import spells as subscription_summaries
from crmkit.data.summaries.purchases import MONEY, has_amounts, with_amounts
from crmkit.data.summaries.standing import ACTIVE_DAYS
from crmkit.data.tables.groups import NOT_KNOWN, OTHERS, group_name
from crmkit.models.survival import InactivityWindow, choose_window, inactivity_windows

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.data.client import Client

KINDS = ("auto", "contractual", "non_contractual", "silence")
CONTRACT_HORIZON = 90
FALSE_LIMIT = 0.2
GROUPS = ("plan", "size", "region", "industry", "acquisition_channel")
MOST_LEVELS = 8
SHORTEST_SPAN_DAYS = 120
QUANTILE = 0.95


@dataclass(frozen=True)
class Definition:
    """What was declared.

    Parameters
    ----------
    kind : {"auto", "contractual", "non_contractual", "silence"}
        Whether customers end a contract, do not come back in time, or have been silent for a declared time; "auto": by the
        tables that are there.
    horizon_days : int
        How far ahead leaving is predicted; 0: 90 days with contracts, else from the gaps between purchases.
    grace_days : int
        Contractual: within which a new contract continues the old one.
    sampling : {"cohort", "active", "last_period"}
        Everybody who ever came; only who was there on a day or came later; only who was there when the last 30 days began.
    since : date or None
        That day, for "active".
    active_days : int
        Without contracts: within how many days a customer has bought; 0, and the usual year where the client's file says
        nothing: from the gaps.
    false_limit : float
        Share of those called gone who may come back.
    """

    kind: str
    horizon_days: int
    grace_days: int
    sampling: str
    since: dt.date | None
    active_days: int = 0
    false_limit: float = FALSE_LIMIT


def define(
    *,
    kind: str = "auto",
    horizon_days: int = 0,
    grace_days: int = 0,
    sampling: str = "cohort",
    active_days: int = 0,
    limit: float = FALSE_LIMIT,
) -> Definition:
    """When does a customer count as gone, and which customers do the data hold?

    Parameters
    ----------
    kind : {"auto", "contractual", "non_contractual", "silence"}
    horizon_days : int
        0 (found from the data) or more days.
    grace_days : int
        0 or more days.
    sampling : {"cohort", "last_period"} or str
        A date YYYY-MM-DD says that customers who had left before it are not in the data.
    active_days : int
        Without contracts: who has bought within so many days is a customer, and of kind "silence" gone after them; 0: from
        the gaps between purchases.
    limit : float
        Share of those called gone who may come back; above it nothing is said.

    Raises
    ------
    ParamError
        Everything that cannot be, at once.

    Examples
    --------
    >>> define(kind="contractual", sampling="2024-01-01").sampling
    'active'
    """
    faults: list[Problem] = []
    if kind not in KINDS:
        faults.append(Problem("kind:", f"is '{kind}'", did_you_mean(kind, KINDS)))
    if horizon_days < 0:
        faults.append(Problem("horizon_days:", f"is {horizon_days}", "at least 1 day is needed, or 0: found from the data"))
    if active_days < 0:
        faults.append(Problem("active_days:", f"is {active_days}", "at least 1 day is needed, or 0: found from the data"))
    if not 0 < limit < 1:
        faults.append(Problem("false_limit:", f"is {limit}", "a share above 0 and below 1 is needed"))
    if grace_days < 0:
        faults.append(Problem("grace_days:", f"is {grace_days}", "0 or more days are needed"))
    try:
        since = subscription_summaries.observed_since(sampling, as_of=dt.date.max)
    except ParamError as err:
        raise ParamError([*faults, *err.problems]) from None
    if faults:
        raise ParamError(faults)
    dated = sampling not in (subscription_summaries.COHORT, subscription_summaries.LAST_PERIOD)
    drawn, day = ("active", since) if dated else (sampling, None)
    return Definition(kind, horizon_days, grace_days, drawn, day, active_days, limit)


@dataclass(frozen=True)
class Past:
    """Customers and how long they stayed, as of one day.

    Parameters
    ----------
    rule : Definition
        As it holds for these data: the kind and the horizon that were found, no grace without contracts.
    as_of, start : date
        Last day that counts and first day on which a customer came.
    groups : tuple of str
        What splits the results, the main one first, in the client's language; columns of these names stand in ``spells``.
    spells : DataFrame
        One row per spell: ``customer_id, spell, started_at, ended_at, observed_end, entry_days, duration_days,
        event_observed, event, churn_reason, plan, mrr`` and the groups (the plan is the one at the start). Of a shop: one row
        per customer of an earlier day, the time from it to their next purchase, which is the event.
    window : InactivityWindow or None
        Of kind "silence": the silence after which a customer counts as gone.
    window_reason : Text or str
        Why it cannot be said who has left; empty where it can.
    purchases : DataFrame or None
        Without contracts: ``customer_id, day, amount``, one row per customer and purchase day, ordered.
    tables : mapping of str to ibis.Table
    min_cell : int
    confidence : float
    shop : Shop or None
        Of kind "non_contractual": the gaps between purchases.
    """

    rule: Definition
    as_of: dt.date
    start: dt.date
    groups: tuple[str, ...]
    spells: pd.DataFrame
    window: InactivityWindow | None
    window_reason: Text | str
    purchases: pd.DataFrame | None
    tables: Mapping[str, ibis.Table] = field(repr=False)
    min_cell: int = 10
    confidence: float = 0.95
    shop: Shop | None = None

    @property
    def contractual(self) -> bool:
        return self.rule.kind == "contractual"

    @property
    def usable(self) -> bool:
        """Whether it can be said who has left."""
        return not self.window_reason

    @property
    def undated(self) -> bool:
        """Whether the data say how long customers stayed, but not when they left: all who left did so on the last day."""
        if not self.contractual or "tenure" not in self.tables["subscriptions"].columns:
            return False
        ends = self.spells.loc[self.spells["event_observed"].astype(bool), "ended_at"]
        return bool(len(ends)) and bool((ends.dt.date == self.as_of).all())

    @property
    def span_days(self) -> int:
        return (self.as_of - self.start).days + 1


def history(company: Client, rule: Definition, *, groups: Sequence[str] = (), confidence: float = 0.95) -> Past:
    """How long did the customers of a client stay, by the definition that was declared?

    Parameters
    ----------
    company : Client
        With a table ``subscriptions`` (contractual) or ``transactions`` (non_contractual).
    rule : Definition
        From :func:`crmkit.analyses.churn.define`.
    groups : sequence of str
        Columns that split the results; empty: those of plan, size, region, industry, acquisition_channel that are there.
    confidence : float
        Coverage of every interval.

    Raises
    ------
    ParamError
        For an unknown group, and a first day of observation after the last.
    DataError
        When the table that the kind needs holds nothing to learn from.

    Notes
    -----
    Where the table is missing, or the data are too short for the horizon, nothing is usable, and ``window_reason`` says why:
    every exhibit then says so in its place.
    """
    declared_as = rule.sampling if rule.since is None else rule.since.isoformat()
    since = subscription_summaries.observed_since(declared_as, as_of=company.as_of)
    rule = replace(rule, active_days=_agreed_days(company, rule))
    kind = rule.kind if rule.kind != "auto" else "contractual" if "subscriptions" in company.tables else "non_contractual"
    contractual = kind == "contractual"
    needed = "subscriptions" if contractual else "transactions"
    if needed not in company.tables:
        missing = (
            Text("needs {table}", {"table": needed}) if rule.kind != "auto" else Text("needs subscriptions or transactions")
        )
        return _nothing(company, rule, kind, missing, confidence)
    if kind == "non_contractual":
        return _returning(company, replace(rule, kind=kind, since=since), groups, confidence)
    rule = replace(rule, horizon_days=rule.horizon_days or CONTRACT_HORIZON)
    reason: Text | str
    if contractual:
        spells, window, reason, purchases = _contracts(company, rule.grace_days, since), None, "", None
    else:
        spells, window, reason, purchases = _silences(company, rule, since=since, confidence=confidence)
    names, spells = _grouped(company, spells, groups)
    start = spells["started_at"].min().date()
    span = (company.as_of - start).days + 1
    if rule.horizon_days > span // 2:
        return _nothing(company, rule, kind, _short(rule.horizon_days, span), confidence)
    declared = replace(
        rule,
        kind=kind,
        horizon_days=rule.horizon_days if window is None else max(rule.horizon_days, int(window.window)),
        grace_days=rule.grace_days if contractual else 0,
        since=since,
    )
    return Past(
        rule=declared,
        as_of=company.as_of,
        start=start,
        groups=names,
        spells=spells,
        window=window,
        window_reason=reason,
        purchases=purchases,
        tables=company.tables,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
    )


def _agreed_days(company: Client, rule: Definition) -> int:
    """Within how many days a customer has bought; 0 where nobody chose: the usual year knows nothing of a shop's rhythm."""
    chosen = company.settings.customer.active_days is not None or rule.active_days != ACTIVE_DAYS
    return rule.active_days if chosen else 0


def _short(horizon: int, span: int) -> str:
    return f"the horizon is {horizon} days, but the data cover {span}; at most half of them can be looked ahead"


def _returning(company: Client, rule: Definition, groups: Sequence[str], confidence: float) -> Past:
    """Of a shop: every customer of a day two horizons ago, and when they bought again."""
    import pandas as pd

    try:
        shop = open_shop(
            company.tables["transactions"],
            as_of=company.as_of,
            since=rule.since,
            horizon_days=rule.horizon_days,
            active_days=rule.active_days,
            false_limit=rule.false_limit,
            confidence=confidence,
        )
        start = shop.gaps["started_at"].min().date()
        span = (company.as_of - start).days + 1
        if shop.horizon_days > span // 2:
            return _nothing(company, rule, rule.kind, _short(shop.horizon_days, span), confidence)
        day = company.as_of - dt.timedelta(days=min(2 * shop.horizon_days, span // 2))
        rows = customers_on(shop, day, as_of=company.as_of)
    except ModelError as err:
        return _nothing(company, rule, rule.kind, err.text, confidence)
    ahead, back = rows["ahead_days"], rows["event_observed"].to_numpy(dtype=bool)
    spells = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "spell": 1,
            "started_at": pd.Timestamp(day),
            "ended_at": rows["ended_at"],
            "observed_end": rows["ended_at"].fillna(pd.Timestamp(company.as_of)),
            "entry_days": 0,
            "duration_days": ahead,
            "event_observed": back,
            "event": pd.Series("back", index=rows.index, dtype="object").where(pd.Series(back, index=rows.index)),
            RHYTHM: rhythm_level(shop, rows),
        }
    )
    names, people = _grouped(company, shop.gaps[["customer_id"]].drop_duplicates().reset_index(drop=True), groups)
    spells = spells.merge(people[["customer_id", *names]], how="left", on="customer_id", validate="one_to_one")
    shop = replace(shop, people=people)
    if spells[RHYTHM].nunique() > 1:
        names = (*names, RHYTHM)
    return Past(
        rule=replace(rule, horizon_days=shop.horizon_days, grace_days=0),
        as_of=company.as_of,
        start=start,
        groups=names,
        spells=spells,
        window=None,
        window_reason="",
        purchases=shop.gaps.rename(columns={"started_at": "day"})[
            ["customer_id", "day", *(["amount"] if "amount" in shop.gaps else [])]
        ].assign(**({} if "amount" in shop.gaps else {"amount": float("nan")})),
        tables=company.tables,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
        shop=shop,
    )


def _nothing(company: Client, rule: Definition, kind: str, reason: Text | str, confidence: float) -> Past:
    """Nothing can be said of who left, and why."""
    import pandas as pd

    return Past(
        rule=replace(rule, kind=kind, since=None),
        as_of=company.as_of,
        start=company.as_of,
        groups=(),
        spells=pd.DataFrame(),
        window=None,
        window_reason=reason,
        purchases=None,
        tables=company.tables,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
    )


def _contracts(company: Client, grace_days: int, since: dt.date | None) -> pd.DataFrame:
    rows = subscription_summaries.spells(
        company.tables["subscriptions"], as_of=company.as_of, grace_days=grace_days, since=since
    )
    found = to_frame(rows)
    # who ended on the first day was never under observation; a row of no length says nothing
    found = found[found["duration_days"] > found["entry_days"]].reset_index(drop=True)
    if not len(found):
        raise DataError("subscriptions: no contract lasted a day within the time observed; check started_at and ended_at")
    return found


def _grouped(company: Client, spells: pd.DataFrame, groups: Sequence[str]) -> tuple[tuple[str, ...], pd.DataFrame]:
    """The spells with their groups beside them, named as a reader sees them: of few levels, without gaps."""
    table = spells.copy()
    if "first_plan" in table:
        # by the last plan, customers would have to survive until they change it
        table["plan"] = table["first_plan"]
    known = company.tables.get("customers")
    beside = [name for name in (groups or GROUPS) if known is not None and name in known.columns and name not in table]
    if known is not None and beside:
        attributes = to_frame(known.select("customer_id", *beside))
        table = table.merge(attributes.drop_duplicates("customer_id"), how="left", on="customer_id", validate="many_to_one")
    there = [name for name in GROUPS if name in table and table[name].notna().any() and table[name].nunique() > 1]
    missing = [name for name in groups if name not in table]
    if missing:
        offered = sorted({*there, *(known.columns if known is not None else ())} - {"customer_id"})
        raise ParamError([Problem("groups:", f"no column '{name}'", did_you_mean(name, offered)) for name in missing])
    unknown, rest = (translate(word, company.language) for word in (NOT_KNOWN, OTHERS))
    words = {group_name(name, company.language): _levels(table[name], unknown, rest) for name in groups or there}
    return tuple(words), table.assign(**words)


def _levels(column: pd.Series[Any], unknown: str, rest: str) -> pd.Series[Any]:
    """At most eight levels, the rarest together; a missing one is a level."""
    words = column.astype("object").where(column.notna(), unknown).astype(str)
    counts = words.value_counts()
    kept = sorted(counts.index, key=lambda level: (-counts[level], level))[: MOST_LEVELS - 1]
    return words if len(counts) <= MOST_LEVELS else words.where(words.isin(kept), rest)


def _silences(
    company: Client, rule: Definition, *, since: dt.date | None, confidence: float
) -> tuple[pd.DataFrame, InactivityWindow | None, Text | str, pd.DataFrame]:
    """The spells of customers without a contract, the window they follow from, why there is none, and the purchases.

    Notes
    -----
    A customer has left when nothing was bought for longer than the window; the day of leaving is that of the last purchase.
    Whose last purchase is more recent than the window is censored there: nothing is known of them since.
    """
    import pandas as pd

    bought = _purchase_days(company)
    if bought.empty:
        raise DataError("transactions: nobody has bought anything; check amount and is_return")
    end = pd.Timestamp(company.as_of)
    gaps, ended = _gaps(bought, end)
    span = float((end - bought["day"].min()).days)
    try:
        window: InactivityWindow | None = _window(gaps, ended, span=span, declared=rule.active_days, confidence=confidence)
        reason: Text | str = ""
    except ModelError as err:
        window, reason = None, err.text
    if window is not None and window.false_churn_share > rule.false_limit:
        numbers = {
            "window": Quantity(window.window, "days"),
            "share": Quantity(window.false_churn_share, "share", window.low, window.high),
            "limit": Quantity(rule.false_limit, "share"),
        }
        reason = Text(
            "of the silences longer than {window}, {share} ended with a purchase, and at most {limit} may. "
            "Without a declared silence the page asks who does not come back in time",
            numbers,
        )
    grouped = bought.groupby("customer_id", sort=True)["day"]
    table = pd.DataFrame({"started_at": grouped.min(), "last": grouped.max()}).reset_index()
    silent = (end - table["last"]).dt.days
    left = silent > (window.window if window is not None else np.inf)
    start = pd.Timestamp(since) if since is not None else None
    spells = table.assign(
        spell=1,
        ended_at=table["last"].where(left),
        observed_end=table["last"],
        entry_days=0 if start is None else (start - table["started_at"]).dt.days.clip(lower=0),
        duration_days=(table["last"] - table["started_at"]).dt.days,
        event_observed=left,
        event=pd.Series("left", index=table.index, dtype="object").where(left),
        churn_reason=None,
    ).drop(columns="last")
    if start is not None:
        spells = spells[(spells["observed_end"] >= start) & (spells["duration_days"] > spells["entry_days"])]
    return spells.reset_index(drop=True), window, reason, bought


def _window(gaps: np.ndarray, ended: np.ndarray, *, span: float, declared: int, confidence: float) -> InactivityWindow:
    """The window declared, or the one that nearly all silences that end have ended by."""
    if not declared:
        return choose_window(gaps, ended, span=span, quantile=QUANTILE, confidence=confidence)
    longest = span / 2
    if declared > longest:
        raise ModelError(
            Problem("inactivity window:", f"is {declared}, more than half of the {span:g} observed", f"at most {longest:g}")
        )
    grid = np.unique([*np.linspace(declared / 4, longest, 40).round(6), float(declared)])
    table = inactivity_windows(gaps, ended, windows=grid, span=span, confidence=confidence)
    row = table.loc[table["window"] == declared].iloc[0]
    return InactivityWindow(float(declared), QUANTILE, row["false_churn_share"], row["low"], row["high"], longest, table)


def _purchase_days(company: Client) -> pd.DataFrame:
    """``customer_id, day, amount``: one row per customer and day with a purchase, ordered; returns make no purchase.

    Where nothing is known of money, all amounts are missing.
    """
    rows = with_amounts(company.tables["transactions"])
    if "is_return" in rows.columns:
        rows = rows.filter(~rows.is_return.fill_null(False))
    rows = rows.mutate(day=rows.ordered_at.cast("date"), money=rows.amount.cast(MONEY))
    table = rows.group_by(["customer_id", "day"]).agg(amount=rows.money.sum())
    days = to_frame(table.mutate(amount=table.amount.cast("float64")).order_by(["customer_id", "day"]))
    return days if has_amounts(company.tables["transactions"]) else days.assign(amount=float("nan"))


def _gaps(bought: pd.DataFrame, end: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """Days between purchases, and of each customer the days since the last one, which has not ended."""
    own = bought["customer_id"].to_numpy()
    day = bought["day"].to_numpy()
    last = np.append(own[1:] != own[:-1], True)
    until = np.where(last, np.datetime64(end, "ns"), np.append(day[1:], np.datetime64(end, "ns")))
    return (until - day) / np.timedelta64(1, "D"), ~last
