"""On what do causes and effects rest? Rated tickets, whom a trouble touches, what they are worth, who was lost, what moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.bridge import read_bridge
from crmkit.analyses.audit.read import History, Window
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.privacy import pseudonym
from crmkit.core.reading import per_customer
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.summaries.audit import cases as audit_cases
from crmkit.data.summaries.purchases import has_amounts
from crmkit.models.basics.shares import newcombe
from crmkit.models.survey.drivers import Importance, importance

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

DELAY, COMPLEXITY, UNMATCHED = "delay", "complexity", "unmatched"
DRIVER_WORDS = {
    DELAY: mark("slow first answers"),
    COMPLEXITY: mark("complicated process (hand-offs and steps)"),
    UNMATCHED: mark("scattered customer data"),
    "reopened": mark("cases that had to be reopened"),
}
FEWEST_RATED = 100
FEWEST_EXPOSED = 30
MANY_HANDOFFS = 2
UNHAPPY = 2.0
DRAWS = 300
CLV_BASIS, REVENUE_BASIS, FEES_BASIS = (
    Text("expected value by the purchase model"),
    Text("revenue of the last twelve months"),
    Text("yearly fees of running contracts"),
)


@dataclass(frozen=True)
class Loss:
    """How much more of the customers with a trouble were lost than of the others: shares, and their difference with limits."""

    with_it: float
    without: float
    value: float
    low: float
    high: float
    p_value: float
    n: int


@dataclass(frozen=True, eq=False)
class Grounds:
    """What findings rest on.

    Parameters
    ----------
    tickets : pandas.DataFrame or None
        Tickets of the last twelve months, rated or not.
    drivers : Importance or None
        Which of the troubles move the satisfaction with a ticket.
    reason : Text or None
        Why there are no drivers.
    exposed : mapping of theme to set of customers
        Whom a trouble has touched in the newest cycle.
    losses : mapping of theme to Loss
        Of those touched in the cycle before, who was lost since; beside others with tickets, where tickets show the trouble.
    worth : pandas.Series or None
        Value per customer, by id.
    basis : Text or None
        What that value is.
    active : int
        Customers at the end.
    at_risk : tuple of float or None
        Money, with its limits, that those would bring who are expected to leave, as the report on leaving has it.
    """

    tickets: pd.DataFrame | None
    drivers: Importance | None
    reason: Text | None
    exposed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    worth: pd.Series[float] | None = None
    basis: Text | None = None
    active: int = 0
    at_risk: tuple[float, float, float] | None = None

    @property
    def ranked(self) -> pd.DataFrame | None:
        """Drivers, the strongest first, with the effect of one standard deviation on satisfaction (points)."""
        if self.drivers is None:
            return None
        found = self.drivers
        effect = dict(zip(found.drivers, found.effects * found.deviations, strict=True))
        table = found.table.copy()
        table["effect"] = [effect[name] for name in table["driver"]]
        return table


def grounds(
    company: Client, past: History, *, results: Mapping[str, Any] | None = None, key: bytes = b"", confidence: float = 0.95
) -> Grounds:
    """What can be said of causes and effects?

    Parameters
    ----------
    company : Client
    past : History
    results : mapping of analysis to Reading, or None
        Those of ``clv`` give the value per customer; without them revenue or fees do.
    key : bytes
        The client's key, which explains the pseudonyms of those results.
    confidence : float

    Returns
    -------
    Grounds
    """
    tables = company.tables
    rated = None
    if "tickets" in tables:
        since = past.starts[min(11, len(past.starts) - 1)]
        rated = audit_cases.rated_tickets(
            tables["tickets"], since=since, events=tables.get("ticket_events"), customers=tables.get("customers"), rated=False
        )
    drivers, reason = _drivers(rated, confidence)
    worth, basis = _worth(company, past, results or {}, key)
    scattered = frozenset(audit_cases.scattered_customers(tables["customers"])) if "customers" in tables else frozenset()
    consent = frozenset(audit_cases.without_consent(tables["customers"])) if "customers" in tables else frozenset()
    exposed = _exposed(past, past.current, rated, scattered) | ({"consent": consent} if consent else {})
    losses = _losses(past, rated, scattered, confidence)
    live = past.who
    at_end = live.at_end(past.current) if live is not None else None
    active = int(at_end.sum()) if at_end is not None else 0
    found = read_bridge(results or {})
    if isinstance(found, Text):
        return Grounds(rated, drivers, reason, exposed, losses, worth, basis, active)
    risk = (float(found.at_risk.value), float(found.at_risk.low or 0.0), float(found.at_risk.high or 0.0))
    return Grounds(rated, drivers, reason, exposed, losses, worth, basis, active, risk)


def driver_table(tickets: pd.DataFrame) -> pd.DataFrame:
    """Rated tickets as the driver model takes them: ``csat`` and a column per trouble, larger is worse."""
    import pandas as pd

    rows = tickets[tickets["csat"].notna()] if "csat" in tickets else tickets.iloc[:0]
    made = pd.DataFrame({"csat": rows.get("csat")})
    if "delay_hours" in rows:
        # minutes at least, because hours are skewed and some are answered at once
        made[DELAY] = np.log(rows["delay_hours"].clip(lower=1 / 60))
    ways = [rows[name] for name in ("handoffs", "steps") if name in rows and rows[name].nunique() > 1]
    if ways:
        made[COMPLEXITY] = sum((way - way.mean()) / way.std() for way in ways) / len(ways)
    for name in (UNMATCHED, "reopened"):
        if name in rows and rows[name].nunique() > 1:
            made[name] = rows[name]
    return made.reset_index(drop=True)


def _drivers(tickets: pd.DataFrame | None, confidence: float) -> tuple[Importance | None, Text | None]:
    if tickets is None or "csat" not in tickets:
        return None, Text("needs tickets with csat")
    table = driver_table(tickets)
    names = [name for name in DRIVER_WORDS if name in table]
    if len(table) < FEWEST_RATED or not names:
        return None, Text("too few tickets were rated")
    try:
        return importance(table, outcome="csat", drivers=names, draws=DRAWS, confidence=confidence), None
    except ModelError as err:
        return None, err.text


def _exposed(
    past: History, window: Window, tickets: pd.DataFrame | None, scattered: frozenset[str]
) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {"scattered": scattered} if scattered else {}
    if "tickets" in past.frames:
        counts = past.rows("tickets", window)
        if "answered" in counts:
            found["slow"] = _ids(counts[counts["answered"] < counts["answered_of"]])
        found["complaints"] = _ids(counts[counts["complaints"] > 0])
    if "cases" in past.frames and "handoffs" in past.frames["cases"]:
        cases = past.rows("cases", window)
        found["complex"] = _ids(cases[cases["handoffs"] >= MANY_HANDOFFS * cases["cases"]])
    if tickets is not None and "csat" in tickets:
        opened = tickets["opened_at"].dt.date
        found["satisfaction"] = _ids(tickets[(tickets["csat"] <= UNHAPPY) & (opened >= window.start) & (opened <= window.end)])
    return {theme: ids for theme, ids in found.items() if ids}


def _ids(rows: pd.DataFrame) -> frozenset[str]:
    return frozenset(rows["customer_id"].astype(str))


def _losses(past: History, tickets: pd.DataFrame | None, scattered: frozenset[str], confidence: float) -> dict[str, Loss]:
    """Customers touched in the cycle before the newest one, and whether they are active still."""
    live = past.who
    if live is None or not len(live.customers) or len(past.cycles) < 2:
        return {}
    earlier = past.cycles[-2]
    then, now = live.at_end(earlier), live.at_end(past.current)
    if then is None or now is None:
        return {}
    base, left = live.customers[then], ~now[then]
    found = {}
    asked = _ids(past.rows("tickets", earlier)) if "tickets" in past.frames else frozenset()
    of_tickets = np.isin(base, list(asked))
    everybody, everyone_left = base, left
    for theme, ids in _exposed(past, earlier, tickets, scattered).items():
        # whoever writes to us is more active anyway, so those with a trouble are compared with others who wrote
        base, left = (everybody, everyone_left) if theme == "scattered" else (everybody[of_tickets], everyone_left[of_tickets])
        hit = np.isin(base, list(ids))
        if min(hit.sum(), (~hit).sum()) < FEWEST_EXPOSED:
            continue
        counts = (left[~hit].sum(), (~hit).sum(), left[hit].sum(), hit.sum())
        gap = newcombe(*counts, confidence=confidence)
        value, low, high, p = (float(getattr(gap, name)[0]) for name in ("value", "low", "high", "p_value"))
        found[theme] = Loss(float(counts[2] / counts[3]), float(counts[0] / counts[1]), value, low, high, p, len(base))
    return found


def _worth(
    company: Client, past: History, results: Mapping[str, Any], key: bytes
) -> tuple[pd.Series[float] | None, Text | None]:
    """Value per customer at the margin of the client: by the purchase model where it ran, else of what they paid in a year."""
    margin = past.rules.margin
    tables = ["clv_scores", "clv_contract_scores"]
    known = per_customer(results.get("clv"), "clv", tables=tables, margin=margin) if key else None
    if known is not None and "customers" in company.tables:
        from crmkit.data.sources.engine import to_frame

        ids = to_frame(company.tables["customers"].select("customer_id").distinct())["customer_id"].astype(str)
        own = known.rename({pseudonym(one, key=key): one for one in ids})
        own = own[own.index.isin(ids)].dropna()
        if len(own):
            return own, CLV_BASIS
    if "purchases" in past.frames and has_amounts(company.tables["transactions"]):
        rows = past.frames["purchases"]
        year = rows[rows["month"] < 12].groupby("customer_id")["amount"].sum()
        return margin * year.astype("float64"), _of_revenue(margin, REVENUE_BASIS)
    if "subscriptions" in company.tables:
        fees = audit_cases.yearly_fees(company.tables["subscriptions"])
        if len(fees):
            return margin * fees.set_index("customer_id")["worth"].astype("float64"), _of_revenue(margin, FEES_BASIS)
    return None, None


def _of_revenue(margin: float, basis: Text) -> Text:
    return basis if margin == 1 else Text("{margin} of {basis}", {"margin": Quantity(margin, "share"), "basis": basis})


def drivers(grounds: Grounds) -> Result:
    """Which troubles move the satisfaction with a ticket, and by how much?

    Returns
    -------
    Result
        Dots: share of what the troubles explain together, with interval; those that do not stand out from noise are told.
    """
    title = Text("What moves satisfaction with a ticket")
    ranked = grounds.ranked
    if ranked is None or grounds.drivers is None:
        return not_assessed("audit_drivers", title, grounds.reason or Text("needs tickets with csat"))
    rows = [
        {
            "group": DRIVER_WORDS[row["driver"]],
            "measure": mark("Share of what is explained"),
            "value": row["value"],
            "low": row["low"],
            "high": row["high"],
            "n": row["n"],
            "unit": "share",
            "method": row["method"],
        }
        for row in ranked.to_dict("records")
    ]
    table = estimates(rows)
    table["effect"], table["rank"] = ranked["effect"].to_numpy(), ranked["rank"].to_numpy()
    table["distinguishable"], table["r_squared"] = ranked["distinguishable"].to_numpy(), grounds.drivers.r_squared
    first = ranked.iloc[0]
    words: dict[str, Quantity | Text | str] = {"name": Text(DRIVER_WORDS[first["driver"]])}
    words |= {"effect": Quantity(abs(first["effect"]), "score"), "r": Quantity(grounds.drivers.r_squared, "share")}
    lower = Text("Scores fall most with {name}: by {effect} points per standard deviation.", words)
    higher = Text("Scores go most with {name}: they rise by {effect} points per standard deviation.", words)
    text = Text(
        "{most} Together the troubles explain {r} of the differences.",
        words | {"most": lower if first["effect"] < 0 else higher},
    )
    if not ranked["distinguishable"].any():
        text = Text("No trouble is linked to satisfaction with tickets more clearly than noise.")
    noise = [Text(DRIVER_WORDS[name]) for name in ranked.loc[~ranked["distinguishable"], "driver"]]
    note = (
        Text(
            "Shares by LMG over n = {n} rated tickets; not distinguishable from noise: {noise}. Associations only.",
            {"n": Quantity(grounds.drivers.n, "count"), "noise": noise[0]},
        )
        if noise
        else Text(
            "Shares by LMG over n = {n} rated tickets; all stand out from noise. Associations only.",
            {"n": Quantity(grounds.drivers.n, "count")},
        )
    )
    return Result(
        "audit_drivers",
        "interval_dots",
        title,
        table,
        columns=(Column("group", "Trouble", translate=True),),
        finding=Finding("audit.drivers", "info", None, text, evidence=("audit_drivers",)),
        note=note,
        alt=Text("Dots with intervals: share of each trouble in what is explained of the satisfaction with tickets."),
        x=Axis("Trouble"),
        y=Axis("Share of what is explained", "share"),
    )
