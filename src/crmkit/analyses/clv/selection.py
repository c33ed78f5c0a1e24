"""Which model do values come from, where none is set? The usual one, unless another is better by all that can be judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

USUAL = ("pareto_nbd", "mbgnbd", "bgnbd", "mbgcnbd", "nbd", "alike")
# takes every one-time buyer for active
NEVER_BETTER = "bgnbd"
# of AIC: less is said of a model by chance
CLEAR = 2.0


@dataclass(frozen=True)
class Judged:
    """How well a model does.

    Parameters
    ----------
    aic : float
        On all data.
    miss : float
        Distance of the total of the held-out days from its forecast, as a share of it; nan where nothing is held out.
    error : float
        Mean absolute error per customer on the held-out days; nan where nothing is held out.
    """

    aic: float
    miss: float = math.nan
    error: float = math.nan

    def beats(self, other: Judged) -> bool:
        """Whether it is clearly better by AIC, and on the held-out days no worse in total and per customer."""
        return self.aic < other.aic - CLEAR and self.miss <= other.miss and self.error <= other.error


def stand_in(fitted: Iterable[str]) -> str:
    """The usual model of those that could be fitted: Pareto/NBD, else MBG/NBD, and so on.

    Examples
    --------
    >>> stand_in(["nbd", "mbgcnbd"])
    'mbgcnbd'
    """
    names = set(fitted)
    return next(name for name in USUAL if name in names)


def select(judged: Mapping[str, Judged]) -> tuple[str, bool]:
    """Which model should be believed?

    Parameters
    ----------
    judged : mapping of model name to Judged
        At least one.

    Returns
    -------
    str, bool
        The usual model, or of those that beat it the one of lowest AIC; and whether there was such a one.

    Notes
    -----
    AIC alone would make the total of some logs much worse (CDNOW, 23,570 customers: 1.8 times the error), the held-out days
    alone too (4.1 times): their error per customer is least where many are forecast nothing. Both together made the total of
    none of 15 large logs worse and missed totals by a tenth less; of 53 small ones 2 became worse and 3 better.

    Examples
    --------
    >>> select({"pareto_nbd": Judged(100.0, 0.10, 1.0), "mbgcnbd": Judged(60.0, 0.05, 0.9), "mbgnbd": Judged(90.0, 0.2, 0.9)})
    ('mbgcnbd', True)
    """
    usual = stand_in(judged)
    better = [name for name, one in judged.items() if name.partition("+")[0] != NEVER_BETTER and one.beats(judged[usual])]
    return (min(better, key=lambda name: judged[name].aic), True) if better else (usual, False)
