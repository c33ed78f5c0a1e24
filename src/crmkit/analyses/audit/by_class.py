"""How does the company stand by class of indicators, now and over the last cycles?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.catalogue import GROUPS
from crmkit.analyses.audit.findings.finding import quantities
from crmkit.analyses.audit.findings.model import joined
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.indicators.estimate import SNAPSHOT
from crmkit.analyses.audit.scoring import ASSESSED, class_scores
from crmkit.core.errors import ParamError, did_you_mean
from crmkit.core.format import alike, format_value
from crmkit.core.language import mark, one_by_one
from crmkit.core.results import Axis, Column, Quantity, Result, Text, curve, estimates, not_assessed

if TYPE_CHECKING:
    import pandas as pd

CLASSES = {
    "process": mark("Process"),
    "outcome": mark("Outcome"),
    "input_output": mark("Input and output"),
    "data": mark("Data"),
    "people": mark("People"),
}
OWN, KITS = mark("the company's"), mark("the kit's")
LEVEL = (
    Column("name", "Indicator"),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("target_text", "Target"),
    Column("score_text", "Score (possible range)"),
)
METHOD = mark("weighted mean of scores")


def tiles(work: Audit) -> Result:
    """The score of each class, 1 to 5, with the range that the intervals allow."""
    title = Text("Score by class, 1 to 5")
    table = class_scores(work.state)
    rows = [
        {
            "group": CLASSES[row["class"]],
            "measure": mark("Score"),
            "value": row["score"],
            "low": row["score_low"],
            "high": row["score_high"],
            "n": row["assessed"],
            "unit": "points",
            "method": METHOD,
        }
        for row in table.to_dict("records")
    ]
    note = Text("n: indicators assessed. A class of which less than 60% could be assessed has no score.")
    columns = (Column("group", "Class", translate=True),)
    boxes = estimates(rows)
    boxes.attrs["limits"] = Text("possible scores")
    return Result("audit_classes", "values", title, boxes, columns=columns, note=note)


def indicator_table(work: Audit, *groups: str) -> Result:
    """How each indicator of one or more classes stands: value, interval, target, score with its possible range.

    Parameters
    ----------
    work : Audit
    groups : str
        Of "process", "outcome", "input_output", "data", "people".

    Raises
    ------
    ParamError
        For another class.
    """
    unknown = [group for group in groups if group not in GROUPS]
    if unknown or not groups:
        raise ParamError(f"class: is {unknown[0] if unknown else ''!r}; {did_you_mean(unknown[0] if unknown else '', GROUPS)}")
    title = Text("Indicators: {name}", {"name": joined([Text(CLASSES[group]) for group in groups])})
    name = "audit_" + "_".join(groups)
    own = work.state[work.state["class"].isin(groups)]
    columns = (
        *LEVEL,
        Column("n", "n", "count"),
        Column("whose", "Target is", translate=True),
        Column("method", "Method", translate=True),
    )
    found = level_table(work, own, name, title, columns)
    reason = Text("none of its indicators could be assessed; see what is missing below")
    return found or not_assessed(name, title, reason)


def level_table(work: Audit, rows: pd.DataFrame, name: str, title: Text, columns: tuple[Column, ...]) -> Result | None:
    """Those of some rows of the state that are assessed, target and score in words; None where there is none.

    Parameters
    ----------
    work : Audit
    rows : pandas.DataFrame
        Rows of its state.
    name : str
    title : Text
    columns : tuple of Column
        Of the state, and ``interval, target_text, score_text, whose``.
    """
    own = rows[rows["status"] == ASSESSED].copy()
    if own.empty:
        return None
    own["target_text"] = [in_words(row["target"], row["unit"], work) for row in own.to_dict("records")]
    own["score_text"] = [_score_words(row) for row in own.to_dict("records")]
    own["whose"] = np.where(own["placeholder"], KITS, OWN)
    note = Text("Score: a step function of the value, 1 to 5; the range in brackets follows from the interval.")
    wrong = own[own["came_back"].notna()]
    if len(wrong):
        words: dict[str, Quantity | Text | str] = {"note": note, "back": Quantity(wrong["came_back"].iloc[0], "share")}
        note = Text(
            "{note} Customers are lost when they are silent for too long; {back} of those silent so long came back.", words
        )
    own = own.reset_index(drop=True)
    own.attrs["alike"] = False
    # one indicator looks the same on the page and on the short pages, whatever stands beside it
    shares = work.state[(work.state["status"] == ASSESSED) & (work.state["unit"] == "share")]
    shown = alike(shares[["value", "low", "high"]].to_numpy().ravel(), "share")
    own.attrs["decimals"] = {} if shown is None else {"share": shown}
    return Result(name, "table", title, own, columns=columns, note=note)


def trends(work: Audit) -> Result:
    """How did the scores of the classes go over the last cycles?

    Returns
    -------
    Result
        Curves: score per class and cycle, with the range that intervals allow.
    """
    import pandas as pd

    title = Text("Scores over the last cycles")
    parts = []
    for window in work.past.cycles:
        table = class_scores(work.over[work.over["cycle"] == window.name])
        parts.append(table.assign(x=pd.Timestamp(window.end).date().isoformat(), cycle=window.name))
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["score"])
    # one point makes no line
    rows = rows[rows.groupby("class")["cycle"].transform("nunique") > 1]
    if rows["cycle"].nunique() < 2:
        return not_assessed("audit_trends", title, Text("needs two cycles in which enough could be assessed"))
    shown = curve(
        pd.DataFrame(
            {
                "group": rows["class"].map(CLASSES),
                "x": rows["x"],
                "value": rows["score"],
                "low": rows["score_low"],
                "high": rows["score_high"],
            }
        )
    )
    shown.attrs["zero"] = False
    return Result(
        "audit_trends",
        "curve",
        title,
        shown,
        columns=(Column("group", "Class", translate=True),),
        note=Text("Bands: range of scores that the intervals allow. A change is called a finding only by the checks above."),
        alt=Text("Lines: score of each class at the end of each cycle, with bands."),
        x=Axis("End of the cycle", "date"),
        y=Axis("Score, 1 to 5", "points"),
    )


def trend_table(work: Audit) -> Result:
    """How did each indicator go over the last cycles?

    Returns
    -------
    Result
        A row per indicator assessed now: ``indicator, name, unit``, its value in each cycle (``value0`` the oldest; ``cycle0``
        in words), and the scores of the cycle before and of the newest.
    """
    import pandas as pd

    title = Text("Indicators over the last cycles")
    now = work.state[work.state["status"] == ASSESSED]
    if now.empty:
        return not_assessed("audit_trend_table", title, Text("no indicator could be assessed"))
    rows = []
    for row in now.to_dict("records"):
        line: dict[str, Any] = {"indicator": row["indicator"], "name": row["name"], "unit": row["unit"]}
        own = work.over[work.over["indicator"] == row["indicator"]].set_index("cycle")
        for number, window in enumerate(work.past.cycles):
            value = own.loc[window.name, "value"] if window.name in own.index else np.nan
            line[f"value{number}"], line[f"cycle{number}"] = value, in_words(value, row["unit"], work)
        scores = own["score"].reindex([window.name for window in work.past.cycles])
        line["before"], line["score"] = scores.iloc[-2] if len(scores) > 1 else np.nan, row["score"]
        rows.append(line)
    names = [window.name for window in work.past.cycles]
    columns = (
        Column("name", "Indicator"),
        *(Column(f"cycle{number}", name) for number, name in enumerate(names)),
        Column("before", "Score a cycle before", "points"),
        Column("score", "Score now", "points"),
    )
    return Result("audit_trend_table", "table", title, pd.DataFrame(rows), columns=columns, note=_known_once(work))


def _known_once(work: Audit) -> Text | None:
    """Which indicators have no number of earlier cycles, because they are known as of today only?"""
    before = work.over[work.over["reason"] == SNAPSHOT]["indicator"]
    names = work.state[(work.state["status"] == ASSESSED) & work.state["indicator"].isin(before)]["name"]
    return Text("Known as they are today only: {names}.", {"names": one_by_one(list(names))}) if len(names) else None


def in_words(value: Any, unit: Any, work: Audit) -> str:
    """A value in its unit as the reader of this audit sees it."""
    return format_value(value, unit, language=work.locale.language, currency=work.locale.currency)


def _score_words(row: dict[Any, Any]) -> str:
    score, low, high = row["score"], row["score_low"], row["score_high"]
    if score != score:
        return "–"
    return f"{score:.0f}" if low == high else f"{score:.0f} ({low:.0f}–{high:.0f})"


def with_numbers(result: Result) -> Result:
    """The exhibit with the numbers of its finding and note in its table too (column ``numbers``, JSON), beside those it had.

    A sentence about a whole table may say what stands in none of its rows: a mean, a limit, how long ago.
    """
    if result.table is None or result.table.empty:
        return result
    finding = result.finding
    texts = (result.note, *((finding.text, finding.action) if finding is not None else ()))
    said = [number for text in texts if text is not None for number in quantities(text)]
    table = result.table.copy(deep=False)
    had = table["numbers"].tolist() if "numbers" in table else ["[]"] * len(table)
    table["numbers"] = [json.dumps(json.loads(had[0]) + said), *had[1:]]
    return replace(result, table=table)
