"""Would the list have been right? Predictions from earlier cut-offs against what came, beside rules that need no model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn.chances import GAPS, MEAN, RIVALS, Chances, Fits, each, fit_on, levels_of
from crmkit.analyses.churn.fit import Backtest, Model, Test, cause_specific, fit_model, score
from crmkit.analyses.churn.inputs import LEAKS, LeakError, audit
from crmkit.analyses.churn.panel import Panel, build_panel, shop_with
from crmkit.analyses.churn.read import Past
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.data.summaries.spells import PERIOD_DAYS
from crmkit.models import survival as sv
from crmkit.models.survival.gaps import own_rhythm

if TYPE_CHECKING:
    import pandas as pd

MODEL = mark("the model")
SEGMENT = mark("segment's last month")
RECENCY = mark("longest silence")
TENURE = mark("time as a customer")
RULES = (SEGMENT, RECENCY, TENURE)
OWN_RHYTHM, GONE = mark("silence over own rhythm"), mark("probability to be gone")
SHOP_RULES = (RECENCY, OWN_RHYTHM, GONE)
TENURE_BANDS = 10
FEWEST_LEFT = 10


def study(past: Past, *, covariates: Sequence[str] = (), cutoffs: int = 3, waived: Sequence[str] = ()) -> Backtest:
    """Learn who leaves, test it on earlier cut-offs, and search the columns for knowledge of the future.

    Parameters
    ----------
    past : Past
    covariates : sequence of str
        Columns to explain leaving by; empty: all that are there.
    cutoffs : int
        Cut-offs of the back-test.
    waived : sequence of str
        Hits of the audit that are known and accepted: ``column`` or ``column: rule``.

    Returns
    -------
    Backtest
        Without a model, and with the reason, where the data do not allow one.

    Raises
    ------
    ParamError
        For a covariate that is not there, and for one that knows the future and is not waived. Of columns that nobody asked for
        the model does without such ones.
    """
    if not past.usable:
        return Backtest(None, None, None, (), None, None, past.window_reason)
    run = _contract_study if past.shop is None else _shop_study
    without: tuple[str, ...] = ()
    while True:
        try:
            return _with_left_out(run(past, tuple(covariates), cutoffs, waived, without), without)
        except LeakError as err:
            # what nobody asked for stops nobody: the model does without, and the page says so
            if covariates:
                raise
            without = (*without, *err.columns)


def _with_left_out(work: Backtest, without: tuple[str, ...]) -> Backtest:
    """A study whose recipe names what it does without."""
    if work.model is None or not without:
        return work
    recipe = work.model.recipe
    dropped = (*recipe.dropped, *((name, LEAKS) for name in without))
    return replace(work, model=replace(work.model, recipe=replace(recipe, dropped=dropped)))


def _panel(past: Past, covariates: tuple[str, ...], cutoffs: int, without: tuple[str, ...]) -> Panel:
    panel = build_panel(past, cutoffs=cutoffs, covariates=covariates)
    return replace(panel, features=tuple(name for name in panel.features if name not in without))


def _contract_study(
    past: Past, covariates: tuple[str, ...], cutoffs: int, waived: Sequence[str], without: tuple[str, ...]
) -> Backtest:
    """The model of who ends a contract, and what it would have said on earlier days."""
    try:
        panel = _panel(past, covariates, cutoffs, without)
        model = fit_model(past, panel, chosen=covariates, engine="auto")
    except ModelError as err:
        return Backtest(None, None, None, (), None, None, err.text)
    leaks = audit(past, panel, model, chosen=covariates, waived=waived)
    now = panel.at(past.as_of)
    scores = now.join(score(model, now)) if len(now) else None
    tests = tuple(one for cut in panel.tests if (one := _test(past, panel, cut, covariates)) is not None)
    voluntary = cause_specific(past, panel, model, "voluntary") if past.contractual else None
    return Backtest(panel, model, voluntary, tests, scores, leaks)


def rules_of(past: Past) -> tuple[str, ...]:
    """The simple rules that a model has to beat."""
    return RULES if past.shop is None else SHOP_RULES


def _shop_study(
    past: Past, covariates: tuple[str, ...], cutoffs: int, waived: Sequence[str], without: tuple[str, ...]
) -> Backtest:
    """Both models of a shop on today and on each earlier day; which is believed is decided by the earlier days."""
    try:
        panel = _panel(past, covariates, cutoffs, without)
        learner = _Learner(past, panel, covariates)
        model = learner.model(past.as_of)
    except ModelError as err:
        return Backtest(None, None, None, (), None, None, err.text)
    tests = list[Test]()
    for cut in panel.tests:
        try:
            one = _shop_test(past, panel.at(cut), cut, learner.model(cut))
        except ModelError:  # too little was known by then; the cut-off is missing in the table, which says how many there are
            continue
        tests += [] if one is None else [one]
    behind = _believed(tests)
    model = _believing(model, behind)
    tests = [
        replace(one, model=_believing(one.model, behind), scores=one.scores.assign(**{MODEL: one.rows[behind]}))
        for one in tests
    ]
    leaks = audit(past, panel, model, chosen=covariates, waived=waived)
    now = panel.at(past.as_of)
    return Backtest(panel, model, None, tuple(tests), now.join(score(model, now)), leaks)


class _Learner:
    """Fits both models once per day, and sets their level by the earlier days whose horizon was over."""

    def __init__(self, past: Past, panel: Panel, chosen: tuple[str, ...]) -> None:
        self.shop, self.past, self.panel, self.chosen = shop_with(past, covariates=chosen), past, panel, chosen
        self.fits: dict[dt.date, Fits] = {}

    def fit(self, day: dt.date) -> Fits:
        if day not in self.fits:
            engine = "auto" if day == self.past.as_of else "rows"
            self.fits[day] = fit_on(self.shop, day, self.panel.features, chosen=self.chosen, engine=engine)
        return self.fits[day]

    def model(self, day: dt.date) -> Model:
        before, rule, level = self.panel.before(day, self.past), self.past.rule, self.past.confidence
        if not before:
            raise ModelError(
                Text("no earlier day has its horizon of {horizon} behind it", {"horizon": Quantity(rule.horizon_days, "days")})
            )
        fits = self.fit(day)
        met = [self.panel.at(cut) for cut in before]
        said = [(each(fits, rows, horizon_days=rule.horizon_days, confidence=level), rows) for rows in met]
        own = Chances(fits, rule.horizon_days, levels_of(said, today=day), MEAN, level)
        return Model("gaps", fits.gaps.cox, fits.recipe, rule.horizon_days, 0, before, level, own)


def _shop_test(past: Past, rows: pd.DataFrame, cut: dt.date, model: Model) -> Test | None:
    import pandas as pd

    if int(rows["event_observed"].sum()) < FEWEST_LEFT or rows["event_observed"].all():
        return None
    assert past.shop is not None and model.chances is not None  # noqa: S101, PT018
    found = score(model, rows)
    known = found["probability"].notna().to_numpy()
    rows, found = rows[known].reset_index(drop=True), found[known].reset_index(drop=True)
    usual = own_rhythm(rows["mean_gap_days"], rows["number"] - 1, typical=past.shop.typical)
    scores = pd.DataFrame(
        {MODEL: found["probability"], RECENCY: rows["silence_days"], OWN_RHYTHM: rows["silence_days"] / usual}
    )
    scores[GONE] = 1 - found["p_alive"] if "p_alive" in found else rows["silence_days"] / past.shop.typical
    there = rows.assign(
        **{name: found[name] for name in RIVALS if name in found}, complete=True, follow_days=rows["duration_days"]
    )
    return Test(cut, model, there, scores)


def _believed(tests: list[Test]) -> str:
    """The model whose probabilities were nearest to what came, over all earlier days together (Brier score)."""
    if not tests:
        return MEAN
    names = [name for name in RIVALS if all(name in one.rows for one in tests)]
    error = {name: sum(float(((one.rows[name] - one.rows["event_observed"]) ** 2).sum()) for one in tests) for name in names}
    return min(error, key=lambda name: error[name]) if error else GAPS


def _believing(model: Model, behind: str) -> Model:
    assert model.chances is not None  # noqa: S101
    return replace(model, chances=model.chances.believing(behind))


def _test(past: Past, panel: Panel, cut: dt.date, chosen: tuple[str, ...]) -> Test | None:
    import pandas as pd

    rows = panel.at(cut)
    if not _can_be_judged(rows):
        return None
    try:
        model = fit_model(past, panel, until=cut, chosen=chosen)
    except ModelError:  # too little was known by then; the cut-off is missing in the table, which says how many there are
        return None
    found = score(model, rows)
    known = found["probability"].notna().to_numpy()
    rows, found = rows[known].reset_index(drop=True), found[known].reset_index(drop=True)
    # of those whom the model gives a probability
    if not _can_be_judged(rows):
        return None
    scores = pd.DataFrame(
        {
            MODEL: found["probability"],
            SEGMENT: segment_rate(past, panel, cut, rows),
            RECENCY: longest_silence(rows),
            TENURE: tenure_only(past, panel, cut, rows),
        }
    )
    stayed = ~rows["event_observed"] & (rows["duration_days"] >= past.rule.horizon_days)
    follow = rows["duration_days"].where(~stayed, past.rule.horizon_days + 1.0)
    return Test(cut, model, rows.assign(follow_days=follow, complete=stayed | rows["event_observed"]), scores)


def _can_be_judged(rows: pd.DataFrame) -> bool:
    """Whether enough customers of a cut-off left, and some stayed."""
    return int(rows["event_observed"].sum()) >= FEWEST_LEFT and not rows["event_observed"].all()


def segment_rate(past: Past, panel: Panel, cut: dt.date, rows: pd.DataFrame) -> np.ndarray:
    """The share of each segment that left in the month before the cut-off (without contracts: in the last period known)."""
    import pandas as pd

    by = past.groups[0] if past.groups else None
    group = past.spells.drop_duplicates("customer_id", keep="last").set_index("customer_id")[by] if by else None
    day = pd.Timestamp(cut)
    if past.contractual:
        before = day - pd.Timedelta(days=PERIOD_DAYS)
        own = past.spells[(past.spells["started_at"] <= before) & ~(past.spells["ended_at"] <= before)]
        left = own["event_observed"] & (own["ended_at"] <= day)
        names = own[by] if by else pd.Series("", index=own.index)
    else:
        earlier = panel.before(cut, past)
        own = panel.at(earlier[-1]) if earlier else rows.iloc[:0]
        left = own["event_observed"]
        names = own["customer_id"].map(group) if group is not None else pd.Series("", index=own.index)
    average = float(left.mean()) if len(left) else 0.0
    rates = left.astype("float64").groupby(names.to_numpy()).mean()
    mine = rows["customer_id"].map(group) if group is not None else pd.Series("", index=rows.index)
    rate = mine.map(rates).fillna(average).to_numpy(dtype="float64")
    periods = past.rule.horizon_days / PERIOD_DAYS if past.contractual else 1.0
    return np.asarray(1 - (1 - np.clip(rate, 0.0, 1.0)) ** periods)


def longest_silence(rows: pd.DataFrame) -> np.ndarray:
    """Days since anything was heard; who was never heard of comes first, and the newest where nothing is recorded."""
    for name in ("days_since_last", "days_since_interaction"):
        if name in rows and rows[name].notna().any():
            days = rows[name].to_numpy(dtype="float64", na_value=np.nan)
            return np.where(np.isfinite(days), days, np.nanmax(days) + 1)
    return -rows["tenure_days"].to_numpy(dtype="float64")


def tenure_only(past: Past, panel: Panel, cut: dt.date, rows: pd.DataFrame) -> np.ndarray:
    """Probability of leaving by the time as a customer alone, from what was known at the cut-off."""
    import pandas as pd

    if not past.contractual:
        seen = panel.at(*panel.before(cut, past))
        edges = np.unique(np.quantile(seen["tenure_days"], np.linspace(0, 1, TENURE_BANDS + 1)[1:-1]))
        band = np.searchsorted(edges, seen["tenure_days"])
        rate = seen["event_observed"].astype("float64").groupby(band).mean()
        mine = pd.Series(np.searchsorted(edges, rows["tenure_days"]))
        return mine.map(rate).fillna(float(rate.mean())).to_numpy(dtype="float64")
    day = pd.Timestamp(cut)
    own = past.spells[past.spells["started_at"] < day]
    end = own["observed_end"].where(own["observed_end"] <= day, day)
    duration = (end - own["started_at"]).dt.days
    kept = (duration > own["entry_days"]).to_numpy()
    own, duration = own[kept], duration[kept]
    event = own["event_observed"] & (own["ended_at"] <= day)
    entry = own["entry_days"] if past.rule.since is not None else None
    km = sv.kaplan_meier(duration, event, entry=entry, engine="counts")
    x, value = km["x"].to_numpy(), km["value"].to_numpy()
    since = np.minimum(rows["tenure_days"].to_numpy(dtype="float64"), max(0.0, x[-1] - past.rule.horizon_days))
    now, then = (value[np.searchsorted(x, t, side="right") - 1] for t in (since, since + past.rule.horizon_days))
    return np.asarray(1 - np.divide(then, now, out=np.zeros_like(then), where=now > 0))


def difference(y: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """By how much does one score tell leavers from stayers better than another: difference of AUC, and its variance.

    Notes
    -----
    DeLong, DeLong & Clarke-Pearson (1988), doi:10.2307/2531595: both scores on the same customers.
    """
    from scipy.stats import rankdata

    left = y.astype(bool)
    n1, n0 = int(left.sum()), int((~left).sum())

    def placements(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole, cases, controls = rankdata(score), rankdata(score[left]), rankdata(score[~left])
        return (whole[left] - cases) / n0, 1 - (whole[~left] - controls) / n1

    (a1, a0), (b1, b0) = placements(first), placements(second)
    value = float(a1.mean() - b1.mean())
    return value, float((a1 - b1).var(ddof=1) / n1 + (a0 - b0).var(ddof=1) / n0)
