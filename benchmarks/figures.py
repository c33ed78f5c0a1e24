"""How long does a figure take, and how large is it on a page?

Draws every figure of the finished reports again, as a page holds it (for a desk and for a phone, with what its marks tell and
with its table), and counts seconds of processor, the quickest of three. Run after ``make report``:
``.venv/bin/python benchmarks/figures.py``; ``--only retailco`` for one client.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from _bench import ONE_THREAD, ROOT, Bar, finish

SECONDS, REPEATED = 0.25, 3


def figures(reports: Path, wanted: list[str]) -> Iterator[tuple[str, object, object]]:
    """Name, result and locale of each figure of the newest reports."""
    from crmkit.core.language import Locale
    from crmkit.report.exhibits import read_exhibit
    from crmkit.show.figures import FIGURE_KINDS

    for client in sorted(path.parent.name for path in reports.glob("*/index.html")):
        if wanted and client not in wanted:
            continue
        newest = sorted((reports / client).glob("[0-9]*"))[-1]
        latest = json.loads((newest / "latest.json").read_text(encoding="utf-8"))["analyses"]
        for analysis, last in latest.items():
            folder = newest / last["folder"]
            if not (folder / "report.json").is_file():
                continue
            record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
            for one in record["exhibits"]:
                result = read_exhibit(one, folder) if one["kind"] in FIGURE_KINDS else None
                if result is not None:
                    yield (
                        f"{client}/{analysis}/{result.name}",
                        result,
                        Locale(record["language"], record.get("currency", "EUR")),
                    )


def main() -> None:
    """Print a row per figure, then the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only these clients, with commas between them")
    given = parser.parse_args()
    os.environ |= ONE_THREAD
    from crmkit.show.figures import figure_html

    rows = []
    for name, result, locale in figures(ROOT / "reports", [one for one in given.only.split(",") if one]):
        taken = []
        for _ in range(REPEATED):
            began = time.process_time()
            html = figure_html(result, locale)
            taken.append(time.process_time() - began)
        rows.append((min(taken), len(html.encode()) / 1024, name, "svg" if "<svg" in html else "png"))
    if not rows:
        raise SystemExit("there are no reports: make report")
    print(f"{'figure':56} CPU s   KB")
    for seconds, size, name, kind in sorted(rows, reverse=True):
        print(f"{name:56} {seconds:5.2f} {size:4.0f} {kind}")
    drawn = sum(kind == "svg" for *_, kind in rows)
    mean = sum(seconds for seconds, *_ in rows) / len(rows)
    print(f"{len(rows)} figures, {drawn} of them drawings, {mean:.2f} s each, {sum(size for _, size, *_ in rows):.0f} KB")
    finish([Bar("figure_cpu_seconds", max(seconds for seconds, *_ in rows), SECONDS, least=False)])


if __name__ == "__main__":
    main()
