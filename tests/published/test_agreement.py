"""Published figures on agreement of raters, and what other packages compute.

[S] Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420, tables 2 and 4. [A] Ayre & Scally (2014),
doi:10.1177/0748175613513808, table 2. [W] Wikipedia, Krippendorff's alpha and Cohen's kappa, with the digits that the tests of
fast-krippendorff print. Other packages: agreement_oracles/README.md.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.models.audit.agreement import LEVELS, cohen_kappa, content_validity, critical_essential, icc, krippendorff_alpha

FOLDER = Path(__file__).parent / "agreement_oracles"
_ = np.nan
CODERS = [
    [_, _, _, _, _, 3, 4, 1, 2, 1, 1, 3, 3, _, 3],
    [1, _, 2, 1, 3, 3, 4, 3, _, _, _, _, _, _, _],
    [_, _, 2, 1, 3, 4, 4, _, 2, 1, 1, 3, 3, _, 4],
]
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def printed(text):
    """A published number and half a unit of its last digit."""
    return pytest.approx(float(text), rel=0, abs=0.5000001 * 10.0 ** -len(text.partition(".")[2]))


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("agreement_tables", FOLDER / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("level", "value"), [("nominal", "0.691358"), ("interval", "0.810845"), ("ordinal", "0.806721"), ("ratio", "0.808944")]
)
def test_three_coders(level, value):
    """[W]"""
    assert krippendorff_alpha(CODERS, level=level, draws=0).value == printed(value)


def test_shrout_and_fleiss():
    """[S]; more digits, F and degrees of freedom from pingouin 0.7.0."""
    found = icc(SHROUT).set_index("form")
    for form, value in zip(found.index, (".17", ".29", ".71", ".44", ".62", ".91"), strict=True):
        assert found.loc[form, "value"] == printed(value)
    for form, value in zip(found.index, (".166", ".290", ".715", ".443", ".620", ".909"), strict=True):
        assert found.loc[form, "value"] == printed(value)
    assert found.loc["ICC(3,1)", "f"] == printed("11.027")
    assert found.loc["ICC(1,1)", "f"] == printed("1.795")
    assert found.loc[["ICC(3,1)", "ICC(1,1)"], ["df1", "df2"]].to_numpy().tolist() == [[5, 15], [5, 18]]


def test_kappa():
    """[W]"""
    assert cohen_kappa([[20, 5], [10, 15]]).value == printed("0.4000")


@pytest.mark.parametrize(
    ("panel", "ratio"),
    [(5, "1.00"), (6, "1.00"), (7, "1.00"), (8, ".75"), (9, ".778"), (10, ".80"), (13, ".538"), (15, ".60"), (20, ".50"),
     (40, ".30")],
)  # fmt: skip
def test_lawshe(panel, ratio):
    """[A]"""
    least = critical_essential(panel)
    assert 2 * least / panel - 1 == printed(ratio)
    found = content_validity([least, least - 1], [panel, panel])
    assert found["keep"].tolist() == [True, False]
    assert found["critical"].iloc[0] == printed(ratio)


def test_lawshe_counts():
    """[A] 7 of 8, 8 of 9, 10 of 13; nobody can be sure with four."""
    assert [critical_essential(panel) for panel in (8, 9, 13, 4)] == [7, 8, 10, None]


def test_alpha_of_another_package(tables):
    stored = pd.read_csv(FOLDER / "alpha.csv", index_col="seed")
    found = [
        [krippendorff_alpha(tables.ratings(seed), level=level, draws=0).value for level in LEVELS] for seed in stored.index
    ]
    assert len(stored) == 1000
    assert np.abs(np.array(found) - stored[list(LEVELS)].to_numpy()).max() < 1e-8


def test_icc_of_another_package(tables):
    stored = pd.read_csv(FOLDER / "icc.csv", index_col="seed")
    assert len(stored) == 1000
    for seed, row in stored.iterrows():
        found = icc(tables.targets(seed))
        assert np.allclose(found["value"], [row[f"value{form}"] for form in range(6)], rtol=1e-8, atol=1e-8)
        assert np.allclose(found["f"], [row[f"f{form}"] for form in range(6)], rtol=1e-8, atol=0)
        for limit in ("low", "high"):
            assert np.allclose(found[limit], [row[f"{limit}{form}"] for form in range(6)], rtol=0, atol=0.00500001)


def test_kappa_of_another_package(tables):
    stored = pd.read_csv(FOLDER / "kappa.csv", index_col="seed")
    assert len(stored) == 1000
    for seed, row in stored.iterrows():
        for weights in ("none", "linear", "quadratic"):
            found = cohen_kappa(tables.pairs(seed), weights=weights)
            assert found.value == pytest.approx(row[f"value_{weights}"], abs=1e-8)
            assert found.se == pytest.approx(row[f"se_{weights}"], abs=1e-8)
