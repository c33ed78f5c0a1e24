"""Groups of records of one customer: joined by strong keys, by a name only where nothing speaks against it."""

import numpy as np
import pandas as pd

from crmkit.models.records.groups import by_key, linked, placeholders, same_customers


def records(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "email", "phone", "tax_id", "name_place"])


def groups(table, **options):
    return [set(members) for _, members in same_customers(table, **options).groupby("group")["customer_id"]]


def test_keys_join_through_other_records():
    table = records(
        ("a", "x@x", None, None, None), ("b", "x@x", "1", None, None), ("c", None, "1", "t", None), ("d", None, None, "t", None)
    )  # fmt: skip
    assert groups(table) == [{"a", "b", "c", "d"}]
    assert same_customers(table)["keys"].unique().tolist() == [("email", "phone", "tax_id")]


def test_two_persons_of_one_name_and_town_are_two():
    table = records(("a", "x@x", None, None, "n"), ("b", "y@y", None, None, "n"))
    assert groups(table) == []


def test_one_name_and_town_are_one_person_where_nothing_speaks_against_it():
    table = records(("a", "x@x", None, None, "n"), ("b", None, "1", None, "n"), ("c", None, None, None, "n"))
    assert groups(table) == [{"a", "b", "c"}]
    assert same_customers(table)["keys"].unique().tolist() == [("name_place",)]


def test_which_of_two_persons_a_bare_name_means_is_left_open():
    table = records(("a", "x@x", None, None, "n"), ("b", "y@y", None, None, "n"), ("c", None, None, None, "n"))
    assert groups(table) == []


def test_what_a_relative_record_says_speaks_against_a_name_too():
    # b is a by telephone, and a has another address than c
    table = records(("a", "x@x", "1", None, None), ("b", None, "1", None, "n"), ("c", "y@y", None, None, "n"))
    assert groups(table) == [{"a", "b"}]


def test_a_value_that_many_share_names_nobody():
    many = records(*((str(at), None, "0000000", None, "n" if at < 2 else None) for at in range(11)))
    assert groups(many) == [{"0", "1"}]
    assert groups(many, most=11) == [{str(at) for at in range(11)}]
    assert placeholders(many).to_numpy().tolist() == [["phone", 1, 11]]


def test_what_each_key_finds_by_itself():
    table = records(
        ("a", "x@x", "1", None, "n"), ("b", "x@x", "1", None, None), ("c", None, "1", None, "n"), ("d", "z", "9", None, None)
    )
    found = by_key(table).set_index("key")
    assert found.loc["email"].tolist() == [1, 2, 1]
    assert found.loc["phone"].tolist() == [1, 3, 2]
    assert found.loc["tax_id"].tolist() == [0, 0, 0]
    # a and c are one by telephone already, and their name says the same
    assert found.loc["name_place"].tolist() == [1, 2, 1]


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"customer_id": [f"{at:03d}" for at in range(200)]})
    for name in ("email", "phone", "name_place"):
        table[name] = pd.Series(rng.integers(0, 150, 200)).map(str).where(rng.random(200) < 0.5, None)
    first = {frozenset(one) for one in groups(table)}
    assert first
    assert {frozenset(one) for one in groups(table.sample(frac=1, random_state=1))} == first


def test_groups_are_numbered_by_their_first_record():
    assert linked(6, [(5, 0), (4, 3)]).tolist() == [0, 1, 2, 3, 3, 0]
    assert linked(3, []).tolist() == [0, 1, 2]
