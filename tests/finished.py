"""Exhibits of every kind and findings about them, small enough to be counted by hand, for tests of finished reports."""

from io import BytesIO

import pandas as pd

from crmkit.core.language import Locale, say
from crmkit.core.results import Axis, Column, Result, Text, curve, estimates

HOSTILE = '=HYPERLINK("http://x","y")<script>alert(\'x\')</script>&amp;\x07{n}'
WHAT = (Column("group", "Group"), Column("measure", "Measure", translate=True), Column("value", "Value", "number"))


def bars(name, groups, *, kind="interval_dots", unit="share", measures=("a",), **attrs):
    rows = [
        {"group": group, "measure": measure, "value": 0.1 * place + 0.05, "low": 0.1 * place, "high": 0.1 * place + 0.1,
         "n": 100.0 + place, "unit": unit}
        for place, group in enumerate(groups)
        for measure in measures
    ]  # fmt: skip
    table = estimates(rows)
    table.attrs |= attrs
    axes = {"x": Axis("Group", "text"), "y": Axis("Share", unit)}
    return Result(name, kind, Text("Shares by group"), table, note=Text("Wilson"), alt=Text("Bars"), **axes)


def lines(name, groups=("",), *, dated=False, step=False):
    days = pd.date_range("2025-01-31", periods=6, freq="ME")
    rows = [
        {
            "group": group,
            "x": days[place] if dated else float(place),
            "value": 1 - 0.1 * place,
            "low": 0.9 - 0.1 * place,
            "high": 1.0,
        }
        for group in groups
        for place in range(6)
    ]
    table = curve(pd.DataFrame(rows))
    table.attrs |= {"step": True} if step else {}
    axes = {"x": Axis("Day", "date" if dated else "days"), "y": Axis("Still there", "share")}
    return Result(name, "curve", Text("Who stays"), table, alt=Text("A line"), **axes)


def quadrants(name):
    names = ["group", "x", "x_low", "x_high", "value", "low", "high", "x_cross", "cross", "pale"]
    rows = [
        ("Driver 0", 60.0, 59.0, 61.0, 0.1, 0.05, 0.15, 61.0, 0.15, False),
        ("Driver 1", 61.0, 60.0, 62.0, 0.15, 0.1, 0.2, 61.0, 0.15, False),
        ("Driver 2", 62.0, 61.0, 63.0, 0.2, 0.15, 0.25, 61.0, 0.15, True),
    ]
    axes = {"x": Axis("Performance", "number"), "y": Axis("Importance", "share")}
    return Result(name, "quadrants", Text("Where to start"), pd.DataFrame(rows, columns=names), alt=Text("A map"), **axes)


def diverging(name):
    rows = [
        {"group": question, "box": box, "value": 0.2 + 0.1 * box, "tone": box - 1.0, "n": 50}
        for question in ("Ease", HOSTILE)
        for box in range(3)
    ]
    axes = {"x": Axis("Share", "share"), "y": Axis("Question", "text")}
    return Result(name, "diverging", Text("Answers"), pd.DataFrame(rows), alt=Text("Bars"), **axes)


def plain_table(name, rows=3, *, words="a cell", customers=False, columns=("What", "Cost")):
    table = pd.DataFrame(
        {"what": [f"{words} {place}" for place in range(rows)], "cost": [100.5 * place for place in range(rows)]}
    )
    shown = (Column("what", columns[0]), Column("cost", columns[1], "money"))
    if customers:
        table = table.assign(customer_id=[f"SECRET{place}" for place in range(rows)])
        shown = (Column("customer_id", "Customer", "customer"), *shown)
    return Result(name, "table", Text("Costs"), table, columns=shown, customers=customers)


def found(name, said, *evidence, severity="info", stake=None, action="", **numbers):
    text = Text(said, numbers)
    units = {place: {"value": one.value, "low": one.low, "high": one.high, "unit": one.unit} for place, one in numbers.items()}
    return {
        "id": name, "severity": severity, "passed": None, "text": say(text, Locale()), "criteria": "", "action": action,
        "evidence": list(evidence), "money_at_stake": stake, "numbers": units,
    }  # fmt: skip


def picture(width=60, height=30):
    from PIL import Image

    content = BytesIO()
    Image.new("RGB", (width, height), "#14559f").save(content, format="PNG")
    return content.getvalue()
