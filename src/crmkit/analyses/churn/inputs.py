"""What was the model fed? Each column: its name, how it enters, what is missing, whether it drifts or knows the future.

The audit of leakage stands here too: it stops a run before anybody believes a model that knows the future.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crmkit.analyses.churn.fit import Backtest, Model, score
from crmkit.analyses.churn.panel import OF_GAPS, Panel
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ParamError, Problem
from crmkit.core.language import in_a_row, level_name, mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.summaries.features import FEATURES
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

STABLE, SHIFTED = 0.1, 0.25
CLEAN, WAIVED, LOOK = mark("none"), mark("waived"), mark("to be looked at")
SHIFT, MOVES, SAME = mark("shifted"), mark("moves a little"), mark("stable")
LEVELS, LOG, PLAIN = mark("levels"), mark("number (logarithm)"), mark("number")
RISK = mark("Predicted probability")
LEAKS = mark("left out: it may know the future")


class LeakError(ParamError):
    """Columns that may know the future, and were not waived; ``columns`` names them."""

    columns: tuple[str, ...] = ()


REFERENCE = dt.date(2000, 1, 1)
FEWEST = 20
# a column that gives leavers away does so among that many customers; dates and doubles are looked for in every row
MOST_SEARCHED = 20_000
# made by us from dates before the cut-off: that they run with the time as a customer is what they are for
OWN = ("known_days", "purchase_days", "tenure_days", "days_since_last", "silence_share", "days_since_interaction")
# customers of a shop differ in how often they buy before all else
# another power of a column that is there, which the reader knows already
POWERS = ("log_rhythm_squared",)
RHYTHM_FEATURES = ("log_rhythm", "log_rhythm_squared", "log_number")
BY_DESIGN = frozenset(
    {(name, "tenure") for name in (*OWN, *RHYTHM_FEATURES)}
    | {(name, rule) for name in RHYTHM_FEATURES for rule in ("lift", "alone")}
)
# made by us from rows before the cut-off: the client has no such column and could not mend it, so a hit is only shown
MADE = frozenset({*FEATURES, *OWN, *OF_GAPS, "purchase_rate", "mean_amount"} - {"plan", "mrr", "category", "channel"})


class Word(NamedTuple):
    """A feature in words: as a reason to leave (starred where it can be changed), its kind, whether it can, as a heading."""

    reason: str
    kind: str
    changeable: bool
    heading: str


WORDS: dict[str, Word] = {
    "tickets_recent": Word(mark("many tickets *"), "service", True, mark("Tickets, last 90 days")),
    "complaints_recent": Word(mark("complaints *"), "service", True, mark("Complaints, last 90 days")),
    "faults_recent": Word(mark("faults reported *"), "product", True, mark("Faults, last 90 days")),
    "slow_recent": Word(mark("slow answers *"), "service", True, mark("Slow answers, last 90 days")),
    "tickets_open": Word(mark("open tickets *"), "service", True, mark("Open tickets")),
    "days_since_interaction": Word(mark("long silence *"), "usage", True, mark("Days since last contact (log)")),
    "usage_change": Word(mark("falling use *"), "usage", True, mark("Change of use")),
    "last_csat": Word(mark("low satisfaction *"), "satisfaction", True, mark("Last satisfaction score")),
    "plan": Word(mark("the plan *"), "price", True, mark("Plan")),
    "mrr": Word(mark("the price *"), "price", True, mark("Monthly price (log)")),
    "size": Word(mark("size of the customer"), "profile", False, mark("Size")),
    "region": Word(mark("the region"), "profile", False, mark("Region")),
    "industry": Word(mark("the industry"), "profile", False, mark("Industry")),
    "acquisition_channel": Word(mark("how the customer was won"), "profile", False, mark("Acquisition channel")),
    "purchase_rate": Word(mark("seldom buys *"), "usage", True, mark("Purchase days per year (log)")),
    "silence_share": Word(mark("silent for longer than usual *"), "usage", True, mark("Silence over own rhythm (log)")),
    "days_since_last": Word(mark("long silence *"), "usage", True, mark("Days since last purchase (log)")),
    "mean_amount": Word(mark("amount per purchase *"), "price", True, mark("Amount per purchase day (log)")),
    "known_days": Word(mark("time as a customer"), "profile", False, mark("Days since first purchase (log)")),
    "purchase_days": Word(mark("few purchases *"), "usage", True, mark("Purchase days")),
    "log_rhythm": Word(mark("buys seldom *"), "usage", True, mark("Own gap between purchases (log)")),
    "log_rhythm_squared": Word(mark("buys seldom *"), "usage", True, mark("Own gap between purchases (log), squared")),
    "log_number": Word(mark("few purchases *"), "usage", True, mark("Purchases so far (log)")),
    "log_previous": Word(mark("waited longer than usual *"), "usage", True, mark("Last wait over own gap (log)")),
    "log_amount": Word(mark("amount of the last purchase *"), "price", True, mark("Amount of the last purchase (log)")),
    "log_mean_amount": Word(
        mark("last purchase unlike the usual *"), "price", True, mark("Usual amount over the last one (log)")
    ),
    "returned_share": Word(mark("sent much back *"), "product", True, mark("Share of money sent back")),
    "discount_share": Word(mark("buys at a discount *"), "price", True, mark("Share of discount, last purchase")),
    "season_sin": Word(mark("the time of the year"), "profile", False, mark("Season (spring against autumn)")),
    "season_cos": Word(mark("the time of the year"), "profile", False, mark("Season (winter against summer)")),
    "category": Word(mark("what was bought"), "product", True, mark("Category of the last purchase")),
    "channel": Word(mark("where it was bought"), "profile", False, mark("Channel of the last purchase")),
}
KINDS = ("service", "product", "usage", "satisfaction", "price", "profile", "other")
GAP = {
    "last_csat": mark("no answer to the questionnaire"),
    "usage_change": mark("use too short to compare"),
    "silence_share": mark("has bought once only"),
    "days_since_interaction": mark("no contact on record"),
}


def word(feature: str) -> Word:
    """The words of a feature; its own name where it is the client's column."""
    return WORDS.get(feature, Word(feature, "other", False, feature))


def heading(column: str) -> str:
    """What a column of the model is called: a level with its classification, a gap in its own words."""
    name, _, level = column.partition("[")
    base, gap, _ = name.partition(" (none)")
    if gap:
        return GAP.get(base, column)
    return level_name(word(base).heading, level.removesuffix("]")) if level else word(base).heading


def columns(work: Backtest) -> Result:
    """What was the model fed, is it still alike, and does any column know the future?

    Returns
    -------
    Result
        A row per column, and one for the predicted probability: ``column, heading, enters, missing_share, psi, drift, leak``;
        then those that were left out, with the reason, as a leak of high severity that is not waived. Of a column that was
        asked for, such a leak has stopped the run before.
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
        if number.name in POWERS:
            continue
        rows.append(_row(number.name, LOG if number.log else PLAIN, learned[number.name], now[number.name], work.leaks))
    before = score(work.model, learned)["probability"]
    rows.append(_row("probability", "", before, now["probability"], work.leaks) | {"heading": RISK, "leak": ""})
    rows.sort(key=lambda row: -row["psi"])
    rows += [{"column": name, "heading": heading(name), "enters": reason} for name, reason in recipe.dropped]
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
        "PSI (population stability index): below {stable} is usually called stable, above {shifted} a shift. Columns of the "
        "table customers are as exported today; what they were on earlier days is not known.",
        {"stable": Quantity(STABLE, "score"), "shifted": Quantity(SHIFTED, "score")},
    )
    return Result("churn_columns", "table", title, table, columns=shown, finding=_finding(table, work), note=note)


def _row(name: str, enters: str, learned: pd.Series[Any], now: pd.Series[Any], leaks: pd.DataFrame) -> dict[str, Any]:
    psi = float(sv.population_stability(learned, now)["psi"].sum())
    own = leaks[leaks["column"] == name]
    leak = CLEAN if own.empty else WAIVED if own["waived"].all() else LOOK
    return {
        "column": name,
        "heading": heading(name),
        "enters": enters,
        "missing_share": float(now.isna().mean()),
        "psi": psi,
        "drift": SHIFT if psi > SHIFTED else MOVES if psi > STABLE else SAME,
        "leak": leak,
        "rules": "; ".join(own["rule"]),
    }


def _finding(table: pd.DataFrame, work: Backtest) -> Finding:
    assert work.leaks is not None  # noqa: S101
    moved = table[(table["psi"] > SHIFTED) & (table["column"] != "probability")]
    waived = int(work.leaks["waived"].sum())
    leaking = [str(row["heading"]) for row in table.to_dict("records") if row["enters"] == LEAKS]
    numbers = {
        "n": Quantity(int((table["leak"].fillna("") != "").sum()), "count"),
        "k": Quantity(len(sv.LEAKAGE_RULES), "count"),
        "waived": Quantity(waived, "count"),
        "moved": Quantity(len(moved), "count"),
        "first": Text(str(moved["heading"].iloc[0]).replace("{", "{{").replace("}", "}}")) if len(moved) else "",
    }
    action = None
    if leaking:
        named = in_a_row([Text(one.replace("{", "{{").replace("}", "}}")) for one in leaking])
        text = Text(
            "{n} {n:column was|columns were} left out of the model, because {n:it|they} may know the future: {named}.",
            {"n": Quantity(len(leaking), "count"), "named": named},
        )
        action = Text("If that was known on the day, name the columns under waived leaks, or ask for them as covariates.")
    elif waived:
        text = Text(
            "{n} {n:column was|columns were} searched by {k} rules for knowledge of the future; {waived} "
            "{waived:hit was|hits were} waived.",
            numbers,
        )
    elif len(moved):
        text = Text(
            "Today's customers differ from those the model learned from in {moved} of {n} characteristics, "
            "most of all in “{first}”.",
            numbers,
        )
        action = Text("Trust the order of the list more than its probabilities, and run this report again next month.")
    else:
        text = Text(
            "{n} {n:column was|columns were} searched by {k} rules; none knows the future, and none has shifted by much.",
            numbers,
        )
    fine = not waived and moved.empty and not leaking
    return Finding("churn.columns", "good" if fine else "warning", fine, text, evidence=("churn_columns",), action=action)


def audit(past: Past, panel: Panel, model: Model, *, chosen: Sequence[str] = (), waived: Sequence[str] = ()) -> pd.DataFrame:
    """Which columns of the model may hold what was not known on the day of the prediction?

    Parameters
    ----------
    past : Past
    panel : Panel
    model : Model
        Whose columns are searched.
    chosen : sequence of str
        Columns that were asked for; those that hold dates are searched too.
    waived : sequence of str
        ``column`` or ``column: rule``, known and accepted.

    Returns
    -------
    DataFrame
        ``column, rule, severity, value, limit, waived``.

    Raises
    ------
    LeakError
        When a hit of severity "high" on a column of the client is not waived, naming each.
    ParamError
        For a waiver of a column that is not in the model.
    """
    names = [*(one.name for one in model.recipe.words), *(one.name for one in model.recipe.numbers)]
    names = list(dict.fromkeys([*names, *chosen]))
    unknown = [one for one in waived if one.split(":")[0].strip() not in (*names, *panel.features)]
    if unknown:
        raise ParamError(
            [Problem("waived_leaks:", f"'{one}' names no column of the model", ", ".join(names)) for one in unknown]
        )
    hits = find_leaks(past, panel, model.cuts, names)
    by_design = [(column, rule) in BY_DESIGN for column, rule in zip(hits["column"], hits["rule"], strict=True)]
    hits = hits[~np.array(by_design, dtype=bool)].reset_index(drop=True)
    ours = hits["column"].isin(MADE) & (hits["rule"] != "future_date")
    hits["severity"] = hits["severity"].mask(ours, "warning")
    allowed = {one.replace(" ", "") for one in waived}
    hits["waived"] = [
        bool({column, f"{column}:{rule}"} & allowed) for column, rule in zip(hits["column"], hits["rule"], strict=True)
    ]
    open_hits = hits[(hits["severity"] == "high") & ~hits["waived"]]
    if len(open_hits):
        error = LeakError(
            [
                Problem(
                    f"churn model: column '{row['column']}'",
                    f"may know the future: {sv.LEAKAGE_RULES[row['rule']]} ({row['value']:.3g}, limit {row['limit']:.3g})",
                    "leave it out of covariates, or, if it was known on the day, add "
                    f"'{row['column']}: {row['rule']}' to waived_leaks",
                )
                for row in open_hits.to_dict("records")
            ]
        )
        error.columns = tuple(dict.fromkeys(open_hits["column"]))
        raise error
    return hits


def find_leaks(past: Past, panel: Panel, cuts: Sequence[dt.date], names: Sequence[str]) -> pd.DataFrame:
    """The hits of every rule on the rows that a model learned from; what a column adds is measured on the newest cut-off.

    Parameters
    ----------
    past : Past
    panel : Panel
    cuts : sequence of date
        Cut-offs that the model learned from.
    names : sequence of str
        Columns that are searched.

    Returns
    -------
    DataFrame
        ``column, rule, severity, value, limit``, as :func:`crmkit.models.survival.audit_leakage` has them. Dates and
        customers on both sides are looked for in every row, all else in those of at most 20,000 customers, drawn by lot.
    """
    import pandas as pd

    earlier = panel.before(cuts[-1], past)
    train, test = panel.at(*(earlier or cuts)), panel.at(cuts[-1])
    numbers = [name for name in names if not pd.api.types.is_datetime64_any_dtype(train[name])]
    judged = bool(earlier) and bool(test["event_observed"].any())
    dated = _dates(panel, train, names)
    twice, tested = (_twice(past, train, cuts[-1]), set(test["customer_id"])) if judged else (set(), set())
    train, test = _some(train, test)
    judged = judged and bool(test["event_observed"].any())
    whole = _audit(
        train[numbers],
        train["duration_days"],
        train["event_observed"],
        dated=dated,
        cutoff=REFERENCE,
        out_of_time=(test[numbers], test["duration_days"], test["event_observed"]) if judged else None,
        train_ids=twice,
        test_ids=tested,
    )
    # within the horizon the time as a customer hardly varies; what runs with it shows over all customers
    clock = _audit(train[numbers], train["tenure_days"] + 1.0, train["event_observed"])
    parts = [whole[whole["rule"] != "tenure"], clock[clock["rule"] == "tenure"], _late(train, numbers)]
    hits = [part for part in parts if len(part)]
    found = pd.concat(hits) if hits else whole.iloc[:0]
    return found.drop_duplicates(["column", "rule"]).sort_values(["severity", "column", "rule"], ignore_index=True)


def _some(*panels: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of so many customers as are searched; the same ones in each panel, whatever the order of the rows."""
    ids = np.unique(np.concatenate([one["customer_id"].to_numpy(dtype=object) for one in panels]).astype(str))
    if len(ids) <= MOST_SEARCHED:
        return list(panels)
    drawn = set(np.random.default_rng(0).choice(ids, MOST_SEARCHED, replace=False))
    return [one[one["customer_id"].astype(str).isin(drawn)] for one in panels]


def _audit(columns: pd.DataFrame, durations: pd.Series[Any], event: pd.Series[Any], **evidence: Any) -> pd.DataFrame:
    """The audit of the models layer, without the warning on a column that is missing for all leavers: stayers stay alike."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="An input array is constant")
        return sv.audit_leakage(columns, durations, event, **evidence)


def _dates(panel: Panel, rows: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series[pd.Timestamp]]:
    """Newest date behind each column, moved so that every cut-off is the same day."""
    import pandas as pd

    moved = pd.Timestamp(REFERENCE) - rows["cut"]
    found = {name: rows[panel.dated[name]] + moved for name in names if name in panel.dated}
    return found | {name: rows[name] + moved for name in names if pd.api.types.is_datetime64_any_dtype(rows[name])}


def _twice(past: Past, train: pd.DataFrame, cut: dt.date) -> set[str]:
    """Customers whose training window reaches into the test, or who stand twice in one cut-off."""
    import pandas as pd

    over = train["cut"] + pd.Timedelta(days=past.rule.horizon_days) > pd.Timestamp(cut)
    return set(train.loc[over | train.duplicated(["cut", "customer_id"]), "customer_id"])


def _late(train: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rule on values that change towards the end, against the same customer's values at the cut-off before."""
    before = train.sort_values(["customer_id", "cut"]).groupby("customer_id").shift(1)[list(names)]
    before = before.reindex(train.index)
    known = (train.sort_values(["customer_id", "cut"]).groupby("customer_id").cumcount() > 0).reindex(train.index)
    rows, earlier = train[known].reset_index(drop=True), before[known].reset_index(drop=True)
    if rows["event_observed"].sum() < FEWEST or rows["event_observed"].all():
        return _audit(train[list(names)], train["duration_days"], train["event_observed"]).iloc[:0]
    found = _audit(rows[list(names)], rows["duration_days"], rows["event_observed"], at_entry=earlier)
    return found[found["rule"] == "late_value"]
