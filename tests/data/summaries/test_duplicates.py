"""What two records have in common: folded the same whatever system wrote it, the same text for every engine."""

import ibis
import pandas as pd
import pytest

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import duplicates
from crmkit.data.summaries.duplicates import calling_code, folded_name, folded_phone, match_keys, shared_records, spending

SCHEMA = {
    "customer_id": "string", "name": "string", "email": "string", "phone": "string", "tax_id": "string", "city": "string",
    "region": "string",
}  # fmt: skip


def folded(make, values):
    table = ibis.memtable(pd.DataFrame({"at": range(len(values)), "x": values}), schema={"at": "int64", "x": "string"})
    return to_frame(table.select("at", y=make(table.x)).order_by("at"))["y"].tolist()


@pytest.mark.parametrize(
    ("code", "same"),
    [
        (
            "49",
            [
                "030 1234-567",
                "+49 30 1234567",
                "0049 (0)30 1234567",
                "(030) 1234567",
                "+49(0)30/1234567",
                "０３０ １２３４５６７",
            ],
        ),
        ("86", ["13812345678", "+86 138 1234 5678", "8613812345678", "0086-138-1234-5678", "１３８-1234-5678"]),
        ("86", ["010-88886666", "+86 10 8888 6666", "(010)88886666"]),
        ("1", ["(212) 555-0123", "+1 212 555 0123", "1-212-555-0123", "212.555.0123"]),
        ("39", ["06 1234567", "+39 06 1234567"]),
        ("", ["+33 1 23 45 67 89", "0033 1 23 45 67 89"]),
    ],
)
def test_ways_to_write_one_number(code, same):
    found = folded(lambda x: folded_phone(x, calling_code=code), same)
    assert len(set(found)) == 1
    assert found[0]


def test_numbers_of_two_countries_are_two():
    national, abroad = folded(lambda x: folded_phone(x, calling_code="49"), ["030 1234567", "+43 30 1234567"])
    assert (national, abroad) == ("301234567", "+43301234567")


def test_a_country_by_its_time_zone():
    found = [calling_code(zone) for zone in ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC", "Asia/Hong_Kong")]
    assert found == ["86", "49", "1", "", "852"]


def test_names_without_signs_width_and_case():
    found = folded(
        folded_name, ["Müller & Söhne GmbH", "müller+söhne gmbh", "ＡＣＭＥ　Ltd.", "acme ltd", "王·小明", "王小明", "龍", "龙"]
    )
    assert found == ["müllersöhnegmbh", "müllersöhnegmbh", "acmeltd", "acmeltd", "王小明", "王小明", "龍", "龙"]


ROWS = pd.DataFrame(
    [
        ("1", "Anna Beck", " Anna@X.org", "030 1234567", None, "Berlin", "N"),
        ("2", "A. Beck", "anna@x.org", None, None, None, "N"),
        ("3", "Anna Beck", "other@x.org", "+49 30 1234567", None, "Bonn", "N"),
        ("4", "ANNA BECK", None, "n/a", None, "berlin", "S"),
        ("5", "Carl", "no address", "123", "DE 123.456", "Bonn", "S"),
        ("6", "Dora", "no address", "123", "de123456", "Bonn", "S"),
        ("7", "Emil", "emil@x.org", "040 7654321", "DE 9", "Bonn", "S"),
    ],
    columns=list(SCHEMA),
)


def test_records_that_share_something():
    found = shared_records(ibis.memtable(ROWS, schema=SCHEMA), calling_code="49")
    assert found["customer_id"].tolist() == ["1", "2", "3", "4", "5", "6"]
    assert found["email"].tolist() == ["anna@x.org", "anna@x.org", "other@x.org", None, None, None]
    assert found["phone"].tolist() == ["301234567", None, "301234567", None, None, None]
    assert found["tax_id"].tolist() == [None, None, None, None, "de123456", "de123456"]
    assert found["name_place"].tolist()[:4] == ["annabeck|berlin", None, "annabeck|bonn", "annabeck|berlin"]


def test_a_table_without_a_column_has_no_such_key():
    found = shared_records(ibis.memtable(ROWS[["customer_id", "email"]], schema={"customer_id": "string", "email": "string"}))
    assert found["customer_id"].tolist() == ["1", "2"]
    assert found[["phone", "tax_id", "name_place"]].isna().all(axis=None)
    table = ibis.memtable(ROWS.drop(columns="city"), schema={name: SCHEMA[name] for name in SCHEMA if name != "city"})
    assert "name_place" not in match_keys(table).columns, "many of one name live in a region"
    alone = shared_records(ibis.memtable(ROWS[["customer_id"]], schema={"customer_id": "string"}))
    assert alone.empty
    assert list(alone.columns) == ["customer_id", "email", "phone", "tax_id", "name_place"]


def test_money_of_the_records_that_are_asked_for():
    bought = pd.DataFrame({"customer_id": ["1", "1", "2", "9"], "amount": ["10", "5", "3", "99"]})
    bought["is_return"] = [False, True, False, False]
    table = ibis.memtable(bought, schema={"customer_id": "string", "amount": "decimal(18, 4)", "is_return": "boolean"})
    who = ibis.memtable({"customer_id": ["1", "2", "3"]})
    assert spending(table, who).to_numpy().tolist() == [["1", 1, 5.0], ["2", 1, 3.0]]


@pytest.mark.parametrize("engine", ["duckdb", "postgres", "databricks"])
def test_text_for_every_engine(monkeypatch, engine):
    seen = []
    monkeypatch.setattr(duplicates, "to_frame", seen.append)
    customers = ibis.table(SCHEMA, name="customers")
    bought = {"customer_id": "string", "amount": "decimal(18, 4)", "is_return": "boolean"}
    shared_records(customers, calling_code="86")
    spending(ibis.table(bought, name="transactions"), customers)
    for expression in seen:
        assert "ORDER BY" in str(ibis.to_sql(expression, dialect=engine)).upper().rpartition("FROM")[2]


def test_same_bytes_at_one_two_and_four_threads(tmp_path):
    rows = pd.concat([ROWS.assign(customer_id=[f"{name}-{at}" for name in ROWS["customer_id"]]) for at in range(800)])
    path = tmp_path / "customers.parquet"
    rows.to_parquet(path, row_group_size=1024)
    found = []
    for threads in (1, 2, 4):
        engine = ibis.duckdb.connect(threads=threads, preserve_insertion_order=False)
        found.append(shared_records(engine.read_parquet(path), calling_code="49"))
        engine.disconnect()
    assert len(found[0]) == len(rows)
    for one in found[1:]:
        pd.testing.assert_frame_equal(one, found[0], check_exact=True)
