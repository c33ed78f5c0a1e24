"""Is the strategy alive: what was set in each cycle, how old is it, and are the customers still those it was made for?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.by_class import with_numbers
from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.form import cycle_of
from crmkit.analyses.audit.read import YEAR
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.tables.groups import GROUP_NAMES, NOT_KNOWN, OTHERS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# what is dated, and by what: goals set, goals due, actions begun and due, campaigns begun
DATED = {
    "goals_set": ("goals", "starts_on"),
    "goals_due": ("goals", "due_on"),
    "actions_begun": ("actions", "starts_on"),
    "actions_due": ("actions", "due_on"),
    "campaigns": ("campaigns", "started_at"),
}
SET = ("goals_set", "actions_begun", "campaigns")
SOME, LARGE = 0.1, 0.25
DRAWS = 1000
STEADY, MOVED, CHANGED = mark("steady"), mark("has moved"), mark("has changed")
NO_LOG = Text("needs goals, actions, campaigns or assessments with their days")


def strategy_log(work: Audit, *, cycle: str = "half_year") -> Result:
    """What was reviewed, set and due in each cycle, and when last?

    Parameters
    ----------
    work : Audit
    cycle : {"quarter", "half_year"}

    Returns
    -------
    Result
        A row per cycle of the audit, the newest first: ``cycle, raters`` (of the self-assessment), ``goals_set, goals_due,
        actions_begun, actions_due, campaigns``; nan where the company keeps no such table.
    """
    import pandas as pd

    title = Text("Log of the strategy: what was reviewed, set and due")
    names = [cycle_of(window.end, cycle) for window in work.past.cycles]
    dates = {name: _days(work, *where) for name, where in DATED.items()}
    rated = work.answers.ratings
    if rated.empty and not any(len(days) for days in dates.values() if days is not None):
        return not_assessed("audit_strategy_log", title, NO_LOG)
    raters = rated.groupby("cycle")["rater_id"].nunique() if len(rated) else pd.Series(dtype="int64")
    counts = {name: _by_cycle(days, cycle) for name, days in dates.items()}
    rows = [
        {
            "cycle": name,
            "raters": int(raters.get(name, 0)) if "assessments" in work.company.tables else np.nan,
            **{what: np.nan if found is None else found.get(name, 0) for what, found in counts.items()},
        }
        for name in reversed(names)
    ]
    columns = (
        Column("cycle", "Cycle"),
        Column("raters", "Raters of the form", "count"),
        Column("goals_set", "Goals set", "count"),
        Column("goals_due", "Goals due", "count"),
        Column("actions_begun", "Actions begun", "count"),
        Column("actions_due", "Actions due", "count"),
        Column("campaigns", "Campaigns begun", "count"),
    )
    finding = _age(work, dates)
    return with_numbers(Result("audit_strategy_log", "table", title, pd.DataFrame(rows), columns=columns, finding=finding))


def _days(work: Audit, table: str, column: str) -> list[dt.date] | None:
    """The days of a column; None where there is none."""
    rows = own_table(work.company, table)
    return None if rows is None or column not in rows else [day.date() for day in rows[column].dropna()]


def _by_cycle(days: list[dt.date] | None, cycle: str) -> dict[str, int] | None:
    if days is None:
        return None
    names = [cycle_of(day, cycle) for day in days]
    return {name: names.count(name) for name in set(names)}


def _age(work: Audit, dates: dict[str, list[dt.date] | None]) -> Finding:
    """How long ago anything was last set: a goal, an action, a campaign."""
    as_of, length = work.past.as_of, work.past.current.days
    past = [day for name in SET for day in dates[name] or () if day <= as_of]
    numbers = {"days": Quantity((as_of - max(past)).days if past else None, "days")}
    if not past:
        text = Text("No goal, action or campaign has begun yet.")
        return Finding("audit.strategy", "warning", False, text, evidence=("audit_strategy_log",))
    old = (as_of - max(past)).days > length
    text = Text("A goal, an action or a campaign was last begun {days} ago.", numbers)
    action = Text("Review the strategy: nothing was set within the last cycle.") if old else None
    severity: Any = "warning" if old else "good"
    return Finding("audit.strategy", severity, not old, text, evidence=("audit_strategy_log",), action=action)


def drift(work: Audit) -> Result:
    """Are the customers of today of the same kinds as those of a year ago?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per attribute: ``attribute, value`` (population stability index), ``low, high``, ``n`` (active now), ``then``,
        ``level`` (the kind whose share changed most), ``share_then, share_now, verdict``.

    Notes
    -----
    ``sum((p - q) log(p / q))`` over the kinds, with the shares p now and q a year ago, each count raised by a half. Limits by
    resampling customers, who may be in both years, and taking off the mean excess of the resamples. Kinds with fewer
    customers than may be shown are counted together.
    """
    import pandas as pd

    title = Text("Have the kinds of customers changed within a year?")
    people = _people(work)
    if people is None:
        return not_assessed(
            "audit_drift", title, Text("needs customers with a region, size or other attribute, active a year ago")
        )
    rows = [row for column in people.columns[2:] if (row := _moved(people, column, work)) is not None]
    if not rows:
        return not_assessed("audit_drift", title, Text("the customers of both years are of one kind, or too few"))
    table = pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)
    columns = (
        Column("attribute", "By", translate=True),
        Column("value", "Index of change", "score"),
        Column("interval", "Interval", "score"),
        Column("n", "Customers now", "count"),
        Column("level", "Changed most", translate=True),
        Column("share_then", "Share a year ago", "share"),
        Column("share_now", "Share now", "share"),
        Column("verdict", "Verdict", translate=True),
    )
    note = Text(
        "Population stability index of active customers, now against a year ago; below {some} steady, from {large} on changed. "
        "Intervals from resampled customers.",
        {"some": Quantity(SOME, "score"), "large": Quantity(LARGE, "score")},
    )
    return with_numbers(Result("audit_drift", "table", title, table, columns=columns, finding=_drift_finding(table), note=note))


def _people(work: Audit) -> pd.DataFrame | None:
    """Each customer: active now, active a year ago, and the attributes that the file has."""
    who, customers = work.past.who, work.company.tables.get("customers")
    if who is None or customers is None or not len(who.customers) or who.reach <= YEAR:
        return None
    wanted = [name for name in GROUP_NAMES if name in customers.columns]
    if not wanted:
        return None
    import pandas as pd

    file = to_frame(customers.select("customer_id", *wanted).order_by("customer_id"))
    file = file.drop_duplicates("customer_id").set_index("customer_id")
    people = pd.DataFrame({"now": who.active[0], "then": who.active[YEAR]}, index=who.customers)
    people = people[people["now"] | people["then"]]
    known = file.reindex(people.index).astype("object")
    return people.join(known.where(known.notna(), NOT_KNOWN)) if len(people) else None


def _moved(people: pd.DataFrame, column: str, work: Audit) -> dict[str, Any] | None:
    import pandas as pd

    counts = people.groupby([column, "now", "then"]).size().unstack([1, 2], fill_value=0)
    counts = counts.reindex(columns=pd.MultiIndex.from_product([(False, True)] * 2), fill_value=0)
    small = counts.sum(axis=1) < work.company.settings.privacy.min_cell
    cells = np.vstack([counts[~small].to_numpy(), counts[small].to_numpy().sum(axis=0)[None, :]])
    names = [*(str(name) for name in counts.index[~small]), OTHERS]
    keep = cells.sum(axis=1) > 0
    cells, names = cells[keep], [name for name, kept in zip(names, keep, strict=True) if kept]
    if len(cells) < 2 or not cells[:, 2:].sum() or not cells[:, [1, 3]].sum():
        return None
    now, then = _shares(cells)
    value = float(_psi(cells))
    rng = np.random.default_rng(0)
    drawn = _psi(rng.multinomial(int(cells.sum()), cells.ravel() / cells.sum(), size=DRAWS).reshape(DRAWS, *cells.shape))
    excess = float(drawn.mean()) - value
    low, high = np.quantile(drawn - excess, [(1 - work.confidence) / 2, (1 + work.confidence) / 2])
    most = int(np.argmax(np.abs(now - then)))
    return {
        "attribute": GROUP_NAMES[column],
        "value": value,
        "low": max(0.0, float(low)),
        "high": float(max(high, value)),
        "n": int(cells[:, 2:].sum()),
        "then": int(cells[:, [1, 3]].sum()),
        "level": names[most],
        "share_then": float(then[most]),
        "share_now": float(now[most]),
        "verdict": STEADY if value < SOME else MOVED if value < LARGE else CHANGED,
    }


def _shares(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Shares of kinds among those active now and then; the last axis is (neither, then, now, both)."""
    now, then = cells[..., 2] + cells[..., 3], cells[..., 1] + cells[..., 3]
    return now / now.sum(-1, keepdims=True), then / then.sum(-1, keepdims=True)


def _psi(cells: NDArray[Any]) -> NDArray[Any]:
    p, q = _shares(cells + np.array([0.0, 0.25, 0.25, 0.25]))
    return np.asarray(((p - q) * np.log(p / q)).sum(-1))


def _drift_finding(table: pd.DataFrame) -> Finding:
    first = table.iloc[0]
    words: dict[str, Quantity | Text | str] = {
        "name": Text(str(first["attribute"])),
        "index": Quantity(first["value"], "score"),
    }
    if first["value"] < SOME:
        text = Text("The kinds of customers are those of a year ago.")
        return Finding("audit.drift", "good", True, text, evidence=("audit_drift",))
    text = Text("The mix of customers has moved within a year, most by {name}: index {index}.", words)
    action = Text("Ask whether goals and campaigns still fit these customers.")
    return Finding("audit.drift", "warning", False, text, evidence=("audit_drift",), action=action)
