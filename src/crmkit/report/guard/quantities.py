"""Which quantities do several pages say by different words, and where does each analysis keep them?

Stands alone: a catalogue that grows with the pages; how what they say is compared is in :mod:`crmkit.report.guard.agreement`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal


@dataclass(frozen=True)
class Source:
    """Where one analysis keeps a quantity.

    Parameters
    ----------
    kind : {"box", "number", "stake", "cell", "rows", "sum", "revenue"}
        A value box by its key; a number of a finding by its place; the money at stake of a finding; a cell of a result table,
        its row named by the first column; how many rows a result table has; the sum of a column; that sum over the margin of
        the report.
    of : str
        Key of the box, id of the finding, or name of the table.
    at : str
        Place in the sentence, row of the table, or column that is summed.
    column : str
        Of a cell: where the value stands.
    unit : str
        Of a cell or a sum; empty: as the row says, and money.
    analysis : str
        Of a box: which analysis it leads; else the name before the first ``.`` or ``_``.
    """

    kind: Literal["box", "number", "stake", "cell", "rows", "sum", "revenue"]
    of: str
    at: str = ""
    column: str = "value"
    unit: str = ""
    analysis: str = ""

    @property
    def owner(self) -> str:
        """The analysis."""
        return self.analysis or re.split("[._]", self.of)[0]


def _box(analysis: str, key: str) -> Source:
    return Source("box", key, analysis=analysis)


_number, _stake, _cell, _rows, _sum, _revenue = (
    partial(Source, kind) for kind in ("number", "stake", "cell", "rows", "sum", "revenue")
)


def _indicator(name: str, *, column: str = "value", unit: str = "") -> tuple[Source, ...]:
    """An indicator of the audit, in whichever of its tables it stands."""
    tables = ("audit_process", "audit_outcome", "audit_input_output", "audit_data_people", "audit_quality")
    return tuple(_cell(table, name, column=column, unit=unit) for table in tables)


def _over_cycles(name: str) -> tuple[Source, ...]:
    """An indicator in its table, and as the newest of four cycles."""
    return (*_indicator(name), _cell("audit_trend_table", name, column="value3"))


def _counted(state: str) -> tuple[Source, ...]:
    """A row of the table that says on every page who counts as a customer."""
    analyses = ("data_quality", "service", "clv", "churn", "satisfaction", "audit")
    return tuple(_cell("customers", state, column="n", unit="count", analysis=one) for one in analyses)


NAMED: Mapping[str, tuple[Source, ...]] = {
    "customers so far": (
        *_counted("so far"),
        _box("clv", "Customers"),
        _number("clv.alive", "n"),
        _number("clv.one_time", "n"),
        _rows("clv_scores"),
        _box("churn", "Customers so far"),
    ),
    "customers under contract so far": (*_counted("under contract so far"), _box("churn", "Under contract so far")),
    "customers today": (
        *_counted("active"),
        *_counted("under contract"),
        _box("clv", "Customers under contract"),
        _rows("clv_contract_scores"),
        _box("churn", "Customers today"),
        *_over_cycles("R-NCUST"),
    ),
    "customers whose risk is known": (
        _box("churn", "Customers today"),
        _box("churn", "Customers assessed"),
        _number("churn.risk", "n"),
        _rows("churn_list"),
    ),
    "customers whose contract ended": _counted("contract ended"),
    "customers never under contract": _counted("never under contract"),
    "buyers whose risk is known": (
        _box("churn", "Buyers today"),
        _box("churn", "Buyers assessed"),
        _number("churn.shop_risk", "n"),
        _rows("churn_shop_list"),
    ),
    "buyers expected to stay away": (
        _box("churn", "Buyers expected to stay away"),
        _number("churn.shop_risk", "left"),
        _sum("churn_shop_list", "probability", unit="count"),
    ),
    "value at risk of buyers": (
        _box("churn", "Value at risk of buyers"),
        _number("churn.shop_risk", "money"),
        _sum("churn_shop_list", "at_risk"),
    ),
    "customers lapsed": (*_counted("lapsed"), _cell("clv_stage_table", "lapsed", column="n", unit="count")),
    "customers never": (*_counted("never bought"), _cell("clv_stage_table", "potential", column="n", unit="count")),
    "value of all customers": (
        _box("clv", "Expected value"),
        _number("clv.value", "total"),
        _sum("clv_scores", "clv"),
        _sum("clv_contract_scores", "clv"),
        _cell("audit_bridge", "Value of all customers"),
    ),
    "value at risk": (
        _box("churn", "Value at risk"),
        _number("churn.risk", "money"),
        _stake("churn.risk"),
        _number("audit.bridge", "risk"),
        _cell("audit_bridge", "At risk"),
        _stake("audit.indicator.leaving"),
        _sum("churn_list", "at_risk"),
    ),
    "expected leavers": (
        _box("churn", "Expected to leave"),
        _box("churn", "Expected to stay away"),
        _number("churn.risk", "left"),
        _sum("churn_list", "probability", unit="count"),
    ),
    "share expected to leave": (_box("churn", "Expected share"), _number("churn.risk", "share")),
    "kept after a year": (
        _box("churn", "Kept after a year"),
        _box("churn", "Of the customers a year ago, still one"),
        *_over_cycles("R-RET"),
    ),
    "value held by the top tier": (_number("clv.concentration", "held"), *_over_cycles("R-TIER")),
    "NPS": (
        _box("satisfaction", "NPS"),
        _number("satisfaction.level", "value"),
        *_over_cycles("R-NPS"),
        _cell("audit_pillars", "Recommendation: net promoter score"),
    ),
    "CSAT, two top boxes": (
        _box("satisfaction", "CSAT, two top boxes"),
        _number("satisfaction.weighting", "before"),
        *_over_cycles("P-CSAT"),
        _cell("audit_pillars", "Satisfaction: satisfied customers"),
    ),
    "CSAT, mean": (_box("satisfaction", "CSAT, mean"), _cell("satisfaction_scores", "CSAT, mean")),
    "CES, mean": (_box("satisfaction", "CES, mean"), _cell("satisfaction_scores", "CES, mean")),
    "customers to protect": (_number("clv.protect", "all"), _rows("clv_protect")),
    "customers to win back": (_number("clv.wake", "n"), _rows("clv_wake")),
    "worth of winning back": (_number("clv.wake", "money"), _sum("clv_wake", "money")),
    "customers to grow": (_number("clv.grow", "n"), _rows("clv_grow")),
    "worth of growing": (_number("clv.grow", "money"), _sum("clv_grow", "money")),
    "customers of the campaign": (
        _number("churn.plan", "k"),
        _rows("churn_assignment"),
        _number("audit.bridge", "n"),
        _cell("churn_rules", "Expected profit", column="contacts", unit="count"),
    ),
    "profit of the campaign": (
        _number("churn.plan", "profit"),
        _stake("churn.plan"),
        _cell("churn_rules", "Expected profit", column="profit", unit="money"),
        _number("audit.bridge", "net"),
        _cell("audit_bridge", "Net gain"),
    ),
    "cost of the campaign": (
        _number("churn.plan", "cost"),
        _cell("churn_rules", "Expected profit", column="cost", unit="money"),
        _number("audit.bridge", "cost"),
    ),
    "actions planned": (_rows("audit_plan"), _sum("audit_states", "n", unit="count"), _number("audit.priorities", "all")),
    "customers to call": (_number("satisfaction.loop", "n"), _rows("satisfaction_loop")),
    "worth of those to call": (
        _number("satisfaction.loop", "money"),
        _stake("satisfaction.loop"),
        _sum("satisfaction_loop", "value"),
    ),
    "revenue of 365 days": (
        _revenue("clv_service", "brought"),
        _cell("clv_contribution", "all customers", column="paid", unit="money"),
    ),
    "costs of 365 days": (
        _number("clv.costs", "total"),
        _cell("clv_costs", "all costs", column="amount", unit="money"),
        _sum("clv_service", "cost"),
    ),
    "sales a month": _over_cycles("R-SALES"),
    "tickets of the cycle": (
        *_indicator("P-RESP90", column="n", unit="count"),
        *_indicator("P-RESP50", column="n", unit="count"),
        *_indicator("P-RES", column="n", unit="count"),
    ),
    "response time": _over_cycles("P-RESP50"),
    "response time, 90 of 100": _over_cycles("P-RESP90"),
    "answered within the agreed time": _over_cycles("P-RESP"),
    "time to resolution": _over_cycles("P-RES"),
    "hand-offs of a case": _over_cycles("P-HAND"),
    "followed up": _over_cycles("P-COVER"),
    "response rate of the survey": (
        _number("satisfaction.response", "rate"),
        _cell("satisfaction_response", "all channels"),
        *_over_cycles("P-FBR"),
    ),
    "value of a customer": (*_over_cycles("R-CLV"), _cell("audit_pillars", "Value of a customer")),
    "lost per month": (*_over_cycles("R-CHURN"), _cell("audit_pillars", "Leaving: customers lost per month")),
    "second purchase": _over_cycles("R-REPEAT"),
    "answers to the recommendation": (
        _cell("satisfaction_scores", "NPS", column="n", unit="count"),
        *_indicator("R-NPS", column="n", unit="count"),
    ),
    "answers on satisfaction": (
        _cell("satisfaction_scores", "CSAT, two top boxes", column="n", unit="count"),
        *_indicator("P-CSAT", column="n", unit="count"),
    ),
    "complaints per 1,000": _over_cycles("P-CMPR"),
    "opened again": _over_cycles("P-REOPEN"),
    "solved at first contact": _over_cycles("P-FCR"),
}
