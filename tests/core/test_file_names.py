"""Names of files that somebody else's words become: safe, different, the same in every run."""

import re

from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.file_names import file_names

HOSTILE = [
    "../../etc/passwd",
    "a/b\\c",
    "con\x00",
    "<script>",
    "x" * 400,
    "  ",
    "\ud800",
    "客服负责人",
    "客服",
    "Ж",
    "a.html",
    "é",
]


def test_names_are_safe_short_and_different():
    made = file_names(HOSTILE)
    assert len(set(made)) == len(HOSTILE)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one) and len(one) <= 48 for one in made)
    assert made == file_names(HOSTILE)


def test_a_plain_name_is_kept_and_what_would_be_equal_is_told_apart():
    assert file_names(["Head of service", "Sales 2"]) == ["head-of-service", "sales-2"]
    first, second = file_names(["Sales", "sales!"])
    assert first != second
    assert first.startswith("sales-")
    assert file_names(["others"], taken=("others",)) != ["others"]


@given(st.lists(st.text(max_size=20), unique=True, max_size=12))
def test_any_names(names):
    made = file_names(names)
    assert len(set(made)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one) for one in made)
