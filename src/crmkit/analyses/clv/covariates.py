"""Do customers of different kinds buy more often, or leave sooner? Purchase models with covariates from the customer table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import ModelError, ParamError, did_you_mean
from crmkit.core.language import mark
from crmkit.models.purchases import btyd

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

COLUMNS = ("region", "industry", "size", "acquisition_channel", "department")
BOUGHT_COLUMNS = ("category", "channel")  # of purchases: what the customer needs, and how they behave
MODELS = ("pareto_nbd", "bgnbd")
WITH = "+covariates"
FEWEST, SMALLEST = 50, 0.02
MOST_LEVELS = 8
OTHERS, UNKNOWN = mark("others"), mark("not known")


@dataclass(frozen=True)
class KindFits:
    """Models with covariates, fitted to one period.

    Parameters
    ----------
    fits : mapping of model name to CovariateFit
    levels : mapping of covariate to pair
        Column and level that a covariate stands for; ``reference`` holds the level of each column that others are compared to.
    reference : mapping of column to level
    design : DataFrame
        One row per customer of the period, one column per covariate.
    reasons : mapping of model name to Text
    """

    fits: Mapping[str, btyd.CovariateFit] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reference: Mapping[str, str] = field(default_factory=dict)
    design: pd.DataFrame | None = None
    reasons: Mapping[str, object] = field(default_factory=dict)

    def patterns(self) -> tuple[NDArray[np.int64], tuple[Mapping[str, float], ...]]:
        """Which kind each customer of the period is, and the covariates of each kind."""
        names = list(self.levels)
        if self.design is None or not names:
            return np.zeros(0, dtype=np.int64), ()
        rows, place = np.unique(self.design[names].to_numpy(dtype="float64"), axis=0, return_inverse=True)
        return place.ravel().astype(np.int64), tuple(dict(zip(names, row, strict=True)) for row in rows.tolist())


def check_covariates(names: Sequence[str]) -> None:
    """Refuse a column that no customer table has.

    Raises
    ------
    ParamError
    """
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise ParamError([f"covariates: no column {name!r}; {did_you_mean(name, COLUMNS)}" for name in unknown])


def fit_kinds(table: pd.DataFrame, attributes: pd.DataFrame, *, columns: Sequence[str], per: float) -> KindFits:
    """Which models with covariates explain the histories best?

    Parameters
    ----------
    table : DataFrame
        Purchase summary of the period.
    attributes : DataFrame
        ``customer_id`` and columns of the customer table.
    columns : sequence of str
        Columns that make kinds; one that is not there, or holds one level only, is left out.
    per : float
        Days per unit of time.

    Notes
    -----
    Levels of fewer than 50 customers or 2 % are joined; the most frequent level of a column is what others are compared to.
    """
    design, levels, reference = _design(table, attributes, columns)
    if not levels:
        return KindFits()
    fits: dict[str, btyd.CovariateFit] = {}
    reasons: dict[str, object] = {}
    try:
        found = btyd.patterns(
            table["frequency"],
            table["recency_days"] / per,
            table["T_days"] / per,
            {name: design[name].to_numpy() for name in levels},
        )
    except ModelError as err:
        return KindFits(reasons=dict.fromkeys(MODELS, err.text))
    for model in MODELS:
        try:
            fits[model] = btyd.fit_covariates(found, model)
        except ModelError as err:
            reasons[model] = err.text
    return KindFits(fits, levels, reference, design, reasons)


def expected_of_kinds(
    fit: btyd.CovariateFit, kinds: KindFits, horizon: float, x: NDArray[np.float64], tx: NDArray[np.float64],
    T: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Expected purchases within the horizon of the customers of the period, each with their own covariates."""
    place, found = kinds.patterns()
    expected = np.zeros(len(x))
    for number, covariates in enumerate(found):
        own = place == number
        expected[own] = btyd.expected_purchases(fit.at(covariates), horizon, x[own], tx[own], T[own])
    return expected


def _design(
    table: pd.DataFrame, attributes: pd.DataFrame, columns: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, tuple[str, str]], dict[str, str]]:
    import pandas as pd

    known = [name for name in columns if name in attributes.columns]
    joined = table[["customer_id"]].merge(attributes[["customer_id", *known]], on="customer_id", how="left")
    design: dict[str, object] = {}
    levels: dict[str, tuple[str, str]] = {}
    reference: dict[str, str] = {}
    least = max(FEWEST, SMALLEST * len(table))
    for column in known:
        words = joined[column].astype("object").where(joined[column].notna(), UNKNOWN).astype(str).str.strip()
        words = words.replace("", UNKNOWN)
        counts = words.value_counts()
        words = words.where(words.map(counts).astype("float64") >= least, OTHERS)
        counts = words.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if 0 < int((words == OTHERS).sum()) < least:  # too few even together: with the largest
            words = words.replace(OTHERS, str(counts.index[0]))
            counts = words.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if not 2 <= len(counts) <= MOST_LEVELS:
            continue
        reference[column] = str(counts.index[0])
        for level in counts.index[1:]:
            design[f"{column}={level}"] = (words == level).to_numpy(dtype="float64")
            levels[f"{column}={level}"] = (column, str(level))
    return pd.DataFrame(design, index=table.index), levels, reference
