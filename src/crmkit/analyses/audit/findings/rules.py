"""What does an audit look at? One rule each for indicators, trends, gaps of the form, coverage and control.

A rule looks at everything in its reach, also at what is in order, so that all looks count when chance is corrected for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.model import NAN, Check, Measure, theme_of
from crmkit.analyses.audit.form.answers import ROLE_WORDS, ROLES, Answers
from crmkit.analyses.audit.objectivity import gap_table
from crmkit.analyses.audit.scoring import ASSESSED
from crmkit.core.errors import ModelError
from crmkit.core.results import Quantity, Text, Unit
from crmkit.models.basics.trend import slope

if TYPE_CHECKING:
    import pandas as pd

FEWEST_MONTHS = 18
# reports whose numbers are of all the data, whatever the cycle of the audit is
OWN_PERIODS = frozenset({"clv", "churn"})
A_YEAR = Text("{name}: {change} a year, over {n} months")
POINTS_A_YEAR = Text("{name}: {change} percentage points a year, over {n} months")
WORSE = Text("{name}: worse by {change} a year")
WORSE_BY_POINTS = Text("{name}: worse by {change} percentage points a year")
RELEVANT_CHANGE = 0.05


@dataclass(frozen=True, eq=False)
class Looked:
    """What rules look at: indicators as assessed, their months, the catalogue, the form, and what the client has."""

    state: pd.DataFrame
    months: pd.DataFrame
    book: Catalogue
    answers: Answers
    tables: frozenset[str]
    actions: pd.DataFrame | None = None
    risks: pd.DataFrame | None = None
    gap_points: float = 0.75
    confidence: float = 0.95


Words = dict[str, Quantity | Text | str]


def _of(row: Mapping[Any, Any], name: str) -> Quantity:
    unit: Unit = row["unit"]
    if name == "value":
        return Quantity(row["value"], unit, row["low"], row["high"])
    return Quantity(row[name], unit)


def indicators(looked: Looked) -> list[Check]:
    """Is the truth worse than the target?"""
    found = []
    for row in looked.state[looked.state["status"] == ASSESSED].to_dict("records"):
        theme = theme_of(row["indicator"])
        if theme is None or row["target"] != row["target"]:
            continue
        words: Words = {"name": row["name"], "target": _of(row, "target")}
        criteria = {
            "up": Text("{name} of at least {target}", words),
            "down": Text("{name} of at most {target}", words),
            "range": Text("{name} near {target}", words),
        }[row["direction"]]
        if row["placeholder"]:
            criteria = Text("{rule} (the kit's placeholder, not your target)", {"rule": criteria})
        off = _worse(row)
        measured: Words = {"name": row["name"], "value": _of(row, "value"), "n": Quantity(row["n"], "count")}
        if row["owner"] in OWN_PERIODS:
            condition = Text("{name}: {value}, n = {n}", measured)
        else:
            period = {name: Quantity(row[name].date(), "date") for name in ("start", "end")}
            condition = Text("{name}: {value}, n = {n}, {start} to {end}", {**measured, **period})
        told = Text("{name}: {value}", {"name": row["name"], "value": Quantity(row["value"], row["unit"])})
        back = row.get("came_back", NAN)
        if back == back:
            warned = Text("{back} of those counted as lost came back later", {"back": Quantity(back, "share")})
            condition = Text("{said}; {warned}", {"said": condition, "warned": warned})
            told = Text("{said} ({warned})", {"said": told, "warned": warned})
        found.append(
            Check(
                "indicator",
                theme.id,
                row["indicator"],
                off,
                row["p_value"],
                criteria,
                condition,
                Measure(row["value"], row["low"], row["high"], row["target"], row["n"], row["unit"]),
                placeholder=bool(row["placeholder"]),
                told=told,
            )
        )
    return found


def _worse(row: Mapping[Any, Any]) -> bool:
    if row["direction"] == "up":
        return bool(row["value"] < row["target"])
    if row["direction"] == "down":
        return bool(row["value"] > row["target"])
    # near its target is where the score is 4 or better
    return bool(row["score"] < 4)


def trends(looked: Looked) -> list[Check]:
    """Does an outcome or an early warning get worse from month to month, by more than noise?"""
    found = []
    rows = looked.state[(looked.state["status"] == ASSESSED) & looked.state["kri"]]
    for row in rows.to_dict("records"):
        theme = theme_of(row["indicator"])
        series = looked.months[looked.months["indicator"] == row["indicator"]].tail(24)
        if theme is None or row["direction"] == "range" or looked.book[row["indicator"]].months > 1:
            continue
        if series["value"].notna().sum() < FEWEST_MONTHS:
            continue
        try:
            line = slope(series["value"], confidence=looked.confidence)
        except ModelError:
            continue
        sign = 1 if row["direction"] == "down" else -1
        worse = sign * line.value > 0
        size = abs(row["target"] if row["target"] == row["target"] else row["value"])
        relevant = abs(12 * line.value) >= RELEVANT_CHANGE * size
        unit: Unit = row["unit"]
        # a share falls by points of a hundred: "-5 %" could be a twentieth of it
        times, shown, told = (1200.0, POINTS_A_YEAR, WORSE_BY_POINTS) if unit == "share" else (12.0, A_YEAR, WORSE)
        yearly = Quantity(times * line.value, "points" if unit == "share" else unit, times * line.low, times * line.high)
        words: Words = {"name": row["name"], "change": yearly, "n": Quantity(line.n, "count")}
        worst: Words = {"name": row["name"], "change": Quantity(abs(times * line.value), "points" if unit == "share" else unit)}
        one_sided = line.p_value / 2 if worse else 1 - line.p_value / 2
        found.append(
            Check(
                "trend",
                theme.id,
                row["indicator"],
                worse and relevant,
                one_sided,
                Text("{name} does not get worse", words),
                Text(shown.template, words),
                Measure(12 * line.value, 12 * line.low, 12 * line.high, 0.0, float(line.n), unit),
                told=Text(told.template, worst),
            )
        )
    return found


def _gaps(looked: Looked, rule: str, comparisons: tuple[str, ...]) -> list[Check]:
    if looked.answers.reason is not None:
        return []
    table = gap_table(looked.answers, looked.state)
    found = []
    for row in table[(table["item"] == "") & table["group"].isin(comparisons)].to_dict("records"):
        value = Quantity(row["value"], "points", row["low"], row["high"])
        above = row["value"] > 0
        words: Words = {
            "name": Text(row["group"]),
            "gap": value,
            "most": Quantity(looked.gap_points, "score"),
            "n": Quantity(row["n"], "count"),
        }
        items = table[(table["item"] != "") & (table["group"] == row["group"])]
        where = items.sort_values("value", ascending=False)["item"].head(1).tolist()
        names = {item.id: item.name(looked.answers.language) for item in looked.answers.form.items}
        found.append(
            Check(
                rule,
                "self_image",
                row["group"],
                above and row["value"] >= looked.gap_points,
                row["p_value"] / 2 if above else 1 - row["p_value"] / 2,
                Text("{name}: at most {most} points", words),
                Text("{name}: {gap} points over {n} standards", words),
                Measure(row["value"], row["low"], row["high"], looked.gap_points, row["n"], "points"),
                where=names[where[0]] if where else "",
                told=Text("{name}: {gap} points", {**words, "gap": Quantity(row["value"], "points")}),
            )
        )
    return found


def gaps_to_data(looked: Looked) -> list[Check]:
    """Does the company rate itself better than its data do?"""
    return _gaps(looked, "gap_data", ("Managers less data", "Staff less data"))


def gaps_to_others(looked: Looked) -> list[Check]:
    """Does the company rate itself better than a third party does, or managers better than staff?"""
    return _gaps(looked, "gap_others", ("Managers less third party", "Staff less third party", "Managers less staff"))


def missing_roles(looked: Looked) -> list[Check]:
    """Does a form come back from everybody who should be asked?"""
    answers = looked.answers
    if answers.reason is not None:
        return []
    counts = answers.now.groupby("rater_role")["rater_id"].nunique()
    found = []
    for role in ROLES:
        n = int(counts.get(role, 0))
        needed = answers.minimum if role in ("manager", "staff") else 1
        words: Words = {"role": Text(ROLE_WORDS[role]), "n": Quantity(n, "count"), "needed": Quantity(needed, "count")}
        # a third party is asked for, and its absence is printed; the audit stands without it
        off = n < needed and role != "third_party"
        found.append(
            Check(
                "coverage_roles",
                "form_coverage",
                role,
                off,
                NAN,
                Text("{role}: at least {needed} raters", words),
                Text("{role}: {n} {n:rater|raters}", words),
                Measure(n, target=needed, n=n, unit="count"),
            )
        )
    return found


def missing_tables(looked: Looked) -> list[Check]:
    """Is there a voice of customers, and one of staff?"""
    words = {
        "surveys": (Text("customers are asked"), Text("No answers of customers are there")),
        "staff_survey": (Text("staff is asked"), Text("No answers of staff are there")),
    }

    def asked(name: str) -> Measure:
        there = float(name in looked.tables)
        return Measure(there, target=1.0, n=there, unit="count")

    return [
        Check("coverage_tables", "voices", name, name not in looked.tables, NAN, criteria, condition, asked(name))
        for name, (criteria, condition) in words.items()
    ]


def actions_without_owner(looked: Looked) -> list[Check]:
    """Has every action an owner and a day on which it is due?"""
    if looked.actions is None or looked.actions.empty:
        return []
    rows = looked.actions
    bad = rows["owner"].isna() | (rows["owner"] == "") | rows["due_on"].isna()
    return [
        _counted(
            "control_actions",
            "plan_control",
            "actions",
            int(bad.sum()),
            len(rows),
            Text("every action has an owner and a due date"),
            Text("{n} of {all} actions {n:has|have} none"),
        )
    ]


def risks_without_plan(looked: Looked) -> list[Check]:
    """Has every registered risk an owner, and each of high impact a contingency?"""
    if looked.risks is None or looked.risks.empty:
        return []
    rows = looked.risks
    blank = {
        name: rows[name].isna() | (rows[name] == "") if name in rows else rows["risk_id"].notna()
        for name in ("owner", "contingency")
    }
    high = rows["impact"].fillna(0) >= 4 if "impact" in rows else rows["risk_id"].isna()
    bad = blank["owner"] | (high & blank["contingency"])
    return [
        _counted(
            "control_risks",
            "risk_control",
            "risks",
            int(bad.sum()),
            len(rows),
            Text("every risk has an owner, and each of high impact a contingency plan"),
            Text("{n} of {all} risks do not"),
        )
    ]


def _counted(rule: str, theme: str, subject: str, bad: int, n: int, criteria: Text, condition: Text) -> Check:
    said = Text(condition.template, {"n": Quantity(bad, "count"), "all": Quantity(n, "count")})
    return Check(rule, theme, subject, bad > 0, NAN, criteria, said, Measure(bad, target=0, n=n, unit="count"))


Rule = Callable[[Looked], list[Check]]
RULES: Mapping[str, Rule] = {
    "indicator": indicators,
    "trend": trends,
    "gap_data": gaps_to_data,
    "gap_others": gaps_to_others,
    "coverage_roles": missing_roles,
    "coverage_tables": missing_tables,
    "control_actions": actions_without_owner,
    "control_risks": risks_without_plan,
}
