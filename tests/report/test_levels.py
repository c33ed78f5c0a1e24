"""A page names the level that its notebook asked for, in every exhibit that does not say another."""

from types import SimpleNamespace

import pytest

from crmkit.core.results import Result, Text, estimates
from crmkit.core.settings import Settings
from crmkit.report.page.page import Page
from crmkit.report.params.flatten import Used


@pytest.fixture
def page():
    settings = Settings(client="test", title="Test", source="data/test")
    company = SimpleNamespace(name="test", settings=settings, currency="EUR", language="en", key=lambda: b"k" * 32)
    return Page("clv", company, {"confidence": Used(0.9, "params/test.yml")})


def exhibit(kind="values"):
    row = {
        "group": "All",
        "measure": "Share",
        "value": 0.25,
        "low": 0.2,
        "high": 0.3,
        "n": 400,
        "unit": "share",
        "method": "Wilson",
    }
    return Result("shares", kind, Text("Shares"), estimates([row]))


@pytest.mark.parametrize("kind", ["values", "table"])
def test_the_level_is_that_of_the_notebook(page, kind):
    result = exhibit(kind)
    assert "90% interval" in page.show(result).html
    assert "confidence" not in result.table.attrs


def test_a_table_that_says_its_level_keeps_it(page):
    result = exhibit()
    result.table.attrs["confidence"] = 0.8
    assert "80% interval" in page.show(result).html


def test_without_the_parameter_it_is_95(page):
    page.used = {}
    assert "95% interval" in page.show(exhibit()).html
