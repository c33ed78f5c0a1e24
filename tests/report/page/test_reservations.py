"""A verdict that rests on weak data says so, and its numbers stay where others look for them."""

from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.core.errors import ReportError
from crmkit.core.language import Locale, say
from crmkit.core.results import Finding, Quantity, Text
from crmkit.report.exhibits import finding_record
from crmkit.report.page.reservations import VERDICTS, reasons, reserved

VERDICT = Finding("churn.risk", "warning", False, Text("{n} customers leave.", {"n": Quantity(3, "count")}))
GATES = pd.DataFrame(
    {"analysis": ["churn", "churn", "clv"], "held": [False, True, True], "why": ["half are missing", "all is old", "x"]}
)


def reading(table=GATES, reason=None):
    def of(name):
        if table is None:
            raise ReportError("has no such table")
        return table

    return SimpleNamespace(reason=reason, table=of)


def test_reasons_are_those_of_the_analysis_that_do_not_hold():
    assert reasons(reading(), "churn") == ("half are missing",)
    assert reasons(reading(), "clv") == ()
    for nothing in (None, reading(None), reading(reason=Text("run data_quality first"))):
        assert reasons(nothing, "churn") == ()


def test_the_verdict_alone_changes_its_wording_and_only_once():
    found = reserved(VERDICT, "churn", ("half are missing",))
    assert say(found.text, Locale()) == "With reservation: 3 customers leave. The reason: half are missing."
    assert (found.severity, found.passed) == ("warning", None)
    assert reserved(found, "churn", ("half are missing",)) is found
    other = Finding("churn.board", "good", True, Text("All is calm."))
    assert reserved(other, "churn", ("half are missing",)) is other
    assert reserved(VERDICT, "clv", ("half are missing",)) is VERDICT
    assert reserved(VERDICT, "churn", ()) is VERDICT


def test_its_numbers_are_recorded_under_their_own_names():
    record = finding_record(reserved(VERDICT, "churn", ("half are missing",)), Locale())
    assert (
        record["numbers"]
        == finding_record(VERDICT, Locale())["numbers"]
        == {"n": {"value": 3, "low": None, "high": None, "unit": "count"}}
    )


@pytest.mark.parametrize("analysis", VERDICTS)
def test_each_analysis_with_a_gate_has_a_verdict_and_reads_the_owner(analysis):
    from pathlib import Path

    from crmkit.analyses.data_quality.gates import GATES as OF_KIT
    from crmkit.report.params.notebooks import read_notebook

    assert analysis in {one.analysis for one in OF_KIT}
    assert "data_quality" in read_notebook(analysis, home=Path(__file__).parents[3]).results
