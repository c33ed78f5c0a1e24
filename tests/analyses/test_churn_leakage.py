"""Columns that know the future are found; columns that do not are left alone; each rule is needed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.churn import inputs
from crmkit.analyses.churn.panel import Panel
from crmkit.analyses.churn.read import Definition, Past
from crmkit.core.errors import ParamError
from crmkit.models import survival as sv

CUTS = tuple((pd.Timestamp("2024-01-01") + pd.Timedelta(days=90 * k)).date() for k in range(5))
HORIZON = 90
CLEAN = ("tickets", "usage", "score", "kind")


def past_of():
    return Past(
        rule=Definition("contractual", HORIZON, 0, "cohort", None),
        as_of=CUTS[-1],
        start=CUTS[0],
        groups=(),
        spells=pd.DataFrame(),
        window=None,
        window_reason="",
        purchases=None,
        tables={},
    )


def simulated(seed, *, n=900):
    """Customers at four cut-offs who leave by their own tickets and usage; nothing knows the future."""
    rng = np.random.default_rng(seed)
    rows = []
    start = rng.integers(0, 700, n)
    alive = np.ones(n, dtype=bool)
    level = rng.normal(0, 1, n)
    for k, cut in enumerate(CUTS[:-1]):
        tickets = rng.poisson(0.5, n).astype("float64")
        usage = level + rng.normal(0, 0.5, n)
        answer = rng.normal(4, 1, n)
        p = 1 - np.exp(-0.10 * np.exp(0.3 * tickets - 0.5 * usage))
        left = rng.random(n) < p
        when = np.where(left, rng.integers(1, HORIZON + 1, n), HORIZON)
        table = pd.DataFrame(
            {
                "cut": pd.Timestamp(cut), "customer_id": [f"C{i}" for i in range(n)], "tenure_days": start + 90.0 * k,
                "tickets": tickets, "usage": usage, "score": np.where(rng.random(n) < 0.5, answer, np.nan),
                "kind": rng.choice(["a", "b", "c"], n), "duration_days": when.astype("float64"), "event_observed": left,
                "newest": pd.Timestamp(cut) - pd.to_timedelta(rng.integers(0, 80, n), unit="D"),
            }
        )  # fmt: skip
        rows.append(table[alive])
        alive &= ~left
    return pd.concat(rows, ignore_index=True)


def hits(rows, names, *, dated=None):
    panel = Panel(CUTS, (), rows, dated or {}, tuple(names))
    return inputs.find_leaks(past_of(), panel, CUTS[:-1], names)


def high(rows, names, **more):
    found = hits(rows, names, **more)
    return {(row["column"], row["rule"]) for row in found.to_dict("records") if row["severity"] == "high"}


@pytest.mark.parametrize("seed", range(10))
def test_clean_data_have_no_high_hit(seed):
    assert not high(simulated(seed), CLEAN, dated={"tickets": "newest"})


def planted(name):
    """One leak each, of the sort that the rule is there for."""
    rows = simulated(1)
    rng = np.random.default_rng(2)
    left = rows["event_observed"].to_numpy()
    columns, dated = [*CLEAN, "x17"], {}
    if name == "future_date":
        rows["x17"] = rng.normal(size=len(rows))
        rows["x17_day"] = rows["cut"] + pd.Timedelta(days=3)
        dated = {"x17": "x17_day"}
    elif name == "name":
        rows["cancellation_code"] = rng.integers(0, 3, len(rows)).astype("float64")
        columns[-1] = "cancellation_code"
    elif name == "tenure":
        rows["x17"] = rows["tenure_days"] * 3 + rng.normal(0, 30, len(rows))
    elif name == "alone":
        rows["x17"] = left + rng.normal(0, 0.2, len(rows))
    elif name == "lift":
        # the outcome of a small group that the customer is in: weak alone, too good beside the others
        group = rng.integers(0, len(rows) // 8, len(rows))
        rows["x17"] = pd.Series(left.astype("float64")).groupby(group).transform("mean")
    elif name == "missing":
        rows["x17"] = np.where(left & (rng.random(len(rows)) < 0.5), np.nan, rng.normal(size=len(rows)))
    elif name == "constant":
        rows["x17"] = np.where(left, 0.0, np.where(rng.random(len(rows)) < 0.4, 0.0, rng.normal(0, 1, len(rows))))
    elif name == "late_value":
        steady = pd.Series(rng.normal(0, 40, len(rows))).groupby(rows["customer_id"]).transform("first").to_numpy()
        rows["x17"] = steady + np.where(left, 5.0, 0.0) + rng.normal(0, 1, len(rows))
    elif name == "duplicates":
        rows["x17"] = rng.normal(size=len(rows))
        twice = rows[(rows["cut"] == pd.Timestamp(CUTS[0]))].head(40)
        rows = pd.concat([rows, twice], ignore_index=True)
    return rows, columns, dated


@pytest.mark.parametrize("rule", list(sv.LEAKAGE_RULES))
def test_each_rule_finds_its_own_leak(rule):
    """Without the rule nothing of its name is reported, so the removal of any makes this fail."""
    rows, columns, dated = planted(rule)
    found = hits(rows, columns, dated=dated)
    assert rule in set(found["rule"]), found


def disguised(name, rows):
    rng = np.random.default_rng(3)
    left = rows["event_observed"].to_numpy().astype("float64")
    if name == "renamed":
        return left
    if name == "lagged":
        later = pd.Series(left).groupby(rows["customer_id"]).shift(-1).fillna(0.0).to_numpy()
        return left + 0.5 * later
    if name == "noisy":
        return left + rng.normal(0, left.std() * 0.75, len(left))  # r = .8
    if name == "aggregated":
        group = rng.integers(0, len(rows) // 8, len(rows))
        return pd.Series(left).groupby(group).transform("mean").to_numpy()
    return np.where(left.astype(bool), np.nan, rng.normal(size=len(left)))


def test_at_least_four_of_five_disguised_leaks_are_found():
    names = ("renamed", "lagged", "noisy", "aggregated", "missing")
    found = []
    for name in names:
        rows = simulated(4)
        rows["v3"] = disguised(name, rows)
        found.append(any(column == "v3" for column, _ in high(rows, [*CLEAN, "v3"])))
    assert sum(found) >= 4, dict(zip(names, found, strict=True))


def model_of(names):
    return SimpleNamespace(
        recipe=SimpleNamespace(words=(), numbers=tuple(SimpleNamespace(name=n) for n in names)), cuts=CUTS[:-1]
    )


def test_a_high_hit_stops_the_run_and_says_what_to_do():
    rows = simulated(5)
    rows["flag9"] = disguised("noisy", rows)
    panel = Panel(CUTS, (), rows, {}, (*CLEAN, "flag9"))
    with pytest.raises(
        ParamError, match=r"column 'flag9' may know the future: tells leavers apart almost alone .* waived_leaks"
    ):
        inputs.audit(past_of(), panel, model_of(["tickets", "usage", "flag9"]))


def test_a_waiver_by_name_lets_it_pass_and_is_kept():
    rows = simulated(5)
    rows["flag9"] = disguised("noisy", rows)
    panel = Panel(CUTS, (), rows, {}, (*CLEAN, "flag9"))
    model = model_of(["tickets", "usage", "flag9"])
    found = inputs.audit(past_of(), panel, model, waived=["flag9"])
    assert found["waived"].all()
    rule = found["rule"].iloc[0]
    with pytest.raises(ParamError, match="flag9"):
        inputs.audit(past_of(), panel, model, waived=["flag9: name"])
    assert len(inputs.audit(past_of(), panel, model, waived=[f"flag9: {one}" for one in found["rule"]])) == len(found)
    assert rule in sv.LEAKAGE_RULES


def test_a_waiver_of_nothing_is_refused():
    rows = simulated(6)
    panel = Panel(CUTS, (), rows, {}, CLEAN)
    with pytest.raises(ParamError, match="waived_leaks: 'flag8' names no column of the model"):
        inputs.audit(past_of(), panel, model_of(CLEAN[:2]), waived=["flag8"])


def test_a_column_that_we_made_stops_nobody():
    """The reader has no such column and could not mend it; it is known on the day by how it is made."""
    rows = simulated(5).rename(columns={"usage": "purchase_rate"})
    rows["purchase_rate"] = rows["tenure_days"] + 0.5
    panel = Panel(CUTS, (), rows, {}, ("tickets", "purchase_rate"))
    found = inputs.audit(past_of(), panel, model_of(["tickets", "purchase_rate"]))
    assert found.loc[found["rule"] == "tenure", ["column", "severity"]].to_numpy().tolist() == [["purchase_rate", "warning"]]
    theirs = Panel(CUTS, (), rows.rename(columns={"purchase_rate": "spend"}), {}, ("tickets", "spend"))
    with pytest.raises(ParamError, match="column 'spend' may know the future: runs with the time as a customer"):
        inputs.audit(past_of(), theirs, model_of(["tickets", "spend"]))


def test_where_nobody_leaves_there_is_no_leak_to_find():
    rows = simulated(5, n=100).assign(event_observed=False, duration_days=float(HORIZON))
    assert not high(rows, CLEAN)
