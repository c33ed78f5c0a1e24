"""How long does a ticket wait? Quantiles of the time to the first response and to the resolution.

In a company at its targets the usual law will not do: the median, the share within the agreed time and the 90th percentile are
three numbers. There the logarithm of the quantile is a broken line through all of them.

Stands alone: a law of its own, whoever draws from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.levels import COMPLAINT_FACTOR, RESPONSE_SPREAD, SOLVING_SPREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

LEAST_RESPONSE, LEAST_SOLVING = 0.05, 10.0
# complaints: share, hours
OF_COMPLAINT = ((0.0, 0.1), (0.5, 2.0), (0.85, 8.0), (0.95, 24.0), (1.0, 40.0))
SOLVED_COMPLAINT = ((0.0, 20.0), (0.25, 24.0), (0.5, 48.0), (0.8, 120.0), (1.0, 400.0))
# the backlog past 72 hours is half a week's inflow: E max(0, T - 72 h) = 84 h
LATEST = 1590.0


def response_hours(u: Floats, median: Floats, *, complaint: Flags, share: float, at_target: bool) -> Floats:
    """Hours to the first response, at the quantiles ``u``; ``share`` is that of complaints."""
    if not at_target:
        from scipy.special import ndtri

        return np.asarray(median * np.exp(RESPONSE_SPREAD * ndtri(np.clip(u, 1e-6, 1 - 1e-6))))
    within_day = (0.9 - 0.95 * share) / (1 - share)
    others = ((0.0, LEAST_RESPONSE), (0.5, 2.0), (0.85, 8.0), (within_day, 24.0), (1.0, 60.0))
    return np.where(complaint, _broken(u, OF_COMPLAINT), _broken(u, others))


def solving_hours(u: Floats, median: Floats, *, complaint: Flags, share: float, at_target: bool) -> Floats:
    """Hours to the resolution, at the same quantiles: who waits long for an answer waits long for the rest."""
    if not at_target:
        from scipy.special import ndtri

        usual = median * np.exp(SOLVING_SPREAD * ndtri(np.clip(u, 1e-6, 1 - 1e-6)))
        return np.asarray(np.where(complaint, COMPLAINT_FACTOR, 1.0) * usual)
    within_day = (0.5 - 0.25 * share) / (1 - share)
    others = ((0.0, LEAST_SOLVING), (within_day, 24.0), (0.8, 72.0), (1.0, LATEST))
    return np.where(complaint, _broken(u, SOLVED_COMPLAINT), _broken(u, others))


def _broken(u: Floats, knots: tuple[tuple[float, float], ...]) -> Floats:
    at, hours = np.array(knots).T
    return np.asarray(np.exp(np.interp(u, at, np.log(hours))))
