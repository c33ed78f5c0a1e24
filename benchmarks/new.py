"""How long is it from a raw folder to a first page, and is what the page counts what the files hold?

For each system whose headers were seen, a company's data are written under them, and ``crmkit new --yes``, ``check`` and
``run`` are called one after the other in a project of their own, with the report that its tables are good for; then a folder
of three systems of one company. Wall time from the folder to the page, rows and sums beside a tally kept while the files were
written, and lines of the params file. Run: ``.venv/bin/python benchmarks/new.py``; ``--only shopify`` for one of them.
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
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish

sys.path.insert(0, str(ROOT / "tests"))
from exports.systems import SYSTEMS, System, three_systems
from exports.writing import counted, lines_of

CRMKIT = "import sys; from crmkit.cli import main; main()"
MOST_SECONDS, MOST_LINES = 120.0, 12
CASES = {**SYSTEMS, "three_systems": System(three_systems, "clv,satisfaction")}


def command(home: Path, *arguments: str) -> str:
    """What the command prints; it must end well."""
    environment = {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(home), "MPLBACKEND": "Agg"}
    call = [sys.executable, "-c", CRMKIT, *arguments]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"crmkit {' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def cpu() -> float:
    """Seconds of processor that all commands so far have taken, with their kernels."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(name: str, rows: int, home: Path) -> tuple[float, int, int]:
    """Seconds from folder to page, lines of the longest table, and tables whose rows or sum are not what was written."""
    (home / "params").mkdir()
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    truth = CASES[name].write(home / "exports", rows)
    took, steps = 0.0, []
    for step in (
        ("new", "acme", str(home / "exports"), "--yes"),
        ("check", "acme"),
        ("run", "acme", "--only", CASES[name].analysis, "--timeout", "600"),
    ):
        began, used = time.perf_counter(), cpu()
        command(home, *step)
        took += time.perf_counter() - began
        steps.append(f"{step[0]} {time.perf_counter() - began:.1f} s wall, {cpu() - used:.1f} s CPU")
    pages = [path for one in CASES[name].analysis.split(",") for path in (home / "reports" / "acme").glob(f"*/{one}.html")]
    found = {table: counted(home, table) for table in truth}
    wrong = sum(found[table] != truth[table] for table in truth) + (len(pages) < len(CASES[name].analysis.split(",")))
    longest = max(lines_of((home / "params" / "acme.yml").read_text(encoding="utf-8")).values())
    print(
        f"{name}: {took:.1f} s ({'; '.join(steps)}), {longest} lines, {found}{'' if found == truth else f', expected {truth}'}",
        flush=True,
    )
    return took, longest, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--only", default="", help="only these systems, with commas between them")
    parser.add_argument("--keep", type=Path, help="copy the reports there, to be looked at")
    given = parser.parse_args()
    bars = []
    for name in CASES:
        if given.only and name not in given.only.split(","):
            continue
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            took, lines, wrong = measure(name, given.rows, Path(folder))
            if given.keep:
                shutil.copytree(Path(folder) / "reports", given.keep / name, dirs_exist_ok=True)
                shutil.copy(Path(folder) / "params" / "acme.yml", given.keep / name)
        bars.append(Bar(f"{name}: folder to first page, wall s", took, MOST_SECONDS, least=False))
        bars.append(Bar(f"{name}: lines of YAML of a table", lines, MOST_LINES, least=False))
        bars.append(Bar(f"{name}: tables that do not hold what was written", wrong, 0, least=False))
    finish(bars)


if __name__ == "__main__":
    main()
