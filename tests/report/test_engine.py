"""Kernels: forked or cold they do the same, share nothing, keep within limits, and their end is known at once."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from crmkit.report import engine
from crmkit.report.kernels import pool
from crmkit.report.kernels.client import KernelClient
from crmkit.report.kernels.managers import LONGEST_FOLDER, private_folder
from crmkit.report.kernels.pool import Exit, KernelServer, Session, can_fork
from crmkit.report.kernels.preload import load, modules_of

pytestmark = [pytest.mark.long, pytest.mark.skipif(not can_fork(), reason="kernels are not forked here")]
FIGURE = "import matplotlib.pyplot as plt\nfigure = plt.figure()\nplt.plot([1, 2]);"
WAIT = 2.0


@pytest.fixture(scope="module")
def server():
    with KernelServer([]) as started:
        yield started


@pytest.fixture
def perform(tmp_path):
    """Runs cells in a kernel of its own; gives the session, what was raised, and the seconds that it took."""

    def run(server, *cells, **options):
        nb = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        session = Session(tmp_path, engine.kernel_environment(tmp_path), server=server, **options)
        raised, began = None, time.perf_counter()
        try:
            papermill.execute_notebook(nb, None, engine_name="crmkit", progress_bar=False, session=session)
        except Exception as err:
            raised = err
        return session, raised, time.perf_counter() - began

    return run


def printed(session):
    """Text of each cell's outputs."""
    return ["".join(one.get("text", "") for one in cell.outputs) for cell in session.nb.cells if cell.cell_type == "code"]


def is_running(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition, seconds=WAIT):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def test_forked_and_cold_give_the_same_outputs(server, perform, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    cells = ("import os, sys; [sys.path, sys.argv[0], __name__, os.getcwd(), os.environ['MPLBACKEND']]", FIGURE, "1 / 0")
    forked, error, _ = perform(server, *cells)
    cold, also, _ = perform(None, *cells)
    assert (forked.kernel, cold.kernel) == ("forked", "cold")
    assert (error.ename, error.evalue) == (also.ename, also.evalue) == ("ZeroDivisionError", "division by zero")
    first, second = ([cell.outputs for cell in one.nb.cells if cell.cell_type == "code"] for one in (forked, cold))
    assert first == second
    assert "image/png" in first[1][0].data
    assert forked.peak_bytes > 20e6
    assert cold.peak_bytes > 20e6


def test_no_kernel_sees_what_another_has_left(server, perform):
    first, *_ = perform(server, "import decimal, os; decimal.left = left = 1; os.environ['LEFT'] = '1'; print(os.getpid())")
    second, *_ = perform(
        server, "import decimal, os; print('left' in globals(), hasattr(decimal, 'left'), 'LEFT' in os.environ, os.getpid())"
    )
    assert printed(second)[0].split()[:3] == ["False"] * 3
    assert printed(second)[0].split()[3] != printed(first)[0].strip()


def test_each_kernel_draws_other_random_numbers(server, perform):
    draw = "import random, numpy; print(random.random(), numpy.random.random(), numpy.random.default_rng().random())"
    one, two = (printed(perform(server, draw)[0])[0].split() for _ in range(2))
    assert not set(one) & set(two)


def test_libraries_are_held_to_one_thread(server, perform):
    names = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"
    for where in (server, None):
        session, *_ = perform(where, f"import os; print(*(os.environ[name] for name in {names}))")
        assert printed(session) == ["1 1\n"]


@pytest.mark.parametrize("kind", ["forked", "cold"])
@pytest.mark.parametrize(
    ("last", "ended"), [("os.kill(os.getpid(), 9)", Exit(-9).how), ("os._exit(3)", "exit code 3"), ("os.abort()", "SIGABRT")]
)
def test_a_kernel_that_ends_is_noticed_at_once(server, perform, kind, last, ended, tmp_path):
    child = tmp_path / "child"
    begin = f"import os, subprocess, time; open({str(child)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"
    end = f"open({str(tmp_path / 'at')!r}, 'w').write(str(time.time())); {last}"
    session, raised, _ = perform(server if kind == "forked" else None, begin, end, "1")
    late = time.time() - float((tmp_path / "at").read_text())
    assert type(raised).__name__ == "DeadKernelError"
    assert (session.kernel, session.cell) == (kind, 2)
    assert ended in session.ended.how
    assert late < WAIT
    assert wait_until(lambda: not is_running(int(child.read_text())))


def test_cells_are_counted_from_one(tmp_path):
    told = []
    session = Session(tmp_path, {}, server=None, on_cell=told.append)
    client = SimpleNamespace(session=session, manager=SimpleNamespace(pid=lambda: None))
    for place in (0, 1):
        KernelClient._begin_cell(client, new_code_cell("1"), place)
    assert (session.cell, told) == (2, [1, 2])


@pytest.mark.parametrize("kind", ["forked", "cold"])
def test_limits_end_the_kernel_and_all_that_it_has_started(server, perform, kind, tmp_path):
    begin = "import subprocess, time, os; child = subprocess.Popen(['sleep', '60']); print(child.pid, os.getpid())"
    where = server if kind == "forked" else None
    session, _, seconds = perform(where, begin, "time.sleep(60)", "1", cell_limit=0.5)
    assert (session.limit, session.cell, session.ended) == ("cell", 2, None)
    assert seconds < 0.5 + WAIT + 8 * (kind == "cold")
    assert wait_until(lambda: not any(is_running(int(pid)) for pid in printed(session)[0].split()))
    session, *_ = perform(where, *["import time; time.sleep(0.3)"] * 60, run_limit=2.0)
    assert session.limit == "run"
    assert session.cell < 60


class SilentChildren:
    """A server whose kernels stop before they answer, as with a lock that nobody frees."""

    alive = True

    def __init__(self, server):
        self.server = server
        self.pids = []

    def fork(self, *arguments, **options):
        future = self.server.fork(*arguments, **options)
        future.add_done_callback(lambda done: (self.pids.append(done.result()), os.kill(done.result(), signal.SIGSTOP)))
        return future

    def exit_of(self, pid):
        return self.server.exit_of(pid)

    def errors(self):
        return self.server.errors()


def test_a_silent_kernel_is_started_again_cold(server, perform, monkeypatch):
    monkeypatch.setattr(engine, "FORK_TIMEOUT", 1.0)
    silent = SilentChildren(server)
    session, raised, _ = perform(silent, "print('answered')")
    assert (raised, session.kernel, printed(session)) == (None, "cold", ["answered\n"])
    assert len(silent.pids) == 1
    assert wait_until(lambda: not is_running(silent.pids[0]))


def test_a_kernel_that_fails_in_its_cells_is_not_started_again(server, perform, tmp_path):
    count = f"open({str(tmp_path / 'count')!r}, 'a').write('x'); import os; os._exit(1)"
    perform(server, count)
    assert (tmp_path / "count").read_text() == "x"


def test_without_its_server_a_kernel_is_started_cold(perform):
    server = KernelServer([])
    server.process.kill()
    session, *_ = perform(server, "print(1)")
    assert (session.kernel, printed(session)) == ("cold", ["1\n"])
    server.close()


def test_temporary_files_go_with_the_kernel(server, perform, tmp_path, monkeypatch):
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for where in (server, None):
        session, *_ = perform(where, "import tempfile; made = tempfile.mkdtemp(); print(made)", "import os; os._exit(1)")
        assert printed(session)[0].startswith(str(folder))
        assert list(folder.iterdir()) == []


def test_sockets_have_short_names(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * LONGEST_FOLDER)))
    with private_folder() as folder:
        assert len(folder) < LONGEST_FOLDER


def test_kernels_end_with_the_run_that_is_killed(tmp_path):
    code = """
import sys, threading
from pathlib import Path
import nbformat.v4 as v4, papermill
from crmkit.report import engine
from crmkit.report.kernels.pool import KernelServer
from crmkit.report.kernels.pool import Session
home = Path(sys.argv[1])
code = f"import os, time; open({str(home / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
nb = v4.new_notebook(cells=[v4.new_code_cell(code)])
nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
session = Session(home, engine.kernel_environment(home), server=KernelServer([]))
papermill.execute_notebook(nb, None, engine_name="crmkit", progress_bar=False, session=session)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    pid = tmp_path / "pid"
    assert wait_until(lambda: pid.exists() and pid.read_text(), 30)
    process.kill()
    process.wait()
    assert wait_until(lambda: not is_running(int(pid.read_text())))


def light_server(monkeypatch, first=""):
    """Servers that are made from here on import nothing beforehand, so that they start quickly."""
    code = "import sys; del sys.path[0]; import crmkit.report.kernels.server as s; s.modules_of = lambda _: []; "
    monkeypatch.setattr(pool, "SERVE", f"{code}{first}s.main(int(sys.argv[1]), sys.argv[2:])")


@pytest.mark.parametrize("work", ["time.sleep(60)", "while True: pass"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_kernel_ends_with_the_server_that_it_was_forked_from(perform, number, work, tmp_path, capfd, monkeypatch):
    light_server(monkeypatch)
    begin = (
        "import os, subprocess, time; child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')"
    )
    with KernelServer([]) as server:
        session, raised, seconds = perform(server, begin, f"os.kill(os.getppid(), {int(number)}); {work}".replace("; w", "\nw"))
    assert type(raised).__name__ == "DeadKernelError"
    assert session.ended.server == Exit(-number)
    assert seconds < 20
    assert wait_until(lambda: not any(is_running(int(pid)) for pid in (tmp_path / "pids").read_text().split()))
    said = session.ended.said("in cell 2")
    assert f"which was ended by signal {int(number)} ({number.name})" in said
    assert ("short of memory" in said) is (number == signal.SIGKILL)
    assert capfd.readouterr().err == ""


def test_a_kernel_ends_with_its_server_where_nobody_else_ends_it(perform, monkeypatch, tmp_path):
    light_server(monkeypatch)
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); os.kill(os.getppid(), 9)"
    with KernelServer([]) as server:
        perform(server, code + "; time.sleep(60)")
    assert wait_until(lambda: not is_running(int((tmp_path / "pid").read_text())))


def test_why_a_kernel_could_not_be_forked_is_known_and_not_said_on_the_terminal(perform, monkeypatch, capfd):
    light_server(monkeypatch, first="s.become_kernel = lambda *_, **__: 1 / 0; ")
    with KernelServer([]) as server:
        session, raised, _ = perform(server, "print('cold')")
    assert (raised, session.kernel, printed(session)) == (None, "cold", ["cold\n"])
    assert "ZeroDivisionError: division by zero" in session.not_forked
    assert capfd.readouterr().err == ""


def test_what_an_analysis_imports_is_found_without_importing_it():
    found = modules_of(["clv"])
    assert {"pandas", "lifelines", "seaborn", "scipy.special", "crmkit.show.figures.curve", "matplotlib.pyplot"} <= set(found)
    none = modules_of(["no_such_analysis"])
    assert {"ibis.backends.duckdb", "ipykernel.kernelapp", "crmkit.report.page.page"} <= set(none)
    assert not {"seaborn", "lifelines"} & set(none)
    load(["no_such_module_anywhere", "json"])


def test_what_jupyter_does_not_need_is_left_out_and_can_be_imported_afterwards():
    code = (
        "import sys\nfrom crmkit.report.imports import light_imports\nwith light_imports():\n    import papermill\n"
        "print('numpy' in sys.modules, 'arrow' in sys.modules)\nimport pyarrow.fs, isoduration"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_the_kernels_may_be_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv("CRMKIT_KERNELS", "cold")
    assert not can_fork()
    monkeypatch.setenv("CRMKIT_KERNELS", "warm")
    with pytest.raises(ValueError, match=r"\$CRMKIT_KERNELS: 'warm' is not known; write forked or cold"):
        can_fork()


def test_ends_are_said_in_words():
    assert [Exit(code).how for code in (-9, -250, 1)] == ["signal 9 (SIGKILL)", "signal 250", "exit code 1"]


@pytest.mark.slow  # half a minute a hundred
def test_five_hundred_kernels_one_after_the_other(server, perform):
    for _ in range(500):
        session, raised, _ = perform(server, "1")
        assert (raised, session.kernel) == (None, "forked")


def test_a_kernel_that_comes_too_late_is_ended_and_the_server_goes_on(server, perform, tmp_path):
    before = set(server.kernels)
    # two at a time: the second is given up before the first can have been answered
    asked = [
        server.fork(str(tmp_path / f"{one}.json"), cwd=str(tmp_path), env=dict(os.environ), folder=tmp_path) for one in "ab"
    ]
    given_up = [one.cancel() for one in asked]
    assert any(given_up)
    session, raised, _ = perform(server, "print('answered')")
    assert (raised, session.kernel, printed(session)) == (None, "forked", ["answered\n"])
    late = server.kernels - before
    assert wait_until(lambda: sum(map(is_running, late)) <= given_up.count(False))
    for pid in filter(is_running, late):
        os.kill(pid, signal.SIGKILL)
