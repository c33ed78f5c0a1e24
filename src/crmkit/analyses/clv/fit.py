"""Which models describe how these customers buy? Fits by maximum likelihood, and says why where a model cannot be fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.clv.contract_value import ContractFit, fit_contracts
from crmkit.analyses.clv.read import CUSTOMER_COLUMNS, NO_AMOUNTS, NO_PURCHASES, Purchases
from crmkit.analyses.clv.selection import USUAL, Judged, select, stand_in
from crmkit.core.errors import ModelError, ParamError, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.data.tables.groups import NOT_KNOWN
from crmkit.models.purchases import bgbb, btyd
from crmkit.models.purchases.spend import SpendFit, fit_gamma_gamma

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from numpy.typing import NDArray

NAMES = {
    "pareto_nbd": "Pareto/NBD",
    "mbgnbd": "MBG/NBD",
    "bgnbd": "BG/NBD",
    "mbgcnbd": "MBG/CNBD-k",
    "nbd": mark("NBD without leaving"),
    "alike": mark("NBD with one rate of leaving"),
    "bgbb": "BG/BB",
    "sbg": mark("sBG"),
    "constant": mark("one rate for everybody"),
    "pareto_nbd+covariates": mark("Pareto/NBD with covariates"),
    "bgnbd+covariates": mark("BG/NBD with covariates"),
}
AUTO = "auto"
STAYERS, ALIKE = "nbd", "alike"
LIMITS = (STAYERS, ALIKE)
COMPARED = ("pareto_nbd", "mbgnbd", "bgnbd", "mbgcnbd")
WITH_COVARIATES = ("pareto_nbd", "bgnbd")
WITH = "+covariates"
FEWEST, SMALLEST = 50, 0.02
MOST_LEVELS = 8
OTHERS = mark("others")
MOST_DAYS = 60
CUSTOMERS_PER_DAY = 5


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


@dataclass(frozen=True)
class OccasionFit:
    """BG/BB and what it was fitted to: occasions used, the last one used, and occasions there were, per customer."""

    fit: bgbb.Fit
    frequency: NDArray[np.float64]
    recency: NDArray[np.float64]
    occasions: NDArray[np.float64]

    def expected(self, periods: int) -> NDArray[np.float64]:
        """How many of the next occasions each customer is expected to use."""
        known = self.occasions > 0
        found = np.full(len(known), float(bgbb.expected_purchases_new(self.fit, periods)))
        history = (self.frequency[known], self.recency[known], self.occasions[known])
        found[known] = bgbb.expected_purchases(self.fit, periods, *history)
        return found


@dataclass(frozen=True)
class FitSet:
    """Models fitted to one period.

    Parameters
    ----------
    fits : mapping of model name to Fit
    reasons : mapping of model name to Text
        Why a model could not be fitted.
    spend : SpendFit or None
    spend_reason : str
        Why there is no spend model.
    kinds : KindFits
        Models with covariates; empty where there are none.
    occasions : OccasionFit or None
        BG/BB, where all purchases fall on few days.
    """

    fits: Mapping[str, btyd.Fit]
    reasons: Mapping[str, Text]
    spend: SpendFit | None
    spend_reason: Text | str
    kinds: KindFits = field(default_factory=KindFits)
    occasions: OccasionFit | None = None


@dataclass(frozen=True)
class Models:
    """The models of all data, and those of the calibration period where something is held out.

    Parameters
    ----------
    chosen : str
        Model that values and lists come from.
    final : FitSet
        Fitted to everything until ``as_of``.
    calibration : FitSet or None
        Fitted to everything until the split.
    contracts : ContractFit or None
        Where customers are under contract and there are no purchases.
    judged : mapping of model name to Judged
        What it was chosen by; empty where it was set.
    """

    chosen: str
    final: FitSet
    calibration: FitSet | None
    contracts: ContractFit | None = None
    judged: Mapping[str, Judged] = field(default_factory=dict)


def used(chosen: str, fitted: FitSet) -> str:
    """The model that values come from: the one chosen, else it without covariates, else the usual one."""
    plain = chosen.removesuffix(WITH)
    if chosen != plain and plain in fitted.kinds.fits:
        return chosen
    return plain if plain in fitted.fits else stand_in(fitted.fits)


def model_of(name: str, fitted: FitSet) -> btyd.Fit | btyd.CovariateFit:
    """The fitted model of a name."""
    return fitted.kinds.fits[name.removesuffix(WITH)] if name.endswith(WITH) else fitted.fits[name]


def of_kinds(table: pd.DataFrame, fitted: FitSet, name: str) -> tuple[pd.DataFrame, tuple[Mapping[str, float], ...]]:
    """The customers of a period with the kind of each, and the covariates of the kinds; none for a model without covariates."""
    if not name.endswith(WITH):
        return table, ()
    place, kinds = fitted.kinds.patterns()
    return table.assign(kind=place), kinds


def check_covariates(names: Sequence[str]) -> None:
    """Refuse a column that no customer table has.

    Raises
    ------
    ParamError
    """
    unknown = [name for name in names if name not in CUSTOMER_COLUMNS]
    if unknown:
        raise ParamError([f"covariates: no column {name!r}; {did_you_mean(name, CUSTOMER_COLUMNS)}" for name in unknown])


def fit_models(
    past: Purchases, *, model: str = AUTO, compare: Sequence[str] = COMPARED, covariates: Sequence[str] = ()
) -> Models:
    """How often do customers buy, how soon do they leave, and how much do they spend: the models' parameters.

    Parameters
    ----------
    past : Purchases
    model : str
        Model that values and lists come from; ``auto``: Pareto/NBD, unless another is better by AIC and on the held-out days
        (:func:`.selection.select`). BG/NBD is never taken by itself, because it takes every one-time buyer for active.
    compare : sequence of str
        Models fitted beside it. Where it cannot be fitted, the limits in which customers leave alike, or stay, are too.
    covariates : sequence of str
        Columns of the customer table; Pareto/NBD and BG/NBD are fitted with them too, to be compared.

    Returns
    -------
    Models
        Never fails for the data's sake: a model that cannot be fitted is missing, with the reason.

    Raises
    ------
    ParamError
        For a covariate that no customer table has, or a model with covariates without one.
    """
    check_covariates(covariates)
    if model.endswith(WITH) and not covariates:
        raise ParamError(
            f"covariates: is empty, and model {model!r} needs at least one; take one of {', '.join(CUSTOMER_COLUMNS)}"
        )
    wanted = COMPARED[0] if model == AUTO else model
    if past.contracts is not None:
        agreed = fit_contracts(past.contracts, as_of=past.as_of, split=past.split)
        return Models(wanted, FitSet({}, {}, None, NO_PURCHASES), None, agreed)
    if past.customers.empty:
        return Models(wanted, FitSet({}, {}, None, NO_PURCHASES), None)
    names = list(dict.fromkeys([wanted.removesuffix(WITH), *compare]))
    held = None
    if past.calibration is not None:
        held = _fit(past, past.calibration.customers, names, covariates, until=past.split)
    final = _fit(past, past.customers, names, covariates, until=past.as_of)
    if model != AUTO or not final.fits:
        return Models(wanted, final, held)
    judged = _judged(past, final, held)
    return Models(select(judged)[0], final, held, judged=judged)


def _judged(past: Purchases, final: FitSet, held: FitSet | None) -> dict[str, Judged]:
    """How well does each model describe all data, and how far was it off on the held-out days?"""
    found = {name: Judged(fit.aic) for name, fit in final.fits.items()}
    found |= {name + WITH: Judged(fit.aic) for name, fit in final.kinds.fits.items()}
    if held is None or past.calibration is None:
        return found
    came = past.calibration.customers["holdout_frequency"].to_numpy(dtype="float64")
    for name, forecast in held_forecasts(past, held).items():
        if name in found:
            miss = abs(float(forecast.sum() - came.sum())) / max(float(came.sum()), 1.0)
            found[name] = replace(found[name], miss=miss, error=float(np.abs(forecast - came).mean()))
    return found


def held_forecasts(past: Purchases, fitted: FitSet) -> dict[str, NDArray[np.float64]]:
    """What does each model expect of the held-out days, customer by customer? Empty where nothing is held out."""
    if past.calibration is None:
        return {}
    table, per = past.calibration.customers, past.days_per_unit
    horizon = past.holdout_days / per
    x, tx, T = (table[name].to_numpy(dtype="float64") for name in ("frequency", "recency_days", "T_days"))
    found = {name: np.asarray(btyd.expected_purchases(fit, horizon, x, tx / per, T / per)) for name, fit in fitted.fits.items()}
    place, kinds = fitted.kinds.patterns()
    for name, fit in fitted.kinds.fits.items():
        expected = np.zeros(len(x))
        for number, covariates in enumerate(kinds):
            own = place == number
            expected[own] = btyd.expected_purchases(fit.at(covariates), horizon, x[own], tx[own] / per, T[own] / per)
        found[name + WITH] = expected
    return found


def _fit(
    past: Purchases, table: pd.DataFrame, names: Sequence[str], covariates: Sequence[str], *, until: dt.date | None
) -> FitSet:
    per, tuples, gaps = past.days_per_unit, cells(table, past.days_per_unit), past.rhythm.log_gaps.get(str(until))
    fits: dict[str, btyd.Fit] = {}
    reasons: dict[str, Text] = {}
    for name in names:
        try:
            fits[name] = _fit_tuples(tuples, name, per=per, gaps=gaps)
        except ModelError as err:
            reasons[name] = err.text
    kinds = fit_kinds(table, past.people.attributes, columns=covariates, per=per) if fits else KindFits()
    if names[0] not in fits:
        # it may be that nobody leaves, or that all leave alike
        fits |= _limits(tuples)
    occasions = fit_occasions(table, past.rhythm.dates, until=until)
    if not past.spend.known:
        return FitSet(fits, reasons, None, NO_AMOUNTS, kinds, occasions)
    try:
        return FitSet(fits, reasons, fit_gamma_gamma(table["frequency"], table["monetary_value"]), "", kinds, occasions)
    except ModelError as err:
        return FitSet(fits, reasons, None, err.text, kinds, occasions)


def _limits(tuples: btyd.Tuples) -> dict[str, btyd.Fit]:
    found = {}
    for name in LIMITS:
        with suppress(ModelError):
            found[name] = _fit_tuples(tuples, name, per=1.0, gaps=None)
    return found


def fit_one(table: pd.DataFrame, name: str, *, per: float, gaps: tuple[float, int] | None = None) -> btyd.Fit:
    """One model of a table of purchase histories; where it cannot be fitted, the usual one of the others.

    Raises
    ------
    ModelError
        Where none can be fitted.
    """
    tuples, first = cells(table, per), None
    for one in dict.fromkeys([name, *(other for other in USUAL if other != "mbgcnbd" or gaps is not None)]):
        try:
            return _fit_tuples(tuples, one, per=per, gaps=gaps)
        except ModelError as err:
            first = first or err
    raise first or ModelError(f"{name} cannot be fitted.")


def _fit_tuples(tuples: btyd.Tuples, name: str, *, per: float, gaps: tuple[float, int] | None) -> btyd.Fit:
    if name in LIMITS:
        return btyd.fit_nbd(tuples) if name == STAYERS else btyd.fit_alike(tuples)
    if name != "mbgcnbd":
        return btyd.fit(tuples, name)
    total, intervals = gaps or (0.0, 0)
    return btyd.fit_mbgcnbd(tuples, total - intervals * math.log(per))


def cells(table: pd.DataFrame, per: float) -> btyd.Tuples:
    """The unique combinations of frequency, recency and T, times in units of ``per`` days."""
    return btyd.tuples(table["frequency"], table["recency_days"] / per, table["T_days"] / per)


def fit_occasions(table: pd.DataFrame, days: NDArray[np.datetime64], *, until: dt.date | None) -> OccasionFit | None:
    """BG/BB, where all purchases fall on few days: at most 60, with many customers on each; else None.

    Parameters
    ----------
    table : DataFrame
        Purchase summary as of ``until``.
    days : array of datetime64
        Every day on which anybody bought, rising.
    until : date or None
        Last day that counts.
    """
    seen = days[days <= np.datetime64(until)] if until is not None else days
    if not 2 <= len(seen) <= MOST_DAYS or len(table) < CUSTOMERS_PER_DAY * len(seen):
        return None
    first = np.searchsorted(seen, table["first_day"].to_numpy().astype("datetime64[D]"))
    last = np.searchsorted(seen, table["last_day"].to_numpy().astype("datetime64[D]"))
    columns = [one.astype("float64") for one in (table["frequency"].to_numpy(), last - first, len(seen) - 1 - first)]
    known = columns[2] > 0
    try:
        fit = bgbb.fit_bgbb(bgbb.cells(*(column[known] for column in columns)))
    except ModelError:
        return None
    return OccasionFit(fit, columns[0], columns[1], columns[2])


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
        return KindFits(reasons=dict.fromkeys(WITH_COVARIATES, err.text))
    for model in WITH_COVARIATES:
        try:
            fits[model] = btyd.fit_covariates(found, model)
        except ModelError as err:
            reasons[model] = err.text
    return KindFits(fits, levels, reference, design, reasons)


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
        words = joined[column].astype("object").where(joined[column].notna(), NOT_KNOWN).astype(str).str.strip()
        words = words.replace("", NOT_KNOWN)
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
