"""What does it cost to write the summaries once, for every engine, and how much memory do they take?

Ten million purchases in Parquet. The opponent is the same reduction as a DuckDB query written by hand, on the same types, in
the order of operations that DuckDB likes best (arg_min). Run: ``.venv/bin/python benchmarks/summaries.py [--rows N]``.
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
GENERATE = """
COPY (
    SELECT 'C' || lpad((hash(i) % {customers})::VARCHAR, 8, '0') AS customer_id,
        DATE '2022-01-01' + (hash(i + 1000000007) % 1096)::INTEGER AS ordered_at,
        ((hash(i + 2000000011) % 50000)::DECIMAL(18, 4) / 100)::DECIMAL(18, 4) AS amount,
        hash(i + 3000000019) % 50 = 0 AS is_return
    FROM range({rows}) t(i)
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
BY_HAND = f"""
WITH daily AS (
    SELECT customer_id, ordered_at AS day,
        coalesce(sum(amount) FILTER (NOT is_return), 0) AS amount,
        coalesce(sum(abs(amount)) FILTER (is_return), 0) AS returned,
        count(*) FILTER (NOT is_return) AS n
    FROM read_parquet('{{path}}') WHERE ordered_at <= DATE '{AS_OF}' GROUP BY ALL
), customer AS (
    SELECT customer_id, min(day) FILTER (n > 0) AS first_day, max(day) FILTER (n > 0) AS last_day,
        count(*) FILTER (n > 0) AS days, sum(amount) AS amount, arg_min(amount, day) FILTER (n > 0) AS first_amount,
        sum(returned) AS returned
    FROM daily GROUP BY customer_id
)
SELECT customer_id, days - 1 AS frequency, last_day - first_day AS recency_days, DATE '{AS_OF}' - first_day AS "T_days",
    CASE WHEN days > 1 THEN (amount - first_amount)::DOUBLE / (days - 1)::DOUBLE ELSE 0.0 END AS monetary_value,
    DATE '{AS_OF}' - last_day AS days_since_last, first_day, last_day, days AS purchase_days, amount::DOUBLE AS total,
    returned::DOUBLE AS returned
FROM customer WHERE days > 0 ORDER BY customer_id
"""


def contender(name: str, path: Path, out: Path) -> None:
    """One run in a process of its own: the summary of the log as a Parquet file; CPU seconds and peak memory as JSON."""
    import datetime as dt

    import ibis

    from crmkit.data.sources.engine import connect, disconnect, literal, query
    from crmkit.data.summaries.purchases import purchase_summary

    con, _ = connect()
    before = resource.getrusage(resource.RUSAGE_SELF)
    if name == "kit":
        sql = ibis.to_sql(purchase_summary(con.read_parquet(path), as_of=dt.date.fromisoformat(AS_OF)), dialect="duckdb")
    else:
        sql = BY_HAND.format(path=path)
    query(con, f"COPY ({sql}) TO {literal(out)} (FORMAT parquet)")
    after = resource.getrusage(resource.RUSAGE_SELF)
    disconnect(con)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "peak_gb": after.ru_maxrss * 1024 / 1e9}))


def differing_rows(one: Path, other: Path) -> int:
    """Rows of one file that are not in the other, and the reverse."""
    import duckdb

    a, b = f"FROM '{one}'", f"FROM '{other}'"
    columns = (
        "customer_id, frequency::BIGINT, recency_days::BIGINT, T_days::BIGINT, monetary_value, days_since_last::BIGINT,"
        " first_day, last_day, purchase_days::BIGINT, total, returned"
    )
    sql = "SELECT count(*) FROM (SELECT {c} {x} EXCEPT ALL SELECT {c} {y})"
    with duckdb.connect() as con:
        counts = [con.execute(sql.format(c=columns, x=x, y=y)).fetchone() for x, y in ((a, b), (b, a))]
    return sum(count for (count,) in counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        name, path, out = options.contender
        contender(name, Path(path), Path(out))
        return
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        log, outs = Path(folder) / "log.parquet", {name: Path(folder) / f"{name}.parquet" for name in ("hand", "kit")}
        with duckdb.connect() as con:
            con.execute(GENERATE.format(rows=options.rows, customers=options.rows // 10, path=log))
        found: dict[str, list[dict[str, float]]] = {"hand": [], "kit": []}
        for repetition in range(options.repetitions + 1):
            for name, out in outs.items():
                measured = run(sys.executable, Path(__file__), "--contender", name, log, out)
                if repetition:  # the first one warms the file cache for both
                    found[name].append(measured)
                print(f"{name:5s} {measured['cpu']:7.2f} CPU s  {measured['peak_gb']:5.2f} GB", file=sys.stderr)
        differing = differing_rows(outs["kit"], outs["hand"])
        small = limited(log, outs["kit"])
    ratio = median_ratio([each["cpu"] for each in found["kit"]], [each["cpu"] for each in found["hand"]])
    millions = f"{options.rows / 1e6:g} M rows"
    finish(
        [
            Bar(f"purchase_summary, {millions}: CPU over the query by hand", ratio, 1.1, least=False),
            Bar("purchase_summary: rows that differ from the query by hand", differing, 0, least=False),
            Bar(f"purchase_summary, {millions}: peak GB with a limit of 1 GB", small["peak_gb"], 1.25, least=False),
        ]
    )


def limited(log: Path, out: Path) -> dict[str, float]:
    """The same with a memory limit of 1 GB."""
    import os

    os.environ["CRMKIT_MEMORY"] = "1GB"
    return run(sys.executable, Path(__file__), "--contender", "kit", log, out)


if __name__ == "__main__":
    main()
