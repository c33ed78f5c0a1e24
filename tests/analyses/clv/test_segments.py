"""Stages, scores, segments, movement, lists, intervals: every customer once, nothing lost, nothing claimed that is chance."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import clv
from crmkit.analyses.clv.read import People
from crmkit.analyses.clv.rfm import scored
from crmkit.analyses.clv.segments import _p_values
from crmkit.analyses.clv.stages import STAGES, assign_stages, staged
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.models.basics.families import holm
from crmkit.models.purchases import rfm
from crmkit.show.grid import table_grid
from crmkit.show.tables import MAX_ROWS
from unions import small_unions

WORTH = {"horizon_days": 365, "discount_rate": 0.1, "margin": 1.0}
RULES = clv.StageRules()


@pytest.fixture(scope="module")
def study(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=182)
    ids = past.customers["customer_id"]
    extra = pd.DataFrame({"customer_id": [*ids, "never"], "region": ["North", "South", "East"] * 200 + ["North"]})
    past = replace(past, people=People(extra.head(len(ids) + 1), ("never",)))
    models = clv.fit_models(past, compare=[])
    return (
        past,
        models,
        clv.hold_out(past, models),
        clv.customer_values(past, models, clv.Terms(**WORTH), draws=0),
    )


def test_every_customer_stands_in_one_stage_and_no_value_is_lost(study):
    past, _, _, values = study
    table = staged(past, values, rules=RULES)
    assert len(table) == len(past.customers) + 1
    assert set(table["stage"]) <= set(STAGES)
    assert table.loc[table["customer_id"] == "never", "stage"].tolist() == ["potential"]
    held = clv.stage_table(replace(past, min_cell=1), values, rules=RULES).table
    assert held["n"].sum() == len(table)
    assert held["value"].sum() == pytest.approx(values.customers["clv"].sum(), rel=1e-9)


def test_silence_weighs_more_than_the_past():
    assert assign_stages(np.array([50, 50]), np.array([0.45, 0.95]), np.array([9, 366]), rules=RULES).tolist() == [
        "at risk",
        "lapsed",
    ]


@pytest.mark.parametrize("changed", [{"loyal_from": 2}, {"at_risk_below": 1.1}, {"active_days": 0}])
def test_limits_that_contradict_each_other_are_refused(changed):
    with pytest.raises(ParamError):
        clv.StageRules(**changed)


def test_rfm_holds_every_customer_once(study):
    past, _, _, values = study
    open_to_all = replace(past, min_cell=1)
    for result in (clv.rfm_grid(open_to_all, values), clv.rfm_segments(open_to_all, values)):
        assert result.table["n"].sum() == len(past.customers)
        assert result.table["value"].sum() == pytest.approx(values.customers["clv"].sum(), rel=1e-9)


def test_a_grid_of_which_every_cell_is_small_is_not_assessed(study):
    past, _, _, values = study
    found = clv.rfm_grid(replace(past, min_cell=1000), values)
    assert say(found.reason, Locale()) == "no cell of the grid has 1,000 customers"
    few = replace(past, min_cell=1000)
    for result in (clv.rfm_segments(few, values), clv.segments(few, values, by=[])):
        assert result.table["suppressed"].any()
        assert result.table.loc[result.table["suppressed"], "n"].isna().all()


@pytest.mark.parametrize("min_cell", [3, 5, 10, 20])
@pytest.mark.parametrize("limits", [None, ([300.0, 200.0, 100.0, 30.0], [2, 3, 5, 8], [50.0, 100.0, 200.0, 400.0])])
def test_grid_and_segments_together_tell_of_no_few_customers(study, min_cell, limits):
    past, _, _, values = study
    past, rules = replace(past, min_cell=min_cell), None if limits is None else clv.rfm_rules(*limits)
    grid, named = clv.rfm_grid(past, values, rules=rules).table, clv.rfm_segments(past, values, rules=rules).table
    away = {(row.recency, row.frequency) for row in grid[grid["suppressed"]].itertuples()}
    assert grid.loc[grid["suppressed"], "value"].isna().all()
    customers = scored(values.customers, rules=rules)[0]
    cells = list(zip(customers["r"], customers["f"], strict=True))
    assert {cell for cell, n in Counter(cells).items() if n < min_cell} <= away
    unseen = set(named.loc[named["suppressed"], "segment"])
    # of more customers there are too many unions to try them all
    fewest = min(min_cell, 5)
    assert small_unions(cells, customers["segment"].tolist(), away, unseen, min_cell=fewest) == 0
    inside = pd.crosstab(pd.Series(cells).astype(str), customers["segment"])
    seen = ~inside.index.isin([str(one) for one in away])
    for name in inside.columns.difference(sorted(unseen)):
        within = (inside.drop(columns=name) == 0).all(axis=1)
        left = inside[name].sum() - inside.loc[within & seen, name].sum()
        assert not 0 < left < min_cell


def held(past, models, values, *, rules):
    """Of each table with customers in groups: the group of each customer, and the groups that are not shown."""
    scores = scored(values.customers)[0]
    grid = clv.rfm_grid(past, values, stages=rules).table
    named = clv.rfm_segments(past, values, stages=rules).table
    staged_ = clv.stage_table(past, values, rules=rules).table
    tiers = clv.tiers(past, models, values).table
    return {
        "grid": (
            [f"{r}{f}" for r, f in zip(scores["r"], scores["f"], strict=True)],
            {f"{row.recency}{row.frequency}" for row in grid[grid["suppressed"]].itertuples()},
        ),
        "segments": (scores["segment"].tolist(), set(named.loc[named["suppressed"], "segment"])),
        "stages": (
            staged(past, values, rules=rules)["stage"].head(len(scores)).tolist(),
            set(staged_.loc[staged_["suppressed"], "stage"]),
        ),
        "tiers": (values.customers["tier"].tolist(), set(tiers.loc[tiers["suppressed"], "tier"])),
    }


@pytest.mark.parametrize("rules", [RULES, clv.StageRules(3, 0.9, 120), clv.StageRules(40, 0.3, 700)])
def test_no_two_tables_of_the_page_tell_of_few_customers(study, rules):
    past, models, _, _ = study
    values = clv.customer_values(past, models, clv.Terms(**WORTH), tiering=clv.Tiering((0.005, 0.2, 0.5)), draws=0)
    found = held(replace(past, min_cell=4), models, values, rules=rules)
    for groups, hidden in found.values():
        assert {group for group, n in Counter(groups).items() if n < 4} <= hidden
    for (own, away), (others, unseen) in combinations(found.values(), 2):
        assert small_unions(own, others, away, unseen, min_cell=4) == 0


@pytest.mark.parametrize("never", [1, 4, 15])
def test_what_the_total_leaves_over_of_the_stages_is_never_few(study, never):
    """Those who never bought hold nothing, so the value of all others is not hidden by them."""
    past, _, _, values = study
    past = replace(past, people=People(past.people.attributes, tuple(f"never{i}" for i in range(never))))
    rules = clv.StageRules(40, 0.3, 700)
    counts = Counter(staged(past, values, rules=rules)["stage"])
    assert any(0 < n < 10 for n in counts.values())
    shown = clv.stage_table(past, values, rules=rules).table
    hidden = {row.stage: counts[row.stage] for row in shown[shown["suppressed"]].itertuples()}
    assert {stage for stage, n in counts.items() if n < 10} <= set(hidden)
    bought = [n for stage, n in hidden.items() if stage != "potential"]
    assert not bought or (len(bought) >= 2 and sum(bought) >= 10)
    bars = clv.stages(past, values, rules=rules)
    assert set(bars.table["group"]) == set(STAGES) - set(hidden)
    note = say(bars.note, Locale())
    assert note.endswith(f"{len(hidden)} groups are not shown, so that nothing is told of fewer than 10 customers.")


def test_the_sentence_counts_no_stage_that_is_hidden(study):
    past, _, _, values = study
    counts = Counter(staged(past, values, rules=RULES)["stage"])
    many = say(clv.stages(replace(past, min_cell=1), values, rules=RULES).finding.text, Locale())
    assert many == (
        f"{counts['at risk'] + counts['lapsed']} of 601 customers are at risk or lapsed; {counts['loyal']} are loyal."
    )
    nobody = clv.stages(replace(past, min_cell=1000), values, rules=RULES)
    assert nobody.finding is None
    assert say(nobody.reason, Locale()) == "every group is too small to be shown"


@pytest.mark.parametrize("min_cell", [3, 5, 10, 20])
def test_what_the_movements_leave_over_is_never_few(study, min_cell):
    """What is hidden of an earlier segment, and of all who moved up or down or stayed, is two cells and enough customers."""
    past = study[0]
    shown = clv.migration_matrix(replace(past, min_cell=min_cell)).table
    whole = clv.migration_matrix(replace(past, min_cell=1)).table
    assert (whole[["group", "box"]] == shown[["group", "box"]]).all(axis=None)
    hidden = whole[shown["suppressed"]]
    assert len(hidden)
    for name in ("group", "box"):
        for _, part in hidden.groupby(name):
            others = whole[~shown["suppressed"] & (whole["n"] > 0)]
            alone = not others[name].isin(part[name]).any()
            assert alone or (len(part) >= 2 and part["n"].sum() >= min_cell)


def test_customers_watched_for_too_short_are_noticed(study):
    past, models, _, _ = study
    found = {finding.id: finding for finding in clv.checks(past, models)}
    assert found["clv.exposure"].passed
    late = past.customers.assign(T_days=past.customers["recency_days"] + 1)
    short = {finding.id: finding for finding in clv.checks(replace(past, customers=late), models)}["clv.exposure"]
    usual = late["recency_days"].sum() / late["frequency"].sum()
    assert not short.passed
    assert f"{int((late['T_days'] < usual).sum())} customers came too late" in say(short.text, Locale())


@pytest.mark.parametrize(("unnamed", "passed"), [((0, 900), None), ((18, 900), True), ((19, 900), False)])
def test_purchases_without_a_customer_are_counted(study, unnamed, passed):
    past, models, _, _ = study
    found = [
        one
        for one in clv.checks(replace(past, people=replace(past.people, unnamed=unnamed)), models)
        if one.id == "clv.unnamed"
    ]
    assert [one.passed for one in found] == ([] if passed is None else [passed])


def test_own_limits_make_the_scores(study):
    past, _, _, values = study
    limits = clv.rfm_rules([300.0, 200.0, 100.0, 30.0], [2, 3, 5, 8], [50.0, 100.0, 200.0, 400.0])
    open_to_all = replace(past, min_cell=1)
    result = clv.rfm_grid(open_to_all, values, rules=limits)
    best = result.table[(result.table["recency"] == 5) & (result.table["frequency"] == 5)]
    own = (past.customers["days_since_last"] <= 30) & (past.customers["purchase_days"] >= 8)
    assert best["n"].sum() == own.sum() > 0
    assert (result.finding.id, result.finding.evidence) == ("clv.rfm", (result.name,))
    assert "own limits. Score 5 begins at 30 days" in say(result.note, Locale())
    assert clv.rfm_segments(open_to_all, values, rules=limits).table["n"].sum() == len(past.customers)
    moved = clv.migration(open_to_all, rules=limits)
    assert "own limits" in say(moved.note, Locale())
    assert moved.table["n"].sum() == len(past.customers)
    assert clv.migration_matrix(open_to_all, rules=limits).assessed


def test_own_limits_are_all_or_none():
    assert clv.rfm_rules([], [], []) is None
    with pytest.raises(
        ParamError, match=r"rfm_frequency: is empty; own limits need all of rfm_recency, rfm_frequency, rfm_money"
    ):
        clv.rfm_rules([90, 60, 30, 7], [], [1, 2, 3, 4])
    with pytest.raises(ParamError, match="four numbers that fall"):
        clv.rfm_rules([7, 30, 60, 90], [2, 3, 4, 5], [1, 2, 3, 4])


def test_movement_counts_every_customer_once(study):
    past = study[0]
    result = clv.migration(past)
    assert [column.name for column in result.columns][:3] == ["direction", "n", "share"]
    moved = result.table.set_index("direction")
    assert moved["n"].sum() == len(past.customers)
    assert (result.finding.id, result.finding.evidence[0]) == ("clv.migration", result.name)
    assert moved.loc["new", "n"] == len(past.customers) - len(past.calibration.customers)
    assert moved.loc["gone", "n"] == 0
    assert moved["change"].sum() == pytest.approx(past.customers["total"].sum() - past.calibration.customers["total"].sum())
    matrix = clv.migration_matrix(replace(past, min_cell=1)).table
    assert matrix.groupby("group")["value"].sum().to_numpy() == pytest.approx(1.0)
    assert matrix.groupby("box")["n"].sum().to_dict() == moved.loc[["up", "same", "down"], "n"].to_dict()


def test_no_movement_where_nothing_is_held_out(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    assert not clv.migration(past).assessed
    assert not clv.migration_matrix(past).assessed


def test_segments_hold_every_customer_once_per_criterion(study):
    past, _, _, values = study
    table = clv.segments(replace(past, min_cell=1), values, by=["region"]).table
    for criterion, part in table.groupby("criterion"):
        potential = len(past.people.never_bought) if criterion.startswith("New") else 0
        assert part["n"].sum() == len(past.customers) + potential
        assert part["share_value"].sum() == pytest.approx(1.0)
    grown = table.dropna(subset=["growth_low", "growth_high"])
    assert (grown["growth_low"] < grown["growth"]).all()
    assert (grown["growth"] < grown["growth_high"]).all()
    assert len(grown)
    standing = table.set_index("segment")
    assert standing.loc["potential", "n"] == 1
    assert np.isnan(standing.loc["potential", "p_adjusted"])


def test_what_customers_bought_makes_segments(make_company, simulated):
    """Each customer belongs where most of their money went, returns left out, ties in the order of the alphabet."""
    rows = simulated.assign(category=np.where(np.arange(len(simulated)) % 3, "tea", "coffee"), channel="shop")
    rows["is_return"] = np.arange(len(rows)) % 50 == 0
    past = clv.read(make_company(rows, min_cell=1), holdout_days=0)
    kept = rows[~rows["is_return"]]
    sums = kept.groupby(["customer_id", "category"])["amount"].sum().unstack(fill_value=0.0)
    expected = np.where(sums["coffee"] >= sums["tea"], "coffee", "tea")
    found = past.people.attributes.set_index("customer_id")["category"].reindex(sums.index)
    assert found.tolist() == expected.tolist()
    values = clv.customer_values(past, clv.fit_models(past, compare=[]), clv.Terms(**WORTH))
    table = clv.segments(past, values, by=["category", "channel"]).table
    assert set(table["segment"]) >= {"tea", "coffee", "shop"}


def test_a_segment_that_is_really_worth_more_is_found(study):
    past, _, _, values = study
    table = values.customers.copy()
    north = past.people.attributes.set_index("customer_id")["region"].reindex(table["customer_id"]).to_numpy() == "North"
    table["clv"] = np.where(north, table["clv"] * 3, table["clv"])
    result = clv.segments(past, replace(values, customers=table), by=["region"])
    assert "North" in say(result.finding.text, Locale())
    assert result.table.set_index("segment").loc["North", "p_adjusted"] < 0.05


@pytest.mark.parametrize("samples", [8, pytest.param(1000, marks=pytest.mark.slow)])
def test_segments_made_by_chance_are_rarely_called_different(samples):
    """Twelve segments, skewed values, no difference: any finding after Holm in at most 5 % (one-sided 99 % bound)."""
    alarms = 0
    for seed in range(samples):
        rng = np.random.default_rng(seed)
        codes, worth = rng.integers(0, 12, 240), rng.lognormal(0, 1.5, 240)
        alarms += bool((holm(_p_values(codes, 12, worth)) < 0.05).any())
    assert alarms / samples - 2.326 * np.sqrt(0.05 * 0.95 / samples) <= 0.05


def test_an_unknown_segment_column_gets_the_nearest(study):
    with pytest.raises(ParamError, match=r"segment_by: no column 'regoin'; did you mean 'region'\?"):
        clv.segments(study[0], study[3], by=["regoin"])


def test_lists_hold_whom_they_say(study):
    past, _, _, values = study
    protect, wake, grow = (
        clv.protect(past, values, rules=RULES),
        clv.wake(past, values, rules=RULES),
        clv.grow(past, values, rules=RULES),
    )
    assert all(result.customers for result in (protect, wake, grow))
    assert protect.table["money"].min() >= np.quantile(values.customers["clv"], 0.8)
    assert (wake.table["p_alive"] < RULES.at_risk_below).all()
    assert (grow.table["p_alive"] >= RULES.at_risk_below).all()
    assert (grow.table["purchase_days"] <= 2).all()
    everybody = [customer for result in (protect, wake, grow) for customer in result.table["customer_id"]]
    assert len(everybody) == len(set(everybody)) > 60  # nobody stands in two, and nobody is left out for the page's sake
    shown = [table_grid(result, Locale(), name=str, max_rows=MAX_ROWS) for result in (protect, wake, grow)]
    assert [len(grid.rows) for grid in shown] == [min(5, len(result.table)) for result in (protect, wake, grow)]
    assert f"and {len(protect.table) - 5} more rows; all of them are in the workbook clv_protect.xlsx" in shown[0].notes
    for result in (wake, grow):  # what they are sorted by stands behind the customer
        assert result.columns[1].name == "money"
        assert result.table["money"].is_monotonic_decreasing


def test_who_has_lapsed_is_not_to_be_protected(study):
    past, _, _, values = study
    strict = clv.StageRules(active_days=30)
    silent = set(values.customers.loc[values.customers["days_since_last"] > 30, "customer_id"])
    assert silent & set(clv.protect(past, values, rules=RULES).table["customer_id"])
    assert not silent & set(clv.protect(past, values, rules=strict).table["customer_id"])
    assert not silent & set(clv.grow(past, values, rules=strict).table["customer_id"])


def test_scores_of_all_customers(study):
    table = clv.scores(study[0], study[3], rules=clv.StageRules()).table
    assert len(table) == len(study[0].customers)
    assert not table.isna().any().any()


def test_model_choice_names_the_model_in_use(study):
    past, models, check, _ = study
    result = clv.model_choice(past, models, check)
    assert say(result.finding.text, Locale()).startswith("Values come from Pareto/NBD")
    nearest = str(result.table.loc[result.table["mae"].idxmin(), "model"])
    assert nearest == "Pareto/NBD" or nearest in say(result.finding.text, Locale()).removeprefix("Values come from Pareto/NBD")
    fit = models.final.fits["pareto_nbd"]
    assert result.table.loc[0, "aic"] == pytest.approx(8 - 2 * fit.log_likelihood)


def test_a_wrong_unit_of_time_is_noticed(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    fast = replace(past, customers=past.customers.assign(frequency=past.customers["frequency"] * 400))
    models = clv.fit_models(past, compare=[])
    fit = models.final.fits["pareto_nbd"]
    absurd = replace(
        models, final=replace(models.final, fits={"pareto_nbd": replace(fit, params={**fit.params, "alpha": 1e-3})})
    )
    assert any(finding.id == "clv.rate" for finding in clv.checks(fast, absurd))
    assert not any(finding.id == "clv.rate" for finding in clv.checks(past, models))


def test_clockwork_is_noticed(make_company, simulated):
    past = clv.read(make_company(simulated), holdout_days=0)
    regular = pd.DataFrame({"customer_id": range(100), "earlier_days": 30, "later_days": [29, 30, 31, 30] * 25})
    models = clv.fit_models(past, compare=[])
    found = {finding.id: finding for finding in clv.checks(replace(past, rhythm=replace(past.rhythm, gaps=regular)), models)}
    assert found["clv.regularity"].passed is False
    assert {finding.id: finding for finding in clv.checks(past, models)}["clv.regularity"].passed


def test_rules_of_rfm_are_frozen_at_the_first_date():
    before = pd.DataFrame({"days_since_last": [1, 2, 3, 4, 5], "purchase_days": [5, 4, 3, 2, 1], "total": [5.0, 4, 3, 2, 1]})
    rule = rfm.rules(before["days_since_last"], before["purchase_days"], before["total"])
    assert rfm.scores(rule, [100], [1], [1.0]) == (1, 1, 1)
