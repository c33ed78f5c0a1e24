"""What must hold in every exhibit, whatever it shows."""

from numbers import Real

import pandas as pd

TEXTS = ("group", "measure", "unit", "method", "action_id", "finding_id", "kind", "owner", "source")
# limits that go with a value, and what they go with
LIMITS = (("low", "value", "high"), ("x_low", "x", "x_high"), ("low_limit", "value", "high_limit"))


def unsound(result) -> list[str]:
    """What is wrong with an exhibit: a table without columns, columns that are not there, limits on the wrong side."""
    table = result.table
    if table is None:
        return []
    wrong = [] if result.columns or result.kind != "table" else ["has no columns"]
    wrong += [f"has no {one.name}" for one in result.columns if one.name not in table and one.name != "interval"]
    for names in [("low", "probability", "high"), *LIMITS[1:]] if "probability" in table else LIMITS:
        if set(names) <= set(table.columns):
            low, value, high = (pd.to_numeric(table[name], errors="coerce") for name in names)
            wrong += [f"{names[0]} lies above {names[1]}"] if (low > value + 1e-9).any() else []
            wrong += [f"{names[1]} lies above {names[2]}"] if (value > high + 1e-9).any() else []
    for name in TEXTS:
        if name in table and any(isinstance(one, Real) and one == one for one in table[name]):
            wrong.append(f"a number stands under {name}")
    if "n" in table and any(isinstance(one, str) for one in table["n"]):
        wrong.append("a word stands under n")
    return [f"{result.name}: {one}" for one in wrong]


def faults(results) -> list[str]:
    """What is wrong in any of these."""
    return [fault for result in results for fault in unsound(result)]
