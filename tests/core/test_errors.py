"""Messages: what, where, what is allowed, the nearest right name; all at once."""

from hypothesis import given
from hypothesis import strategies as st

from crmkit.core.errors import CrmkitError, DataError, ModelError, ParamError, Problem, did_you_mean, nearest, rows
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text


def test_one_family_so_that_every_user_error_ends_alike():
    assert issubclass(DataError, CrmkitError)
    assert issubclass(ParamError, ValueError)


def test_all_problems_stand_one_per_line():
    error = DataError(["a: is wrong", Problem("b:", "is missing", "it is required")])
    assert error.problems == ("a: is wrong", "b: is missing; it is required.")
    assert str(error) == "a: is wrong\nb: is missing; it is required."


def test_a_problem_that_a_page_may_show_is_said_in_the_readers_language(monkeypatch):
    words = {"{n} are too few": "{n}个太少"}
    monkeypatch.setattr("crmkit.core.language.catalogue", lambda language, *_: words if language == "zh" else {})
    error = ModelError([Text("{n} are too few", {"n": Quantity(3, "count")}), "{x}: as it is"])
    assert error.problems == ("3 are too few", "{x}: as it is")
    assert say(error.text, Locale("zh")) == "3个太少 {x}: as it is"


def test_the_nearest_name_is_offered_whatever_its_case():
    assert nearest("Horizon_Day", ["horizon_days", "margin"]) == "horizon_days"
    assert did_you_mean("unti", ["unit", "margin"]) == "did you mean 'unit'?"


@given(st.lists(st.text("abcdef_", min_size=1, max_size=8), min_size=1, max_size=8, unique=True))
def test_a_list_of_options_leaves_none_out(options):
    said = did_you_mean("zzzzzzzzzz", options)
    assert all(repr(option) in said for option in options)


def test_rows():
    assert rows([7]) == "row 7"
    assert rows([7], total=1) == "row 7"
    assert rows(list(range(1, 9))) == "rows 1, 2, 3, 4, 5 and 3 more"
