"""Whom to call, in which order and by when; and who came back by the next answer."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.satisfaction import answers
from crmkit.analyses.satisfaction.loop import closed_loop, recovered
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonym
from crmkit.data.summaries.waiting import waiting
from crmkit.models.basics.shares import wilson
from crmkit.show.tables import exhibit_html

ITEMS = {"nps": {"scale": [0, 10], "kind": "nps"}, "ces": {"scale": [1, 7], "kind": "ces"}}
KEY = b"secret"
EASY = 7


def survey(*rows):
    """(customer, day, recommendation, ease) -> wide table; the wave is the quarter."""
    table = pd.DataFrame(rows, columns=["customer_id", "day", "nps", "ces"])
    day = pd.to_datetime(table.pop("day"))
    quarter = day.dt.year.astype(str) + "Q" + day.dt.quarter.astype(str)
    return table.assign(response_id=[f"S{k:04d}" for k in range(len(table))], wave=quarter, sent_at=day, responded_at=day)


SIX = (
    ("A", "2025-12-01", 3, EASY),
    ("B", "2025-12-21", 0, EASY),
    ("C", "2025-12-01", 9, 2),
    ("D", "2025-12-01", 6, 1),
    ("E", "2025-12-01", 7, EASY),
    ("F", "2025-12-20", 4, EASY),
)


def bought(**amounts):
    days = {"ordered_at": dt.date(2025, 11, 1)}
    return pd.DataFrame([{"customer_id": name, "amount": amount, **days} for name, amount in amounts.items()])


def rows_of(result):
    return result.table.set_index("customer_id")


def test_who_gave_a_low_answer_is_on_the_list_with_the_reason(make_survey_company):
    table = rows_of(closed_loop(answers(make_survey_company(survey(*SIX), ITEMS))))
    assert set(table.index) == {"A", "B", "C", "D", "F"}
    assert table.loc["A", "reason"] == "low score"
    assert table.loc["C", "reason"] == "high effort"
    assert table.loc["D", "reason"] == "low score, high effort"
    assert table.loc["B", "days_waiting"] == 10


def test_the_list_is_ranked_by_value_and_waiting(make_survey_company):
    company = make_survey_company(survey(*SIX), ITEMS, transactions=bought(A=100, B=100, D=1000, F=500))
    result = closed_loop(answers(company), due_days=10, margin=0.5)
    table = rows_of(result)
    assert table["value"].to_dict() == {"A": 50, "B": 50, "C": 0, "D": 500, "F": 250}
    assert table.loc["A", "priority"] == pytest.approx(50 * (1 + 30 / 10))
    assert list(table.index) == ["D", "F", "A", "B", "C"]
    assert "€850" in say(result.finding.text, Locale())
    assert result.finding.money_at_stake.value == 850


def test_without_values_the_longest_wait_comes_first(make_survey_company):
    result = closed_loop(answers(make_survey_company(survey(*SIX), ITEMS)))
    assert result.table["days_waiting"].is_monotonic_decreasing
    assert result.table["customer_id"].tolist()[:3] == ["A", "C", "D"]
    assert "value" not in [column.name for column in result.columns]


def test_values_of_the_value_report_are_known_by_pseudonym(make_survey_company):
    clv = pd.DataFrame({"customer_id": [pseudonym("B", key=KEY)], "clv": [777.0]})
    reading = SimpleNamespace(reason=None, report=None, table=lambda name: clv)
    company = make_survey_company(survey(*SIX), ITEMS, transactions=bought(A=1))
    result = closed_loop(answers(company), reading, key=KEY)
    assert result.table["customer_id"].iloc[0] == "B"
    assert result.table["value"].iloc[0] == 777
    assert result.table["value"].isna().sum() == 4


def test_the_other_lists_know_who_waits(make_survey_company):
    """One answer, whichever way the questionnaire is read; careless answers are in both."""
    straight = tuple((f"S{k}", "2025-12-01", 1, 1) for k in range(3))
    company = make_survey_company(survey(*SIX, *straight, ("A", "2025-12-30", 10, EASY), ("X", "2025-01-02", 0, EASY)), ITEMS)
    result = closed_loop(answers(company))
    assert waiting(company) == set(result.table["customer_id"]) == {"B", "C", "D", "F", "S0", "S1", "S2"}
    # what the list is sorted by comes first
    assert [column.name for column in result.columns][:2] == ["customer_id", "priority"]
    assert result.table["priority"].is_monotonic_decreasing


def test_due_dates_and_owners(make_survey_company):
    customers = pd.DataFrame({"customer_id": list("ABCDEF"), "owner": ["Ming", None, "", "Ming", None, "Eva"]})
    result = closed_loop(answers(make_survey_company(survey(*SIX), ITEMS, customers=customers)), due_days=14, owner="desk")
    table = rows_of(result)
    assert table["owner"].to_dict() == {"A": "Ming", "B": "desk", "C": "desk", "D": "Ming", "F": "Eva"}
    assert table.loc["A", "due_on"] == dt.date(2025, 12, 15)
    assert table["status"].to_dict() == {"A": "overdue", "B": "open", "C": "overdue", "D": "overdue", "F": "open"}
    assert result.finding.passed is False
    assert "5 customers who gave a low score wait for a call, 3 of them overdue." in say(result.finding.text, Locale())


def test_the_latest_answer_counts_and_old_ones_do_not(make_survey_company):
    later = (("A", "2025-12-30", 10, EASY), ("E", "2025-12-30", 2, EASY), ("Z", "2025-01-01", 0, EASY))
    table = rows_of(closed_loop(answers(make_survey_company(survey(*SIX, *later), ITEMS)), loop_days=90))
    assert "A" not in table.index
    assert "Z" not in table.index
    assert table.loc["E", "days_waiting"] == 1


def test_who_has_left_or_was_contacted_is_not_called(make_survey_company):
    contracts = pd.DataFrame(
        {
            "customer_id": list("ABCDF"), "started_at": dt.date(2024, 1, 1), "plan": "basic", "mrr": 10.0,
            "ended_at": [dt.date(2025, 12, 20), None, None, None, None],
            "renewed": pd.array([None] * 5, dtype="boolean"), "churn_reason": pd.array([None] * 5, dtype="string"),
            "churn_kind": pd.array([None] * 5, dtype="string"),
        }
    )  # fmt: skip
    calls = pd.DataFrame(
        {
            "customer_id": ["B", "C", "D"], "direction": ["outbound", "outbound", "inbound"],
            "occurred_at": pd.to_datetime(["2025-12-22", "2025-11-01", "2025-12-22"]),
        }
    )  # fmt: skip
    result = closed_loop(answers(make_survey_company(survey(*SIX), ITEMS, subscriptions=contracts, interactions=calls)))
    table = rows_of(result)
    assert "A" not in table.index
    assert table["status"].to_dict() == {"C": "overdue", "D": "overdue", "F": "open"}
    assert "1 other with a low answer has been contacted since" in say(result.note, Locale())
    assert table.loc["C", "value"] == pytest.approx(10 * 12, rel=0.01)


def test_open_tickets_stand_beside(make_survey_company):
    tickets = pd.DataFrame(
        {
            "ticket_id": ["1", "2", "3"], "customer_id": ["A", "A", "C"], "opened_at": pd.Timestamp("2025-12-05"),
            "resolved_at": [pd.NaT, pd.NaT, pd.Timestamp("2025-12-06")],
        }
    )  # fmt: skip
    table = rows_of(closed_loop(answers(make_survey_company(survey(*SIX), ITEMS, tickets=tickets))))
    assert table["open_tickets"].to_dict() == {"A": 2, "B": 0, "C": 0, "D": 0, "F": 0}


def test_customers_are_shown_by_pseudonym_only(make_survey_company):
    result = closed_loop(answers(make_survey_company(survey(("Anna-007", "2025-12-01", 1, 1)), ITEMS)))
    assert result.customers
    page = exhibit_html(result, Locale(), name=lambda one: pseudonym(one, key=KEY))
    assert "Anna-007" not in page
    assert pseudonym("Anna-007", key=KEY) in page
    assert "Anna-007" not in exhibit_html(result, Locale())


def test_nobody_to_call_is_good_news(make_survey_company):
    result = closed_loop(answers(make_survey_company(survey(("A", "2025-12-01", 10, EASY)), ITEMS)))
    assert result.finding.passed is True
    assert len(result.table) == 0
    assert exhibit_html(result, Locale("zh"))


def test_parameters_out_of_range_are_all_named(make_survey_company):
    past = answers(make_survey_company(survey(*SIX), ITEMS))
    with pytest.raises(ParamError) as caught:
        closed_loop(past, margin=0, loop_days=0, due_days=0)
    assert len(caught.value.problems) == 3


def test_without_names_or_questions_it_is_said(make_survey_company):
    nameless = answers(make_survey_company(survey(*SIX).assign(customer_id=None), ITEMS))
    other = {"nps": {"scale": [0, 10], "kind": "other"}, "ces": {"scale": [1, 7], "kind": "driver"}}
    unasked = answers(make_survey_company(survey(*SIX), other))
    for function in (closed_loop, recovered):
        assert "which customer" in say(function(nameless).reason, Locale())
        assert "no question" in say(function(unasked).reason, Locale())


def moving(n=40):
    """Of n customers with a low answer in the third quarter, half answer again: a quarter better, a quarter low."""
    rows = [(f"L{k:02d}", "2025-08-01", 2, EASY) for k in range(n)] + [(f"T{k:02d}", "2025-08-01", 10, EASY) for k in range(n)]
    rows += [(f"L{k:02d}", "2025-11-01", 8 if k < n // 4 else 3, EASY) for k in range(n // 2)]
    return rows + [(f"T{k:02d}", "2025-11-01", 10 if k < 30 else 7, EASY) for k in range(n)]


def test_the_recovered_share_has_its_interval(make_survey_company):
    result = recovered(answers(make_survey_company(survey(*moving()), ITEMS)))
    row = result.table[result.table["wave"] == "2025Q3"].iloc[0]
    found = wilson(10, 20)
    assert (row["low"], row["n"]) == (40, 20)
    assert [row["value"], row["low_limit"], row["high_limit"]] == [0.5, found.low[0], found.high[0]]
    assert row["fell"] == 0.25
    text = say(result.finding.text, Locale())
    assert text.startswith("Of 20 customers with a low answer (2025Q3) who answered again, 50% (29.9% to 70.1%) no longer")
    assert "20 have not answered again" in text
    assert say(result.note, Locale()).startswith("The next answer of the same customer, whenever it came.")


def test_a_wave_with_few_answers_is_hidden_and_cannot_be_worked_out(make_survey_company):
    rows = [*moving(), *[(f"L{k:02d}", "2025-05-01", 1, EASY) for k in range(5)]]
    rows += [(f"L{k:02d}", "2025-02-01", 1, EASY) for k in range(20, 32)]
    table = recovered(answers(make_survey_company(survey(*rows), ITEMS))).table.set_index("wave")
    assert table.loc["2025Q2", "suppressed"]
    assert table.loc["2025Q1", "suppressed"]
    assert np.isnan(table.loc["2025Q1", "n"])
    assert not table.loc["2025Q3", "suppressed"]


def test_few_who_answered_again_are_no_basis(make_survey_company):
    result = recovered(answers(make_survey_company(survey(*SIX), ITEMS)))
    assert not result.assessed
    assert "none of them has answered again" in say(result.reason, Locale())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exhibit_becomes_a_page(make_survey_company, language):
    past = answers(make_survey_company(survey(*moving()), ITEMS))
    for result in (closed_loop(past), recovered(past)):
        assert exhibit_html(result, Locale(language), name=str)
