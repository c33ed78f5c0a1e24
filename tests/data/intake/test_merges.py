"""Customers that the client has merged: as if the exports had been mended by hand, and never guessed."""

import pandas as pd
import pytest
import yaml

from crmkit.core.errors import DataError
from crmkit.data.client import check_client, open_client
from crmkit.data.sources.engine import to_frame

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "name": ["Anna", "A. Beck", "Carl", "Dora"],
        "created_at": ["2024-05-01", "2024-01-01", "2024-02-02", "2024-03-03"],
    }
)
ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "b", "c", "d"],
        "ordered_at": ["2025-01-05", "2025-01-05", "2025-06-01", "2025-03-01", "2025-04-01"],
        "amount": [10, 20, 30, 40, 50],
        "order_id": ["1", "2", "3", "4", "5"],
    }
)


@pytest.fixture
def client(tmp_path):
    """Writes a client of these tables with a merge map; opens it, or gives what is wrong with it."""

    def make(merge, *, tables=None, name="merge.csv", open_it=True, **params):
        for folder in ("params", "notebooks", "data/acme"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for table, frame in (tables or {"customers": CUSTOMERS, "transactions": ORDERS}).items():
            frame.to_csv(tmp_path / "data/acme" / f"{table}.csv", index=False)
        said = {
            "client": "acme",
            "title": "A",
            "source": "data/acme",
            "as_of": "2025-12-31",
            "privacy": {"copy": False},
            **params,
        }
        if merge is not None:
            (tmp_path / name).write_text(merge, encoding="utf-8")
            said["merge"] = name
        (tmp_path / "params/acme.yml").write_text(yaml.safe_dump(said), encoding="utf-8")
        return open_client("acme", home=tmp_path) if open_it else tmp_path

    return make


def problems(home):
    with pytest.raises(DataError) as raised:
        open_client("acme", home=home)
    assert tuple(check_client("acme", home=home).problems) == tuple(raised.value.problems)
    return raised.value.shown


def test_every_table_counts_under_the_id_that_was_kept(client):
    referrals = pd.DataFrame({"referrer_id": ["b"], "referred_id": ["d"], "referred_at": ["2025-02-02"]})
    tables = {"customers": CUSTOMERS, "transactions": ORDERS, "referrals": referrals}
    with client("customer_id,kept_id\nb,a\nd,c\n", tables=tables) as acme:
        assert to_frame(acme.tables["transactions"])["customer_id"].value_counts().to_dict() == {"a": 3, "c": 2}
        people = to_frame(acme.tables["customers"])
        assert people["customer_id"].tolist() == ["a", "c"]
        assert people["name"].tolist() == ["Anna", "Carl"]
        # the customer came when the first of the records was made
        assert people["created_at"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-01", "2024-02-02"]
        assert to_frame(acme.tables["referrals"])[["referrer_id", "referred_id"]].to_numpy().tolist() == [["a", "c"]]
        intake = {one.table: one for one in acme.intake}
        assert intake["customers"].rows_set_aside == {"merged into another customer": 2}
        assert any(note.numbers.get("n") is not None and note.numbers["n"].value == 3 for note in intake["transactions"].notes)


def test_only_one_row_of_a_customer_stands_where_the_kept_one_has_none(client):
    loyalty = pd.DataFrame({"customer_id": ["b", "c"], "joined_at": ["2025-01-01"] * 2, "tier": ["gold", "silver"]})
    tables = {"customers": CUSTOMERS, "transactions": ORDERS, "loyalty": loyalty}
    with client("customer_id,kept_id\nb,a\nc,a\n", tables=tables) as acme:
        assert to_frame(acme.tables["loyalty"])[["customer_id", "tier"]].to_numpy().tolist() == [["a", "gold"]]


def test_rows_that_become_equal_are_told_as_of_a_file_mended_by_hand(client):
    twice = pd.concat([ORDERS, ORDERS.tail(1).assign(customer_id="c")])
    home = client("customer_id,kept_id\nd,c\n", tables={"customers": CUSTOMERS, "transactions": twice}, open_it=False)
    (said,) = problems(home)
    assert said.startswith("transactions: has 1 row (row 7) equal to an earlier one in every column")


def test_ids_are_read_as_in_any_table(client):
    frames = {"transactions": ORDERS.assign(customer_id=["Anna@x.org", "1001", "1001", "2", "'3"])}
    with client("kept_id;customer_id\nANNA@x.org;1001.0\n2.0;'3\n", tables=frames) as acme:
        assert to_frame(acme.tables["transactions"])["customer_id"].tolist() == ["2", "2", *["anna@x.org"] * 3]
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["2", "anna@x.org"]


def test_a_workbook_is_a_map_too(client, tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "m.xlsx") as book:
        sheet = book.add_worksheet()
        for at, line in enumerate([("customer_id", "kept_id", "remark"), ("b", "a", "called"), ("", "", "")]):
            sheet.write_row(at, 0, line)
    client(None, open_it=False)
    path = tmp_path / "params/acme.yml"
    path.write_text(path.read_text() + "merge: m.xlsx\n")
    with open_client("acme", home=tmp_path) as acme:
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["a", "c", "d"]


def test_all_that_is_wrong_with_a_map_is_said_at_once(client):
    merge = "customer_id,kept_id\na,b\nb,a\nc,d\nc,a\nx,y\nd,\nq,r\nr,s\n"
    said = problems(client(merge, open_it=False))
    assert said == (
        "merge.csv: has one id only in row 7; customer_id and kept_id are expected.",
        "merge.csv: gives up 1 id ('c') for two others; one kept_id each is expected.",
        "merge.csv: leads in a circle from 2 ids ('a', 'b'); one id of each has to be kept.",
        "merge.csv: keeps 'r', which it gives up itself; write 's', in which that ends.",
        "merge.csv: names 5 ids ('q', 'r', 's', 'x', 'y') that no table has.",
    )


def test_ids_are_covered_in_what_is_kept_of_a_message(client):
    with pytest.raises(DataError) as raised:
        client("customer_id,kept_id\nSecret1,a\n")
    assert "Secret1" not in str(raised.value)
    assert "Secret1" in " ".join(raised.value.shown)


def test_into_itself_is_a_circle_and_the_same_line_twice_is_one(client):
    assert problems(client("customer_id,kept_id\na,a\n", open_it=False)) == (
        "merge.csv: leads in a circle from 1 id ('a'); one id of each has to be kept.",
    )
    with client("customer_id,kept_id\nb,a\nb,a\n") as acme:
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["a", "c", "d"]


def test_a_file_that_is_not_there_or_has_other_columns(client, tmp_path):
    home = client(None, open_it=False)
    path = home / "params/acme.yml"
    path.write_text(path.read_text() + "merge: merg.csv\n")
    (home / "merge.csv").write_text("customer_id,keep\nb,a\n")
    assert problems(home) == ("params/acme.yml, merge: there is no file merg.csv; did you mean 'merge.csv'?",)
    (home / "merg.csv").write_text("customer_id,keep\nb,a\n")
    (said,) = problems(home)
    assert "has no column 'kept_id', which is required" in said


def test_an_empty_map_changes_nothing(client):
    with client("customer_id,kept_id\n,\n") as acme:
        assert to_frame(acme.tables["customers"])["customer_id"].tolist() == ["a", "b", "c", "d"]


def test_fingerprint_and_stamps_see_the_map(client, tmp_path):
    with client(None) as acme:
        plain = acme.fingerprint
    with client("customer_id,kept_id\nb,a\n") as acme:
        first = acme.fingerprint
        assert acme.stamps[-1].path == tmp_path / "merge.csv"
    with client("customer_id,kept_id\nc,a\n") as acme:
        assert len({plain, first, acme.fingerprint}) == 3
        (tmp_path / "merge.csv").write_text("customer_id,kept_id\nd,a\n")
        with pytest.raises(DataError, match=r"merge\.csv changed while the data were open"):
            acme.unchanged()


def test_the_copy_is_made_anew_for_another_map(client, monkeypatch):
    monkeypatch.setattr("crmkit.data.intake.copy.FEW_BYTES", 0)
    kept = {"privacy": {"copy": True}}
    found = []
    for merge in ("customer_id,kept_id\nb,a\n", "customer_id,kept_id\nb,a\n", "customer_id,kept_id\nb,c\n", None):
        with client(merge, **kept) as acme:
            relation = str(acme.con.con.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'transactions'").fetchall())
            found.append((to_frame(acme.tables["transactions"])["customer_id"].tolist(), "crm_copy" in relation))
    assert found == [
        (["a", "a", "a", "c", "d"], False),
        (["a", "a", "a", "c", "d"], True),
        (["a", "c", "c", "c", "d"], False),
        (["a", "b", "b", "c", "d"], False),
    ]


@pytest.mark.parametrize("kind", ["parquet", "database"])
def test_rows_that_stay_in_their_source(tmp_path, kind):
    import duckdb

    for folder in ("params", "notebooks", "data"):
        (tmp_path / folder).mkdir()
    con = duckdb.connect(str(tmp_path / "data/acme.duckdb"))
    con.execute(
        "CREATE TABLE transactions AS SELECT 'c' || (i % 1000) AS customer_id, DATE '2025-01-01' + (i % 300)::INT AS"
        " ordered_at, (i % 90)::DECIMAL(18, 4) AS amount, i::VARCHAR AS order_id FROM range(300000) t(i)"
    )
    (whole,) = con.execute("SELECT sum(amount) FROM transactions WHERE customer_id IN ('c1', 'c2')").fetchone()
    if kind == "parquet":
        (tmp_path / "data/acme").mkdir()
        con.execute(f"COPY transactions TO '{tmp_path / 'data/acme/transactions.parquet'}' (FORMAT parquet)")
    con.close()
    source = "data/acme" if kind == "parquet" else "data/acme.duckdb"
    (tmp_path / "params/acme.yml").write_text(f"client: acme\ntitle: A\nsource: {source}\nmerge: m.csv\n")
    (tmp_path / "m.csv").write_text("customer_id,kept_id\nc2,c1\n")
    with open_client("acme", home=tmp_path) as acme:
        orders = acme.tables["transactions"]
        assert to_frame(orders.aggregate(n=orders.customer_id.nunique()))["n"].item() == 999
        one = orders.filter(orders.customer_id == "c1")
        assert to_frame(one.aggregate(x=one.amount.sum()))["x"].item() == float(whole)
