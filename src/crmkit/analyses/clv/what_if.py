"""What would customers be worth if they stayed longer, bought more often, or spent more?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.draws import histories_of
from crmkit.analyses.clv.fit import Models, model_of
from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.values import Terms, Values
from crmkit.core.dates import DAYS_PER_MONTH, DAYS_PER_YEAR
from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.draws import percentiles
from crmkit.models.purchases import btyd
from crmkit.models.purchases.btyd.upkeep import discounted_time_alive
from crmkit.models.purchases.spend import expected_spend

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STAY, OFTEN, MORE, ALL = (
    mark("They leave more slowly"),
    mark("They buy more often"),
    mark("They spend more per purchase"),
    mark("All three"),
)
NODES, MOST_REFITS = 200, 60
ENDLESS_MONTHS = 1200
REFITS = {"bootstrap": mark("refits to customers drawn with replacement"), "normal": mark("normal approximation")}


def what_if(past: Purchases, models: Models, values: Values | None, *, change: float = 0.1) -> Result:
    """How much more would customers be worth if leaving slowed down, purchases came more often, or spend rose?

    Parameters
    ----------
    past : Purchases
    models : Models
    values : Values or None
    change : float
        By which part each of the three changes from the last day on, above 0 and below 1.

    Returns
    -------
    Result
        Dots: the gain in expected value of all customers for each of the three and for all of them together, with intervals
        from the refits that those of the totals come from.

    Raises
    ------
    ParamError
        For a change that is no such part.

    Notes
    -----
    The past of a customer stays what it is; only what is to come changes. A rate of leaving of ``c`` times its size is a clock
    of leaving that goes ``c`` times as fast: value until H at discount rate d becomes ``1 / c`` times value until ``c * H`` at
    rate ``d / c``, under the same model. Under contract each customer's chance of leaving at a renewal is multiplied by ``c``.
    """
    if not 0 < change < 1:
        raise ParamError(Problem("what_if:", f"is {change}", "a share above 0 and below 1 is needed"))
    name, title = "clv_what_if", Text("What would it bring if customers stayed longer, came more often, spent more?")
    if values is None or values.clv is None:
        return not_assessed(name, title, no_value(past))
    try:
        base, slower, upkeep, upkeep_slower = _point(past, models, values, 1 - change)
        drawn = _drawn(past, values, 1 - change)
    except ModelError as err:
        return not_assessed(name, title, err.text)
    if not all(map(math.isfinite, (base, slower))):
        return not_assessed(name, title, Text("without a horizon or a discount customers are worth more than any sum"))
    gains = _gains(np.array([base]), np.array([slower]), upkeep, upkeep_slower, change)
    spread = None if drawn is None else _gains(*drawn, upkeep, upkeep_slower, change)
    shown = [STAY, MORE] if values.under_contract else [STAY, OFTEN, MORE, ALL]
    rows: list[dict[str, Any]] = []
    for lever in shown:
        low = high = float("nan")
        if spread is not None:
            low, high = (float(np.ravel(end)[0]) for end in percentiles(spread[lever][:, None], past.confidence))
        value = float(gains[lever][0])
        rows.append(
            {
                "group": lever,
                "measure": mark("Gain in expected value"),
                "value": value,
                "low": min(low, value),
                "high": max(high, value),
                "n": len(values.customers),
                "unit": "money",
                "method": REFITS["bootstrap" if values.refits is None else values.refits.method],
            }
        )
    table = estimates(rows)
    table.attrs["reference"] = (0.0, Text("as expected"))
    best = max(rows[: 2 if values.under_contract else 3], key=lambda row: float(row["value"]))
    return Result(
        name,
        "interval_dots",
        title,
        table,
        columns=(Column("group", "What changes", translate=True),),
        finding=_finding(best, change, values),
        note=_note(values.terms, change, under_contract=values.under_contract),
        alt=Text("Horizontal ranges: gain in the expected value of all customers for each change, with its interval."),
        x=Axis("What changes", "text"),
        y=Axis("Gain in expected value", "money"),
    )


def _gains(base: Floats, slower: Floats, upkeep: float, upkeep_slower: float, change: float) -> dict[str, Floats]:
    """Gains by lever; ``base`` and ``slower`` are revenue times margin, ``upkeep`` what keeping customers costs meanwhile."""
    kept = upkeep_slower - upkeep
    return {
        STAY: slower - base - kept,
        OFTEN: change * base,
        MORE: change * base,
        ALL: (1 + change) ** 2 * slower - base - kept,
    }


def _point(past: Purchases, models: Models, values: Values, slow: float) -> tuple[float, float, float, float]:
    """Revenue times margin as expected and with slower leaving, and what keeping customers costs in both."""
    terms, who = values.terms, values.customers
    if values.under_contract:
        fit = None if models.contracts is None else models.contracts.fit
        assert fit is not None  # noqa: S101  there are values
        price = terms.margin * who["expected_spend"].to_numpy(dtype="float64")
        usual, fewer = (_months(fit.params, who, terms, part) for part in (1.0, slow))
        cost = terms.retention_cost / 12
        return float(price @ usual), float(price @ fewer), float(cost * usual.sum()), float(cost * fewer.sum())
    per, one = past.days_per_unit, model_of(values.model, models.final)
    histories = histories_of(who, per, values.kinds)
    money = terms.margin * who["expected_spend"].to_numpy(dtype="float64") * _level(who)
    counted = [_ahead(histories, one, terms, per, part)[histories.inverse] for part in (1.0, slow)]
    cost = terms.cost(per)
    alive = [
        _alive(histories, one, terms, per, part)[histories.inverse] if cost else np.zeros(len(who)) for part in (1.0, slow)
    ]
    return (*(float(money @ count) for count in counted), *(float(cost * time.sum()) for time in alive))  # type: ignore[return-value]


def _level(who: pd.DataFrame) -> Any:
    """By which factor what earlier forecasts of such customers were off by has moved each."""
    return who["value_level"].to_numpy(dtype="float64") if "value_level" in who else 1.0


def _ahead(histories: btyd.Histories, one: Any, terms: Terms, per: float, slow: float) -> Floats:
    """Discounted purchases of each history where leaving is ``slow`` times as fast."""
    horizon, rate = terms.horizon(per), terms.rate(per)
    ends = None if horizon is None else slow * horizon
    counted = btyd.discounted_expected_purchases
    return histories.each(one, lambda fit, *row: counted(fit, *row, horizon=ends, discount_rate=rate / slow)) / slow


def _alive(histories: btyd.Histories, one: Any, terms: Terms, per: float, slow: float) -> Floats:
    horizon, rate = terms.horizon(per), terms.rate(per)
    ends = None if horizon is None else slow * horizon
    return (
        histories.each(one, lambda fit, *row: discounted_time_alive(fit, *row, horizon=ends, discount_rate=rate / slow)) / slow
    )


def _months(params: Any, who: pd.DataFrame, terms: Terms, slow: float) -> Floats:
    """Discounted months still to be paid, where each customer's chance of leaving is ``slow`` times its size."""
    from scipy.stats import beta

    made, place = np.unique(who["frequency"].to_numpy(dtype="int64"), return_inverse=True)
    a, b = params["alpha"], params["beta"] + made[:, None]
    theta = beta.ppf((np.arange(NODES) + 0.5) / NODES, a, b)
    factor = 1 / (1 + math.expm1(math.log1p(terms.discount_rate) / 12))
    months = max(1, round(terms.horizon_days / DAYS_PER_MONTH)) if terms.horizon_days else ENDLESS_MONTHS
    stays = 1 - slow * theta
    left = stays * factor
    ahead = stays * np.where(left < 1, (1 - left**months) / np.where(left < 1, 1 - left, 1.0), months)
    return np.asarray(ahead.mean(axis=1)[place])


def _drawn(past: Purchases, values: Values, slow: float) -> tuple[Floats, Floats] | None:
    """Both sums with other parameters; None without refits."""
    refits = values.refits
    if refits is None:
        return None
    terms, who = values.terms, values.customers
    kept: Sequence[int] = range(min(len(refits.models), MOST_REFITS))
    if values.under_contract:
        price = terms.margin * who["expected_spend"].to_numpy(dtype="float64")
        pairs = [[float(price @ _months(refits.models[k].params, who, terms, part)) for part in (1.0, slow)] for k in kept]
    else:
        histories = histories_of(who, refits.per, values.kinds)
        pairs = []
        for k in kept:
            spend = expected_spend(refits.spends[k], who["frequency"], who["monetary_value"])
            weights = terms.margin * np.asarray(spend) * _level(who)
            money = np.bincount(histories.inverse, weights=weights, minlength=len(histories.n))
            pairs.append([float(money @ _ahead(histories, refits.models[k], terms, refits.per, part)) for part in (1.0, slow)])
    found = np.array(pairs)
    found = found[np.isfinite(found).all(axis=1)]
    return (found[:, 0], found[:, 1]) if len(found) > 1 else None


def _finding(best: dict[str, Any], change: float, values: Values) -> Finding:
    numbers: Numbers = {
        "change": Quantity(change, "share"),
        "lever": Text(str(best["group"])),
        "gain": Quantity(best["value"], "money", best["low"], best["high"]),
        "span": values.terms.span(),
    }
    words = {
        STAY: Text("If customers left {change} more slowly, they would bring {gain} more over {span}.", numbers),
        OFTEN: Text(
            "If customers bought {change} more often, or spent {change} more each time, they would bring {gain} more over "
            "{span}.",
            numbers,
        ),
        MORE: Text("If customers paid {change} more, they would bring {gain} more over {span}.", numbers),
    }
    return Finding("clv.what_if", "info", None, words[str(best["group"])], evidence=("clv_what_if",))


def _note(terms: Terms, change: float, *, under_contract: bool) -> Text:
    numbers: Numbers = {
        "change": Quantity(change, "share"),
        "span": terms.span(),
        "margin": Quantity(terms.margin, "share"),
        "years": Quantity(terms.horizon_days / DAYS_PER_YEAR, "years"),
    }
    if under_contract:
        return Text(
            "Each change by {change}, from the last day on, over {span}, {margin} of revenue. What it takes to bring the "
            "change about is not counted. Slower leaving: the chance of leaving at each renewal.",
            numbers,
        )
    return Text(
        "Each change by {change}, from the last day on, over {span}, {margin} of revenue; today's customers only. What it "
        "takes to bring the change about is not counted. Slower leaving: the rate of leaving of each customer.",
        numbers,
    )
