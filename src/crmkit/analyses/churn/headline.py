"""What should the reader know first? The findings of all sections, in the order of what they are worth to a manager."""

from __future__ import annotations

from crmkit.analyses.churn.alarms import board
from crmkit.analyses.churn.basics import checks, window
from crmkit.analyses.churn.calendar import monthly
from crmkit.analyses.churn.causes import reasons
from crmkit.analyses.churn.curves import year_finding
from crmkit.analyses.churn.economics import Plan, plan_finding
from crmkit.analyses.churn.effects import effects, proportionality
from crmkit.analyses.churn.evaluation import calibration, comparison
from crmkit.analyses.churn.fit import Backtest
from crmkit.analyses.churn.inputs import columns
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.worth import Worth, risk_finding
from crmkit.core.results import Finding, Text


def headline(past: Past, work: Backtest, value: Worth, plan: Plan) -> list[Finding]:
    """What is at risk, where does leaving rise, why, whom to contact, and how far can that be trusted?

    Parameters
    ----------
    past, work, value, plan
        From :func:`history`, :func:`study`, :func:`worth` and :func:`make_plan`.

    Returns
    -------
    list of Finding
        Risk and money first, then the alarm board, how long customers stay, the months, the reasons and the window (or that it
        cannot be said who has left), effects and plan; calibration and the comparison with simple rules where there were tests;
        of the checks on proportional hazards, on columns and on the data only those that do not hold.
    """
    found: list[Finding | None] = [risk_finding(past, value), board(past, work).finding if past.usable else None]
    if past.usable:
        found += [year_finding(past), monthly(past).finding, reasons(past).finding, window(past).finding]
    else:
        found.append(_unknown(past))
    found += [effects(past, work).finding, plan_finding(plan)]
    if work.tests:
        found += [calibration(past, work).finding, comparison(past, work)]
    # what holds needs no place at the top
    found += [one for one in (proportionality(work).finding, columns(work).finding) if one and not one.passed]
    found += checks(past)
    if work.model is None and past.usable:
        found.append(_no_model(work))
    return [finding for finding in found if finding is not None]


def _unknown(past: Past) -> Finding:
    text = Text("It cannot be said who has left: {reason}", {"reason": past.window_reason})
    return Finding("churn.unknown", "critical", False, text, evidence=("churn_window",))


def _no_model(work: Backtest) -> Finding:
    text = Text("There is no model of who leaves: {reason}", {"reason": work.reason})
    return Finding("churn.no_model", "warning", False, text)
