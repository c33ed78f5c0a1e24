"""Pseudonyms that only the key explains; small groups hidden so that no one can work them out."""

import base64
import stat

import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.core.privacy import client_key, pseudonym, suppress_small


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


def test_two_small_groups_hide_each_other():
    assert suppress_small(table(3, 4, 40), values=["value"], min_cell=10)["suppressed"].tolist() == [True, True, False]


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
