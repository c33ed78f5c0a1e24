"""What a text means, one value at a time."""

import datetime as dt
from decimal import Decimal

import pytest

from crmkit.data.intake import phrases
from crmkit.data.sources.engine import connect, disconnect
from crmkit.data.sources.workbook import NUMERIC_CELL


@pytest.fixture(scope="module")
def read():
    con, _ = connect()
    phrases.set_zone(con, "Asia/Shanghai")
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
        # groups of three, of one kind, before the decimal sign only, without a nought in front
        ("1 23456", None, None),
        ("1 234 56", None, None),
        ("1,234 567", None, None),
        ("1 234,567", None, "1234.567"),
        ("1'234 567", None, None),
        ("0 234", None, None),
        ("0,234", None, "0.234"),
        ("0.234", "0.234", None),
        ("1234,567", None, "1234.567"),
        ("1,2345", None, "1.2345"),
        ("12,34", None, "12.34"),
        # telephone numbers
        ("+49 171 90000003", None, None),
        ("+49 171 234 567", None, None),
        ("+4917190000003", None, None),
        ("0171 234 567", None, None),
        ("0171234567", None, None),
        ("+5", "5", "5"),
        ("007", "7", "7"),
        # currencies
        ("US$1,234.50", "1234.5", None),
        ("R$ 1.234,50", None, "1234.5"),
        ("Rs. 5", "5", "5"),
        ("CHF 1'234.50", "1234.5", None),
        ("RMB 12", "12", "12"),
        ("￥99.50元", "99.5", None),
        ("10.00 USD", "10", None),
        ("$10.00 USD", "10", None),
        ("10 kr.", "10", "10"),
        ("¥1,000-", None, None),
        # blanks of print, also before the currency
        ("1\xa0234,50\xa0€", None, "1234.5"),
        ("1\u202f234,50\u202f€", None, "1234.5"),
        ("€\xa01\u2009234.50", "1234.5", None),
        ("EUR5USD", None, None),
        ("5 PCS", None, None),
        ("-0", "0", "0"),
        ("-0.00", "0", None),
    ],
)
def test_numbers(read, text, dot, comma):
    assert read(phrases.number("$x", "dot"), text) == (None if dot is None else Decimal(dot))
    assert read(phrases.number("$x", "comma"), text) == (None if comma is None else Decimal(comma))


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
        "1709568000",
        "05-Mar-24",
        "5 Mar 24",
        "Mar 5, 24",
        "5th March 2024",
        "Mar 5, 2024 3:04 PM",
        "Mar 5, 2024, 3:04:00\u202fPM",
        "05-Mar-2024 10:00",
        "2024/3/5 下午 2:14:03",
        "2024/3/5 上午2:14:03",
        "2024年3月5日 星期二 10:20",
        "2024/03/05 2:14:03 PM GMT+8",
        "2024-03-05 14:03 GMT+0800",
        "Tue, 05 Mar 2024 14:03:00 +0100",
        "Tue Mar 05 2024 14:03:00 GMT+0800 (China Standard Time)",
        NUMERIC_CELL + "45356",
        NUMERIC_CELL + "45356.999",
        NUMERIC_CELL + "20240305",
    ],
)
def test_dates(read, text):
    assert read(phrases.date("$x", "true"), text) == dt.date(2024, 3, 5)
    assert read(phrases.date("$x", "false"), text) == dt.date(2024, 3, 5)


@pytest.mark.parametrize("text", ["05/03/2024", "5/3/2024", "05-03-2024 10:20:30", "5/3/2024 1:05 PM"])
def test_dates_in_an_order(read, text):
    assert read(phrases.date("$x", "true"), text) == dt.date(2024, 3, 5)
    assert read(phrases.date("$x", "false"), text) == dt.date(2024, 5, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-01", "2024-02-30", "abc", "45356", "24-03-05", "2024-03-05 25:00", "", "epoch", "infinity", "-infinity",
        "0024-08-29", "0001-01-01", "1899-12-31", "2101-01-01", "9999-12-31", "08/03/14", "08.03.24", "31-Feb-24", "now",
        "2024/3/5 下午 14:03", "2024-03-05 13:05 PM", "2024-03-05 10:00 +2500", NUMERIC_CELL + "2958465",
    ],
)  # fmt: skip
def test_not_dates(read, text):
    assert read(phrases.date("$x", "true"), text) is None


@pytest.mark.parametrize(
    ("text", "meant"), [("是", True), ("Yes", True), ("0", False), ("nein", False), ("maybe", None), (NUMERIC_CELL + "1", True)]
)
def test_yes_or_no(read, text, meant):
    assert read(phrases.boolean("$x"), text) is meant


@pytest.mark.parametrize(
    ("text", "meant"), [(" 007 ", "007"), ("'007", "007"), ("'t Hart", "'t Hart"), ("\u30001\xa0", "1"), ("  ", None)]
)
def test_text(read, text, meant):
    assert read(phrases.text("$x"), text) == meant


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
        assert read(phrases.instant("$x", dayfirst), text) == read(phrases.any_instant("$x", dayfirst), text)


@pytest.mark.parametrize(
    "text", ["12", "-12", "1.25", "1.23456", "007", "1.", ".5", "-", "1e3", "99999999999999.99", "999999999999999", "1.2.3", ""]
)
def test_the_short_way_to_a_number_is_the_long_way(read, text):
    for sign in ("dot", "comma"):
        assert read(phrases.number("$x", sign), text) == read(phrases.grouped(phrases.plain_number("$x"), sign), text)


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("Mar 8, 2014 3:04 PM", "2014-03-08 15:04:00"),
        ("21-May-2014 10:00", "2014-05-21 10:00:00"),
        ("12:30", None),
        ("2024/3/5 下午 2:14:03", "2024-03-05 14:14:03"),
        ("2024/3/5 上午 12:14:03", "2024-03-05 00:14:03"),
        ("2024/03/05 2:14:03 PM GMT+8", "2024-03-05 14:14:03"),
        ("2024/03/05 2:14:03 PM GMT-5", "2024-03-06 03:14:03"),
        ("Tue, 05 Mar 2024 14:03:00 +0100", "2024-03-05 21:03:00"),
        ("1394321400", "2014-03-09 07:30:00"),
        ("2024-03-05T23:59:59.5Z", "2024-03-06 07:59:59"),
        ("2024-03-05 10:20:30+05:30", "2024-03-05 12:50:30"),
    ],
)
def test_moments(read, text, second):
    found = read(f"date_trunc('second', {phrases.instant('$x', 'true')})", text)
    assert found == (None if second is None else dt.datetime.fromisoformat(second))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1,20,000.00", "120000"),
        ("₹1,20,000.00", "120000"),
        ("₹99.50", "99.5"),
        ("12,345", "12345"),
        ("1,00,00,000", "10000000"),
        ("120,000", None),
        ("1,234,567", None),
        ("0,20,000", None),
    ],
)
def test_indian_groups(read, text, meant):
    assert read(phrases.number("$x", "indian"), text) == (None if meant is None else Decimal(meant))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("12.50", ""),
        ("$10", "$"),
        ("-US$1,234.50", "US$"),
        ("(€5.00)", "€"),
        ("10 eur", "EUR"),
        ("$10.00 USD", "$ USD"),
        ("Rs. 5", "RS."),
        ("￥1,000", "¥"),
        ("abc", ""),
    ],
)
def test_the_currency_of_an_amount(read, text, token):
    assert read(phrases.token("$x"), text) == token


@pytest.mark.parametrize(
    ("text", "seconds", "hours"),
    [
        ("30秒", 30, 30),
        ("5分12秒", 312, 312),
        ("1小时2分3秒", 3723, 3723),
        ("1:02:03", 3723, 3723),
        ("00:05", 5, 300),
        ("2h 5m", 7500, 7500),
        ("90 min", 5400, 5400),
        ("12.5 s", Decimal("12.5"), Decimal("12.5")),
        ("00:75", None, None),
        ("5", None, None),
        ("", None, None),
        ("abc", None, None),
    ],
)
def test_lengths_of_time(read, text, seconds, hours):
    assert read(phrases.seconds("$x", "false"), text) == seconds
    assert read(phrases.seconds("$x", "true"), text) == hours


@pytest.mark.parametrize("text", ["True", "false", "1", "0", "", "TRUE", "False", " true ", "真", "2"])
def test_the_short_way_to_yes_or_no(read, text):
    meant = {"true": True, "1": True, "真": True, "false": False, "0": False}.get(text.strip().lower())
    assert read(phrases.boolean("$x"), text) is meant


@pytest.mark.parametrize("text", ["a", "a b", " a", "a\xa0", "\u3000a", "'1", "'a", "中文", "a\nb", "\n", "", "\x1f7"])
def test_the_short_way_to_a_text_is_the_long_way(read, text):
    assert read(phrases.word("$x"), text) == read(phrases.text("$x"), text)
