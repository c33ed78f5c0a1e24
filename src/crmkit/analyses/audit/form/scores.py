"""What does the company score on each standard, in its own eyes, and what do the data say of the same thing?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.form.answers import ROLE_WORDS, ROLES, Answers
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

DRAWS = 500
INTENTION, REALITY, DATA = mark("Intention"), mark("Reality"), mark("Computed from data")
METHOD = mark("median within role, mean over roles; bootstrap of raters")
ENOUGH, TOO_FEW, NONE = mark("enough"), mark("too few"), mark("nobody")
NEEDED = ("manager", "staff")


def standard_scores(answers: Answers, state: pd.DataFrame | None = None, *, cycle: str = "") -> pd.DataFrame:
    """The score of each standard.

    Parameters
    ----------
    answers : Answers
    state : pandas.DataFrame or None
        Indicators as assessed, for the score computed from data.
    cycle : str
        Empty: the one in question.

    Returns
    -------
    pandas.DataFrame
        One row per standard of the form: ``standard, item, name``; ``reality`` with ``low, high`` and ``intention`` (points),
        median within each role and weighted mean over the roles that rated; one column per role (median reality); ``data``, the
        mean score of the standard's indicators; ``n`` ratings; ``capped`` share of them that evidence did not carry.
    """
    import pandas as pd

    rows = answers.of(cycle or answers.cycle)
    ids = list(answers.form.ids)
    middle, low, high = _combined(rows, ids, "capped", answers)
    aim, _, _ = _combined(rows, ids, "intention", answers)
    table = pd.DataFrame({"standard": ids})
    table["item"] = [answers.form.item_of(one).id for one in ids]
    table["name"] = [standard.name(answers.language) for standard in answers.form]
    table["reality"], table["low"], table["high"], table["intention"] = middle, low, high, aim
    for role in ROLES:
        own = rows[rows["rater_role"] == role].groupby("standard_id")["capped"].median()
        table[role] = own.reindex(ids).to_numpy()
    table["data"] = data_scores(answers, state)
    table["n"] = rows.groupby("standard_id").size().reindex(ids, fill_value=0).to_numpy()
    cut = (rows["capped"] < rows["reality"]).groupby(rows["standard_id"]).mean()
    table["capped"] = cut.reindex(ids).to_numpy(dtype="float64")
    return table


def form_scores(answers: Answers, state: pd.DataFrame | None = None) -> Result:
    """How does each standard stand: plan, practice, each role, and the data?

    Returns
    -------
    Result
        A table with a row per standard; the finding names the standard that lies furthest behind its intention.
    """
    title = Text("The form, standard by standard")
    if answers.reason is not None:
        return not_assessed("audit_form", title, answers.reason)
    table = standard_scores(answers, state)
    table.insert(0, "item_name", [answers.form.item_of(one).name(answers.language) for one in table["standard"]])
    columns = (
        Column("item_name", "Item"),
        Column("name", "Standard"),
        Column("intention", "Intention", "points"),
        Column("reality", "Reality", "points"),
        Column("interval", "Interval of reality", "points"),
        Column("manager", "Managers", "points"),
        Column("staff", "Staff", "points"),
        Column("customer", "Customers asked", "points"),
        Column("third_party", "Third party", "points"),
        Column("data", "Data", "points"),
        Column("n", "Ratings", "count"),
    )
    return Result("audit_form", "table", title, table, columns=columns, finding=_finding(table, answers), note=_note(table))


def form_items(answers: Answers, state: pd.DataFrame | None = None) -> Result:
    """How far are plan, practice and data apart, item by item?

    Returns
    -------
    Result
        Dots: mean of the standards of each item, for intention, reality (with interval) and the score computed from data.
    """
    title = Text("Intention, reality and data by item")
    if answers.reason is not None:
        return not_assessed("audit_form_items", title, answers.reason)
    rows: list[dict[str, Any]] = []
    table = standard_scores(answers, state)
    for item in answers.form.items:
        own = table[table["item"] == item.id]
        if own.empty:
            continue
        n = int(own["n"].sum())
        base = {"group": item.name(answers.language), "n": n, "unit": "points", "method": METHOD}
        ids = own["standard"].tolist()
        value, low, high = _combined(answers.now, ids, "capped", answers, together=True)
        rows.append(base | {"measure": REALITY, "value": value[0], "low": low[0], "high": high[0]})
        rows.append(base | {"measure": INTENTION, "value": own["intention"].mean()})
        rows.append(base | {"measure": DATA, "value": own["data"].mean(), "method": mark("mean of the indicators' scores")})
    shown = estimates(rows)
    return Result(
        "audit_form_items",
        "interval_dots",
        title,
        shown,
        columns=(Column("group", "Item"), Column("measure", "Measure", translate=True)),
        note=Text("Scores from 1 to 5; median within each role, equal weight per role unless the parameters say otherwise."),
        alt=Text("Dots per item of the form: intention, reality with its interval, and the score computed from data."),
        x=Axis("Item"),
        y=Axis("Score", "points"),
    )


def raters(answers: Answers) -> Result:
    """Who has rated, and is it enough?

    Returns
    -------
    Result
        A row per role: raters, those needed, share of standards that were rated, verdict.
    """
    import pandas as pd

    title = Text("Who filled in the form")
    if answers.reason is not None:
        return not_assessed("audit_raters", title, answers.reason)
    rows = []
    for role in ROLES:
        own = answers.now[answers.now["rater_role"] == role]
        n, needed = int(own["rater_id"].nunique()), answers.minimum if role in NEEDED else 1
        rows.append(
            {
                "role": ROLE_WORDS[role],
                "raters": n,
                "needed": needed,
                "standards": own["standard_id"].nunique() / len(answers.form.ids),
                "verdict": NONE if n == 0 else ENOUGH if n >= needed else TOO_FEW,
            }
        )
    table = pd.DataFrame(rows)
    columns = (
        Column("role", "Role", translate=True),
        Column("raters", "Raters", "count"),
        Column("needed", "Needed", "count"),
        Column("standards", "Standards rated", "share"),
        Column("verdict", "Enough?", translate=True),
    )
    note = Text(
        "Cycle {cycle}. Ratings of standards that the form does not have: {unknown}.",
        {"cycle": answers.cycle, "unknown": Quantity(answers.unknown, "count")},
    )
    return Result("audit_raters", "table", title, table, columns=columns, note=note)


def _combined(
    rows: pd.DataFrame, ids: list[str], column: str, answers: Answers, *, together: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Median within role, weighted mean over roles, per standard or as one mean; limits from resampled raters of each role."""
    tables = {}
    for role in ROLES:
        own = rows[(rows["rater_role"] == role) & rows["standard_id"].isin(ids)]
        if len(own) and answers.weights[role] > 0:
            wide = own.pivot_table(index="rater_id", columns="standard_id", values=column, aggfunc="first", dropna=False)
            tables[role] = wide.reindex(columns=ids).to_numpy(dtype="float64")
    nan = np.full(1 if together else len(ids), np.nan)
    if not tables:
        return nan, nan, nan
    rng = np.random.default_rng(0)

    def mean(chosen: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        medians = np.array([_median(one) for one in chosen.values()])
        weights = np.array([answers.weights[role] for role in chosen])[:, None, None] * ~np.isnan(medians)
        total = weights.sum(0)
        each = np.where(total > 0, np.nansum(medians * weights, axis=0) / np.where(total > 0, total, 1), np.nan)
        return np.asarray(each.mean(1, keepdims=True) if together else each)

    value = mean({role: one[None] for role, one in tables.items()})[0]
    drawn = mean({role: one[rng.integers(0, len(one), (DRAWS, len(one)))] for role, one in tables.items()})
    tails = [(1 - answers.confidence) / 2, (1 + answers.confidence) / 2]
    known = ~np.isnan(drawn).all(0)
    low, high = np.full((2, len(value)), np.nan)
    if known.any():
        low[known], high[known] = np.nanquantile(drawn[:, known], tails, axis=0)
    return value, low, high


def _median(ratings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over raters, of shape (draws, standards); nan where nobody rated."""
    ordered = np.sort(ratings, axis=1)
    n = (~np.isnan(ordered)).sum(1)
    picks = np.stack([np.maximum(n - 1, 0) // 2, n // 2])
    both = [np.take_along_axis(ordered, np.minimum(pick, ratings.shape[1] - 1)[:, None, :], axis=1)[:, 0, :] for pick in picks]
    return np.where(n > 0, (both[0] + both[1]) / 2, np.nan)


def data_scores(answers: Answers, state: pd.DataFrame | None) -> list[float]:
    """Mean score of the indicators of each standard, in the order of the form; nan where none was assessed."""
    if state is None:
        return [float("nan")] * len(answers.form.ids)
    score = state.set_index("indicator")["score"]
    return [float(score.reindex(list(standard.indicators)).mean()) for standard in answers.form]


def _finding(table: pd.DataFrame, answers: Answers) -> Finding:
    behind = (table["intention"] - table["reality"]).fillna(-1)
    worst = table.loc[behind.idxmax()]
    weak = int((table["reality"] < 3).sum())
    numbers: dict[str, Quantity | Text | str] = {
        "weak": Quantity(weak, "count"),
        "n": Quantity(len(table), "count"),
        "name": str(worst["name"]),
        "reality": Quantity(worst["reality"], "points"),
        "intention": Quantity(worst["intention"], "points"),
    }
    text = (
        Text(
            "{weak} of {n} standards {weak:scores|score} below 3; furthest behind its intention is {name}: {reality} against "
            "{intention}.",
            numbers,
        )
        if weak
        else Text(
            "No standard scores below 3; furthest behind its intention is {name}: {reality} against {intention}.", numbers
        )
    )
    return Finding("audit.form", "warning" if weak else "good", weak == 0, text, evidence=("audit_form",))


def _note(table: pd.DataFrame) -> Text:
    share = float(np.average(table["capped"].fillna(0), weights=table["n"])) if table["n"].sum() else 0.0
    return Text(
        "Median within role, equal weight per role; intervals from resampled raters. {share} of the "
        "ratings were cut to what their evidence carries. Without evidence that is at most 3, with a "
        "statement at most 4, unless the parameters say otherwise.",
        {"share": Quantity(share, "share")},
    )
