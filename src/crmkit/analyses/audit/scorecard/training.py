"""Whom has training reached, does it help, and do customers notice? By course and role, by mode, by the rating of tickets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from crmkit.analyses.audit.fit import Audit, own_table
from crmkit.analyses.audit.read import YEAR
from crmkit.analyses.audit.sampling import Located
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.data.summaries.audit.tickets import ratings_by_agent
from crmkit.data.tables.groups import NOT_KNOWN
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
GAIN = mark("mean gain of the test score, Student's t")
NEEDS = Text("needs staff and training")
ASSOCIATION = Text(
    "Mean over agents, each of them one observation. An association: who is trained may differ in other ways. Teams are too "
    "few to say what engagement does."
)


def training(work: Audit) -> Result:
    """Whom has each course reached within the last year, by role, and whom not?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per course and role, the widest gap first: ``course, role, n`` (staff there), ``trained``, ``value, low, high``
        (share, Wilson), ``gap`` (how many are not trained).
    """
    import pandas as pd

    title = Text("Training: whom each course has reached")
    staff, taken = _there(work), _taken(work)
    if staff is None or taken is None or staff.empty or taken.empty:
        return not_assessed("audit_training", title, NEEDS)
    year = taken[taken["taken_at"] > pd.Timestamp(work.past.as_of) - pd.DateOffset(months=YEAR)]
    rows = []
    for course in sorted(taken["course"].unique()):
        reached = set(year.loc[year["course"] == course, "staff_id"])
        for role, own in staff.groupby("role", sort=True):
            hits = int(own["staff_id"].isin(reached).sum())
            sure = wilson([hits], [len(own)], confidence=work.confidence)
            limits = {"value": sure.value[0], "low": sure.low[0], "high": sure.high[0]}
            rows.append({"course": course, "role": role, "n": len(own), "trained": hits, **limits, "gap": len(own) - hits})
    table = pd.DataFrame(rows).sort_values(["gap", "course", "role"], ascending=[False, True, True], ignore_index=True)
    columns = (
        Column("course", "Course"),
        Column("role", "Role", translate=True),
        Column("n", "Staff", "count"),
        Column("value", "Trained within a year", "share"),
        Column("interval", "Interval", "share"),
        Column("gap", "Not trained", "count"),
    )
    first = table.iloc[0]
    words: dict[str, Quantity | Text | str] = {
        "course": str(first["course"]),
        "gap": Quantity(int(first["gap"]), "count"),
        "n": Quantity(int(first["n"]), "count"),
        "role": Text(str(first["role"])) if first["role"] == NOT_KNOWN else str(first["role"]),
    }
    text = Text("Widest gap: {gap} of {n} with the role “{role}” have not taken “{course}” within a year.", words)
    if not first["gap"]:
        text = Text("Everybody has taken every course within a year.")
    finding = Finding("audit.training", "info", None, text, evidence=("audit_training",))
    return Result("audit_training", "table", title, table, columns=columns, finding=finding)


def _there(work: Audit) -> pd.DataFrame | None:
    """Who is there on the day of the audit, with role and team."""
    import pandas as pd

    staff = own_table(work.company, "staff")
    if staff is None:
        return None
    day = pd.Timestamp(work.past.as_of)
    for name in ("role", "team"):
        staff[name] = staff[name].fillna(NOT_KNOWN).astype(str) if name in staff else NOT_KNOWN
    gone = staff["left_at"] <= day if "left_at" in staff else pd.Series(data=False, index=staff.index)
    return staff[~gone.fillna(value=False)]


def _taken(work: Audit) -> pd.DataFrame | None:
    rows = own_table(work.company, "training")
    return None if rows is None else rows[rows["taken_at"].notna()]


def gains(work: Audit) -> Result:
    """How much do test scores rise by mode of training: in class, online, practice?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        Estimate table: mean gain in points per mode, with ``n`` courses taken and tested; the finding says whether the modes
        differ.

    Notes
    -----
    Each mode against all others by Welch's test, corrected for the number of modes (Holm).
    """
    title = Text("Training: gain by mode")
    rows = _taken(work)
    if rows is None or not {"mode", "score_before", "score_after"} <= set(rows.columns):
        return not_assessed("audit_gains", title, Text("needs training with its mode and a test before and after"))
    rows = rows.dropna(subset=["score_before", "score_after", "mode"])
    gain = (rows["score_after"] - rows["score_before"]).astype("float64")
    groups = {str(mode): own.to_numpy() for mode, own in gain.groupby(rows["mode"], sort=True) if len(own) >= FEWEST}
    if not groups:
        return not_assessed("audit_gains", title, Text("too few courses of one mode were tested before and after"))
    table = estimates(_gain_row(mode, own, work.confidence) for mode, own in groups.items())
    columns = (
        Column("group", "Mode"),
        Column("value", "Gain, points", "points"),
        Column("interval", "Interval", "points"),
        Column("n", "Courses tested", "count"),
    )
    finding = _gain_finding(groups, table, work.confidence)
    note = Text("Mean rise of the test score; each mode is compared with the others by Welch's test, corrected (Holm).")
    return Result("audit_gains", "table", title, table, columns=columns, finding=finding, note=note)


def _gain_row(mode: str, own: Any, confidence: float) -> dict[str, Any]:
    value = float(own.mean())
    low, high = Located(value, float(own.std(ddof=1)) / len(own) ** 0.5, len(own) - 1).limits(confidence)
    about = {"measure": "gain", "n": len(own), "unit": "points", "method": GAIN}
    return {"group": mode, "value": value, "low": low, "high": high, **about}


def _gain_finding(groups: dict[str, Any], table: pd.DataFrame, confidence: float) -> Finding | None:
    if len(groups) < 2:
        return None
    rest = {mode: np.concatenate([own for other, own in groups.items() if other != mode]) for mode in groups}
    p = holm([float(stats.ttest_ind(groups[mode], rest[mode], equal_var=False).pvalue) for mode in groups])
    best = table.loc[table["value"].idxmax()]
    words: dict[str, Quantity | Text | str] = {"mode": str(best["group"]), "gain": Quantity(best["value"], "points")}
    if np.nanmin(p) < 1 - confidence:
        text = Text("The modes differ; the gain is largest with “{mode}”: {gain} points.", words)
    else:
        text = Text("What participants gain does not differ significantly between the modes.")
    return Finding("audit.gains", "info", None, text, evidence=("audit_gains",))


def trained_agents(work: Audit) -> Result:
    """Do customers rate the tickets of trained agents better, and which team is engaged, trained, and rated how?

    Parameters
    ----------
    work : Audit

    Returns
    -------
    Result
        A row per team: ``team, agents, trained`` (share within a year), ``engagement`` (mean of the newest staff survey),
        ``answers, value, low, high`` (mean rating of the tickets, over agents), ``n`` (rated tickets). The finding compares
        agents with and without training.

    Notes
    -----
    An agent is one observation, the mean of its ratings; trained against not trained by Welch's test. Teams are too few to be
    compared, so their numbers stand beside each other.
    """
    import pandas as pd

    title = Text("Training, engagement and how customers rate the tickets")
    staff, taken, agents = _there(work), _taken(work), _agents(work)
    if staff is None or agents is None:
        return not_assessed("audit_trained_agents", title, Text("needs staff, and tickets with agent and rating"))
    agents = agents.merge(staff[["staff_id", "team"]], left_on="agent_id", right_on="staff_id", how="inner")
    if len(agents) < FEWEST:
        return not_assessed("audit_trained_agents", title, Text("the agents of too few rated tickets are in the table staff"))
    recent = set() if taken is None else set(taken.loc[taken["taken_at"] > _year_ago(work.past.as_of), "staff_id"])
    agents["trained"] = agents["agent_id"].isin(recent)
    engaged = _engagement(work)
    rows = [_team(str(team), own, engaged, work.confidence) for team, own in agents.groupby("team", sort=True)]
    columns = (
        Column("team", "Team of agents", translate=True),
        Column("agents", "Agents", "count"),
        Column("trained", "Trained within a year", "share"),
        Column("engagement", "Engagement of staff", "score"),
        Column("value", "Rating of tickets", "score"),
        Column("interval", "Interval", "score"),
        Column("n", "Rated tickets", "count"),
    )
    finding, note = _compared(agents, work.confidence, known=taken is not None)
    return Result("audit_trained_agents", "table", title, pd.DataFrame(rows), columns=columns, finding=finding, note=note)


def _year_ago(as_of: dt.date) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(as_of) - pd.DateOffset(months=YEAR)


def _agents(work: Audit) -> pd.DataFrame | None:
    """Mean rating of each agent within the last year: ``agent_id, rating, n``."""
    tickets = work.company.tables.get("tickets")
    if tickets is None or not {"agent_id", "csat"} <= set(tickets.columns):
        return None
    rows = ratings_by_agent(tickets, starts=work.past.starts[:YEAR])
    sums = rows.assign(total=rows["csat"] * rows["n"]).groupby("agent_id")[["total", "n"]].sum()
    return sums.assign(rating=sums["total"] / sums["n"]).drop(columns="total").reset_index() if len(sums) else None


def _engagement(work: Audit) -> dict[str, float]:
    """Mean answer of each team in the newest wave of the staff survey."""
    rows = own_table(work.company, "staff_survey")
    if rows is None or "team" not in rows or rows.empty:
        return {}
    newest = rows[rows["wave"] == max(rows["wave"], key=str)]
    return {str(team): float(own.astype("float64").mean()) for team, own in newest.groupby("team")["score"]}


def _team(team: str, own: pd.DataFrame, engaged: dict[str, float], confidence: float) -> dict[str, Any]:
    rating, low, high = float(own["rating"].mean()), float("nan"), float("nan")
    if len(own) > 1:
        low, high = Located(rating, float(own["rating"].std(ddof=1)) / len(own) ** 0.5, len(own) - 1).limits(confidence)
    return {
        "team": team,
        "agents": len(own),
        "trained": float(own["trained"].mean()),
        "engagement": engaged.get(team, float("nan")),
        "value": rating,
        "low": low,
        "high": high,
        "n": int(own["n"].sum()),
    }


def _compared(agents: pd.DataFrame, confidence: float, *, known: bool) -> tuple[Finding | None, Text]:
    """Trained agents against the others: what it says, and the note with the difference."""
    parts: Sequence[Any] = [agents.loc[agents["trained"] == value, "rating"].to_numpy() for value in (True, False)]
    if not known or min(len(part) for part in parts) < FEWEST:
        return None, ASSOCIATION
    found = stats.ttest_ind(*parts, equal_var=False)
    low, high = found.confidence_interval(confidence)
    words = {
        "gap": Quantity(float(parts[0].mean() - parts[1].mean()), "score", float(low), float(high)),
        "n": Quantity(len(parts[0]), "count"),
        "all": Quantity(len(agents), "count"),
    }
    if low > 0:
        text = Text("Customers rate the {n} trained of {all} agents better than the others.", words)
    elif high < 0:
        text = Text("Customers rate the {n} trained of {all} agents worse than the others.", words)
    else:
        text = Text("Customers rate the {n} trained of {all} agents no differently than the others.", words)
    finding = Finding("audit.trained_agents", "info", None, text, evidence=("audit_trained_agents",))
    return finding, Text("Trained less others: {gap} points (Welch). {note}", {**words, "note": ASSOCIATION})
