"""The plan: every finding has an action, dates allow an effect to be seen, SMART is decided from data, budgets hold."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import audit
from crmkit.analyses.audit.findings.model import FINDING, AuditFinding, Check, Measure, Stake
from crmkit.analyses.audit.plan import (
    Known,
    Means,
    library,
    make_plan,
    months_needed,
    people_table,
    plan_table,
    smart,
    wanted_of,
)
from crmkit.analyses.audit.plan.actions import BEFORE, BY_OWN, KIT, UNKNOWN, WRONG_WAY, best_year
from crmkit.analyses.audit.plan.plan import LEFT, TAKEN
from crmkit.analyses.audit.plan.smart import attainable, measurable, relevant, specific, timed
from crmkit.core.language import Locale, say
from crmkit.core.results import Text
from crmkit.data.tables import TABLES

AS_OF = dt.date(2025, 12, 31)
CYCLE = SimpleNamespace(start=dt.date(2025, 7, 1), end=AS_OF)
PAST = SimpleNamespace(as_of=AS_OF, language="en", current=CYCLE)
BOOK, EN = audit.load_catalogue(), Locale("en")


def row(indicator="P-RESP", value=0.5, half=0.04, target=0.85):
    return {"indicator": indicator, "value": value, "low": value - half, "high": value + half, "target": target, "n": 600.0,
            "start": pd.Timestamp("2025-07-01"), "end": pd.Timestamp("2025-12-31"), "unit": "share"}  # fmt: skip


def finding(theme="slow", subject="P-RESP", money=10_000.0):
    check = Check(
        "indicator", theme, subject, True, 1e-9, Text("a"), Text("b"), Measure(0.5, 0.46, 0.54, 0.85, 600, "share"), 1e-8
    )
    return AuditFinding(f"indicator.{theme}", "indicator", theme, FINDING, Text("t"), (check,), Text("c"), Text("e"),
                        Text("Do it."), stake=Stake(money=money, low=money / 2, high=2 * money))  # fmt: skip


def plan_of(found, *, rows=None, **options):
    return make_plan(found, pd.DataFrame(rows or [row()]), PAST, BOOK, EN, **options)


def test_every_finding_has_an_action_with_all_that_it_needs():
    found = [finding("slow"), finding("complex", "P-HAND"), finding("scattered", "D-MATCH")]
    plan = plan_of(found, rows=[row(), row("P-HAND", 2.2, 0.1, 0.5), row("D-MATCH", 0.7, 0.03, 0.92)])
    by_theme = {one.finding.split(".")[1] for one in plan.actions}
    assert by_theme >= {"slow", "complex", "scattered"}
    for one in plan.actions:
        assert one.owner
        assert one.text
        assert one.dates.starts_on < one.dates.due_on
        assert one.dates.horizon in ("short", "long")
    slow = next(one for one in plan.actions if one.id == "P-slow")
    assert slow.aim.effect == pytest.approx(0.7 * 0.35)
    assert slow.price.worth == pytest.approx(7_000)
    assert slow.dates.starts_on < slow.dates.measurable_on <= slow.dates.due_on


def test_a_row_of_the_plan_holds_what_its_columns_say():
    result = plan_table(plan_of([finding()]), EN)
    assert [column.name for column in result.columns][:4] == ["what", "owner", "due_on", "goes"]
    told = result.table.set_index("action_id").loc["P-slow"]
    assert (told["low"], told["baseline"], told["high"]) == pytest.approx((0.46, 0.5, 0.54))
    assert told["within"] in {TAKEN, LEFT}
    assert (told["source"], told["kind"]) == (KIT, "A-FAST")
    assert told["owner"] not in {told["kind"], ""}


def test_what_people_do_follows_findings_only():
    plan = plan_of([finding("people", "I-TRAINCOV")], rows=[row("I-TRAINCOV", 0.4, 0.1, 0.8), row("I-TRAING", 0.1, 0.1, 0.3)])
    people = people_table(plan, EN).table
    assert set(people["action_id"]) == {"N-ROLEPLAY", "N-TRAINING", "N-REWARD"}
    assert people["indicator"].str.len().gt(0).all()
    assert not people_table(plan_of([]), EN).assessed


def test_the_library_serves_what_no_software_does():
    assert all(one.indicator in BOOK.indicators for one in library().people)
    rows = [name for one in library().people for name in one.rows]
    assert len(rows) == len(set(rows)) == 21


def test_a_small_effect_takes_longer_to_be_seen():
    few, many = (months_needed(row(), effect, PAST) for effect in (0.12, 0.3))
    assert few > many >= 1
    assert months_needed(row(), 0.01, PAST) is None
    assert months_needed(row(), 0.0, PAST) is None
    assert months_needed(row(half=float("nan")), 0.1, PAST) is None


def test_the_first_day_is_late_enough():
    """Simulated: an effect seen after that many months is noticed in 80 % or more, band of 600 trials."""
    rng = np.random.default_rng(0)
    n, p, effect = 600, 0.5, 0.12
    half = 1.959964 * np.sqrt(p * (1 - p) / n)
    needed = months_needed(row(value=p, half=half), effect, PAST)
    after = round(n / 6.04 * needed)
    before_share = rng.binomial(n, p, 600) / n
    after_share = rng.binomial(after, p + effect, 600) / after
    z = (after_share - before_share) / np.sqrt(p * (1 - p) / n + (p + effect) * (1 - p - effect) / after)
    assert 0.75 <= (np.abs(z) > 1.959964).mean() <= 0.88


def test_actions_of_the_company_come_back_and_replace_proposals():
    own = pd.DataFrame({"action_id": ["M1"], "finding_id": ["indicator.slow"], "text": ["Hire two"], "owner": ["Ms Own"],
                        "starts_on": [pd.Timestamp("2025-10-01")], "due_on": [pd.Timestamp("2026-06-30")], "budget": [9_000.0],
                        "indicator": ["P-RESP"], "expected_effect": [0.2], "status": ["running"]})  # fmt: skip
    plan = plan_of([finding()], own=own)
    assert [one.id for one in plan.actions] == ["M1"]
    assert (plan.actions[0].state, plan.actions[0].price.cost, plan.actions[0].aim.effect) == ("do", 9_000, 0.2)
    for status, state in (("planned", "plan"), ("done", "act"), ("stopped", "stopped")):
        assert plan_of([finding()], own=own.assign(status=status)).actions[0].state == state
    late = own.assign(status="done", starts_on=pd.Timestamp("2025-12-20"))
    assert plan_of([finding()], own=late).actions[0].state == "check"


def test_the_budget_takes_what_is_worth_most():
    found = [
        finding("slow", money=10_000),
        finding("complex", "P-HAND", money=90_000),
        finding("scattered", "D-MATCH", money=20_000),
    ]
    rows = [row(), row("P-HAND", 2.2, 0.1, 0.5), row("D-MATCH", 0.7, 0.03, 0.92)]
    plan = plan_of(found, rows=rows, means=Means(budget=20_000.0))
    taken = {one.id for one in plan.actions if one.taken and one.source != "done by people"}
    assert taken == {"P-complex"}
    assert plan.choice.cost <= 20_000
    free = plan_of(found, rows=rows)
    assert all(one.taken for one in free.actions)
    assert free.choice is None


def test_the_file_can_come_back_as_the_table_actions():
    result = plan_table(plan_of([finding()]), EN)
    assert result.files == ("calendar",)
    assert set(TABLES["actions"].columns) <= set(result.table.columns)
    assert set(result.table["horizon"]) <= set(TABLES["actions"].columns["horizon"].choices)
    assert set(result.table["status"]) <= set(TABLES["actions"].columns["status"].choices)
    assert not plan_table(plan_of([]), EN).assessed


def known(**changed):
    series = pd.DataFrame({"indicator": "P-RESP", "value": np.linspace(0.3, 0.55, 24)})
    peers = pd.DataFrame({"indicator": ["P-RESP"] * 3, "value": [0.7, 0.8, 0.9]})
    basis = {"rows": {"P-RESP": row()}, "months": series, "book": BOOK, "past": PAST, "peers": peers} | changed
    return Known(**basis)


def goal(**changed):
    base = {"goal_id": "G1", "indicator": "P-RESP", "population": "all customers", "baseline": 0.5, "target": 0.6,
            "owner": "Head", "starts_on": pd.Timestamp("2026-01-01"), "due_on": pd.Timestamp("2026-12-31")}  # fmt: skip
    base |= changed
    return next(one for one in wanted_of([], pd.DataFrame([base]), [finding()]) if one.id == "G1")


def test_a_good_goal_passes_all_five():
    table = smart([goal()], known()).table
    assert (table[["S", "M", "A", "R", "T"]] == "pass").all(axis=None)
    assert table["why"].tolist() == ["in order"]


@pytest.mark.parametrize(
    ("test", "changed", "verdict"),
    [
        (specific, {"indicator": "X-1"}, "fail"), (specific, {"target": 0.3}, "fail"), (specific, {"owner": ""}, "fail"),
        (specific, {"population": ""}, "warn"), (specific, {"target": float("nan")}, "fail"),
        (measurable, {"indicator": "P-HAND"}, "fail"), (attainable, {"target": 0.99}, "warn"),
        (timed, {"due_on": pd.NaT}, "fail"), (timed, {"due_on": pd.Timestamp("2025-06-30")}, "fail"),
        (timed, {"due_on": pd.Timestamp("2026-01-15")}, "fail"), (timed, {"target": 0.501}, "warn"),
    ],
)  # fmt: skip
def test_what_a_goal_lacks_is_said(test, changed, verdict):
    got, why = test(goal(**changed), known())
    assert got == verdict
    assert why != "in order"


def test_attainable_by_own_history_or_by_peers():
    assert attainable(goal(target=0.6), known(peers=None))[0] == "pass"
    assert attainable(goal(target=0.8), known(peers=None))[0] == "warn"
    assert attainable(goal(target=0.8), known())[0] == "pass"


def test_relevant_to_a_finding_and_a_goal():
    plan = plan_of([finding()])
    alone = wanted_of(plan.actions, None, [finding()])[0]
    assert relevant(alone, known())[0] == "warn"
    goals = pd.DataFrame([{"goal_id": "G1", "indicator": "P-RESP", "target": 0.8, "due_on": pd.Timestamp("2026-12-31")}])
    assert relevant(wanted_of(plan.actions, goals, [finding()])[0], known())[0] == "pass"
    assert relevant(replace(alone, findings=()), known())[0] == "fail"


def test_proposed_actions_pass_what_the_kit_can_answer_for():
    plan = plan_of([finding()])
    table = smart(wanted_of(plan.actions, None, [finding()]), known()).table
    assert not (table[["S", "M", "T"]] == "fail").any(axis=None)


# --- a plan that can be believed


def company_action(**given):
    row = {"action_id": "A1", "text": "Course.", "starts_on": "2026-01-10", "due_on": "2026-12-01", "status": "planned"}
    own = pd.DataFrame([row | given])
    for name in ("starts_on", "due_on"):
        own[name] = pd.to_datetime(own[name])
    return own


@pytest.mark.parametrize(
    ("indicator", "value", "target", "effect"),
    [
        ("P-RESP", 0.5, 0.85, 0.7 * 0.35),
        ("P-RESP", 0.9, 0.85, 0.0),  # more is better, and there is more
        ("P-HAND", 2.2, 0.5, 0.7 * -1.7),
        ("P-HAND", 0.3, 0.5, 0.0),
    ],
)
def test_an_aim_never_leads_backwards(indicator, value, target, effect):
    plan = plan_of([], rows=[row(indicator, value, 0.01, target)], own=company_action(indicator=indicator))
    (one,) = plan.actions
    assert one.aim.effect == pytest.approx(effect)
    shown = plan_table(plan, EN).table["goes"].item()
    assert ("target reached: keep it" in shown) == (effect == 0)


@pytest.mark.parametrize(
    ("indicator", "value", "wanted", "expected"),
    [("P-HAND", 0.3, -0.5, 0.0), ("P-RESP", 0.9, 0.4, 1.0), ("P-RESP", 0.9, 0.05, 0.95)],
)
def test_an_aim_stays_within_what_is_possible(indicator, value, wanted, expected):
    own = company_action(indicator=indicator, expected_effect=wanted)
    (one,) = plan_of([], rows=[row(indicator, value, 0.01, 0.5)], own=own).actions
    assert one.aim.expected == pytest.approx(expected)


def test_an_effect_is_not_visible_before_the_action_is_done():
    own = company_action(indicator="P-RESP", due_on="2029-01-13")
    (one,) = plan_of([], own=own).actions
    assert one.dates.measurable_on == dt.date(2029, 1, 13)


def test_a_known_worth_that_does_not_fit_is_said_with_what_stands_in_its_way():
    running = company_action(action_id="C1", text="Course for all.", status="running", budget=20_000.0)
    small = company_action(action_id="C2", text="New signs.", status="running", budget=5_000.0)
    own = pd.concat([running, small], ignore_index=True)
    plan = plan_of([finding(money=50_000.0)], own=own, means=Means(budget=30_000.0, day_rate=400.0))
    left = next(one for one in plan.actions if one.id == "P-slow")
    assert left.price.cost > 5_000  # else it would fit
    assert not left.taken
    result = plan_table(plan, EN)
    said = say(result.finding.text, EN), say(result.finding.action, EN)
    assert said[0].startswith("The budget leaves out an action worth €35,000 a year")
    assert "New signs" in said[1]
    assert "Course for all" not in said[1]  # the cheapest that makes room alone is enough
    assert "€25,000" in say(result.note, EN)
    assert result.finding.passed is False


def test_nothing_is_swapped_where_all_of_it_is_worth_something_or_nothing_helps():
    dear = plan_of([finding(money=50_000.0)], means=Means(budget=10.0))
    assert plan_table(dear, EN).finding.passed is None
    enough = plan_of([finding(money=50_000.0)], means=Means(budget=1e6))
    assert plan_table(enough, EN).finding.passed is None


def test_an_action_is_named_by_its_first_sentence_where_several_are_weighed():
    """What is to be done about it stands in the plan."""
    found = replace(finding(money=50_000.0), recommendation=Text("First response: 50.5%. Agree on a time. Begin with mail."))
    running = company_action(action_id="C1", text="Course for all. It takes a year.", status="running", budget=30_000.0)
    said = plan_table(plan_of([found], own=running, means=Means(budget=30_000.0)), EN).finding
    assert say(said.text, EN) == "The budget leaves out an action worth €35,000 a year for €8,000: First response: 50.5%."
    assert "what has no known worth: Course for all. Decide" in say(said.action, EN)


def test_what_may_be_chance_costs_nothing():
    """An observation asks for a look; money is asked for what is sure."""
    assert plan_of([replace(finding(), level="observation")]).actions == ()


def test_two_findings_of_one_theme_have_an_action_each():
    worse = replace(finding(), id="trend.slow", rule="trend", recommendation=Text("Look for what changed."))
    made = {one.finding: one for one in plan_of([finding(), worse]).actions if one.source == KIT}
    assert {name: one.id for name, one in made.items()} == {"indicator.slow": "P-slow", "trend.slow": "P-trend-slow"}
    assert sum(one.price.worth > 0 for one in made.values()) == 1


@pytest.mark.parametrize(
    ("indicator", "given", "basis"), [("P-RESP", -0.1, WRONG_WAY), ("P-HAND", 0.1, WRONG_WAY), ("P-RESP", 0.1, BY_OWN)]
)
def test_an_effect_that_leads_away_is_no_aim(indicator, given, basis):
    own = company_action(indicator=indicator, expected_effect=given, owner="Head")
    plan = plan_of([], rows=[row(indicator, 0.5, 0.01, 0.6 if indicator == "P-RESP" else 0.4)], own=own)
    (one,) = plan.actions
    assert one.aim.basis == basis
    assert np.isfinite(one.aim.effect) == (basis == BY_OWN)
    checked = smart(wanted_of(plan.actions, None, []), known(rows={indicator: row(indicator)})).table
    assert (checked["S"] == "fail").item() == (basis == WRONG_WAY)


def test_an_effect_is_known_where_the_indicator_moved_as_far_within_a_year():
    series = pd.DataFrame({"indicator": "P-RESP", "value": np.linspace(0.3, 0.9, 24)})
    flat = series.assign(value=0.5)
    for months, basis in ((series, BEFORE), (flat, UNKNOWN), (None, UNKNOWN)):
        assert plan_of([finding()], months=months).actions[0].aim.basis == basis
    assert best_year(series, "P-RESP", up=True) == pytest.approx(11 * 0.6 / 23)
    assert best_year(series, "P-RESP", up=False) == 0


def results(**parts):
    """The reports on value, on leaving and on satisfaction, as an audit reads them."""
    totals = pd.DataFrame({"measure": ["clv", "at_risk"], "value": [9e4, 2e4], "low": [8e4, 1e4], "high": [1e5, 3e4]})
    rules = pd.DataFrame({"rule": ["Expected profit"], "profit": [700.0], "cost": [150.0], "contacts": [40]})
    tables = {"clv_totals": totals, "churn_totals": totals, "churn_rules": rules}
    told = [{"id": "satisfaction.loop", "passed": False, "numbers": {"n": {"value": 12, "unit": "count"}}},
            {"id": "satisfaction.start", "passed": False, "action": "Begin with “Delivery”.", "numbers": {}},
            {"id": "satisfaction.turns", "passed": False, "numbers": {}}]  # fmt: skip
    fallen = {"group": "Price", "item": "price", "since": "2025Q3", "before": 0.48, "now": 0.19, "now_low": 0.15,
              "now_high": 0.23, "value": -29.0, "turned": True, "comparable": True, "level_unit": "share"}  # fmt: skip
    tables |= {"satisfaction_turns": pd.DataFrame([fallen, fallen | {"item": "ease", "turned": False}])} | parts
    report = {"findings": told, "parameters": {"margin": {"value": 0.4}}}
    reading = SimpleNamespace(reason=None, report=report, table=tables.__getitem__)
    return {"clv": reading, "churn": reading, "satisfaction": reading}


def test_what_other_reports_ask_for_is_in_the_plan():
    plan = plan_of([], results=results(), rows=[row(), row("P-CSAT", 0.6, 0.05, 0.8)])
    made = {one.finding: one for one in plan.actions}
    assert set(made) == {"churn.plan", "satisfaction.loop", "satisfaction.start", "satisfaction.turns"}
    campaign = made["churn.plan"]
    assert (campaign.price.worth, campaign.price.cost, campaign.aim.expected) == (850.0, 150.0, 700.0)
    assert campaign.text.startswith("Contact the 40 customers")
    assert plan.actions[0] is campaign  # the only one of known worth
    assert made["satisfaction.loop"].text.startswith("Call back the 12 customers")
    assert (made["satisfaction.loop"].aim.baseline, made["satisfaction.loop"].aim.expected) == (12, 0)
    assert made["satisfaction.start"].text == "Begin with “Delivery”."
    turned = made["satisfaction.turns"]
    assert "2025Q3 and lowered “Price”" in turned.text
    assert turned.aim.expected == pytest.approx(0.19 + 0.7 * 0.29)
    checked = smart(wanted_of(plan.actions, None, []), known(rows={"P-CSAT": row("P-CSAT", 0.6, 0.05, 0.8)})).table
    assert not (checked[list("SMART")] == "fail").any(axis=None)


def test_what_the_company_does_already_is_not_asked_for_again():
    own = company_action(finding_id="churn.plan", indicator="P-RESP")
    made = [one.finding for one in plan_of([], own=own, results=results()).actions]
    assert made.count("churn.plan") == 1
    assert not [one for one in plan_of([], results=results()).actions if one.id == "S-turn-ease"]
