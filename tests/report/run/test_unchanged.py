"""What has not changed is not run again: whatever a result depends on, and nothing else, makes a notebook run."""

import json
import os

import pytest

from crmkit.core.errors import ParamError
from crmkit.report.folders import read_json, read_latest, reports_folder
from crmkit.report.run import run_clients
from crmkit.report.run.clean import clean_runs
from crmkit.report.run.inputs import Data, kit_hashes
from crmkit.report.run.outcome import Outcome
from crmkit.report.run.plan import STATE

pytestmark = pytest.mark.long

DATE = "2025-12-31"


@pytest.fixture
def project(tiny_home, add_notebook, add_client, monkeypatch):
    """A client with a file, notebooks ``tiny`` and, reading it, ``churn``; runs take no time, and say what was run."""
    (tiny_home / "data" / "acme").mkdir()
    (tiny_home / "data" / "acme" / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    add_notebook("churn", "", results=["tiny"])
    fails = set()

    def pretend(job, *, on_cell=None):
        from crmkit.report.folders import RECORD, REPORT, keep, note_attempt, work_folder, write_json

        status = "failed" if job.analysis in fails else "ok"
        if job.analysis in fails and "interrupt" in fails:
            raise KeyboardInterrupt
        work = work_folder(job.home, job.client, job.run_id, job.analysis)
        report = {"as_of": DATE, "client": job.client, "parameters": job.flat.recorded(), "data": {"tables": {}}}
        if "later" in fails:
            report["data"]["tables"] = {"transactions": {"after_as_of": 3}}
        write_json(work / REPORT, report)
        (work / f"{job.analysis}.html").write_text("page")
        record = {"run": job.run_id, "status": status, "message": "", "seconds": 1.0, "finished_at": "2026-01-01T00:00:00"}
        write_json(work / RECORD, record | {"inputs": job.inputs.recorded(job.upstream, report) if status == "ok" else None})
        where = {"home": job.home, "client": job.client, "as_of": DATE, "analysis": job.analysis}
        folder = keep(work, run_id=job.run_id, **where)
        note_attempt(folder, record, **where)
        return Outcome(job.client, job.analysis, status, 1.0, folder=folder)

    monkeypatch.setenv("CRMKIT_KERNELS", "cold")
    monkeypatch.setattr("crmkit.report.run.execute.execute", pretend)
    return tiny_home, fails


@pytest.fixture
def ran(project):
    """Runs, and gives the names of what was really run."""
    home, _ = project
    return lambda *clients, **options: [
        one.analysis for one in run_clients(clients or ["acme"], home=home, **options) if one.status != "skipped"
    ]


def test_nothing_changed_nothing_run(project, ran):
    home, _ = project
    assert ran() == ["tiny", "churn"]
    assert ran() == []
    (kept,) = run_clients(["acme"], home=home, only=["tiny"])
    assert kept.folder == home / "reports" / "acme" / DATE / read_latest(home, "acme", DATE)["analyses"]["tiny"]["folder"]
    assert kept.message == f"unchanged since run {kept.folder.parent.name}"
    assert ran(force=True) == ["tiny", "churn"]


def test_an_unchanged_result_clears_the_mark_of_an_attempt_that_failed(project, ran):
    home, fails = project
    ran()
    fails.add("tiny")
    assert ran(only=["tiny"], force=True) == ["tiny"]
    assert read_latest(home, "acme", DATE)["attempts"]["tiny"]["status"] == "failed"
    index = reports_folder(home) / "acme" / "index.html"
    assert "Last run failed" in index.read_text()
    assert ran() == []
    latest = read_latest(home, "acme", DATE)
    assert (latest["attempts"]["tiny"]["status"], latest["attempts"]["tiny"]["message"]) == ("ok", "")
    assert latest["attempts"]["tiny"]["run"] == latest["analyses"]["tiny"]["run"]
    assert "Last run failed" not in index.read_text()


def test_what_a_result_depends_on_makes_it_run(project, ran, add_client, add_notebook):
    home, _ = project
    ran()
    add_client("acme", "tiny: {horizon_days: 181}\n")
    assert ran() == ["tiny", "churn"], "churn reads what tiny has found"
    add_notebook("churn", "1 + 1", results=["tiny"])
    assert ran() == ["churn"]
    add_client("acme", "currency: USD\ntiny: {horizon_days: 181}\n")
    assert ran() == ["tiny", "churn"]
    own = home / "params" / "acme" / "indicators.yml"
    own.parent.mkdir()
    for text in ("P-RESP: {target: 0.9}\n", "P-RESP: {target: 0.8}\n"):
        own.write_text(text, encoding="utf-8")
        assert ran() == ["tiny", "churn"], "what the client sets in a catalogue counts"
        assert ran() == []
    own.unlink()
    assert ran() == ["tiny", "churn"]
    assert ran(overrides={"language": "zh"}) == ["tiny", "churn"]
    assert ran() == ["tiny", "churn"], "the page is to be in the language of the params file again"
    add_client("acme", "merge: params/acme/merge.csv\n")
    assert ran() == ["tiny", "churn"]
    for text in ("customer_id,kept_id\n2,1\n", "customer_id,kept_id\n3,1\n"):
        (own.parent / "merge.csv").write_text(text, encoding="utf-8")
        assert ran() == ["tiny", "churn"], "whom the client has merged counts"
        assert ran() == []
    (home / "requirements.lock").write_text("pandas==2.3\n")
    assert ran() == ["tiny", "churn"]
    (home / "reports" / "acme" / DATE / "churn.html").unlink()
    assert ran() == ["churn"]
    (home / "params" / "acme.key").write_text("another")
    assert ran() == ["tiny", "churn"]
    assert ran() == []


def test_a_file_is_read_again_only_when_its_size_or_time_is_another(project, ran, monkeypatch):
    home, _ = project
    ran()
    file = home / "data" / "acme" / "transactions.csv"
    with monkeypatch.context() as patch:
        patch.setattr("crmkit.report.run.inputs.content_hash", _never(file))
        assert ran() == []
    os.utime(file, ns=(1, 1))
    assert ran() == [], "another time, the same content"
    file.write_text(file.read_text() + "1,2025-01-02,2\n")
    assert ran() == ["tiny", "churn"]
    (file.parent / "tickets.csv").write_text("ticket_id\n")
    assert ran() == ["tiny", "churn"], "a table more"


def _never(file):
    from crmkit.data.sources.files import content_hash

    def check(path):
        assert path != file
        return content_hash(path)

    return check


def test_data_that_change_meanwhile_are_not_taken_for_those_that_were_read(project):
    home, _ = project
    file = home / "data" / "acme" / "transactions.csv"
    data = Data(file.parent, home / "memory.json")
    file.write_text("changed while a notebook was running")
    assert data.content() is None
    assert not (home / "memory.json").exists()
    assert Data(file, home / "memory.json").content() == Data(file, home / "memory.json").content()


def test_where_the_files_cannot_be_seen_it_is_run_every_time(project, ran):
    home, _ = project
    (home / "params" / "acme.yml").write_text("client: acme\ntitle: X\nsource: data/nowhere\n")
    assert ran(only=["tiny"]) == ["tiny"]
    assert ran(only=["tiny"]) == ["tiny"]


def test_rows_after_the_last_day_count_tomorrow(project, ran, monkeypatch):
    _, fails = project
    fails.add("later")
    ran()
    assert ran() == []
    monkeypatch.setattr("crmkit.report.run.inputs.Inputs.today", lambda self: "2031-01-01")
    assert ran() == ["tiny", "churn"]
    assert ran(overrides={"as_of": DATE}) == ["tiny", "churn"]
    monkeypatch.setattr("crmkit.report.run.inputs.Inputs.today", lambda self: "2031-01-02")
    assert ran(overrides={"as_of": DATE}) == [], "the day that was asked for stays"


def test_only_runs_or_reuses_what_is_needed(project, ran, add_notebook):
    add_notebook("audit", "", results=["churn"])
    add_notebook("alone", "")
    assert ran(only=["churn"]) == ["tiny", "churn"]
    assert ran(only=["audit"]) == ["audit"]


def test_what_failed_is_run_again_and_what_read_it_too(project, ran):
    _, fails = project
    fails.add("tiny")
    assert ran() == ["tiny", "churn"]
    assert ran() == ["tiny", "churn"]
    fails.clear()
    assert ran() == ["tiny", "churn"]
    assert ran() == []


def test_an_interrupted_run_is_taken_up(project, ran, add_client):
    home, fails = project
    fails |= {"churn", "interrupt"}
    with pytest.raises(KeyboardInterrupt):
        ran(force=True)
    state = read_json(reports_folder(home) / "acme" / STATE)
    assert not state["ended"]
    fails.clear()
    # as with a database: that it has not changed cannot be seen
    _forget_inputs(home)
    assert ran(resume=True, force=True) == ["churn"]
    assert read_json(reports_folder(home) / "acme" / STATE)["ended"]
    assert ran(resume=True, force=True) == ["tiny", "churn"], "there is nothing to take up"
    fails |= {"churn", "interrupt"}
    with pytest.raises(KeyboardInterrupt):
        ran(force=True)
    fails.clear()
    add_client("acme", "tiny: {horizon_days: 3}\n")
    assert ran(resume=True) == ["tiny", "churn"], "not what was begun"


def _forget_inputs(home):
    for path in reports_folder(home).glob("acme/*/runs/*/*/run.json"):
        path.write_text(json.dumps(read_json(path) | {"inputs": None}))


def test_clean_keeps_the_newest_the_good_and_what_they_are_compared_with(project, ran):
    home, fails = project
    dated = home / "reports" / "acme" / DATE / "runs"
    for bad in (False, False, False, True):
        fails.clear()
        fails |= {"tiny"} if bad else set()
        ran(force=True)
    runs = sorted(path.name for path in dated.iterdir())
    assert clean_runs(home, keep=9).folders == ()
    removed = clean_runs(home, keep=0)
    kept = sorted(path.relative_to(dated).as_posix() for path in dated.glob("*/*"))
    # tiny: the last run failed, the one before is its last good one; each good one is compared with the one before it
    names = [f"{runs[1]}/tiny", f"{runs[2]}/churn", f"{runs[2]}/tiny", f"{runs[3]}/churn", f"{runs[3]}/tiny"]
    assert kept == names
    assert removed.size_bytes > 0
    assert not (dated / runs[0]).exists()
    with pytest.raises(ParamError, match=r"client 'acm' has no reports; did you mean 'acme'\?"):
        clean_runs(home, keep=0, clients=["acm"])


def test_every_source_file_of_the_kit_counts(tmp_path, monkeypatch):
    package = tmp_path / "crmkit"
    inner = package / "report" / "run"
    inner.mkdir(parents=True)
    (package / "a.py").write_text("1")
    monkeypatch.setattr("crmkit.report.run.inputs.__file__", str(inner / "inputs.py"))
    before = kit_hashes(tmp_path)
    assert kit_hashes(tmp_path) == before
    (package / "a.py").write_text("2")
    assert kit_hashes(tmp_path)["package"] != before["package"]
