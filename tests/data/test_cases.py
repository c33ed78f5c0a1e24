"""Exports of systems as others met them: what is right in each was counted by hand. The files in ``cases`` are invented."""

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from crmkit.core.errors import CrmkitError
from crmkit.core.language import Locale, say
from crmkit.data.sources.engine import query

CASES = Path(__file__).parent / "cases"
PURCHASES = "SELECT customer_id, ordered_at, amount FROM transactions ORDER BY ordered_at, customer_id, amount"
TWELVE = ("SELECT count(*), sum(amount) FROM transactions", [(12, Decimal("192"))])
D = dt.date


def opened(project, case, **params):
    """The client of a case, with further keys of its params file."""
    shutil.copytree(CASES / case, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("params.yml"))
    path = CASES / case / "params.yml"
    said = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    tables = {name: {**said.get("tables", {}).get(name, {}), **keys} for name, keys in params.pop("tables", {}).items()}
    project.params(**said | params | ({"tables": said.get("tables", {}) | tables} if tables else {}))
    return project.open()


def said(client, table):
    return " | ".join(say(note, Locale()) for one in client.intake if one.table == table for note in one.notes)


READ = {
    "a_inr": ({"currency": "INR"}, PURCHASES, [("C0", D(2024, 1, 1), 120000), ("C1", D(2024, 1, 2), Decimal("99.5"))]),
    "a_usd": (
        {"currency": "USD"},
        PURCHASES,
        [("C0", D(2024, 1, 1), Decimal("1234.5")), ("C1", D(2024, 1, 2), Decimal("99.5"))],
    ),
    "d_mon2": ({}, PURCHASES, [("C0", D(2014, 3, 8), 10), ("C1", D(2014, 5, 21), 11)]),
    "twodigit": ({}, PURCHASES, [("A", D(2024, 3, 8), 10), ("A", D(2024, 5, 21), 12), ("B", D(2024, 5, 21), 9)]),
    "epoch": ({}, PURCHASES, [("0", D(2014, 3, 8), 1), ("1", D(2014, 5, 21), 1)]),
    "monname": ({}, PURCHASES, [("0", D(2014, 3, 8), 1), ("1", D(2014, 5, 21), 1)]),
    "emailkey": ({}, "SELECT DISTINCT customer_id FROM transactions", [("ann@example.org",)]),
    "nl_crlf": (
        {},
        "SELECT count(*), sum(amount), min(product) FILTER (customer_id = 'C0') FROM transactions",
        [(5, Decimal("62.5"), "Mug\nblue")],
    ),
    "nl_lf": (
        {},
        "SELECT count(*), sum(amount), min(product) FILTER (customer_id = 'C0') FROM transactions",
        [(6, 72, "Mug\nblue")],
    ),
    "nlcomment": (
        {},
        "SELECT response_id, score, comment FROM surveys ORDER BY 1",
        [("R1", 4, "Good,\nbut slow"), ("R2", 5, None)],
    ),
    "nlcomment2": (
        {},
        "SELECT response_id, score, comment FROM surveys ORDER BY 1",
        [("R1", 4, "Good,\nbut slow"), ("R2", 5, None)],
    ),
    "anchor": ({}, "SELECT response_id, score FROM surveys ORDER BY 1", [("1", 0), ("2", 7), ("3", 10)]),
    "likert2": ({}, "SELECT response_id, score FROM surveys ORDER BY 1", [("1", 5), ("2", 3), ("3", 2)]),
    "valbool": ({}, "SELECT customer_id, renewed FROM subscriptions ORDER BY 1", [("A", True), ("B", False)]),
    "sameword": (
        {},
        "SELECT opportunity_id, stage, won FROM opportunities ORDER BY 1",
        [("1", "closedwon", True), ("2", "closedlost", False)],
    ),
    "na": (
        {},
        "SELECT customer_id, ended_at FROM subscriptions ORDER BY 1",
        [("A", None), ("B", D(2023, 12, 31)), ("C", None), ("D", None)],
    ),
    "churnend": ({}, "SELECT count(ended_at), count(*) FROM subscriptions", [(2, 3)]),
    "gforms": (
        {},
        "SELECT count(*), sum(score), min(responded_at), max(responded_at) FROM surveys WHERE item_id = 'nps'",
        [(40, 186, D(2024, 1, 10), D(2024, 9, 18))],
    ),
    "gformszh": (
        {},
        "SELECT count(*), sum(score), min(responded_at), max(responded_at) FROM surveys",
        [(40, 186, D(2024, 1, 10), D(2024, 9, 18))],
    ),
    "noleavers": ({}, "SELECT count(*), count(DISTINCT customer_id), sum(amount) FROM transactions", [(782, 110, 18720)]),
    "telco_lastmonth": ({}, "SELECT count(*), count(ended_at) FROM subscriptions", [(300, 75)]),
    "stripe_small": (
        {},
        "SELECT mrr, count(*), count(ended_at) FROM subscriptions GROUP BY 1 ORDER BY 1",
        [(Decimal("24.1667"), 20, 0), (29, 20, 7)],
    ),
    "wjx_seconds": (
        {},
        "SELECT response_id, item_id, score, duration_seconds, comment FROM surveys WHERE response_id IN (1, 5) ORDER BY 1, 2",
        [("1", "csat", 4, 30, None), ("1", "nps", 10, 30, None), ("5", "csat", None, 34, None), ("5", "nps", 7, 34, None)],
    ),
    # what the messages of these ask for is declared
    "guests_small": (
        {"tables": {"transactions": {"only": {"status": ["completed", "processing"]}, "no_customer": ["0"]}}},
        "SELECT count(*), sum(amount) FROM transactions",
        [(76, 2012)],
    ),
    "preview": (
        {"tables": {"surveys": {"only": {"Status": [0], "Finished": [1]}}}},
        "SELECT response_id, score FROM surveys",
        [("R_3", 4)],
    ),
    "dupheader": (
        {
            "tables": {
                "surveys": {
                    "header": [1, 2],
                    "items": {
                        "speed": {"column": "Please rate: Speed", "scale": [1, 5]},
                        "quality": {"column": "Please rate: Quality", "scale": [1, 5]},
                    },
                }
            }
        },
        "SELECT response_id, item_id, score FROM surveys ORDER BY 1, 2",
        [("1", "quality", 4), ("1", "speed", 5), ("2", "quality", 4), ("2", "speed", 3)],
    ),
    "oretail": (
        {
            "tables": {
                "transactions": {
                    "columns": {
                        "customer_id": "CustomerID",
                        "ordered_at": "InvoiceDate",
                        "price": "UnitPrice",
                        "quantity": "Quantity",
                        "order_id": "InvoiceNo",
                    }
                }
            }
        },
        "SELECT customer_id, amount, is_return FROM transactions ORDER BY amount",
        [
            ("14527", Decimal("-27.5"), True),
            ("17850", Decimal("15.3"), False),
            ("17850", Decimal("20.34"), False),
            ("12583", 90, False),
        ],
    ),
    "zendesk": (
        {
            "tables": {
                "tickets": {
                    "values": {"kind": {"Incident": "fault", "-": ""}},
                    "items": {
                        "csat": {"scale": [0, 1], "kind": "csat", "na": ["Not Offered"], "answers": {"Good": 1, "Bad": 0}}
                    },
                }
            }
        },
        "SELECT ticket_id, kind, csat FROM tickets ORDER BY 1",
        [("1", "fault", 1), ("2", "question", 0), ("3", None, None)],
    ),
    "hubspot": (
        {"tables": {"opportunities": {"rates": {"EUR": 1.1}, "rejects": 0.5}}},
        "SELECT opportunity_id, amount FROM opportunities ORDER BY 1",
        [("1", 1200), ("2", None)],
    ),
    "cursym": (
        {"tables": {"transactions": {"rates": {"EUR": 1.1, "GBP": 1.25, "CNY": 0.14}}}},
        "SELECT customer_id, amount FROM transactions ORDER BY 1",
        [("A", 10), ("B", 22), ("C", Decimal("37.5")), ("D", Decimal("5.6"))],
    ),
    "yy": (
        {"tables": {"transactions": {"date_format": "%d/%m/%y"}}},
        PURCHASES,
        [("0", D(2014, 3, 8), 1), ("1", D(2014, 5, 21), 1)],
    ),
    "mark_twice": ({}, *TWELVE),
    "utf16_without_mark": ({}, *TWELVE),
    "total_other_words": ({}, *TWELVE),
    "total_with_date": ({}, *TWELVE),
    "tab_line": ({}, "SELECT count(*), sum(amount) FROM transactions", [(13, 197)]),
    "title_line": ({"tables": {"transactions": {"header": 2}}}, *TWELVE),
}
REFUSED = {
    "a_iso": ({"currency": "USD"}, ["column 'amount' has amounts in EUR (1 row) beside the client's USD"]),
    "cursym": ({}, ["£ (1 row), ¥ (1 row), € (1 row) beside the client's USD"]),
    "sciid": ({}, ["column 'customer_id' has 3 values that a spreadsheet has shortened (rows 2, 3, 4)"]),
    "yy": ({}, ["column 'ordered_at' has 2 values that cannot be read as a date (rows 2, 3)"]),
    "sameorder": ({}, ["has 1 row (row 3) equal to an earlier one in every column"]),
    "twofiles": ({}, ["orders_2024.csv has no column 'channel', as other files have"]),
    "dupheader": ({}, ["has 2 columns with the header 'Please rate:'"]),
    "hubspot": ({}, ["column 'amount' has amounts in € (1 row) beside the client's USD"]),
    "zendesk": ({}, ["column 'kind' has 1 value that is none of its words (row 2): 'Incident'", "rows 2, 3): 'Good', 'Bad'"]),
    "title_line": ({}, ["the header seems to be in row 2"]),
    "number_groups": ({}, ["3 values that cannot be read as a number (rows 14, 15, 16)"]),
    "comma_space": ({}, ["1 value that cannot be read as a number (row 14): '1,234 567'"]),
    "date_words": ({}, ["3 values that cannot be read as a date (rows 14, 15, 16): 'infinity', '-infinity', 'epoch'"]),
    "date_year_1": ({}, ["1 value that cannot be read as a date (row 14): '0001-01-01'"]),
    "currency_signs": ({}, ["has amounts in $ (1 row), ¥ (1 row) beside the client's EUR"]),
    "curcol": ({}, ["currency", "USD", "EUR"]),
}
NOTED = {
    "emailkey": "1 e-mail address with capital letters, read in small ones",
    "guests_small": "'0' stands in 150 of 300 rows of customer_id: guests?",
    "tickets1": "1 ticket was solved before its first answer",
    "churnend": "as_of 31 Dec 2023 was found, not declared",
    "na": "3 cells read as empty (N/A 1, NULL 1, NaT 1)",
    "preview": "the header Status looks like a status and is not read (0 2, 1 1)",
}


@pytest.mark.parametrize("case", READ)
def test_read(project, case):
    params, sql, right = READ[case]
    client = opened(project, case, **params)
    tables = {name: client.tables[name].get_name() for name in client.tables if name != "customers"}
    for name, relation in tables.items():
        sql = sql.replace(f" FROM {name}", f" FROM {relation}")
    assert query(client.con, sql) == right


@pytest.mark.parametrize("case", REFUSED)
def test_refused(project, case):
    params, parts = REFUSED[case]
    with pytest.raises(CrmkitError) as caught:
        opened(project, case, **params)
    assert [part for part in parts if part not in "\n".join(caught.value.shown)] == []


@pytest.mark.parametrize("case", NOTED)
def test_noted(project, case):
    client = opened(project, case)
    assert NOTED[case] in " | ".join(said(client, one.table) for one in client.intake)


def test_every_case_is_looked_at():
    assert {path.name for path in CASES.iterdir()} == {*READ, *REFUSED, *NOTED}
