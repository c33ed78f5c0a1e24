"""Whom is it worth to contact? Expected profit per contact, the choice within a budget, and what other rules would bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.models.basics.budget import choose, first_that_fit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Campaign:
    """What a contact costs and does.

    Parameters
    ----------
    save_rate : float
        Share of those about to leave who stay because of the offer, 0 to 1.
    offer_cost : float
        What the offer costs when it is taken, in money: by who is saved, and by who would have stayed anyway and takes it.
    contact_cost : float
        What the contact itself costs, in money.
    uptake : float
        Share of those who would have stayed anyway who take the offer, 0 to 1.
    """

    save_rate: float = 0.30
    offer_cost: float = 0.0
    contact_cost: float = 0.0
    uptake: float = 1.0

    def __post_init__(self) -> None:
        faults = [
            Problem(f"campaign: {name}", f"is {getattr(self, name)}", "it is a share, 0 to 1")
            for name in ("save_rate", "uptake")
            if not 0 <= getattr(self, name) <= 1
        ]
        faults += [
            Problem(f"campaign: {name}", f"is {getattr(self, name)}", "it is money, 0 or more")
            for name in ("offer_cost", "contact_cost")
            if not getattr(self, name) >= 0
        ]
        if faults:
            raise ParamError(faults)


def contact_profit(probability: ArrayLike, value: ArrayLike, campaign: Campaign) -> Floats:
    """What is a contact with each customer expected to bring?

    Parameters
    ----------
    probability : array_like, shape (n,)
        Of leaving within the horizon; nan stays nan.
    value : array_like, shape (n,)
        What the customer brings from then on when staying, in money.
    campaign : Campaign

    Returns
    -------
    array of float64, shape (n,)
        p * save_rate * (value - offer_cost) - (1 - p) * uptake * offer_cost - contact_cost, in money.

    Notes
    -----
    The offer costs money only when it is taken: by a leaver who is saved, or by `uptake` of those who would have stayed.
    Risk is not persuadability: `save_rate` must come from an experiment (see the hold-out arm).

    References
    ----------
    Neslin et al. (2006), doi:10.1509/jmkr.43.2.204; Verbraken, Verbeke, Baesens (2013), doi:10.1109/TKDE.2012.50.

    Examples
    --------
    >>> contact_profit([0.5], [200.0], Campaign(save_rate=0.3, offer_cost=10, contact_cost=1)).tolist()
    [22.5]
    """
    p, v = np.asarray(probability, dtype=np.float64), np.asarray(value, dtype=np.float64)
    saved = p * campaign.save_rate * (v - campaign.offer_cost)
    return np.asarray(saved - (1 - p) * campaign.uptake * campaign.offer_cost - campaign.contact_cost)


def contact_outlay(probability: ArrayLike, campaign: Campaign) -> Floats:
    """What is a contact with each customer expected to cost, offer included? In money."""
    p = np.asarray(probability, dtype=np.float64)
    taken = p * campaign.save_rate + (1 - p) * campaign.uptake
    return np.asarray(campaign.contact_cost + taken * campaign.offer_cost)


def break_even_probability(value: ArrayLike, campaign: Campaign) -> Floats:
    """From which probability of leaving on does a contact pay? nan where it never does."""
    v = np.asarray(value, dtype=np.float64)
    gain = campaign.save_rate * (v - campaign.offer_cost) + campaign.uptake * campaign.offer_cost
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (campaign.uptake * campaign.offer_cost + campaign.contact_cost) / gain
    return np.asarray(np.where((gain > 0) & (p <= 1), p, np.nan))


def profit_curve(probability: ArrayLike, value: ArrayLike, campaign: Campaign, *, points: int = 101) -> pd.DataFrame:
    """What would contacting the first few customers bring, in the order of profit, of risk, of value, and in no order?

    Parameters
    ----------
    probability, value, campaign
        As for :func:`contact_profit`; without missing values.
    points : int

    Returns
    -------
    pandas.DataFrame
        Curve table: `group` (the order), `x` (share of customers contacted, 0 to 1), `value` (expected profit, money),
        `contacts`.
    """
    import pandas as pd

    profit = contact_profit(probability, value, campaign)
    if not np.isfinite(profit).all():
        raise ModelError("profit curve: probability or value is missing somewhere; leave these customers out and count them")
    orders = {
        mark("Expected profit"): np.argsort(-profit, kind="stable"),
        mark("Risk only"): np.argsort(-np.asarray(probability), kind="stable"),
        mark("Value only"): np.argsort(-np.asarray(value), kind="stable"),
    }
    count = np.unique(np.rint(np.linspace(0, len(profit), points)).astype(np.int64))
    parts = [(name, np.concatenate([[0.0], np.cumsum(profit[order])])[count]) for name, order in orders.items()]
    parts.append((mark("Random"), profit.sum() * count / len(profit)))
    return pd.concat(
        [pd.DataFrame({"group": name, "x": count / len(profit), "value": line, "contacts": count}) for name, line in parts],
        ignore_index=True,
    )


def compare_rules(
    probability: ArrayLike,
    value: ArrayLike,
    campaign: Campaign,
    *,
    contacts: int | None = None,
    money: float | None = None,
) -> pd.DataFrame:
    """What does the choice bring more than contacting by risk, by value, or at random, with the same budget?

    Returns
    -------
    pandas.DataFrame
        `rule`, `contacts`, `cost`, `profit` (expected, money), `bound` (of the first rule). "Random" is the mean over all
        orders: as many contacts as the budget pays for on average.
    """
    import pandas as pd

    p, v = np.asarray(probability, dtype=np.float64), np.asarray(value, dtype=np.float64)
    gain, cost = contact_profit(p, v, campaign), contact_outlay(p, campaign)
    best = choose(gain, cost, count=contacts, budget=money)
    limit = len(gain) if contacts is None else contacts
    purse = np.inf if money is None else money
    found = [(mark("Expected profit"), int(best.chosen.sum()), best.cost, best.value, best.bound)]
    for name, by in ((mark("Risk only"), p), (mark("Value only"), v)):
        taken = first_that_fit(np.argsort(-by, kind="stable"), cost, budget=purse, count=limit)
        found.append((name, len(taken), float(cost[taken].sum()), float(gain[taken].sum()), np.nan))
    mean = float(cost.mean())
    n = int(min(limit, len(gain), purse // mean if mean > 0 else np.inf))
    found.append((mark("Random"), n, n * mean, n * float(gain.mean()), np.nan))
    return pd.DataFrame(found, columns=["rule", "contacts", "cost", "profit", "bound"])


def tornado(
    probability: ArrayLike,
    value: ArrayLike,
    campaign: Campaign,
    *,
    chosen: ArrayLike,
    ranges: Mapping[str, tuple[float, float]],
) -> pd.DataFrame:
    """How much does the profit of the chosen hang on each assumption?

    Parameters
    ----------
    chosen : array_like of bool, shape (n,)
        Whom to contact; kept while the assumptions change.
    ranges : mapping of name to (low, high)
        Of "save_rate", "offer_cost", "contact_cost", "uptake", and "value" and "probability" as factors on them.

    Returns
    -------
    pandas.DataFrame
        A row per assumption, the weightiest first: `assumption`, `low`, `high` (as given), `profit_low`, `profit_high` (at
        them), `profit` (at the base), `swing` (distance of the two).
    """
    from dataclasses import asdict, replace

    import pandas as pd

    p, v = (np.asarray(a, dtype=np.float64)[np.asarray(chosen, dtype=bool)] for a in (probability, value))
    known = (*asdict(campaign), "value", "probability")
    faults = [
        Problem("ranges:", f"'{name}' is no assumption", did_you_mean(name, known)) for name in ranges if name not in known
    ]
    if faults:
        raise ParamError(faults)

    def profit(name: str, at: float) -> float:
        if name == "value":
            return float(contact_profit(p, v * at, campaign).sum())
        if name == "probability":
            return float(contact_profit(np.minimum(p * at, 1.0), v, campaign).sum())
        return float(contact_profit(p, v, replace(campaign, **{name: at})).sum())

    base = float(contact_profit(p, v, campaign).sum())
    rows = [(name, low, high, profit(name, low), profit(name, high), base) for name, (low, high) in ranges.items()]
    table = pd.DataFrame(rows, columns=["assumption", "low", "high", "profit_low", "profit_high", "profit"])
    table["swing"] = (table["profit_high"] - table["profit_low"]).abs()
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)
