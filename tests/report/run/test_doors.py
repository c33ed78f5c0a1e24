"""Three ways to run a notebook give the same report; the fourth, which would run with the defaults, stops."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crmkit import cli
from crmkit.core.results import REPORT_MIME
from crmkit.core.settings import read_settings
from crmkit.report.folders import read_json
from crmkit.report.params.flatten import flatten, to_yaml
from crmkit.report.run import run_clients
from crmkit.report.site import client_lines, write_site

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("shared_server")]

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


def kept(home, analysis):
    """The records of all runs of a notebook."""
    return list(home.glob(f"reports/*/*/runs/*/{analysis}/report.json"))


@pytest.fixture
def papermill(orders, tmp_path):
    """Runs Papermill's command line on the notebook; gives what it ended with and the report that was written."""

    def run(name, *options, analysis="orders"):
        before = {*kept(orders, analysis)}
        notebook = [str(orders / "notebooks" / f"{analysis}.ipynb"), str(tmp_path / f"{name}.ipynb"), "--no-progress-bar"]
        command = [sys.executable, "-c", PAPERMILL, *notebook, *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=orders)
        new = {*kept(orders, analysis)} - before
        return done, json.loads(new.pop().read_text()) if new else None

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
    (path,) = kept(orders, "orders")
    by_run = json.loads(path.read_text())
    _, text = command("params", "retailco", "orders")
    flat.write_text(text)

    with_engine, by_engine = papermill("engine", "--engine", "crmkit", "-f", str(nested))
    assert with_engine.returncode == 0, with_engine.stderr
    without, by_flat = papermill("flat", "-f", str(flat))
    assert without.returncode == 0, without.stderr
    for report in (by_run, by_engine, by_flat):
        report.pop("generated_at")
        # only a run looks for identifiers, on the page that it makes
        assert (report["privacy"].pop("unscanned") != {}) == (report is by_run)
    assert by_run == by_engine == by_flat
    assert by_run["parameters"]["horizon_days"] == {"value": 180, "origin": "params/retailco.yml"}
    assert by_run["language"] == "zh"
    shown = by_run["exhibits"][0].pop("shown")
    assert [column["name"] for column in shown["columns"]] == ["table", "step", "rows"]
    assert by_run["exhibits"][0] == {
        "name": "intake",
        "kind": "table",
        "title": "计入与剔除的数据行",
        "assessed": True,
        "reason": "",
    }

    refused, nothing = papermill("nested", "-f", str(nested))
    assert refused.returncode != 0
    assert nothing is None
    said = "use 'crmkit run retailco', or 'crmkit params retailco orders > flat.yml' and papermill with '-f flat.yml'"
    assert said in refused.stderr


READER = [
    CELLS[0],
    ("parameters", PARAMETERS),
    CELLS[2],
    ("code", 'page = open_page("reader", company)'),
    ("code", 'read = page.results("orders")\nprint(read.run, read.reason, len(read.table("intake")))'),
    ("code", "page.intake()"),
    ("code", "page.publish()"),
]


@pytest.fixture
def reader(orders, add_notebook):
    """A second notebook, which reads the results of the first."""
    add_notebook("reader", cells=READER, tables={"needs": ["transactions"]}, results=["orders"])
    params = orders / "params" / "retailco.yml"
    params.write_text(params.read_text() + "reader: {horizon_days: 30}\n")
    return orders


def flat_file(home, analysis, to):
    """The flat file of an analysis; gives its path."""
    path = to / f"{analysis}.yml"
    path.write_text(to_yaml(flatten(read_settings("retailco", home=home), analysis, home=home)))
    return str(path)


def findings(home):
    """What the last good runs of the only date have found, by notebook."""
    (dated,) = home.glob("reports/retailco/*/latest.json")
    entries = read_json(dated)["analyses"]
    reports = {name: read_json(dated.parent / entry["folder"] / "report.json") for name, entry in entries.items()}
    return {name: [{**one} for one in report["findings"]] + report["estimates"] for name, report in reports.items()}


def test_papermill_alone_keeps_and_finds_results_as_a_run_does(reader, papermill, tmp_path):
    for analysis in ("orders", "reader"):
        done, report = papermill(analysis, "-f", flat_file(reader, analysis, tmp_path), analysis=analysis)
        assert done.returncode == 0, done.stderr
        assert report["parameters"]["horizon_days"]["origin"] == "params/retailco.yml"
    printed = (tmp_path / "reader.ipynb").read_text()
    (first,) = kept(reader, "orders")
    assert f"{first.parents[1].name} None 4" in printed
    by_papermill = findings(reader)
    assert not list(reader.glob("reports/retailco/.published/*"))
    write_site(reader)
    lines = client_lines(reader, "retailco")
    assert all(line.status == "ok" and not line.page for line in lines)
    assert {(line.analysis, line.question) for line in lines} == {
        ("orders", "How many orders are there?"),
        ("reader", "How many orders are there?"),
    }

    # it is not known of them whether anything has changed, so both are run again; then they have pages
    outcomes = run_clients(["retailco"], home=reader)
    assert [(one.analysis, one.status) for one in outcomes] == [("orders", "ok"), ("reader", "ok")]
    assert findings(reader) == by_papermill
    assert set(by_papermill) == {"orders", "reader"}
    assert by_papermill["reader"]
    assert all(line.page for line in client_lines(reader, "retailco"))


@pytest.mark.parametrize("engine", [[], ["--engine", "crmkit"]], ids=["stock", "crmkit"])
def test_a_misspelt_name_stops_with_the_nearest(orders, papermill, engine):
    done, report = papermill("wrong", *engine, "-p", "client", "retailco", "-p", "horizn_days", "30")
    assert done.returncode != 0
    assert report is None
    assert "command line: unknown parameter 'horizn_days'; did you mean 'horizon_days'?" in done.stderr


def test_what_papermill_says_of_its_paths_is_no_parameter(orders, papermill):
    for engine in ([], ["--engine", "crmkit"]):
        done, report = papermill("paths", *engine, "--inject-paths", "-p", "client", "retailco")
        assert done.returncode == 0, done.stderr
        assert set(report["parameters"]) == {"client", "as_of", "language", "horizon_days", "tier_cuts"}


def test_a_value_typed_on_the_command_line_is_told_from_an_equal_one_of_the_file(orders, papermill):
    nested = str(orders / "params" / "retailco.yml")
    done, report = papermill("typed", "--engine", "crmkit", "-f", nested, "-p", "horizon_days", "180")
    assert done.returncode == 0, done.stderr
    assert report["parameters"]["horizon_days"] == {"value": 180, "origin": "command line"}
    assert report["parameters"]["tier_cuts"]["origin"] == "params/retailco.yml"


def test_the_origin_that_a_run_has_found_is_what_its_page_shows(orders):
    (outcome,) = run_clients(["retailco"], home=orders, overrides={"language": "zh"})
    report, nb = read_json(outcome.folder / "report.json"), read_json(outcome.folder / "orders.ipynb")
    shown = [one["data"][REPORT_MIME] for cell in nb["cells"] for one in cell.get("outputs", ()) if REPORT_MIME in one["data"]]
    origins = {name: one["origin"] for name, one in report["parameters"].items()}
    assert origins["language"] == "command line"
    assert origins["client"] == origins["tier_cuts"] == "params/retailco.yml"
    assert [one["parameters"] for one in shown] == [report["parameters"]]


@pytest.mark.slow
def test_the_notebooks_run_by_papermill_alone_find_what_a_run_finds(tmp_path, monkeypatch):
    home = tmp_path / "project"
    home.mkdir()
    for name in ("notebooks", "params", "data"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns(".*"))
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    names = ["data_quality", "clv", "churn", "satisfaction", "audit"]
    for analysis in names:
        notebook = [str(home / "notebooks" / f"{analysis}.ipynb"), str(tmp_path / "out.ipynb"), "--no-progress-bar"]
        given = ["-f", flat_file(home, analysis, tmp_path)]
        done = subprocess.run([sys.executable, "-c", PAPERMILL, *notebook, *given], capture_output=True, text=True, cwd=home)
        assert done.returncode == 0, done.stderr
    by_papermill = findings(home)
    run_clients(["retailco"], home=home, only=names)
    assert set(by_papermill) == {*names}
    assert findings(home) == by_papermill
