"""From what customers could bring to what can be won: every step is read, and nothing is counted twice."""

from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses.audit import bridge, read_bridge
from crmkit.core.errors import ReportError
from crmkit.core.language import Locale, say
from crmkit.core.results import Text, estimates
from crmkit.show.tables import exhibit_text


def reading(margin=0.4, reason=None, **tables):
    def table(name):
        if name not in tables:
            raise ReportError(f"no table {name}")
        return tables[name]

    report = {"parameters": {"margin": {"value": margin}}}
    return SimpleNamespace(reason=reason, report=report, table=table)


def totals(measure, value, low, high):
    return estimates([{"group": "x", "measure": measure, "value": value, "low": low, "high": high, "unit": "money"}])


VALUE = {"clv_totals": totals("clv", 41_344.0, 38_485.0, 43_718.0)}
LEAVING = {
    "churn_totals": totals("at_risk", 20_268.0, 16_274.0, 23_923.0),
    "churn_rules": pd.DataFrame(
        {"rule": ["Expected profit", "Random"], "contacts": [100, 100], "cost": [184.0, 188.0], "profit": [696.0, 163.0]}
    ),
}


def results(**changed):
    return {"clv": reading(**VALUE), "churn": reading(**LEAVING)} | changed


def test_each_step_is_that_of_its_report_and_the_chain_adds_up():
    result = bridge(results())
    steps = dict(zip(result.table["group"], result.table["value"], strict=True))
    assert (steps["Value of all customers"], steps["At risk"], steps["Net gain"]) == (41_344.0, 20_268.0, 696.0)
    assert steps["Can be won back"] + steps["Cost of the campaign"] == pytest.approx(steps["Net gain"])
    limits = result.table.set_index("group").loc["At risk"]
    assert limits["low"] <= limits["value"] <= limits["high"]
    assert say(result.finding.text, Locale()) == (
        "Customers are worth €41,344; €20,268 is at risk. Contacting 100 customers costs €184.00 and leaves a gain of €696.00."
    )
    assert "value of customers" in exhibit_text(result, Locale())


def test_where_no_contact_pays_nothing_is_won():
    result = bridge(results(churn=reading(churn_totals=LEAVING["churn_totals"])))
    assert result.table.set_index("group").loc["Net gain", "value"] == 0
    assert "No contact would bring more than it costs" in say(result.finding.text, Locale())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"churn": reading(margin=1.0, **LEAVING)}, "count different margins"),
        ({"clv": reading(reason=Text("run clv first"))}, "run clv first"),
        ({"clv": reading()}, "hold no sums of money"),
    ],
)
def test_what_does_not_fit_together_makes_no_chain(changed, said):
    found = bridge(results(**changed))
    assert found.table is None
    assert said in say(found.reason, Locale())


def test_both_reports_are_needed():
    assert isinstance(read_bridge({"clv": reading(**VALUE)}), Text)
