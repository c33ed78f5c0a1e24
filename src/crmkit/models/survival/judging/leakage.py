"""Does a covariate know the future? Eight rules that find columns which would not be known on the day of a prediction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import CrmkitError
from crmkit.core.language import mark
from crmkit.models.survival.data.observed import Observed, check_observed
from crmkit.models.survival.judging.concordance import concordance
from crmkit.models.survival.regression.cox import fit_cox

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAKAGE_RULES: Mapping[str, str] = {
    "future_date": mark("dated after the cut-off"),
    "name": mark("named like something that sums up or ends a relationship"),
    "tenure": mark("runs with the time as a customer"),
    "alone": mark("tells leavers apart almost alone"),
    "lift": mark("adds too much on other customers"),
    "missing": mark("missing for leavers or for stayers only"),
    "constant": mark("stands still for leavers"),
    "duplicates": mark("the same customers are in training and test"),
    "late_value": mark("changes towards the end for leavers"),
}
WORDS = (
    *(
        "total",
        "cumul",
        "lifetime",
        "to_date",
        "end_date",
        "ended",
        "ends_on",
        "end_at",
        "cancel",
        "refund",
        "closing",
        "closed",
    ),
    *("close_date", "final", "last_invoice", "terminat", "churn", "attrition", "exit", "leaving", "win_back", "winback"),
)
TENURE, ALONE, ADDED, CHANGE = 0.70, 0.90, 0.05, 0.85
TOO_GOOD, MISSING_RATIO, FEWEST = 0.85, 10.0, 20

Row = tuple[str, str, str, float, float]


def audit_leakage(
    covariates: pd.DataFrame,
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    dated: Mapping[str, Any] | None = None,
    cutoff: Any = None,
    at_entry: pd.DataFrame | None = None,
    out_of_time: tuple[pd.DataFrame, ArrayLike, ArrayLike] | None = None,
    train_ids: Iterable[object] = (),
    test_ids: Iterable[object] = (),
) -> pd.DataFrame:
    """Which columns may hold what is only known afterwards?

    Parameters
    ----------
    covariates : pandas.DataFrame of n rows
        As a model would get them.
    durations, event_observed : array_like, shape (n,)
        Time as a customer, and whether the customer left.
    dated : mapping of column to dates, optional
        When the newest record behind each value was made (a date per row, or one for the column).
    cutoff : date, optional
        The day of the prediction; needed with `dated`.
    at_entry : pandas.DataFrame of n rows, optional
        The same columns as they were when the customer came under observation.
    out_of_time : tuple of (covariates, durations, event_observed), optional
        Customers of another time, on whom the gain of each column is measured.
    train_ids, test_ids : iterables, optional
        Customers behind the fit and behind its test.

    Returns
    -------
    pandas.DataFrame
        A row per hit: `column`, `rule` (key of LEAKAGE_RULES), `severity` ("high": do not go on without a waiver; "warning":
        look at it), `value` (what was measured), `limit`. Empty where nothing was found.

    Notes
    -----
    Rules, with what is measured: share of values dated after the cut-off (> 0); a word in the name (a warning); absolute rank
    correlation with the time as a customer (> .70); how well the column alone tells leavers from stayers, or orders their
    times (C or AUC > .90, or < .10); what it adds to the C of the others on other customers (> .05: a warning, for a good
    covariate can do that too; high where the C is then above .85); missing ten times as often on one side; one value for 95 %
    of the leavers and for less than half of the stayers; customers on both sides of the test; and how well its change since
    entry tells leavers apart (AUC > .85). The thresholds are conventions: a hit asks for an explanation.
    """
    import pandas as pd

    seen = check_observed(durations, event_observed)
    found = _dates(dated or {}, cutoff)
    for name in map(str, covariates.columns):
        column = covariates[name]
        found += _name(name)
        numbers = _numbers(column, seen.event)
        found += _tenure(name, column, seen) + _alone(name, numbers, seen) + _missing(name, column, seen.event)
        found += _constant(name, column, seen.event)
        if at_entry is not None and name in at_entry.columns:
            found += _late(name, column, at_entry[name], seen.event)
    found += _added(covariates, seen, out_of_time) + _duplicates(train_ids, test_ids)
    table = pd.DataFrame(found, columns=["column", "rule", "severity", "value", "limit"])
    rank = table["severity"].map({"high": 0, "warning": 1})
    return (
        table.assign(_rank=rank)
        .sort_values(["_rank", "column", "rule"], kind="stable")
        .drop(columns="_rank")
        .reset_index(drop=True)
    )


def _dates(dated: Mapping[str, Any], cutoff: Any) -> list[Row]:
    import pandas as pd

    found: list[Row] = []
    for name, dates in dated.items():
        values = pd.to_datetime(pd.Series(dates if isinstance(dates, list | tuple | pd.Series | np.ndarray) else [dates]))
        late = float((values.dropna() > pd.Timestamp(cutoff)).mean()) if values.notna().any() else 0.0
        if late > 0:
            found.append((str(name), "future_date", "high", late, 0.0))
    return found


def _name(name: str) -> list[Row]:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return [(name, "name", "warning", 1.0, 0.0)] if any(word in words for word in WORDS) else []


def _tenure(name: str, column: pd.Series[Any], seen: Observed) -> list[Row]:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column) or column.nunique() < 3:
        return []
    both = pd.DataFrame({"column": column.to_numpy(), "time": seen.time}).dropna()
    if both["column"].nunique() < 2 or both["time"].nunique() < 2:  # nothing varies with the other
        return []
    r = abs(float(both["column"].corr(both["time"], method="spearman")))
    return [(name, "tenure", "high", r, TENURE)] if r > TENURE else []


def _alone(name: str, numbers: Floats, seen: Observed) -> list[Row]:
    if np.ptp(numbers) == 0 or not seen.event.any():
        return []
    known = max(_both(_auc(numbers, seen.event)), _both(concordance(seen.time, seen.event, numbers).value))
    return [(name, "alone", "high", known, ALONE)] if known > ALONE else []


def _missing(name: str, column: pd.Series[Any], left: Bools) -> list[Row]:
    empty = column.isna().to_numpy()
    if empty.sum() < FEWEST or min(left.sum(), (~left).sum()) < FEWEST:
        return []
    shares = (empty[left].mean(), empty[~left].mean())
    expected = empty.mean() * min(left.sum(), (~left).sum())  # how many would be missing on the smaller side by chance
    ratio = float(max(shares) / max(min(shares), 1e-12))
    return [(name, "missing", "high", min(ratio, 1e6), MISSING_RATIO)] if ratio > MISSING_RATIO and expected >= 5 else []


def _constant(name: str, column: pd.Series[Any], left: Bools) -> list[Row]:
    if left.sum() < FEWEST or not column[left].notna().any():
        return []
    counts = column[left].value_counts(normalize=True)
    share, elsewhere = float(counts.iloc[0]), float((column[~left] == counts.index[0]).mean())
    return [(name, "constant", "high", share, 0.95)] if share >= 0.95 and elsewhere < 0.5 else []


def _late(name: str, column: pd.Series[Any], before: pd.Series[Any], left: Bools) -> list[Row]:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column):
        moved = (column.astype(str).to_numpy() != before.astype(str).to_numpy()).astype(np.float64)
    else:
        moved = column.to_numpy(dtype=np.float64) - before.to_numpy(dtype=np.float64)
        moved = np.where(np.isfinite(moved), moved, 0.0)
    known = _both(_auc(moved, left)) if np.ptp(moved) > 0 else 0.5
    return [(name, "late_value", "high", known, CHANGE)] if known > CHANGE else []


def _added(
    covariates: pd.DataFrame, seen: Observed, out_of_time: tuple[pd.DataFrame, ArrayLike, ArrayLike] | None
) -> list[Row]:
    """What each column adds to the C of all others, measured on the customers of another time."""
    import pandas as pd

    if out_of_time is None or covariates.shape[1] < 2:
        return []
    later = check_observed(out_of_time[1], out_of_time[2])
    here = pd.DataFrame({str(name): _numbers(covariates[name], seen.event) for name in covariates.columns})
    coded: Callable[[str], Floats] = lambda name: _numbers_like(covariates[name], out_of_time[0][name], seen.event)  # noqa: E731
    there = pd.DataFrame({name: coded(name) for name in here.columns})
    found: list[Row] = []
    whole = _c(here, seen, there, later)
    for name in here.columns:
        gain = whole - _c(here.drop(columns=name), seen, there.drop(columns=name), later)
        if gain > ADDED:
            found.append((name, "lift", "high" if whole > TOO_GOOD else "warning", gain, ADDED))
    return found


def _c(here: pd.DataFrame, seen: Observed, there: pd.DataFrame, later: Observed) -> float:
    kept = here.columns[(here.max() > here.min()).to_numpy()]
    try:
        fit = fit_cox(seen.time, seen.event, here[kept], engine="rows")
        return concordance(later.time, later.event, there[kept].to_numpy() @ fit.coefficients).value
    except CrmkitError:  # collinear or separating: as much as can be said without a fit is said by the other rules
        return float("nan")


def _duplicates(train_ids: Iterable[object], test_ids: Iterable[object]) -> list[Row]:
    train, test = set(train_ids), set(test_ids)
    both = len(train & test)
    return [("", "duplicates", "high", both / len(test), 0.0)] if both else []


def _numbers(column: pd.Series[Any], left: Bools) -> Floats:
    """A column as numbers: as it is, or each level by its share of leavers; missing ones in the middle."""
    return _numbers_like(column, column, left)


def _numbers_like(train: pd.Series[Any], column: pd.Series[Any], left: Bools) -> Floats:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(train):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        middle = float(np.nanmedian(train.to_numpy(dtype=np.float64, na_value=np.nan))) if train.notna().any() else 0.0
    else:
        rates = pd.Series(left.astype(np.float64)).groupby(train.astype("object").reset_index(drop=True)).mean()
        values = column.astype("object").map(rates).to_numpy(dtype=np.float64)
        middle = float(left.mean())
    return np.where(np.isfinite(values), values, middle)


def _auc(x: Floats, left: Bools) -> float:
    from scipy.stats import rankdata

    n1, n0 = int(left.sum()), int((~left).sum())
    if not n1 or not n0:
        return 0.5
    return float((rankdata(x)[left].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def _both(value: float) -> float:
    return max(value, 1 - value)
