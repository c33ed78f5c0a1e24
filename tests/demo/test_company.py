"""Simulated companies are found by name, written whole, and equal for equal seeds."""

import json
from pathlib import Path

import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.demo import companies, write
from crmkit.demo.__main__ import main

COMMITTED = Path(__file__).parents[2] / "data" / "demo"


def test_companies_are_the_modules():
    assert "retailco" in companies()
    assert companies() == sorted(path.name for path in COMMITTED.iterdir())


@pytest.mark.parametrize("company", companies())
def test_the_committed_files_can_be_made_again(company, tmp_path):
    write(company, tmp_path)
    committed = sorted(path.name for path in (COMMITTED / company).iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == committed
    for name in committed:
        assert (tmp_path / name).read_bytes() == (COMMITTED / company / name).read_bytes(), name


@pytest.mark.parametrize("company", companies())
def test_the_committed_files_are_small(company):
    assert sum(path.stat().st_size for path in (COMMITTED / company).iterdir()) < 2_600_000


def test_all_committed_files_together_are_small():
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file()) < 7_600_000


def test_another_seed_is_another_company(tmp_path):
    one, other, again = (
        write("retailco", tmp_path / name, customers=50, seed=seed) for name, seed in (("a", 1), ("b", 2), ("c", 1))
    )
    texts = [(folder / "transactions.csv").read_bytes() for folder in (one, other, again)]
    assert texts[0] == texts[2] != texts[1]
    assert json.loads((other / "truth.json").read_text())["seed"] == 2


def test_parquet_holds_the_same_rows(tmp_path):
    folder = write("retailco", tmp_path, customers=200)
    write("retailco", tmp_path, customers=200, file_format="parquet")
    for name in ("loyalty", "transactions"):
        text = pd.read_csv(folder / f"{name}.csv", parse_dates=["joined_at" if name == "loyalty" else "ordered_at"])
        binary = pd.read_parquet(folder / f"{name}.parquet")
        pd.testing.assert_frame_equal(text, binary, check_dtype=False)


def test_any_number_of_customers(tmp_path):
    for customers in (1, 2, 3):
        write("retailco", tmp_path, customers=customers)
        assert len(pd.read_csv(tmp_path / "customers.csv")) == customers


def test_the_command_writes_and_explains(tmp_path, capsys):
    assert main(["retailco", "--customers", "20", "--out", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "new")
    assert main(["retalco", "--out", str(tmp_path)]) == 2
    assert "company 'retalco': cannot be simulated; did you mean 'retailco'?" in capsys.readouterr().err


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(ParamError, match="customers: 0 is out of range; allowed are 1 to 10000000"):
        write("retailco", tmp_path, customers=0)
