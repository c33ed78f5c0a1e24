"""A page that names a customer is found, and a page that names nobody is not."""

import time

import ibis
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crmkit.core.errors import DataError, ReportError
from crmkit.core.language import Locale, say
from crmkit.report.guard.identifiers import MARKS, explain, leaks, refuse_leaks, unscanned, write_marks

PEOPLE = {
    "customer_id": ["R00017", "00042", "7", "1234567", "2024", "ACME 0017/A", "kunde", "R00018"],
    "name": ["Jürgen Müller-Lüdenscheidt", "王小明", "Li", "Smith & Sons, Ltd.", "Siemens", "O'Neil Pat", "王伟", None],
    "email": ["J.Mueller@Example.org", "a@b.co", "none", None, "x@y.cn", "p+q@ex.co.uk", "", "z@z.org"],
    "phone": ["+49 (30) 555-01234", "0049 30 55501235", "110", "13800138000", None, "555 0123 4567", "", "n/a"],
}


@pytest.fixture
def marked(tmp_path):
    def left(columns=PEOPLE, table="customers", **options):
        frame = pd.DataFrame(columns).astype("string")
        tables = {table: ibis.duckdb.connect().create_table("t", frame)}
        left.unscanned = write_marks(tables, tmp_path, **options)
        return tmp_path

    return left


@pytest.mark.parametrize("identifiers", ["pseudonym", "ids"])
def test_what_cannot_be_opened_is_looked_for_too(tmp_path, monkeypatch, identifiers):
    """Two rows are shifted: the address stands where the date should be, and the data cannot be opened."""
    from crmkit import open_client

    rows = {"customer_id": ["R00017", "R00018"], "name": ["Anna Adler", "Berta Bach"], "email": ["a@example.org", "2025-01-02"]}
    people = pd.DataFrame({**rows, "created_at": ["2025-01-01", "berta@example.org"]})
    home = tmp_path / "home"
    for folder in ("params", "notebooks", "data/acme"):
        (home / folder).mkdir(parents=True)
    people.to_csv(home / "data/acme/customers.csv", index=False)
    (home / "params/acme.yml").write_text(
        f"client: acme\ntitle: A\nsource: data/acme\nprivacy: {{identifiers: {identifiers}}}\n", encoding="utf-8"
    )
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("CRMKIT_OUT", str(tmp_path / "out"))
    with pytest.raises(DataError, match=r"cannot be read as a date \(row 3\): 'xxxxx@xxxxxxx.xxx'"):
        open_client("acme", home=home)
    assert (tmp_path / "out" / MARKS).stat().st_mode & 0o777 == 0o600
    page = "R00017, Berta Bach, a@example.org and berta@example.org"
    assert kinds(page, tmp_path / "out") == {**({} if identifiers == "ids" else {"id": 1}), "email": 2, "name": 1}


def test_without_a_run_nothing_is_left(tmp_path, monkeypatch):
    from crmkit import open_client

    monkeypatch.delenv("CRMKIT_OUT", raising=False)
    for folder in ("params", "data/acme"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/acme/customers.csv").write_text("customer_id,created_at\nA,someday\n")
    (tmp_path / "params/acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    with pytest.raises(DataError):
        open_client("acme", home=tmp_path)
    assert not list(tmp_path.rglob(MARKS))


@pytest.mark.parametrize(("name", "begun"), [("王小明", "王…"), ("Jürgen Müller-Lüdenscheidt", "jü…")])
def test_of_a_short_name_one_character_is_told(marked, name, begun):
    (found,) = leaks(f"<p>{name}</p>", marked())
    assert found.example == begun


def kinds(html, folder, **options):
    return {leak.kind: leak.count for leak in leaks(f"<h1>T</h1><main>{html}</main>", folder, **options)}


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<td>R00017</td>", "id"),
        ("customer r00017.", "id"),
        ("R00017,R99999", "id"),
        ("see R00017.csv", "id"),
        ('<img alt="of 00042">', "id"),
        ("<b>1234567</b>", "id"),
        ("(acme 0017/A)", "id"),
        ('<a href="#R00017">x</a>', "id"),
        ("&#82;00017", "id"),
        ("write to j.mueller@example.org", "email"),
        ("<p title='P+Q@EX.CO.UK'>x</p>", "email"),
        ("call +49 30 555 01234 now", "phone"),
        ("call 49305550 1235", "phone"),
        ("138-0013-8000", "phone"),
        ("Dear Jürgen  MÜLLER-Lüdenscheidt,", "name"),
        ("Smith and Smith &amp; Sons, Ltd", "name"),
        ("客户王小明已流失", "name"),
        ("o'neil pat", "name"),
    ],
)
def test_what_names_a_customer_is_found(marked, html, kind):
    assert kinds(html, marked()) == {kind: 1}


@pytest.mark.parametrize(
    "html",
    [
        "7 of 2024 customers, 110 calls",
        "1,234,567 and 12345678 and R000170",
        "2024-01-01 12:00, 555 0123",
        "Siemens, Kunde, Li, none, n/a",
        "王伟业绩",
        "Müller",
        '<img src="data:image/png;base64,R00017">',
        '<td class="R00017" data-key="1234567">x</td>',
        "<script>R00017</script><style>R00017</style>",
    ],
)
def test_what_names_nobody_is_not(marked, html):
    assert kinds(html, marked()) == {}


def test_identifiers_that_cannot_be_looked_for_are_counted(marked):
    folder = marked()
    assert unscanned(folder) == {"id": 3, "email": 1, "phone": 1, "name": 3}, "7, 2024, kunde; none; 110; Li, Siemens, 王伟"


def test_what_many_share_names_nobody(marked):
    shared = {"customer_id": [f"R{i:05d}" for i in range(8)], "email": ["till@shop.org"] * 4 + ["own@shop.org"] * 3 + [None]}
    folder = marked(shared)
    assert kinds("till@shop.org", folder) == {}
    assert kinds("own@shop.org", folder) == {"email": 1}
    assert unscanned(folder) == {"id": 0, "email": 1}


def test_customer_numbers_may_be_allowed_and_nothing_else(marked):
    folder = marked(ids=False)
    assert kinds("R00017 a@b.co", folder) == {"email": 1}


def test_tables_of_events_will_do(marked):
    folder = marked({"customer_id": ["R00017", "R00017", "R00018"]}, table="transactions")
    assert kinds("R00017", folder) == {"id": 1}
    assert kinds("a@b.co", folder) == {}


def test_two_tables_of_events_are_both_read(tmp_path):
    con = ibis.duckdb.connect()
    tables = {
        name: con.create_table(name, pd.DataFrame({"customer_id": [person]}, dtype="string"))
        for name, person in {"transactions": "R00017", "tickets": "R00018"}.items()
    }
    write_marks(tables, tmp_path)
    assert kinds("R00017 and R00018", tmp_path) == {"id": 2}


def test_what_the_author_wrote_is_no_finding(marked):
    folder = marked()
    assert kinds("R00017 and R00018", folder, own="sample = ['R00017']") == {"id": 1}


def test_a_page_that_names_a_customer_is_refused_and_the_marks_go(marked):
    folder = marked()
    cells = [new_markdown_cell("# T\n\nR00018 is <an example>"), new_code_cell("page.publish()")]
    nb = new_notebook(cells=cells, metadata={"crmkit": {"run": {"parameters": {"x": {"value": "z@z.org"}}}}})
    fine = '<p>R00018 z@z.org</p><footer class="foot" id="made">R00017</footer>'
    refuse_leaks(fine, nb, folder)
    assert not (folder / MARKS).exists()
    folder = marked()
    with pytest.raises(ReportError, match="the page shows 1 customer number"):
        refuse_leaks(f"{fine}<p>R00017</p>", nb, folder)
    assert not (folder / MARKS).exists()


def test_without_marks_nothing_is_found(tmp_path):
    assert leaks("R00017", tmp_path) == ()
    assert unscanned(tmp_path) == {}


def test_the_sentence_says_where_and_does_not_name_the_customer(marked):
    found = leaks("<h1>T</h1><h2>Who <b>leaves</b>?</h2><p>R00017, R00018, a@b.co</p>", marked())
    said = say(explain(found), Locale())
    assert "2 customer numbers (r0… under 'Who leaves?')" in said or "2 customer numbers (R0… under 'Who leaves?')" in said
    assert "1 e-mail address (a@… under 'Who leaves?')" in said
    assert "00017" not in said
    assert "b.co" not in said
    assert "客户编号" in say(explain(found), Locale("zh"))
    assert "customer" not in say(explain(found), Locale("zh"))


def test_the_file_names_nobody_and_is_its_owners_alone(marked):
    path = marked() / MARKS
    assert path.stat().st_mode & 0o077 == 0
    assert b"R00017" not in path.read_bytes().upper()


@pytest.mark.long
def test_a_hundred_thousand_customers_take_seconds(marked):
    many = range(100_000)
    folder_started = time.process_time()
    folder = marked(
        {
            "customer_id": [f"R{i:06d}" for i in many],
            "name": [f"Jörg Müller-{i} GmbH" for i in many],
            "email": [f"u{i}@example.org" for i in many],
            "phone": [f"+49 30 {5_000_000 + i}" for i in many],
        }
    )
    words = " ".join(f"word{i % 997} {i}.5%" for i in range(10_000))
    scan_started = time.process_time()
    assert kinds(f"<p>{words}</p><p>u5@example.org</p>", folder) == {"email": 1}
    assert scan_started - folder_started < 8
    assert time.process_time() - scan_started < 4
