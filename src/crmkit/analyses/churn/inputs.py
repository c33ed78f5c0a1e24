"""What was the model fed? Each column: how it enters, what is missing, whether it has drifted, what the leakage audit says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.analyses.churn.backtest import Study
from crmkit.analyses.churn.fit import score
from crmkit.analyses.churn.words import heading
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

STABLE, SHIFTED = 0.1, 0.25
CLEAN, WAIVED, LOOK = mark("none"), mark("waived"), mark("to be looked at")
SHIFT, MOVES, SAME = mark("shifted"), mark("moves a little"), mark("stable")
LEVELS, LOG, PLAIN = mark("levels"), mark("number (logarithm)"), mark("number")
RISK = mark("Predicted probability")


def columns(work: Study) -> Result:
    """What was the model fed, is it still alike, and does any column know the future?

    Returns
    -------
    Result
        A row per column, and one for the predicted probability: ``column, heading, enters, missing_share, psi, drift, leak``;
        then those that were left out, with the reason. A leak of high severity that is not waived has stopped the run before.
    """
    title = Text("What the model was fed")
    if work.model is None or work.panel is None or work.scores is None or work.leaks is None:
        return not_assessed("churn_columns", title, Text("{reason}", {"reason": work.reason}))
    import pandas as pd

    recipe, learned, now = work.model.recipe, work.panel.at(*work.model.cuts), work.scores
    rows = []
    for word in recipe.words:
        rows.append(_row(word.name, LEVELS, learned[word.name], now[word.name], work.leaks))
    for number in recipe.numbers:
        rows.append(_row(number.name, LOG if number.log else PLAIN, learned[number.name], now[number.name], work.leaks))
    before = score(work.model, learned)["probability"]
    rows.append(_row("probability", "", before, now["probability"], work.leaks) | {"heading": RISK, "leak": ""})
    rows.sort(key=lambda row: -row["psi"])
    rows += [{"column": name, "heading": heading(name), "enters": f"– {reason}"} for name, reason in recipe.dropped]
    table = pd.DataFrame(rows)
    shown = (
        Column("heading", "Column", translate=True),
        Column("enters", "Enters as", translate=True),
        Column("missing_share", "Missing", "share"),
        Column("psi", "PSI", "score"),
        Column("drift", "Since the model learned", translate=True),
        Column("leak", "Knows the future?", translate=True),
    )
    note = Text(
        "PSI (population stability index): below {stable} is usually called stable, above {shifted} a shift. "
        "Columns of the table "
        "customers are as exported today; what they were on earlier days is not known.",
        {"stable": Quantity(STABLE, "score"), "shifted": Quantity(SHIFTED, "score")},
    )
    return Result("churn_columns", "table", title, table, columns=shown, finding=_finding(table, work), note=note)


def _row(name: str, enters: str, learned: pd.Series[Any], now: pd.Series[Any], leaks: pd.DataFrame) -> dict[str, Any]:
    psi = float(sv.population_stability(learned, now)["psi"].sum())
    own = leaks[leaks["column"] == name]
    leak = CLEAN if own.empty else WAIVED if own["waived"].all() else LOOK
    return {
        "column": name, "heading": heading(name), "enters": enters, "missing_share": float(now.isna().mean()), "psi": psi,
        "drift": SHIFT if psi > SHIFTED else MOVES if psi > STABLE else SAME, "leak": leak,
        "rules": "; ".join(own["rule"]),
    }  # fmt: skip


def _finding(table: pd.DataFrame, work: Study) -> Finding:
    assert work.leaks is not None  # noqa: S101
    moved = table[table["psi"] > SHIFTED]
    waived = int(work.leaks["waived"].sum())
    numbers = {
        "n": Quantity(int((table["leak"].fillna("") != "").sum()), "count"),
        "k": Quantity(len(sv.LEAKAGE_RULES), "count"),
        "waived": Quantity(waived, "count"),
        "moved": Quantity(len(moved), "count"),
        "first": Text(str(moved["heading"].iloc[0]).replace("{", "{{").replace("}", "}}")) if len(moved) else "",
    }
    if waived:
        text = Text("{n} columns were searched by {k} rules for knowledge of the future; {waived} hits were waived.", numbers)
    elif len(moved):
        text = Text(
            "{n} columns were searched by {k} rules, and none knows the future; {moved} have shifted since the model learned, "
            "most of all: {first}.",
            numbers,
        )
    else:
        text = Text("{n} columns were searched by {k} rules; none knows the future, and none has shifted by much.", numbers)
    fine = not waived and moved.empty
    return Finding("churn.columns", "good" if fine else "warning", fine, text, evidence=("churn_columns",))
