"""What findings say: sentences that a manager reads in one breath, without names of columns, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from crmkit.locale.catalogue import stored

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src" / "crmkit" / "analyses").rglob("*.py"))
MOST_WORDS = 25
# why an exhibit is not there, for whoever can add the column or change the parameter
LACKING = {
    "needs exposures with the day of the contact (exposed_at)",
    "no kind of leaving is recorded; needs the column churn_kind",
    "no reason is recorded; needs the column churn_reason",
    "a range of outcomes needs a horizon, and horizon_days is 0",
    "nothing is held out: holdout_days is 0, or the data are too short",
    "there is no earlier date to compare with (holdout_days is 0)",
}


def sentences(source):
    """The templates that are put into words, each sentence by itself: of findings, notes, boxes and reasons alike."""
    for call in ast.walk(ast.parse(source)):
        said = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("Text", "mark")
        if said and call.args and isinstance(call.args[0], ast.Constant):
            yield from re.split(r"(?<=[.?!]) ", call.args[0].value)


def words(sentence):
    """How many words a reader sees, a number as one of them."""
    chosen = re.sub(r"\{\w+:([^|}]*)\|[^}]*\}", r"\1", sentence)
    return len(re.sub(r"\{\w+\}", "0", chosen).split())


def too_long(source):
    return [one for one in sentences(source) if words(one) > MOST_WORDS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "src/crmkit/analyses").as_posix())
def test_a_sentence_is_read_in_one_breath(path):
    assert too_long(path.read_text(encoding="utf-8")) == []


def test_a_long_sentence_is_found():
    long = " ".join(["word"] * 25)
    source = 'def f():\n    return Result(finding=Finding("a", "info", None, Text("{}")), note=Text("{}"))'
    assert too_long(source.format(f"{long} {{n:customer|customers}}", "short")) == [f"{long} {{n:customer|customers}}"]
    assert too_long(source.format("short", f"{long} more")) == [f"{long} more"]
    assert not too_long(source.format(f"{long}. {{n:customer|customers}}.", "short"))


def test_no_sentence_names_a_column():
    named = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
    for path in FILES:
        for one in set(sentences(path.read_text(encoding="utf-8"))) - LACKING:
            assert not named.search(re.sub(r"\{[^}]*\}", "", one)), f"{path.name}: {one}"


def test_no_chinese_sentence_has_half_width_brackets_or_colons():
    """Brackets, colons and semicolons next to Chinese characters are those of Chinese."""
    wrong = re.compile(r"[\u4e00-\u9fff] ?[:;()]|[:;()] ?[\u4e00-\u9fff]")
    found = [str(one.string) for one in stored("zh", "crmkit") if one.id and wrong.search(str(one.string))]
    assert not found, found[:5]
