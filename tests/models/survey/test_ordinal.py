"""Proportional odds: against statsmodels, weights, the test of proportionality under truth and violation, bad input."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.survey.ordinal import fit_ordinal, proportional_odds_test


def survey(n, seed, *, bend=0.0):
    """Marks 1 to 4; with `bend` the first driver's effect differs between the steps."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(n, 2)), columns=["speed", "price"])
    u = rng.logistic(size=n)
    above = [x["speed"] * (0.8 + bend * k) + 0.4 * x["price"] + u > t for k, t in enumerate((-1.5, 0.0, 1.5))]
    return x, 1 + np.sum(above, axis=0)


def test_equals_statsmodels():
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x, y = survey(400, 0)
    found = fit_ordinal(x, y)
    # its gradient is numerical: on some processors it cannot get below the tolerance, and the digits below decide
    peer = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=False, gtol=1e-9, warn_convergence=False)
    assert found.table["value"].tolist() == pytest.approx(peer.params[:2].tolist(), abs=1e-6)
    assert found.table["standard_error"].tolist() == pytest.approx(peer.bse[:2].tolist(), rel=1e-4)
    assert found.table["p_value"].tolist() == pytest.approx(peer.pvalues[:2].tolist(), rel=1e-2)
    assert found.log_likelihood == pytest.approx(peer.llf, abs=1e-8)


def test_two_marks_are_logistic_regression():
    from statsmodels.api import Logit, add_constant

    x, y = survey(300, 1)
    found = fit_ordinal(x, y > 2)
    peer = Logit(y > 2, add_constant(x)).fit(disp=False)
    assert found.table["value"].tolist() == pytest.approx(peer.params.tolist()[1:], abs=1e-8)
    assert found.thresholds[0] == pytest.approx(-peer.params.iloc[0], abs=1e-8)
    assert found.table["standard_error"].tolist() == pytest.approx(peer.bse.tolist()[1:], abs=1e-8)


def test_frequencies_are_repeated_rows_and_weights_are_robust():
    x, y = survey(200, 2)
    times = np.arange(200) % 3 + 1
    counted = fit_ordinal(x, y, frequencies=times)
    repeated = fit_ordinal(x.loc[x.index.repeat(times)], np.repeat(y, times))
    pd.testing.assert_frame_equal(counted.table, repeated.table)
    weighted = fit_ordinal(x, y, weights=times * 7.0)
    assert weighted.table["value"].tolist() == pytest.approx(counted.table["value"].tolist(), abs=1e-8)
    assert weighted.n == 200
    assert (weighted.table["standard_error"] > counted.table["standard_error"]).all()


def test_turning_the_scale_turns_the_signs():
    x, y = survey(300, 3)
    up, down = fit_ordinal(x, y), fit_ordinal(x, -y)
    assert up.table["value"].tolist() == pytest.approx((-down.table["value"]).tolist(), abs=1e-7)
    assert up.log_likelihood == pytest.approx(down.log_likelihood)
    gaps = x.assign(speed=x["speed"].where(x.index % 5 > 0))
    assert fit_ordinal(gaps, y).n == 240


@pytest.mark.parametrize("replications", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_proportionality_is_rejected_where_it_fails_and_rarely_else(replications):
    alarms, found = 0, 0
    for seed in range(replications):
        fair = proportional_odds_test(*survey(400, seed)).set_index("term")
        alarms += not fair.loc[["speed", "price"], "proportional"].all()
        bent = proportional_odds_test(*survey(600, seed, bend=0.5)).set_index("term")
        found += not bent.loc["speed", "proportional"]
    rate = alarms / replications
    assert rate - 2.326 * np.sqrt(rate * (1 - rate) / replications) <= 0.05, rate
    assert found / replications > 0.9
    assert fair.loc["speed", "score"] == pytest.approx(fair.loc["speed", "statistic"], rel=0.25, abs=0.5)


def test_refuses_bad_input():
    x, y = survey(60, 4)
    with pytest.raises(ModelError, match="all marks are equal"):
        fit_ordinal(x, np.full(60, 5))
    with pytest.raises(ModelError, match="does not vary"):
        fit_ordinal(x.assign(flat=1.0), y)
    with pytest.raises(ModelError, match="separates the marks"):
        fit_ordinal(pd.DataFrame({"speed": np.arange(60.0)}), np.arange(60) // 20)
    with pytest.raises(ModelError, match="not both"):
        fit_ordinal(x, y, frequencies=np.ones(60), weights=np.ones(60))
    with pytest.raises(ModelError, match="do not go together"):
        fit_ordinal(x, y[:50])
    with pytest.raises(ModelError, match="one step only"):
        proportional_odds_test(x, y > 2)
    with pytest.raises(ModelError, match="column 'cost' is not among"):
        proportional_odds_test(x, y, terms={"cost": ["cost"]})


def test_refuses_what_are_no_drivers():
    x, y = survey(90, 4)
    size = np.array(["small", "middle", "large"])[np.arange(90) % 3]
    wrong = {
        "drivers: column 'size' is 'small' for every respondent": x.assign(size="small"),
        "drivers: column 'since' holds dates": x.assign(since=pd.Timestamp("2025-01-01")),
        "drivers: column 'speed' is missing or infinite in 1 of 90 rows": x.assign(
            speed=x["speed"].where(x.index != 3, np.inf)
        ),
        "drivers: there are no columns": x[[]],
    }
    for text, drivers in wrong.items():
        with pytest.raises(ModelError) as raised:
            fit_ordinal(drivers, y)
        assert text in str(raised.value)
    with pytest.raises(ModelError, match="column 'size' has no level 'lagre'; did you mean 'large'"):
        fit_ordinal(x.assign(size=size), y, references={"size": "lagre"})
    told = x.assign(size=np.where(y == y.max(), "huge", size))
    with pytest.raises(ModelError, match=r"column 'size' separates: all .* respondents of the level 'huge' give the best mark"):
        fit_ordinal(told, y)
    with pytest.raises(ModelError, match="marks hold something that is no number"):
        fit_ordinal(x, np.where(y > 2, "good", "bad"))


def test_another_reference_says_the_same_the_other_way_round():
    x, y = survey(300, 5)
    table = x.assign(size=np.where(np.arange(300) % 3 > 0, "large", "small"), known=np.arange(300) % 2 == 0)
    one, two = (fit_ordinal(table, y, references={"size": level}) for level in ("large", "small"))
    assert one.table["driver"].tolist() == ["speed", "price", "size[small]", "known"]
    a, b = (fit.table.set_index("driver") for fit in (one, two))
    assert a.loc["size[small]", "value"] == pytest.approx(-b.loc["size[large]", "value"], abs=1e-8)
    assert a.loc["known", "value"] == pytest.approx(b.loc["known", "value"], abs=1e-8)
    assert one.log_likelihood == pytest.approx(two.log_likelihood)
    gaps = table.assign(size=table["size"].where(table.index % 10 > 0))
    assert fit_ordinal(gaps, y).n == 270
