"""Text of the client is harmless wherever it is shown, and no customer stands by identifier."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.core.errors import ReportError
from crmkit.core.results import Column, Quantity, Text
from crmkit.show.words import cell, folded, plain, sentence, short


def test_plain_keeps_words_and_drops_commands():
    assert plain("a\tb\r\nc") == "a b c"
    assert plain("\x1b]0;title\x07\u202eevil\ud800") == "]0;titleevil"
    assert plain("王秀英 Ünal 👍") == "王秀英 Ünal 👍"


def test_labels_are_cut_visibly():
    assert short("abcdef", 4) == "abc…"
    assert short("abcd", 4) == "abcd"
    assert folded("one two three four five", 9) == "one two\nthree…"
    assert folded("华" * 30, 14) == "华" * 7 + "\n" + "华" * 6 + "…"


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT])
def test_no_value_is_a_dash(value, english):
    assert {cell(value, Column("v", "V", unit), english) for unit in ("text", "money", "date", "customer")} == {"–"}


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.1234, "share", "12.3%"),
        (1234.5, "money", "€1,234"),
        (pd.Timestamp("2025-12-31"), "date", "31 Dec 2025"),
        (dt.date(2025, 1, 2), "date", "2 Jan 2025"),
        (True, "text", "yes"),
        (Text("{n} days", {"n": "3"}), "text", "3 days"),
    ],
)
def test_values_are_formatted_by_their_unit(value, unit, shown, english):
    assert cell(value, Column("v", "V", unit), english) == shown


def test_a_value_that_is_not_of_its_unit_is_named(english):
    with pytest.raises(ReportError, match="exhibit 'x': column 'v' has 'abc', which is not a value of unit 'money'"):
        cell("abc", Column("v", "V", "money"), english, exhibit="x")


def test_an_identifier_is_never_shown(english):
    for column in (Column("who", "Who", "customer"), Column("customer_id", "Who", "text")):
        assert cell("C0017", column, english) == "withheld"
        assert cell("C0017", column, english, naming=lambda _: "ABC") == "ABC"
    deep = Text("{a}", {"a": Text("{b}", {"b": Quantity("C0017", "customer")})})
    assert sentence(deep, english) == "withheld"
    assert sentence(deep, english, lambda identifier: identifier[::-1]) == "7100C"
    assert sentence(None, english) == ""
