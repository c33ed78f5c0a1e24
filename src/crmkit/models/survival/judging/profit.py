"""Whom is it worth to contact? Expected profit per contact, the choice within a budget, and what other rules would bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem, did_you_mean
from crmkit.core.language import mark

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SEARCH = 80


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
        faults = [Problem(f"campaign: {name}", f"is {getattr(self, name)}", "it is a share, 0 to 1")
                  for name in ("save_rate", "uptake") if not 0 <= getattr(self, name) <= 1]  # fmt: skip
        faults += [Problem(f"campaign: {name}", f"is {getattr(self, name)}", "it is money, 0 or more")
                   for name in ("offer_cost", "contact_cost") if not getattr(self, name) >= 0]  # fmt: skip
        if faults:
            raise ParamError(faults)


@dataclass(frozen=True, eq=False)
class Choice:
    """Whom to contact.

    Parameters
    ----------
    chosen : array of bool, shape (n,)
    profit, cost : float
        Expected, of the chosen, in money.
    bound : float
        What no choice within the budget can exceed (linear programme in which customers may be contacted in part).
    gap_share : float
        How far the choice may be from the best one: 1 - profit / bound.
    """

    chosen: Bools
    profit: float
    cost: float
    bound: float
    gap_share: float


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


def choose_contacts(profit: ArrayLike, outlay: ArrayLike, *, contacts: int | None = None, money: float | None = None) -> Choice:
    """Whom to contact within a number of contacts and an amount of money?

    Parameters
    ----------
    profit : array_like, shape (n,)
        From :func:`contact_profit`; who has nan is never chosen.
    outlay : array_like >= 0, shape (n,)
        From :func:`contact_outlay`.
    contacts : int >= 0, optional
        Most contacts; no limit where left out.
    money : float >= 0, optional
        Most money; no limit where left out.

    Returns
    -------
    Choice

    Raises
    ------
    ModelError
        For arrays of different length or negative costs.

    Notes
    -----
    Greedy by profit minus price times cost, as long as both are above 0 and the budget lasts. The price of money is that of the
    linear programme's dual, found by bisection; with a limit on money only this is the order by profit per cost. The best of
    this order and of profit per cost is taken. Ties go to the earlier row, so the choice does not change from run to run. With
    a dozen contacts the bound, which may contact in part, can lie 2 % above what whole customers allow.

    References
    ----------
    Dantzig (1957), doi:10.1287/opre.5.2.266.
    """
    gain, cost = np.asarray(profit, dtype=np.float64), np.asarray(outlay, dtype=np.float64)
    if gain.shape != cost.shape or gain.ndim != 1:
        raise ModelError(
            Problem("budget:", f"profit has shape {gain.shape}, outlay {cost.shape}", "one number per customer each")
        )
    able = np.flatnonzero((gain > 0) & np.isfinite(cost))
    if (cost[able] < 0).any():
        raise ModelError(
            Problem("budget: outlay", f"is negative for {int((cost[able] < 0).sum())} customers", "it is 0 or more")
        )
    limit = len(gain) if contacts is None else int(contacts)
    purse = np.inf if money is None else float(money)
    if limit < 0 or purse < 0:
        raise ParamError(Problem("budget:", f"is {limit} contacts and {purse:g}", "both are 0 or more"))
    g, c = gain[able], cost[able]
    price, bound = _dual(g, c, limit, purse)
    with np.errstate(divide="ignore"):
        orders = [np.argsort(-(g - price * c), kind="stable"), np.argsort(-g / c, kind="stable")]
    options = [_take(order, g, c, limit, purse) for order in orders]
    taken = max(options, key=lambda picked: float(g[picked].sum()))
    chosen = np.zeros(len(gain), dtype=bool)
    chosen[able[taken]] = True
    total = float(gain[chosen].sum())
    return Choice(chosen, total, float(cost[chosen].sum()), bound, 1 - total / bound if bound > 0 else 0.0)


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
    best = choose_contacts(gain, cost, contacts=contacts, money=money)
    limit = len(gain) if contacts is None else contacts
    purse = np.inf if money is None else money
    found = [(mark("Expected profit"), int(best.chosen.sum()), best.cost, best.profit, best.bound)]
    for name, by in ((mark("Risk only"), p), (mark("Value only"), v)):
        taken = _take(np.argsort(-by, kind="stable"), gain, cost, limit, purse)
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


def _take(order: Ints, g: Floats, c: Floats, limit: int, purse: float) -> Ints:
    """The first of the order that the budget pays for; then whoever further down still fits."""
    if not np.isfinite(purse):
        return order[:limit]
    spent = np.cumsum(c[order])
    whole = min(int(np.searchsorted(spent, purse * (1 + 1e-12), side="right")), limit)
    taken, left = order[:whole].tolist(), purse - (spent[whole - 1] if whole else 0.0)
    rest = order[whole:]
    for _ in range(SEARCH):  # a few more, one after the other
        fitting = rest[c[rest] <= left] if len(taken) < limit else rest[:0]
        if not len(fitting):
            break
        taken.append(int(fitting[0]))
        left -= c[fitting[0]]
        rest = fitting[1:]
    return np.array(taken, dtype=np.int64)


def _dual(g: Floats, c: Floats, limit: int, purse: float) -> tuple[float, float]:
    """The price of money and the bound: least over the price of price * money + the best `limit` of profit - price * cost."""

    def at(price: float) -> tuple[float, float]:
        net = g - price * c
        kept = np.flatnonzero(net > 0)
        if len(kept) > limit:
            kept = np.argpartition(-net, limit - 1)[:limit] if limit else kept[:0]
        return float(net[kept].sum()) + (price * purse if price else 0.0), float(c[kept].sum())

    value, spent = at(0.0)
    if not len(g) or spent <= purse:
        return 0.0, value
    low, high = 0.0, float((g / np.maximum(c, 1e-300)).max())
    best, price = value if np.isfinite(value) else np.inf, 0.0
    best = np.inf
    for _ in range(SEARCH):
        middle = (low + high) / 2
        value, spent = at(middle)
        if value < best:
            best, price = value, middle
        low, high = (middle, high) if spent > purse else (low, middle)
    return price, best
