"""Pseudonyms that only the key explains; small groups hidden so that no one can work them out."""

import base64
import stat

import numpy as np
import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.core.privacy import client_key, pseudonym, suppress_beside, suppress_small
from unions import small_unions


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("CRMKIT_KEY", raising=False)
    (tmp_path / "params").mkdir()
    return tmp_path


def test_the_key_is_made_once_and_only_its_owner_reads_it(home):
    first = client_key("acme", home=home)
    path = home / "params" / "acme.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert client_key("acme", home=home) == first
    assert client_key("other", home=home) != first


def test_an_empty_key_is_not_replaced_in_silence(home):
    (home / "params" / "acme.key").touch()
    with pytest.raises(ParamError, match=r"params/acme.key: is empty"):
        client_key("acme", home=home)


def test_a_key_in_the_environment_differs_by_client(home, monkeypatch):
    monkeypatch.setenv("CRMKIT_KEY", "one for all")
    assert client_key("acme", home=home) != client_key("other", home=home)
    assert not (home / "params" / "acme.key").exists()


def test_pseudonyms():
    """Ten base32 letters of HMAC-SHA256; key, text and digest are those of RFC 4231, test case 2."""
    digest = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    name = pseudonym("what do ya want for nothing?", key=b"Jefe")
    assert name == base64.b32encode(digest).decode()[:10]
    assert pseudonym("what do ya want for nothing?", key=b"Jeff") != name


def table(*n):
    return pd.DataFrame({"group": list("abcdefgh")[: len(n)], "value": [0.5] * len(n), "n": n})


def test_a_single_small_group_takes_its_complement_with_it():
    shown = suppress_small(table(3, 50, 40), values=["value"], min_cell=10)
    assert shown["suppressed"].tolist() == [True, False, True]
    assert shown["value"].isna().tolist() == [True, False, True]
    assert shown["n"].isna().tolist() == [True, False, True]


def test_two_small_groups_hide_each_other_where_they_are_enough_together():
    assert suppress_small(table(3, 7, 40), values=["value"], min_cell=10)["suppressed"].tolist() == [True, True, False]


def test_two_small_groups_that_are_few_together_take_the_next_smallest_with_them():
    shown = suppress_small(table(400, 300, 2, 1), values=["value"], min_cell=10)
    assert shown["suppressed"].tolist() == [False, True, True, True]


def test_where_nobody_is_left_to_go_with_it_a_small_group_is_hidden_alone():
    assert suppress_small(table(3, 0), values=["value"], min_cell=10)["suppressed"].tolist() == [True, False]


def test_what_the_total_leaves_over_is_never_few():
    """2,000 partitions of 300 customers into 6 groups: what is hidden of one is two groups at least, and ten customers."""
    rng = np.random.default_rng(1)
    hiding = 0
    for _ in range(2000):
        n = rng.multinomial(300, rng.dirichlet([0.4] * 6))
        hidden = suppress_small(table(*n), values=["value"], min_cell=10)["suppressed"].to_numpy()
        assert not hidden[n == 0].any()
        assert hidden[(n > 0) & (n < 10)].all()
        if hidden.any():
            hiding += 1
            assert hidden.sum() >= 2
            assert n[hidden].sum() >= 10
    assert hiding > 1000


def test_rows_whose_partition_has_no_name_are_judged_too():
    one = table(3, 50, 40, 60).assign(part=["x", "x", None, None])
    assert suppress_small(one, values=["value"], min_cell=45, within="part")["suppressed"].all()


@pytest.mark.parametrize("seed", range(10))
def test_rows_and_columns_of_a_grid_have_their_own_totals(seed):
    n = np.random.default_rng(seed).poisson(12, (5, 6)).ravel()
    grid = pd.DataFrame({"row": np.repeat(range(5), 6), "column": np.tile(range(6), 5), "n": n})
    shown = suppress_small(grid, values=[], min_cell=10, within=["row", "column"])
    for name in ("row", "column"):
        for _, part in grid.assign(away=shown["suppressed"]).groupby(name):
            hidden = part.loc[part["away"], "n"]
            assert hidden.empty or (len(hidden) >= 2 and hidden.sum() >= 10)


@pytest.mark.parametrize("seed", range(40))
def test_two_tables_of_the_same_customers_do_not_give_each_other_away(seed):
    rng = np.random.default_rng(seed)
    cells = rng.choice(7, size=120, p=rng.dirichlet([0.7] * 7))
    near = rng.choice([0.0, 0.02, 0.2, 1.0])
    others = np.where(rng.random(120) < near, rng.integers(0, 4, 120), cells // 2)
    beside = pd.crosstab(pd.Series(cells), pd.Series(others))
    groups = pd.DataFrame({"n": beside.sum().to_numpy(), "value": 1.0})
    hidden = suppress_small(groups, values=["value"], min_cell=8)["suppressed"].to_numpy()
    own = pd.DataFrame({"n": beside.sum(axis=1).to_numpy(), "value": 1.0})
    shown = suppress_beside(own, [(beside, hidden.tolist())], values=["value"], min_cell=8)
    away, unseen = set(beside.index[shown["suppressed"]]), set(beside.columns[hidden])
    assert away >= set(beside.index[own["n"] < 8])
    assert shown["value"].isna().tolist() == shown["suppressed"].tolist()
    assert small_unions(cells, others, away, unseen, min_cell=8) == 0


def test_a_group_that_lies_inside_another_and_leaves_few_of_it_is_hidden():
    """30 customers of the segment are in the cell and 4 are not: cell and segment must not both be shown."""
    beside = pd.DataFrame({"x": [30, 4, 0], "y": [0, 40, 50]})
    own = pd.DataFrame({"n": beside.sum(axis=1), "value": 1.0})
    assert not suppress_small(own, values=["value"], min_cell=10)["suppressed"].any()
    shown = suppress_beside(own, [(beside, [False, False])], values=["value"], min_cell=10)
    assert shown["suppressed"].tolist() == [True, True, False]


def test_nothing_small_nothing_hidden():
    assert not suppress_small(table(30, 0, 40), values=["value"], min_cell=10)["suppressed"].any()


def test_partitions_are_judged_one_by_one():
    both = pd.concat([table(3, 50), table(30, 50)], keys=["x", "y"], names=["part"]).reset_index(level=0).reset_index(drop=True)
    assert suppress_small(both, values=["value"], min_cell=10, within="part")["suppressed"].tolist() == [
        True,
        True,
        False,
        False,
    ]
