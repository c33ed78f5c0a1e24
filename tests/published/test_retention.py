"""Published figures of the shifted beta-geometric.

Fader, Hardie (2007), How to project customer retention, https://doi.org/10.1002/dir.20074: the two cohorts of subscribers of
its table 1 (1,000 each, survivors after years 1 to 7) and the parameters of the authors' spreadsheet. The survivors of the
"regular" cohort also stand in pymc-marketing 1.3.0, tests/clv/models/test_shifted_beta_geo.py.
"""

import pytest

from crmkit.models.purchases import sbg

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "likelihood"),
    [(REGULAR, 0.704, 1.182, -1680.3), (HIGH_END, 0.668, 3.806, -1611.2)],
)
def test_parameters(survivors, alpha, beta, likelihood):
    found = sbg.fit_sbg(sbg.cohorts([survivors]))
    assert found.params == pytest.approx({"alpha": alpha, "beta": beta}, rel=0, abs=0.0005)
    assert found.log_likelihood == pytest.approx(likelihood, rel=0, abs=0.05)
    assert found.gradient_norm < 1e-9
