"""How long does a report of a large client take, from its files to the finished page?

Each company is simulated with so many customers, its tables are written as CSV, and ``crmkit run`` makes the page with figures,
in a project of its own. Wall time of the run, the making of the files left out. Run:
``.venv/bin/python benchmarks/reports.py``; ``--only churn`` for one of them.

``--against REV`` compares with an earlier commit instead, in a worktree of its own and with the packages of its own lock file:
the reports of the demo companies, each notebook of one of them, and opening it once more, on the data of that commit. CPU time
of all processes, both sides in turn. ``--large`` adds a company of a hundred thousand customers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish, median_ratio

CRMKIT = "import sys; from crmkit.cli import main; main()"


@dataclass(frozen=True)
class Case:
    """A report, the company it is made for, how many customers, and the seconds it may take."""

    analysis: str
    company: str
    customers: int
    bound: float


CASES = (Case("churn", "techco", 100_000, 90.0), Case("audit", "retailco", 5_000, 60.0))


def seconds(case: Case, folder: Path) -> float:
    """Wall seconds of the run; what the run reads from other reports is made before."""
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".*"))
    data = folder / "data" / "demo" / case.company
    write = ["-m", "crmkit.demo", case.company, "--customers", str(case.customers), "--out", str(data)]
    environment = {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(folder), "MPLBACKEND": "Agg"}
    call([sys.executable, *write], environment)
    call([sys.executable, "-c", CRMKIT, "run", case.company, "--only", case.analysis, "--timeout", "1800"], environment)
    for page in (folder / "reports").glob(f"*/*/runs/*/{case.analysis}"):
        shutil.rmtree(page)
    began = time.perf_counter()
    call([sys.executable, "-c", CRMKIT, "run", case.company, "--only", case.analysis, "--timeout", "1800"], environment)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(
        f"{case.analysis}: {case.customers:,} customers of {case.company}, {took:.1f} s, largest process {peak:.2f} GB",
        flush=True,
    )
    return took


def call(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} failed:\n{done.stdout[-800:]}\n{done.stderr[-3000:]}")
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "", flush=True)


CLIENTS, NOTEBOOKS = ("techco", "retailco", "shopco", "cdnow"), ("data_quality", "clv", "churn", "satisfaction", "audit")
OPENED = "retailco"
ALL, EACH, AGAIN, LARGE = 4.0, 3.0, 10.0, 5.0
LARGE_CUSTOMERS = 100_000
OPEN = """
import json, sys, time
from crmkit import open_client
def seconds():
    began = time.process_time()
    open_client(sys.argv[1]).close()
    return time.process_time() - began
first = seconds()
print(json.dumps([first, seconds()]))
"""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: what runs it, and its project."""

    python: Path
    home: Path

    def cpu(self, *arguments: str) -> float:
        """CPU seconds of a command of the kit, those of all its processes included."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call([str(self.python), "-c", CRMKIT, *arguments], self.environment())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def notebook(self, client: str, name: str) -> float:
        """CPU seconds of one notebook of a client whose others are there."""
        for page in (self.home / "reports").glob(f"{client}/*/runs/*/{name}"):
            shutil.rmtree(page)
        return self.cpu("run", client, "--only", name, "--timeout", "3600")

    def opening(self, client: str) -> float:
        """CPU seconds of opening a client that was opened before."""
        command = [str(self.python), "-c", OPEN, client]
        done = subprocess.run(command, env=self.environment(), cwd=self.home, capture_output=True, text=True, check=True)
        return float(json.loads(done.stdout.splitlines()[-1])[1])

    def environment(self) -> dict[str, str]:
        return {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(self.home), "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore"}


@contextmanager
def earlier(revision: str) -> Iterator[Path]:
    """A worktree of a commit, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="against-") as folder:
        place = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(place), revision], cwd=ROOT, check=True)
        try:
            yield place
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=False)


def commit_of(revision: str) -> str:
    """The whole name of a commit; empty where there is no history that has it."""
    command = ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def python_of(commit: str, tree: Path) -> Path:
    """An interpreter with a commit's own packages, made once."""
    folder = ROOT / f".venv-against-{commit[:10]}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        print(f"making {folder.name}/ from the lock files of {commit[:10]} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", str(tree / "requirements.lock")], check=True)
        subprocess.run([*pip, "--no-deps", "-r", str(tree / "requirements-examples.lock")], check=True)
        subprocess.run([*pip, "--no-deps", str(tree)], check=True)
        ready.touch()
    return python


def projects(tree: Path, python: Path, folder: Path) -> tuple[Side, Side]:
    """The earlier commit and this one, each with its own notebooks and params files, both with the data of the earlier one."""
    sides = []
    for name, source, runs in (("then", tree, python), ("now", ROOT, Path(sys.executable))):
        home = folder / name
        for part in ("params", "notebooks"):
            shutil.copytree(source / part, home / part, ignore=shutil.ignore_patterns(".*"))
        shutil.copytree(tree / "data", home / "data")
        sides.append(Side(runs, home))
    return sides[0], sides[1]


def against(revision: str, *, clients: list[str], repeats: int, large: bool, python: str = "") -> list[Bar]:
    """How many times as fast is this as an earlier commit?"""
    commit = commit_of(revision)
    if not commit:
        print(f"{revision} is not in the history here, so nothing can be compared; get it with: git fetch --unshallow")
        return [Bar(f"reports, CPU of {revision} / now", 0.0, ALL)]
    with earlier(commit) as tree, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        then, now = projects(tree, Path(python) if python else python_of(commit, tree), Path(folder))
        clients = [one for one in clients if all((side.home / "params" / f"{one}.yml").is_file() for side in (then, now))]
        whole = compared(
            "all reports", lambda side: sum(side.cpu("run", one, "--force") for one in clients), then, now, repeats
        )
        bars = [Bar(f"{', '.join(clients)}, CPU of then / now", whole, ALL)]
        if OPENED in clients:
            for name in NOTEBOOKS:
                ratio = compared(name, lambda side, name=name: side.notebook(OPENED, name), then, now, repeats)
                bars.append(Bar(f"{name} of {OPENED}, CPU of then / now", ratio, EACH))
            ratio = compared("opening", lambda side: side.opening(OPENED), then, now, repeats)
            bars.append(Bar(f"opening {OPENED} again, CPU of then / now", ratio, AGAIN))
        if large:
            bars += larger(then, now)
    return bars


def larger(then: Side, now: Side) -> list[Bar]:
    """The same for a hundred thousand customers, once."""
    for side in (then, now):
        data = side.home / "data" / "demo" / "techco"
        write = ["-m", "crmkit.demo", "techco", "--customers", str(LARGE_CUSTOMERS), "--out", str(data)]
        if side is then:
            call([str(side.python), *write], side.environment())
        else:
            shutil.copytree(then.home / "data" / "demo" / "techco", data, dirs_exist_ok=True)
        side.cpu("run", "techco", "--only", "clv,churn", "--force", "--timeout", "7200")
    measure = {name: (lambda side, name=name: side.notebook("techco", name)) for name in ("clv", "churn")}
    return [
        Bar(f"{name}, {LARGE_CUSTOMERS:,} customers, CPU of then / now", compared(name, one, then, now, 1), LARGE)
        for name, one in measure.items()
    ]


def compared(what: str, measure: Callable[[Side], float], then: Side, now: Side, repeats: int) -> float:
    """The median ratio of both sides, which are measured in turn."""
    slow, fast = [], []
    for _ in range(repeats):
        slow.append(measure(then))
        fast.append(measure(now))
        print(f"{what}: {slow[-1]:.1f} s then, {fast[-1]:.1f} s now", flush=True)
    return median_ratio(slow, fast)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only this report")
    parser.add_argument("--against", default="", metavar="REV", help="compare with an earlier commit")
    parser.add_argument("--clients", default=",".join(CLIENTS), help="which companies are compared")
    parser.add_argument("--repeats", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--python", default="", help="interpreter that has the earlier commit; default: one is made")
    parser.add_argument("--large", action="store_true", help="compare a company of a hundred thousand customers too")
    options = parser.parse_args()
    if options.against:
        clients, repeats = options.clients.split(","), options.repeats
        finish(against(options.against, clients=clients, repeats=repeats, large=options.large, python=options.python))
        return
    bars = []
    for case in CASES:
        if options.only in ("", case.analysis):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                took = seconds(case, Path(folder))
            bars.append(Bar(f"{case.analysis}, {case.customers:,} customers, wall s", took, case.bound, least=False))
    finish(bars)


if __name__ == "__main__":
    main()
