"""What tests read: a company made of a few tables, opened as any client's or held in memory, and a small project for runs."""

import datetime as dt
import json
import os
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

# One processor for each process of tests; workers inherit it: threads that wait for one another took a third of it all.
# Set before numpy is imported, because its threads are made then; a test of threads says how many it wants.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CRMKIT_THREADS"):
    os.environ.setdefault(name, "1")

# examples in docstrings are run in `src`; here, what is no test is not looked at
collect_ignore = [str(path) for path in Path(__file__).parent.rglob("*.py") if not path.name.startswith("test_")]
PARAMETERS = """\
client: str = "acme"  # short name of the client
as_of: str = ""  # last day that counts; empty: the last complete day
language: str = ""  # en or zh; empty: as the params file says
horizon_days: int = 90  # days [1, 1825]; how far ahead
confidence: float = 0.95  # share (0, 1); level of the intervals
kind: str = "contractual"  # contractual | non_contractual; how customers leave, '#' and all
models: list[str] = ["a"]  # a | b; which models are fitted
share: float | None = None  # [0, 1]; of the customers
"""
PUBLISH = """\
import json, os, pathlib
from IPython.display import display, HTML
out = pathlib.Path(os.environ["CRMKIT_OUT"])
for part in ("results", "lists"):
    (out / part).mkdir(exist_ok=True)
report = {
    "schema": 1, "analysis": "tiny", "client": client, "title": "ACME <Retail>", "as_of": as_of or "2025-12-31",
    "language": language, "currency": "EUR", "status": "ok", "generated_at": "2026-01-02T03:04:05+00:00",
    "data": {"fingerprint": "f1", "tables": {"transactions": {"rows": 1200, "kept": 1190, "set_aside": 7, "after_as_of": 3}}},
    "headline": ["tiny.late"],
    "findings": [
        {"id": "tiny.late", "severity": "warning", "passed": False, "text": "12% of orders are late.", "criteria": "",
         "action": "", "money_at_stake": None, "evidence": []},
    ],
    "values": [{"label": "Orders", "value": 1190, "unit": "count", "low": None, "high": None, "text": "1,190"}],
    "estimates": [], "exhibits": [], "parameters": {}, "versions": {"crmkit": "0"}, "figures": 1,
}
(out / "report.json").write_text(json.dumps(report))
(out / "lists" / "late.csv").write_text("customer_id\\nABC\\n")
display({"application/vnd.crmkit.report+json": report, "text/plain": "published"}, raw=True)
"""
HEADLINE = """\
class Page:
    def headline(self, html): return HTML(html)
from IPython.display import HTML
page = Page()
page.headline('<ul class="findings"><li class="finding warning">12% of orders are late.</li></ul>')
"""
TINY_CELLS = (
    ("markdown", "# How many orders are late?\n\nA short answer for **everyone**."),
    ("parameters", PARAMETERS),
    ("markdown", "## What you need\n\nOrders with a date."),
    ("code", "print('loaded', horizon_days, kind)"),
    ("markdown", "## Headline"),
    ("code", HEADLINE),
    ("markdown", "## Late orders\n\nA customer who waits <script>document.title='PWNED'</script> leaves."),
    ("code", PUBLISH),
)


def write_notebook(path: Path, cells, **metadata) -> None:
    """A notebook file; ``parameters`` marks the parameters cell."""
    listed = []
    for number, (kind, source) in enumerate(cells):
        cell = {
            "id": f"cell{number}",
            "cell_type": "markdown" if kind == "markdown" else "code",
            "metadata": {},
            "source": source,
        }
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
        if kind == "parameters":
            cell["metadata"] = {"tags": ["parameters"]}
        listed.append(cell)
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": listed, "metadata": {**spec, "crmkit": metadata}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")


def write_params(home: Path, client: str, text: str = "") -> None:
    """A params file with the keys that it must have, and more."""
    common = f"client: {client}\ntitle: ACME <Retail>\nsource: data/{client}\n"
    (home / "params" / f"{client}.yml").write_text(common + text, encoding="utf-8")


@pytest.fixture
def add_notebook(tiny_home):
    """Writes a notebook that runs one cell of code between its parameters and its last cell; ``cells`` replaces them all."""

    def add(name, code="", *, cells=None, **metadata):
        declared = "\n".join(PARAMETERS.splitlines()[:3])
        usual = [("markdown", f"# What about {name}?"), ("parameters", declared), ("code", code), ("code", PUBLISH)]
        write_notebook(tiny_home / "notebooks" / f"{name}.ipynb", cells or usual, analysis=name, **metadata)

    return add


@pytest.fixture
def add_client(tiny_home):
    """Writes a params file with the keys that it must have, and more."""
    return lambda client, text="": write_params(tiny_home, client, text)


@pytest.fixture
def tiny_home(tmp_path, monkeypatch):
    """A project with the notebook ``tiny`` and the client ``acme``; it is the current one."""
    home = tmp_path / "project"
    for folder in ("params", "notebooks", "data"):
        (home / folder).mkdir(parents=True)
    write_notebook(
        home / "notebooks" / "tiny.ipynb", TINY_CELLS, analysis="tiny", tables={"needs": ["transactions"]}, results=[]
    )
    write_params(home, "acme", "tiny:\n  horizon_days: 180\n")
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def _servers():
    """The process that kernels are forked from, once it has been asked for."""
    started = []
    yield started
    for one in started:
        one.close()


@pytest.fixture
def shared_server(_servers, monkeypatch):
    """Runs of a test fork their kernels from one process that stays for the next test, which need not import again.

    Not for tests of that process, of how kernels end, or of what is imported.
    """
    from crmkit.report.kernels.pool import KernelServer

    def server(analyses):
        if not _servers or not _servers[-1].alive:
            _servers.append(KernelServer([]))
        return nullcontext(_servers[-1])

    monkeypatch.setattr("crmkit.report.run.clients.KernelServer", server)


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """A client made of tables, opened through the same door as any other.

    ``company(tables={"transactions": table}, **params)``: tables are data frames and become the client's files; ``params`` are
    keys of its params file, ``declared`` what that file says of tables. What the door would refuse is refused.
    """
    import yaml

    from crmkit.data.client import open_client

    with ExitStack() as opened:

        def make(*, tables, declared=None, **params):
            home = tmp_path_factory.mktemp("company")
            for folder in ("params", "notebooks", "data/acme"):
                (home / folder).mkdir(parents=True)
            for name, table in tables.items():
                table.to_csv(home / "data" / "acme" / f"{name}.csv", index=False)
            said = {"client": "acme", "title": "ACME", "source": "data/acme", "tables": declared or {}, **params}
            (home / "params" / "acme.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
            return opened.enter_context(open_client("acme", home=home))

        yield make


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command in this process; gives exit code, stdout and stderr."""
    from crmkit import cli

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["crmkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        return ended.value.code or 0, out.out, out.err

    return run


@pytest.fixture(scope="session")
def in_memory():
    """What analyses read of an opened client, without files: quick, and nothing is checked.

    ``in_memory(tables={"transactions": table}, **params)``, as for ``company``; tables are data frames, or of ibis where a type
    matters.
    """
    import ibis
    import pandas as pd

    from crmkit.core.settings import Settings

    def make(*, tables, declared=None, as_of=dt.date(2025, 12, 31), language="en", **params):
        made = {
            name: ibis.memtable(table) if isinstance(table, pd.DataFrame) else table
            for name, table in tables.items()
            if table is not None
        }
        said = Settings(client="test", title="Test", source="data/test", tables=declared or {}, **params)
        return SimpleNamespace(name="test", tables=made, as_of=as_of, settings=said, currency="EUR", language=language)

    return make
