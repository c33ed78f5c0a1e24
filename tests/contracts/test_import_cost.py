"""`import crmkit` is as cheap as `import pandas`, and loads nothing heavy."""

import statistics
import subprocess
import sys
import time

HEAVY = ("seaborn", "matplotlib", "statsmodels", "lifelines", "ibis", "duckdb", "papermill", "nbconvert", "scipy", "pandera")


def cpu_seconds(code: str) -> float:
    timed = f"import time; start = time.process_time(); {code}; print(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True).stdout)


def test_import_is_at_most_a_third_dearer_than_pandas():
    ratios = [cpu_seconds("import crmkit") / cpu_seconds("import pandas") for _ in range(3)]
    assert statistics.median(ratios) <= 1.3


def test_import_loads_nothing_heavy():
    code = f"import sys, crmkit; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"


def test_help_of_the_command_is_quick():
    def once(arguments: list[str]) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return time.perf_counter() - start

    extra = [once(["-m", "crmkit", "--help"]) - once(["-c", "pass"]) for _ in range(5)]
    assert min(extra) < 1.0
