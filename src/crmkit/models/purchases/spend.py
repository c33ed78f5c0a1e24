"""How much does a customer spend per purchase, and how much of that is luck? (Gamma-Gamma)

A customer's mean over a few purchases is a noisy view of what they usually spend; the model pulls it towards the mean of all
customers, the more so the fewer purchases there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from crmkit.core.errors import ModelError, Problem, rows
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.draws import ParameterDraws, normal_draws
from crmkit.models.basics.edges import LEAST, highest, require_inside
from crmkit.models.basics.optimise import Objective, log_covariance
from crmkit.models.purchases.btyd.tuples import dot, total

Floats = NDArray[np.float64]

PARAMETERS = ("p", "q", "v")
FEWEST_CUSTOMERS = 20
ALIKE = 1e6  # q, and p, from which on differences are too small to matter: means differ by a thousandth of themselves


@dataclass(frozen=True, eq=False)
class SpendFit:
    """A Gamma-Gamma model of spend per purchase.

    Parameters
    ----------
    params : mapping of str to float
        p (shape of one purchase), q (shape of the differences between customers, above 1), v (scale, in money).
    standard_errors : mapping of str to float
        By the delta method from the log-parameters.
    covariance : array, shape (3, 3)
        Of the logarithms of p, q, v.
    log_likelihood : float
        At the maximum, natural logarithm.
    n : int
        Customers used.
    without_repeat, not_positive : int
        Customers left out: without a repeat purchase; with one, but a mean spend of 0 or less.
    gradient_norm : float
        Largest derivative of the mean log-likelihood with respect to a log-parameter.
    """

    params: Mapping[str, float]
    standard_errors: Mapping[str, float]
    covariance: Floats
    log_likelihood: float
    n: int
    without_repeat: int
    not_positive: int
    gradient_norm: float

    @property
    def alike(self) -> bool:
        """Do customers spend the same per purchase, but for chance? Then q stands at its limit, and all have the same mean."""
        return self.params["q"] > 0.99 * ALIKE

    @property
    def population_mean(self) -> float:
        """What does a customer spend per purchase of whom nothing is known? p * v / (q - 1), in money."""
        return self.params["p"] * self.params["v"] / (self.params["q"] - 1)


def fit_gamma_gamma(frequency: ArrayLike, monetary_value: ArrayLike, n: ArrayLike | None = None) -> SpendFit:
    """How do purchases vary within and between customers?

    Parameters
    ----------
    frequency : array_like of whole numbers >= 0, shape (rows,)
        Repeat purchases, as in the purchase model.
    monetary_value : array_like, shape (rows,)
        Mean spend of the repeat purchases, in money; anything where there is none.
    n : array_like of whole numbers >= 1, shape (rows,), optional
        Customers per row; 1 when left out.

    Returns
    -------
    SpendFit
        Parameters, and how many customers were left out and why.

    Raises
    ------
    ModelError
        Fewer than 20 customers with spend, no maximum, or q <= 1, where the mean spend of the population would be infinite and
        customer values negative.

    Notes
    -----
    A purchase is Gamma(p, nu), nu of a customer Gamma(q, v), independent of how often the customer buys; see
    :func:`spend_frequency_correlation`. Customers without a repeat purchase, or with a mean of 0 or less, are left out.
    Where means vary no more than the purchases of one customer explain, the likelihood rises with q without end. Its limit, in
    which nu is the same for all, is what is returned where q cannot be told from it by the rule of
    :mod:`crmkit.models.basics.edges`, with q at 1e6 and without a standard error (`alike`).

    References
    ----------
    Colombo, Jiang (1999), Journal of Interactive Marketing 13(3),
    https://doi.org/10.1002/(SICI)1520-6653(199922)13:3%3C2::AID-DIR1%3E3.0.CO;2-H.
    Fader, Hardie, Lee (2005), Journal of Marketing Research 42(4), https://doi.org/10.1509/jmkr.2005.42.4.415.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(1, 8, 20_000)  # drawn from about the published fit to CDNOW: p 6.25, q 3.74, v 15.44
    >>> z = rng.gamma(6.25 * x, 1 / (x * rng.gamma(3.74, 1 / 15.44, x.size)))
    >>> fit = fit_gamma_gamma(x, z)
    >>> round(fit.population_mean)
    35
    """
    x, z, counts = _read(frequency, monetary_value, n)
    repeat, positive = x > 0, z > 0
    used = repeat & positive
    customers = int(counts[used].sum())
    if customers < FEWEST_CUSTOMERS:
        raise ModelError(
            Text(
                "Gamma-Gamma cannot be fitted: {customers} {customers:customer has|customers have} a repeat purchase and a "
                "mean spend above 0, and it needs at least {fewest_customers}; take a longer period.",
                {"customers": Quantity(customers, "count"), "fewest_customers": Quantity(FEWEST_CUSTOMERS, "count")},
            )
        )
    weights = counts[used].astype(np.float64)
    scale = dot(weights, z[used]) / customers
    objective = _objective(x[used], z[used] / scale, weights)
    optimum = highest(objective, np.log([2.0, 3.0, 1.0]), customers, far=float(np.log(ALIKE)))
    limit = _alike(x[used], z[used] / scale, weights)
    same_price = limit[0][0] >= np.log(ALIKE)
    if same_price or customers * (limit[1] - optimum.value) < LEAST:
        theta, value, covariance = limit
    else:
        # p and v may lie on a ridge where customers spend nearly the same each time: what is expected hardly hangs on where
        far = float(np.log(ALIKE))
        require_inside(objective, optimum, customers, PARAMETERS, [], "Gamma-Gamma", far=far, bounded=("q",))
        theta, value, covariance = optimum.theta, optimum.value, log_covariance(optimum, customers)
    params = np.exp(theta) * np.array([1.0, 1.0, scale])
    if params[1] <= 1:
        raise ModelError(
            Text(
                "Gamma-Gamma cannot be used: q is {q}, and at 1 or below the mean spend of the population is infinite and "
                "customer values turn negative; look for a few enormous purchases, or cap the spend and say so.",
                {"q": f"{params[1]:.3g}"},
            )
        )
    covariance.flags.writeable = False
    errors = params * np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), np.nan))
    return SpendFit(
        params=MappingProxyType(dict(zip(PARAMETERS, params.tolist(), strict=True))),
        standard_errors=MappingProxyType(dict(zip(PARAMETERS, errors.tolist(), strict=True))),
        covariance=covariance,
        log_likelihood=-value * customers - customers * float(np.log(scale)),
        n=customers,
        without_repeat=int(counts[~repeat].sum()),
        not_positive=int(counts[repeat & ~positive].sum()),
        gradient_norm=optimum.gradient_norm,
    )


def expected_spend(fit: SpendFit, frequency: ArrayLike, monetary_value: ArrayLike) -> Floats:
    """How much will each customer spend per purchase in future?

    Parameters
    ----------
    fit : SpendFit
        From :func:`fit_gamma_gamma`.
    frequency : array_like of whole numbers >= 0
        Repeat purchases.
    monetary_value : array_like
        Mean spend of the repeat purchases, in money; not read where frequency is 0.

    Returns
    -------
    array of float64
        Money per purchase: a weighted mean of the customer's own and the population's, the latter alone where nothing is known
        (frequency 0, or a mean of 0 or less).

    Raises
    ------
    ModelError
        Where a frequency is not a whole number >= 0, or a mean spend is missing where there are repeat purchases.

    Notes
    -----
    p * (v + x * z) / (p * x + q - 1).

    References
    ----------
    Fader, Hardie, Lee (2005), Journal of Marketing Research 42(4), https://doi.org/10.1509/jmkr.2005.42.4.415.

    Examples
    --------
    >>> import numpy as np
    >>> published = SpendFit({"p": 6.25, "q": 3.74, "v": 15.44}, {}, np.zeros((3, 3)), -4055.92, 946, 1411, 0, 0.0)
    >>> expected_spend(published, [2, 1, 0], [22.35, 11.77, 0]).round(1).tolist()
    [24.7, 18.9, 35.2]
    """
    x, z, _ = _read(frequency, monetary_value, None)
    p, q, v = (fit.params[name] for name in PARAMETERS)
    informative = (x > 0) & (z > 0)
    seen = np.where(informative, x, 0.0)
    return np.asarray(p * (v + seen * np.where(informative, z, 0.0)) / (p * seen + q - 1))


def draw_spend(
    fit: SpendFit, frequency: ArrayLike, monetary_value: ArrayLike, purchases: ArrayLike, rng: np.random.Generator
) -> Floats:
    """How much money might each customer spend in so many future purchases?

    Parameters
    ----------
    fit : SpendFit
        From :func:`fit_gamma_gamma`.
    frequency, monetary_value : array_like, shape (rows,)
        Repeat purchases so far and their mean spend; see :func:`expected_spend`.
    purchases : array_like >= 0, shape (rows,) or (draws, rows)
        Future purchases, for example drawn by ``btyd.draw_purchases``.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    array of float64, in the shape of `purchases`
        Money, all purchases together, not discounted; 0 where there is none. The mean over many draws is
        ``purchases * expected_spend``.

    Notes
    -----
    A customer's nu has the posterior Gamma(px + q, v + xz); the sum of y purchases is then Gamma(py, nu).

    Examples
    --------
    >>> import numpy as np
    >>> published = SpendFit({"p": 6.25, "q": 3.74, "v": 15.44}, {}, np.zeros((3, 3)), -4055.92, 946, 1411, 0, 0.0)
    >>> money = draw_spend(published, [2], [22.35], np.full((100_000, 1), 3.0), np.random.default_rng(0))
    >>> (money.mean() / 3).round(0).item()  # expected: 24.7 each
    25.0
    """
    x, z, _ = _read(frequency, monetary_value, None)
    y = np.asarray(purchases, dtype=np.float64)
    p, q, v = (fit.params[name] for name in PARAMETERS)
    seen = np.where((x > 0) & (z > 0), x, 0.0)
    nu = rng.gamma(p * seen + q, 1.0, np.broadcast_shapes(y.shape, x.shape)) / (v + seen * np.where(seen > 0, z, 0.0))
    return np.asarray(np.where(y > 0, rng.gamma(p * np.maximum(y, 1e-9), 1.0) / nu, 0.0))


def spend_draws(fit: SpendFit, *, draws: int = 200, seed: int = 0) -> ParameterDraws:
    """Which other parameters of spend could have come out? By the normal distribution of the log-parameters, q above 1."""
    return normal_draws("gamma_gamma", fit.params, fit.covariance, draws=draws, seed=seed, above={"q": 1.0})


def spend_frequency_correlation(frequency: ArrayLike, monetary_value: ArrayLike, n: ArrayLike | None = None) -> float:
    """Do customers who buy more often also spend more each time? The model takes it that they do not.

    Parameters
    ----------
    frequency, monetary_value, n : array_like
        As for :func:`fit_gamma_gamma`.

    Returns
    -------
    float
        Pearson correlation over the customers that the model uses, -1 to 1; nan where either does not vary.

    Raises
    ------
    ModelError
        As for :func:`fit_gamma_gamma`.

    Examples
    --------
    >>> round(spend_frequency_correlation([1, 2, 3, 0], [10.0, 20.0, 30.0, 0.0]), 6)
    1.0
    """
    x, z, counts = _read(frequency, monetary_value, n)
    used = (x > 0) & (z > 0)
    weights = counts[used].astype(np.float64)
    if not used.any():
        return float("nan")
    dx = x[used] - dot(x[used], weights) / weights.sum()
    dz = z[used] - dot(z[used], weights) / weights.sum()
    spread = np.sqrt(dot(weights * dx, dx) * dot(weights * dz, dz))
    return dot(weights * dx, dz) / float(spread) if spread > 0 else float("nan")


def _objective(x: Floats, z: Floats, w: Floats) -> Objective:
    """The mean negative log-likelihood with its gradient; gamma functions run once per different frequency."""
    customers = w.sum()
    different, position = np.unique(x, return_inverse=True)
    per_x = total(position, w, len(different))
    log_z, spent = dot(w, np.log(z)), x * z
    log_z_x = total(position, w * np.log(z), len(different))
    constant = dot(per_x * different, np.log(different)), dot(log_z_x, different)

    def at(theta: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(theta)
        px, above = p * different, v + spent
        log_v = np.log(above)
        on_x = total(position, w * log_v, len(different))
        value = dot(per_x, gammaln(px + q) - gammaln(px)) - customers * gammaln(q) + customers * q * theta[2]
        value += p * (constant[1] + constant[0]) - log_z - dot(px + q, on_x)
        d_p = dot(per_x * different, digamma(px + q) - digamma(px)) + constant[1] + constant[0] - dot(different, on_x)
        d_q = dot(per_x, digamma(px + q)) - customers * digamma(q) + customers * theta[2] - on_x.sum()
        d_v = customers * q / v - dot(px + q, total(position, w / above, len(different)))
        return -float(value) / customers, -np.array([d_p * p, d_q * q, d_v * v]) / customers

    return at


def _alike(x: Floats, z: Floats, w: Floats) -> tuple[Floats, float, Floats]:
    """The limit without differences between customers: log-parameters, mean negative log-likelihood, covariance."""
    from scipy.optimize import brentq

    customers, purchases = w.sum(), dot(w, x)
    mean = dot(w * x, z) / purchases
    different, position = np.unique(x, return_inverse=True)
    per_x = total(position, w, len(different)) * different
    logs = dot(w * x, np.log(x * z / mean))

    def slope(p: float) -> float:
        return float(purchases * np.log(p) + logs - dot(per_x, digamma(p * different)))

    p = brentq(slope, 1e-6, ALIKE, xtol=1e-12) if slope(ALIKE) < 0 else ALIKE  # else every purchase costs the same
    px = p * x
    value = -dot(w, px * np.log(px * z / mean) - gammaln(px) - np.log(z) - px * z / mean) / customers
    known = p * p * (dot(per_x * different, polygamma(1, p * different)) - purchases / p)
    of_p, of_mean = 1 / known if p < ALIKE else 0.0, 1 / (p * purchases)
    covariance = np.array([[of_p, 0.0, -of_p], [0.0, 0.0, 0.0], [-of_p, 0.0, of_p + of_mean]])
    return np.log([p, ALIKE, mean * (ALIKE - 1) / p]), float(value), covariance


def _read(frequency: ArrayLike, monetary_value: ArrayLike, n: ArrayLike | None) -> tuple[Floats, Floats, NDArray[np.int64]]:
    x, z = (np.asarray(v, dtype=np.float64) for v in (frequency, monetary_value))
    counts = np.ones(x.shape) if n is None else np.asarray(n, dtype=np.float64)
    if not x.shape == z.shape == counts.shape:
        raise ModelError(f"spend: frequency, monetary_value and n have shapes {x.shape}, {z.shape} and {counts.shape}.")
    faults = []
    for name, bad, allowed in (
        ("frequency", ~(np.isfinite(x) & (x >= 0) & (x == np.rint(x))), "count the repeat purchases"),
        ("monetary_value", ~np.isfinite(z) & (x > 0), "a customer with repeat purchases has a mean spend"),
        ("n", ~(np.isfinite(counts) & (counts >= 1) & (counts == np.rint(counts))), "it counts the customers of a row"),
    ):
        if bad.any():
            found = np.flatnonzero(bad)
            what = "is missing or infinite" if name == "monetary_value" else "is not a whole number in range"
            text = f"{what} in {len(found)} of {bad.size} rows ({rows(found[:5].tolist(), len(found))})"
            faults.append(Problem(f"spend: {name}", text, allowed))
    if faults:
        raise ModelError(faults)
    return x, np.where(np.isfinite(z), z, 0.0), counts.astype(np.int64)
