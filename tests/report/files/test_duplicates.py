"""The workbook of duplicates goes out under pseudonyms and comes back as a merge map, which nobody applies but the client."""

import csv
import stat

import pandas as pd
import pytest
import xlsxwriter
import yaml
from python_calamine import CalamineWorkbook

from crmkit.core.errors import ParamError
from crmkit.data.client import open_client
from crmkit.data.sources.engine import to_frame
from crmkit.models.records import matching
from crmkit.report.files.duplicates import take_decisions, write_review

CUSTOMERS = pd.DataFrame(
    [
        ("1", "Anna Beck", "anna@x.org", "030 1234567", "Berlin"),
        ("2", "A. Beck", "ANNA@x.org ", None, "Bonn"),
        ("3", "=cmd|' /C calc'!A0", None, "+49 30 1234567", "Bonn"),
        ("4", "Carl Dorn", "carl@x.org", None, "Kiel"),
        ("5", "CARL DORN", None, None, "kiel"),
        ("6", "Eva Fink", "eva@x.org", None, "Kiel"),
    ],
    columns=["customer_id", "name", "email", "phone", "city"],
)
ORDERS = pd.DataFrame(
    {
        "customer_id": ["1", "2", "2", "5", "6"],
        "ordered_at": ["2025-03-01"] * 5,
        "amount": [10, 30, 40, 5, 1],
        "order_id": ["1", "2", "3", "4", "5"],
    }
)


@pytest.fixture
def home(tmp_path):
    for folder in ("params", "notebooks", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    CUSTOMERS.to_csv(tmp_path / "data/acme/customers.csv", index=False)
    ORDERS.to_csv(tmp_path / "data/acme/transactions.csv", index=False)
    declare(tmp_path)
    return tmp_path


def declare(home, **more):
    said = {"client": "acme", "title": "A", "source": "data/acme", "as_of": "2025-12-31", "timezone": "Europe/Berlin", **more}
    (home / "params/acme.yml").write_text(yaml.safe_dump(said), encoding="utf-8")


def sheet(path):
    head, *lines = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return [dict(zip(head, line, strict=True)) for line in lines]


def fill(path, *said, rows=None):
    """The workbook with decisions."""
    lines = rows or sheet(path)
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, list(lines[0]))
        for at, (line, decision) in enumerate(zip(lines, said, strict=True), start=1):
            page.write_row(at, 0, [*(value for name, value in line.items() if name != "decision"), decision])


def mapped(path):
    with path.open(encoding="utf-8", newline="") as file:
        return {line["customer_id"]: line["kept_id"] for line in csv.DictReader(file)}


def test_out_under_pseudonyms_and_back_as_a_map_that_is_applied_when_it_is_named(home):
    written = write_review("acme", home=home)
    (path,) = written.paths
    assert path == home / "work/acme/duplicates/duplicates.xlsx"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = sheet(path)
    # the record with the most money would be kept: 2 of the first three, 5 of the two
    assert [(row["found"], row["kept_amount"], row["amount"], row["kept_orders"]) for row in rows] == [
        ("exact", 70, 10, 2), ("exact", 70, 0, 2), ("exact", 5, 0, 1)
    ]  # fmt: skip
    assert {row["agree"] for row in rows} == {"e-mail, telephone", "name and town"}
    text = str(rows)
    assert not any(word in text for word in ("Beck", "anna", "030", "Dorn", "calc"))
    assert not any(str(row[name]) in set("123456") for row in rows for name in ("kept_id", "customer_id"))
    fill(path, "same", "same", "unsure")
    made = take_decisions("acme", path, home=home)
    assert mapped(made.paths[0]) == {"1": "2", "3": "2"}
    assert stat.S_IMODE(made.paths[0].stat().st_mode) == 0o600
    with open_client("acme", home=home) as acme:
        assert len(to_frame(acme.tables["customers"])) == 6, "nothing is merged by itself"
    declare(home, merge="work/acme/duplicates/merge.csv")
    with open_client("acme", home=home) as acme:
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["2", "4", "5", "6"]
        assert to_frame(acme.tables["transactions"])["customer_id"].tolist() == ["2", "2", "2", "5", "6"]


def test_ids_and_what_is_known_of_both_where_the_client_asks_for_it(home):
    declare(home, privacy={"lists": "ids"}, language="zh")
    (path,) = write_review("acme", home=home).paths
    rows = sheet(path)
    assert [(row["kept_id"], row["customer_id"]) for row in rows] == [("2", "1"), ("2", "3"), ("5", "4")]
    assert rows[0]["kept_name"] == "A. Beck"
    assert rows[1]["name"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["found"] == "准确匹配"
    fill(path, "相同", "不同", "不确定")
    assert mapped(take_decisions("acme", path, home=home).paths[0]) == {"1": "2"}


def test_earlier_merges_stay_and_make_no_chain(home):
    (home / "params/merge.csv").write_text("customer_id,kept_id\n6,4\n")
    declare(home, privacy={"lists": "ids"}, merge="params/merge.csv")
    (path,) = write_review("acme", home=home).paths
    rows = sheet(path)
    assert [(row["kept_id"], row["customer_id"]) for row in rows][-1] == ("5", "4")
    fill(path, *[""] * (len(rows) - 1), "same")
    made = take_decisions("acme", path, home=home).paths[0]
    assert mapped(made) == {"6": "5", "4": "5"}
    (home / "params/merge.csv").write_bytes(made.read_bytes())
    with open_client("acme", home=home) as acme:
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["1", "2", "3", "5"]


def test_all_that_is_wrong_with_the_decisions_is_said_at_once(home):
    (path,) = write_review("acme", home=home).paths
    rows = [
        {"kept_id": a, "customer_id": b, "decision": ""}
        for a, b in (("1", "2"), ("2", "3"), ("1", "3"), ("9", "2"), ("4", "5"))
    ]
    fill(path, "same", "Same", "different", "same", "perhaps", rows=rows)
    with pytest.raises(ParamError) as raised:
        take_decisions("acme", path, home=home)
    assert raised.value.shown == (
        "duplicates.xlsx: row 5 names '9', which no customer has.",
        "duplicates.xlsx: row 6 says 'perhaps'; same, different or unsure is expected.",
        "duplicates.xlsx: row 4 says different, and other rows make the two one customer.",
    )


def test_a_file_that_is_no_such_workbook(home, tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_text("nothing")
    with pytest.raises(ParamError, match=r"x\.xlsx: cannot be read as a workbook with one line per pair"):
        take_decisions("acme", path, home=home)
    fill(path, "same", rows=[{"kept": "1", "customer_id": "2", "decision": ""}])
    with pytest.raises(ParamError, match="has no column 'kept_id'; did you mean 'kept'"):
        take_decisions("acme", path, home=home)


def test_nothing_found_and_nothing_to_compare(home):
    CUSTOMERS.iloc[[0, 3]].to_csv(home / "data/acme/customers.csv", index=False)
    done = write_review("acme", home=home)
    assert done.paths == ()
    assert done.notes[0].template.startswith("no two customers of {client}")
    CUSTOMERS[["customer_id", "name"]].to_csv(home / "data/acme/customers.csv", index=False)
    with pytest.raises(ParamError, match="customers: holds nothing by which two customers could be compared"):
        write_review("acme", home=home)


def test_the_command_and_how_to_get_what_finds_probable_ones(home, command, monkeypatch):
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    monkeypatch.setattr(matching, "find_spec", lambda name: None)
    code, out, err = command("duplicates", "acme")
    assert (code, out.strip()) == (0, str(home / "work/acme/duplicates/duplicates.xlsx"))
    assert "for probable ones: pip install 'crmkit[dedupe]'" in err
    assert (
        "3 pairs to decide; when they are filled in: crmkit duplicates acme --decided work/acme/duplicates/duplicates.xlsx"
        in err
    )
    fill(home / "work/acme/duplicates/duplicates.xlsx", "same", "different", "")
    code, out, err = command("duplicates", "acme", "--decided", str(home / "work/acme/duplicates/duplicates.xlsx"))
    assert (code, out.strip()) == (0, str(home / "work/acme/duplicates/merge.csv"))
    assert "1 customer would be merged. Nothing is merged until acme says so" in err


@pytest.mark.skipif(not matching.is_installed(), reason="the extra dedupe is not installed")
def test_probable_pairs_stand_behind_the_exact_ones(home):
    import numpy as np

    rng = np.random.default_rng(8)
    base = pd.DataFrame({"customer_id": [f"b{at}" for at in range(400)]})
    base["name"] = [f"{a}{at} {b}" for at, (a, b) in enumerate(rng.choice(["Karl", "Lena", "Mia", "Otto"], (400, 2)))]
    base["email"] = [f"user{at * 7919}@x.org" for at in range(400)]
    base["phone"] = [f"030 {at * 7919 + 1000000}" for at in range(400)]
    base["city"] = rng.choice(["Bonn", "Kiel", "Ulm"], 400)
    copy = base.head(40).assign(customer_id=[f"c{at}" for at in range(40)])
    copy["email"] = copy["email"].str.replace("@x.org", "@y.org")
    copy["phone"] = None
    copy["city"] = "Hof"
    pd.concat([base, copy]).to_csv(home / "data/acme/customers.csv", index=False)
    ORDERS.assign(customer_id=["b1", "b2", "b3", "c1", "c1"]).to_csv(home / "data/acme/transactions.csv", index=False)
    exact = base.head(5).assign(customer_id=[f"d{at}" for at in range(5)])
    pd.concat([base, copy, exact]).to_csv(home / "data/acme/customers.csv", index=False)
    (path,) = write_review("acme", home=home).paths
    rows = sheet(path)
    assert [row["found"] for row in rows[:5]] == ["exact"] * 5
    assert {row["found"] for row in rows} <= {"exact", "probable"}
