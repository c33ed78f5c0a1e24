"""What of a gap goes into a model means the same on every day."""

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ModelError, ParamError
from crmkit.models.survival.gaps import gap_covariates, own_rhythm


def test_covariates_mean_the_same_on_every_day(shop):
    made = shop(0, 100)
    X = gap_covariates(made.gaps, typical=30.0, prior_gaps=2.0)
    first = made.gaps["number"] == 1
    assert (X.loc[first, ["log_rhythm", "log_rhythm_squared", "log_previous"]] == 0).all().all()
    assert np.isfinite(X.select_dtypes("number")).all().all()
    assert X["channel"].isin(["web", "shop"]).all()
    row = made.gaps.index[made.gaps["number"] == 3][0]
    rhythm = (2 * 30 + 2 * made.gaps.loc[row, "mean_gap_days"]) / 4
    assert X.loc[row, "log_rhythm"] == pytest.approx(np.log(rhythm / 30))
    assert X.loc[row, "log_previous"] == pytest.approx(np.log(made.gaps.loc[row, "previous_gap_days"] / rhythm))
    assert X.loc[row, "log_rhythm_squared"] == pytest.approx(np.log(rhythm / 30) ** 2)
    assert X.loc[row, "log_number"] == pytest.approx(np.log(3))
    one = gap_covariates(made.gaps.loc[[row]], typical=30.0, prior_gaps=2.0)
    pd.testing.assert_frame_equal(one, X.loc[[row]])
    with pytest.raises(ModelError, match="there is no column 'mean_gap_days'"):
        gap_covariates(made.gaps.drop(columns="mean_gap_days"), typical=30.0)


def test_the_own_rhythm_is_drawn_towards_the_typical_one():
    rhythm = own_rhythm([10.0, np.nan], [3, 0], typical=40.0, prior_gaps=1.0)
    assert rhythm.tolist() == [17.5, 40.0]
    with pytest.raises(ParamError, match="own rhythm: typical is 0"):
        own_rhythm([1], [1], typical=0)
