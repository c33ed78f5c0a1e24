"""Who recommends, who of the recommended comes, and what a reward programme changes."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.satisfaction import answers
from crmkit.analyses.satisfaction.recommend import converting, referring
from crmkit.analyses.satisfaction.reward import _purchases, reward
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import newcombe, wilson
from crmkit.show.tables import exhibit_html

ITEMS = {"nps": {"scale": [0, 10], "kind": "nps"}}
ANSWERED = pd.Timestamp("2025-03-01")
SHARES = {10: 0.5, 8: 0.25, 3: 0.1}


def survey(n=100, day=ANSWERED):
    """A hundred answers of 10, of 8 and of 3 each."""
    score = np.repeat([10.0, 8.0, 3.0], n)
    ids = [f"C{k:04d}" for k in range(3 * n)]
    return pd.DataFrame(
        {"response_id": ids, "customer_id": ids, "wave": "2025Q1", "sent_at": day, "responded_at": day, "nps": score}
    )


def recommended(wide, *, days=30, won=0.5):
    """Of each score the share of SHARES recommends one friend; every second friend comes."""
    rows = []
    for score, share in SHARES.items():
        own = wide[wide["nps"] == score]
        for k, customer in enumerate(own["customer_id"].head(round(share * len(own)))):
            came = ANSWERED + pd.Timedelta(days=days + 20) if k < won * round(share * len(own)) else pd.NaT
            rows.append((customer, f"P{score}-{k}", ANSWERED + pd.Timedelta(days=days), came))
    table = pd.DataFrame(rows, columns=["referrer_id", "referred_id", "referred_at", "converted_at"])
    return table.assign(
        **{name: table[name].dt.date.where(table[name].notna(), None) for name in ("referred_at", "converted_at")}
    )


@pytest.fixture(scope="module")
def past(make_survey_company):
    wide = survey()
    return answers(make_survey_company(wide, ITEMS, referrals=recommended(wide)))


def test_shares_differences_and_corrected_tests(past):
    result = referring(past)
    table = result.table
    assert list(table["group"]) == ["Promoters", "Passives", "Detractors"]
    share = wilson([50, 25, 10], [100] * 3)
    assert np.allclose(table[["value", "low", "high"]], np.column_stack([share.value, share.low, share.high]), atol=1e-12)
    gap = newcombe([25, 10], [100, 100], [50, 50], [100, 100])
    assert np.allclose(table["difference"].iloc[1:], gap.value)
    assert np.allclose(table["p_value"].iloc[1:], holm(gap.p_value))
    assert "50% (40.4% to 59.6%)" in say(result.finding.text, Locale())
    assert "significant" in say(result.finding.text, Locale())


def test_only_recommendations_after_the_answer_and_in_time_count(make_survey_company):
    wide = survey()
    for days in (-5, 200):
        past = answers(make_survey_company(wide, ITEMS, referrals=recommended(wide, days=days)))
        assert referring(past, days=180).table["referred"].sum() == 0


def test_answers_without_the_whole_time_behind_them_do_not_count(make_survey_company):
    late = survey(day=pd.Timestamp("2025-10-01"))
    past = answers(make_survey_company(late, ITEMS, referrals=recommended(late)))
    assert not referring(past, days=180).assessed
    assert referring(past, days=60).assessed


def test_a_customer_counts_once_and_nobody_recommends_himself(make_survey_company):
    wide = survey()
    double = recommended(wide)
    own = double.assign(referred_id=double["referrer_id"])
    again = double.assign(referred_id=double["referred_id"] + "b")
    past = answers(make_survey_company(wide, ITEMS, referrals=pd.concat([double, own, again], ignore_index=True)))
    assert referring(past).table["referred"].tolist() == [50, 25, 10]


def test_conversion_by_who_recommended(past):
    result = converting(past)
    table = result.table.set_index("group")
    assert table.loc["Promoters", ["n", "referred", "value"]].tolist() == [50, 25, 0.5]
    assert table.loc["Passives", ["n", "referred", "value"]].tolist() == [25, 13, 13 / 25]
    assert "may be chance" in say(result.finding.text, Locale())


def test_recommendations_of_one_customer_are_not_independent(make_survey_company):
    wide = survey()
    once = recommended(wide)
    copies = [once.assign(referred_id=once["referred_id"] + f"-{k}") for k in range(4)]
    many = answers(make_survey_company(wide, ITEMS, referrals=pd.concat(copies, ignore_index=True)))
    first = converting(answers(make_survey_company(wide, ITEMS, referrals=once))).table.iloc[0]
    row = converting(many).table.iloc[0]
    assert row["n"] == 4 * first["n"]
    assert row["effective_n"] == pytest.approx(first["n"])
    assert row["high"] == pytest.approx(first["high"])


def test_young_recommendations_are_left_out(past):
    assert not converting(past, conversion_days=300).assessed
    assert converting(past, conversion_days=10).table["referred"].sum() == 0


def test_bands_of_few_customers_are_hidden(make_survey_company):
    wide = survey()
    wide = wide.drop(wide[wide["nps"] == 3].index[5:])
    table = referring(answers(make_survey_company(wide, ITEMS, referrals=recommended(wide)))).table.set_index("group")
    assert table.loc["Detractors", "suppressed"]
    assert np.isnan(table.loc["Detractors", "value"])


def test_without_tables_it_is_said(make_survey_company):
    past = answers(make_survey_company(survey(), ITEMS))
    assert "needs referrals" in say(referring(past).reason, Locale())
    assert "needs referrals" in say(converting(past).reason, Locale())
    assert "needs loyalty" in say(reward(past).reason, Locale())
    members = pd.DataFrame({"customer_id": ["C0001"], "joined_at": [dt.date(2025, 5, 1)]})
    assert "needs transactions" in say(reward(answers(make_survey_company(survey(), ITEMS, loyalty=members))).reason, Locale())
    with pytest.raises(ParamError, match="referral_days: is 0"):
        referring(past, days=0)
    with pytest.raises(ParamError, match="reward_days: is 3"):
        reward(past, days=3)


def programme(*, effect=0.0, n=1500, seed=0, first="2023-01-01", ahead=False):
    """Who bought often before joins more often; then, or `ahead` of it, buys `effect` more often."""
    rng = np.random.default_rng(seed)
    start, end = np.datetime64(first), np.datetime64("2025-12-31")
    span = int((end - start) / np.timedelta64(1, "D"))
    rate = rng.gamma(1.0, 1 / 90, n)
    days = [np.flatnonzero(rng.random(span) < one) for one in rate]
    before = np.array([(one < span - 365).sum() for one in days])
    joins = rng.random(n) < 0.05 + 0.04 * np.minimum(before, 12)
    joined = span - 365 + rng.integers(0, 150, n)
    rows = []
    for k in range(n):
        since, until = (joined[k] - 240, joined[k] - 120) if ahead else (joined[k], span)
        more = since + np.flatnonzero(rng.random(until - since) < effect * rate[k]) if joins[k] else []
        rows += [
            (f"C{k:04d}", start + np.timedelta64(int(day), "D"), 20.0) for day in np.union1d([0], np.union1d(days[k], more))
        ]
    bought = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount"])
    members = pd.DataFrame({"customer_id": [f"C{k:04d}" for k in np.flatnonzero(joins)]})
    members["joined_at"] = (start + joined[joins].astype("timedelta64[D]")).astype("datetime64[ns]")
    for table, name in ((bought, "ordered_at"), (members, "joined_at")):
        table[name] = pd.to_datetime(table[name]).dt.date
    return bought, members


def looked(make_survey_company, **options):
    bought, members = programme(**options)
    past = answers(make_survey_company(survey(), ITEMS, transactions=bought, loyalty=members))
    return reward(past, days=120)


def test_purchases_have_their_own_day(make_survey_company):
    bought, members = programme(n=40)
    past = answers(make_survey_company(survey(), ITEMS, transactions=bought, loyalty=members))
    found = _purchases(past)
    first = bought.groupby("customer_id")["ordered_at"].min()
    assert (found.first == [(first[name] - dt.date(1970, 1, 1)).days for name in found.ids]).all()


def test_a_programme_without_effect_shows_none_although_better_customers_join(make_survey_company):
    result = looked(make_survey_company)
    after = result.table[result.table["group"] == "after joining"]
    assert ((after["low"] < 0) & (after["high"] > 0)).all()
    assert "cannot be seen" in say(result.finding.text, Locale())


def test_a_planted_effect_is_found(make_survey_company):
    result = looked(make_survey_company, effect=1.0)
    after = result.table[result.table["group"] == "after joining"]
    assert (after["low"] > 0).all()
    assert "more within 120 days of joining" in say(result.finding.text, Locale())
    assert result.finding.passed is None


def test_members_who_were_different_before_are_no_evidence(make_survey_company):
    """A run of purchases in the span before the one compared: the totals are alike, the times are not."""
    result = looked(make_survey_company, effect=3.0, ahead=True)
    check = result.table[result.table["group"] == "check: before"]
    assert (check["low"] > 0).all()
    assert "cannot be laid to the programme" in say(result.finding.text, Locale())
    assert result.finding.severity == "warning"


def test_where_the_data_do_not_reach_back_it_is_said(make_survey_company):
    result = looked(make_survey_company, first="2024-10-01")
    assert "check: before" not in set(result.table["group"])
    assert "cannot be checked" in say(result.finding.text, Locale())


def test_few_members_are_no_basis(make_survey_company):
    bought, members = programme()
    past = answers(make_survey_company(survey(), ITEMS, transactions=bought, loyalty=members.head(5)))
    assert "needs 30 members" in say(reward(past, days=120).reason, Locale())
    none = answers(
        make_survey_company(
            survey(), ITEMS, transactions=bought, loyalty=members.head(0).astype({"joined_at": "datetime64[ns]"})
        )
    )
    assert "there are 0" in say(reward(none, days=120).reason, Locale())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exhibit_becomes_a_page(past, make_survey_company, language):
    for result in (referring(past), converting(past), looked(make_survey_company)):
        assert exhibit_html(result, Locale(language))
