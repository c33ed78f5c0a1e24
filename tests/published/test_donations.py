"""Published figures of BG/BB, to half a unit of the last printed digit unless a line says otherwise.

donations.csv: 11,104 donors of 1995, their repeat donations in the six years 1996 to 2001 as 22 cells, from the wheel of
lifetimes 0.11.3, lifetimes/datasets/donations.csv (after brucehardie.com, note 010).

[F] Fader, Hardie, Shang (2010), Marketing Science 29(6), https://doi.org/10.1287/mksc.1100.0580, and the authors' spreadsheet
    of it (note 010), as restated in pymc-marketing 1.3.0, tests/clv/models/test_beta_geo_beta_binom.py, and in
    lifetimes 0.11.3, tests/test_estimation.py.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from crmkit.models.purchases import bgbb

PATH = Path(__file__).parent / "fader_2010_donations" / "donations.csv"
with PATH.open(encoding="utf-8") as file:
    ROWS = [[float(value) for value in row.values()] for row in csv.DictReader(file)]
X, TX, N, DONORS = np.array(ROWS).T


@pytest.fixture(scope="module")
def donors():
    return bgbb.fit_bgbb(bgbb.cells(X, TX, N, DONORS))


def printed(text):
    return pytest.approx(float(text), rel=0, abs=0.5000001 * 10.0 ** -len(text.partition(".")[2]))


def test_the_stored_cells_are_the_published_ones():
    assert (len(ROWS), DONORS.sum(), (X * DONORS).sum()) == (22, 11_104, 24_615)


def test_parameters_and_likelihood(donors):
    published = {"alpha": "1.2035", "beta": "0.7497", "gamma": "0.6567", "delta": "2.7834"}
    assert donors.params == {name: printed(text) for name, text in published.items()}
    assert donors.log_likelihood == printed("-33225.581")
    assert donors.gradient_norm < 1e-9
    by_row = (bgbb.log_likelihood(donors, X, TX, N) * DONORS).sum()
    assert donors.log_likelihood == pytest.approx(by_row, rel=1e-13)


def test_expected_donations_of_a_new_donor(donors):
    published = ".4985 .9233 1.2969 1.6323 1.9381 2.2202 2.4826 2.7285 2.9603 3.1798 3.3887"
    assert bgbb.expected_purchases_new(donors, np.arange(1, 12)).tolist() == [printed(text) for text in published.split()]


def test_probability_of_being_alive_next_year(donors):
    alive = bgbb.probability_alive(donors, [0, 2, 6], [0, 4, 6], 6)
    assert alive.tolist() == [printed(text) for text in (".11", ".59", ".93")]


def test_conditional_expectation(donors):
    expected = bgbb.expected_purchases(donors, 5, X, TX, N)
    # the spreadsheet's total from its own search; two sources print 12884.1 and 12884.2, and the exact optimum gives 12884.157
    assert (expected * DONORS).sum() == pytest.approx(12884.15, rel=0, abs=0.1)
    # table 6 of the paper, from rounded parameters
    assert expected[[0, -1]].tolist() == [printed("0.07"), printed("3.75")]


def test_donors_by_number_of_donations(donors):
    counts = 11_104 * bgbb.probability_purchases(donors, np.arange(7), 6)
    assert counts.sum() == pytest.approx(11_104, rel=1e-12)
    assert counts[[0, 6]].tolist() == [printed("3454.9"), printed("1253.1")]
