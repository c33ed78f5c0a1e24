"""What a text means, one value at a time."""

import datetime as dt
from decimal import Decimal

import pytest

from crmkit.data.intake.parse import install
from crmkit.data.sources.engine import connect, disconnect
from crmkit.data.sources.workbook import NUMERIC_CELL


@pytest.fixture(scope="module")
def read():
    con, _ = connect()
    install(con, timezone="Asia/Shanghai")
    yield lambda macro, text: con.con.execute(f"SELECT {macro}", {"x": text}).fetchone()[0]
    disconnect(con)


@pytest.mark.parametrize(
    ("text", "dot", "comma"),
    [
        ("1,234.50", "1234.5", None),
        ("1.234,50", None, "1234.5"),
        ("1.234.567,8", None, "1234567.8"),
        ("￥1,000", "1000", "1"),
        ("(100.00)", "-100", None),
        ("（１，２３４．５）", "-1234.5", None),
        ("($1,000.00)", "-1000", None),
        ("-$5", "-5", "-5"),
        ("5-", "-5", "-5"),
        ("1 234 567", "1234567", "1234567"),
        ("1'234.50", "1234.5", None),
        ("'12", "12", "12"),
        ("12,5", None, "12.5"),
        ("1,23", None, "1.23"),
        ("1e3", "1000", "1000"),
        ("100 USD", "100", "100"),
        (".5", "0.5", None),
        (NUMERIC_CELL + "1234.5", "1234.5", "1234.5"),
        ("abc", None, None),
        ("", None, None),
        ("-", None, None),
        ("5%", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("99999999999999999999", None, None),
    ],
)
def test_numbers(read, text, dot, comma):
    assert read("crm_dot($x)", text) == (None if dot is None else Decimal(dot))
    assert read("crm_comma($x)", text) == (None if comma is None else Decimal(comma))


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05",
        "2024-3-5",
        "2024/3/5",
        "2024.03.05",
        "2024年3月5日",
        "2024年3月5日 10:20",
        "２０２４－０３－０５",
        "20240305",
        "05.03.2024",
        "5.3.2024 10:20",
        "2024-03-05 23:59:59",
        "2024-03-05T15:59:59Z",
        "2024-03-04T16:00:00Z",
        "2024-03-04 16:00+0000",
        "2024-03-04T16:00:00.123+00:00",
        "2024-03-04 11:00:00 -0500",
        "2024-03-05 23:30:00 +08",
        "5 Mar 2024",
        "Mar 5, 2024",
        "1709568000000",
        NUMERIC_CELL + "45356",
        NUMERIC_CELL + "45356.999",
        NUMERIC_CELL + "20240305",
    ],
)
def test_dates(read, text):
    assert read("crm_date($x, true)", text) == dt.date(2024, 3, 5)
    assert read("crm_date($x, false)", text) == dt.date(2024, 3, 5)


@pytest.mark.parametrize("text", ["05/03/2024", "5/3/2024", "05-03-2024 10:20:30", "5/3/2024 1:05 PM"])
def test_dates_in_an_order(read, text):
    assert read("crm_date($x, true)", text) == dt.date(2024, 3, 5)
    assert read("crm_date($x, false)", text) == dt.date(2024, 5, 3)


@pytest.mark.parametrize("text", ["2024-13-01", "2024-02-30", "abc", "45356", "24-03-05", "2024-03-05 25:00", ""])
def test_not_dates(read, text):
    assert read("crm_date($x, true)", text) is None


@pytest.mark.parametrize(
    ("text", "meant"), [("是", True), ("Yes", True), ("0", False), ("nein", False), ("maybe", None), (NUMERIC_CELL + "1", True)]
)
def test_yes_or_no(read, text, meant):
    assert read("crm_boolean($x)", text) is meant


@pytest.mark.parametrize(
    ("text", "meant"), [(" 007 ", "007"), ("'007", "007"), ("'t Hart", "'t Hart"), ("\u30001\xa0", "1"), ("  ", None)]
)
def test_text(read, text, meant):
    assert read("crm_text($x)", text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05", "2024-02-30", "2024-3-05", "12024-3-05", "0001-01-01", "2024-03-5 ", "2024/03/05", "03-05-2024", "",
        "2024-03-05 07:08", "2024-03-05 24:00", "2024-03-05T07:08", "2024-03-05 07:08:09", "2024-03-05 07:60:09",
        "2024-03-05 7:08:09", "2024-03-05 07:08 pm", "infinity", "-infinity", "epoch", "2024-03-05 (BC)", "1234567890",
    ],
)  # fmt: skip
def test_the_short_way_to_a_date_is_the_long_way(read, text):
    for dayfirst in ("true", "false"):
        assert read(f"crm_instant($x, {dayfirst})", text) == read(f"crm_any_instant($x, {dayfirst})", text)


@pytest.mark.parametrize(
    "text", ["12", "-12", "1.25", "1.23456", "007", "1.", ".5", "-", "1e3", "99999999999999.99", "999999999999999", "1.2.3", ""]
)
def test_the_short_way_to_a_number_is_the_long_way(read, text):
    for sign in ("dot", "comma"):
        assert read(f"crm_{sign}($x)", text) == read(f"crm_{sign}_plain(crm_plain($x))", text)
