"""Probable duplicates: names folded in both scripts, pairs found that no key finds, two persons of one name left alone."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

from crmkit.core.errors import ModelError
from crmkit.models.records import matching
from crmkit.models.records.matching import folded, is_installed, suggestions

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
needs_splink = pytest.mark.skipif(not is_installed(), reason="the extra dedupe is not installed")


@pytest.fixture(scope="module")
def copies():
    """A list of customers with known copies; made by code that shares nothing with the kit."""
    spec = importlib.util.spec_from_file_location("copies", BENCHMARKS / "_copies.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["copies"] = module
    spec.loader.exec_module(module)
    return module.customers_with_copies(6000, seed=3)


@pytest.fixture(scope="module")
def records(copies):
    import ibis

    from crmkit.data.summaries.duplicates import contact_records

    return contact_records(ibis.memtable(copies[0]), calling_code="86")


@pytest.fixture(scope="module")
def found(records):
    return suggestions(records)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("ＡＣＭＥ　Ltd.", "acme"),
        ("Jürgen Großmann", "grossmann jurgen"),
        ("Beck, Anna", "anna beck"),
        ("上海华盛科技有限公司", "上海华盛科技"),
        ("王 小 明", "王小明"),
        ("有限公司", "有限公司"),
        ("Company Ltd", "company ltd"),
        ("...", None),
    ],
)
def test_names_as_they_are_compared(name, same):
    assert folded(pd.DataFrame({"customer_id": ["1"], "name": [name]}))["name"].tolist() == [same]


def test_what_many_share_is_taken_for_empty_and_towns_are_folded():
    rows = pd.DataFrame({"customer_id": [f"{at:02d}" for at in range(12)], "phone": ["000000000"] * 11 + ["1"]})
    rows["place"] = ["München", "MÜNCHEN ", "上海市", "上海", *[None] * 8]
    done = folded(rows)
    assert done["phone"].tolist() == [None] * 11 + ["1"]
    assert done["place"].tolist()[:5] == ["munchen", "munchen", "上海", "上海", None]


@needs_splink
def test_hard_copies_are_found_and_namesakes_are_not(copies, found):
    _, truth = copies
    true = {tuple(sorted(pair)): kind for *pair, kind in truth[["original", "copy", "kind"]].to_numpy()}
    right = found.apply(lambda row: (row["first"], row["second"]) in true, axis=1)
    assert right.mean() >= 0.98
    assert right.sum() / len(true) >= 0.88
    kinds = [true[pair] for pair in zip(found.loc[right, "first"], found.loc[right, "second"], strict=True)]
    shares = pd.Series(kinds).value_counts() / truth["kind"].value_counts()
    assert shares.min() > 0.75


@needs_splink
def test_what_is_said_of_a_pair(records, found):
    rows = records.set_index("customer_id")
    assert (found["first"] < found["second"]).all()
    assert found["probability"].between(0.5, 1).all()
    assert found["probability"].is_monotonic_decreasing
    assert not found.duplicated(["first", "second"]).any()
    for pair in found.head(200).itertuples():
        a, b = rows.loc[pair.first], rows.loc[pair.second]
        for name in ("email", "phone"):
            equal = isinstance(a[name], str) and a[name] == b[name]
            assert (name in pair.agree) == equal
            assert (name in (*pair.near, *pair.differ)) == (isinstance(a[name], str) and isinstance(b[name], str) and not equal)


@needs_splink
def test_the_same_in_every_run_and_whatever_the_order(records, found):
    again = suggestions(records.sample(frac=1, random_state=2).reset_index(drop=True))
    pd.testing.assert_frame_equal(again, found)


@needs_splink
def test_han_names_are_compared_by_characters_and_not_by_bytes(records):
    """One character of three is another: three bytes, of which a distance of bytes would make two thirds of the name."""
    pair = [("x1", "王小明", "王晓明"), ("x2", "王小明", "李大伟")]
    extra = []
    for who, one, other in pair:
        for side, name in (("a", one), ("b", other)):
            extra.append({"customer_id": f"{who}{side}", "name": name, "email": f"{who * 4}@x.org", "place": "上海"})
    done = suggestions(pd.concat([records, pd.DataFrame(extra)], ignore_index=True))
    said = done.set_index("first")[["near", "differ"]]
    assert "name" in said.loc["x1a", "near"]
    assert "x2a" not in said.index or "name" in said.loc["x2a", "differ"]


@needs_splink
def test_two_owners_of_a_name_leave_a_bare_name_alone(records):
    rows = [
        ("y1", "Zacharias Quill", "zq@x.org", None),
        ("y2", "Zacharias Quill", "other@y.org", None),
        ("y3", "Zacharias Quill", None, None),
    ]
    extra = pd.DataFrame(rows, columns=["customer_id", "name", "email", "phone"]).assign(place="Berlin")
    done = suggestions(pd.concat([records, extra], ignore_index=True))
    assert not done["first"].isin(["y1", "y2", "y3"]).any()
    one = suggestions(pd.concat([records, extra[extra["customer_id"] != "y2"]], ignore_index=True))
    assert ("y1", "y3") in set(zip(one["first"], one["second"], strict=True))


@needs_splink
def test_nothing_to_compare_and_too_few_records():
    alone = pd.DataFrame({"customer_id": [str(at) for at in range(60)], "name": ["x"] * 60})
    assert suggestions(alone).empty
    with pytest.raises(ModelError, match="12 records are too few to look for probable duplicates; 50 are needed"):
        suggestions(alone.head(12))


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(matching, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"install it with: pip install 'crmkit\[dedupe\]'"):
        suggestions(pd.DataFrame({"customer_id": []}))
