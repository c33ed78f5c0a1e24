"""Who should be looked at first, why, and what could be done? The early-warning list of today's customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.chances import CLEARLY, GAPS, PURCHASES
from crmkit.analyses.churn.economics import Plan, no_contact
from crmkit.analyses.churn.fit import Backtest, parts
from crmkit.analyses.churn.inputs import GAP, KINDS, word
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.worth import SOURCES, Worth
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Column, Quantity, Result, Text, not_assessed
from crmkit.models.survival.data.encoding import missing_inputs

if TYPE_CHECKING:
    import pandas as pd

REASONS = 3
LEAST_PART = 0.05
NEW_DAYS = 90
NO_REASON = mark("no single reason")
NOTHING = mark("–")
FLAGS = {
    "not_estimable": mark("not estimable"),
    "do_not_contact": mark("do not contact"),
    "missing": mark("inputs missing"),
    "new": mark("new customer"),
    "extrapolated": mark("here longer than nearly all others"),
}
APART = mark("the two models differ")


def check_actions(actions: Mapping[str, str]) -> None:
    """Are the reasons of the table reason -> action known?

    Raises
    ------
    ParamError
        Naming each reason that is not.
    """
    faults = [
        Problem("actions:", f"'{kind}' is no kind of reason", did_you_mean(str(kind), KINDS))
        for kind in actions
        if kind not in KINDS
    ]
    faults += [
        Problem(f"actions: '{kind}'", "is no text", "write what to do")
        for kind, what in actions.items()
        if not isinstance(what, str)
    ]
    if faults:
        raise ParamError(faults)


def early_warning(past: Past, work: Backtest, value: Worth, plan: Plan | None = None, *, actions: Mapping[str, str]) -> Result:
    """Which customers are likely to leave, for which reasons, what is at stake, and what is suggested?

    Parameters
    ----------
    past : Past
    work : Backtest
    value : Worth
    plan : Plan or None
        Whose chosen customers and arms stand in the list.
    actions : mapping of str to str
        Kind of reason: what to do. Kinds are service, product, usage, satisfaction, price, profile, other.

    Returns
    -------
    Result
        One row per customer, the largest value at risk first (risk where there is no value), ties in the order of ids; a
        customer whose risk is not estimable has none, not zero, and stands last.

    Notes
    -----
    Reasons are the largest parts of the log hazard that raise it, against the average customer. They tell what the estimate is
    made of, not what would happen if the feature were changed.
    """
    title = Text("Early warning: customers to look at")
    check_actions(actions)
    if value.customers is None or work.model is None:
        return not_assessed("churn_list", title, Text("{reason}", {"reason": value.reason}))
    table = list_rows(past, work, value, actions=actions)
    if plan is not None and plan.rows is not None:
        own = plan.rows.set_index("customer_id")
        table["chosen"] = own["chosen"].reindex(table["customer_id"]).fillna(False).astype(bool).to_numpy()
        table["arm"] = own["arm"].reindex(table["customer_id"]).astype("object").fillna(NOTHING).to_numpy()
        table["profit"] = own["profit"].reindex(table["customer_id"]).to_numpy()
    columns = (
        Column("customer_id", "Customer", "customer"),
        # what the list is sorted by
        *([Column("at_risk", "Value at risk", "money")] if value.source else []),
        Column("probability", "Risk", "share", limits=("low", "high")),
        Column("reason_1", "First reason", translate=True),
        Column("reason_2", "Second", translate=True),
        Column("reason_3", "Third", translate=True),
        *([Column("action", "Suggested action")] if actions else []),
        Column("flag", "Flag", translate=True),
    )
    if past.shop is not None:
        silent = Column("days_since_last", "Silent for", "days")
        first = 2 if value.source else 1
        columns = (*columns[:first], silent, *(one for one in columns[first:] if one.name != "reason_3"))
    note = Text(
        "Risk: probability to leave within {horizon}, of those still here, with its interval. * can be changed. {source}. The "
        "files hold all {n} customers, with the days that each is expected to stay of the next {days} if nothing changes.",
        {
            "horizon": Quantity(past.rule.horizon_days, "days"),
            "days": Quantity(value.value_days, "days"),
            "source": Text(SOURCES[value.source]),
            "n": Quantity(len(table), "count"),
        },
    )
    if past.shop is not None:
        note = _shop_note(past, work, value, len(table))
    return Result("churn_list", "table", title, table, columns=columns, note=note, customers=True)


def _shop_note(past: Past, work: Backtest, value: Worth, n: int) -> Text:
    """What the columns of a shop's list mean, and which model stands behind it."""
    assert work.model is not None and work.model.chances is not None  # noqa: S101, PT018  there is a list
    return Text(
        "Risk: probability to buy nothing within {horizon}, by the {behind}. Value at risk: what the customer would bring "
        "after that over {days} if won back, times the risk. * can be changed. {source}. Where the model of the gaps and the "
        "purchase model lie more than {apart} apart, the flag says so. The files hold all {n} customers.",
        {
            "horizon": Quantity(past.rule.horizon_days, "days"),
            "behind": Text(work.model.chances.behind),
            "days": Quantity(value.value_days, "days"),
            "source": Text(SOURCES[value.source]),
            "apart": Quantity(CLEARLY, "share"),
            "n": Quantity(n, "count"),
        },
    )


def list_rows(past: Past, work: Backtest, value: Worth, *, actions: Mapping[str, str]) -> pd.DataFrame:
    """The list as a table, one row per customer, in its order."""
    import pandas as pd

    assert value.customers is not None and work.model is not None  # noqa: S101, PT018  checked by the caller
    rows = value.customers
    why = _reasons(work, rows)
    kinds = why.pop("kind")
    table = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].astype(str),
            "probability": rows["probability"],
            "low": rows["low"],
            "high": rows["high"],
            "expected_days": rows["expected_days"],
            "value": rows["value"],
            "value_if_kept": rows["value_if_kept"],
            "at_risk": rows["at_risk"],
        }
    )
    table = pd.concat([table, why], axis=1)
    table["action"] = [actions.get(kind, actions.get("other", NOTHING)) for kind in kinds]
    flags = flag_table(past, work, rows)
    table = table.assign(flag=_first_flag(flags), **{f"is_{name}": flags[name] for name in FLAGS})
    table["tenure_days"] = rows["tenure_days"].to_numpy()
    if past.shop is not None:
        own = rows.reset_index(drop=True)
        table["days_since_last"], table["purchase_days"] = own["days_since_last"], own["purchase_days"]
        table["by_gaps"], table["by_purchases"] = own[GAPS], own.get(PURCHASES, np.nan)
        table["is_apart"] = own["apart"].to_numpy(dtype=bool)
        table["flag"] = np.where((table["flag"] == "") & table["is_apart"], APART, table["flag"])
    by = "at_risk" if value.source else "probability"
    order = table.sort_values([by, "customer_id"], ascending=[False, True], kind="stable", na_position="last")
    return order.reset_index(drop=True)


def _reasons(work: Backtest, rows: pd.DataFrame) -> pd.DataFrame:
    """The three largest parts that raise the risk, in words, whether the first can be changed, and the kind to act on."""
    import pandas as pd

    assert work.model is not None  # noqa: S101
    each = parts(work.model, rows)
    names = list(each.columns)
    size = each.to_numpy()
    order = np.argsort(-size, axis=1, kind="stable")[:, :REASONS]
    ranked = np.take_along_axis(size, order, axis=1)
    gaps = np.column_stack([rows[name].isna().to_numpy() if name in GAP else np.zeros(len(rows), bool) for name in names])
    plain = np.array([word(name).reason for name in names], dtype=object)
    absent = np.array([GAP.get(name, word(name).reason) for name in names], dtype=object)
    said = np.where(np.take_along_axis(gaps, order, axis=1), absent[order], plain[order])
    said = np.where(ranked > LEAST_PART, said, "")
    out = {f"reason_{k + 1}": said[:, k] if k < said.shape[1] else np.full(len(rows), "") for k in range(REASONS)}
    out["reason_1"] = np.where(out["reason_1"] == "", NO_REASON, out["reason_1"])
    open_to = np.array([word(name).changeable for name in names])
    acting = (ranked > LEAST_PART) & open_to[order]
    first = np.where(acting.any(axis=1), np.take_along_axis(order, acting.argmax(axis=1)[:, None], axis=1)[:, 0], -1)
    kind = np.array([*(word(name).kind for name in names), "other"], dtype=object)[first]
    contributions = {f"part_{k + 1}": ranked[:, k] for k in range(ranked.shape[1])}
    return pd.DataFrame(out | {"changeable": acting.any(axis=1), "kind": kind} | contributions, index=rows.index)


def flag_table(past: Past, work: Backtest, rows: pd.DataFrame) -> pd.DataFrame:
    """What has to be known of each customer before anybody acts: a column per flag."""
    import pandas as pd

    assert work.model is not None  # noqa: S101
    none = rows["probability"].isna() | rows["beyond_support"].astype(bool)
    clock = work.model.clock_days
    return pd.DataFrame(
        {
            "not_estimable": none.to_numpy(),
            "do_not_contact": no_contact(past, rows),
            "missing": (missing_inputs(work.model.recipe, rows) > 0) | rows["missing_inputs"].to_numpy(dtype=bool),
            "new": (rows["tenure_days"] < NEW_DAYS).to_numpy(),
            "extrapolated": (rows["tenure_days"] > clock).to_numpy() if clock else np.zeros(len(rows), dtype=bool),
        },
        index=rows.index,
    )


def _first_flag(flags: pd.DataFrame) -> np.ndarray:
    found = np.full(len(flags), "", dtype=object)
    for name in reversed(list(FLAGS)):
        found = np.where(flags[name].to_numpy(), FLAGS[name], found)
    return found
