"""How many of those who left were at the top of the list? Lift, precision and recall at k, value captured; and drift (PSI)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Text
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SHARES = (0.01, 0.05, 0.10)
FLOOR = 1e-4  # share that an empty bin counts as, so that the index stays finite


def lift_table(
    left: ArrayLike,
    score: ArrayLike,
    *,
    value: ArrayLike | None = None,
    shares: Sequence[float] = SHARES,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How much denser are leavers at the top of the list than among all customers?

    Parameters
    ----------
    left : array_like of 0/1, shape (n,)
        Who left within the horizon; customers censored before it are left out and counted beforehand.
    score : array_like, shape (n,)
        Higher = higher on the list.
    value : array_like >= 0, shape (n,), optional
        What each customer is worth, in money.
    shares : sequence of float
        Of the list, from the top, 0 to 1.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per share: `share`, `k` (customers), `precision`, `precision_low`, `precision_high` (share of the k who left,
        Wilson), `lift`, `lift_low`, `lift_high` (precision / share of all who left), `recall` (share of all leavers who are
        among the k), `value_captured` (share of the leavers' value that is among the k), `n`. Customers with equal scores at
        the edge count in part, as if drawn at random.
    """
    import pandas as pd

    y, s = np.asarray(left, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if y.shape != s.shape or not np.isin(y, (0, 1)).all() or not np.isfinite(s).all():
        raise ModelError("lift: left must be 0 or 1 and score a number, one of each per customer")
    if not y.any():
        raise ModelError(Text("lift: nobody left within the horizon, so no list can be judged"))
    worth = y * (np.ones(len(y)) if value is None else np.asarray(value, dtype=np.float64))
    order = np.argsort(-s, kind="stable")
    reach, base, found = critical(confidence), float(y.mean()), []
    for share in shares:
        if not 0 < share <= 1:
            raise ParamError(Problem("lift: share", f"is {share}", "it lies above 0 and at most at 1"))
        k = max(1, round(share * len(y)))
        weight = _top(s, order, k)
        hits = float(weight @ y)
        p = hits / k
        middle = (p + reach**2 / (2 * k)) / (1 + reach**2 / k)
        half = reach / (1 + reach**2 / k) * np.sqrt(p * (1 - p) / k + reach**2 / (4 * k**2))
        low, high = max(0.0, middle - half), min(1.0, middle + half)
        captured = float(weight @ worth) / worth.sum() if value is not None and worth.sum() > 0 else np.nan
        found.append((share, k, p, low, high, p / base, low / base, high / base, hits / y.sum(), captured, len(y)))
    columns = ["share", "k", "precision", "precision_low", "precision_high", "lift", "lift_low", "lift_high", "recall"]
    return pd.DataFrame(found, columns=[*columns, "value_captured", "n"])


def population_stability(before: ArrayLike, now: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """Has the make-up of the customers changed since the model was made? (PSI)

    Parameters
    ----------
    before, now : array_like, shapes (n,) and (m,)
        A column then and now: numbers, or text and categories. Missing values are a group of their own.
    bins : int
        Groups of equal size among `before`, for numbers; with fewer different values, each is a group.

    Returns
    -------
    pandas.DataFrame
        A row per group: `group`, `before`, `now` (shares, 0 to 1), `psi` (its part). The index is the sum of `psi`: below 0.1
        is usually called stable, above 0.25 a shift.

    Notes
    -----
    Sum of (now - before) log(now / before); an empty group counts as 0.0001.
    """
    import pandas as pd

    a, b = pd.Series(before).reset_index(drop=True), pd.Series(now).reset_index(drop=True)
    if not len(a) or not len(b):
        raise ModelError(Text("population stability: there are no customers before or now"))
    if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a) and a.nunique() > bins:
        edges = np.unique(np.quantile(a.dropna(), np.linspace(0, 1, bins + 1)[1:-1]))
        names = [f"<= {edge:.6g}" for edge in edges] + [f"> {edges[-1]:.6g}"]
        groups = [_banded(column, edges, names) for column in (a, b)]
    else:
        groups = [column.astype("object").where(column.notna(), "missing").astype(str) for column in (a, b)]
        names = sorted(set(groups[0]) | set(groups[1]))
    labels = [*names, "missing"] if any((g == "missing").any() for g in groups) and "missing" not in names else names
    shares = [g.value_counts(normalize=True).reindex(labels).fillna(0.0).to_numpy() for g in groups]
    low = [np.maximum(share, FLOOR) for share in shares]
    part = (low[1] - low[0]) * np.log(low[1] / low[0])
    return pd.DataFrame({"group": labels, "before": shares[0], "now": shares[1], "psi": part})


def _banded(column: pd.Series[Any], edges: Floats, names: list[str]) -> pd.Series[str]:
    import pandas as pd

    position = np.searchsorted(edges, column.to_numpy(dtype=np.float64), side="left")
    text = np.array(names, dtype=object)[np.minimum(position, len(names) - 1)]
    text[column.isna().to_numpy()] = "missing"
    return pd.Series(text)


def _top(score: Floats, order: NDArray[np.int64], k: int) -> Floats:
    """1 for who is among the first k, a share for those tied at the edge."""
    edge = score[order[k - 1]]
    above, tied = score > edge, score == edge
    return np.asarray(above + tied * (k - above.sum()) / tied.sum(), dtype=np.float64)
