"""Which run is a report compared with?"""

import pytest

from crmkit.report.folders import RECORD, REPORT, note_attempt, reports_folder, write_json
from crmkit.report.record import previous


@pytest.fixture
def finished(tmp_path):
    """Leaves what a finished run leaves."""

    def finish(as_of, run, *, status="ok"):
        folder = reports_folder(tmp_path) / "acme" / as_of / "runs" / run / "clv"
        folder.mkdir(parents=True)
        record = {"run": run, "status": status, "message": "", "seconds": 1.0, "finished_at": "2026-01-01T00:00:00"}
        write_json(folder / RECORD, record)
        if status == "ok":
            write_json(folder / REPORT, {"client": "acme", "as_of": as_of, "values": []})
        (folder / "clv.html").write_text("page")
        note_attempt(folder, record, home=tmp_path, client="acme", as_of=as_of, analysis="clv")

    return finish


@pytest.fixture
def before(tmp_path):
    """Date and run that a report of 2025-12-31, made by run r5, is compared with."""

    def look(as_of="2025-12-31", run="r5"):
        found = previous("acme", "clv", as_of=as_of, run_id=run, home=tmp_path)
        return found and (found.as_of, found.run)

    return look


def test_the_first_run_has_none(before, finished):
    assert before() is None
    finished("2025-12-31", "r5")
    finished("2025-12-31", "r6")
    finished("2026-01-31", "r4")
    assert before() is None


def test_the_last_good_run_of_the_nearest_earlier_date(before, finished):
    finished("2025-10-31", "r7")
    finished("2025-11-30", "r1")
    finished("2025-11-30", "r2")
    finished("2025-11-30", "r3", status="failed")
    finished("2025-12-31", "r4")
    finished("undated", "r0", status="failed")
    assert before() == ("2025-11-30", "r2")


def test_else_the_last_good_run_of_the_same_date_before_this_one(before, finished):
    for run, status in (("r1", "ok"), ("r2", "ok"), ("r3", "killed"), ("r6", "ok")):
        finished("2025-12-31", run, status=status)
    assert before() == ("2025-12-31", "r2")
    assert before(run="r2") == ("2025-12-31", "r1")
