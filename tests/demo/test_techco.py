"""TechCo: what the files say of each customer is what the law of leaving was given, and the truth agrees with both."""

import datetime as dt
import json
import shutil

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmkit.core.settings import Settings
from crmkit.data.client import open_client
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.features import churn_features
from crmkit.data.summaries.spells import spells
from crmkit.demo import write
from crmkit.demo.company import Company
from crmkit.demo.techco.company import CUSTOMERS, LAW, SEED, simulate
from crmkit.demo.techco.leaving import Leaving, draw_ends, exposures
from crmkit.demo.techco.people import AS_OF, FIRST_DAY, cut_days, day_of_year, draw_people, draw_service, features_at
from crmkit.demo.techco.survey import FORM, draw_waves
from crmkit.demo.techco.tickets import Tickets, usage_change

CHECKED = ("plan", "tenure_days", "tickets_recent", "complaints_recent", "slow_recent", "usage_change", "last_csat")


@pytest.fixture(scope="module")
def small() -> Company:
    return simulate(CUSTOMERS, SEED)


@pytest.fixture(scope="module")
def large() -> Company:
    return simulate(20_000, 0)


@pytest.fixture(scope="module")
def client():
    with open_client("techco") as opened:
        yield opened


@pytest.fixture(scope="module")
def drawn():
    """The draws behind the committed files, up to the features that the hazard was made from."""
    rng = np.random.default_rng(SEED)
    people = draw_people(rng, CUSTOMERS)
    ids = np.array([f"T{number:05d}" for number in rng.permutation(CUSTOMERS) + 1])
    still = np.zeros(CUSTOMERS)
    usage, tickets = draw_service(rng, people, periods=(0, 40), level=still, decline=still.astype(np.int64))
    waves, cuts = draw_waves(rng, people, tickets), cut_days(0, 40)
    return ids, features_at(people, usage.counts, tickets, waves, FORM.place("csat"), cuts=cuts), people


@pytest.mark.parametrize("cut", [3, 12, 21, 30, 36, 40])
def test_features_of_the_files_are_those_of_the_law(client, drawn, cut):
    ids, features, _ = drawn
    day = FIRST_DAY + dt.timedelta(days=int(cut_days(cut, cut)[0]))
    found = to_frame(churn_features(client.tables, t0=day)).set_index("customer_id")
    meant = pd.DataFrame({name: values[:, cut] for name, values in features.items()}, index=ids).loc[found.index]
    assert len(found) > 30
    for name in CHECKED:
        want = meant[name].astype(object if name == "plan" else float)
        pd.testing.assert_series_equal(found[name].astype(want.dtype), want, check_names=False, rtol=1e-12)
    of_year = day_of_year(cut_days(cut, cut))[0]
    assert LAW.wanted(found, day_of_year=of_year) == pytest.approx(LAW.wanted(meant, day_of_year=of_year), rel=1e-12)


def test_columns_are_those_of_the_dictionary(small):
    from crmkit.data.tables import TABLES

    for name, table in small.tables.items():
        if name != "surveys":
            assert set(table.columns) <= set(TABLES[name].columns)
            assert set(TABLES[name].required) <= set(table.columns)
    assert set(small.tables["surveys"].columns) == set(FORM.headers.values())


def test_every_table_comes_in_whole(client):
    kept = {one.table: (one.rows_kept, one.rows_rejected) for one in client.intake}
    rows = {name: len(table) for name, table in simulate(CUSTOMERS, SEED).tables.items()}
    assert kept == {name: (count, 0) for name, count in rows.items()}
    assert client.tables["surveys"].count().execute() == 11 * rows["surveys"]


def test_truth_agrees_with_the_files(client, small):
    truth = json.loads(json.dumps(small.truth))
    found = to_frame(spells(client.tables["subscriptions"], as_of=client.as_of))
    assert found["customer_id"].is_unique
    assert len(found) == CUSTOMERS
    assert found["event"].value_counts().to_dict() == truth["left_until_as_of"]
    active = found[~found["event_observed"]]
    assert sorted(active["customer_id"]) == sorted(truth["risk"])
    assert len(active) == truth["active_at_as_of"]
    assert sum(truth["risk"].values()) == pytest.approx(truth["expected_within_horizon"], abs=0.1)
    soon = [customer for customer, days in truth["future_days_to_end"].items() if days <= truth["horizon_days"]]
    assert len(soon) == truth["left_within_horizon"]
    assert set(truth["future_days_to_end"]) <= set(truth["risk"])


def test_earlier_data_know_nothing_of_later_ends(client):
    day = dt.date(2025, 6, 30)
    with open_client("techco", as_of=day.isoformat()) as earlier:
        before = earlier.tables["subscriptions"]
        assert before.filter(before.ended_at > day).count().execute() == 0
        assert before.filter(before.ended_at.isnull() & before.churn_reason.notnull()).count().execute() == 0
        labels = _labels(client.tables["subscriptions"], t0=day, horizon_days=90, as_of=client.as_of)
        one = to_frame(churn_features(earlier.tables, t0=day))
        other = to_frame(churn_features(client.tables, t0=day))
    pd.testing.assert_frame_equal(one, other)
    assert one["customer_id"].tolist() == labels["customer_id"].tolist()


@pytest.mark.long
def test_as_many_leave_as_the_law_says(large):
    """Counting process: events less cumulative hazard, 99.9 % band."""
    truth = large.truth
    for kind, expected in truth["expected_events_until_as_of"].items():
        assert abs(truth["left_until_as_of"][kind] - expected) < 3.29 * expected**0.5
    risk = np.array(list(truth["risk"].values()))
    assert abs(truth["left_within_horizon"] - risk.sum()) < 3.29 * (risk * (1 - risk)).sum() ** 0.5


def test_risk_is_calibrated_in_every_fifth(large):
    truth = large.truth
    risk = pd.Series(truth["risk"])
    left = pd.Series(truth["future_days_to_end"]).reindex(risk.index).le(truth["horizon_days"])
    for _, group in risk.groupby(pd.qcut(risk, 5, labels=False)):
        spread = (group * (1 - group)).sum() ** 0.5
        assert abs(left[group.index].sum() - group.sum()) < 3.29 * spread


@pytest.mark.long
def test_coefficients_are_found_again(tmp_path):
    """Poisson regression on cells of 28 days, features from the files of another seed: 99.9 % of each coefficient."""
    import statsmodels.api as sm

    made = simulate(6000, 1)
    tables = _as_tables(made, tmp_path)
    rows = []
    for cut in range(4, 40, 3):
        day = FIRST_DAY + dt.timedelta(days=int(cut_days(cut, cut)[0]))
        features = to_frame(churn_features(tables, t0=day))
        labels = _labels(tables["subscriptions"], t0=day, horizon_days=28, as_of=AS_OF)
        season = np.cos(2 * np.pi * day.timetuple().tm_yday / 365.25)
        features = features.astype({"last_csat": "float64", "days_since_csat": "float64", "usage_change": "float64"})
        rows.append(features.drop(columns="csat_newest").merge(labels, on="customer_id").assign(season=season))
    table = pd.concat(rows)
    design = pd.DataFrame(
        {
            "constant": 1.0,
            "pro": table["plan"] == "pro",
            "enterprise": table["plan"] == "enterprise",
            "small": table["size"] == "small",
            "large": table["size"] == "large",
            "tickets": table["tickets_recent"],
            "complaints": table["complaints_recent"],
            "slow": table["slow_recent"],
            "usage": table["usage_change"].fillna(0).clip(-1, 1),
            "csat": (table["last_csat"] - 4).fillna(0),
            "unanswered": table["last_csat"].isna(),
            **{f"tenure{start}": table["tenure_days"] >= start for start, _ in LAW.tenure[1:]},
            "season": table["season"],
        }
    ).astype(float)
    # the day on which a customer leaves is the end of the day, so half a day of exposure was seen too much
    days = table["duration_days"] - 0.5 * (table["event"] == "voluntary")
    fitted = sm.GLM(
        (table["event"] == "voluntary").astype(float), design, family=sm.families.Poisson(), offset=np.log(days / 28)
    ).fit()
    steps = np.diff([added for _, added in LAW.tenure])
    meant = [
        np.log(LAW.base), LAW.plan["pro"], LAW.plan["enterprise"], LAW.size["small"], LAW.size["large"], LAW.tickets,
        LAW.complaints, LAW.slow, LAW.usage, LAW.csat, LAW.unanswered, *steps, LAW.season,
    ]  # fmt: skip
    z = (fitted.params.to_numpy() - np.array(meant)) / fitted.bse.to_numpy()
    assert np.abs(z).max() < stats.norm.ppf(1 - 0.0005 / len(z)), dict(zip(design.columns, z.round(2), strict=True))
    # and they could have been missed: each but the weakest is told apart from 0
    assert (np.abs(fitted.tvalues) > 3).sum() >= 8


def _labels(subscriptions: ibis.Table, *, t0: dt.date, horizon_days: int, as_of: dt.date) -> pd.DataFrame:
    """Days that each customer under contract on a day stayed after it, to the horizon, and the kind of end within it."""
    frame, start = to_frame(spells(subscriptions, as_of=as_of)), pd.Timestamp(t0)
    there = frame[(frame["started_at"] <= start) & ~(frame["ended_at"] <= start)]
    days = (there["observed_end"] - start).dt.days
    left = there["event_observed"] & (days <= horizon_days)
    found = {"customer_id": there["customer_id"], "duration_days": days.clip(upper=horizon_days)}
    return pd.DataFrame({**found, "event": there["event"].where(left)}).sort_values("customer_id", ignore_index=True)


def _as_tables(company: Company, folder) -> dict[str, ibis.Table]:
    """The tables of a simulated company, through the same door as a client's."""
    home = folder / "home"
    shutil.copytree(software_home() / "notebooks", home / "notebooks")
    (home / "params").mkdir()
    text = (software_home() / "params" / "techco.yml").read_text(encoding="utf-8")
    (home / "params" / "techco.yml").write_text(text, encoding="utf-8")
    target = home / "data" / "demo" / "techco"
    target.mkdir(parents=True)
    for name, table in company.tables.items():
        table.to_csv(target / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    opened = open_client("techco", home=home)
    assert isinstance(opened.settings, Settings)
    return opened.tables


def software_home():
    from pathlib import Path

    return Path(__file__).parents[2]


def test_planted_causes_are_in_the_files(small):
    tickets = small.tables["tickets"].merge(small.tables["customers"], on="customer_id")
    opened, answered = pd.to_datetime(tickets["opened_at"]), pd.to_datetime(tickets["first_response_at"])
    hours = (answered - opened).dt.total_seconds() / 3600
    late, mine = opened >= "2025-05-01", tickets["size"] == "small"
    assert hours[late & mine].median() > 1.6 * hours[late & ~mine].median()
    assert hours[~late & mine].median() == pytest.approx(hours[~late & ~mine].median(), rel=0.15)
    hit = tickets["industry"].isin(["Retail", "Logistics"])
    assert set(tickets.loc[tickets["category"] == "sync", "industry"]) == {"Retail", "Logistics"}
    faults = tickets["kind"] == "fault"
    assert (late & hit & faults).sum() / (hit & faults).sum() > 1.3 * (late & ~hit & faults).sum() / (~hit & faults).sum()
    assert opened[tickets["category"] == "sync"].min() >= pd.Timestamp("2025-03-01")


def test_contracts_follow_each_other(small):
    rows = small.tables["subscriptions"].sort_values(["customer_id", "started_at"])
    following = rows["customer_id"].eq(rows["customer_id"].shift(-1))
    assert (rows["renewed"].eq("yes") == following).all()
    gap = rows["started_at"].shift(-1) - rows["ended_at"]
    assert (gap[following] == pd.Timedelta(days=1)).all()
    assert (rows["churn_kind"].ne("") == rows["renewed"].eq("no")).all()
    assert rows["ended_at"].max() <= pd.Timestamp(AS_OF)
    assert (rows["ended_at"].dropna() >= rows["started_at"][rows["ended_at"].notna()]).all()


def test_the_law_by_hand():
    law = Leaving(base=0.02)
    features = {
        "plan": ["pro"], "size": ["small"], "tickets_recent": [2], "complaints_recent": [1], "slow_recent": [0],
        "usage_change": [-0.5], "last_csat": [2.0], "tenure_days": [200],
    }  # fmt: skip
    log_ratio = law.plan["pro"] + law.size["small"] + 2 * law.tickets + law.complaints - 0.5 * law.usage - 2 * law.csat - 0.5
    spring = round(365.25 / 4)
    season = law.season * np.cos(2 * np.pi * spring / 365.25)
    assert law.wanted(features, day_of_year=spring) == pytest.approx([0.02 * np.exp(log_ratio + season)], rel=1e-12)
    assert law.forced(features) == pytest.approx([law.forced_base * np.exp(0.4)], rel=1e-12)


def test_ends_follow_a_piecewise_constant_hazard():
    cuts = np.array([0, 28, 56])
    start = np.zeros(200_000, dtype=np.int64)
    hazard = np.tile([0.5, 1.0], (len(start), 1))
    ends = draw_ends(np.random.default_rng(0), hazard, start=start, cuts=cuts)
    for day, total in ((14, 0.25), (28, 0.5), (42, 1.0), (56, 1.5)):
        expected = np.exp(-total)
        assert abs((ends > day).mean() - expected) < 3.29 * (expected * (1 - expected) / len(ends)) ** 0.5
    assert np.isinf(ends[ends > 56]).all()
    assert exposures(np.array([10, 60]), cuts).tolist() == [[18.0, 28.0], [0.0, 0.0]]


def test_change_of_usage():
    counts = np.array([[9.0, 10.0, 10.0, 10.0, 5.0], [0.0, 0.0, 0.0, 0.0, 5.0]])
    change = usage_change(counts)
    assert change[0] == -0.5
    assert np.isnan(change[1])


def test_tickets_know_their_day():
    assert Tickets(np.array([0]), np.array([2 * 86_400 + 5]), np.array([0]), np.array([1.0])).day.tolist() == [2]


def test_any_number_of_customers(tmp_path):
    for customers in (1, 2, 5):
        write("techco", tmp_path, customers=customers)
        assert len(pd.read_csv(tmp_path / "customers.csv")) == customers
