"""A params file is read strictly: every problem at once, each with the key, the value and what is allowed."""

import pytest

from crmkit.core.errors import ParamError
from crmkit.core.settings import expand, find_home, read_settings

GOOD = """
client: acme
title: ACME Retail
source: data/acme
currency: EUR
timezone: Europe/Berlin
as_of: "2025-12-31"
tables:
  transactions: {file: orders.csv, columns: {customer_id: Kundennr}, dayfirst: true}
privacy: {min_cell: 5}
clv: {horizon_days: 90}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("CRMKIT_HOME", raising=False)
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "clv.ipynb").touch()
    return tmp_path


def write(home, text, name="acme"):
    (home / "params" / f"{name}.yml").write_text(text, encoding="utf-8")


def problems(home, text, name="acme"):
    write(home, text, name)
    with pytest.raises(ParamError) as caught:
        read_settings(name, home=home)
    return list(caught.value.problems)


def test_a_good_file(home):
    write(home, GOOD)
    settings = read_settings("acme", home=home)
    assert settings.tables["transactions"].columns == {"customer_id": "Kundennr"}
    assert settings.privacy.min_cell == 5
    assert settings.language == "en"
    assert settings.sections == {"clv": {"horizon_days": 90}}


def test_every_problem_is_told_at_once(home):
    text = GOOD.replace("currency: EUR", "currency: euro").replace("title: ACME Retail\n", "").replace("dayfirst", "dayfrist")
    assert problems(home, text.replace("clv:", "clvv:").replace("Berlin", "Berln")) == [
        "params/acme.yml: unknown key 'clvv'; did you mean 'clv'?",
        "params/acme.yml, title: is missing; it is required.",
        "params/acme.yml, currency: 'euro' is not a currency; write its ISO code, three capital letters such as EUR.",
        "params/acme.yml, timezone: 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?",
        "params/acme.yml, tables.transactions: unknown key 'dayfrist'; did you mean 'dayfirst'?",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("as_of: 2025-12-31", "params/acme.yml, as_of: was read as 2025-12-31, not as text; quote it."),
        ("title: 007", "params/acme.yml, title: was read as 7, not as text; quote it."),
        ("title: no", "params/acme.yml, title: was read as false, not as text; quote it."),
    ],
)
def test_what_yaml_read_as_something_else_is_to_be_quoted(home, line, said):
    key = line.split(":")[0]
    kept = "\n".join(old for old in GOOD.splitlines() if not old.startswith(f"{key}:"))
    assert problems(home, f"{kept}\n{line}\n") == [said]


def test_a_key_that_stands_twice_is_not_lost(home):
    assert problems(home, GOOD + "client: other\n") == [
        "params/acme.yml, line 12: the key 'client' stands twice; keep one of them."
    ]


def test_the_file_and_the_client_have_one_name(home):
    assert problems(home, GOOD, name="other") == [
        "params/other.yml, client: is 'acme' but the file is named 'other'; they must be equal"
    ]


def test_an_unknown_client_gets_the_nearest_name(home):
    write(home, GOOD)
    with pytest.raises(ParamError, match=r"client 'acmee' has no file params/acmee.yml; did you mean 'acme'\?"):
        read_settings("acmee", home=home)


def test_a_client_given_as_a_number(home):
    with pytest.raises(ParamError, match="client: 7 is a number, not a name; quote it"):
        read_settings(7, home=home)


def test_a_path_is_no_client(home):
    with pytest.raises(ParamError, match="has no file"):
        read_settings("../params/acme", home=home)


def test_home_is_the_nearest_parent_with_both_folders(home, monkeypatch):
    deep = home / "notebooks" / "deep"
    deep.mkdir()
    assert find_home(deep) == home
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    assert find_home() == home


def test_no_home(tmp_path, monkeypatch):
    monkeypatch.delenv("CRMKIT_HOME", raising=False)
    with pytest.raises(ParamError, match="is not inside a project"):
        find_home(tmp_path)


def test_secrets_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret")
    assert expand("postgres://shop:${SHOP_PASSWORD}@host/db", where="source") == "postgres://shop:s3cret@host/db"
    with pytest.raises(ParamError, match="source: the environment variable NOT_THERE is not set"):
        expand("${NOT_THERE}", where="source")
