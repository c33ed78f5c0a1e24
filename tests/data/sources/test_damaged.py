"""A file that is cut off or changed in the middle: one sentence that names it, without a path, and no traceback."""

from __future__ import annotations

import random

import duckdb
import numpy as np
import pandas as pd
import pytest

ROWS = 2000


@pytest.fixture(scope="module")
def orders():
    rng = np.random.default_rng(20261129)
    days = pd.date_range("2024-01-01", periods=ROWS, freq="3h").date
    who = rng.integers(0, 300, ROWS)
    frame = pd.DataFrame({"customer_id": [f"C{one}" for one in who], "ordered_at": days, "product": who % 17})
    return frame.assign(amount=rng.integers(1, 9999, ROWS) / 100)


@pytest.fixture
def source(project, orders, request):
    """The file of a kind and its bytes."""
    if request.param == "parquet":
        path = project.folder / "transactions.parquet"
        orders.to_parquet(path)
    else:
        path = project.folder / "shop.duckdb"
        project.params(source="data/acme/shop.duckdb")
        with duckdb.connect(str(path)) as made:
            made.register("frame", orders)
            made.execute("CREATE TABLE transactions AS FROM frame")
    return path, path.read_bytes()


def damaged(whole, rng, way):
    at = rng.randrange(len(whole))
    if way == "cut off":
        return whole[:at]
    if way == "missing":
        return whole[:at] + whole[at + 50 :]
    return whole[:at] + bytes(rng.randrange(256) for _ in whole[at : at + 200]) + whole[at + 200 :]


@pytest.mark.parametrize("source", ["parquet", "duckdb"], indirect=True)
@pytest.mark.parametrize("way", ["cut off", "missing", "changed"])
def test_damage_anywhere_is_one_sentence(project, source, way):
    path, whole = source
    rng = random.Random(20261129)
    refused = 0
    for _ in range(6):
        path.write_bytes(damaged(whole, rng, way))
        check = project.check()
        refused += bool(check.problems)
        # a byte that changed inside a page has no checksum in Parquet; whatever is noticed is said in one sentence
        for problem in check.problems:
            assert path.name in problem
            assert str(project.home) not in problem
            assert "\n" not in problem
    assert refused >= (6 if way == "cut off" else 1)


@pytest.mark.parametrize("source", ["parquet", "duckdb"], indirect=True)
def test_what_is_in_the_middle_is_damaged(project, source):
    path, whole = source
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + b"\xff" * 900 + whole[middle + 900 :])
    (problem,) = project.check().problems
    assert path.name in problem
    assert "is damaged" in problem


@pytest.mark.parametrize("source", ["parquet", "duckdb"], indirect=True)
def test_a_whole_file_is_read(project, source):
    check = project.check()
    assert (check.problems, check.intake[0].rows_kept) == ((), ROWS)


def test_an_archive_is_to_be_unpacked(project):
    project.write("transactions.csv.gz", b"\x1f\x8b\x08\x00rest")
    (problem,) = project.check().problems
    assert problem.endswith("unpack transactions.csv.gz first.")
    project.table(file="transactions.csv.gz")
    (problem,) = project.check().problems
    assert problem.startswith("transactions: transactions.csv.gz is no text file but a gzip archive; unpack it")


def test_a_workbook_with_the_name_of_a_text_file(project):
    project.write("transactions.csv", b"PK\x03\x04rest")
    (problem,) = project.check().problems
    assert "transactions.csv is no text file but a zip archive or a workbook" in problem


def test_a_view_that_leads_nowhere(project):
    project.params(source="data/acme/shop.duckdb")
    with duckdb.connect(str(project.folder / "shop.duckdb")) as made:
        made.execute("CREATE TABLE gone AS SELECT 1 AS customer_id")
        made.execute("CREATE VIEW transactions AS SELECT customer_id, DATE '2024-01-01' AS ordered_at, 1 AS amount FROM gone")
        made.execute("ALTER TABLE gone RENAME TO other")
    (problem,) = project.check().problems
    assert "transactions: the view 'transactions' cannot be computed" in problem
