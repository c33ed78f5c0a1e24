"""What was read once is read from its copy: the same tables, notes and rejected rows, and nothing that is old."""

import json
import stat

import numpy as np
import pandas as pd
import pytest
import yaml

from crmkit.core.settings import copy_folder
from crmkit.data import client as door
from crmkit.data.client import check_client, open_client
from crmkit.data.intake import copy
from crmkit.data.sources.engine import to_frame

DAY = "2025-12-31"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A client whose two files are large enough to be kept, some rows of which are set aside."""
    monkeypatch.setattr(copy, "FEW_BYTES", 100)
    for folder in ("params", "notebooks", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    rng = np.random.default_rng(4)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 400, 300), unit="D")
    orders = pd.DataFrame(
        {"customer_id": rng.integers(1, 40, 300), "ordered_at": days, "amount": rng.integers(1, 900, 300) / 10}
    )
    orders.loc[7, "amount"] = None
    orders.to_csv(tmp_path / "data/acme/transactions.csv", index=False)
    starts = pd.DataFrame({"customer_id": range(1, 60), "started_at": "2024-05-01", "ended_at": "2025-03-0" + "1"})
    starts.to_csv(tmp_path / "data/acme/subscriptions.csv", index=False)
    write(tmp_path)
    return tmp_path


def write(home, **said):
    """The params file of the client."""
    common = {"client": "acme", "title": "ACME", "source": "data/acme", "tables": {"transactions": {"rejects": 0.1}}}
    (home / "params/acme.yml").write_text(yaml.safe_dump(common | said), encoding="utf-8")


def seen(home, **asked):
    """Everything that an opened client says."""
    with open_client("acme", home=home, **{"as_of": DAY} | asked) as opened:
        tables = {name: to_frame(table) for name, table in opened.tables.items()}
        rejects = {path.name: path.read_text() for path in home.glob("**/rejects/*.csv")}
        return tables, opened.intake, opened.fingerprint, rejects


def equal(one, other):
    assert list(one[0]) == list(other[0])
    for name, table in one[0].items():
        pd.testing.assert_frame_equal(table, other[0][name])
    assert one[1:] == other[1:]


@pytest.fixture
def reads(monkeypatch):
    """Which tables were read from the files of the client."""
    found = []

    def load_table(con, table, *, place):
        found.append(table)
        return original(con, table, place=place)

    original = door.load_table
    monkeypatch.setattr(door, "load_table", load_table)
    return found


def copies(home):
    return sorted(copy_folder("acme", home=home).iterdir()) if copy_folder("acme", home=home).is_dir() else []


def test_the_second_time_nothing_is_read_and_all_is_the_same(home, reads):
    first = seen(home)
    assert reads
    assert first[3]
    reads.clear()
    for path in home.glob("**/rejects/*.csv"):
        path.unlink()
    equal(first, seen(home))
    assert reads == []
    assert len(copies(home)) == 1
    # another day is another cut of the same tables
    with open_client("acme", home=home, as_of="2025-10-31") as earlier:
        assert len(to_frame(earlier.tables["transactions"])) < len(first[0]["transactions"])
    assert check_client("acme", home=home).problems == ()
    assert reads == []


def test_it_is_its_owners_alone(home):
    seen(home)
    (path,) = copies(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def change_file(home):
    path = home / "data/acme/transactions.csv"
    path.write_text(path.read_text().replace(".5\n", ".6\n", 1))


def change_params(home):
    write(home, tables={"transactions": {"rejects": 0.2}})


def change_zone(home):
    write(home, timezone="Europe/Berlin")


@pytest.mark.parametrize("change", [change_file, change_params, change_zone])
def test_what_it_depends_on_makes_another(home, reads, change):
    seen(home)
    (old,) = copies(home)
    change(home)
    reads.clear()
    seen(home)
    (new,) = copies(home)
    assert new.name != old.name
    assert "transactions" in reads


def test_another_code_or_engine_makes_another(home, monkeypatch):
    seen(home)
    (old,) = copies(home)
    monkeypatch.setattr(copy, "_code", lambda: "another")
    seen(home)
    (new,) = copies(home)
    assert new.name != old.name


def test_without_one_where_the_client_has_said_so(home):
    write(home, privacy={"copy": False})
    equal(seen(home), seen(home))
    assert copies(home) == []


def test_small_files_and_those_that_lie_ready_have_none(home, monkeypatch):
    monkeypatch.setattr(copy, "FEW_BYTES", 1 << 20)
    seen(home)
    assert copies(home) == []
    monkeypatch.setattr(copy, "FEW_BYTES", 100)
    path = home / "data/acme/transactions.csv"
    pd.read_csv(path, parse_dates=["ordered_at"]).to_parquet(path.with_suffix(".parquet"))
    path.unlink()
    seen(home)
    assert copies(home) == []


def test_what_was_cut_off_is_made_again(home, reads):
    first = seen(home)
    (path,) = copies(home)
    path.write_bytes(path.read_bytes()[:5000])
    reads.clear()
    equal(first, seen(home))
    assert reads
    reads.clear()
    equal(first, seen(home))
    assert reads == []


def test_where_it_cannot_be_written_the_client_is_opened_all_the_same(home, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copy.Path, "replace", full)
    monkeypatch.setattr(copy, "_put_back", lambda *_: None)
    write(home, tables={})
    orders = pd.read_csv(home / "data/acme/transactions.csv").dropna()
    orders.to_csv(home / "data/acme/transactions.csv", index=False)
    seen(home)
    assert copies(home) == []


def test_a_file_with_problems_is_not_kept(home):
    write(home, tables={})
    with pytest.raises(Exception, match="amount"):
        seen(home)
    assert copies(home) == []


def test_an_intake_comes_back_as_it_was_written(home):
    for one in seen(home)[1]:
        assert copy.read_back(json.loads(json.dumps(copy.written(one)))) == one
