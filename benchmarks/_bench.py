"""What every benchmark shares: a process per contender, one BLAS thread, interleaved repetitions, one line per bar."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")}


@dataclass(frozen=True)
class Bar:
    """A figure that was promised; `least` tells whether it must be reached or not exceeded."""

    name: str
    measured: float
    bound: float
    least: bool = True

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.least else self.measured <= self.bound


def finish(bars: list[Bar]) -> None:
    """One line per bar: name, measured, bound, met or short."""
    print()
    for bar in bars:
        sign = ">=" if bar.least else "<="
        print(f"{bar.name:58s} {bar.measured:10.3g} {sign} {bar.bound:<8g} {'met' if bar.met else 'short'}")


def run(python: str, script: Path, *arguments: object) -> dict[str, object]:
    """Run a script in a process of its own with one BLAS thread; its last line of output is JSON."""
    command = [python, str(script), *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """The median of the ratios of repetitions that ran one after the other."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def peer_python(given: str | None, requirements: list[str]) -> str:
    """The interpreter that has the opponents: the one given, $CRMKIT_PEER_PYTHON, or a new environment in .venv-peers/."""
    named = given or os.environ.get("CRMKIT_PEER_PYTHON")
    if named:
        return named
    folder = ROOT / ".venv-peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    marker = folder / "requirements.txt"
    if not (marker.exists() and set(requirements) <= set(marker.read_text().split())):
        print(f"making {folder.name}/ with {', '.join(requirements)} ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *requirements], check=True)
        known = set(marker.read_text().split()) if marker.exists() else set()
        marker.write_text("\n".join(sorted(known | set(requirements))) + "\n")
    return str(python)
