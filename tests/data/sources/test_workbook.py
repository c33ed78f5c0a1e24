"""Workbooks: which sheet is read, and values that are not what they seem."""

import datetime as dt
import re
import zipfile

import pytest
import xlsxwriter

from crmkit.core.errors import DataError, as_shown
from crmkit.core.language import Locale, say
from crmkit.data.client import check_client

HEADERS = ["customer_id", "ordered_at", "amount"]
DAY = dt.date(2024, 1, 5)


@pytest.fixture
def book(project):
    """Writes transactions.xlsx with one sheet of orders, beside what a test adds."""

    def write(rows, *, before=None, first=0, headers=HEADERS, **options):
        path = project.folder / "transactions.xlsx"
        with xlsxwriter.Workbook(path, options) as made:
            day = made.add_format({"num_format": "yyyy-mm-dd"})
            if before:
                before(made)
            sheet = made.add_worksheet("Orders")
            sheet.write_row(first, 0, headers)
            for number, row in enumerate(rows, start=first + 1):
                for column, cell in enumerate(row):
                    sheet.write(number, column, cell, day if isinstance(cell, dt.date) else None)
        return path

    return write


def amounts(project):
    frame = project.open().tables["transactions"].to_pandas()
    return {row.customer_id: float(row.amount) for row in frame.itertuples()}


def notes(project):
    return [
        say(note, Locale()) for note in check_client("acme", home=project.home).intake[0].notes if "as_of" not in note.template
    ]


def problems(project):
    return [*as_shown(check_client("acme", home=project.home).problems)]


def hidden_and_chart(made):
    chart = made.add_chartsheet("Chart")
    hidden = made.add_worksheet("Old")
    hidden.write_row(0, 0, HEADERS)
    hidden.write_row(1, 0, ["X", "2020-01-01", 999])
    hidden.hide()
    drawn = made.add_chart({"type": "line"})
    drawn.add_series({"values": "=Orders!$C$2:$C$2"})
    chart.set_chart(drawn)


def test_the_first_sheet_that_can_be_seen_is_read_and_named(project, book):
    book([["A", DAY, 5]], before=hidden_and_chart)
    assert amounts(project) == {"A": 5}
    assert notes(project) == [
        "transactions.xlsx: the sheet 'Orders' was read; there are also 'Chart'",
        "transactions.xlsx: the sheet 'Orders' was read; hidden and not read: 'Old'",
    ]
    project.table(sheet="Old")
    assert amounts(project) == {"X": 999}


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("Ordrs", "transactions: transactions.xlsx has no sheet 'Ordrs'; did you mean 'Orders'?"),
        ("Chart", "transactions: transactions.xlsx has no cells in the sheet 'Chart'; there are 'Old', 'Orders'."),
    ],
)
def test_a_sheet_that_is_not_there(project, book, sheet, said):
    book([["A", DAY, 5]], before=hidden_and_chart)
    project.table(sheet=sheet)
    assert problems(project) == [said]


def test_one_sheet_needs_no_note(project, book):
    book([["A", DAY, 5]])
    assert notes(project) == []


def rewrite(path, change):
    """The same workbook with its sheet changed, as another program would have written it."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts.items():
            new.writestr(name, change(data) if name == "xl/worksheets/sheet1.xml" else data)


def test_formulas_that_nobody_calculated(project, book):
    path = book([["A", DAY, "=2*3"], ["B", DAY, "=1+1"], ["C", DAY, 7]])
    assert problems(project) == [
        "transactions: transactions.xlsx, column 'amount' has 2 formulas with the value 0 (rows 2, 3), which nobody has"
        " calculated; open the file in the spreadsheet program and save it."
    ]
    rewrite(path, lambda data: re.sub(rb"<f>1\+1</f><v>0</v>", b"<f>1+1</f><v></v>", data))
    assert problems(project) == [
        "transactions: transactions.xlsx, column 'amount' has 1 formula of which no value is kept (row 3); open the file in the"
        " spreadsheet program and save it."
    ]
    rewrite(path, lambda data: data.replace(b"<v></v>", b"<v>2</v>"))
    assert amounts(project) == {"A": 0, "B": 2, "C": 7}


def test_ids_that_lost_their_last_digits(project, book):
    book([[12345678901234567, DAY, 1], [1e15, DAY, 1], [999999999999999, DAY, 1]])
    assert problems(project) == [
        "transactions: transactions.xlsx, column 'customer_id' has 2 numbers of more than 15 digits (rows 2, 3), of which a"
        " cell keeps 15; the ids are lost in this file; export them as text."
    ]
    book([["12345678901234567", DAY, 1], [999999999999999, DAY, 2]])
    assert sorted(amounts(project).values()) == [1, 2]


def test_days_counted_from_1904(project, book):
    book([["A", DAY, 1], ["B", 43834, 2]], date_1904=True)
    frame = project.open().tables["transactions"].to_pandas().set_index("customer_id")
    assert [str(day)[:10] for day in frame.loc[["A", "B"], "ordered_at"]] == ["2024-01-05", "2024-01-05"]


def test_errors_are_empty_where_nothing_is_needed(project, book):
    headers = [*HEADERS, "cost", "product"]
    path = book([["A", DAY, 1, 2, "#N/A"], ["B", DAY, 1, 3, "tea"]], headers=headers)
    rewrite(path, lambda data: re.sub(rb'<c r="D3"><v>3</v></c>', b'<c r="D3" t="e"><v>#DIV/0!</v></c>', data))
    frame = project.open().tables["transactions"].to_pandas().set_index("customer_id")
    assert frame["cost"].isna().tolist() == [False, True]
    assert frame["product"].isna().tolist() == [True, False]
    assert notes(project) == [
        "transactions.xlsx: errors such as #N/A in product count as empty; cells: 1",
        "transactions.xlsx: errors such as #DIV/0! in cost count as empty; cells: 1",
    ]
    rewrite(path, lambda data: re.sub(rb'<c r="C3"><v>1</v></c>', b'<c r="C3" t="e"><v>#REF!</v></c>', data))
    assert "column 'amount' has 1 value that cannot be read as a number (row 3): '#REF!'" in problems(project)[0]


def test_a_title_over_merged_cells(project, book):
    path = project.folder / "transactions.xlsx"
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet()
        sheet.merge_range(0, 0, 0, 2, "Report 2025")
        sheet.write_row(3, 0, HEADERS)
        sheet.write_row(4, 0, ["A", "2024-01-05", 5])
    assert problems(project) == [
        "transactions: transactions.xlsx does not have the headers of this table in row 1; the header seems to be in row 4;"
        " write header: 4 under tables.transactions in the params file."
    ]
    project.table(header=4)
    assert amounts(project) == {"A": 5}


def test_durations_of_cells_are_seconds(project):
    project.params(tables={"surveys": {}}, as_of="2024-12-31")
    with xlsxwriter.Workbook(project.folder / "surveys.xlsx") as made:
        long, short = (made.add_format({"num_format": form}) for form in ("[h]:mm:ss", "h:mm:ss"))
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["response_id", "item_id", "score", "responded_at", "duration_seconds"])
        for row, form in ((1, long), (2, short)):
            sheet.write_row(row, 0, [f"r{row}", "csat", 5, "2024-01-05"])
            sheet.write_datetime(row, 4, dt.timedelta(minutes=5, seconds=12), form)
    assert project.open().tables["surveys"].to_pandas()["duration_seconds"].tolist() == [312, 312]


def test_no_workbook_and_an_empty_one(project):
    project.write("transactions.xlsx", b"")
    with pytest.raises(DataError, match=r"transactions\.xlsx is empty; a header line and at least one row are expected"):
        project.open()


def test_columns_that_nobody_asked_for_may_name_a_total(project):
    with xlsxwriter.Workbook(project.folder / "customers.xlsx") as book:
        sheet = book.add_worksheet()
        rows = [("A", "2024-01-02", "x", "Ann"), ("B", "2024-01-03", "y", "Bob"), ("", "", "Total", "2")]
        for at, row in enumerate([("customer_id", "created_at", "Remark", "name"), *rows]):
            sheet.write_row(at, 0, row)
    (intake,) = project.open(as_of="2024-02-01").intake
    assert (intake.rows_read, intake.rows_kept, intake.rows_set_aside) == (3, 2, {"line of totals": 1})
