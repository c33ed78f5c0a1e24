"""The catalogue is what it says it is, and a client's file may change policy, never a formula."""

from pathlib import Path

import pytest
import yaml

from crmkit.analyses.audit import load_catalogue
from crmkit.analyses.audit.catalogue import GROUPS, Indicator, merge
from crmkit.analyses.audit.indicators import FUNCTIONS
from crmkit.analyses.audit.indicators.from_reports import READERS
from crmkit.core.errors import ParamError
from crmkit.core.format import format_value
from crmkit.models.basics.grades import score

# a good and a bad value of each indicator, in parts of the reference where target and cuts are; written down apart from the
# catalogue, so that a direction that is turned round there is seen here
GOOD_AND_BAD = {
    "P-CONT": (2, 0.1), "P-COVER": (0.99, 0.2), "P-RESP": (0.99, 0.3), "P-RESP50": (1, 48), "P-RESP90": (6, 200),
    "P-RES": (10, 300), "P-FCR": (0.9, 0.1), "P-REOPEN": (0.01, 0.4), "P-CMPR": (2, 90), "P-CMPT": (12, 500),
    "P-CACK": (0.99, 0.3), "P-CLOSE": (0.99, 0.3), "P-STEP": (1, 4), "P-HAND": (0.1, 4), "P-WAIT": (0.2, 0.95),
    "P-CONF": (0.95, 0.2), "P-FBR": (0.5, 0.01), "P-REPR": (0.01, 0.4), "P-CHAN": (5, 0), "P-ADOPT": (0.4, 0.01),
    "P-LOOP": (0.95, 0.2), "P-TPUT": (1, 0), "P-BACK": (0.1, 6), "P-CSAT": (0.95, 0.3), "P-CES": (1.2, 4.8),
    "R-NCUST": (1.3, 0.5), "R-NEW": (1.3, 0.5), "R-SALES": (1.3, 0.5), "R-SALESG": (0.3, -0.4), "R-RET": (0.97, 0.4),
    "R-CHURN": (0.002, 0.09), "R-RENEW": (0.95, 0.2), "R-REPEAT": (0.6, 0.02), "R-FREQ": (1, 0), "R-CLV": (1.3, 0.5),
    "R-TIER": (1.3, 0.5), "R-NPS": (70, -60), "R-REF": (0.3, 0.001), "R-SHARE": (1.3, 0.5), "R-RETURN": (0.01, 0.4),
    "I-INV": (1, 2), "I-COST": (0.5, 2), "I-CAC": (6, 0.2), "I-CTS": (0.02, 0.8), "I-ROI": (1, -0.9), "D-COMP": (0.99, 0.3),
    "D-ACC": (0.999, 0.5), "D-DUP": (0.001, 0.4), "D-VALID": (0.999, 0.4), "D-MATCH": (0.99, 0.3), "D-SILO": (0.01, 0.7),
    "D-FRESH": (5, 900), "D-CONS": (1, 0.5), "D-USE": (0.95, 0.1), "I-TRAINCOV": (0.95, 0.1), "I-TRAING": (1.2, -0.5),
    "P-ENG": (4.8, 1.5),
}  # fmt: skip
# as in the table that the catalogue was made from: target and where the scores 2, 3, 4 and 5 begin
STATED = {
    "P-RESP": (0.85, 0.60, 0.75, 0.85, 0.95), "P-RES": (24, 120, 72, 48, 24), "P-CMPR": (10, 40, 25, 15, 8),
    "P-STEP": (1.2, 2.5, 2, 1.5, 1.2), "P-CSAT": (0.8, 0.5, 0.65, 0.75, 0.85), "P-CES": (2, 4, 3.25, 2.5, 1.75),
    "R-CHURN": (0.015, 0.05, 0.03, 0.02, 0.01), "R-NPS": (30, -20, 0, 20, 50), "R-SALESG": (0.05, -0.05, 0, 0.05, 0.15),
    "I-INV": (1, 0.5, 0.3, 0.2, 0.1), "I-CAC": (3, 0.5, 1, 2, 3), "D-DUP": (0.03, 0.15, 0.1, 0.05, 0.02),
    "D-FRESH": (30, 365, 180, 90, 30), "P-ENG": (3.8, 2.5, 3, 3.5, 4), "I-TRAING": (0.3, 0, 0.2, 0.4, 0.6),
}  # fmt: skip


@pytest.fixture(scope="module")
def book():
    return load_catalogue()


def test_57_indicators_each_with_its_formula(book):
    assert len(book) == 57
    assert set(book.indicators) == set(FUNCTIONS) | set(READERS) | {"I-CAC"}
    assert not set(FUNCTIONS) & set(READERS)
    assert {one.group for one in book} == set(GROUPS)
    assert {one.id: one.owner for one in book if one.owner != "audit"} == {name: owner for name, (owner, _) in READERS.items()}


def test_words_in_both_languages_and_units_that_can_be_shown(book):
    for one in book:
        assert all("\u4e00" <= text[0] <= "\u9fff" or "\u4e00" <= text[-2] <= "\u9fff" for text in (one.zh,)) or "CRM" in one.zh
        assert one.name("zh") == one.zh
        assert one.name("en") == one.en
        assert one.rows
        assert format_value(1.0, one.unit)
    assert [format_value(2.5, book["P-RES"].unit, language=language) for language in ("en", "zh")] == ["2.5 hours", "2.5小时"]
    names = [name for one in book for name in (one.en, one.zh)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", STATED)
def test_targets_and_cuts_are_those_stated(book, name):
    assert (book[name].target, *book[name].cuts) == pytest.approx(STATED[name])


@pytest.mark.parametrize("name", GOOD_AND_BAD)
def test_better_is_on_the_side_that_the_indicator_says(book, name):
    one, (good, bad) = book[name], GOOD_AND_BAD[name]
    scores = [score(value, cuts=one.cuts, direction=one.direction, target=1.0) for value in (good, bad)]
    assert scores == [5.0, 1.0]


def test_a_turned_direction_is_refused(book):
    for one in book:
        said = one.model_dump(by_alias=True) | {"direction": "down" if one.direction == "up" else "up"}
        with pytest.raises(ValueError, match=r"must (rise|fall) from score 2 to score 5"):
            Indicator.model_validate(said)


# what a client changes


def test_a_clients_file_is_merged_by_id(tmp_path, book):
    folder = tmp_path / "params" / "acme"
    folder.mkdir(parents=True)
    said = {
        "P-RESP": {"target": 0.9, "weight": 2},
        "R-SHARE": {"enabled": False},
        "P-RES": {"cuts": [60, 40, 20, 10], "zh": "解决时间"},
    }
    (folder / "indicators.yml").write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
    found = load_catalogue(home=tmp_path, client="acme")
    assert (found["P-RESP"].target, found["P-RESP"].weight, found["P-RESP"].cuts) == (0.9, 2, book["P-RESP"].cuts)
    assert not found["R-SHARE"].enabled
    assert found["P-RES"].zh == "解决时间"
    assert found.edited == {"P-RESP"}
    assert found.differences().to_numpy().tolist() == [
        ["P-RESP", "target", "0.85", "0.9"],
        ["P-RESP", "weight", "1", "2"],
        ["R-SHARE", "enabled", "True", "False"],
        ["P-RES", "cuts", "120, 72, 48, 24", "60, 40, 20, 10"],
        ["P-RES", "zh", "问题解决时长中位数", "解决时间"],
    ]
    assert found.digest != book.digest
    assert load_catalogue(path=folder / "indicators.yml").digest == found.digest
    assert load_catalogue(path="params/acme/indicators.yml", home=tmp_path).digest == found.digest
    assert load_catalogue(home=tmp_path, client="other").digest == book.digest == load_catalogue().digest


def test_saying_what_already_holds_changes_nothing(book):
    same, changes = merge(book.indicators, {"P-RESP": {"target": 0.85}})
    assert (same, changes) == (book.indicators, ())


def test_everything_wrong_is_said_at_once_with_the_nearest_right_name(book):
    said = {
        "P-REOPN": {"target": 1},
        "P-RESP": {"targt": 1},
        "P-RES": {"formula": "x"},
        "P-FCR": {"cuts": [0.9, 0.8, 0.7, 0.6]},
        "P-CSAT": {"target": "high"},
        "P-CES": {"weight": -1},
        "R-NPS": {"enabled": "no"},
        "R-REF": 3,
        "R-NEW": {"class": "data"},
        "R-RET": {"cuts": [1, 2]},
    }
    with pytest.raises(ParamError) as error:
        merge(book.indicators, said, where="params/acme/indicators.yml")
    said = "params/acme/indicators.yml"
    assert list(error.value.problems) == [
        f"{said}: unknown indicator 'P-REOPN'; did you mean 'P-REOPEN'?",
        f"{said}, P-RESP: unknown key 'targt'; did you mean 'target'?",
        f"{said}, P-RES: formula cannot be changed; only target, cuts, weight, en, zh, enabled can.",
        f"{said}, P-FCR: cuts [0.9, 0.8, 0.7, 0.6] must rise from score 2 to score 5, as the direction is up.",
        f"{said}, P-CSAT, target: is 'high'; a number is expected.",
        f"{said}, P-CES, weight: is -1; a number above 0 is expected.",
        f"{said}, R-NPS, enabled: is 'no'; true or false is expected.",
        f"{said}, R-REF: is 3; keys are expected: target, cuts, weight, en, zh, enabled.",
        f"{said}, R-NEW: class cannot be changed; only target, cuts, weight, en, zh, enabled can.",
        f"{said}, R-RET, cuts: is [1, 2]; four numbers are expected, where the scores 2, 3, 4 and 5 begin.",
    ]


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(ParamError, match=r"nowhere\.yml: there is no such file; name the file with the client's indicators"):
        load_catalogue(path="nowhere.yml", home=tmp_path)
    bad = tmp_path / "bad.yml"
    bad.write_text("P-RESP: {target: 1", encoding="utf-8")
    with pytest.raises(ParamError, match=r"bad\.yml, line 1: cannot be read as YAML"):
        load_catalogue(path=bad)
    bad.write_text("- P-RESP", encoding="utf-8")
    with pytest.raises(ParamError, match=r"bad\.yml: is no list of 'ID: \{key: value\}' lines"):
        load_catalogue(path=bad)
    bad.write_text("", encoding="utf-8")
    assert load_catalogue(path=bad).changes == ()


def test_the_example_of_a_client_that_sets_its_own_targets():
    """It is read as any other, each line of it changes something, and the report prints all of them."""
    home = Path(__file__).parents[3]
    book = load_catalogue(home=home, client="shopco")
    lines = yaml.safe_load((home / "params" / "shopco" / "indicators.yml").read_text(encoding="utf-8"))
    changed = {(one.id, one.key) for one in book.changes}
    assert changed == {(name, key) for name, keys in lines.items() for key in keys}
    assert {"P-RESP", "D-COMP"} <= book.edited
    table = book.differences().set_index(["indicator", "key"])
    assert table.loc[("P-RESP", "target"), ["before", "after"]].tolist() == ["0.85", "0.95"]
    assert book.digest != load_catalogue().digest


def test_without_a_margin_no_name_speaks_of_value():
    book = load_catalogue()
    told = {one.id for one in book if "value" in one.en.lower() or "价值" in one.zh}
    assert told == {"R-CLV", "R-TIER", "I-CAC", "I-CTS"}
    plain = book.without_margin()
    assert not [one.en for one in plain if "value" in one.en.lower() or "价值" in one.zh]
    assert [one.id for one in plain] == [one.id for one in book]
    assert plain.digest == book.digest
