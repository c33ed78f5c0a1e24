"""Headline numbers against the previous report: compared only where they can be."""

import pytest

from crmkit.report.page.since_last import brief, changes


def report(value=1190.0, unit="count", **more):
    box = {"key": "Orders", "label": "Orders", "value": value, "unit": unit, "low": 1.0, "text": "x"}
    made = {"as_of": "2025-12-31", "generated_at": "2026-01-02T03:04:05+00:00", "currency": "EUR", "language": "en"}
    return made | {"data": {"fingerprint": "f"}, "parameters": {"a": {"value": 1, "origin": "o"}}, "values": [box]} | more


def before(value, unit="count", **more):
    return report(value, unit, **({"as_of": "2025-06-30"} | more))


@pytest.mark.parametrize(
    ("unit", "now", "then", "text", "short", "way"),
    [
        ("count", 1190.0, 1000.0, "+190 (+19%) since 30 Jun 2025", "+19%", "up"),
        ("money", 950.5, 1900.0, "−€950 (−50.0%) since 30 Jun 2025", "−50.0%", "down"),
        ("share", 0.123, 0.15, "−2.7 percentage points since 30 Jun 2025", "−2.7 percentage points", "down"),
        ("count", 5.0, 0.0, "+5 since 30 Jun 2025", "+5", "up"),
        ("count", 5.1, 5.0, "Unchanged since 30 Jun 2025", "=", "same"),
        ("score", 3.126, 3.124, "Unchanged since 30 Jun 2025", "=", "same"),
        ("days", 30.0, 31.5, "−1.5 days since 30 Jun 2025", "−1.5 days", "down"),
    ],
)
def test_a_change_has_sign_size_and_date(unit, now, then, text, short, way):
    found = changes(report(now, unit), before(then, unit))["Orders"]
    assert (found.text, found.short, found.way) == (text, short, way)


def test_an_earlier_run_of_the_same_day_is_named_by_its_own_day_and_only_when_it_differs():
    assert changes(report(), report(1000.0, generated_at="2026-01-01T00:00:00+00:00")) == {}
    other = report(1000.0, data={"fingerprint": "g"}, generated_at="2026-01-01T00:00:00+00:00")
    assert changes(report(), other)["Orders"].text == "+190 (+19%) against the run of 1 Jan 2026"


@pytest.mark.parametrize(
    "previous",
    [
        None,
        {},
        before(1000.0, unit="money"),
        before(1000.0, currency="USD"),
        before(None),
        before(float("nan")),
        before(1.0, values=[{"label": "Other", "value": 1.0, "unit": "count"}]),
    ],
)
def test_what_cannot_be_compared_is_not(previous):
    assert changes(report(), previous) == {}


def test_languages_may_differ():
    now = report(language="zh") | {"values": [{"key": "Orders", "label": "订单", "value": 1190.0, "unit": "count"}]}
    assert list(changes(now, before(1000.0))) == ["订单"]


def test_the_brief_serves_as_well_as_the_report():
    assert changes(report(), brief(before(1000.0))) == changes(report(), before(1000.0))
    assert brief(brief(before(1.0))) == brief(before(1.0))
    assert set(brief(report())["values"][0]) == {"key", "label", "value", "unit"}
