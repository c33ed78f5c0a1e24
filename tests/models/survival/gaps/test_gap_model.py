"""A shop's model end to end: right on days that it has not seen, and clear about shops of which little can be said."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import Locale, say
from crmkit.models.survival.gaps import (
    choose_horizon,
    closures,
    fit_gap_model,
    gap_covariates,
    gap_curves,
    gap_support,
    own_rhythm,
    score_gaps,
    simple_scores,
    usable_covariates,
)

ORIGIN = dt.date(2022, 1, 1)


def scored(made, *, horizon=60, **given):
    model = fit_gap_model(made.gaps, as_of=made.as_of, horizon_days=horizon, engine="rows", **given)
    today = made.gaps[~made.gaps["event_observed"]].reset_index(drop=True)
    found = score_gaps(model, today, horizon_days=horizon)
    away = ~(today["customer_id"].map(made.next_days).to_numpy() <= horizon)  # nan: has left
    return model, found, away


@pytest.mark.parametrize("kind", ["leaving", "staying", "season"])
@pytest.mark.parametrize("seeds", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_as_many_stay_away_as_predicted(shop, kind, seeds):
    """Heterogeneous gamma rhythms: on the days after the last one, observed over expected, and better than simple rules."""
    given = {"leaving": {}, "staying": {"leaving": 0.0}, "season": {"season": 0.4, "days": 1095}}[kind]
    observed, expected, better = 0.0, 0.0, []
    for seed in range(seeds):
        made = shop(seed, 900, **given)
        model, found, away = scored(made)
        assert found["probability"].between(0, 1).all()
        observed, expected = observed + away.sum(), expected + found["probability"].sum()
        rules = simple_scores(found["silence_days"], found["rhythm_days"])
        better.append([auc(away, found["probability"]) - auc(away, rules[name]) for name in rules])
    band = (0.95, 1.05) if seeds > 10 else (0.9, 1.1)  # of four shops chance alone is some 0.04
    assert band[0] < observed / expected < band[1]
    assert (np.mean(better, axis=0) > -0.005).all()
    assert len(model.days) == 6


def auc(away, score):
    rank = pd.Series(np.asarray(score)).rank().to_numpy()
    n = away.sum()
    return (rank[away].sum() - n * (n + 1) / 2) / (n * (len(away) - n))


def test_customers_are_met_in_the_past_and_once_a_day(shop):
    made = shop(0, 300)
    model = fit_gap_model(made.gaps, as_of=made.as_of, horizon_days=90, meetings=3, engine="rows")
    assert model.days == tuple(made.as_of - dt.timedelta(days=90 * k) for k in (1, 2, 3))
    assert model.rows <= 3 * 300
    assert model.fit.customers <= 300
    assert "log_rhythm" in model.columns
    assert "season_sin" not in model.columns  # nine months are no year


def test_a_change_of_what_follows_the_last_day_changes_nothing(shop):
    """No look ahead: the model up to a day is that of the gaps cut on that day."""
    made = shop(3, 300)
    day = made.as_of - dt.timedelta(days=200)
    at = pd.Timestamp(day)
    cut = made.gaps[made.gaps["started_at"] <= at].reset_index(drop=True)
    later = ~(cut["ended_at"] <= at)
    cut = cut.assign(
        event_observed=~later,
        duration_days=np.where(later, (at - cut["started_at"]).dt.days, cut["duration_days"]),
        ended_at=cut["ended_at"].where(~later),
    )
    one = fit_gap_model(cut, as_of=day, horizon_days=60, engine="rows")
    other = fit_gap_model(cut.sample(frac=1, random_state=0), as_of=day, horizon_days=60, engine="rows")
    assert np.abs(one.fit.cox.coefficients - other.fit.cox.coefficients).max() < 1e-8
    assert max(one.days) < day


def test_days_and_lifelines_serve_too(shop):
    made = shop(2, 120)
    ours, theirs = (
        fit_gap_model(made.gaps, as_of=made.as_of, horizon_days=60, clock="days", engine=engine)
        for engine in ("rows", "lifelines")
    )
    assert theirs.fit.cox.engine == "lifelines"
    assert np.abs(ours.fit.cox.coefficients - theirs.fit.cox.coefficients).max() < 1e-8
    assert np.abs(ours.fit.cox.covariance - theirs.fit.cox.covariance).max() < 1e-8


# --- shops of which little can be said


def frame(customers):
    """Gaps of customers who buy on these days, up to day 400."""
    rows = []
    for name, days in customers.items():
        for k, day in enumerate(days):
            last = k + 1 == len(days)
            rows.append((name, k + 1, day, np.nan if last else days[k + 1], 400 - day if last else days[k + 1] - day, not last,
                         day - days[k - 1] if k else np.nan, (day - days[0]) / k if k else np.nan, 10.0))  # fmt: skip
    names = [
        "customer_id",
        "number",
        "a",
        "b",
        "duration_days",
        "event_observed",
        "previous_gap_days",
        "mean_gap_days",
        "amount",
    ]
    found = pd.DataFrame(rows, columns=names)
    origin = pd.Timestamp(ORIGIN)
    return found.assign(
        started_at=origin + pd.to_timedelta(found["a"], unit="D"), ended_at=origin + pd.to_timedelta(found["b"], unit="D")
    )


AS_OF = ORIGIN + dt.timedelta(days=400)


def support(gaps):
    return gap_support(gaps["duration_days"], gaps["event_observed"], gaps["number"], gaps["customer_id"])


def test_one_purchase_each():
    gaps = frame({f"c{k}": [k] for k in range(200)})
    for call in (lambda: support(gaps), lambda: fit_gap_model(gaps, as_of=AS_OF, horizon_days=60)):
        with pytest.raises(ModelError, match=r"^no gap between purchases has ended; nobody has bought twice"):
            call()


def test_all_on_one_day():
    gaps = frame({f"c{k}": [7] for k in range(200)})
    with pytest.raises(ModelError, match=r"^all purchases lie on one day, so nobody can have bought again"):
        fit_gap_model(gaps, as_of=AS_OF, horizon_days=60)


def test_returns_only():
    with pytest.raises(ModelError, match=r"^there is no purchase, so there is no gap between purchases"):
        fit_gap_model(frame({"a": [1, 2]}).iloc[:0], as_of=AS_OF, horizon_days=60)


def test_a_shop_younger_than_two_horizons():
    gaps = frame({f"c{k}": [k % 50 + 300, k % 50 + 320] for k in range(200)})
    with pytest.raises(ModelError, match="the shop has sold for 100 days; a horizon of 90 days needs at least twice as many"):
        fit_gap_model(gaps, as_of=AS_OF, horizon_days=90)
    with pytest.raises(ParamError, match="horizon_days is 0"):
        fit_gap_model(gaps, as_of=AS_OF, horizon_days=0)


def test_one_customer_with_half_of_the_purchases():
    rng = np.random.default_rng(0)
    usual = {f"c{k}": [d for d in np.cumsum(rng.integers(40, 160, 6)).tolist() if d <= 400] for k in range(120)}
    gaps = frame(usual | {"big": list(range(400))})
    found = support(gaps)
    assert found.largest_share == pytest.approx(0.5, abs=0.02)
    assert say(found.warnings[0], Locale()).startswith("one customer made 48.9% of the purchases")
    assert support(frame(usual)).warnings == ()
    # naive errors take their 399 gaps for 399 customers; errors by customer do not
    curve = gap_curves(gaps["duration_days"], gaps["event_observed"], customer=gaps["customer_id"])
    naive = gap_curves(gaps["duration_days"], gaps["event_observed"])
    assert curve["standard_error"].iloc[3] > 5 * naive["standard_error"].iloc[3]
    # met on a few days, they are one customer of many: the others keep their scores
    scores = []
    for own in (gaps, gaps[gaps["customer_id"] != "big"]):
        model = fit_gap_model(own, as_of=AS_OF, horizon_days=60, engine="rows")
        today = score_gaps(model, own[~own["event_observed"]], horizon_days=60).set_index("customer_id")
        scores.append(today)
    alone, beside = scores[1], scores[0].loc[scores[1].index]
    assert ((alone["low"] <= beside["high"]) & (beside["low"] <= alone["high"])).mean() > 0.95
    assert abs(alone["probability"].mean() - beside["probability"].mean()) < 0.1
    assert scores[0]["probability"].between(0, 1).all()
    assert scores[0].loc["big", "low"] < 0.1


def test_a_year_closed_in_the_middle():
    """A gap common to all is no silence of customers: found, and taken out of the lengths."""
    rng = np.random.default_rng(1)
    usual = {f"c{k}": np.cumsum(rng.integers(5, 25, 25)) + rng.integers(0, 20) for k in range(150)}
    shut = {name: [int(day) if day < 150 else int(day) + 60 for day in days if day < 340] for name, days in usual.items()}
    days = pd.Series([day for own in shut.values() for day in own]).value_counts().sort_index()
    found = closures(np.datetime64(ORIGIN) + days.index.to_numpy(), days.to_numpy())
    assert len(found) == 1
    first, last = ((day - ORIGIN).days for day in found[0])
    assert 145 <= first <= 150
    assert 209 <= last <= 212
    gaps = frame(shut)
    spans = gaps["event_observed"] & (gaps["a"] < first) & (gaps["b"] > last)
    assert gaps.loc[spans, "duration_days"].min() >= 60
    from crmkit.models.survival.gaps import open_days

    inside = open_days(gaps["started_at"], gaps["ended_at"].fillna(pd.Timestamp(AS_OF)), found)
    assert inside[spans].max() < 30
    assert (inside[~spans] == gaps.loc[~spans, "duration_days"]).all()


def test_too_few_gaps_for_a_horizon_are_said():
    gaps = frame({"a": [0, 10, 30], "b": [5, 9]})
    with pytest.raises(ModelError, match="too few for any horizon, 20 are needed"):
        choose_horizon(gaps["duration_days"], gaps["event_observed"])


# --- covariates and simple rules


def test_covariates_mean_the_same_on_every_day(shop):
    made = shop(0, 100)
    X = gap_covariates(made.gaps, typical=30.0, prior_gaps=2.0)
    first = made.gaps["number"] == 1
    assert (X.loc[first, ["log_rhythm", "log_previous"]] == 0).all().all()
    assert np.isfinite(X.select_dtypes("number")).all().all()
    assert X["channel"].isin(["web", "shop"]).all()
    row = made.gaps.index[made.gaps["number"] == 3][0]
    rhythm = (2 * 30 + 2 * made.gaps.loc[row, "mean_gap_days"]) / 4
    assert X.loc[row, "log_rhythm"] == pytest.approx(np.log(rhythm / 30))
    assert X.loc[row, "log_previous"] == pytest.approx(np.log(made.gaps.loc[row, "previous_gap_days"] / rhythm))
    one = gap_covariates(made.gaps.loc[[row]], typical=30.0, prior_gaps=2.0)
    pd.testing.assert_frame_equal(one, X.loc[[row]])
    with pytest.raises(ModelError, match="there is no column 'mean_gap_days'"):
        gap_covariates(made.gaps.drop(columns="mean_gap_days"), typical=30.0)


def test_what_is_the_same_for_nearly_all_is_left_out():
    X = pd.DataFrame({"a": np.arange(100.0), "b": np.r_[np.ones(98), 0, 0], "c": ["x"] * 100, "d": ["x", "y"] * 50})
    kept, dropped = usable_covariates(X, np.ones(100, dtype=bool))
    assert kept == ["a", "d"]
    assert [name for name, _ in dropped] == ["b", "c"]


def test_simple_rules():
    rhythm = own_rhythm([10.0, np.nan], [3, 0], typical=40.0, prior_gaps=1.0)
    assert rhythm.tolist() == [17.5, 40.0]
    found = simple_scores([35, 20], rhythm, alive=[0.9, 0.4])
    assert found["own_rhythm"].tolist() == [2.0, 0.5]
    assert found["not_alive"].tolist() == pytest.approx([0.1, 0.6])
    with pytest.raises(ModelError, match="usual gap is 0 or missing"):
        simple_scores([1], [0])
    with pytest.raises(ParamError, match="own rhythm: typical is 0"):
        own_rhythm([1], [1], typical=0)
