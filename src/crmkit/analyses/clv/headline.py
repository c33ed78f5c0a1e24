"""What should the reader know first?"""

from __future__ import annotations

from crmkit.analyses.clv.checks import checks
from crmkit.analyses.clv.customers import base
from crmkit.analyses.clv.fit import Models
from crmkit.analyses.clv.holdout import HoldOut, accuracy, forecast_finding
from crmkit.analyses.clv.lists import grow, protect, wake
from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.retention import retention
from crmkit.analyses.clv.stages import StageRules
from crmkit.analyses.clv.tiers import concentration
from crmkit.analyses.clv.totals import alive_finding, ranges_finding, value_finding
from crmkit.analyses.clv.values import Values
from crmkit.core.results import Finding, Text


def headline(
    past: Purchases,
    models: Models,
    check: HoldOut | None,
    values: Values | None,
    *,
    rules: StageRules | None = None,
    calls: frozenset[str] = frozenset(),
) -> list[Finding]:
    """The findings that lead the report, whom to turn to, and what limits how far it can be trusted.

    Parameters
    ----------
    past, models, check, values
        As computed for the page.
    rules : StageRules or None
        Who is asleep; None: nobody is named to turn to.
    calls : frozenset of str
        Customers who wait for a call and stand in no other list.

    Returns
    -------
    list of Finding
        Value, activity and concentration; whether the forecast held; what the models could not do.
    """
    found: list[Finding | None] = []
    if values is not None:
        found.append(value_finding(past, values))
        found += [] if values.under_contract else [alive_finding(values)]
        found.append(concentration(past, values).finding)
    if rules is not None:
        found += [make(past, values, rules=rules, calls=calls).finding for make in (protect, wake, grow)]
    if past.rhythm.paid:
        text = Text(
            "What customers pay comes at even intervals: it is the price of contracts, and values rest on how long these last."
        )
        found.append(Finding("clv.paid", "info", None, text))
    if models.contracts is not None:
        found.append(retention(past, models).finding)
        if values is None or values.clv is None:
            text = Text("Customers have no value here: {reason}", {"reason": models.contracts.reason or no_value(past)})
            found.append(Finding("clv.no_value", "warning", False, text))
    found.append(base(past).finding)
    if check is not None:
        found += [forecast_finding(past, check), accuracy(past, check).finding]
    if values is not None:
        found.append(ranges_finding(values))
    return [finding for finding in [*found, *checks(past, models)] if finding is not None]
