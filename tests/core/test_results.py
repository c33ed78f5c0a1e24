"""The shapes that flow: estimate tables, curve tables, findings."""

import pandas as pd
import pytest

from crmkit.core.results import CURVE_COLUMNS, ESTIMATE_COLUMNS, Finding, Text, curve, estimates, not_assessed, worst_first


def test_estimates_always_have_all_columns():
    table = estimates([{"group": "all", "measure": "gini", "value": 0.5, "unit": "ratio", "n": 10}])
    assert tuple(table.columns) == ESTIMATE_COLUMNS
    assert table["low"].isna().all()


def test_estimates_refuse_what_no_reader_expects():
    with pytest.raises(ValueError, match=r"unknown keys \['val'\], missing keys \['value'\]"):
        estimates([{"group": "all", "measure": "gini", "val": 0.5, "unit": "ratio"}])


def test_curves_always_have_all_columns():
    assert tuple(curve(pd.DataFrame({"x": [0, 1], "value": [0, 1]})).columns) == CURVE_COLUMNS
    with pytest.raises(ValueError, match=r"missing columns \['value'\]"):
        curve(pd.DataFrame({"x": [0, 1]}))


def test_the_worst_finding_comes_first():
    listed = [Finding(s, s, None, Text(s)) for s in ("good", "critical", "info", "warning")]
    assert [finding.id for finding in worst_first(listed)] == ["critical", "warning", "info", "good"]


def test_what_is_not_assessed_has_a_reason_and_no_number():
    result = not_assessed("x", Text("X"), Text("needs tickets"))
    assert not result.assessed
    assert result.table is None
