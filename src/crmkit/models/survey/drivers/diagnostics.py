"""Can these drivers be told apart at all, or do all ratings follow one overall impression?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmkit.models.survey.drivers.importance import Importance

HALO_FACTOR, HALO_EXPLAINED = 0.6, 0.9
HIGH_VIF = 10.0


@dataclass(frozen=True, eq=False)
class Halo:
    """How much the drivers have in common.

    Parameters
    ----------
    mean_correlation : float
        Between two drivers.
    factor_share : float
        Share of the drivers' variance along their first principal component, 1/p to 1.
    explained_by_factor : float
        Share of what all drivers explain that this component explains alone, 0 to 1.
    condition_number : float
        Root of the largest over the smallest eigenvalue; above 30 single effects cannot be told apart.
    suspected : bool
        First component holds 60 % of the variance or more, and explains 90 % or more of what the drivers explain: rankings
        then show little beyond one overall impression.
    table : pandas.DataFrame
        `driver`, `with_outcome` (correlation), `loading` (correlation with the first component), `vif` (variance inflation),
        `entangled` (VIF above 10).
    """

    mean_correlation: float
    factor_share: float
    explained_by_factor: float
    condition_number: float
    suspected: bool
    table: pd.DataFrame


def halo(found: Importance) -> Halo:
    """Do respondents rate the drivers one by one, or is it one impression?

    Parameters
    ----------
    found : Importance

    Returns
    -------
    Halo
        With one driver only: correlation nan, factor share 1, nothing suspected.

    Notes
    -----
    From the correlations of the drivers, missing answers and weights included. ``VIF_i`` is the i-th diagonal element of
    their inverse: how many times the variance of its effect exceeds that of a driver by itself; inf where other drivers
    determine it. The limits 0.6 and 0.9 are conventions of this kit, 10 and 30 those of Belsley, Kuh & Welsch.

    References
    ----------
    Belsley, Kuh & Welsch (1980), Regression Diagnostics, doi:10.1002/0471725153. Cooper (1981), Ubiquitous halo,
    doi:10.1037/0033-2909.90.2.218.
    """
    r = found.correlations
    inner, outer = r[1:, 1:], r[1:, 0]
    p = len(inner)
    values, vectors = np.linalg.eigh(inner)
    values = np.clip(values, 0, None)
    first = vectors[:, -1] * (1.0 if vectors[:, -1].sum() >= 0 else -1.0)
    safe = values > 1e-10
    total = float((((vectors.T @ outer) ** 2)[safe] / values[safe]).sum())
    alone = float((first @ outer) ** 2 / values[-1])
    determined = ((vectors**2)[:, ~safe] > 1e-8).any(1)
    inverse = ((vectors[:, safe] ** 2) / values[safe]).sum(1)
    vif = np.where(determined, np.inf, inverse)
    share, explained = float(values[-1] / p), alone / total if total > 0 else float("nan")
    table = pd.DataFrame(
        {
            "driver": found.drivers,
            "with_outcome": outer,
            "loading": first * np.sqrt(values[-1]),
            "vif": vif,
            "entangled": vif > HIGH_VIF,
        }
    )
    return Halo(
        mean_correlation=float(inner[np.triu_indices(p, 1)].mean()) if p > 1 else float("nan"),
        factor_share=share,
        explained_by_factor=explained,
        condition_number=float(np.sqrt(values[-1] / values[0])) if values[0] > 1e-10 else float("inf"),
        suspected=p > 1 and share >= HALO_FACTOR and explained >= HALO_EXPLAINED,
        table=table,
    )
