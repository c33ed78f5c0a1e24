"""How long does a report of a large client take, from its files to the finished page?

Each company is simulated with so many customers, its tables are written as CSV, and ``crmkit run`` makes the page with figures,
in a project of its own. Wall time of the run, the making of the files left out. Run:
``.venv/bin/python benchmarks/reports.py``; ``--only churn`` for one of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only this report")
    options = parser.parse_args()
    bars = []
    for case in CASES:
        if options.only in ("", case.analysis):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                took = seconds(case, Path(folder))
            bars.append(Bar(f"{case.analysis}, {case.customers:,} customers, wall s", took, case.bound, least=False))
    finish(bars)


if __name__ == "__main__":
    main()
