"""Folders as they come: empty, of pictures, of several systems, of files that overlap; a person who answers, and nobody."""

import datetime as dt
import os

import pandas as pd
import pytest
import yaml

from crmkit.core.errors import DataError, ParamError
from crmkit.data.client import check_client, open_client
from crmkit.data.presets.newcomer import new_client
from crmkit.data.sources.engine import to_frame

ORDERS = "Order ID,Customer ID,Order Date,Amount\n"


@pytest.fixture
def folder(home):
    return home / "data" / "acme"


@pytest.fixture
def new(home, folder):
    """Makes the params file of what lies in the folder, taking the safe answers; gives what was said and what was written."""

    def make(place=folder, **options):
        found = new_client("acme", place, home=home, **({"yes": True} | options))
        return found, yaml.safe_load(found.path.read_text(encoding="utf-8"))

    return make


def orders(count=3, *, day="2024-03-{:02}", amount="{}.00", start=1):
    return "".join(f"A{n},C{n % 2},{day.format(n)},{amount.format(n)}\n" for n in range(start, start + count))


def refused(new, folder, error=DataError):
    with pytest.raises(error) as caught:
        new(folder)
    assert not list((folder.parents[1] / "params").iterdir())
    return "\n".join(caught.value.shown)


def test_an_empty_folder(new, folder):
    assert refused(new, folder) == f"{folder}: is empty; put the exports there: CSV, Excel or Parquet"


def test_a_folder_that_is_not_there(new, folder):
    assert refused(new, folder.parent / "acne", ParamError) == f"{folder.parent / 'acne'}: is not there; did you mean 'acme'?"


def test_a_folder_of_pictures(new, folder):
    for name in ("a.png", "b.jpg"):
        (folder / name).write_bytes(b"\x89PNG")
    expected = f"{folder}: holds 2 files, none with a table (.jpg, .png); CSV, Excel or Parquet is read"
    assert refused(new, folder) == expected


def test_a_file_of_no_bytes(new, folder):
    (folder / "orders.csv").touch()
    assert refused(new, folder) == "orders.csv: has 0 bytes; export it again"


def test_a_file_of_no_bytes_beside_a_good_one_is_named(new, folder):
    (folder / "empty.csv").touch()
    (folder / "orders.csv").write_text(ORDERS + orders())
    found, said = new()
    assert said["tables"]["transactions"]["file"] == "orders.csv"
    assert "not placed: empty.csv: has 0 bytes; export it again" in found.lines


def test_a_name_that_is_taken_by_another_client(new, home, folder):
    (home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/other\n")
    (folder / "orders.csv").write_text(ORDERS + orders())
    with pytest.raises(ParamError, match=r"params/acme.yml is there already, with another source; take another name"):
        new()
    assert (home / "params" / "acme.yml").read_text() == "client: acme\ntitle: A\nsource: data/other\n"


@pytest.mark.parametrize("name", ["ACME", "a b", "../x", ""])
def test_a_name_that_cannot_name_a_file(home, folder, name):
    (folder / "orders.csv").write_text(ORDERS + orders())
    with pytest.raises(ParamError, match="cannot name files"):
        new_client(name, folder, yes=True, home=home)


def test_a_rerun_keeps_what_was_edited(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    first, _ = new()
    edited = first.path.read_text() + "# margin is agreed with finance\n"
    first.path.write_text(edited)
    (folder / "orders.csv").write_text(ORDERS.replace("Amount", "Total") + orders())
    second, said = new()
    assert first.path.read_text() == edited
    assert (second.kept, second.path) == (True, home / "work" / "acme" / "acme.yml")
    assert said["tables"]["transactions"]["columns"]["amount"] == "Total"


def test_no_right_to_write(new, home, folder, monkeypatch):
    (folder / "orders.csv").write_text(ORDERS + orders())
    monkeypatch.setattr(os, "access", lambda path, mode: path != home / "params")
    assert "params/acme.yml cannot be written" in refused(new, folder, ParamError)


def test_a_disk_that_refuses(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    (home / "params").rmdir()
    (home / "params").symlink_to(home / "data" / "acme" / "orders.csv")
    with pytest.raises(ParamError, match=r"params/acme.yml cannot be written"):
        new()


def test_half_of_the_headers_of_a_system(new, folder):
    (folder / "orders.csv").write_text("Name,Email,Financial Status,Created at,Lineitem name\n#1,a@b.c,paid,2024-03-01,Mug\n")
    said = refused(new, folder)
    assert said.startswith("orders.csv: looks like Shopify orders, but has no Total, Lineitem quantity; there are ")
    line = "transactions: {file: orders.csv, columns: {customer_id: Email, ordered_at: Created at, amount: '...'}}"
    assert said.endswith(line)


def test_headers_in_a_third_language_are_named_with_the_lines_to_fill_in(new, folder):
    (folder / "umsatz.csv").write_text("Kundennr;Bestelldatum;Betrag\nK1;05.03.2024;10,50\nK2;06.03.2024;11,50\n")
    said = refused(new, folder)
    assert said.startswith(
        "umsatz.csv: has headers of no system that is known: Kundennr, Bestelldatum, Betrag; customer_id, ordered_at, amount in"
    )
    filled = yaml.safe_load(said.split("params file:  ")[1])
    columns = filled["transactions"]["columns"]
    assert set(columns) == {"customer_id", "ordered_at", "amount"}
    assert (columns["ordered_at"], columns["amount"]) == ("Bestelldatum", "Betrag")


def test_the_lines_to_fill_in_make_a_params_file(new, home, folder):
    """Who writes what the message says, and nothing else, has a client that can be checked."""
    (folder / "umsatz.csv").write_bytes(
        "Kundennr;Bestelldatum;Betrag;Straße\nK1;05.03.2024;10,50;Süd\nK2;26.03.2024;1,5;x\n".encode("cp1252")
    )
    begin, line = (
        refused(new, folder).split("one line for each of ")[1].split(" and tables, and in tables of this params file:  ")
    )
    asked = yaml.safe_load(f"{{{begin}, tables: {{{line}}}}}")
    assert asked["client"] == "acme"
    asked |= {"currency": "EUR"}
    asked["tables"]["transactions"]["columns"]["customer_id"] = "Kundennr"
    (home / "params" / "acme.yml").write_text(yaml.safe_dump(asked))
    check = check_client("acme", home=home)
    assert not check.problems
    assert check.intake[0].rows_kept == 2


def test_a_text_that_is_no_table_gets_no_lines(new, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    (folder / "readme.txt").write_text("These are the exports of June.\nCall Tom if anything is missing.\n")
    found, _ = new()
    assert "not placed: readme.txt: has headers of no system that is known: These are the exports of June." in found.lines


def test_a_third_language_beside_a_file_that_is_known(new, folder):
    (folder / "umsatz.csv").write_text("Kundennr;Bestelldatum;Betrag\nK1;05.03.2024;10,50\n")
    (folder / "orders.csv").write_text(ORDERS + orders())
    found, said = new()
    assert list(said["tables"]) == ["transactions"]
    assert any(line.startswith("not placed: umsatz.csv: has headers of no system") for line in found.lines)


def test_three_systems_of_one_company(new, home, folder):
    (folder / "shop.csv").write_text(ORDERS.replace("Customer ID", "Customer Email") + orders(6).replace(",C", ",c@x.org"))
    tickets = "".join(f"{n},c@x.org{n % 2},2024-03-0{n} 10:00,Complaint\n" for n in range(1, 5))
    (folder / "tickets.csv").write_text("Ticket ID,Customer Email,Created At,Ticket Type\n" + tickets)
    answers = "".join(f"2024/03/{n + 1:02} 2:14:03 PM,c@x.org{n % 2},{n}\n" for n in range(11))
    (folder / "form.csv").write_text("Timestamp,Email Address,Would you recommend us?\n" + answers)
    (folder / "logo.png").write_bytes(b"\x89PNG")
    found, said = new()
    assert list(said["tables"]) == ["transactions", "tickets", "surveys"]
    assert "not read: 'logo.png'" in found.lines
    assert "  2 of the 2 customers of 'Email Address' are in transactions too" in found.lines
    assert check_client("acme", home=home).problems == ()
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["surveys"])["score"].sum() == 55
        assert len(to_frame(client.tables["tickets"])) == 4
        assert to_frame(client.tables["transactions"])["amount"].sum() == 21


def test_customers_who_are_named_in_two_ways_are_doubted(new, folder):
    (folder / "shop.csv").write_text(ORDERS + orders())
    (folder / "tickets.csv").write_text("Ticket ID,Customer Email,Created At\n1,a@b.c,2024-03-01 10:00\n")
    found, _ = new()
    doubt = (
        "  none of the 1 customers of 'Customer Email' are in transactions too; does 'Customer ID' of shop.csv name them in "
    )
    assert f"{doubt}the same way?" in found.lines


def test_the_header_that_names_the_same_customers_is_taken(new, folder):
    (folder / "shop.csv").write_text(ORDERS.replace("Customer ID", "Customer Email") + orders().replace(",C", ",c@x.org"))
    (folder / "tickets.csv").write_text("Ticket ID,Customer ID,Customer Email,Created At\n1,77,c@x.org1,2024-03-01 10:00\n")
    _, said = new()
    assert said["tables"]["tickets"]["columns"]["customer_id"] == "Customer Email"


def test_files_of_one_kind_are_one_table(new, home, folder):
    (folder / "orders_2023.csv").write_text(ORDERS + orders(3))
    (folder / "orders_2024.csv").write_text(ORDERS + orders(3, start=3))
    found, said = new()
    assert said["tables"]["transactions"]["file"] == "orders_202*.csv"
    assert said["tables"]["transactions"]["repeats"] == "drop"
    assert any("1 row equal to an earlier one in every column" in line for line in found.taken)
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 15


def test_files_of_one_table_that_disagree(new, folder):
    (folder / "orders_2023.csv").write_text(ORDERS + orders(5))
    (folder / "orders_2024.csv").write_text(ORDERS.replace("Amount", "Amount,Channel") + "A9,C1,2024-03-09,9,web\n")
    found, said = new()
    assert said["tables"]["transactions"]["file"] == "orders_2023.csv"
    other = (
        "not placed: orders_2024.csv: holds transactions too, with other headers than orders_2023.csv; files of one table need "
    )
    assert f"{other}the same." in found.lines


def test_one_file_is_enough(new, home, folder):
    (folder / "shop.csv").write_text(ORDERS + orders())
    (folder / "other.csv").write_text("x,y\n1,2\n")
    found, said = new(folder / "shop.csv")
    assert said["source"] == "data/acme"
    assert said["tables"]["transactions"]["file"] == "shop.csv"
    assert not any("other.csv" in line for line in found.lines)


def test_a_workbook_with_a_title_and_days_that_are_numbers(new, home, folder):
    frame = pd.DataFrame({"Order ID": ["A1", "A2"], "Customer ID": ["C1", "C2"], "Amount": [10.5, 20.0]})
    frame["Order Date"] = pd.to_datetime(["2024-03-01", "2024-03-02"])
    with pd.ExcelWriter(folder / "orders.xlsx", engine="xlsxwriter") as book:
        frame.to_excel(book, sheet_name="Sales", startrow=2, index=False)
        book.sheets["Sales"].write(0, 0, "Report of sales")
    _, said = new()
    assert said["tables"]["transactions"]["header"] == 3
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 30.5


def test_parquet(new, home, folder):
    days = [dt.date(2024, 3, 1), dt.date(2024, 3, 2)]
    frame = pd.DataFrame({"Customer ID": [1, 2], "Order Date": days, "Amount": [10.5, 20.0]})
    frame.to_parquet(folder / "orders.parquet")
    new()
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 30.5


class Person:
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __call__(self, question):
        self.asked.append(question)
        return next((answer for word, answer in self.answers.items() if word in question.text), question.safe)


def test_the_order_of_day_and_month_is_asked_where_nothing_tells_it(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + orders(3, day="{}/4/2024"))
    person = Person(month="no", ISO="USD")
    _, said = new(ask=person)
    assert [question.about for question in person.asked] == ["currency", "orders.csv, Order Date", "as_of"]
    assert (said["currency"], said["tables"]["transactions"]["dayfirst"]) == ("USD", False)
    with open_client("acme", home=home) as client:
        days = to_frame(client.tables["transactions"])["ordered_at"]
    assert sorted(days.dt.strftime("%m-%d")) == ["01-04", "02-04", "03-04"]


def test_words_of_a_status_are_asked_one_by_one(new, home, folder):
    words = ["paid", "layaway", "gift", "cancelled"]
    rows = "".join(f"A{n},C{n},2024-03-1{n},{10 * n},{word}\n" for n, word in enumerate(words, start=1))
    (folder / "orders.csv").write_text(ORDERS.replace("\n", ",Status\n") + rows)
    _, said = new(ask=Person(layaway="yes"))
    assert said["tables"]["transactions"]["only"] == {"Status": ["paid", "layaway"]}
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 30


def test_words_that_nobody_explains_are_left_out_where_others_are_known(new, folder):
    rows = "A1,C1,2024-03-11,10,paid\nA2,C1,2024-03-12,20,layaway\n"
    (folder / "orders.csv").write_text(ORDERS.replace("\n", ",Status\n") + rows)
    found, said = new()
    assert said["tables"]["transactions"]["only"] == {"Status": ["paid"]}
    assert any(line.startswith("orders.csv, Status: no  (do the 1 row with Status 'layaway'") for line in found.taken)


def test_the_decimal_sign_is_asked_where_both_read_every_value(new, folder):
    (folder / "orders.csv").write_text(ORDERS + orders(3, amount='"1.{}00"'))
    _, said = new(ask=Person(decimal=","))
    assert said["tables"]["transactions"]["decimal"] == ","


def test_several_currencies_are_not_added_up(new, home, folder):
    rows = "A1,C1,2024-03-11,10,EUR\nA2,C1,2024-03-12,20,EUR\nA3,C2,2024-03-13,30,USD\n"
    (folder / "orders.csv").write_text(ORDERS.replace("\n", ",Currency\n") + rows)
    found, said = new()
    assert (said["currency"], said["tables"]["transactions"]["only"]) == ("EUR", {"Currency": ["EUR"]})
    assert any("are rows in USD (1) left out?" in line for line in found.taken)
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 30


def test_a_sign_says_the_currency(new, folder):
    (folder / "orders.csv").write_text(ORDERS + orders(3, amount="£{}.00"))
    found, said = new()
    assert said["currency"] == "GBP"
    assert not any(line.startswith("currency") for line in found.taken)


def test_guests_are_nobody(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + "A1,0,2024-03-01,5\nA2,0,2024-03-02,6\nA3,7,2024-03-03,7\n")
    _, said = new()
    assert said["tables"]["transactions"]["no_customer"] == ["0"]
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 7


def test_amounts_below_zero_are_returns(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + "A1,C1,2024-03-01,50\nA2,C1,2024-03-02,-20\n")
    _, said = new()
    assert said["tables"]["transactions"]["negative_amounts"] == "returns"
    assert check_client("acme", home=home).problems == ()


ZENDESK = (
    "Id,Requester id,Created at,Ticket type,Satisfaction Score\n1,9,2024-01-02 10:00,Incident,Good\n2,8,2024-01-03 10:00,,Bad\n"
)


def test_a_system_that_nobody_has_seen_is_asked_about(new, home, folder):
    (folder / "z.csv").write_text(ZENDESK)
    _, said = new(ask=Person(Zendesk="yes"))
    assert said["tables"]["tickets"]["values"] == {"kind": {"Incident": "fault"}}
    with open_client("acme", home=home) as client:
        assert list(to_frame(client.tables["tickets"])["csat"]) == [1, 0]


def test_a_system_that_nobody_has_seen_is_not_taken_unasked(new, folder):
    (folder / "z.csv").write_text(ZENDESK)
    assert "z.csv: may be Zendesk tickets, of which we know " in refused(new, folder)


def test_questions_that_nobody_answers_stop(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    with pytest.raises(ParamError) as caught:
        new(yes=False)
    assert [line.split(":")[0] for line in caught.value.problems[:-1]] == ["currency", "as_of"]
    assert "--yes" in caught.value.problems[-1]
    assert not (home / "params" / "acme.yml").exists()


def test_an_answer_that_cannot_be_used_is_refused(new, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    with pytest.raises(ParamError, match="currency: 'euro' is no answer to"):
        new(ask=Person(ISO="euro"))


def test_a_column_that_holds_something_else_is_not_taken(new, folder):
    header = "Ticket ID,Customer ID,Created At,Time to Resolution\n"
    (folder / "t.csv").write_text(header + "1,C1,2024-03-01 10:00,three hours\n")
    found, said = new()
    assert "resolved_at" not in said["tables"]["tickets"]["columns"]
    assert (
        "  'Time to Resolution' holds nothing that could be resolved_at, such as 'three hours'; it is not read" in found.lines
    )


def test_a_header_that_stands_twice_is_named_by_its_number(new, home, folder):
    (folder / "orders.csv").write_text("Order ID,Customer ID,Order Date,Amount,Amount\nA1,C1,2024-03-01,5,6\n")
    _, said = new()
    assert said["tables"]["transactions"]["columns"]["amount"] == 4
    assert check_client("acme", home=home).problems == ()


def test_tables_that_are_named_as_ours_need_no_system(new, home, folder):
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2024-03-01,5\n")
    (folder / "loyalty.csv").write_text("customer_id,joined_at,tier\n1,2024-01-01,gold\n")
    _, said = new()
    assert said["tables"] == {"transactions": {"file": "transactions.csv"}, "loyalty": {"file": "loyalty.csv"}}
    assert check_client("acme", home=home).problems == ()


def test_subscriptions_of_which_no_export_was_seen_are_read_after_a_yes(new, home, folder):
    header = "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,"
    header += "Created (UTC),Start Date (UTC),Ended At (UTC)\n"
    rows = [
        "s1,c1,a@b.c,M,1,eur,month,30.00,active,2024-01-01 00:00,2024-01-01 00:00,\n",
        "s2,c2,b@b.c,Y,1,eur,year,360.00,canceled,2024-01-02 00:00,2024-01-02 00:00,2024-05-01 00:00\n",
        "s3,c3,d@b.c,M,1,eur,month,30.00,trialing,2024-01-03 00:00,2024-01-03 00:00,\n",
    ]
    (folder / "subs.csv").write_text(header + "".join(rows))
    found, said = new(ask=Person(Stripe="yes"))
    assert (said["currency"], said["timezone"]) == ("EUR", "UTC")
    assert said["tables"]["subscriptions"]["only"] == {"Status": ["active", "canceled"]}
    assert any("the price of one is taken" in line for line in found.lines) is False
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["subscriptions"])["mrr"].sum() == 60


def test_a_flag_in_words_that_nobody_knows_is_read_as_empty(new, home, folder):
    (folder / "subs.csv").write_text("customer_id,started_at,plan,renewed\nC1,2024-01-01,A,renewed\nC2,2024-01-02,A,lost\n")
    found, said = new()
    assert said["tables"]["subscriptions"]["values"] == {"renewed": {"lost": "", "renewed": ""}}
    assert "  renewed: 'lost', 'renewed' of 'renewed' are none of its words and are read as empty" in found.lines
    assert check_client("acme", home=home).problems == ()


def test_a_required_column_that_cannot_be_read_is_left_to_check(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + "A1,C1,soon,5\nA2,C1,later,6\n")
    found, said = new()
    assert said["tables"]["transactions"]["columns"]["ordered_at"] == "Order Date"
    assert "  'Order Date' has values that are none of ordered_at, such as 'later'; see check" in found.lines
    assert "cannot be read as a date (rows 2, 3)" in check_client("acme", home=home).problems[0]


def test_amounts_in_indian_groups(new, home, folder):
    (folder / "orders.csv").write_text(ORDERS + 'A1,C1,2024-03-01,"₹1,20,000.00"\n')
    _, said = new()
    assert said["currency"] == "INR"
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 120_000


def test_of_an_order_that_has_changed_between_two_exports_the_newer_one_counts(new, home, folder):
    (folder / "orders_1.csv").write_text(ORDERS + orders(3))
    (folder / "orders_2.csv").write_text(ORDERS + "A3,C1,2024-03-03,9.00\nA4,C1,2024-03-04,4.00\n")
    found, written = new()
    said = "of 1 value of Order ID in several files, 1 with other lines, the newest file counts"
    assert f"  {said}" in found.lines
    assert f"    # {said}\n" in found.path.read_text()
    assert written["tables"]["transactions"]["repeats"] == "newest"
    with open_client("acme", home=home) as client:
        assert sorted(to_frame(client.tables["transactions"])["amount"]) == [1, 2, 4, 9]
        assert client.intake[0].rows_set_aside == {"stands in a newer file too": 1}


def test_a_status_that_has_changed_between_two_exports(new, home, folder):
    header = ORDERS.replace("\n", ",Status\n")
    (folder / "orders_1.csv").write_text(header + "A1,C1,2024-03-01,5,paid\nA2,C1,2024-03-02,6,paid\n")
    (folder / "orders_2.csv").write_text(header + "A2,C1,2024-03-02,6,refunded\nA3,C1,2024-03-03,7,paid\n")
    new()
    with open_client("acme", home=home) as client:
        assert sorted(to_frame(client.tables["transactions"])["amount"]) == [5, 7]


def test_of_a_deal_of_several_customers_the_first_counts(new, home, folder):
    header = "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Associated Company IDs\n"
    (folder / "deals.csv").write_text(
        header + "1,D,Closed Won,5,2024-04-01,2024-03-01,901;902\n2,D,Closed Lost,5,2024-04-02,2024-03-01,903\n"
    )
    found, said = new()
    assert any("1 row names several customers, with ; between them: does the first count?" in line for line in found.taken)
    assert said["tables"]["opportunities"]["first_of"] == {"customer_id": ";"}
    with open_client("acme", home=home) as client:
        assert list(to_frame(client.tables["opportunities"])["customer_id"]) == ["901", "903"]


UNSEEN = {
    "Zoho": (
        "Record Id,Deal Owner,Deal Name,Account Name,Amount,Closing Date,Stage,Created Time\n"
        "z1,O,D,Acme,100,2024-04-01,Closed Won,2024-03-01 10:00\nz2,O,D,Beta,50,2024-04-02,Qualification,2024-03-02 10:00\n",
        ("opportunities", "amount", 150),
    ),
    "Salesforce": (
        "Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Close Date,Created Date\n"
        "o1,D,Acme,Closed Won,100,4/1/2024,3/13/2024\no2,D,Beta,Closed Lost,70,4/2/2024,3/14/2024\n",
        ("opportunities", "amount", 170),
    ),
    "Delighted": (
        "id,person,survey_type,score,comment,created_at\n"
        "1,p1,nps,10,Good service here,1709290800\n2,p2,nps,3,Too slow for me,1709377200\n",
        ("surveys", "score", 13),
    ),
    "OKKI": (
        "company_id,name,short_name,country,origin_name,trail_status.status_name,update_time\n1,甲,甲,CN,展会,客户,2024-03-01\n",
        ("customers", "", 0),
    ),
}


@pytest.mark.parametrize("system", UNSEEN)
def test_systems_of_which_no_export_was_seen(new, home, folder, system):
    text, (table, column, total) = UNSEEN[system]
    (folder / "export.csv").write_text(text, encoding="utf-8")
    new(ask=Person(**{system: "yes"}))
    assert check_client("acme", home=home).problems == ()
    with open_client("acme", home=home) as client:
        frame = to_frame(client.tables[table])
    assert len(frame) == len(text.splitlines()) - 1
    assert not column or frame[column].sum() == total


def database(path, **tables):
    """A DuckDB file that holds these tables."""
    import duckdb

    with duckdb.connect(str(path)) as con:
        for name, text in tables.items():
            path.with_name("held.csv").write_text(text, encoding="utf-8")
            con.execute(f"CREATE TABLE {name} AS FROM read_csv('{path.with_name('held.csv')}')")
    path.with_name("held.csv").unlink()


@pytest.mark.parametrize("alone", [True, False])
def test_tables_of_a_database_are_recognised_like_files(new, home, folder, alone):
    sold = ORDERS.replace("\n", ",Status\n") + "A1,C1,2024-03-01,5.5,paid\nA2,C1,2024-03-02,6,voided\n"
    database(folder / "shop.duckdb", orders=sold, odd="x,y\n1,2\n")
    found, said = new(folder / "shop.duckdb" if alone else folder)
    assert said["source"] == "data/acme/shop.duckdb"
    assert said["tables"]["transactions"]["table"] == "orders"
    assert found.lines[0] == "orders  headers that are known: transactions, 2 rows"
    assert any(line.startswith("not placed: odd: has headers of no system") for line in found.lines)
    assert check_client("acme", home=home).problems == ()
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["transactions"])["amount"].sum() == 5.5


def test_a_database_beside_files_is_named(new, folder):
    database(folder / "shop.duckdb", orders=ORDERS + orders())
    (folder / "orders.csv").write_text(ORDERS + orders())
    found, _ = new()
    said = "shop.duckdb: is a database, which is a source of its own: name it in place of the folder"
    assert said in found.lines


def test_a_database_that_is_none(new, folder):
    (folder / "shop.duckdb").write_bytes(b"no database" * 100)
    assert refused(new, folder).startswith("shop.duckdb cannot be opened as a DuckDB database: ")


CHINESE_ORDERS = (
    "订单编号,客户编号,下单时间,实付金额,备注\nD1,K1,2024-03-01,10.00,急\nD1,K1,2024-03-01,10.00,急\nD2,0,2024-03-02,5.00,\n"
)


def test_what_is_asked_and_said_of_chinese_headers_is_chinese(new, folder):
    (folder / "订单.csv").write_text(CHINESE_ORDERS, encoding="utf-8")
    (folder / "x.csv").write_text("foo,bar\n1,2\n")
    found, said = new()
    assert (found.language, said["language"], said["currency"]) == ("zh", "zh", "CNY")
    assert "currency: CNY  (金额是什么币种（ISO 代码）？)" in found.taken
    assert "订单.csv: 是  (1 行与之前的行在所有列上相同：是否剔除？)" in found.taken
    assert "订单.csv  已知的表头: transactions, 3 行" in found.lines
    assert any(line.startswith("未能归入：x.csv：表头不属于任何已知系统：foo, bar") for line in found.lines)
    assert "# 报告的语言" not in found.path.read_text(encoding="utf-8")
    assert "# en | zh：报告的语言" in found.path.read_text(encoding="utf-8")


def test_a_language_that_was_asked_for_comes_first(new, folder):
    (folder / "订单.csv").write_text(CHINESE_ORDERS, encoding="utf-8")
    found, said = new(language="en")
    assert (found.language, said["language"]) == ("en", "en")
    assert "订单.csv: yes  (1 row equal to an earlier one in every column: is it set aside?)" in found.taken


def test_a_file_that_is_no_table(new, folder):
    (folder / "logo.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError) as caught:
        new(folder / "logo.png")
    assert str(caught.value) == "logo.png: is no file that is read; CSV, Excel, Parquet or DuckDB is expected."


# an order number stands once, a customer comes back; numbers of customers are digits alone
NUMBERED = "".join(
    f"{90000 + n};{1 + n * 7 % 13:05};{1 + n % 28:02}.{1 + n % 12:02}.2024;{n}9,50;{1 + n % 3}\n" for n in range(1, 60)
)
UNKNOWN = "Beleg;{};Tag;Wert;Menge\n" + NUMBERED


@pytest.mark.parametrize("header", ["Kd-Nr", "Member", "会员卡", "Q7"])
def test_which_column_is_which_is_asked_with_the_likeliest_first(new, home, folder, header):
    (folder / "list.csv").write_text(UNKNOWN.format(header), encoding="utf-8")
    asked = []

    def ask(question):
        asked.append(question)
        return {"list.csv": "yes" if question.choices == ("yes", "no") else question.best}.get(question.about, question.safe)

    _, said = new(ask=ask, yes=False, language="en")
    assert [question.best for question in asked[:4]] == ["", header, "Tag", "Wert"]
    assert all(question.choices[0] == question.best and question.safe == "-" for question in asked[1:4])
    columns = {"customer_id": header, "ordered_at": "Tag", "amount": "Wert"}
    assert said["tables"]["transactions"]["columns"] == columns
    with open_client("acme", home=home) as client:
        frame = to_frame(client.tables["transactions"])
    assert (len(frame), frame["customer_id"].nunique(), frame["amount"].sum()) == (
        59,
        13,
        sum(n * 10 + 9.5 for n in range(1, 60)),
    )


def test_what_may_be_which_is_never_taken_unasked(new, folder):
    (folder / "list.csv").write_text(UNKNOWN.format("Kd-Nr"))
    said = refused(new, folder)
    assert "customer_id, ordered_at, amount in the line are a guess: look at it, or answer on a terminal, without --yes" in said
    assert said.endswith("transactions: {file: list.csv, columns: {customer_id: Kd-Nr, ordered_at: Tag, amount: Wert}}")
    (folder / "orders.csv").write_text(ORDERS + orders())
    found, written = new()
    assert written["tables"]["transactions"]["file"] == "orders.csv"
    assert any(line.startswith("list.csv: no  (its headers are not known: is each of its 59 rows") for line in found.taken)


def test_one_column_that_is_not_known_is_asked_alone(new, folder):
    text = "Order Number,Member,Order Date,Total\n" + "".join(
        f"{n},{n % 9},2024-03-{1 + n % 28:02},{n}.50\n" for n in range(1, 50)
    )
    (folder / "orders.csv").write_text(text)
    asked = []

    def ask(question):
        asked.append(question)
        return question.best or question.safe

    _, said = new(ask=ask, yes=False)
    assert [one.text for one in asked if one.about == "orders.csv"] == [
        "which column says who bought? The likeliest comes first; -: none of them"
    ]
    assert said["tables"]["transactions"]["columns"]["customer_id"] == "Member"
    (folder.parents[1] / "params" / "acme.yml").unlink()
    assert "may be transactions, but has no customer_id that is known" in refused(new, folder)


def test_none_of_the_columns_leaves_a_file_where_it_is(new, folder):
    (folder / "list.csv").write_text(UNKNOWN.format("Kd-Nr"))
    with pytest.raises(DataError, match="has headers of no system"):
        new(ask=lambda question: "yes" if question.choices == ("yes", "no") else "-", yes=False)


def test_headers_without_a_row_below_them(new, folder):
    (folder / "orders.csv").write_text(ORDERS)
    assert refused(new, folder) == "orders.csv: has a header line and no row below it; export it again"


def test_days_that_have_not_come_are_named(new, folder):
    (folder / "orders.csv").write_text(ORDERS + orders(day="2031-03-{:02}"))
    found, _ = new(today=dt.date(2026, 6, 1))
    said = "  'Order Date': every day lies in the future, up to 2031-03-03; they are no days on which something happened"
    assert said in found.lines


@pytest.mark.parametrize("word", ["(blank)", "(Leer)", "(空白)", "NULL", ""])
def test_orders_of_nobody_are_left_out_whatever_word_stands_there(new, home, folder, word):
    """The first ones are what pivot tables write of a cell that was empty."""
    (folder / "orders.csv").write_text(ORDERS + orders(9) + f"A10,{word},2024-03-10,10.00\nA11,{word},2024-03-11,11.00\n")
    found, said = new()
    assert said["tables"]["transactions"]["leave_out"] == {"Customer ID": [word]}
    assert any("(2 rows without Customer ID: are they left out?)" in line for line in found.taken)
    with open_client("acme", home=home) as client:
        frame = to_frame(client.tables["transactions"])
    assert (len(frame), frame["customer_id"].nunique(), frame["amount"].sum()) == (9, 2, 45.0)


ACCOUNTS = "Company_ID,Company_Name,Industry,Initial_MRR,Company_Size,Activation_Date,Churn_Date,Region\n"


def accounts(count=40):
    def row(n):
        left = "2024-05-09" if n % 5 == 0 else ""
        where, what = ("North", "South", "West")[n % 3], ("bank", "shop")[n % 2]
        return f"K{n},Firm {n},{what},{100 + n},{n * 7},2024-01-{1 + n % 28:02},{left},{where}\n"

    return "".join(map(row, range(count)))


def test_a_list_of_contracts_says_who_the_customers_are_as_well(new, home, folder):
    (folder / "customers.csv").write_text(ACCOUNTS + accounts())
    found, said = new()
    assert said["tables"]["subscriptions"]["columns"] == {
        "customer_id": "Company_ID",
        "started_at": "Activation_Date",
        "ended_at": "Churn_Date",
        "mrr": "Initial_MRR",
    }
    # a size in numbers that nobody has made groups of is no group
    assert said["tables"]["customers"] == {
        "file": "customers.csv",
        "columns": {"customer_id": "Company_ID", "name": "Company_Name", "industry": "Industry", "region": "Region"},
    }
    assert [line for line in found.lines if "no place for" in line] == ["  no place for: 'Company_Size'"] * 2
    with open_client("acme", home=home) as client:
        people, contracts = (to_frame(client.tables[name]) for name in ("customers", "subscriptions"))
    assert (len(people), set(people["region"]), len(contracts), contracts["ended_at"].notna().sum()) == (
        40,
        {"North", "South", "West"},
        40,
        8,
    )


def test_several_contracts_of_a_customer_are_no_list_of_customers(new, folder):
    (folder / "contracts.csv").write_text(ACCOUNTS + accounts() + "K1,Firm 1,bank,90,7,2024-06-01,,North\n")
    _, said = new()
    assert set(said["tables"]) == {"subscriptions"}


def test_a_file_that_holds_another_table_is_not_taken_for_its_name(new, home, folder):
    header = "Company_ID,Initial_MRR,Activation_Date,Churn_Date\n"
    (folder / "customers.csv").write_text(header + "".join(f"K{n},9,2024-01-{n:02},\n" for n in range(1, 20)))
    _, said = new()
    assert set(said["tables"]) == {"subscriptions"}
    with open_client("acme", home=home) as client:
        assert to_frame(client.tables["customers"])["customer_id"].nunique() == 19


@pytest.mark.parametrize(("words", "asked"), [(("Ohio", "Texas", "Utah"), False), (("paid", "cancelled", "on its way"), True)])
def test_the_states_of_a_country_are_no_status(new, folder, words, asked):
    rows = "".join(f"A{n},C{n % 5},2024-03-{1 + n % 28:02},{n}.00,{words[n % 3]}\n" for n in range(1, 40))
    (folder / "orders.csv").write_text("Order ID,Customer ID,Order Date,Amount,State\n" + rows)
    found, said = new()
    assert any("State" in line for line in found.taken) == asked
    assert ("only" in said["tables"]["transactions"]) == asked


@pytest.mark.parametrize(
    ("header", "kind", "scale"),
    [("NPS_Score", "nps", [0, 10]), ("nps", "nps", [0, 10]), ("CSAT", "csat", [1, 5]), ("synapse", "driver", [1, 5])],
)
def test_what_a_question_asks_is_told_by_its_name_too(new, folder, header, kind, scale):
    high = 10 if scale[1] == 10 else 5
    rows = "".join(f"K{n},2024-05-{1 + n % 28:02},{1 + n % high}\n" for n in range(60))
    (folder / "answers.csv").write_text(f"Company_ID,Date_Received,{header}\n{rows}")
    _, said = new()
    (item,) = said["tables"]["surveys"]["items"].values()
    assert (item["kind"], item["scale"]) == (kind, scale)


def test_customers_come_from_the_list_of_customers(new, folder):
    """A longer table that names customers too is none, and the day on which a row was written is not the one they came on."""
    people = "".join(f"{n},Firm {n},{('bank', 'shop')[n % 2]},2023-05-{1 + n % 28:02},2026-07-25 00:18:26\n" for n in range(40))
    (folder / "customers.csv").write_text("customer_id,company_name,industry,signup_date,created_at\n" + people)
    used = "".join(f"{n},{n % 40},{n * 7},2026-07-25 00:18:26\n" for n in range(400))
    (folder / "usage_logs.csv").write_text("usage_id,customer_id,logins,created_at\n" + used)
    asked = "".join(f"T{n},{n % 40},2024-04-{1 + n % 28:02},2024-05-02,{3 + n % 3},2026-07-25 00:18:31\n" for n in range(60))
    header = "ticket_id,customer_id,ticket_created_date,ticket_resolved_date,customer_rating,created_at\n"
    (folder / "support_tickets.csv").write_text(header + asked)
    found, said = new()
    assert said["tables"]["customers"] == {
        "file": "customers.csv",
        "columns": {"name": "company_name", "created_at": "signup_date"},
    }
    assert said["tables"]["tickets"]["columns"] == {
        "opened_at": "ticket_created_date",
        "resolved_at": "ticket_resolved_date",
        "csat": "customer_rating",
    }
    assert any(
        "usage_logs.csv: 400 rows name 40 customers; a list of customers has a row for each" in line for line in found.lines
    )


def test_trials_are_left_out_and_said(new, home, folder):
    rows = "".join(
        f"{n},C{n},Pro,{n},2024-01-{1 + n % 28:02},{'2024-02-01' if n % 2 else ''},{n % 4 == 0}\n" for n in range(40)
    )
    header = "subscription_id,customer_id,plan,monthly_price,start_date,end_date,is_trial\n"
    (folder / "subscriptions.csv").write_text(header + rows)
    found, said = new()
    assert said["tables"]["subscriptions"]["leave_out"] == {"is_trial": ["True"]}
    assert "  10 rows with is_trial 'True' are left out" in found.lines
    with open_client("acme", home=home) as client:
        assert len(to_frame(client.tables["subscriptions"])) == 30


def test_a_list_of_accounts_with_our_own_headers_needs_no_columns(new, home, folder):
    rows = "".join(f"K{n},2024-01-{1 + n % 28:02},9,{('North', 'South')[n % 2]}\n" for n in range(30))
    (folder / "accounts.csv").write_text("customer_id,started_at,mrr,region\n" + rows)
    _, said = new()
    assert said["tables"]["customers"] == {"file": "accounts.csv"}
    with open_client("acme", home=home) as client:
        assert set(to_frame(client.tables["customers"])["region"]) == {"North", "South"}
