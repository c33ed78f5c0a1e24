"""What executives decide: the weightiest first, one for each finding, and short enough for one sheet of paper."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses.audit import executive as sheet
from crmkit.analyses.audit.findings import FINDING, AuditFinding, Check, Measure
from crmkit.analyses.audit.findings.model import Stake
from crmkit.analyses.audit.plan import Action, Aim, Dates, Plan, Price
from crmkit.core.language import Locale, say
from crmkit.core.results import Finding, Result, Text, estimates, not_assessed

# the function of the same name hides the module
module = __import__("sys").modules["crmkit.analyses.audit.executive"]
DAY = dt.date(2026, 3, 31)


def finding(theme, money=float("nan")):
    check = Check("indicator", theme, "P-RESP", True, 0.001, Text("criterion"), Text("condition"), Measure(n=10))
    one = AuditFinding(
        f"indicator.{theme}", "indicator", theme, FINDING, Text(theme), (check,), Text("c"), Text("e"), Text("r")
    )
    return replace(one, stake=Stake(money=money, low=money, high=money)) if money == money else one


def action(number, finding="", *, cost=1000.0, worth=0.0, state="plan", text=""):
    return Action(f"M{number}", text or f"Do {number}. Then more.", "A-FAST", "Service", "client", finding, Dates(DAY, DAY),
                  Aim("P-RESP", baseline=0.4, effect=0.2, target=0.85, name="Answers", unit="share"), Price(5.0, cost, worth),
                  state=state)  # fmt: skip


@pytest.fixture
def study(monkeypatch):
    """A study with these actions and findings, without the sums of other reports."""
    empty = not_assessed("x", Text("x"), Text("none"))
    scored = estimates(
        [{"group": "Process", "measure": "Score", "value": 3.1, "n": 12.0, "unit": "points", "low": 1, "high": 5}]
    )
    monkeypatch.setattr(module, "bridge", lambda _results: empty)
    monkeypatch.setattr(module, "pillars", lambda _work, _results: empty)
    monkeypatch.setattr(module, "tiles", lambda _work: Result("t", "values", Text("t"), scored))
    monkeypatch.setattr(module, "headline", lambda _found, _locale: [Finding("audit.a", "warning", False, Text("It is so."))])

    def make(*actions, found=(), choice=None, language="en"):
        plan = Plan(tuple(actions), choice)
        return SimpleNamespace(plan=plan, found=tuple(found), locale=Locale(language, "EUR"))

    return make


def test_what_is_known_to_pay_comes_first_then_what_most_is_at_stake_for(study):
    found = [finding("slow", 500.0), finding("leaving", 9000.0), finding("cost")]
    actions = [action(1), action(2, "indicator.slow"), action(3, "indicator.leaving"), action(4, "indicator.cost", worth=300.0)]
    table = sheet(study(*actions, found=found), {}).table
    assert table["action_id"].tolist() == ["M4", "M3", "M2"]
    assert table["brings"].tolist() == [
        "€300.00 a year", "Answers: 40% → 60%; at stake: €9,000", "Answers: 40% → 60%; at stake: €500.00",
    ]  # fmt: skip
    assert table["text"].tolist()[0] == "Do 4"


def test_what_only_keeps_a_target_that_is_reached_comes_last(study):
    kept = replace(action(1), aim=replace(action(1).aim, effect=0.0))
    assert sheet(study(kept, action(2), action(3)), {}).table["action_id"].tolist() == ["M2", "M3", "M1"]


def test_a_finding_is_decided_upon_once_and_what_has_begun_is_no_decision(study):
    actions = [action(1, "indicator.slow"), action(2, "indicator.slow"), action(3, state="do"), action(4), action(5)]
    assert sheet(study(*actions, found=[finding("slow", 500.0)]), {}).table["action_id"].tolist() == ["M1", "M4", "M5"]


def test_without_anything_to_decide_the_sheet_still_says_the_verdict(study):
    result = sheet(study(action(1, state="do")), {})
    (brief,) = result.briefs
    assert not result.assessed
    assert brief.sheet
    assert [one.name for one in brief.results] == ["audit_numbers"]
    assert [say(one.text, Locale()) for one in brief.findings] == ["It is so."]


@pytest.mark.parametrize("text", ["word " * 90, "字" * 300])
def test_words_of_a_company_are_cut_to_what_a_sheet_holds(study, text):
    (row,) = sheet(study(action(1, text=text)), {}).table.to_dict("records")
    assert row["text"].endswith("…")
    assert sum(2 if ord(letter) > 255 else 1 for letter in row["text"]) <= module.MOST_WORDS + 2


def test_numbers_are_those_of_the_reports_money_first_and_the_verdict_is_theirs(study):
    def reading(*boxes, findings=()):
        return SimpleNamespace(reason=None, report={"values": list(boxes), "findings": list(findings), "language": "en"})

    risk = {"id": "churn.risk", "severity": "info", "passed": None, "text": "€5 is {at} risk."}
    results = {
        "satisfaction": reading({"key": "NPS", "value": 10.0, "unit": "points", "history": {"points": [["2025-01-31", 1.0]]}}),
        "churn": reading({"key": "Customers today", "value": 3, "unit": "count"},
                         {"key": "Value at risk", "value": 5.0, "unit": "money"}, findings=[risk]),
        "clv": SimpleNamespace(reason=Text("other data"), report=None),
    }  # fmt: skip
    (brief,) = sheet(study(action(1)), results).briefs
    numbers = brief.results[0].table
    assert numbers["group"].tolist() == ["Value at risk", "NPS", "Process"]
    assert list(numbers.attrs["history"]) == ["NPS"]
    assert pd.isna(numbers["low"]).all(), "the range of a score is no interval"
    assert [say(one.text, Locale()) for one in brief.findings] == ["€5 is {at} risk.", "It is so."]
