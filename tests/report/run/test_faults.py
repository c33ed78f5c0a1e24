"""A run goes on whatever happens to one notebook, ends what it has started, and shares the machine out."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crmkit.core.errors import ParamError
from crmkit.report.folders import read_json, read_latest
from crmkit.report.run import exit_code, run_clients
from crmkit.report.run.outcome import Outcome
from crmkit.report.run.progress import Estimate, Lines, Planned
from crmkit.report.run.schedule import in_order
from crmkit.report.run.share import shares, size_bytes

pytestmark = pytest.mark.long

DATE = "2025-12-31"


def test_a_page_that_cannot_be_made_fails_its_notebook_alone(tiny_home, add_notebook, monkeypatch):
    from crmkit.report.page import exporter

    add_notebook("after", "x = 1", results=["tiny"])
    render = exporter.render_notebook

    def refuse(nb):
        if nb.metadata.crmkit.run.analysis == "tiny":
            raise ValueError("no <template>")
        return render(nb)

    monkeypatch.setattr(exporter, "render_notebook", refuse)
    found = {one.analysis: one for one in run_clients(["acme"], home=tiny_home)}
    assert {name: one.status for name, one in found.items()} == {"tiny": "failed", "after": "ok"}
    assert found["tiny"].message == "the page could not be made: ValueError: no <template>"
    assert exit_code(found.values()) == 1
    assert "no &lt;template&gt;" in (found["tiny"].folder / "tiny.html").read_text()
    assert read_json(found["tiny"].folder / "run.json")["status"] == "failed"
    assert not (tiny_home / "reports" / "acme" / DATE / "tiny.html").exists()


def test_a_full_disk_fails_the_notebook_alone(tiny_home, add_notebook, monkeypatch):
    from crmkit.report.run import execute

    add_notebook("after", "x = 1", results=["tiny"])
    keep = execute.keep

    def refuse(work, **where):
        if where["analysis"] == "tiny":
            raise OSError(28, "No space left on device")
        return keep(work, **where)

    monkeypatch.setattr(execute, "keep", refuse)
    found = {one.analysis: one for one in run_clients(["acme"], home=tiny_home)}
    assert {name: one.status for name, one in found.items()} == {"tiny": "failed", "after": "ok"}
    assert found["tiny"].message == "could not be kept: no room is left on the disk of reports/; make room, then run again"
    assert exit_code(found.values()) == 2


def test_reports_that_are_removed_meanwhile_are_said_to_be(tiny_home, add_notebook):
    gone = "import os, pathlib, shutil; shutil.rmtree(pathlib.Path(os.environ['CRMKIT_HOME']) / 'reports' / 'acme'); 1 / 0"
    add_notebook("tiny", gone)
    (tiny_home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    (found,) = run_clients(["acme"], home=tiny_home)
    said = "could not be kept: reports/acme was removed while a run was writing to it; run it again"
    assert (found.status, found.message, exit_code([found])) == ("failed", said, 1)


def test_too_little_memory_is_said_in_words(tiny_home, add_notebook, monkeypatch):
    monkeypatch.setenv("CRMKIT_MEMORY", "1MB")
    fill = "from crmkit.data.sources.engine import connect\ncon, _ = connect()\n"
    add_notebook("tiny", fill + "con.con.execute('CREATE TABLE t AS SELECT list(range) AS l FROM range(3000000)')")
    (tiny_home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    (found,) = run_clients(["acme"], home=tiny_home)
    assert (found.message, found.by_user) == ("not enough memory: 1 MB by $CRMKIT_MEMORY; give more", True)


def test_what_is_known_of_a_kernel_is_recorded(tiny_home, add_notebook):
    add_notebook("dies", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    add_notebook("slow", "import time; time.sleep(60)")
    found = {one.analysis: one for one in run_clients(["acme"], home=tiny_home, overrides={"as_of": DATE}, run_timeout=4)}
    records = {name: read_json(one.folder / "run.json") for name, one in found.items()}
    assert {name: record["status"] for name, record in records.items()} == {"dies": "killed", "slow": "timeout", "tiny": "ok"}
    assert found["dies"].message == ("the kernel was ended by signal 9 (SIGKILL) in cell 4; the machine may be short of memory")
    assert found["slow"].message == "took longer than 4 s; it was in cell 4"
    assert all(record["peak_bytes"] > 20e6 and record["seconds"] > 0 for record in records.values())
    assert records["tiny"]["cell"] is None
    assert read_latest(tiny_home, "acme", DATE)["attempts"]["dies"]["status"] == "killed"


def test_two_at_once_keep_the_order_and_share_the_machine(tiny_home, add_notebook, add_client, monkeypatch):
    monkeypatch.setenv("CRMKIT_MEMORY", "4GB")
    monkeypatch.setenv("CRMKIT_THREADS", "6")
    add_client("acme")
    add_client("beta")
    wait = "import os, pathlib, time\nhere = pathlib.Path(os.environ['CRMKIT_HOME'])\n"
    meet = "(here / f'{client}.here').touch()\nwhile len(list(here.glob('*.here'))) < 2: time.sleep(0.05)\n"
    last = "print(os.environ['CRMKIT_MEMORY'], os.environ['CRMKIT_THREADS'])"
    add_notebook("tiny", wait + meet + last)
    add_notebook("after", "x = 1", results=["tiny"])
    found = run_clients(["acme", "beta"], home=tiny_home, jobs=2, timeout=60)
    assert [one.status for one in found] == ["ok"] * 4, [one.message for one in found]
    for client in ("acme", "beta"):
        assert [one.analysis for one in found if one.client == client] == ["tiny", "after"]
        assert set(read_latest(tiny_home, client, DATE)["analyses"]) == {"tiny", "after"}
    folder = next(one.folder for one in found if one.analysis == "tiny")
    assert "2000000000B 3" in (folder / "tiny.ipynb").read_text()


def test_ctrl_c_ends_every_kernel_and_what_was_finished_stays(tiny_home, add_notebook):
    pid = tiny_home / "pid"
    add_notebook("last", f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)", results=["tiny"])
    # started with SIGINT ignored, as under nohup, a Python process would not hear it
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{listen}\nfrom crmkit.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "acme"]
    process = subprocess.Popen(command, cwd=tiny_home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 4
    assert (process.returncode, err) == (130, "")
    assert "acme  tiny  done" in out
    assert not Path(f"/proc/{pid.read_text()}").exists()
    latest = read_latest(tiny_home, "acme", DATE)
    assert (set(latest["analyses"]), set(latest["attempts"])) == ({"tiny"}, {"tiny"})
    assert not (tiny_home / "reports" / "acme" / ".work").exists()


def test_tasks_are_done_in_order_and_none_before_what_it_needs():
    told, lock = [], threading.Lock()

    def work(name):
        with lock:
            told.append(name)
        time.sleep(0.01)
        return name

    needs = {"a1": [], "a2": ["a1"], "b1": ["elsewhere"], "b2": ["b1", "a1"]}
    assert list(in_order(needs, work, jobs=1, stop=threading.Event())) == ["a1", "a2", "b1", "b2"]
    told.clear()
    assert set(in_order(needs, work, jobs=3, stop=threading.Event())) == set(needs)
    assert told[:2] == ["a1", "b1"]


def test_a_task_that_raises_stops_the_rest():
    stop, told = threading.Event(), []

    def work(name):
        told.append(name)
        if name == "bad":
            raise KeyError(name)

    with pytest.raises(KeyError):
        list(in_order({"bad": [], "next": ["bad"]}, work, jobs=1, stop=stop))
    assert (stop.is_set(), told) == (True, ["bad"])


def test_the_machine_is_shared_out(monkeypatch):
    monkeypatch.setenv("CRMKIT_MEMORY", "3 GiB")
    monkeypatch.setenv("CRMKIT_THREADS", "2")
    assert shares(3) == {"CRMKIT_MEMORY": f"{2**30}B", "CRMKIT_THREADS": "1"}
    monkeypatch.delenv("CRMKIT_MEMORY")
    assert size_bytes(shares(2)["CRMKIT_MEMORY"]) > 2**20
    with pytest.raises(ParamError, match="is not an amount of memory"):
        size_bytes("much")


def test_the_rest_is_estimated_from_the_last_time():
    planned = [Planned("a", "x", 5, 10.0), Planned("a", "y", 5), Planned("b", "x", 5, 30.0)]
    estimate = Estimate(planned, jobs=2)
    assert estimate.seconds() == pytest.approx(30.0)
    estimate.done(("b", "x"), 30.0)
    assert estimate.seconds() == pytest.approx(30.0)
    assert Estimate([Planned("a", "x", 5)], jobs=1).seconds() is None


@pytest.mark.parametrize("moving", [True, False])
def test_a_terminal_gets_a_line_per_client_and_a_file_plain_lines(capsys, moving, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1") if moving else None
    with Lines(moving=moving) as lines:
        lines.plan([Planned("acme", "clv", 4, 7.0), Planned("beta", "clv", 4)], jobs=1)
        lines.begin("acme", "clv")
        lines.cell("acme", "clv", 2)
        if moving:
            lines.bars.refresh()
        lines.done(Outcome("acme", "clv", "killed", 1.26, "the kernel was ended", cell=2))
        lines.left_out(Outcome("beta", "clv", "skipped", message="not run: needs transactions"))
    out, err = capsys.readouterr()
    assert "acme  clv  KILLED  1.3 s" in out
    assert "beta  clv  not run: needs transactions" in out
    assert err == "acme  clv  cell 2: the kernel was ended\n"
    assert ("clv  cell 2 of 4" in out and "about" in out) is moving
    if not moving:
        assert len(out.splitlines()) == 2


def test_peak_memory_is_measured(tiny_home, add_notebook, add_client):
    add_client("acme")
    add_notebook("tiny", "import numpy; held = numpy.ones(30_000_000); del held")
    (outcome,) = run_clients(["acme"], home=tiny_home)
    assert outcome.peak_bytes > 240e6
    assert os.environ.get("CRMKIT_OUT") is None
