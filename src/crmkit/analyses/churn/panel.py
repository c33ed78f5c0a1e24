"""What was known of each customer on a day, and did they leave in the days after it? Many such days, one under the other.

Each cut-off gives one row per customer who was there: the features as they were known then, and what happened within the
horizon. A model learns from cut-offs whose horizon is over, exactly as it will be used (landmarking, van Houwelingen 2007,
doi:10.1111/j.1467-9469.2006.00529.x).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.churn.chances import outcome
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.shop import RHYTHM, Shop, customers_on, rhythm_level
from crmkit.core.dates import DAYS_PER_YEAR
from crmkit.core.errors import DataError, ModelError, ParamError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import frames_on, to_frame
from crmkit.data.summaries.features import FEATURES, churn_features
from crmkit.models.survival.data.encoding import Recipe

if TYPE_CHECKING:
    import ibis
    import pandas as pd

ATTRIBUTES = ("size", "region", "industry", "acquisition_channel")
SILENT_STEP_DAYS = 30
LEAST_CUTS, MOST_CUTS = 6, 24
MOST_ROWS = 400_000
LONGEST_SILENCE = 20.0
SETTLING_DAYS = 30

PURCHASES = {
    "purchase_days": "last_day",
    "purchase_rate": "last_day",
    "silence_share": "last_day",
    "days_since_last": "last_day",
    "mean_amount": "last_day",
    "known_days": "last_day",
}
# of the gap that a customer is in: all of it was known on its first day
OF_GAPS = (
    "log_rhythm",
    "log_rhythm_squared",
    "log_number",
    "log_previous",
    "log_amount",
    "log_mean_amount",
    "returned_share",
    "discount_share",
    "season_sin",
    "season_cos",
    "category",
    "channel",
)


@dataclass(frozen=True)
class Panel:
    """Cut-offs of one client, each with its customers, what was known of them and what they did next.

    Parameters
    ----------
    cuts : tuple of date
        Days on which a prediction is or could have been made, the oldest first; the last is ``as_of``.
    tests : tuple of date
        Cut-offs that a back-test predicts from.
    rows : DataFrame
        Per cut-off and customer, ordered: ``cut, customer_id, tenure_days``, features, ``duration_days, event_observed, event``
        (within the horizon; nan and False for the last cut-off, whose future is unknown).
    dated : mapping of str to str
        Feature: column that holds the newest date behind it.
    features : tuple of str
        Columns that a model may use.
    """

    cuts: tuple[dt.date, ...]
    tests: tuple[dt.date, ...]
    rows: pd.DataFrame
    dated: dict[str, str]
    features: tuple[str, ...]

    def at(self, *cuts: dt.date) -> pd.DataFrame:
        """The rows of some cut-offs."""
        import pandas as pd

        return self.rows[self.rows["cut"].isin([pd.Timestamp(cut) for cut in cuts])].reset_index(drop=True)

    def before(self, cut: dt.date, past: Past) -> tuple[dt.date, ...]:
        """Cut-offs whose horizon was over, and known to be, on a day."""
        wait = dt.timedelta(days=past.rule.horizon_days + past.rule.grace_days)
        return tuple(one for one in self.cuts if one + wait <= cut)


def build_panel(past: Past, *, cutoffs: int, covariates: tuple[str, ...] = ()) -> Panel:
    """The cut-offs that models learn from and are tested on.

    Parameters
    ----------
    past : Past
    cutoffs : int
        How many a back-test uses; the newest whose horizon is over.
    covariates : tuple of str
        Columns to explain leaving by: features, or columns of ``customers``; empty: all that are there.

    Raises
    ------
    ModelError
        When the data are too short for a cut-off to learn from.
    ParamError
        For a covariate that is not there.
    """
    import pandas as pd

    cuts, tests = _schedule(past, cutoffs)
    days = [*cuts, past.as_of]
    under_contract = past.contractual and past.shop is None
    features = _contract_features(past, days) if under_contract else [None] * len(days)
    parts = [one_cut(past, cut, one) for cut, one in zip(days, features, strict=True)]
    rows = pd.concat(_alike(parts), ignore_index=True)
    beside = attributes(past, covariates)
    if beside is not None:
        rows = rows.merge(beside, how="left", on="customer_id", validate="many_to_one")
    made = OF_GAPS if past.shop is not None else (*FEATURES, *PURCHASES)
    known = [name for name in (*made, *ATTRIBUTES, *covariates) if name in rows.columns]
    unknown = [name for name in covariates if name not in rows.columns]
    if unknown:
        raise ParamError([Problem("covariates:", f"no column '{name}'", did_you_mean(name, known)) for name in unknown])
    dated = {name: FEATURES[name].newest for name in known if name in FEATURES and FEATURES[name].newest in rows}
    dated |= {name: PURCHASES[name] for name in known if name in PURCHASES and past.shop is None}
    dated |= {name: "started_at" for name in known if name in OF_GAPS}
    return Panel((*cuts, past.as_of), tests, rows, dated, tuple(dict.fromkeys(known)))


def _alike(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Each column of one type in all parts: one that is empty at the first cut-offs takes the type of the later ones."""
    types: dict[str, Any] = {}
    for part in parts:
        types |= {name: part[name].dtype for name in part.columns if part[name].notna().any() or name not in types}
    return [part.astype(types) for part in parts]


def _schedule(past: Past, cutoffs: int) -> tuple[list[dt.date], tuple[dt.date, ...]]:
    """Days on which predictions could have been made: all whose horizon is over, and the newest of them to test on."""
    if past.shop is not None:
        return _shop_schedule(past, cutoffs)
    wait = past.rule.horizon_days + past.rule.grace_days
    first = max(past.start, past.rule.since or past.start) + dt.timedelta(days=SETTLING_DAYS)
    last = past.as_of - dt.timedelta(days=wait)
    room = (last - first).days
    step = wait if past.contractual and room // wait + 1 >= cutoffs + LEAST_CUTS else SILENT_STEP_DAYS
    count = min(room // step + 1, MOST_CUTS) if room >= 0 else 0
    active = max(1, len(past.spells) // 2)
    count = min(count, max(LEAST_CUTS, MOST_ROWS // active))
    if count < 1:
        raise ModelError(
            Problem(
                "churn model:",
                f"the data cover {max(0, room + wait + SETTLING_DAYS)} days",
                f"more than {wait + SETTLING_DAYS} are needed for a horizon of {past.rule.horizon_days}",
            )
        )
    cuts = [last - dt.timedelta(days=step * k) for k in range(count)]
    apart = 1 if step == wait else 2
    tests = [cut for cut in cuts[::apart][:cutoffs] if any(one + dt.timedelta(days=wait) <= cut for one in cuts)]
    return cuts[::-1], tuple(sorted(tests))


def _shop_schedule(past: Past, cutoffs: int) -> tuple[list[dt.date], tuple[dt.date, ...]]:
    """Half a horizon apart, on none of which the shop was closed in the days ahead; the newest are tested.

    The level of a model comes from the days whose horizon is over, so each test needs such a day before it.
    """
    assert past.shop is not None  # noqa: S101
    horizon = past.rule.horizon_days
    step = max(1, horizon // 2)
    first = past.start + dt.timedelta(days=max(SETTLING_DAYS, step))
    cuts, day = list[dt.date](), past.as_of - dt.timedelta(days=horizon)
    while day >= first and len(cuts) < cutoffs + LEAST_CUTS:
        if past.shop.free(day, horizon):
            cuts.append(day)
        day -= dt.timedelta(days=step)
    if not cuts:
        numbers = {"span": Quantity(past.span_days, "days"), "horizon": Quantity(horizon, "days")}
        raise ModelError(Text("the data cover {span}, which is too short to test a horizon of {horizon} on any day", numbers))
    wait = dt.timedelta(days=horizon)
    tests = [cut for cut in cuts[:cutoffs] if any(one + wait <= cut for one in cuts)]
    return cuts[::-1], tuple(sorted(tests))


def one_cut(past: Past, cut: dt.date, features: pd.DataFrame | None = None) -> pd.DataFrame:
    """The customers of one day: features as known then, and what they did within the horizon.

    Parameters
    ----------
    past : Past
    cut : date
    features : DataFrame or None
        Of customers under contract, where they are known already.
    """
    import pandas as pd

    if past.shop is not None:
        return _shop_cut(past, cut)
    if features is None:
        features = _contract_features(past, [cut])[0] if past.contractual else _purchase_features(past, cut)
    over = cut + dt.timedelta(days=past.rule.horizon_days + past.rule.grace_days) <= past.as_of
    future = None if not over else (_contract_labels if past.contractual else _silent_labels)(past, cut)
    if future is None:
        found = features.assign(duration_days=np.nan, event_observed=False, event=np.nan)
    else:
        found = features.merge(future, how="inner", on="customer_id", validate="one_to_one")
        found = found[found["duration_days"] > 0].reset_index(drop=True)
    # whole numbers with and without gaps are of different types; one type for all cut-offs
    numbers = dict.fromkeys(found.select_dtypes("number").columns, "float64")
    return found.astype(numbers | {"event": "object"}).assign(cut=pd.Timestamp(cut))


def _shop_cut(past: Past, cut: dt.date) -> pd.DataFrame:
    """Customers of a shop: the gap they were in, and whether they bought within the horizon."""
    import pandas as pd

    assert past.shop is not None  # noqa: S101
    horizon = past.rule.horizon_days
    rows = customers_on(past.shop, cut, as_of=past.as_of)
    found = rows.assign(tenure_days=rows["T"], days_since_last=rows["silence_days"], purchase_days=rows["number"])
    found[RHYTHM] = rhythm_level(past.shop, rows)
    if "mean_amount" in rows:
        found["spent"] = rows["mean_amount"] * rows["number"]
    left = outcome(rows, horizon).to_numpy(dtype=bool) if cut < past.as_of else np.zeros(len(rows), dtype=bool)
    over = cut + dt.timedelta(days=horizon) <= past.as_of
    found = found.assign(
        # who came back is followed beyond the horizon, so that evaluation counts them as stayed
        duration_days=np.where(left, horizon, horizon + 1).astype("float64") if over else np.nan,
        event_observed=left if over else False,
        event=pd.Series("left", index=rows.index, dtype="object").where(pd.Series(left & over, index=rows.index)),
    )
    numbers = dict.fromkeys(found.select_dtypes("number").columns, "float64")
    return found.astype(numbers | {"event": "object"}).assign(cut=pd.Timestamp(cut))


def shop_with(past: Past, recipe: Recipe | None = None, covariates: tuple[str, ...] = ()) -> Shop:
    """The shop with what is known of its customers beside every gap, so that a model may use it."""
    assert past.shop is not None  # noqa: S101
    asked = covariates
    if recipe is not None:
        asked = (*(one.name for one in recipe.words), *(one.name for one in recipe.numbers))
    beside = attributes(past, tuple(name for name in asked if name not in past.shop.gaps))
    if beside is None:
        return past.shop
    names = [name for name in beside.columns if name not in past.shop.gaps]
    return replace(past.shop, gaps=past.shop.gaps.merge(beside[["customer_id", *names]], how="left", on="customer_id"))


def attributes(past: Past, covariates: tuple[str, ...]) -> pd.DataFrame | None:
    """Columns of the table of customers, as exported: they may have changed since a cut-off, which the page says."""
    known = past.tables.get("customers")
    names = [name for name in dict.fromkeys([*ATTRIBUTES, *covariates]) if known is not None and name in known.columns]
    return to_frame(known.select("customer_id", *names)).drop_duplicates("customer_id") if known is not None and names else None


def _contract_features(past: Past, cuts: list[dt.date]) -> list[pd.DataFrame]:
    def on(day: dt.date) -> ibis.Table:
        return churn_features(past.tables, t0=day, grace_days=past.rule.grace_days, attributes=())

    tables = frames_on(on, cuts)
    if past.as_of in cuts and tables[cuts.index(past.as_of)].empty:
        raise DataError("subscriptions: nobody is under contract on the last day; check ended_at and as_of")
    return tables


def _contract_labels(past: Past, cut: dt.date) -> pd.DataFrame:
    """Who of the customers under contract left within the horizon; from the spells, whose ends are known by now."""
    import pandas as pd

    day = pd.Timestamp(cut)
    rows = past.spells[(past.spells["started_at"] <= day) & ~(past.spells["ended_at"] <= day)]
    days = (rows["observed_end"] - day).dt.days
    event = rows["event_observed"] & (days <= past.rule.horizon_days)
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "duration_days": days.clip(upper=past.rule.horizon_days).astype("float64"),
            "event_observed": event,
            "event": rows["event"].astype("object").where(event),
        }
    ).drop_duplicates("customer_id", keep="last")


def _purchase_features(past: Past, cut: dt.date) -> pd.DataFrame:
    """Of customers who had bought within a declared window: how often, how recently against their own rhythm, how much."""
    import pandas as pd

    assert past.purchases is not None and past.window is not None  # noqa: S101, PT018  only called without contracts
    day = pd.Timestamp(cut)
    bought = past.purchases[past.purchases["day"] <= day].groupby("customer_id", sort=True)
    rows = bought.agg(first=("day", "min"), last_day=("day", "max"), purchase_days=("day", "size"), spent=("amount", "sum"))
    rows = rows.assign(days_since_last=(day - rows["last_day"]).dt.days, known_days=(day - rows["first"]).dt.days).reset_index()
    rows = rows[rows["days_since_last"] <= past.window.window].reset_index(drop=True)
    often = rows["purchase_days"] - 1
    rhythm = ((rows["last_day"] - rows["first"]).dt.days / often.clip(lower=1)).where(often > 0)
    if bought["amount"].count().sum() == 0:
        rows = rows.drop(columns="spent")
    found = rows.drop(columns="first").assign(
        started_at=rows["first"],
        tenure_days=rows["known_days"],
        purchase_rate=DAYS_PER_YEAR * rows["purchase_days"] / (rows["known_days"] + SETTLING_DAYS),
        silence_share=(rows["days_since_last"] / rhythm.clip(lower=1)).clip(upper=LONGEST_SILENCE),
    )
    return found.assign(mean_amount=rows["spent"] / rows["purchase_days"]) if "spent" in rows else found


def _silent_labels(past: Past, cut: dt.date) -> pd.DataFrame:
    """Who bought nothing within the horizon after the cut-off. One period: nobody is censored, its end is the event."""
    import pandas as pd

    assert past.purchases is not None  # noqa: S101  only called without contracts
    day, end = pd.Timestamp(cut), pd.Timestamp(cut) + pd.Timedelta(days=past.rule.horizon_days)
    bought = past.purchases
    again = set(bought.loc[(bought["day"] > day) & (bought["day"] <= end), "customer_id"])
    there = bought.loc[bought["day"] <= day, "customer_id"].unique()
    left = np.array([one not in again for one in there], dtype=bool)
    return pd.DataFrame(
        {
            "customer_id": there,
            # who came back is followed beyond the horizon, so that evaluation counts them as stayed
            "duration_days": np.where(left, past.rule.horizon_days, past.rule.horizon_days + 1).astype("float64"),
            "event_observed": left,
            "event": pd.Series("left", index=range(len(left)), dtype="object").where(pd.Series(left)),
        }
    )
