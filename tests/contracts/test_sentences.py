"""What findings say: sentences that a manager reads in one breath, without names of columns, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from crmkit.locale.catalogue import stored

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src" / "crmkit" / "analyses").rglob("*.py"))
MOST_WORDS = 25
# what stands beside a finding is no sentence of it
BESIDE = {"note", "alt", "title", "criteria", "reason"}
# not yet shortened
LONG = {"churn/absences.py": 1, "churn/returning.py": 2}


def sentences(source):
    """The templates that functions with a finding put into words, each sentence by itself."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        if not any(call.func.id == "Finding" for call in calls):
            continue
        beside = [keyword.value for call in calls for keyword in call.keywords if keyword.arg in BESIDE]
        beside += [one for call in calls if call.func.id == "not_assessed" for one in call.args]
        beside += [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in BESIDE
        ]
        other = {id(node) for value in beside for node in ast.walk(value)}
        for call in calls:
            if call.func.id == "Text" and call.args and isinstance(call.args[0], ast.Constant) and id(call) not in other:
                yield from re.split(r"(?<=[.?!]) ", call.args[0].value)


def words(sentence):
    """How many words a reader sees, a number as one of them."""
    chosen = re.sub(r"\{\w+:([^|}]*)\|[^}]*\}", r"\1", sentence)
    return len(re.sub(r"\{\w+\}", "0", chosen).split())


def too_long(source):
    return [one for one in sentences(source) if words(one) > MOST_WORDS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "src/crmkit/analyses").as_posix())
def test_a_finding_is_read_in_one_breath(path):
    found = too_long(path.read_text(encoding="utf-8"))
    allowed = LONG.get(path.relative_to(ROOT / "src" / "crmkit" / "analyses").as_posix(), 0)
    assert len(found) == allowed, found


def test_a_long_sentence_is_found():
    long = " ".join(["word"] * 25)
    source = 'def f():\n    return Finding("a", "info", None, Text("{}"), note=Text("{}"))'
    assert too_long(source.format(f"{long} {{n:customer|customers}}", f"{long} more"))
    assert not too_long(source.format(f"{long}. {{n:customer|customers}}.", f"{long} more"))


def test_no_finding_names_a_column():
    named = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
    for path in FILES:
        for one in sentences(path.read_text(encoding="utf-8")):
            assert not named.search(re.sub(r"\{[^}]*\}", "", one)), f"{path.name}: {one}"


def test_no_chinese_sentence_has_half_width_brackets_or_colons():
    """Brackets, colons and semicolons next to Chinese characters are those of Chinese."""
    wrong = re.compile(r"[\u4e00-\u9fff] ?[:;()]|[:;()] ?[\u4e00-\u9fff]")
    found = [str(one.string) for one in stored("zh", "crmkit") if one.id and wrong.search(str(one.string))]
    assert not found, found[:5]
