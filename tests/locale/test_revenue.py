"""Where no margin is agreed, money is revenue: pages say neither value nor profit, in both languages."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from crmkit.core.language import Locale, catalogue, say, translate, translate_markdown, worded
from crmkit.core.results import Quantity, Text
from crmkit.locale.catalogue import PACKAGE, different_markdown, different_places, wanted

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
MONEY = re.compile(r"(?<!\{)\b(values?|valued|valuable|profit\w*)\b(?!\})", re.IGNORECASE)
SAID = {"en": MONEY, "zh": re.compile("价值|利润(?!率)")}
# what these call a value is a number of any kind, or a limit, or a word of an export
NUMBERS = {
    "Value",
    "Values before",
    "Newest value",
    "Headline values",
    "a list of lines of 'key: value'",
    "lines of 'key: value'",
}
NUMBER_WORDS = (
    "p-value",
    "values of months",
    "step function of the value",
    "equal values get equal scores",
    "no known worth",
    "values of {header}",
    "{n:value|values} of {header}",
    "has values that are none",
    "single values",
    "known worth",
)


def stored(language):
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "revenue.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_wording_is_one_of_a_message_with_the_same_places(language):
    known = {domain: {str(one.id) for one in wanted(domain, home=ROOT) if one.id} for domain in ("crmkit", "notebooks")}
    for message, words in stored(language).items():
        assert message in known["crmkit"] | known["notebooks"], message
        differ = different_markdown if message in known["notebooks"] else different_places
        assert not differ(message, words), message


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_speaks_of_value_or_profit(language):
    assert not [words for words in stored(language).values() if SAID[language].search(words)]


def test_both_languages_have_the_same():
    assert stored("en").keys() == stored("zh").keys()


def test_each_message_that_speaks_of_value_or_profit_has_one():
    lacking = [
        message
        for message in (str(one.id) for one in wanted("crmkit", home=ROOT) if one.id)
        if MONEY.search(message) and message not in stored("en").keys() | NUMBERS
        if not any(words in message for words in NUMBER_WORDS)
    ]
    assert not lacking, "\n".join(lacking)


def test_a_sentence_follows_the_margin():
    text = Text("Today's {n} customers are worth {total} over {span}.")
    numbers = {"n": Quantity(5, "count"), "total": Quantity(100.0, "money"), "span": "a year"}
    said = Text(text.template, numbers)
    assert say(said, Locale("en")) == "Today's 5 customers are worth €100.00 over a year."
    assert say(said, Locale("en", revenue=True)) == "Today's 5 customers are expected to bring €100.00 over a year."
    assert "价值" in say(said, Locale("zh"))
    assert "价值" not in say(said, Locale("zh", revenue=True))
    assert "收入" in say(said, Locale("zh", revenue=True))


def test_what_has_no_wording_of_its_own_stays_as_it_is():
    assert translate("Customers", "en@revenue") == "Customers"
    assert translate("Customers", "zh@revenue") == translate("Customers", "zh")
    assert translate_markdown("# What is each customer worth?", "en@revenue") == "# What will each customer bring?"
    assert catalogue("en") == {}


@pytest.mark.parametrize(("margin", "words"), [(1, "en@revenue"), (1.0, "en@revenue"), (0.4, "en"), (None, "en")])
def test_a_margin_decides(margin, words):
    assert worded("en", margin=margin) == words
