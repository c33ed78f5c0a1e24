"""What does it cost to open a table: read, typed, checked and cut?

Order lines as text, clean and with one faulty row in a hundred. The opponent is DuckDB's ``read_csv`` as text and casts
written by hand that do the same work on clean values. A workbook is read beside python-calamine alone.
Run: ``.venv/bin/python benchmarks/intake.py [--rows N] [--cells N] [--repeats N]``.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

from _bench import Bar, finish, median_ratio, run

AS_OF = "2024-12-31"
SMALL = ("small", "small_book")
WORDS = "['Coffee', 'Tea', 'Sweets and more', 'Books'][1 + (hash(i + 4) % 4)::INT]"
COLUMNS = f"""
    'C' || lpad((hash(i) % {{customers}})::VARCHAR, 7, '0') AS customer_id,
    CASE WHEN {{faulty}} AND i % 200 = 7 THEN '2024-02-31'
        ELSE (DATE '2022-01-01' + (hash(i + 7) % 1096)::INTEGER)::VARCHAR END AS ordered_at,
    CASE WHEN {{faulty}} AND i % 200 = 107 THEN 'n/a'
        ELSE ((hash(i + 2) % 50000)::DECIMAL(18, 2) / 100)::DECIMAL(18, 2)::VARCHAR END AS amount,
    'O' || i AS order_id, 'SKU-' || (hash(i + 3) % 500) AS product, {WORDS} AS category,
    ['web', 'shop', 'phone'][1 + (hash(i + 5) % 3)::INT] AS channel,
    CASE WHEN hash(i + 6) % 50 = 0 THEN 'True' ELSE 'False' END AS is_return
"""
NAMES = ("customer_id", "ordered_at", "amount", "order_id", "product", "category", "channel", "is_return")
TEXTS = ("customer_id", "order_id", "product", "category", "channel")
BY_HAND = f"""
CREATE TABLE orders AS SELECT {", ".join(f"nullif(trim({name}), '') AS {name}" for name in TEXTS)},
    try_cast(trim(ordered_at) AS DATE) AS ordered_at, try_cast(trim(amount) AS DECIMAL(18, 4)) AS amount,
    try_cast(trim(is_return) AS BOOLEAN) AS is_return
FROM read_csv('{{path}}', header = true, all_varchar = true) WHERE try_cast(trim(ordered_at) AS DATE) <= DATE '{AS_OF}'
"""


def generate(home: Path, *, rows: int, cells: int) -> None:
    """The files of two clients with text, and of one with a workbook."""
    import duckdb
    import xlsxwriter

    for client in ("clean", "faulty", "book", *SMALL):
        faulty = "true" if client == "faulty" else "false"
        folder = home / "data" / client
        folder.mkdir(parents=True)
        number = cells if client == "book" else 10 if client in SMALL else rows
        select = f"SELECT {COLUMNS.format(customers=max(number // 10, 1), faulty=faulty)} FROM range({number}) t(i)"
        # each time the files are read, and not the copy of what was read before
        privacy = {"copy": False}
        settings = {"client": client, "title": client, "source": f"data/{client}", "as_of": AS_OF, "privacy": privacy}
        if client not in ("book", "small_book"):
            duckdb.sql(f"COPY ({select}) TO '{folder / 'transactions.csv'}' (HEADER)")
            tables = {"transactions": {"file": "transactions.csv", "rejects": 0.05}}
        else:
            with xlsxwriter.Workbook(folder / "transactions.xlsx", {"constant_memory": True}) as book:
                sheet = book.add_worksheet()
                sheet.write_row(0, 0, NAMES)
                for at, (customer, day, amount, *others) in enumerate(duckdb.sql(select).fetchall(), start=1):
                    sheet.write_row(at, 0, (customer, day, float(amount), *others))
            tables = {"transactions": {"file": "transactions.xlsx"}}
        (home / "params").mkdir(exist_ok=True)
        (home / "notebooks").mkdir(exist_ok=True)
        (home / "params" / f"{client}.yml").write_text(json.dumps({**settings, "tables": tables}))


def contender(name: str, client: str, home: Path) -> None:
    """One run in a process of its own: CPU seconds and rows as JSON; imports are not counted."""
    from python_calamine import CalamineWorkbook

    from crmkit.data.client import open_client
    from crmkit.data.sources.engine import connect, disconnect, query

    con, _ = connect()
    # what is imported on first use is not counted
    for small in SMALL:
        open_client(small, home=home).close()
    before = resource.getrusage(resource.RUSAGE_SELF)
    if name == "kit":
        opened = open_client(client, home=home)
        rows = query(opened.con, "SELECT count(*) FROM transactions")[0][0]
    elif name == "hand":
        query(con, BY_HAND.format(path=home / "data" / client / "transactions.csv"))
        rows = query(con, "SELECT count(*) FROM orders")[0][0]
    else:
        rows = len(
            CalamineWorkbook.from_path(str(home / "data" / client / "transactions.xlsx")).get_sheet_by_index(0).to_python()
        )
    after = resource.getrusage(resource.RUSAGE_SELF)
    disconnect(con)
    print(json.dumps({"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "rows": rows}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cells", type=int, default=100_000, help="rows of the workbook, of eight cells each")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--contender", nargs=3)
    given = parser.parse_args()
    if given.contender:
        contender(given.contender[0], given.contender[1], Path(given.contender[2]))
        return
    bars = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        generate(home, rows=given.rows, cells=given.cells)
        for client, other, bound in (("clean", "hand", 4.0), ("faulty", "hand", 4.0), ("book", "calamine", 1.5)):
            cpu: dict[str, list[float]] = {"kit": [], other: []}
            for _ in range(given.repeats):
                for name in cpu:
                    found = run(sys.executable, Path(__file__), "--contender", name, client, home)
                    cpu[name].append(float(str(found["cpu"])))
            print(client, {name: [round(one, 2) for one in values] for name, values in cpu.items()})
            bars.append(Bar(f"{client}: CPU beside {other}", median_ratio(cpu["kit"], cpu[other]), bound, least=False))
    finish(bars)


if __name__ == "__main__":
    main()
