"""What ``crmkit check`` says of a table and of the time that a run takes."""

from types import SimpleNamespace

from crmkit.core.language import Locale, say
from crmkit.report.check import _intake_lines


def intake(**more):
    usual = {
        "table": "orders",
        "rows_kept": 3,
        "rows_read": 5,
        "rows_after_as_of": 0,
        "files": (),
        "set_aside": (),
        "notes": (),
    }
    return SimpleNamespace(**usual | more)


def lines(**more):
    return [say(one, Locale()) for one in _intake_lines(intake(**more))]


def test_a_table_its_rows_and_its_files():
    assert lines()[0] == "orders  3 of 5 rows"
    assert lines(rows_read=1, rows_kept=1)[0] == "orders  1 of 1 row"
    assert lines(rows_after_as_of=2, files=("a.csv", "b.csv"))[0] == "orders  3 of 5 rows, 2 after the date  from a.csv, b.csv"
