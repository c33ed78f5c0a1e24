"""How long does the value report of 100,000 customers take, from the files to the finished page with its figures and lists?

    python benchmarks/clv_report.py [--customers N] [--keep FOLDER] [--plain | --large] [--peer-python PATH]

The demo retailer is simulated with so many customers, its tables are written as CSV in a project of its own, and `crmkit run`
makes the page. Wall time of the run, the making of the files left out; memory is the largest sum over all processes of the
run, pages that they share counted once per process.

And what does the page cost against writing it by hand? The page of CDNOW with its intervals, and `_plain_cdnow.py`, which uses
lifetimes and matplotlib on the same file and has none, take turns; CPU time of all their processes, start-up included. The
opponents' interpreter is found as in `clv_fit.py`. `--plain` does only this, `--large` only the other.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish, median_ratio, peer_python

CLIENT = "retailco"
PLAIN, PEERS = "cdnow", ["lifetimes==0.11.3", "autograd", "dill", "matplotlib"]
REPEATS, MOST = 3, 1.5
CRMKIT = "import sys; from crmkit.cli import main; main()"


def project(folder: Path, customers: int) -> dict[str, str]:
    """A project with the retailer in the size asked for; the environment to run it in."""
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
    write = [sys.executable, "-m", "crmkit.demo", CLIENT, "--customers", str(customers)]
    subprocess.run([*write, "--out", str(folder / "data" / "demo" / CLIENT)], check=True, stdout=subprocess.DEVNULL)
    return {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(folder), "MPLBACKEND": "Agg"}


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds of a command, and the largest memory of it and all its children together in GB."""
    import psutil

    peak = 0.0
    done = threading.Event()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            total = 0
            try:
                one = psutil.Process(process.pid)
                for each in [one, *one.children(recursive=True)]:
                    total += each.memory_info().rss
            except psutil.Error:
                continue
            peak = max(peak, total / 1e9)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    took = time.perf_counter() - began
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return took, peak


def cpu(command: list[str], environment: dict[str, str]) -> float:
    """CPU seconds of a command and all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-800:]}\n{done.stderr[-3000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_hand(peer: str | None) -> Bar:
    """The page of CDNOW against the plain script."""
    from importlib.metadata import distribution

    file = str(distribution("lifetimes").locate_file("lifetimes/datasets/CDNOW_sample.txt"))
    other = peer_python(peer, PEERS)
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for part in ("params", "notebooks"):
            shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns(".*"))
        environment = {**os.environ, **ONE_THREAD, "CRMKIT_HOME": folder, "MPLBACKEND": "Agg"}
        for _ in range(REPEATS):
            ours.append(cpu([sys.executable, "-c", CRMKIT, "run", PLAIN, "--only", "clv", "--force"], environment))
            plain.append(cpu([other, str(ROOT / "benchmarks" / "_plain_cdnow.py"), file, f"{folder}/plain"], environment))
            print(f"clv of CDNOW: {ours[-1]:.1f} CPU s, the plain script {plain[-1]:.1f}", flush=True)
    return Bar("clv of CDNOW, CPU of the page / a plain script", median_ratio(ours, plain), MOST, least=False)


def large(customers: int, keep: str | None) -> Bar:
    """The page of so many customers."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(keep or temporary)
        environment = project(folder, customers)
        command = [sys.executable, "-c", CRMKIT, "run", CLIENT, "--only", "clv", "--force", "--timeout", "1800"]
        took, peak = measured(command, environment)
        pages = sorted((folder / "reports").glob(f"{CLIENT}/*/clv.html"))
        size = pages[-1].stat().st_size / 1e6
        print(f"{customers:,} customers: {took:.1f} s, {peak:.2f} GB in all processes, page of {size:.1f} MB", flush=True)
    return Bar(f"clv report, {customers:,} customers: wall seconds", took, 60, least=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--keep", help="folder that the project is made in and left in")
    parser.add_argument("--plain", action="store_true", help="only the page of CDNOW against a plain script")
    parser.add_argument("--large", action="store_true", help="only the page of many customers")
    parser.add_argument("--peer-python", help="interpreter that has lifetimes and matplotlib")
    given = parser.parse_args()
    bars = [] if given.large else [by_hand(given.peer_python)]
    finish(bars if given.plain else [*bars, large(given.customers, given.keep)])
