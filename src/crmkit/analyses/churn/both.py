"""A company with contracts and a shop: who of those who buy does not come back in time? A section beside the contracts.

Stands alone: it runs the whole analysis once more with another definition, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crmkit.analyses.churn.backtest import study
from crmkit.analyses.churn.basics import window
from crmkit.analyses.churn.evaluation import calibration
from crmkit.analyses.churn.read import Past, history
from crmkit.analyses.churn.warning import early_warning
from crmkit.analyses.churn.worth import totals, worth
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Finding, Result, Text, not_assessed
from crmkit.data.summaries.windows import paid_by_contract

if TYPE_CHECKING:
    from crmkit.data.client import Client

NAME, ID = ("churn_", "churn_shop_"), ("churn.", "churn.shop_")
# boxes that stand for the contracts under the same words
BUYERS = {
    "Customers so far": mark("Buyers so far"),
    "Silent for too long to be one": mark("Buyers silent for too long"),
    "Of the customers a year ago, still one": mark("Of the buyers a year ago, still one"),
    "Customers today": mark("Buyers today"),
    "Customers assessed": mark("Buyers assessed"),
    "Expected to stay away": mark("Buyers expected to stay away"),
    "Expected share": mark("Share of buyers expected to stay away"),
    "Value at risk": mark("Value at risk of buyers"),
}
TITLED = Text("{title} (purchases, beside the contracts)")


def beside(
    company: Client,
    past: Past,
    reading: Reading | None = None,
    *,
    value_days: int,
    margin: float,
    actions: Mapping[str, str],
    key: bytes = b"",
) -> tuple[Result, ...]:
    """Where customers leave by contract and others buy as well: who of the buyers is expected to stay away?

    Parameters
    ----------
    company : Client
    past : Past
        From :func:`history`, of the contracts.
    reading, value_days, margin, key
        As for :func:`worth`.
    actions : mapping of str to str
        As for :func:`early_warning`.

    Returns
    -------
    tuple of Result
        Value boxes, the horizon, calibration on earlier days, and the list; nothing where there is no second kind, and where
        the transactions are what contracts cost.
    """
    paid = paid_by_contract(company.tables, as_of=company.as_of)
    if not past.contractual or "transactions" not in company.tables or paid:
        return ()
    declared = replace(past.rule, kind="non_contractual", horizon_days=0, grace_days=0)
    shop = history(company, declared, confidence=past.confidence)
    if not shop.usable:
        title = Text("Customers who buy, and who is expected to stay away")
        return (not_assessed("churn_shop_totals", title, Text("{reason}", {"reason": shop.window_reason})),)
    work = study(shop)
    value = worth(shop, work, reading, value_days=value_days, margin=margin, key=key)
    found = (totals(shop, value), window(shop), calibration(shop, work), early_warning(shop, work, value, actions=actions))
    return tuple(_named(one) for one in found)


def _named(one: Result) -> Result:
    """An exhibit under a name of its own, so that it does not take the place of that of the contracts."""
    finding = one.finding
    if finding is not None:
        finding = _finding(finding)
    title = Text(TITLED.template, {"title": one.title})
    table = one.table
    if one.kind == "values" and table is not None:
        table = table.assign(group=table["group"].replace(BUYERS))
    return replace(one, name=one.name.replace(*NAME, 1), title=title, table=table, finding=finding)


def _finding(one: Finding) -> Finding:
    return replace(
        one, id=one.id.replace(*ID, 1), evidence=tuple(name.replace(*NAME, 1) for name in one.evidence), money_at_stake=None
    )
