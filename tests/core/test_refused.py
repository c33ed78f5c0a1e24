"""A value that settings refuse is explained in words of ours, in both languages, whatever kind of error it is."""

import datetime as dt
import re

import pytest
from pydantic import ValidationError

from crmkit.core.messages import in_words
from crmkit.core.refused import problems_of
from crmkit.core.settings import Settings

BASE = {"client": "acme", "title": "ACME", "source": "data"}
VALUES = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**30,
    "",
    "x",
    dt.date(2025, 1, 1),
    [],
    [1],
    [2, 1],
    [1, "x"],
    [None],
    {1: 2},
    {"a": 1},
    {"a": "b"},
    {"a": [None]},
    {"a": {"b": 1}},
]
# words in a row that no key and no value holds
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b|expected|allowed|unknown")


def places(model=Settings, wrap=lambda given: given):
    """Each key of the params file, as a function that puts a value there."""
    for name, field in model.model_fields.items():
        if name != "sections":
            yield lambda value, key=field.alias or name, wrap=wrap: wrap({key: value})


def everywhere():
    fields = Settings.model_fields
    yield from places()
    for key in ("privacy", "money", "customer"):
        yield from places(fields[key].annotation, lambda given, key=key: {key: given})
    table = fields["tables"].annotation.__args__[1]
    yield from places(table, lambda given: {"tables": {"orders": given}})
    returns, items = (table.model_fields[name].annotation for name in ("returns", "items"))
    yield from places(returns, lambda given: {"tables": {"orders": {"returns": given}}})
    item = items.__args__[1]
    yield from places(item, lambda given: {"tables": {"orders": {"items": {"q": {"scale": [1, 5], **given}}}}})


def refusals():
    """Every error that one of the values raises at one of the keys: its kinds, and what is said of it."""
    for put in everywhere():
        for value in VALUES:
            given = BASE | put(value)
            try:
                Settings(**given)
            except ValidationError as err:
                said = [str(problem) for problem in problems_of(err, Settings, given, where="params/acme.yml")]
                yield {one["type"] for one in err.errors()}, [one["msg"] for one in err.errors()], said


def kinds_of_schema(schema):
    """The parts that pydantic has made of the models, by which errors are raised."""
    if isinstance(schema, dict):
        yield from (schema["type"] for _ in [0] if isinstance(schema.get("type"), str))
        for part in schema.values():
            yield from kinds_of_schema(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from kinds_of_schema(part)


def test_every_kind_of_error_is_said_in_our_words_and_in_chinese():
    kinds, count = set(), 0
    for found, theirs, said in refusals():
        kinds |= found
        count += 1
        assert said
        for problem in said:
            assert problem.startswith("params/acme.yml")
            assert "cannot be used here" not in problem
            assert not [one for one in theirs if one in problem]
            assert not ENGLISH.findall(in_words(problem, "zh")), problem
    assert count > 500
    # each part of the models that can refuse has refused
    raised_by = {"str": "string_type", "int": "int_type", "float": "float_type", "bool": "bool_type", "list": "list_type"}
    raised_by |= {"dict": "dict_type", "model": "model_type", "literal": "literal_error", "function-after": "value_error"}
    parts = set(kinds_of_schema(Settings.__pydantic_core_schema__))
    assert {kind for part, kind in raised_by.items() if part in parts} <= kinds
    limits = {"greater_than_equal", "less_than_equal", "string_too_short", "string_pattern_mismatch"}
    assert limits | {"missing", "extra_forbidden", "invalid_key"} <= kinds | {"missing"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"header": "four"}, "tables.orders.header: is 'four'; a whole number or a list is expected."),
        ({"header": [1, "x"]}, "tables.orders.header.1: is 'x'; a whole number is expected."),
        ({"dayfirst": "yes"}, "tables.orders.dayfirst: is 'yes'; true or false is expected."),
        ({"repeats": "drops"}, "one of 'stop', 'drop', 'newest' is expected; did you mean 'drop'?"),
        ({"only": {"Status": "paid"}}, "tables.orders.only.Status: is 'paid'; a list is expected."),
        ({"returns": {"prefx": "C"}}, "tables.orders.returns: unknown key 'prefx'; did you mean 'prefix'?"),
        ({"rejects": 5}, "tables.orders.rejects: is 5; 1 or less is expected."),
    ],
)
def test_what_is_said_of_a_table(given, said):
    tables = {"tables": {"orders": given}}
    with pytest.raises(ValidationError) as caught:
        Settings(**BASE, **tables)
    (problem,) = problems_of(caught.value, Settings, BASE | tables, where="params/acme.yml")
    assert str(problem).endswith(said)


def test_a_key_that_a_file_calls_otherwise_than_the_code():
    given = BASE | {"privacy": {"copi": False}}
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    (problem,) = problems_of(caught.value, Settings, given, where="params/acme.yml")
    assert str(problem) == "params/acme.yml, privacy: unknown key 'copi'; did you mean 'copy'?"
