"""Money per point: answers before leaving count, answers after it do not, and nothing is called an effect."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.satisfaction import answers
from crmkit.analyses.satisfaction.experiment import experiment
from crmkit.analyses.satisfaction.leaving import exposure
from crmkit.analyses.satisfaction.money import _joined, _shares_left, leaving_by_score, money_per_point, point_worth
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.privacy import pseudonym
from crmkit.core.results import Text
from crmkit.show.tables import exhibit_html

ITEMS = {"csat": {"scale": [1, 5], "kind": "csat"}, "nps": {"scale": [0, 10], "kind": "nps"}}
DAY = pd.Timestamp("2025-12-31")
SLOPE = -0.5
KEY = b"secret"


def simulated(n=1500, *, seed=0, telco=False):
    """One answer per customer on 1 January 2025; who leaves does so at a rate that falls with the answer."""
    rng = np.random.default_rng(seed)
    score = np.clip(np.round(rng.normal(3.5, 1, n)), 1, 5)
    days = rng.exponential(28 / (0.06 * np.exp(SLOPE * (score - 3))))
    if telco:
        days = np.where(score <= 2, rng.uniform(20, 300, n), np.where(score >= 4, 9999, days))
    answered = pd.Timestamp("2025-01-01")
    end = answered + pd.to_timedelta(np.ceil(days) + 14, unit="D")
    ids = [f"C{k:04d}" for k in range(n)]
    wide = pd.DataFrame(
        {
            "response_id": [f"S{k:04d}" for k in range(n)], "customer_id": ids, "wave": "2025Q1", "sent_at": answered,
            "responded_at": answered, "csat": score, "nps": np.round(score * 2),
        }
    )  # fmt: skip
    contracts = pd.DataFrame(
        {
            "customer_id": ids, "started_at": answered - pd.to_timedelta(rng.integers(30, 900, n), unit="D"),
            "ended_at": pd.Series(end).where(end <= DAY), "plan": rng.choice(["basic", "pro"], n),
            "mrr": rng.choice([50.0, 100.0], n), "renewed": pd.array([None] * n, dtype="boolean"),
            "churn_reason": pd.array([None] * n, dtype="string"), "churn_kind": pd.array([None] * n, dtype="string"),
        }
    )  # fmt: skip
    for name in ("started_at", "ended_at"):
        contracts[name] = contracts[name].dt.date.astype("object").where(contracts[name].notna(), None)
    return wide, contracts


@pytest.fixture(scope="module")
def past(make_survey_company):
    wide, contracts = simulated()
    return answers(make_survey_company(wide, ITEMS, subscriptions=contracts))


@pytest.fixture(scope="module")
def seen(past):
    return exposure(past)


def reading(table, reason=None):
    return SimpleNamespace(reason=reason, report=None, table=lambda name: table)


def test_the_planted_effect_is_found_and_called_an_association(past, seen):
    work = point_worth(past, seen)
    ratio = work.found.hazard_ratio
    assert ratio.low < np.exp(SLOPE) < ratio.high
    assert work.source == "price"
    assert work.later.low < np.exp(SLOPE) < work.later.high
    result = money_per_point(past, seen, work)
    text = say(result.finding.text, Locale())
    assert "An association, not an effect" in text
    assert result.table["n"].notna().all()
    assert (result.table["low"] < result.table["value"]).all()
    assert result.finding.money_at_stake.value == pytest.approx(work.found.total.value)
    assert "chosen at random" in say(result.finding.action, Locale())


def test_margin_scales_money_and_nothing_else(past, seen):
    whole, half = point_worth(past, seen), point_worth(past, seen, margin=0.5)
    assert half.found.total.value == pytest.approx(whole.found.total.value / 2)
    assert half.found.share == whole.found.share
    with pytest.raises(ParamError, match="margin: is 0"):
        point_worth(past, seen, margin=0)


def test_what_comes_later_is_worth_less(past, seen):
    now, later = (point_worth(past, seen, discount_rate=rate).found.total.value for rate in (0.0, 0.5))
    assert 0 < later < now


def test_values_of_the_value_report_are_taken_where_there_are_some(past, seen):
    ids = sorted(seen.customers)
    clv = pd.DataFrame({"customer_id": [pseudonym(one, key=KEY) for one in ids], "clv": 1000.0})
    work = point_worth(past, seen, reading(clv), key=KEY)
    assert work.source == "clv"
    assert work.found.total.value == pytest.approx(1000 * len(ids) * work.found.share.value)
    for other in (reading(clv, reason=Text("no")), reading(clv.assign(clv=np.nan)), reading(clv.assign(customer_id="x"))):
        assert point_worth(past, seen, other, key=KEY).source == "price"


def test_without_prices_there_are_days_and_no_money(make_survey_company):
    wide, contracts = simulated()
    past = answers(make_survey_company(wide, ITEMS, subscriptions=contracts.assign(mrr=np.nan)))
    seen = exposure(past)
    work = point_worth(past, seen)
    assert work.source == ""
    result = money_per_point(past, seen, work)
    assert "money" not in set(result.table["unit"])
    assert "An association" in say(result.finding.text, Locale()) or "an association" in say(result.finding.text, Locale())


def test_scores_that_mean_leaving_are_refused(make_survey_company):
    wide, contracts = simulated(telco=True)
    past = answers(make_survey_company(wide, ITEMS, subscriptions=contracts))
    seen = exposure(past)
    result = money_per_point(past, seen, point_worth(past, seen))
    assert not result.assessed
    assert "everybody who answered 1 or less left" in say(result.reason, Locale())


def test_answers_after_the_end_and_just_before_it_do_not_count(make_survey_company):
    wide, contracts = simulated()
    first = pd.Timestamp("2025-01-01").date()
    contracts.loc[:9, "ended_at"] = first - dt.timedelta(days=3)
    contracts.loc[10:29, "ended_at"] = first + dt.timedelta(days=10)
    past = answers(make_survey_company(wide, ITEMS, subscriptions=contracts))
    seen = exposure(past, gap_days=14)
    assert (seen.after, seen.soon) == (10, 20)
    assert not set(seen.rows["customer_id"]) & {f"C{k:04d}" for k in range(30)}
    assert exposure(past, gap_days=5).soon == 0


def test_an_answer_counts_until_the_next_one(make_survey_company):
    wide, contracts = simulated(40)
    again = wide.assign(
        response_id=wide["response_id"] + "b", wave="2025Q2", csat=1.0, sent_at=pd.Timestamp("2025-05-01"),
        responded_at=pd.Timestamp("2025-05-01"),
    )  # fmt: skip
    contracts["ended_at"] = None
    past = answers(make_survey_company(pd.concat([wide, again], ignore_index=True), ITEMS, subscriptions=contracts))
    rows = exposure(past).rows
    assert len(rows) == 80
    first, second = rows.iloc[0], rows.iloc[1]
    assert first["duration"] == round(120 / 14)
    assert second["score"] == 1.0
    assert second["duration"] == round((DAY - pd.Timestamp("2025-05-15")).days / 14)
    assert not rows["event"].any()


def test_the_time_after_an_answer_ends_with_the_horizon(past):
    rows = exposure(past, horizon_days=90).rows
    assert rows["duration"].max() == 90 // 14
    assert rows.loc[rows["event"], "duration"].max() <= 6


def test_another_question_can_be_read(past):
    assert exposure(past, item="nps").item.id == "nps"
    with pytest.raises(ParamError, match=r"satisfaction_item: is 'nsp'; did you mean 'nps'"):
        exposure(past, item="nsp")


def test_leaving_by_score_counts_who_was_watched(past, seen):
    result = leaving_by_score(past, seen)
    assert list(result.table["group"]) == ["1", "2", "3", "4", "5"]
    assert result.table["value"].is_monotonic_decreasing
    assert result.table["n"].sum() == len(seen.rows)
    days = result.finding.text.numbers["days"].value
    assert 0 < seen.window.gap_days < days <= seen.window.periods // 2 * seen.window.period_days
    assert f"up to {days:g} days from {seen.window.gap_days} days after the answer" in say(result.note, Locale())


def test_who_was_watched_for_less_counts_as_long_as_they_were():
    """Answers of the last half year: of those seen in full nearly all have left, because who stayed was not seen in full."""
    rng = np.random.default_rng(0)
    leaves, watched = rng.geometric(0.05, 4000), rng.integers(1, 8, 4000)
    rows = pd.DataFrame({"group": "1", "duration": np.minimum(leaves, watched), "event": leaves <= watched})
    (found,) = _shares_left(rows, ["1"], until=6, confidence=0.95).to_dict("records")
    true = 1 - 0.95**6
    assert found["low"] < true < found["high"]
    assert found["high"] - found["low"] < 0.06
    assert (found["n"], found["method"]) == (4000, "Kaplan-Meier")
    in_full = rows[rows["event"] | (rows["duration"] >= 6)]
    assert in_full["event"].mean() > true + 0.1
    everybody = pd.DataFrame({"group": "1", "duration": np.minimum(leaves, 6), "event": leaves <= 6})
    (whole,) = _shares_left(everybody, ["1"], until=6, confidence=0.95).to_dict("records")
    assert (whole["value"], whole["method"]) == (pytest.approx((leaves <= 6).mean()), "Wilson")
    nobody = rows.assign(event=False)
    (none,) = _shares_left(nobody, ["1"], until=6, confidence=0.95).to_dict("records")
    assert (none["value"], none["low"], none["high"] > 0) == (0, 0, True)


def test_small_levels_are_joined(make_survey_company):
    wide, contracts = simulated(300)
    wide.loc[wide["csat"] == 1, "csat"] = 2
    wide.loc[:3, "csat"] = 1
    past = answers(make_survey_company(wide, ITEMS, subscriptions=contracts))
    assert leaving_by_score(past, exposure(past)).table["group"].iloc[0] == "1–2"


def test_a_small_level_goes_with_the_next_and_the_last_with_the_one_before():
    def names(*sizes):
        scores = pd.Series(np.repeat(np.arange(1.0, len(sizes) + 1), sizes))
        return list(dict.fromkeys(_joined(scores, 10)))

    assert names(20, 5, 20, 20) == ["1", "2–3", "4"]
    assert names(5, 20, 10, 9) == ["1–2", "3–4"]
    assert names(10, 10, 10) == ["1", "2", "3"]


def test_without_contracts_customers_or_questions_it_is_said(make_survey_company):
    wide, contracts = simulated(60)
    cases = {
        "needs contracts": make_survey_company(wide, ITEMS),
        "which customer": make_survey_company(wide.assign(customer_id=None), ITEMS, subscriptions=contracts),
        "no question": make_survey_company(
            wide, {"csat": {"scale": [1, 5], "kind": "driver"}, "nps": {"scale": [0, 10], "kind": "other"}},
            subscriptions=contracts,
        ),
    }  # fmt: skip
    for said, company in cases.items():
        past = answers(company)
        seen = exposure(past)
        for result in (leaving_by_score(past, seen), money_per_point(past, seen, point_worth(past, seen))):
            assert not result.assessed
            assert said in say(result.reason, Locale())


def test_few_leavers_are_no_basis(make_survey_company):
    wide, contracts = simulated(60)
    past = answers(make_survey_company(wide, ITEMS, subscriptions=contracts.assign(ended_at=None)))
    seen = exposure(past)
    result = money_per_point(past, seen, point_worth(past, seen))
    assert "there are 0" in say(result.reason, Locale())


def shoppers(n=1500, *, seed=0):
    """One answer on 1 March 2025 of customers who had bought; who is content buys again within half a year more often."""
    rng = np.random.default_rng(seed)
    wide, _ = simulated(n, seed=seed)
    day = pd.Timestamp("2025-03-01")
    wide = wide.assign(sent_at=day, responded_at=day)
    silent = rng.random(n) < 1 - np.exp(-0.8 * np.exp(SLOPE * (wide["csat"] - 3)))
    before = pd.DataFrame(
        {"customer_id": wide["customer_id"], "ordered_at": day - pd.to_timedelta(rng.integers(1, 300, n), unit="D")}
    )
    after = pd.DataFrame(
        {"customer_id": wide["customer_id"], "ordered_at": day + pd.to_timedelta(rng.integers(20, 180, n), unit="D")}
    )
    bought = pd.concat([before, after[~silent]], ignore_index=True).assign(amount=50.0)
    return wide, bought.assign(ordered_at=bought["ordered_at"].dt.date), silent


def test_without_contracts_silence_counts_as_leaving(make_survey_company):
    wide, bought, silent = shoppers()
    past = answers(make_survey_company(wide, ITEMS, transactions=bought))
    seen = exposure(past, silent_days=180)
    assert seen.rows["event"].tolist() == silent.tolist()
    work = point_worth(past, seen)
    assert work.found.hazard_ratio.low < np.exp(SLOPE) < work.found.hazard_ratio.high
    assert (work.source, work.later) == ("spend", None)
    assert work.found.total.low > 0
    result = money_per_point(past, seen, work)
    assert "who buys nothing within 180 days of an answer counts as having left" in say(result.note, Locale())
    assert exhibit_html(result, Locale("zh"))


def test_silence_needs_its_whole_time_and_purchases_before(make_survey_company):
    wide, bought, _ = shoppers(200)
    past = answers(make_survey_company(wide, ITEMS, transactions=bought))
    assert exposure(past, silent_days=300).reason is not None
    stranger = bought[bought["customer_id"] != "C0007"]
    seen = exposure(answers(make_survey_company(wide, ITEMS, transactions=stranger)))
    assert len(seen.rows) == 199


def test_answers_whose_times_overlap_count_once(make_survey_company):
    wide, bought, _ = shoppers(50)
    parts = [wide]
    for month, wave in ((2, "a"), (4, "b")):
        day = pd.Timestamp("2024-10-01") + pd.DateOffset(months=month)
        parts.append(wide.assign(response_id=wide["response_id"] + wave, wave=wave, sent_at=day, responded_at=day))
    early = bought.assign(ordered_at=dt.date(2024, 9, 1))
    past = answers(make_survey_company(pd.concat(parts, ignore_index=True), ITEMS, transactions=pd.concat([bought, early])))
    seen = exposure(past, silent_days=80)
    assert seen.rows.groupby("customer_id").size().eq(2).all()
    assert set(seen.rows["day"].dt.strftime("%Y-%m-%d")) == {"2024-12-01", "2025-03-01"}


def campaign(make_survey_company, *, lift=0.8, n=2000, day="2025-03-01", arms=("treated", "control")):
    """Half are treated by lot on a day, answer a month later, and leave by their answer in the months after it."""
    rng = np.random.default_rng(0)
    wide, contracts = simulated(n)
    treated = rng.random(n) < 0.5
    score = rng.normal(3, 0.8, n) + lift * treated
    start = pd.Timestamp(day)
    gone = rng.random(n) < np.clip(0.4 - 0.15 * (score - 3), 0, 1)
    end = start + pd.to_timedelta(rng.integers(40, 150, n), unit="D")
    contracts["ended_at"] = pd.Series(end).dt.date.astype("object").where(gone, None)
    answered = start + pd.Timedelta(days=30)
    wide = wide.assign(csat=np.clip(np.round(score), 1, 5), sent_at=answered, responded_at=answered)
    exposures = pd.DataFrame(
        {"campaign_id": "care", "customer_id": wide["customer_id"], "arm": np.where(treated, *arms), "exposed_at": start.date()}
    )
    return answers(make_survey_company(wide, ITEMS, subscriptions=contracts, exposures=exposures))


def test_an_experiment_tells_what_a_point_brings(make_survey_company):
    result = experiment(campaign(make_survey_company), days=180)
    table = result.table.set_index("measure")
    assert table.loc["Score, treated less control", "low"] > 0.5
    assert table.loc["Left, per point", "high"] < 0
    assert table.loc["Left, per point", "low"] < -0.15 < table.loc["Left, per point", "high"]
    assert "An effect, if the campaign acts through satisfaction alone" in say(result.finding.text, Locale())
    assert exhibit_html(result, Locale("zh"))


def test_a_campaign_that_moved_nothing_tells_nothing(make_survey_company):
    result = experiment(campaign(make_survey_company, lift=0.0), days=180)
    assert "Left, per point" not in set(result.table["measure"])
    assert "No campaign moved satisfaction" in say(result.finding.text, Locale())


def test_without_an_experiment_it_is_said(make_survey_company, past):
    assert "needs exposures" in say(experiment(past).reason, Locale())
    late = campaign(make_survey_company, day="2025-09-01")
    assert "whole time behind it" in say(experiment(late, days=180).reason, Locale())
    alone = campaign(make_survey_company, arms=("treated", "treated"))
    assert "whole time behind it" in say(experiment(alone, days=180).reason, Locale())
    with pytest.raises(ParamError, match="horizon_days: is 0"):
        experiment(past, days=0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exhibit_becomes_a_page(past, seen, language):
    for result in (leaving_by_score(past, seen), money_per_point(past, seen, point_worth(past, seen))):
        assert exhibit_html(result, Locale(language))
