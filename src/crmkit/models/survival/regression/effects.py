"""By which factor does each covariate raise the rate of leaving, and is that more than chance? Tables of a Cox model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm_of_logs
from crmkit.models.survival.data.observed import chi_squared
from crmkit.models.survival.regression.cox import CoxFit

if TYPE_CHECKING:
    import pandas as pd


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
            "column": fit.design.columns, "term": [name for name, _ in levels], "level": [level for _, level in levels],
            "coefficient": b, "standard_error": error, "hazard_ratio": np.exp(b), "low": np.exp(b - reach * error),
            "high": np.exp(b + reach * error), "z": b / error, "p": [p for p, _ in tests], "p_holm": holm_of_logs(logs),
            "log10_p": logs,
        }
    )  # fmt: skip


def term_tests(fit: CoxFit) -> pd.DataFrame:
    """Which covariates matter at all? Wald test of all columns of each term together.

    Returns
    -------
    pandas.DataFrame
        `term`, `statistic`, `df`, `p`, `p_holm`, `log10_p`; and the row "all": likelihood ratio test of the whole model.
    """
    import pandas as pd

    found = []
    for term in fit.design.terms:
        own = slice(term.start, term.stop)
        b = fit.coefficients[own]
        statistic = float(b @ np.linalg.solve(fit.covariance[own, own], b))
        found.append((term.name, statistic, term.stop - term.start, *chi_squared(statistic, term.stop - term.start)))
    ratio = 2 * (fit.log_likelihood - fit.log_likelihood_null)
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
