"""What became of a folder that ``crmkit new`` has looked at: rows and sums of its tables, lines of its params file."""

from pathlib import Path

SUMS = {"transactions": "amount", "opportunities": "amount", "subscriptions": "mrr", "surveys": "score", "tickets": "csat"}


def counted(home: Path, table: str, *, client: str = "acme") -> tuple[int, float | None]:
    """Rows that count of a table, and the sum of what is added up in it."""
    from crmkit.data.client import open_client
    from crmkit.data.sources.engine import to_frame

    with open_client(client, home=home) as opened:
        frame = to_frame(opened.tables[table])
    if table == "transactions" and "is_return" in frame:
        frame["amount"] = frame["amount"].where(~frame["is_return"] | (frame["amount"] < 0), -frame["amount"])
    return len(frame), None if table not in SUMS else round(float(frame[SUMS[table]].sum()), 2)


def lines_of(text: str) -> dict[str, int]:
    """Lines of each table in a params file, without the items of a questionnaire."""
    found: dict[str, int] = {}
    table, items = "", False
    for line in text.split("tables:\n")[1].splitlines():
        if line and not line.startswith(" "):
            break
        if line.startswith("  ") and line[2] not in " #":
            table, items = line.strip(" :"), False
        items = (items or line == "    items:") and (line == "    items:" or line.startswith("      "))
        if table and not (items and line.startswith("      ")):
            found[table] = found.get(table, 0) + 1
    return found
