"""Three ways to run a notebook give the same report; the fourth, which would run with the defaults, stops."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crmkit import cli

ROOT = Path(__file__).parents[3]
PARAMETERS = """\
client: str = "retailco"  # the client's name
as_of: str = ""  # YYYY-MM-DD, last day that counts
language: str = ""  # en or zh
horizon_days: int = 90  # days [1, 1825]; how far ahead
tier_cuts: list[float] = [0.2, 0.5]  # share [0.01, 0.99]; where tiers end
"""
CELLS = [
    ("markdown", "# How many orders are there?"),
    ("parameters", PARAMETERS),
    ("code", "from crmkit import open_client, open_page\ncompany = open_client(client, as_of=as_of, language=language)"),
    ("code", 'page = open_page("orders", company)\npage.intake()'),
    ("code", "page.publish()"),
]
PAPERMILL = "import sys; sys.modules.setdefault('rfc3987_syntax', None); from papermill.cli import papermill; papermill()"


@pytest.fixture
def orders(tiny_home, add_notebook):
    """A project with the first orders of the demo retailer, and a notebook that opens and publishes them."""
    (tiny_home / "notebooks" / "tiny.ipynb").unlink()
    (tiny_home / "params" / "acme.yml").unlink()
    add_notebook("orders", cells=CELLS, tables={"needs": ["transactions"]})
    source, target = ROOT / "data" / "demo" / "retailco", tiny_home / "data" / "retailco"
    target.mkdir()
    lines = (source / "transactions.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (target / "transactions.csv").write_text("".join(lines[:300]), encoding="utf-8")
    (tiny_home / "params" / "retailco.yml").write_text(
        "client: retailco\ntitle: RetailCo\nsource: data/retailco\ncurrency: EUR\nlanguage: zh\n"
        "orders: {horizon_days: 180, tier_cuts: [0.1, 0.9]}\n"
    )
    return tiny_home


@pytest.fixture
def papermill(orders, tmp_path):
    """Runs Papermill's command line on the notebook; gives what it ended with and the report that was written."""

    def run(name, *options):
        out = tmp_path / name
        out.mkdir()
        notebook = [str(orders / "notebooks" / "orders.ipynb"), str(out / "out.ipynb"), "--no-progress-bar"]
        environment = os.environ | {"CRMKIT_OUT": str(out)}
        done = subprocess.run(
            [sys.executable, "-c", PAPERMILL, *notebook, *options], capture_output=True, text=True, env=environment, cwd=orders
        )
        report = out / "report.json"
        return done, json.loads(report.read_text()) if report.exists() else None

    return run


def test_three_doors_give_the_same_report_and_the_fourth_stops(orders, papermill, monkeypatch, capsys, tmp_path):
    nested, flat = orders / "params" / "retailco.yml", tmp_path / "flat.yml"

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["crmkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().out

    code, _ = command("run", "retailco")
    assert code == 0
    (path,) = orders.glob("reports/retailco/*/runs/*/orders/report.json")
    by_run = json.loads(path.read_text())
    _, text = command("params", "retailco", "orders")
    flat.write_text(text)

    with_engine, by_engine = papermill("engine", "--engine", "crmkit", "-f", str(nested))
    assert with_engine.returncode == 0, with_engine.stderr
    without, by_flat = papermill("flat", "-f", str(flat))
    assert without.returncode == 0, without.stderr
    for report in (by_run, by_engine, by_flat):
        report.pop("generated_at")
    assert by_run == by_engine == by_flat
    assert by_run["parameters"]["horizon_days"] == {"value": 180, "origin": "params/retailco.yml"}
    assert by_run["language"] == "zh"

    refused, nothing = papermill("nested", "-f", str(nested))
    assert refused.returncode != 0
    assert nothing is None
    said = "use 'crmkit run retailco', or 'crmkit params retailco orders > flat.yml' and papermill with '-f flat.yml'"
    assert said in refused.stderr
