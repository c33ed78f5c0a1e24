"""What is planted in the demo companies is found by the service, and the audit says the same of it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from crmkit.analyses import service
from crmkit.analyses.audit.indicators.process import FUNCTIONS
from crmkit.analyses.audit.read import history

DEMO = Path(__file__).parents[3] / "data" / "demo"
TABLES = ("tickets", "ticket_events", "processes", "transactions", "customers")


@pytest.fixture(scope="module", params=["retailco", "shopco"])
def both(request, company):
    """The service of a demo company, what its audit reads, and what is true of it."""
    folder = DEMO / request.param
    declared = {"tickets": {"items": {"csat": {"scale": [1, 5], "kind": "csat"}}}}
    tables = {name: pd.read_csv(folder / f"{name}.csv", dtype=str) for name in TABLES}
    opened = company(tables=tables, as_of="2025-12-31", declared=declared)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["audit"]["indicators"]
    return service.read(opened), history(opened), truth


def measured(past):
    rows = pd.concat([service.waits(past).table, service.outcomes(past).table]).set_index("measure")
    hand = service.handed(past).finding.text.numbers["per"]
    found = {
        "P-RESP50": rows.loc["response_median"],
        "P-RESP90": rows.loc["response_p90"],
        "P-RESP": rows.loc["response_within"],
        "P-REOPEN": rows.loc["reopened"],
    }
    ends = {name: (row["value"], row["low"], row["high"]) for name, row in found.items()}
    return ends | {"P-HAND": (hand.value, hand.low, hand.high)}


def test_what_is_planted_lies_within_the_limits(both):
    past, _, truth = both
    found = measured(past)
    # five intervals of 95 % of one sample: nearly all of them hold what is true
    outside = [name for name, (_, low, high) in found.items() if not low <= truth[name] <= high]
    assert len(outside) <= 1, {name: (found[name], truth[name]) for name in outside}


def test_the_audit_says_the_same(both):
    past, audited, _ = both
    rows = pd.concat([service.waits(past).table, service.outcomes(past).table]).set_index("measure")

    def of(name):
        return FUNCTIONS[name](audited, audited.current, 0.95).value

    # the audit counts whole minutes
    for name, measure in (("P-RESP50", "response_median"), ("P-RESP90", "response_p90"), ("P-RES", "resolution_median")):
        assert of(name) == pytest.approx(rows.loc[measure, "value"], abs=1 / 60)
    for name, measure in (
        ("P-FCR", "at_once"),
        ("P-REOPEN", "reopened"),
        ("P-CACK", "acknowledged"),
        ("P-CLOSE", "noticed"),
        ("P-CMPR", "complaints"),
    ):
        assert of(name) == pytest.approx(rows.loc[measure, "value"], rel=1e-9)
    assert of("P-HAND") == pytest.approx(service.handed(past).finding.text.numbers["per"].value, rel=1e-9)
    conforms = service.conformance(past).table.set_index("measure").loc["conforms", "value"]
    assert of("P-CONF") == pytest.approx(conforms, rel=1e-9)


def test_what_is_wrong_is_said_of_the_shop_that_has_it(both):
    past, _, truth = both
    slow = truth["P-RESP50"] > 8
    assert (service.waits(past).finding.severity == "warning") is slow
    assert (service.bottlenecks(past).finding.severity == "warning") is slow
    assert service.teams(past).finding.passed
