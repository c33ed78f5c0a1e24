"""How long do tickets wait, those that still wait included?"""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.service.waits import cell_waits
from crmkit.models.survival.curves.curves import at_risk_table, kaplan_meier, median_survival


def drawn(seed=0, n=4000, cells=23, whole=True):
    rng = np.random.default_rng(seed)
    wait, seen = rng.lognormal(3, 1.2, n), rng.uniform(0, 120, n)
    time = np.minimum(wait, seen)
    return np.floor(time) if whole else time, wait <= seen, rng.integers(0, cells, n)


@pytest.mark.parametrize("whole", [True, False])
def test_each_cell_equals_the_curve_of_its_own(whole):
    time, event, cell = drawn(whole=whole)
    found = cell_waits(time, event, cell, target=24)
    curve = kaplan_meier(time, event, group=cell)
    for name, share in (("median", 0.5), ("p90", 0.1)):
        alone = median_survival(curve, share=share)
        for ours, theirs in ((name, "value"), (f"{name}_low", "low"), (f"{name}_high", "high")):
            assert found[ours].to_numpy() == pytest.approx(alone[theirs].to_numpy(), abs=1e-9, nan_ok=True)
    at = at_risk_table(curve, [24.0])
    assert found["within"].to_numpy() == pytest.approx(1 - at["value"].to_numpy(), abs=1e-10, nan_ok=True)
    assert found["within_low"].to_numpy() == pytest.approx(1 - at["high"].to_numpy(), abs=1e-10, nan_ok=True)
    assert found["within_high"].to_numpy() == pytest.approx(1 - at["low"].to_numpy(), abs=1e-10, nan_ok=True)


def test_closed_only_is_the_plain_median_of_those_that_ended():
    time, event, cell = drawn(3, whole=False)
    found = cell_waits(time, event, cell, target=24)
    closed = pd.DataFrame({"cell": cell, "time": time})[event].groupby("cell")["time"]
    assert found["ended_median"].to_numpy() == pytest.approx(closed.median().to_numpy(), abs=1e-12)
    assert found["ended_within"].to_numpy() == pytest.approx(closed.apply(lambda one: (one <= 24).mean()).to_numpy(), abs=1e-12)
    assert found["gap"].to_numpy() == pytest.approx((found["median"] - found["ended_median"]).to_numpy(), nan_ok=True)


def test_rows_with_a_weight_are_that_many_tickets():
    time, event, cell = drawn(5)
    counted = pd.DataFrame({"cell": cell, "time": time, "event": event}).groupby(["cell", "time", "event"]).size()
    rows = counted.reset_index(name="n").sample(frac=1, random_state=1)
    short = cell_waits(rows["time"], rows["event"], rows["cell"], weights=rows["n"], target=24)
    pd.testing.assert_frame_equal(short, cell_waits(time, event, cell, target=24), rtol=1e-10)


def test_the_order_of_rows_changes_nothing():
    time, event, cell = drawn(7, whole=False)
    order = np.random.default_rng(1).permutation(len(time))
    pd.testing.assert_frame_equal(
        cell_waits(time[order], event[order], cell[order], target=24), cell_waits(time, event, cell, target=24)
    )


def test_nobody_has_ended():
    (row,) = cell_waits([5.0, 6.0, 7.0], [0, 0, 0], target=5.5).to_dict("records")
    assert (row["n"], row["ended"], row["within"]) == (3, 0, 0)
    assert 0 < row["within_high"] < 1
    assert np.isnan([row["median"], row["ended_median"], row["gap"], row["ended_within"]]).all()


def test_a_target_beyond_what_was_watched_is_not_known():
    (row,) = cell_waits([1.0, 2.0], [1, 0], target=10).to_dict("records")
    assert np.isnan(row["within"])
    (row,) = cell_waits([1.0, 2.0], [1, 1], target=10).to_dict("records")
    assert row["within"] == 1
    assert row["within_low"] < 1


def test_a_cell_without_tickets_has_no_numbers():
    found = cell_waits([1.0], [1], [2], cells=4, target=3)
    assert len(found) == 4
    assert found["n"].tolist() == [0, 0, 1, 0]
    assert found.loc[[0, 1, 3]].drop(columns=["n", "ended"]).isna().all(axis=None)


def test_no_ticket_at_all():
    found = cell_waits([], [], target=3)
    assert found["n"].tolist() == [0]
    assert found[["median", "within", "ended_median"]].isna().all(axis=None)


def test_an_end_before_its_start_is_refused():
    with pytest.raises(ModelError, match=r"row 2 waited -1\.0"):
        cell_waits([1.0, -1.0], [1, 1])


def test_intervals_of_the_median_cover_the_truth():
    """1,000 cells of 80 tickets, censored by the day of the cut; 99 % binomial band around 95 %."""
    rng = np.random.default_rng(0)
    cells, n = 1000, 80
    wait, seen = rng.weibull(0.7, cells * n) * 30, rng.uniform(0, 150, cells * n)
    found = cell_waits(np.minimum(wait, seen), wait <= seen, np.repeat(np.arange(cells), n), target=24)
    truth = 30 * np.log(2) ** (1 / 0.7)
    share = ((found["median_low"] <= truth) & ~(found["median_high"] < truth)).mean()
    assert 0.931 <= share <= 0.967
    inside = 1 - np.exp(-((24 / 30) ** 0.7))
    assert 0.931 <= ((found["within_low"] <= inside) & (found["within_high"] >= inside)).mean() <= 0.967
