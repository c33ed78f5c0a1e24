"""Numbers as a reader sees them, in both languages."""

import datetime as dt

import pytest

from crmkit.core.format import format_quantity, format_value
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "unit", "english", "chinese"),
    [
        (0.1234, "share", "12.3%", "12.3%"),
        (0.00123, "share", "0.12%", "0.12%"),
        (1.0, "share", "100%", "100%"),
        (1234567.4, "money", "€1,234,567", "€1,234,567"),
        (12.5, "money", "€12.50", "€12.50"),
        (-3.2, "money", "-€3.20", "-€3.20"),
        (999.99, "money", "€999.99", "€999.99"),
        (1000, "money", "€1,000", "€1,000"),
        (-1000.0, "money", "-€1,000", "-€1,000"),
        (2357, "count", "2,357", "2,357"),
        (0.2425945, "number", "0.243", "0.243"),
        (11.668735, "number", "11.7", "11.7"),
        (-9582.4292, "number", "-9,582", "-9,582"),
        (90, "days", "90 days", "90天"),
        (1, "days", "1 day", "1天"),
        (1.04, "weeks", "1 week", "1周"),
        (1.06, "weeks", "1.1 weeks", "1.1周"),
        (-1, "months", "-1 month", "-1个月"),
        (0, "years", "0 years", "0年"),
        (101.0, "days", "101 days", "101天"),
        (38.857, "weeks", "38.9 weeks", "38.9周"),
        (dt.date(2025, 12, 31), "date", "31 Dec 2025", "2025年12月31日"),
        ("2025-12-31T00:00:00", "date", "31 Dec 2025", "2025年12月31日"),
        (None, "share", "–", "–"),
        (NAN, "money", "–", "–"),
        ("<b>", "text", "<b>", "<b>"),
    ],
)
def test_values(value, unit, english, chinese):
    assert format_value(value, unit, language="en", currency="EUR") == english
    assert format_value(value, unit, language="zh", currency="EUR") == chinese


@pytest.mark.parametrize("unit", ["money", "share", "count", "number", "days", "weeks", "months", "years", "points", "score"])
@pytest.mark.parametrize("value", [-0.0, -1e-9, -0.0004])
def test_nothing_is_less_than_nothing(unit, value):
    for language in ("en", "zh"):
        shown = format_value(value, unit, language=language)
        assert shown.startswith("-") == any(digit in shown for digit in "123456789")


def test_an_estimate_shows_its_interval():
    assert format_quantity(Quantity(0.5, "share", 0.4, 0.6)) == "50% (40% to 60%)"
    assert format_quantity(Quantity(0.5, "share", 0.4, 0.6), language="zh") == "50%（40%至60%）"
    assert format_quantity(Quantity(0.5, "share", NAN, NAN)) == "50%"


def test_a_sentence_holds_other_sentences_and_words_of_the_client():
    inner = Text("{n} customers", {"n": Quantity(3, "count")})
    assert say(Text("{who} in {place}", {"who": inner, "place": "{braces} & <b>"}), Locale()) == "3 customers in {braces} & <b>"
