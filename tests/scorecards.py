"""A company of a few indicators, goals and actions whose scorecard can be worked out by hand."""

import datetime as dt
from types import SimpleNamespace

import pandas as pd

from crmkit.analyses import audit
from crmkit.analyses.audit.findings import FINDING, AuditFinding, Check, Measure
from crmkit.analyses.audit.plan import Action, Aim, Dates
from crmkit.analyses.audit.plan.actions import Price
from crmkit.core.errors import ReportError
from crmkit.core.results import Text

DAY = dt.date(2025, 12, 31)
BOOK = audit.load_catalogue()
NAN = float("nan")


def indicator(name, value, score, *, target=None, p=0.5, better=None, n=100.0, low=None, high=None, assessed=True):
    """A row of indicators as assessed; the limits are the value unless they are given."""
    one = BOOK[name]
    low, high = value if low is None else low, value if high is None else high
    return {
        "indicator": name,
        "class": one.group,
        "name": one.en,
        "value": value if assessed else NAN,
        "low": low,
        "high": high,
        "n": n,
        "unit": one.unit,
        "direction": one.direction,
        "target": one.target if target is None else target,
        "score": score if assessed else NAN,
        "score_low": max(1.0, score - 1),
        "score_high": min(5.0, score + 1),
        "status": "assessed" if assessed else "not assessed",
        "reason": "" if assessed else "too few cases",
        "weight": one.weight,
        "placeholder": True,
        "method": "Wilson",
        "came_back": NAN,
        "p_value": p,
        "p_better": 1 - p if better is None else better,
    }


def action(name, owner="Service", *, indicator="", start="2026-01-01", due="2026-06-30", effort=10.0, cost=1000.0, **more):
    """An action of the plan."""
    dates = Dates(dt.date.fromisoformat(start), dt.date.fromisoformat(due), more.pop("horizon", "short"))
    aim = Aim(indicator, baseline=0.4, effect=0.2, target=0.9)
    price = Price(effort, cost, more.pop("worth", NAN))
    return Action(name, f"Do {name}. And more.", "A-FAST", owner, "client", more.pop("finding", ""), dates, aim, price, **more)


def goals(*rows):
    """The table goals: id, indicator, target, starts, due, and what else is given."""
    table = pd.DataFrame([{"owner": "Head", "objective": None, **row} for row in rows])
    return table.assign(starts_on=pd.to_datetime(table["starts_on"]), due_on=pd.to_datetime(table["due_on"]))


def goal(name, indicator, target, start, due, **more):
    return {"goal_id": name, "indicator": indicator, "target": target, "starts_on": start, "due_on": due, **more}


def finding(theme, indicator, level=FINDING):
    check = Check("indicator", theme, indicator, True, 0.001, Text("criterion"), Text("condition"), Measure(n=10))
    return AuditFinding(f"indicator.{theme}", "indicator", theme, level, Text(theme), (check,), Text("c"), Text("e"), Text("r"))


def reading(reason=None, parameters=None, **tables):
    """Results of another analysis."""

    def table(name):
        if name not in tables:
            raise ReportError(f"no table {name}")
        return tables[name]

    said = {"parameters": {name: {"value": value} for name, value in (parameters or {}).items()}}
    return SimpleNamespace(reason=reason, report=said, table=table)
