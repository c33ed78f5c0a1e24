"""What is known of systems is whole, and each is told from all others by its headers."""

import pytest

from crmkit.data.presets.preset import known_systems, letters, presets, recognise
from crmkit.data.tables import TABLES

EVERY = presets()
NAMED = [preset for preset in EVERY if preset.system]
FOLLOW = {"amount": "price", "started_at": "tenure", "response_id": "responded_at"}


def headers(preset):
    """One form of each header that the preset names."""
    names = [names[0] for names in (*preset.marks, *preset.columns.values())]
    return list({letters(name): name for name in names}.values())


@pytest.mark.parametrize("preset", EVERY, ids=lambda preset: preset.system or f"any {preset.table}")
def test_a_preset_speaks_of_columns_that_there_are(preset):
    contract = TABLES[preset.table]
    named = {*preset.columns, *preset.values, *preset.other_values, *(one for each in preset.needs for one in each)}
    named |= set() if preset.questions else set(preset.items)
    assert named <= set(contract.columns)
    for name in contract.required:
        assert name in preset.columns or FOLLOW.get(name) in preset.columns or (name == "item_id" and preset.questions)
    for ours, words in preset.values.items():
        choices = contract.columns[ours].choices or ("true", "false")
        assert set(words.values()) <= {*choices, ""}
        assert all(word == word.casefold() for word in words)
    assert preset.source
    assert preset.seen


@pytest.mark.parametrize("preset", NAMED, ids=lambda preset: preset.system)
def test_a_system_is_told_by_its_headers(preset):
    below = [""] * len(headers(preset)) + ["Response"]
    found = recognise([(1, headers(preset)), (2, below), (3, ["1"] * 9)])
    assert found is not None
    assert (found.preset.system, found.missing) == (preset.system, ())


@pytest.mark.parametrize("preset", [preset for preset in NAMED if len(preset.marks) > 4], ids=lambda preset: preset.system)
def test_a_system_is_not_taken_for_whole_without_one_of_its_marks(preset):
    gone = {letters(name) for name in preset.marks[-1]}
    found = recognise([(1, [header for header in headers(preset) if letters(header) not in gone]), (2, ["1"] * 9)])
    assert found is None or found.preset.system != preset.system or preset.marks[-1][0] in found.missing


def test_words_of_a_status_are_on_one_side():
    for preset in EVERY:
        if preset.status:
            sides = [{word.casefold() for word in words} for words in (preset.status.counts, preset.status.does_not)]
            assert not sides[0] & sides[1], preset.system


def test_systems_of_which_no_export_was_seen_say_so():
    never = {name for name, seen in known_systems().items() if not seen}
    expected = {"Delighted", "OKKI companies", "Salesforce report of opportunities", "Stripe subscriptions", "Zendesk tickets"}
    assert never == expected | {"Zoho CRM deals"}


@pytest.mark.parametrize(
    "header", ["Order Date", "order_date", "ORDER-DATE", " Order  Date ", "\u200bOrder Date", "ＯＲＤＥＲ　ＤＡＴＥ"]
)
def test_a_header_is_known_however_it_is_written(header):
    found = recognise([(1, ["Customer ID", header, "Amount"]), (2, ["1", "2024-01-01", "2"])])
    assert found is not None
    assert found.missing == ()
    assert found.found["ordered_at"] == (1,)


def test_the_header_line_may_stand_below_a_title():
    rows = [(1, ["Sales 2024"]), (2, []), (3, ["Customer ID", "Order Date", "Amount"]), (4, ["1", "2024-01-01", "2"])]
    found = recognise(rows)
    assert found is not None
    assert found.header == (3,)
