"""Messages about files and data in Chinese: whole, with their values, and as far as they are known."""

import pytest

from crmkit.core.errors import CrmkitError, DataError, Told, quoted
from crmkit.core.messages import in_words, spoken, terminal_language
from crmkit.core.results import Quantity, Text


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("orders.csv: has 0 bytes; export it again", "orders.csv：为0字节；请重新导出"),
        (
            "transactions: orders.csv has no column 'Datum' for ordered_at; did you mean 'Date'?",
            "transactions: orders.csv没有用作ordered_at的列'Datum'；是否指'Date'？",
        ),
        (
            "transactions: column 'ordered_at' has 2 values that cannot be read as a date (rows 2, 3): '31/31/2024', 'x'; "
            "write YYYY-MM-DD, or declare date_format in params/acme.yml; every such row is "
            "in work/acme/rejects/transactions.csv.",
            "transactions：列'ordered_at'有2个值无法读作日期（第2, 3行）：'31/31/2024', 'x'；请写YYYY-MM-DD，"
            "或在params/acme.yml中声明date_format；所有这样的行都列在work/acme/rejects/transactions.csv。",
        ),
        (
            "transactions: column 'amount' has 9 values below 0 (a.csv rows 2, 3; b.csv row 5 and 6 more); "
            "0 or more is expected.",
            "transactions：列'amount'有9个值小于0（a.csv第2, 3行；b.csv第5行，另有6个）；应为0或以上。",
        ),
        (
            "params/acme.yml, tables: unknown table 'order'; did you mean 'orders'?",
            "params/acme.yml，tables：未知的表'order'；是否指'orders'？",
        ),
        ("something that nobody has translated", "something that nobody has translated"),
    ],
)
def test_in_chinese(english, chinese):
    assert in_words(english, "zh") == chinese
    assert in_words(english, "en") == english


def test_what_is_covered_stays_covered():
    told = Told(f"transactions: column 'ordered_at' can be read in two ways, {quoted(repr('03/04/2024'))} is x or y.")
    said = in_words(told, "zh")
    assert said == "transactions：列'ordered_at'有两种读法，'99/99/9999'可以是x，也可以是y。"
    assert said.shown == "transactions：列'ordered_at'有两种读法，'03/04/2024'可以是x，也可以是y。"


def test_an_error_says_its_texts_and_its_messages():
    few = Text("{n} {n:row|rows}", {"n": Quantity(3, "count")})
    error = CrmkitError([few, *DataError(f"orders.csv: column {quoted(repr('anna'))} is missing").texts])
    assert spoken(error, "zh") == ("3 行", "orders.csv：列'anna'缺失")
    assert spoken(error, "en") == ("3 rows", "orders.csv: column 'anna' is missing")


@pytest.mark.parametrize(
    ("given", "spoken_there"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "zh_TW"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_language_of_the_terminal(monkeypatch, given, spoken_there):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert terminal_language() == spoken_there
