"""How long do slides, document and mail of a client take, and is what they say what the reports say?

For each client with finished reports the three commands run in a process of their own, twice: wall time of the quicker, slides,
native charts, and whether the second run wrote the same bytes. Run after ``make report``:
``.venv/bin/python benchmarks/office.py``; ``--only retailco`` for one client.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish

CRMKIT = "import sys; from crmkit.cli import main; main()"
MOST_SECONDS = {"deck": 6.0, "doc": 6.0, "brief": 6.0}
FEWEST_SLIDES, MOST_SLIDES, FEWEST_CHARTS = 8, 12, 4


def cpu() -> float:
    """Seconds of processor that all commands so far have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def written(command: str, client: str) -> tuple[list[Path], float, float]:
    """The files of a command, its wall time and its seconds of processor."""
    used, began = cpu(), time.perf_counter()
    call = [sys.executable, "-c", CRMKIT, command, client]
    environment = {**os.environ, **ONE_THREAD, "CRMKIT_HOME": str(ROOT)}
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"crmkit {command} {client} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return [Path(line) for line in done.stdout.splitlines()], time.perf_counter() - began, cpu() - used


def counted(deck: Path) -> tuple[int, int]:
    """Slides, and native charts that have a data sheet."""
    from pptx import Presentation

    slides = list(Presentation(str(deck)).slides)
    charts = [shape.chart for slide in slides for shape in slide.shapes if shape.has_chart]
    return len(slides), sum(chart.part.chart_workbook.xlsx_part is not None for chart in charts)


def measure(client: str) -> list[Bar]:
    bars, differ = [], 0
    for command, most in MOST_SECONDS.items():
        files, first, _ = written(command, client)
        before = [path.read_bytes() for path in files]
        files, second, used = written(command, client)
        differ += sum(path.read_bytes() != content for path, content in zip(files, before, strict=True))
        print(
            f"{client} {command}: {first:.1f} s, {second:.1f} s, {used:.1f} s CPU, {sum(map(len, before)) / 1e3:.0f} KB",
            flush=True,
        )
        bars.append(Bar(f"{client}: {command}, wall s", min(first, second), most, least=False))
        if command == "deck":
            slides, charts = counted(files[0])
            bars.append(Bar(f"{client}: slides, at least", slides, FEWEST_SLIDES))
            bars.append(Bar(f"{client}: slides, at most", slides, MOST_SLIDES, least=False))
            bars.append(Bar(f"{client}: charts with a data sheet", charts, FEWEST_CHARTS))
    return [*bars, Bar(f"{client}: files that differ when written again", differ, 0, least=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only these clients, with commas between them")
    given = parser.parse_args()
    clients = sorted(path.parent.name for path in (ROOT / "reports").glob("*/index.html"))
    wanted = [name for name in clients if not given.only or name in given.only.split(",")]
    if not wanted:
        raise SystemExit("there are no reports: make report")
    finish([bar for client in wanted for bar in measure(client)])


if __name__ == "__main__":
    main()
