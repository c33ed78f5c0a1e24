"""Which models describe how these customers buy? Fits by maximum likelihood, and says why where a model cannot be fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmkit.analyses.clv.contracts import ContractFit, fit_contracts
from crmkit.analyses.clv.covariates import COLUMNS, WITH, KindFits, check_covariates, fit_kinds
from crmkit.analyses.clv.discrete_days import OccasionFit, fit_occasions
from crmkit.analyses.clv.read import NO_PURCHASES, History, no_holdout
from crmkit.core.errors import ModelError, ParamError
from crmkit.core.language import mark
from crmkit.core.results import Column, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.estimates import critical
from crmkit.models.purchases import btyd
from crmkit.models.purchases.spend import SpendFit, fit_gamma_gamma

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

NAMES = {
    "pareto_nbd": "Pareto/NBD",
    "mbgnbd": "MBG/NBD",
    "bgnbd": "BG/NBD",
    "mbgcnbd": "MBG/CNBD-k",
    "bgbb": "BG/BB",
    "sbg": mark("sBG"),
    "constant": mark("one rate for everybody"),
    "pareto_nbd+covariates": mark("Pareto/NBD with covariates"),
    "bgnbd+covariates": mark("BG/NBD with covariates"),
}
COMPARED = ("pareto_nbd", "mbgnbd", "bgnbd", "mbgcnbd")
UNITS = {"day": mark("day"), "week": mark("week"), "month": mark("month")}


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
    """

    chosen: str
    final: FitSet
    calibration: FitSet | None
    contracts: ContractFit | None = None


def fit_models(
    past: History, *, model: str = "pareto_nbd", compare: Sequence[str] = COMPARED, covariates: Sequence[str] = ()
) -> Models:
    """How often do customers buy, how soon do they leave, and how much do they spend: the models' parameters.

    Parameters
    ----------
    past : History
    model : str
        Model that values and lists come from. BG/NBD is not the default, because it takes every one-time buyer for active.
    compare : sequence of str
        Models fitted beside it.
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
        raise ParamError(f"covariates: is empty, and model {model!r} needs at least one; take one of {', '.join(COLUMNS)}")
    if past.contracts is not None:
        agreed = fit_contracts(past.contracts, as_of=past.as_of, split=past.split)
        return Models(model, FitSet({}, {}, None, NO_PURCHASES), None, agreed)
    if past.customers.empty:
        return Models(model, FitSet({}, {}, None, NO_PURCHASES), None)
    names = list(dict.fromkeys([model.removesuffix(WITH), *compare]))
    held = None
    if past.calibration is not None:
        held = _fit(past, past.calibration, names, covariates, until=past.split)
    return Models(model, _fit(past, past.customers, names, covariates, until=past.as_of), held)


def _fit(
    past: History, table: pd.DataFrame, names: Sequence[str], covariates: Sequence[str], *, until: dt.date | None
) -> FitSet:
    per, tuples = past.days_per_unit, cells(table, past.days_per_unit)
    fits: dict[str, btyd.Fit] = {}
    reasons: dict[str, Text] = {}
    for name in names:
        try:
            if name == "mbgcnbd":
                total, intervals = past.log_gaps[str(until)]
                fits[name] = btyd.fit_mbgcnbd(tuples, total - intervals * math.log(per))
            else:
                fits[name] = btyd.fit(tuples, name)
        except ModelError as err:
            reasons[name] = err.text
    kinds = fit_kinds(table, past.attributes, columns=covariates, per=per) if fits else KindFits()
    occasions = fit_occasions(table, past.purchase_dates, until=until)
    try:
        return FitSet(fits, reasons, fit_gamma_gamma(table["frequency"], table["monetary_value"]), "", kinds, occasions)
    except ModelError as err:
        return FitSet(fits, reasons, None, err.text, kinds, occasions)


def cells(table: pd.DataFrame, per: float) -> btyd.Tuples:
    """The unique combinations of frequency, recency and T, times in units of ``per`` days."""
    return btyd.tuples(table["frequency"], table["recency_days"] / per, table["T_days"] / per)


def fit_table(past: History, models: Models) -> Result:
    """The parameters of each model, with standard errors turned into intervals.

    Returns
    -------
    Result
        Estimate table: group = model, measure = parameter; fitted to everything until ``as_of``. Intervals are normal on the
        logarithm of the parameter, which keeps them positive.
    """
    return _fit_table(past, models.final, "clv_fit", Text("Parameters of the models, all data"))


def calibration_table(past: History, models: Models) -> Result:
    """The parameters as they were estimated without the held-out days; the basis of the forecasts that are tested."""
    title = Text("Parameters of the models, without the held-out days")
    if models.calibration is None:
        return not_assessed("clv_fit_calibration", title, no_holdout(past))
    return _fit_table(past, models.calibration, "clv_fit_calibration", title)


def _fit_table(past: History, fitted: FitSet, name: str, title: Text) -> Result:
    rows = [row for model, one in fitted.fits.items() for row in _parameter_rows(NAMES[model], one, past.confidence)]
    if fitted.spend is not None:
        rows += _parameter_rows("Gamma-Gamma", fitted.spend, past.confidence)
    if not rows:
        return not_assessed(name, title, _reasons(fitted))
    note = Text(
        "Maximum likelihood, time in units of one {unit}; limits are {confidence} intervals.",
        {"unit": Text(UNITS[past.unit]), "confidence": Quantity(past.confidence, "share")},
    )
    columns = (
        Column("group", "Model"),
        Column("measure", "Parameter"),
        Column("value", "Estimate", "number"),
        Column("low", "from", "number"),
        Column("high", "to", "number"),
        Column("n", "Customers", "count"),
    )
    return Result(name, "table", title, estimates(rows), columns=columns, note=note)


def _parameter_rows(label: str, fitted: btyd.Fit | SpendFit, confidence: float) -> list[dict[str, object]]:
    import math

    reach = critical(confidence)
    rows = []
    for name, value in fitted.params.items():
        # k of MBG/CNBD-k counts phases, and is chosen among whole numbers
        relative = fitted.standard_errors.get(name, float("nan")) / value
        rows.append(
            {
                "group": label,
                "measure": name,
                "value": value,
                "low": value * math.exp(-reach * relative),
                "high": value * math.exp(reach * relative),
                "n": fitted.n,
                "unit": "number",
                "method": mark("maximum likelihood, log-normal"),
            }
        )
    rows.append(
        {
            "group": label,
            "measure": "log-likelihood",
            "value": fitted.log_likelihood,
            "n": fitted.n,
            "unit": "number",
            "method": mark("maximum likelihood"),
        }
    )
    return rows


def _reasons(fitted: FitSet) -> Text:
    """Why there is no fit at all, each reason once."""
    listed: list[Text | str] = [*fitted.reasons.values(), *([fitted.spend_reason] if fitted.spend_reason else [])]
    once = [one for number, one in enumerate(listed) if one not in listed[:number]]
    names = [f"reason{number}" for number in range(len(once))]
    return Text(" ".join(f"{{{name}}}" for name in names), dict(zip(names, once, strict=True)))
