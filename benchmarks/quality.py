"""What does it cost to look at the quality of data, and how many duplicates are found?

Missing, invalid and different values of ten million customers, as the report on the data counts them: its one query beside
that which somebody writes by hand in DuckDB, and beside pointblank with the same checks. Then customers with copies of known
kinds (``_copies.py``, which shares no function with the kit): which pairs are suggested, by kind of copy.
Run: ``.venv/bin/python benchmarks/quality.py [--rows N] [--customers N] [--repeats N] [--peers PYTHON]``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _bench import Bar, finish, median_ratio, peer_python, run

# of a table of ibis it counts the rows by polars, which its extra duckdb does not bring
PEERS = ["pointblank[duckdb,pl]==1.1.1", "duckdb>=1.5,<2"]
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
PHONE, DIGITS = r"^[-+0-9 ()./]+$", r"^([^0-9]*[0-9]){7,15}[^0-9]*$"
COLUMNS = ("customer_id", "email", "phone", "region", "created_at", "updated_at")
REQUIRED, AS_OF = ("email", "phone", "region"), "2025-12-31"
TABLE = """
    SELECT 'C' || i AS customer_id,
        CASE WHEN i % 20 = 3 THEN NULL WHEN i % 200 = 7 THEN 'n/a' ELSE 'u' || (hash(i) % {customers}) || '@x.org' END AS email,
        CASE WHEN i % 30 = 4 THEN NULL ELSE '+49 30 ' || (hash(i + 3) % 9000000) END AS phone,
        ['north', 'south', 'east', 'west'][1 + (hash(i + 5) % 4)::INT] AS region,
        DATE '2023-01-01' + (hash(i + 7) % 1000)::INTEGER AS created_at,
        CASE WHEN i % 50 = 9 THEN NULL ELSE DATE '2023-06-01' + (hash(i + 11) % 1000)::INTEGER END AS updated_at
    FROM range({rows}) t(i)
"""
VALID = {
    "mail": f"regexp_matches(trim(email), '{EMAIL}')",
    "phone": f"regexp_matches(phone, '{PHONE}') AND length(regexp_replace(phone, '[^0-9]+', '', 'g')) BETWEEN 7 AND 15",
    "created": f"created_at <= DATE '{AS_OF}'",
    "updated": f"updated_at <= DATE '{AS_OF}'",
    "order": "updated_at >= created_at",
}
CELLS = " + ".join(f"({name} IS NOT NULL)::INT" for name in REQUIRED)
BY_HAND = f"""
    SELECT count(*), {", ".join(f"count({name}), count(DISTINCT {name})" for name in COLUMNS)},
        {", ".join(f"count(*) FILTER ({rule}), count({rule})" for rule in VALID.values())},
        count(*) FILTER ({" AND ".join(f"coalesce({rule}, true)" for rule in VALID.values())}),
        sum({CELLS}), sum(({CELLS}) * ({CELLS})), count(*) FILTER ({CELLS} < {len(REQUIRED)}),
        max(DATE '{AS_OF}' - created_at), min(DATE '{AS_OF}' - created_at)
    FROM read_parquet('{{path}}')
"""


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def kit(path: Path) -> dict[str, object]:
    """What the report on the data counts of a table of customers."""
    from crmkit.data.sources.engine import connect
    from crmkit.data.summaries.quality import profile

    con, _ = connect()

    def measured(file: Path) -> list[list[object]]:
        found = profile(con.read_parquet(file), name="customers", as_of=dt.date.fromisoformat(AS_OF), required=REQUIRED)
        return [list(map(str, row)) for row in found.to_numpy().tolist()]

    return _timed(measured, path)


def hand(path: Path) -> dict[str, object]:
    """One query of DuckDB, written by hand."""
    import duckdb

    return _timed(lambda file: [str(one) for one in duckdb.sql(BY_HAND.format(path=file)).fetchone() or ()], path)


def pointblank(path: Path) -> dict[str, object]:
    """The same checks by pointblank."""
    import ibis
    import pointblank as pb

    def measured(file: Path) -> list[object]:
        checks = pb.Validate(ibis.duckdb.connect().read_parquet(file))
        for name in COLUMNS:
            checks = checks.col_vals_not_null(name)
        for name in COLUMNS:
            checks = checks.rows_distinct(columns_subset=[name])
        checks = checks.col_vals_regex("email", EMAIL, na_pass=True).col_vals_regex("phone", PHONE, na_pass=True)
        checks = checks.col_vals_regex("phone", DIGITS, na_pass=True)
        day = dt.date.fromisoformat(AS_OF)
        checks = checks.col_vals_le("created_at", day, na_pass=True).col_vals_le("updated_at", day, na_pass=True)
        checks = checks.col_vals_ge("updated_at", pb.col("created_at"), na_pass=True)
        done = checks.interrogate(collect_extracts=False)
        return [done.n_failed(i=at, scalar=True) for at in range(1, 1 + len(checks.validation_info))]

    return _timed(measured, path)


def _timed(measured: object, path: Path) -> dict[str, object]:
    measured(path.with_name("small.parquet"))  # type: ignore[operator]  # what is imported on first use is not counted
    began, wall = cpu(), time.perf_counter()
    found = measured(path)  # type: ignore[operator]
    return {"cpu": cpu() - began, "wall": time.perf_counter() - wall, "found": found}


def matching(n: int) -> dict[str, object]:
    """Customers with copies: what is suggested, and what it costs."""
    import ibis

    from _copies import customers_with_copies
    from crmkit.data.summaries.duplicates import contact_records
    from crmkit.models.records.matching import is_installed, suggestions

    if not is_installed():
        return {}
    for size in (2000, n):  # what is imported on first use is not counted
        table, truth = customers_with_copies(size)
        customers = ibis.memtable(table)
        began, wall = cpu(), time.perf_counter()
        found = suggestions(contact_records(customers, calling_code="86"))
        spent = cpu() - began, time.perf_counter() - wall
    kinds = {tuple(sorted(pair)): kind for *pair, kind in truth[["original", "copy", "kind"]].to_numpy().tolist()}
    hits = [kinds[pair] for pair in zip(found["first"], found["second"], strict=True) if pair in kinds]
    by_kind = {kind: hits.count(kind) / int((truth["kind"] == kind).sum()) for kind in sorted(set(truth["kind"]))}
    return {
        "cpu": spent[0],
        "wall": spent[1],
        "suggested": len(found),
        "copies": len(truth),
        "hits": len(hits),
        "by_kind": by_kind,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", help="interpreter that has pointblank")
    given = parser.parse_args()
    bars = [*_costs(given.rows, given.repeats, given.peers), *_duplicates(given.customers)]
    finish(bars)


def _costs(rows: int, repeats: int, peers: str | None) -> list[Bar]:
    import duckdb

    try:
        peer: str | None = peer_python(peers, PEERS)
    except (OSError, subprocess.CalledProcessError):
        peer = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.parquet"
        for name, number in (("small", 1000), ("large", rows)):
            select = TABLE.format(rows=number, customers=max(number // 10, 1))
            duckdb.sql(f"COPY ({select}) TO '{path.with_name(f'{name}.parquet')}' (FORMAT parquet)")
        spent: dict[str, list[float]] = {"kit": [], "hand": [], "pointblank": []}
        for _ in range(repeats):
            for name in spent:
                if name == "pointblank" and peer is None:
                    continue
                done = run(peer if name == "pointblank" and peer else sys.executable, Path(__file__), "--one", name, path)
                spent[name].append(float(str(done["cpu"])))
                print(f"{name:11s} CPU {done['cpu']:6.2f} s, wall {done['wall']:6.2f} s", flush=True)
    ratio = median_ratio(spent["kit"], spent["pointblank"]) if spent["pointblank"] else math.nan
    return [
        Bar(f"one pass over {rows:,} rows, CPU over hand-written", median_ratio(spent["kit"], spent["hand"]), 1.2, least=False),
        Bar("the same, CPU over pointblank", ratio, 0.5, least=False),
    ]


def _duplicates(n: int) -> list[Bar]:
    done = run(sys.executable, Path(__file__), "--one", "matching", n)
    precision = done["hits"] / done["suggested"] if done else math.nan
    recall = done["hits"] / done["copies"] if done else math.nan
    if done:
        print(f"{n:,} customers: CPU {done['cpu']:.1f} s, wall {done['wall']:.1f} s; {done['suggested']} pairs suggested")
        for kind, share in done["by_kind"].items():
            print(f"  recall of copies, {kind}: {share:.3f}")
    return [
        Bar(f"suggestions for {n:,} customers, CPU s", float(done.get("cpu", math.nan)), 30, least=False),
        Bar("pairwise precision", precision, 0.99),
        Bar("pairwise recall on hard copies", recall, 0.90),
    ]


if __name__ == "__main__":
    if "--one" in sys.argv:
        name, argument = sys.argv[2:4]
        one = {"kit": kit, "hand": hand, "pointblank": pointblank}
        print(json.dumps(matching(int(argument)) if name == "matching" else one[name](Path(argument))))
    else:
        main()
