"""How does the market move beside the company, by the figures that the client typed in, and which opportunities are there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.by_class import in_words
from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.indicators.outcome import MARKET
from crmkit.analyses.audit.outlook.indicators import Coming
from crmkit.analyses.audit.outlook.kinds import RISING
from crmkit.analyses.audit.risks.register import CATEGORY_WORDS
from crmkit.core.language import mark
from crmkit.core.results import Column, Result, Text, not_assessed

if TYPE_CHECKING:
    pass

SIZE = mark("Size of the market")
TWO = 2
# a part of such a value means nothing
POINTS = ("points", "score")


def market(ahead: Coming) -> Result:
    """How do figures of others move, and how do ours?

    Returns
    -------
    Result
        A row per indicator and peer of the client's table ``benchmarks``: ``name, peer, period, theirs, change`` (of their
        newest period on the one before, as a share of it), ``ours, ours_change`` (of the newest cycle on the same a year
        before), ``ours_next`` with its range in words, ``source, dated_at``.
    """
    import pandas as pd

    work, title = ahead.work, Text("The market beside us")
    peers = own_table(work.company, "benchmarks")
    if peers is None or peers.empty:
        reason = Text("needs a table benchmarks with source and date; no figure of others is built in")
        return not_assessed("audit_market", title, reason)
    state = work.state.set_index("indicator", drop=False)
    forecasts = {one.indicator.id: one for one in ahead.forecasts}
    rows = []
    for (name, peer), own in peers.groupby(["indicator", "peer"], sort=True):
        last = own.sort_values(["period", "dated_at"] if "dated_at" in own else ["period"], kind="stable")
        newest = last.iloc[-1]
        id_, values = str(name), last["value"].to_numpy(dtype="float64")
        known = id_ in state.index
        unit = str(state.loc[id_, "unit"]) if known else "money" if id_ == MARKET else "number"
        change = values[-1] / values[-2] - 1 if len(values) >= TWO and values[-2] > 0 else np.nan
        if unit in POINTS:
            change = np.nan
        # the market is held against sales
        mine = "R-SALES" if id_ == MARKET else id_
        ours = float(state["value"].get(id_, np.nan))
        next_ = forecasts.get(id_)
        rows.append(
            {
                "indicator": id_,
                "name": str(state.loc[id_, "name"]) if known else SIZE if id_ == MARKET else id_,
                "peer": str(peer),
                "period": str(newest["period"]),
                # as numbers, for whoever reads the table elsewhere
                "their_value": values[-1],
                "our_value": ours,
                "next_low": np.nan if next_ is None else next_.found.whole_low,
                "next_high": np.nan if next_ is None else next_.found.whole_high,
                "theirs": in_words(values[-1], unit, work),
                "change": change,
                "ours": in_words(ours, unit, work),
                "ours_change": np.nan if unit in POINTS else _year_before(work, mine),
                "ours_next": "–"
                if next_ is None
                else " – ".join(in_words(end, unit, work) for end in (next_.found.whole_low, next_.found.whole_high)),
                "source": newest.get("source", ""),
                "dated_at": newest.get("dated_at"),
            }
        )
    columns = (
        Column("name", "Indicator", translate=True),
        Column("peer", "Who"),
        Column("period", "Period"),
        Column("theirs", "There"),
        Column("change", "Change there", "share"),
        Column("ours", "Here"),
        Column("ours_change", "Change here, on the year", "share"),
        Column("ours_next", "Here, next cycle"),
        Column("source", "Source"),
        Column("dated_at", "As of", "date"),
    )
    note = Text("Figures of others are as the company typed them in. The size of the market stands beside the growth of sales.")
    return Result("audit_market", "table", title, pd.DataFrame(rows), columns=columns, note=note)


def _year_before(work: Audit, indicator: str) -> float:
    """Change of an indicator on the same cycle a year before, as a share of it; nan where that is not known."""
    own = work.over[work.over["indicator"] == indicator].set_index("cycle")["value"]
    length = len(work.past.current.months)
    back, names = 12 // length, [window.name for window in work.past.cycles]
    if len(names) <= back or names[-1] not in own or names[-1 - back] not in own:
        return float("nan")
    then = float(own[names[-1 - back]])
    return float(own[names[-1]]) / then - 1 if then > 0 else float("nan")


def opportunities(work: Audit, *trends: Result) -> Result:
    """Which opportunities does the register hold, and which do the data show: kinds, topics and segments that rise?

    Parameters
    ----------
    work : Audit
    trends : Result
        Of :mod:`crmkit.analyses.audit.outlook.kinds`.

    Returns
    -------
    Result
        A row per opportunity: ``what, basis, value, low, high`` (change per month), ``owner``.
    """
    import pandas as pd

    title = Text("Opportunities")
    rows: list[dict[str, Any]] = [
        {"what": risk.title, "basis": CATEGORY_WORDS.get(risk.category, risk.category), "owner": risk.owner}
        for risk in work.risks
        if risk.response == "pursue" and not risk.theme
    ]
    for result in trends:
        if result.table is None:
            continue
        for row in result.table[result.table["verdict"] == RISING].to_dict("records"):
            line = {
                "what": f"{row['by']}: {row['kind']}" if "by" in row else row["kind"],
                "basis": row.get("by", SALES),
                "owner": "",
            }
            rows.append(line | {part: row[part] for part in ("value", "low", "high", "n")})
    if not rows:
        return not_assessed(
            "audit_opportunities", title, Text("none is in the register, and nothing rises by more than chance")
        )
    table = pd.DataFrame(rows, columns=["what", "basis", "value", "low", "high", "n", "owner"])
    columns = (
        Column("what", "What", translate=True),
        Column("basis", "Where", translate=True),
        Column("value", "Change per month", "share", limits=("low", "high")),
        Column("owner", "Owner"),
    )
    note = Text("Risks whose response is to pursue them, and what rises by more than chance.")
    return Result("audit_opportunities", "table", title, table.assign(group=table["what"]), columns=columns, note=note)


SALES = mark("sales by category")
