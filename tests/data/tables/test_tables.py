"""The data dictionary says what the contracts say, and a contract is kept or broken as declared."""

import re
from pathlib import Path

import ibis
import pytest

from crmkit.data.sources.engine import connect, disconnect, query
from crmkit.data.tables import TABLES
from crmkit.data.tables.check import contract_problems, keeps_contract

README = Path(__file__).parents[3] / "data" / "README.md"


def dictionary(table: str) -> list[list[str]]:
    section = re.split(rf"^## {table} ·.*$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize("table", TABLES)
def test_dictionary_lists_every_column_as_declared(table):
    said = [(name, kind, required == "yes") for name, kind, _, required, *_ in dictionary(table)]
    assert said == [(name, column.kind, column.required) for name, column in TABLES[table].columns.items()]


@pytest.mark.parametrize("table", TABLES)
def test_dictionary_is_complete_in_both_languages(table):
    for row in dictionary(table):
        assert len(row) == 7
        assert all(row)
        assert re.search(r"[\u4e00-\u9fff]", row[6])


def test_contracts_name_their_own_columns():
    for contract in TABLES.values():
        named = {contract.event, *contract.unique, *contract.returns, contract.repeats} - {""}
        assert named <= set(contract.columns)


def test_a_broken_contract_is_told_in_full():
    table = ibis.memtable(
        {"customer_id": ["a", None], "ordered_at": ["x", "y"], "amount": [1.0, 2.0], "cost": [-1, 1], "z": [1, 2]}
    )
    problems = [str(problem) for problem in contract_problems(table, name="transactions")]
    assert len(problems) >= 6
    for column in ("customer_id", "ordered_at", "amount", "cost"):
        assert any(problem.startswith(f"transactions: column '{column}' breaks its contract, ") for problem in problems)
    assert all(problem.endswith("; see data/README.md.") for problem in problems)


def test_keys_are_unique():
    schema = {"customer_id": "string"}
    twice = ibis.memtable({"customer_id": ["a", "a"]}, schema=schema)
    once = ibis.memtable({"customer_id": ["a", "b"]}, schema=schema)
    assert len(contract_problems(twice, name="customers")) == 1
    assert contract_problems(once, name="customers") == []


@pytest.fixture(scope="module")
def con():
    made, _ = connect()
    yield made
    disconnect(made)


GOOD = "'a' AS customer_id, DATE '2025-01-02' AS ordered_at, 3::DECIMAL(18, 4) AS amount, false AS is_return"


@pytest.mark.parametrize(
    ("name", "rows", "keeps"),
    [
        ("transactions", GOOD, True),
        ("transactions", f"{GOOD}, 'web' AS channel", True),
        ("transactions", GOOD.replace("'a'", "NULL::VARCHAR"), False),
        ("transactions", GOOD.replace("false", "NULL::BOOLEAN"), False),
        ("transactions", GOOD.replace("3::DECIMAL(18, 4)", "3.0::DOUBLE"), False),
        ("transactions", GOOD.replace(", false AS is_return", ""), False),
        ("transactions", f"{GOOD}, 1 AS z", False),
        ("transactions", f"{GOOD}, (-1)::DECIMAL(18, 4) AS cost", False),
        ("customers", "unnest(['a', 'b']) AS customer_id", True),
        ("customers", "unnest(['a', 'a']) AS customer_id", False),
        ("referrals", "'a' AS referrer_id, unnest(['b', 'c']) AS referred_id, DATE '2025-01-02' AS referred_at", True),
        ("exposures", "'a' AS campaign_id, 'b' AS customer_id, 'treated' AS arm", True),
        ("exposures", "'a' AS campaign_id, 'b' AS customer_id, 'other' AS arm", False),
    ],
)
def test_one_query_sees_what_the_checks_see(con, name, rows, keeps):
    query(con, f"CREATE OR REPLACE TABLE {name} AS SELECT {rows}")
    table = con.table(name)
    assert keeps_contract(con, table, name=name) == keeps
    assert (not contract_problems(table, name=name)) == keeps
