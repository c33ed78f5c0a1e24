"""How does a new analysis begin? Writes notebook, package, test and a section of a params file, all of one template.

``make analysis NAME=returns``. What is written runs and passes at once, as a draft: it asks which share of customers has bought
lately, with one table, one finding and one number that a test knows. Replace question, reading and exhibit by your own, one at
a time; CONTRIBUTING says how it goes on.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

CLIENT = "retailco"
INIT = '''\
"""Which share of customers has bought lately?"""

from crmkit.analyses.NAME.headline import headline
from crmkit.analyses.NAME.read import Buyers, read
from crmkit.analyses.NAME.share import recent

__all__ = ["Buyers", "headline", "read", "recent"]
'''
READ = '''\
"""What is taken from the client: how many customers there are, and how many of them have bought lately."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    from crmkit.data.client import Client


@dataclass(frozen=True)
class Buyers:
    """Customers with a purchase, and those of them whose last one lies within the window."""

    customers: int
    recent: int
    window_days: int


def read(company: Client, *, window_days: int = 90) -> Buyers:
    """How many customers have bought at all, and within the last days?

    Parameters
    ----------
    company : Client
        With the table ``transactions``.
    window_days : days
        Up to the last day that counts.
    """
    orders = company.tables["transactions"]
    last = orders.group_by("customer_id").agg(day=orders["ordered_at"].max().cast("date"))
    since = company.as_of - dt.timedelta(days=window_days)
    # counted inside the engine: what comes out is one row, however many customers there are
    counted = to_frame(last.aggregate(customers=last.count(), recent=(last["day"] > since).ifelse(1, 0).sum()))
    return Buyers(int(counted["customers"].iloc[0]), int(counted["recent"].iloc[0]), window_days)
'''
SHARE = '''\
"""Which share of customers has bought lately?"""

from __future__ import annotations

from crmkit.analyses.NAME.read import Buyers
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson

TITLE = Text("Customers who have bought lately")
NOBODY = Text("not assessed: nobody has bought")
FOUND = Text("{recent} of {customers} customers have bought in the last {days} days.")
COLUMNS = (
    Column("group", "Group", translate=True),
    Column("value", "Share", "share"),
    Column("low", "From", "share"),
    Column("high", "To", "share"),
    Column("n", "Customers", "count"),
)


def recent(buyers: Buyers, *, confidence: float = 0.95) -> Result:
    """Which share of customers has bought lately, and how sure is that?

    Parameters
    ----------
    buyers : Buyers
    confidence : float
        Coverage of the interval.

    Returns
    -------
    Result
        An estimate table with one row, and the finding that it supports.
    """
    if not buyers.customers:
        return not_assessed("NAME_recent", TITLE, NOBODY)
    found = wilson([buyers.recent], [buyers.customers], confidence=confidence)
    row = {"group": mark("all customers"), "measure": "recent", "unit": "share", "method": found.method}
    numbers = {"value": found.value[0], "low": found.low[0], "high": found.high[0], "n": found.n[0]}
    said = {
        "recent": Quantity(buyers.recent, "count"),
        "customers": Quantity(buyers.customers, "count"),
        "days": Quantity(buyers.window_days, "count"),
    }
    finding = Finding("NAME.recent", "info", None, Text(FOUND.template, said), evidence=("NAME_recent",))
    return Result("NAME_recent", "table", TITLE, estimates([row | numbers]), columns=COLUMNS, finding=finding)
'''
HEADLINE = '''\
"""What should the reader know first?"""

from __future__ import annotations

from crmkit.analyses.NAME.read import Buyers
from crmkit.analyses.NAME.share import recent
from crmkit.core.results import Finding


def headline(buyers: Buyers) -> list[Finding]:
    """The findings that lead the report."""
    return [finding for finding in (recent(buyers).finding,) if finding is not None]
'''
TEST = '''\
"""Which share of customers has bought lately?"""

import pandas as pd
import pytest

from crmkit.analyses import NAME


@pytest.fixture
def buyers(company):
    """Of four customers one has bought within the window; the day at its border does not count."""
    days = ["2025-12-30", "2025-10-02", "2025-06-01", "2025-01-01", "2025-01-02"]
    orders = pd.DataFrame({"customer_id": list("ABCDD"), "ordered_at": days, "amount": 10.0})
    return NAME.read(company(tables={"transactions": orders}, as_of="2025-12-31"), window_days=90)


def test_customers_are_counted_once_and_the_window_has_a_border(buyers):
    assert (buyers.customers, buyers.recent) == (4, 1)


def test_the_share_has_its_interval(buyers):
    (row,) = NAME.recent(buyers).table.to_dict("records")
    # Wilson's interval of 1 of 4
    assert row["value"] == 0.25
    assert (row["low"], row["high"]) == pytest.approx((0.04559, 0.69936), abs=5e-6)
    assert row["n"] == 4


def test_nobody_is_not_assessed():
    assert not NAME.recent(NAME.Buyers(0, 0, 90)).assessed


def test_the_finding_leads_the_page(buyers):
    assert [finding.id for finding in NAME.headline(buyers)] == ["NAME.recent"]
'''
PARAMETERS = """\
client: str = "retailco"  # the client's name, that of the file in params/
as_of: str = ""  # YYYY-MM-DD, last day that counts, empty: as the client's file says, else the last complete day
language: str = ""  # en or zh, language of the report, empty: as the client's file says
window_days: int = 90  # days [1, 1825]; how long ago the last purchase may be
confidence: float = 0.95  # share [0.5, 0.999]; coverage of every interval"""
CELLS = (
    (
        "title",
        "# Which share of customers has bought lately?\n\n"
        "This is a draft, written from a template: it counts the customers whose last purchase lies within a window of days, "
        "and says how sure the share is. Replace this text by the question that your reader has, why it matters to them, and "
        "what they can do about the answer.",
    ),
    (
        "needs",
        "## What you need\n\n"
        "A table `transactions` with one row per purchase: who bought (`customer_id`) and when (`ordered_at`). How the "
        "columns of an export are mapped is described in `data/README.md`.",
    ),
    ("parameters", PARAMETERS),
    ("imports", "from crmkit import open_client, open_page\nfrom crmkit.analyses import NAME"),
    (
        "data",
        "## The data, and what was left out\n\n"
        "Everything below counts only the rows that remain here. Rows that could not be used are kept in a file of their "
        "own with the reason, so that they can be mended at the source.",
    ),
    ("open", 'company = open_client(client, as_of=as_of, language=language)\npage = open_page("NAME", company)'),
    ("intake", "page.intake()"),
    ("headline", "## Headline\n\nWhat matters most, the worst first."),
    ("read", "buyers = NAME.read(company, window_days=window_days)"),
    ("show-headline", "page.headline(NAME.headline(buyers))"),
    (
        "share",
        "## Who has bought lately\n\n"
        "A customer counts once, however often they bought. The share is of all who have ever bought; its interval says "
        "how far a share of so many customers may lie from that of all customers like them.",
    ),
    ("show-share", "page.show(NAME.recent(buyers, confidence=confidence))"),
    (
        "limits",
        "## Limits\n\nCustomers who have never bought are not in the data. Nothing is said of why somebody stays away.",
    ),
    ("publish", "page.publish()"),
)


def notebook(name: str) -> dict[str, object]:
    """The notebook of the template, as a draft."""
    prose = {"title", "needs", "data", "headline", "share", "limits"}
    cells = []
    for key, source in CELLS:
        lines = source.replace("NAME", name).splitlines(keepends=True)
        if key in prose:
            cells.append({"cell_type": "markdown", "id": key, "metadata": {}, "source": lines})
        else:
            tags = {"tags": ["parameters"]} if key == "parameters" else {}
            cells.append(
                {"cell_type": "code", "execution_count": None, "id": key, "metadata": tags, "outputs": [], "source": lines}
            )
    declared = {"analysis": name, "draft": True, "results": [], "tables": {"needs": ["transactions"], "uses": []}}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"crmkit": declared, "kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def files(name: str) -> dict[str, str]:
    """Everything that is written, by path from the root of the project."""
    package = {"__init__": INIT, "read": READ, "share": SHARE, "headline": HEADLINE}
    written = {f"src/crmkit/analyses/{name}/{stem}.py": text for stem, text in package.items()}
    written[f"tests/analyses/test_{name}.py"] = TEST
    written = {path: text.replace("NAME", name) for path, text in written.items()}
    written[f"notebooks/{name}.ipynb"] = json.dumps(notebook(name), ensure_ascii=False, indent=1) + "\n"
    return written


def main(arguments: list[str], *, home: Path) -> int:
    """Write the files; refuses a name that cannot be one, or that is taken."""
    name = arguments[0] if len(arguments) == 1 else ""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        print(f"name {name!r}: write small letters, digits and underscores: make analysis NAME=returns", file=sys.stderr)
        return 2
    params = home / "params" / f"{CLIENT}.yml"
    text = params.read_text(encoding="utf-8")
    taken = [path for path in (*files(name), f"src/crmkit/analyses/{name}.py") if (home / path).exists()]
    if taken or re.search(rf"^{name}:", text, re.MULTILINE):
        print(f"name {name!r}: is taken by {', '.join(taken) or params.name}", file=sys.stderr)
        return 2
    for path, content in files(name).items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(content, encoding="utf-8")
        print(path)
    section = f"\n# a draft: whose last purchase lies within so many days has bought lately\n{name}:\n  window_days: 90\n"
    params.write_text(text.rstrip("\n") + "\n" + section, encoding="utf-8")
    print(f"params/{params.name}")
    print(f"\nTry: .venv/bin/crmkit run {CLIENT} --only {name}; .venv/bin/python -m pytest tests/analyses/test_{name}.py")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], home=Path(__file__).parents[1]))
