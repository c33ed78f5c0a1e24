"""What does it cost to get from a notebook to a page, compared with the same code as a plain script, and with Papermill?

The yardstick is the notebook as ``jupyter nbconvert --to python`` writes it, run by ``python`` with figures drawn as PNG and no
page. Each notebook of the project that the demo retailer has tables for is measured, and an empty one that only opens a client
with 300 orders and publishes; a bar holds for the worst. Times are CPU seconds of a process and all its children, unless they
are said to be wall time; contenders take turns. Run: ``.venv/bin/python benchmarks/pipeline.py``; ``--also PYTHON`` forks there
too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _bench import ONE_THREAD, ROOT, Bar, finish, median_ratio

CLIENT = "retailco"
CLIENTS = 4
SMALL = 300
EMPTY = """\
client: str = "retailco"  # the client's name
as_of: str = ""  # YYYY-MM-DD, last day that counts
language: str = ""  # en or zh
"""
EMPTY_CELLS = [
    "from crmkit import open_client, open_page",
    "company = open_client(client, as_of=as_of, language=language)\npage = open_page('empty', company)",
    "page.intake()",
    "page.publish()",
]
CRMKIT = "import sys; from crmkit.cli import main; main()"
# four runs of one process that has imported Papermill once, each with a kernel of its own: the best that Papermill can do
PAPERMILL = """\
import sys, yaml, papermill, os
flat, notebook, out, times = sys.argv[1:]
for number in range(int(times)):
    os.environ["CRMKIT_OUT"] = f"{out}/{number}"
    papermill.execute_notebook(notebook, f"{out}/{number}.ipynb", yaml.safe_load(open(flat)), progress_bar=False)
"""
FORKS = """\
import sys, time, threading, os
from concurrent.futures import ThreadPoolExecutor
import nbformat.v4 as v4, papermill
from pathlib import Path
from crmkit.report import engine
from crmkit.report.kernels.pool import KernelServer
from crmkit.report.kernels.pool import Session
times, home = int(sys.argv[1]), Path(sys.argv[2])
def one(number):
    nb = v4.new_notebook(cells=[v4.new_code_cell("import numpy; numpy.ones((50, 50)) @ numpy.ones((50, 50)); print(1)")])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    session = Session(home, engine.kernel_environment(home), server=server)
    papermill.execute_notebook(nb, None, engine_name="crmkit", progress_bar=False, session=session)
    return session.kernel
with KernelServer(["clv"]) as server, ThreadPoolExecutor(2) as pool:
    kinds = list(pool.map(one, range(times)))
print(kinds.count("forked"))
"""


class Project:
    """A project of its own with the demo retailer under several names; a small one has its first orders and nothing else."""

    def __init__(self, folder: Path, *, small: bool) -> None:
        self.home = folder
        (folder / "params").mkdir(parents=True)
        shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
        source, target = ROOT / "data" / "demo" / CLIENT, folder / "data" / "demo" / CLIENT
        target.mkdir(parents=True)
        for path in source.glob("transactions.csv" if small else "*"):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            (target / path.name).write_text("".join(lines[:SMALL] if small else lines), encoding="utf-8")
        self.environment = {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(folder), "MPLBACKEND": "Agg"}
        self._write_empty()
        text = (ROOT / "params" / f"{CLIENT}.yml").read_text(encoding="utf-8")
        if small:
            text = f"client: {CLIENT}\ntitle: RetailCo\ncurrency: EUR\nsource: data/demo/{CLIENT}\n"
        self.clients = [CLIENT, *(f"{CLIENT}{number}" for number in range(2, CLIENTS + 1))]
        for name in self.clients:
            own = text.replace(f"client: {CLIENT}\n", f"client: {name}\n")
            (folder / "params" / f"{name}.yml").write_text(own, encoding="utf-8")

    def _write_empty(self) -> None:
        import nbformat
        from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

        cells = [new_markdown_cell("# Nothing"), new_code_cell(EMPTY, metadata={"tags": ["parameters"]})]
        nb = new_notebook(cells=[*cells, *(new_code_cell(cell) for cell in EMPTY_CELLS)])
        nb.metadata = {
            "crmkit": {"analysis": "empty", "tables": {"needs": ["transactions"]}, "results": []},
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        }
        nbformat.write(nb, self.home / "notebooks" / "empty.ipynb")

    def analyses(self) -> list[str]:
        """Notebooks that the retailer has tables for, without the empty one and those that read another one's results."""
        from crmkit.report.params.notebooks import read_notebooks

        there = {"customers"} | {path.stem for path in (self.home / "data" / "demo" / CLIENT).iterdir()}
        notebooks = read_notebooks(self.home).values()
        full = [one.analysis for one in notebooks if set(one.needs) <= there and not one.results]
        return [name for name in full if name != "empty"]

    def script(self, analysis: str) -> Path:
        """The notebook as a plain script, with the client's parameters in the place of the defaults."""
        from nbconvert.exporters import PythonExporter

        from crmkit.core.settings import read_settings
        from crmkit.report.lab import with_values
        from crmkit.report.params.flatten import flatten
        from crmkit.report.params.notebooks import read_notebook

        body, _ = PythonExporter().from_filename(str(self.home / "notebooks" / f"{analysis}.ipynb"))
        declared = read_notebook(analysis, home=self.home).parameters
        flat = flatten(read_settings(CLIENT, home=self.home), analysis, home=self.home)
        path = self.home / f"{analysis}.py"
        path.write_text(body.replace(declared, with_values(declared, flat.values)), encoding="utf-8")
        return path

    def flat(self, analysis: str) -> Path:
        """Flat parameters for Papermill alone."""
        path = self.home / f"{analysis}.yml"
        done = self.call([sys.executable, "-c", CRMKIT, "params", CLIENT, analysis])
        path.write_text(done.stdout, encoding="utf-8")
        return path

    def call(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, env=self.environment | environment, cwd=self.home, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)[:300]} failed:\n{done.stdout[-500:]}\n{done.stderr[-3000:]}")
        return done

    def timed(self, command: list[str], **environment: str) -> tuple[float, float]:
        """CPU seconds of the process and all its children, and wall seconds."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        self.call(command, **environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.perf_counter() - began

    def crmkit(self, *arguments: str) -> tuple[float, float]:
        return self.timed([sys.executable, "-c", CRMKIT, *arguments])


@contextmanager
def projects() -> Iterator[tuple[Project, Project]]:
    """The whole retailer, and a small part of it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Project(Path(folder) / "whole", small=False), Project(Path(folder) / "small", small=True)


def pipeline(place: Project, analysis: str, repeat: int) -> dict[str, float]:
    """Ratios of one notebook."""
    script, flat = place.script(analysis), place.flat(analysis)
    notebook, out = place.home / "notebooks" / f"{analysis}.ipynb", place.home / "out"
    run = ["--only", analysis, "--force"]
    contenders: dict[str, Callable[[], tuple[float, float]]] = {
        "script": lambda: place.timed([sys.executable, str(script)], CRMKIT_OUT=str(out / "script")),
        "one": lambda: place.crmkit("run", CLIENT, *run),
        "four": lambda: place.crmkit("run", *place.clients, *run),
        "two jobs": lambda: place.crmkit("run", *place.clients, *run, "--jobs", "2"),
        "papermill": lambda: place.timed(
            [sys.executable, "-c", PAPERMILL, str(flat), str(notebook), str(out), str(CLIENTS)], MPLBACKEND=""
        ),
    }
    for name in ("script", *range(CLIENTS)):
        (out / str(name)).mkdir(parents=True, exist_ok=True)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for round_ in range(repeat + 1):
        for name, contender in contenders.items():
            measured = contender()
            if round_:  # the first warms the caches
                took[name].append(measured)
    cpu = {name: [one[0] for one in times] for name, times in took.items()}
    wall = {name: [one[1] for one in times] for name, times in took.items()}
    further = [(four - one) / (CLIENTS - 1) for four, one in zip(cpu["four"], cpu["one"], strict=True)]
    found = {
        "cold": median_ratio(cpu["one"], cpu["script"]),
        "cold wall": median_ratio(wall["one"], wall["script"]),
        "further": median_ratio(further, cpu["script"]),
        "papermill": median_ratio(cpu["two jobs"], cpu["papermill"]),
        "papermill wall": median_ratio(wall["two jobs"], wall["papermill"]),
    }
    medians = ", ".join(f"{name} {statistics.median(times):.2f}" for name, times in cpu.items())
    waited = ", ".join(f"{name} {statistics.median(times):.2f}" for name, times in wall.items())
    print(f"{analysis}: CPU s {medians}\n{analysis}: wall s {waited}", flush=True)
    return found


def beyond_pass(place: Project, command: list[str], repeat: int) -> float:
    """CPU seconds more than a Python that does nothing."""
    more = []
    for _ in range(repeat):
        nothing, _ = place.timed([sys.executable, "-c", "pass"])
        more.append(place.timed(command)[0] - nothing)
    return statistics.median(more)


def unchanged(place: Project, repeat: int) -> float:
    """A rerun of a client whose data, a gigabyte of them, have not changed."""
    with open(place.home / "data" / "demo" / CLIENT / "archive.csv", "wb") as file:
        file.truncate(1 << 30)
    command = [sys.executable, "-c", CRMKIT, "run", CLIENT]
    place.call(command)
    runs = sorted(place.home.glob("reports/*/*/runs/*"))
    cost = beyond_pass(place, command, repeat)
    if sorted(place.home.glob("reports/*/*/runs/*")) != runs:
        raise SystemExit("an unchanged client was run again")
    return cost


def forks(place: Project, python: str, times: int) -> int:
    """How many of so many kernels, two at a time, were forked and answered; a hang would be started cold."""
    done = place.call([python, "-c", FORKS, str(times), str(place.home)])
    return int(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--only", default="", help="only this notebook")
    parser.add_argument("--forks", type=int, default=500)
    parser.add_argument("--also", default="", metavar="PYTHON", help="interpreter of another version that has the kit")
    options = parser.parse_args()
    bars: list[Bar] = []
    with projects() as (place, small):
        help_cost = beyond_pass(place, [sys.executable, "-c", CRMKIT, "--help"], options.repeat)
        ratios: dict[str, dict[str, Any]] = {}
        for analysis in [options.only] if options.only else ["empty", *place.analyses()]:
            ratios[analysis] = pipeline(small if analysis == "empty" else place, analysis, options.repeat)
        print(json.dumps(ratios, indent=1))
        for name, measure, bound in (
            ("one client cold, execute and page / script", "cold", 1.7),
            ("each further client / script", "further", 0.5),
            ("4 clients, 2 jobs / 4 by Papermill, wall time", "papermill wall", 0.3),
        ):
            worst = max(ratios, key=lambda analysis: ratios[analysis][measure])
            bars.append(Bar(f"{name} (worst: {worst})", ratios[worst][measure], bound, least=False))
        bars.append(Bar("unchanged client with 1 GB, CPU s beyond pass", unchanged(place, options.repeat), 0.3, least=False))
        bars.append(Bar("crmkit --help, CPU s beyond pass", help_cost, 0.25, least=False))
        for python in [sys.executable, *filter(None, [options.also])]:
            version = place.call([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).stdout.strip()
            name = f"kernels forked without a hang of {options.forks}, Python {version}"
            bars.append(Bar(name, forks(place, python, options.forks), options.forks))
    finish(bars)


if __name__ == "__main__":
    main()
