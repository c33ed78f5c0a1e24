"""Results of every kind of exhibit, made up."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.core.language import Locale
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, estimates

ALT = Text("What the figure shows.")
WEEKS = np.arange(25.0)


def survival(group: str, rate: float) -> pd.DataFrame:
    alive = np.exp(-rate * WEEKS)
    return pd.DataFrame(
        {
            "group": group,
            "x": WEEKS,
            "value": alive,
            "low": alive * 0.95,
            "high": np.minimum(1, alive * 1.05),
            "at_risk": np.round(800 * alive),
        }
    )


def curve_result(*, groups: tuple[str, ...] = ("Basic", "Plus"), **attrs) -> Result:
    table = curve(pd.concat([survival(group, 0.02 * (place + 1)) for place, group in enumerate(groups)]))
    table.attrs.update(attrs)
    return Result(
        "stay",
        "curve",
        Text("Customers who stay"),
        table,
        alt=ALT,
        x=Axis("Time since start", "weeks"),
        y=Axis("Still customers", "share"),
    )


def estimate_result(kind: str, groups: list[str], *, measures: tuple[str, ...] = ("Share of value",), **attrs) -> Result:
    rows = [
        {
            "group": g,
            "measure": m,
            "value": v,
            "low": v - 0.05,
            "high": v + 0.06,
            "n": 100 + i,
            "unit": "share",
            "method": "Wilson",
        }
        for i, (g, v) in enumerate(zip(groups, np.linspace(0.5, 0.1, len(groups)), strict=True))
        for m in measures
    ]
    table = estimates(rows)
    table.attrs.update(attrs)
    return Result("parts", kind, Text("Parts of value"), table, alt=ALT, x=Axis("Region"), y=Axis("Share of value", "share"))


def grid_result(**attrs) -> Result:
    rows = [
        {"row": r, "column": c, "value": 0.104 + 0.2 * i + 0.1 * j, "n": 10 * (i + j), "suppressed": i == j == 0}
        for i, r in enumerate(("Loyal", "At risk", "Lost"))
        for j, c in enumerate(("Loyal", "Lost"))
    ]
    table = pd.DataFrame(rows)
    table.attrs.update(unit="share", **attrs)
    return Result("moves", "heat_grid", Text("Moves"), table, alt=ALT, x=Axis("After"), y=Axis("Before"))


def lorenz_result(**attrs) -> Result:
    share = np.linspace(0, 1, 21)
    table = curve(pd.DataFrame({"x": share, "value": share**3}))
    table.attrs.update(attrs)
    return Result(
        "spread",
        "concentration",
        Text("Spread"),
        table,
        alt=ALT,
        x=Axis("Share of customers", "share"),
        y=Axis("Share of value", "share"),
    )


def answers_result(**attrs) -> Result:
    rows = [
        {"group": group, "box": float(box), "value": share, "tone": -1 + box / 2, "n": 120.0 + place, "suppressed": False}
        for place, group in enumerate(("Speed", "Price"))
        for box, share in enumerate((0.05, 0.1, 0.2 + 0.1 * place, 0.4 - 0.1 * place, 0.25))
    ]
    table = pd.DataFrame(rows)
    table.attrs.update(attrs)
    axes = {"x": Axis("Share of answers", "share"), "y": Axis("Question", "text")}
    return Result("spread_of_answers", "diverging", Text("Answers"), table, alt=ALT, **axes)


def map_result(**attrs) -> Result:
    rows = [
        {
            "group": group, "x": 60.0 + 9 * place, "x_low": 57.0 + 9 * place, "x_high": 63.0 + 9 * place,
            "value": 0.5 - 0.15 * place, "low": 0.4 - 0.15 * place, "high": 0.58 - 0.15 * place, "x_cross": 68.0,
            "cross": 1 / 3, "pale": place == 2,
        }
        for place, group in enumerate(("Speed", "Price", "Luck"))
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    table.attrs.update(
        corners=(Text("start here"), Text("keep it up"), Text("low priority"), Text("more than needed")), **attrs
    )
    axes = {"x": Axis("Performance", "points"), "y": Axis("Importance", "share")}
    return Result("map", "quadrants", Text("Map"), table, alt=ALT, **axes)


def process_result(**attrs) -> Result:
    """Two declared steps, a third beside them, a way back, and a step that follows itself."""
    rows = [("ask", "solve", 2.0, 30), ("ask", "other", 1.0, 10), ("other", "solve", 8.0, 10), ("solve", "ask", 0.5, 3)]
    rows += [("other", "other", 0.4, 5)]
    table = pd.DataFrame(rows, columns=["before", "after", "value", "n"])
    table.attrs.update(order=["ask", "other", "solve"], declared=["ask", "solve"], **attrs)
    axes = {"x": Axis("Step", "text"), "y": Axis("Median time", "hours")}
    return Result("way", "process_map", Text("Way"), table, alt=ALT, **axes)


def customer_result(**values) -> Result:
    """A list of single customers with a column of text and one of money."""
    table = pd.DataFrame({"customer_id": ["C0017", "C0018"], "segment": ["a", "b"], "clv": [1234.5, float("nan")], **values})
    columns = (Column("customer_id", "Customer", "customer"), Column("segment", "Segment"), Column("clv", "Value", "money"))
    return Result("list", "table", Text("Customers"), table, columns=columns, customers=True)


EXAMPLES = {
    "curve": curve_result,
    "bars": lambda: estimate_result("bars", ["North", "South", "East"]),
    "interval_dots": lambda: estimate_result("interval_dots", ["North", "South", "East"], reference=0.3),
    "heat_grid": grid_result,
    "concentration": lorenz_result,
    "diverging": answers_result,
    "quadrants": map_result,
    "process_map": process_result,
}


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Makers of results: one per kind of figure, ``customers`` for a list, and ``example`` for any figure kind."""
    return SimpleNamespace(
        curve=curve_result,
        estimates=estimate_result,
        grid=grid_result,
        lorenz=lorenz_result,
        customers=customer_result,
        example=lambda kind: EXAMPLES[kind](),
        kinds=set(EXAMPLES),
    )


@pytest.fixture
def english() -> Locale:
    return Locale("en", "EUR")


@pytest.fixture
def chinese() -> Locale:
    return Locale("zh", "CNY")


@pytest.fixture
def finding() -> Finding:
    return Finding(
        id="clv.top",
        severity="warning",
        passed=False,
        text=Text("The top {share} hold it.", {"share": Quantity(0.204, "share")}),
        criteria=Text("At most half."),
        money_at_stake=Quantity(12000, "money"),
        action=Text("Look after them."),
    )
