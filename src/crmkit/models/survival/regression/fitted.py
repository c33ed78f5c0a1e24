"""A fitted Cox model: what it holds, by which factor each column raises the rate of leaving, and which covariates matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm_of_logs
from crmkit.models.survival.data.design import Design
from crmkit.models.survival.data.observed import chi_squared
from crmkit.models.survival.data.riskset import Block, Moments

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A Cox model.

    Parameters
    ----------
    design : Design
        Terms and columns.
    coefficients : array, shape (p,)
        Logarithms of hazard ratios, per unit of each column.
    covariance : array, shape (p, p)
        Of the coefficients.
    naive : array, shape (p, p), or None
        The model's own covariance, where `covariance` is the robust one.
    log_likelihood, log_likelihood_null : float
        Partial log-likelihood, at the coefficients and at 0; of weighted sums, and no likelihood, where rows were sampled.
    score_statistic : float
        Score test that all coefficients are 0; robust where the covariance is.
    center, scale : arrays, shape (p,)
        Mean and standard deviation of each column over the customers; the baseline is that of a customer at the mean.
    ties : {"efron", "breslow"}
    engine : {"lifelines", "cells", "rows"}
        Which path found the coefficients.
    n, events : float
        Customers (or spells) observed, and how many left.
    sampled : bool
        Whether a row is one customer who stands for several.
    iterations : int
        Newton steps (0: lifelines).
    strata : tuple
        Names of the strata, one per block.
    blocks : tuple of Rows or Cells
        The data, sorted or counted, in the columns of the design.
    at : tuple of Moments
        Per block, the sums at the coefficients.
    fitter : object or None
        lifelines' own CoxPHFitter where that path was taken.
    cluster : array of int, shape (n,), or None
        The clusters of robust errors.
    """

    design: Design
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_null: float
    score_statistic: float
    center: Floats
    scale: Floats
    ties: str
    engine: str
    n: float
    events: float
    iterations: int
    strata: tuple[Any, ...]
    blocks: tuple[Block, ...] = field(repr=False)
    at: tuple[Moments, ...] = field(repr=False)
    fitter: Any = field(default=None, repr=False)
    sampled: bool = False
    naive: Floats | None = field(default=None, repr=False)
    cluster: Ints | None = field(default=None, repr=False)

    @property
    def standard_errors(self) -> Floats:
        """Of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def aic(self) -> float:
        """Akaike's criterion on the partial likelihood; lower is better, among fits to the same customers; nan if sampled."""
        return np.nan if self.sampled else 2 * len(self.coefficients) - 2 * self.log_likelihood


def coefficient_table(fit: CoxFit, *, confidence: float = 0.95) -> pd.DataFrame:
    """By which factor does each column raise the hazard, and how sure is that?

    Parameters
    ----------
    fit : CoxFit
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per column: `column`, `term`, `level` (None for a number), `coefficient`, `standard_error`, `hazard_ratio`,
        `low`, `high` (of the hazard ratio), `z`, `p` (never 0), `p_holm` (over the columns), `log10_p`.
    """
    import pandas as pd

    reach = critical(confidence)
    levels = [(t.name, level) for t in fit.design.terms for level in (t.levels or (None,))]
    error, b = fit.standard_errors, fit.coefficients
    tests = [chi_squared(float(z * z), 1) for z in b / error]
    logs = [log for _, log in tests]
    return pd.DataFrame(
        {
            "column": fit.design.columns,
            "term": [name for name, _ in levels],
            "level": [level for _, level in levels],
            "coefficient": b,
            "standard_error": error,
            "hazard_ratio": np.exp(b),
            "low": np.exp(b - reach * error),
            "high": np.exp(b + reach * error),
            "z": b / error,
            "p": [p for p, _ in tests],
            "p_holm": holm_of_logs(logs),
            "log10_p": logs,
        }
    )


def term_tests(fit: CoxFit) -> pd.DataFrame:
    """Which covariates matter at all? Wald test of all columns of each term together.

    Returns
    -------
    pandas.DataFrame
        `term`, `statistic`, `df`, `p`, `p_holm`, `log10_p`; and the row "all": likelihood ratio test of the whole model (Wald
        where the errors are robust).
    """
    import pandas as pd

    found = []
    for term in fit.design.terms:
        own = slice(term.start, term.stop)
        b = fit.coefficients[own]
        statistic = float(b @ np.linalg.solve(fit.covariance[own, own], b))
        found.append((term.name, statistic, term.stop - term.start, *chi_squared(statistic, term.stop - term.start)))
    ratio = 2 * (fit.log_likelihood - fit.log_likelihood_null)
    if fit.naive is not None:  # the likelihood takes all rows for independent, or customers for as many as they stand for
        ratio = float(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))
    table = pd.DataFrame(found, columns=["term", "statistic", "df", "p", "log10_p"])
    table.insert(4, "p_holm", holm_of_logs(table["log10_p"]))
    whole = chi_squared(ratio, len(fit.coefficients))
    row = {
        "term": "all",
        "statistic": ratio,
        "df": len(fit.coefficients),
        "p": whole[0],
        "p_holm": whole[0],
        "log10_p": whole[1],
    }
    return pd.concat([table, pd.DataFrame([row])], ignore_index=True)
