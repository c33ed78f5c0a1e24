"""The risk register: grades from data or experts, residual after the response, early warnings, and what the register lacks."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import audit
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, OBSERVATION, AuditFinding, Check, Measure, Stake
from crmkit.analyses.audit.risks import Appetite, likelihood, register, register_checks, risk_map, risk_table, warned, warnings
from crmkit.analyses.audit.risks.register import RESPONSE_WORDS
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text
from crmkit.models.audit.risk_matrix import GRADES

AS_OF = dt.date(2025, 12, 31)
ENDS = pd.date_range("2024-01-31", periods=24, freq="ME")
PAST = SimpleNamespace(as_of=AS_OF, language="en")
BOOK = audit.load_catalogue()


def months(level=0.5, drift=0.0, indicator="P-RESP", spread=0.02, seed=0):
    noise = np.random.default_rng(seed).normal(0, spread, 24)
    return pd.DataFrame({"indicator": indicator, "month_end": ENDS, "value": level + drift * np.arange(24) + noise})


def finding(theme="slow", value=0.5, money=5_000.0, low=3_000.0, high=7_000.0, level=FINDING):
    check = Check("indicator", theme, "P-RESP", True, 1e-9, Text("a"), Text("b"),
                  Measure(value, value - 0.03, value + 0.03, 0.85, 500, "share"), 1e-8)  # fmt: skip
    return AuditFinding(f"indicator.{theme}", "indicator", theme, level, Text("t"), (check,), Text("c"), Text("e"), Text("r"),
                        stake=Stake(100, 50_000, money, low, high))  # fmt: skip


def grounds(total=100_000.0):
    return Grounds(None, None, None, worth=pd.Series({"A": total}), basis=Text("x"), active=1)


def risks_of(found, *, series=None, own=None, **options):
    return register([found] if isinstance(found, AuditFinding) else found, PAST, grounds(),
                    months() if series is None else series, BOOK, own=own, **options)  # fmt: skip


def test_a_trouble_that_goes_on_and_costs_much_is_graded_very_high():
    (risk,) = risks_of(finding(money=9_500.0, low=9_000.0, high=10_000.0))
    assert risk.grading.likelihood > 0.99
    assert risk.grading.impact == pytest.approx(0.95)
    assert GRADES[risk.grading.grade] == "very high"
    assert GRADES[risk.grading.residual] == "medium"
    assert risk.grading.stability == 1
    assert risk.grading.loss == pytest.approx(risk.grading.likelihood * 9_500)
    assert risk.owner == "Head of service"
    assert risk.contingency
    assert risk.review_on == AS_OF + dt.timedelta(days=round(30.4375 * max(1, Appetite().review_months // 4)))
    row = risk_table([risk]).table.iloc[0]
    assert (row["loss"], row["response"]) == (risk.grading.loss, RESPONSE_WORDS[risk.response])


@pytest.mark.parametrize(("money", "grade"), [(500, "medium"), (5_000, "high"), (9_500, "very high")])
def test_the_grade_grows_with_what_is_at_stake(money, grade):
    (risk,) = risks_of(finding(money=money, low=0.99 * money, high=1.01 * money))
    assert GRADES[risk.grading.grade] == grade


def test_likelihood_follows_the_months_behind():
    near, far = (likelihood(finding(value=level), months(level))[0] for level in (0.849, 0.6))
    assert 0.2 < near < 0.8
    assert far > 0.999
    _, drawn = likelihood(finding(value=0.849), months(0.849))
    assert drawn.std() > 0.1
    # six months are enough to go by their own spread, five are not
    series = months(0.84, spread=0.1)
    assert likelihood(finding(value=0.84), series.tail(5))[0] == likelihood(finding(value=0.84), series.head(0))[0]
    assert likelihood(finding(value=0.84), series.tail(6))[0] != likelihood(finding(value=0.84), series.head(0))[0]
    few, _ = likelihood(finding(value=0.5), months().head(3))
    assert 0.9 < few <= 1


def test_an_unsure_loss_makes_an_unsure_grade():
    sure, unsure = (risks_of(finding(money=3_900.0, low=3_900 - d, high=3_900 + d))[0].grading.stability for d in (1, 3_000))
    assert sure == 1
    assert unsure < 0.9


@pytest.mark.parametrize(("response", "residual"), [("avoid", "low"), ("accept", "very high"), ("reduce", "medium")])
def test_residual_follows_the_response(response, residual):
    own = pd.DataFrame({"risk_id": ["R-slow"], "category": ["service"], "response": [response], "owner": ["Ms Own"]})
    (risk,) = risks_of(finding(money=9_500.0, low=9_000.0, high=10_000.0), own=own)
    assert GRADES[risk.grading.residual] == residual
    assert risk.owner == "Ms Own"


def test_experts_speak_where_data_do_not():
    own = pd.DataFrame({"risk_id": ["K1", "K2"], "category": ["churn", "service"], "likelihood": [5, 1], "impact": [5, 4],
                        "indicator": ["R-CHURN", "P-RESP50"], "owner": ["A", "B"]})  # fmt: skip
    risks = risks_of(finding(money=float("nan")), own=own)
    assert [risk.id for risk in risks] == ["K1", "R-slow"]
    assert risks[0].grading.basis == "by experts"
    assert GRADES[risks[0].grading.grade] == "very high"
    assert risks[1].owner == "B"
    assert risks[1].grading.impact == pytest.approx(0.7)
    assert risks[0].title == "K1: churn"


def test_observations_make_no_risk_and_unknown_losses_no_grade():
    assert risks_of(finding(level=OBSERVATION)) == []
    (risk,) = risks_of(finding(money=float("nan"), low=float("nan"), high=float("nan")))
    assert risk.grading.grade == -1
    table = risk_table([risk]).table
    assert table["grade"].tolist() == ["not graded"]
    assert not risk_map([risk]).assessed


def test_within_a_grade_the_expected_loss_decides():
    found = [
        finding(theme, money=money, low=money - 1, high=money + 1) for theme, money in (("slow", 4_100.0), ("complex", 5_900.0))
    ]
    assert [risk.id for risk in risks_of(found)] == ["R-complex", "R-slow"]
    assert [risk.id for risk in risks_of(found[::-1])] == ["R-complex", "R-slow"]


def test_the_scale_is_a_parameter():
    grades = [risks_of(finding(), appetite=Appetite(critical_share=share))[0].grading.grade for share in (0.05, 0.1, 1.0)]
    assert grades == sorted(grades, reverse=True)
    assert grades[0] > grades[-1]


def test_an_early_warning_before_the_target_is_missed():
    """A fall that begins in month 19 gives an alarm; in quiet months, about one of seven does in half a year."""
    series = months(0.95)
    series.loc[18:, "value"] -= 0.08
    found = warned("P-RESP", series, BOOK)
    assert found.alarm
    assert found.since == dt.date(2025, 7, 31)
    assert (found.points, found.known_to) == (18, dt.date(2025, 12, 31))
    quiet = sum(warned("P-RESP", months(0.95, seed=seed), BOOK).alarm for seed in range(200))
    assert quiet <= 40
    better = months(0.85)
    better.loc[18:, "value"] += 0.1
    assert not warned("P-RESP", better, BOOK).alarm
    assert warned("P-RESP", months().head(10), BOOK) is None
    assert warned("X", months(), BOOK) is None


def test_waves_of_a_survey_are_watched_from_four_over_eight_months_on():
    """Six quarterly waves, four of them before the last half year; of 200 that do not change few give an alarm."""
    series = months(0.8, indicator="P-CSAT").assign(wave=np.arange(24) % 3 == 1)
    waves = series.assign(value=series["value"].where(series["wave"]))
    found = warned("P-CSAT", waves.tail(18), BOOK)
    assert (found.points, found.known_to, found.alarm) == (4, dt.date(2025, 11, 30), False)
    fallen = waves.assign(value=waves["value"] - 0.3 * (waves["month_end"] > "2025-10-01"))
    found = warned("P-CSAT", fallen.tail(18), BOOK)
    assert (found.alarm, found.since) == (True, dt.date(2025, 11, 30))
    assert warned("P-CSAT", waves.tail(15), BOOK) is None
    drawn = [months(0.8, indicator="P-CSAT", seed=seed).loc[series["wave"]].tail(6) for seed in range(200)]
    alarms = sum(warned("P-CSAT", one, BOOK).alarm for one in drawn)
    assert 2 <= alarms <= 22  # 6 %: 99 % band of 200


def test_what_is_known_late_is_watched_up_to_where_it_is_known():
    late = months(0.02, indicator="R-CHURN", spread=0.002)
    late.loc[18:, "value"] = np.nan
    found = warned("R-CHURN", late, BOOK)
    assert (found.points, found.known_to) == (12, dt.date(2025, 6, 30))


def test_waves_are_no_months():
    """Four waves in a year say too little of the spread of months: the interval of the indicator stands in."""
    waves = months(0.5).assign(value=lambda table: table["value"].where(table.index % 3 == 1))
    assert likelihood(finding(value=0.5), waves)[0] == likelihood(finding(value=0.5), months().head(3))[0]


def test_down_is_the_other_side():
    rising = months(2.0, indicator="P-RESP50", spread=0.1)
    rising.loc[18:, "value"] += 2
    assert warned("P-RESP50", rising, BOOK).alarm
    falling = rising.assign(value=6 - rising["value"])
    assert not warned("P-RESP50", falling, BOOK).alarm


def test_the_map_counts_every_risk_once():
    found = [finding(theme, money=money, low=money, high=money) for theme, money in (("slow", 500.0), ("complex", 9_000.0))]
    table = risk_map(risks_of(found)).table
    assert len(table) == 25
    assert table["n"].sum() == 2
    assert table["n"].notna().sum() == 2
    assert table["value"].isin([1, 2, 3, 4]).all()


def test_what_the_register_lacks():
    (risk,) = risks_of(finding(money=9_500.0, low=9_000.0, high=10_000.0))
    good = register_checks([risk], AS_OF)
    assert [column.name for column in good.columns] == ["check", "passed", "failing", "all", "which"]
    assert good.table["passed"].all()
    assert good.finding.passed
    bare = replace(risk, owner="", contingency="", indicator="", response="accept", review_on=None)
    late = replace(risk, review_on=dt.date(2025, 1, 1))
    assert register_checks([bare], AS_OF).table["passed"].tolist() == [False, False, False, False, True, True]
    assert register_checks([late], AS_OF).table["passed"].tolist() == [True, True, True, True, False, True]


def test_no_risk_is_said():
    for result in (risk_table([]), risk_map([]), register_checks([], AS_OF), warnings([], BOOK, Locale())):
        assert not result.assessed
    assert say(risk_table(risks_of(finding())).note, Locale()).startswith("Grades come from a table of likelihood and impact")
    (row,) = warnings(risks_of(finding()), BOOK, Locale()).table.to_dict("records")
    assert (row["unit"], row["value_text"]) == ("share", say(Quantity(row["value"], "share"), Locale()))
    shown = warnings(risks_of(finding()), BOOK, Locale("zh"))
    assert shown.table["name"].tolist() == [BOOK["P-RESP"].zh]
