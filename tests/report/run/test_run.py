"""Runs: what is written where, what happens when a notebook fails, and that nothing of it leaves the house."""

import datetime as dt
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from crmkit.core.errors import CrmkitError, DataError, ParamError, ReportError
from crmkit.report.folders import locked, read_json, read_latest
from crmkit.report.page.page import Page
from crmkit.report.params.notebooks import read_notebook, read_notebooks, run_order, with_upstream
from crmkit.report.record import read_results
from crmkit.report.run import exit_code, plan, run_clients

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("shared_server")]

DATE = "2025-12-31"


class Listener:
    """Keeps what a run told."""

    def __init__(self):
        self.told = []

    def plan(self, planned, *, jobs):
        self.told.append((jobs, [(one.client, one.analysis, one.cells) for one in planned]))

    def begin(self, client, analysis):
        self.told.append((client, analysis))

    def cell(self, client, analysis, number):
        self.told.append((client, analysis, number))

    def left_out(self, outcome):
        self.told.append(outcome)

    def done(self, outcome):
        self.told.append(outcome)


def run(home, *clients, **options):
    return run_clients(clients or ["acme"], home=home, progress=Listener(), **options)


def test_notebooks_run_after_those_whose_results_they_read(tiny_home, add_notebook):
    add_notebook("audit", "", results=["tiny", "churn"])
    add_notebook("churn", "", results=["tiny"])
    notebooks = read_notebooks(tiny_home)
    assert list(notebooks) == ["tiny", "churn", "audit"]
    assert with_upstream(["churn"], notebooks) == ["tiny", "churn"]
    assert notebooks["tiny"].question == "How many orders are late?"
    add_notebook("tiny", "", results=["audit"])
    with pytest.raises(ReportError, match="in a circle: "):
        run_order(read_notebook(name, home=tiny_home) for name in ("audit", "churn", "tiny"))


def test_a_good_run_leaves_everything_in_its_place(tiny_home, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    (outcome,) = run(tiny_home)
    assert (outcome.status, exit_code([outcome])) == ("ok", 0)
    dated = tiny_home / "reports" / "acme" / DATE
    folder = outcome.folder
    assert folder.parent.parent == dated / "runs"
    assert {path.name for path in folder.iterdir()} == {
        *("tiny.html", "tiny.ipynb", "report.json", "run.json", "results", "lists"),
    }
    assert (dated / "tiny.html").read_text() == (folder / "tiny.html").read_text()
    assert read_latest(tiny_home, "acme", DATE)["analyses"]["tiny"]["run"] == folder.parent.name
    report = read_json(folder / "report.json")
    assert report["parameters"]["horizon_days"] == {"value": 180, "origin": "params/acme.yml"}
    assert not (tiny_home / "reports" / "acme" / ".work").exists()
    assert str(tiny_home) not in (folder / "tiny.ipynb").read_text()
    page = (dated / "tiny.html").read_text()
    assert "loaded 180 contractual" in page
    assert "ACME &lt;Retail&gt;" in page


def test_results_are_read_only_where_everything_fits(tiny_home, add_client):
    common = {"client": "acme", "as_of": DATE, "fingerprint": "f1", "home": tiny_home}
    assert read_results("tiny", **common).reason.template == "run {analysis} first"
    run(tiny_home)
    found = read_results("tiny", **common)
    assert found.report["title"] == "ACME <Retail>"
    with pytest.raises(ReportError, match="has no result 'totals'"):
        found.table("totals")
    assert read_results("tiny", **common | {"fingerprint": "f2"}).reason.numbers["what"].template == "data"
    add_client("acme", "tiny: {horizon_days: 30}\n")
    reading = read_results("tiny", **common)
    assert reading.report is None
    assert reading.reason.numbers["what"].template == "parameters"
    with pytest.raises(ReportError, match="cannot be used here"):
        reading.table("totals")


def test_a_page_reads_the_results_that_its_notebook_names(tiny_home, add_notebook):
    add_notebook("after", "", results=["tiny", "churn"])
    run(tiny_home)
    company = SimpleNamespace(name="acme", as_of=dt.date.fromisoformat(DATE), fingerprint="f1", home=tiny_home)
    page = Page("after", company, {})
    assert page.results("tiny").report["title"] == "ACME <Retail>"
    assert {name: one.reason is None for name, one in page.results().items()} == {"tiny": True, "churn": False}


def test_one_that_fails_stops_neither_the_others_nor_replaces_the_last_good_page(
    tiny_home, add_notebook, add_client, monkeypatch
):
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    add_client("acme", "tables: {orders: {table: '${DB_PASSWORD}'}}\n")
    add_notebook("after", "x = 1", results=["tiny"])
    good = {outcome.analysis: outcome for outcome in run(tiny_home)}
    assert {outcome.status for outcome in good.values()} == {"ok"}
    page = (tiny_home / "reports" / "acme" / DATE / "after.html").read_text()

    add_notebook("after", 'import os; print("hunter2-hunter2"); raise KeyError(os.environ["DB_PASSWORD"])')
    add_notebook("dies", "import os; os._exit(9)")
    add_notebook("slow", "import time; time.sleep(30)")
    add_notebook("wrong", 'from crmkit.core.errors import DataError; raise DataError(["a: is bad", "b: is worse"])')
    found = {outcome.analysis: outcome for outcome in run(tiny_home, timeout=2)}
    assert {name: outcome.status for name, outcome in found.items()} == {
        "after": "failed",
        "dies": "killed",
        "slow": "timeout",
        "tiny": "ok",
        "wrong": "failed",
    }
    assert exit_code(found.values()) == 1
    assert exit_code([found["tiny"], found["wrong"]]) == 2
    assert (found["wrong"].message, found["wrong"].by_user) == ("a: is bad\nb: is worse", True)
    assert found["dies"].cell == found["slow"].cell
    assert found["after"].message == "KeyError: '${DB_PASSWORD}'"

    dated = tiny_home / "reports" / "acme" / DATE
    assert (dated / "after.html").read_text() == page
    latest = read_latest(tiny_home, "acme", DATE)
    assert latest["analyses"]["after"]["run"] == good["after"].folder.parent.name
    assert latest["attempts"]["after"]["status"] == "failed"
    failed = found["after"].folder
    assert "This report was not finished" in (failed / "after.html").read_text()
    for path in failed.iterdir():
        assert not path.is_file() or "hunter2" not in path.read_text()
    assert not (dated / "dies.html").exists()
    kept = json.loads((found["dies"].folder / "dies.ipynb").read_text())
    assert "completed" not in json.dumps(kept)
    index = (tiny_home / "reports" / "acme" / "index.html").read_text()
    assert "Last run failed" in index


def test_a_notebook_that_publishes_nothing_has_failed(tiny_home, add_client, add_notebook):
    add_client("acme")
    first = 'client: str = "acme"\nas_of: str = ""\nlanguage: str = ""'
    add_notebook("tiny", cells=[("parameters", first), ("code", "1 + 1")])
    (outcome,) = run(tiny_home)
    assert outcome.message == "wrote no report.json: its last cell must be page.publish()"


def test_wrong_parameters_stop_before_any_kernel_starts(tiny_home, add_client, monkeypatch):
    monkeypatch.setattr(
        "crmkit.report.run.execute.execute", lambda *_, **__: pytest.fail("a kernel was started"), raising=False
    )
    add_client("beta", "tiny: {horizon_days: 0}\n")
    with pytest.raises(ParamError, match=r"params/beta.yml, tiny.horizon_days: is 0; allowed is"):
        run(tiny_home, "acme", "beta")
    with pytest.raises(ParamError, match=r"--only: analysis 'tin' has no notebook; did you mean 'tiny'\?"):
        run(tiny_home, only=["tin"])
    with pytest.raises(ParamError, match="as_of: 'soon' is not a date"):
        run(tiny_home, overrides={"as_of": "soon"})


def test_what_a_client_has_no_tables_for_is_not_run(tiny_home):
    (tiny_home / "data" / "acme").mkdir()
    listener = Listener()
    (outcome,) = run_clients(["acme"], home=tiny_home, progress=listener)
    assert (outcome.status, outcome.message) == ("skipped", "not run: needs transactions")
    assert listener.told == [outcome]
    assert exit_code([outcome]) == 0


def test_a_second_run_of_a_client_says_who_holds_it(tiny_home):
    with (
        locked(tiny_home, "acme"),
        pytest.raises(CrmkitError, match=rf"client 'acme': is being run by process {os.getpid()} on"),
    ):
        run(tiny_home)
    with locked(tiny_home, "acme"):
        pass


def test_papermill_runs_a_whole_params_file_with_the_kits_engine(tiny_home, tmp_path):
    code = "import sys; sys.modules['rfc3987_syntax'] = None; from papermill.cli import papermill; papermill(sys.argv[1:])"
    notebook, out = tiny_home / "notebooks" / "tiny.ipynb", tmp_path / "out.ipynb"
    options = ["--engine", "crmkit", str(notebook), str(out), "-f", str(tiny_home / "params" / "acme.yml"), "--no-progress-bar"]
    environment = os.environ | {"CRMKIT_OUT": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "loaded 180 contractual" in out.read_text()


@pytest.mark.parametrize("first", ["papermill", "crmkit.report.engine", "crmkit.report.plugin"])
def test_papermill_and_the_engine_may_be_imported_in_any_order(first):
    code = f"import {first}; from papermill.engines import papermill_engines as e; print(e.get_engine('crmkit').__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("KitEngine", "")


def test_what_a_package_holds_is_known_without_opening_it(tiny_home, tmp_path, monkeypatch):
    (tmp_path / "orders.csv").write_text("customer_id\n", encoding="utf-8")
    monkeypatch.setattr(plan, "package_folder", lambda source: tmp_path)
    settings = SimpleNamespace(source="package:shop/data", tables={"transactions": None})
    needs = SimpleNamespace(needs=("transactions", "orders", "customers", "surveys"))
    assert plan.missing_tables(needs, settings, home=tiny_home) == ["surveys"]
    either = SimpleNamespace(needs=("orders|tickets", "tickets|surveys"))
    assert plan.missing_tables(either, settings, home=tiny_home) == ["tickets / surveys"]

    def absent(source):
        raise DataError("not installed")

    monkeypatch.setattr(plan, "package_folder", absent)
    assert plan.missing_tables(needs, settings, home=tiny_home) == []
