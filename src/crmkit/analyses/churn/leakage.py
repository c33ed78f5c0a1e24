"""Does a column know the future? The audit of what the model is fed, before anybody believes it."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.churn.fit import Model
from crmkit.analyses.churn.panel import Panel
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ParamError, Problem
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = dt.date(2000, 1, 1)
FEWEST = 20
# a column that gives leavers away does so among that many customers; dates and doubles are looked for in every row
MOST_SEARCHED = 20_000
# made by us from dates before the cut-off: that they run with the time as a customer is what they are for
OWN = ("known_days", "purchase_days", "tenure_days", "days_since_last", "silence_share", "days_since_interaction")
BY_DESIGN = frozenset((name, "tenure") for name in OWN)


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
    ParamError
        When a hit of severity "high" is not waived, naming each; and for a waiver of a column that is not in the model.
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
    allowed = {one.replace(" ", "") for one in waived}
    hits["waived"] = [
        bool({column, f"{column}:{rule}"} & allowed) for column, rule in zip(hits["column"], hits["rule"], strict=True)
    ]
    open_hits = hits[(hits["severity"] == "high") & ~hits["waived"]]
    if len(open_hits):
        raise ParamError(
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

    over = train["cut"] + pd.Timedelta(days=past.horizon_days) > pd.Timestamp(cut)
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
