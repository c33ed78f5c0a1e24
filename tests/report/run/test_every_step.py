"""Whichever write, rename or message of a kernel fails: the last good page is whole, and the next run works.

The three cells are run in this process, which costs a fraction of a second; what a run does with files is what it always does.
"""

import builtins
import datetime as dt
import errno
import io
import os
import random
import signal
from types import SimpleNamespace

import pandas as pd
import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_output
from papermill.exceptions import PapermillExecutionError

from crmkit.core.errors import CrmkitError
from crmkit.core.results import Column, Result, Text
from crmkit.core.settings import BrandSettings
from crmkit.report.folders import DRAFT, WORK, read_json, read_latest
from crmkit.report.guard.mishaps import said_of
from crmkit.report.kernels.client import KernelClient
from crmkit.report.kernels.pool import Exit
from crmkit.report.run import run_clients

pytestmark = pytest.mark.long

DATE = "2025-12-31"
DECLARED = 'client: str = "acme"\nas_of: str = ""\nlanguage: str = ""'
CELLS = (
    ("markdown", "# How many orders are late?"),
    ("parameters", DECLARED),
    ("code", "page = Page('tiny', company, {})\ndisplay(page.show(late))"),
    ("code", "display(page.publish())"),
)
# a cell: it is busy, what it runs, what it shows, its answer, it is idle
BEFORE, AFTER = 2, 2
KINDS = ("write", "rename", "message")
DRAWN = 30


class Fault:
    """Fails the n-th step of one kind, and counts the steps of all."""

    def __init__(self, home):
        self.home, self.kind, self.left, self.steps = str(home), "", 0, dict.fromkeys(KINDS, 0)

    def arm(self, kind, number):
        self.counted, self.steps = self.steps, dict.fromkeys(KINDS, 0)
        self.kind, self.left = kind, number

    def hits(self, kind, path=None):
        """Whether this step fails; files elsewhere do not count."""
        if path is not None and not str(path).startswith(self.home):
            return False
        self.steps[kind] += 1
        self.left -= kind == self.kind
        return kind == self.kind and self.left == 0


def no_room():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def let_files_fail(fault, monkeypatch):
    """A file takes half of what is written to it, a folder is not made, a name is not changed: the disk is full."""
    really_open = io.open

    def opened(file, mode="r", *arguments, **options):
        made = really_open(file, mode, *arguments, **options)
        if isinstance(file, str | os.PathLike) and set(mode) & set("wxa") and fault.hits("write", file):
            write = made.write

            def half(content):
                write(content[: len(content) // 2])
                made.flush()
                raise no_room()

            made.write = half
        return made

    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr(builtins, "open", opened)
    steps = {"mkdir": "write", "rename": "rename", "replace": "rename", "unlink": "rename", "chmod": "rename"}
    for name, kind in steps.items():
        monkeypatch.setattr(os, name, _failing(getattr(os, name), kind, fault))


def _failing(really, kind, fault):
    def tried(path, *arguments, **options):
        if fault.hits(kind, path):
            raise no_room()
        return really(path, *arguments, **options)

    return tried


def in_this_process(fault, home):
    """Stands for Papermill and a kernel: runs the cells here, and lets the kernel die at the n-th message."""
    table = pd.DataFrame({"department": ["North", "South"], "late": [12, 30]})
    columns = (Column("department", "department", "text"), Column("late", "late", "count"))
    late = Result("late", "table", Text("Late orders"), table, columns, files=("csv",))
    privacy = SimpleNamespace(identifiers="pseudonyms", lists="pseudonyms")
    company = SimpleNamespace(
        name="acme",
        title="ACME",
        home=home,
        as_of=dt.date.fromisoformat(DATE),
        currency="EUR",
        language="en",
        key=lambda: bytes(32),
        fingerprint="f1",
        intake=(),
        tables={},
        unchanged=lambda: None,
        settings=SimpleNamespace(privacy=privacy, agreed=dict, client="acme", brand=BrandSettings()),
    )

    def execute(nb, _, *, session, **options):
        from crmkit.report.page.page import Page

        session.nb, session.kernel = nb, "cold"
        names = {"Page": Page, "company": company, "late": late}
        os.environ["CRMKIT_OUT"] = session.env["CRMKIT_OUT"]

        def messages(number):
            for _ in range(number):
                if fault.hits("message"):
                    session.ended = Exit(-signal.SIGKILL)
                    raise DeadKernelError("the kernel died")

        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            session.cell = number + 1

            def display(*shown, cell=cell):
                messages(1)
                for one in shown:
                    html = {"text/html": one._repr_html_()} if hasattr(one, "_repr_html_") else {}
                    data = {"text/plain": repr(one), **html, **one._repr_mimebundle_()}
                    cell.outputs.append(new_output("display_data", data=data))

            messages(BEFORE)
            try:
                names["display"] = display
                exec(cell.source, names)
            except DeadKernelError:
                raise
            except Exception as err:
                raise PapermillExecutionError(number, 1, cell.source, type(err).__name__, str(err), []) from err
            messages(AFTER)

    return execute


@pytest.fixture
def project(tiny_home, add_notebook, add_client, monkeypatch):
    """A project whose one notebook has a good page, and the fault that its next runs will have."""
    add_client("acme")
    (tiny_home / "data" / "acme").mkdir()
    (tiny_home / "data" / "acme" / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    add_notebook("tiny", cells=CELLS, tables={"needs": ["transactions"]}, results=[])
    monkeypatch.setenv("CRMKIT_KERNELS", "cold")
    return tiny_home, Fault(tiny_home)


@pytest.fixture
def pretended(project, monkeypatch):
    """The same with cells that are run in this process, and files that can fail."""
    home, fault = project
    monkeypatch.setenv("CRMKIT_OUT", "")  # set by each run, and put back afterwards
    monkeypatch.setattr("papermill.execute_notebook", in_this_process(fault, home))
    assert [(one.status, one.message) for one in run_clients(["acme"], home=home)] == [("ok", "")]
    let_files_fail(fault, monkeypatch)
    return home, fault


def run_with(fault, kind, number, *, home):
    """A run whose n-th step of a kind fails; gives what came of it, and whether it had that many steps."""
    fault.arm(kind, number)
    try:
        outcomes = run_clients(["acme"], home=home, force=True)
    except (CrmkitError, OSError) as err:
        if not isinstance(err, CrmkitError) and not said_of(err, home=home):  # the command would have no words for it
            raise
        outcomes = []
    reached = fault.steps[kind] >= number
    fault.arm("", 0)
    return outcomes, reached


def check_last_good(home):
    """The page of the date is the one of the run that is noted as the last good one; nothing is half there."""
    client = home / "reports" / "acme"
    dated = client / DATE
    latest = read_latest(home, "acme", DATE)
    folder = dated / latest["analyses"]["tiny"]["folder"]
    page = (dated / "tiny.html").read_bytes()
    assert page == (folder / "tiny.html").read_bytes()
    assert page.rstrip().endswith(b"</html>")
    assert read_json(folder / "run.json")["status"] == "ok"
    assert read_json(folder / "report.json")["status"] == "ok"
    for run in (dated / "runs").glob("*/*"):
        assert (run / "tiny.html").stat().st_size
        assert read_json(run / "run.json")["run"] == run.parent.name


def check_next(home):
    """The next run is good, leaves nothing but what it should, and says so everywhere."""
    outcomes = run_clients(["acme"], home=home)
    assert [one.status in ("ok", "skipped") for one in outcomes] == [True]
    check_last_good(home)
    client = home / "reports" / "acme"
    assert not (client / WORK).exists()
    assert not list(client.rglob(f".*{DRAFT}"))
    assert read_latest(home, "acme", DATE)["attempts"]["tiny"]["status"] == "ok"
    assert "Last run failed" not in (client / "index.html").read_text()


def steps_of(home, fault):
    """How many steps of each kind a good run has."""
    run_with(fault, "write", 0, home=home)
    return {kind: fault.counted[kind] for kind in KINDS}


# the writer of workbooks tries to close on a full disk what it could not write
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_drawn_steps_may_fail(pretended):
    home, fault = pretended
    steps = [(kind, n) for kind, number in steps_of(home, fault).items() for n in range(1, number + 1)]
    assert len(steps) > DRAWN
    failed = 0
    for kind, number in random.Random(20261129).sample(steps, DRAWN):
        outcomes, reached = run_with(fault, kind, number, home=home)
        failed += not outcomes or outcomes[0].status != "ok"
        assert reached, (kind, number)
        check_last_good(home)
        check_next(home)
    # the index is written anew after each notebook, and a write of it that fails does not fail the run
    assert failed > DRAWN / 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_step_may_fail(pretended, kind):
    home, fault = pretended
    number, reached = 0, True
    while reached:
        number += 1
        _, reached = run_with(fault, kind, number, home=home)
        check_last_good(home)
        check_next(home)
    assert number > 5


@pytest.mark.parametrize("number", [3, pytest.param(None, marks=pytest.mark.slow)])
def test_a_kernel_may_die_at_any_of_its_messages(project, add_notebook, monkeypatch, number):
    home, fault = project
    add_notebook("tiny", "x = 1; print(x)", tables={"needs": ["transactions"]}, results=[])
    assert [one.status for one in run_clients(["acme"], home=home)] == ["ok"]
    process = KernelClient.process_message

    def message(self, *arguments):
        if fault.hits("message"):
            os.killpg(self.manager.pid(), signal.SIGKILL)
        return process(self, *arguments)

    monkeypatch.setattr(KernelClient, "process_message", message)
    for one in [number] if number else range(1, 100):
        outcomes, reached = run_with(fault, "message", one, home=home)
        if not reached:
            break
        assert [outcome.status in ("ok", "killed") for outcome in outcomes] == [True], one
        check_last_good(home)
        check_next(home)
    assert number or 5 < one < 99
