"""Would all customers have said the same as those who answered? Weights that give each group its part among the customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.analyses.satisfaction.population import REST, UNKNOWN
from crmkit.analyses.satisfaction.read import Survey
from crmkit.core.errors import ModelError, ParamError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text
from crmkit.models.purchases.calibrated import Mean, weighted_mean
from crmkit.models.survey.weighting import Raking, rake

if TYPE_CHECKING:
    import pandas as pd

FEWEST_PER_LEVEL = 5
LEAST_KNOWN = 0.5


@dataclass(frozen=True)
class Weights:
    """Weights of the responses of each wave.

    Parameters
    ----------
    margins : tuple of str
        Groups whose shares are met.
    trim : float
        Most that a response's weight is raised over the mean.
    rakings : mapping of wave to Raking
        For the responses of :meth:`Survey.at` whose customer is known, in that order.
    known : mapping of wave to array of bool
        Which rows of :meth:`Survey.at` these are.
    reasons : mapping of wave to Text
        Why a wave has no weights.
    """

    margins: tuple[str, ...]
    trim: float
    rakings: Mapping[str, Raking] = field(repr=False)
    known: Mapping[str, NDArray[np.bool_]] = field(repr=False)
    reasons: Mapping[str, Text] = field(repr=False)

    def of(self, wave: str) -> NDArray[np.float64] | None:
        """Weights of the rows of :meth:`Survey.at`, mean 1, 0 where the customer is not known; None where there are none."""
        if wave not in self.rakings:
            return None
        known, raking = self.known[wave], self.rakings[wave]
        weights = np.zeros(len(known))
        weights[known] = raking.weights / raking.weights.mean()
        return weights

    def mean(self, past: Survey, wave: str, values: ArrayLike, *, scale: str = "linear") -> Mean | None:
        """The mean of all customers, with a standard error that knows the margins; None without weights or with few answers.

        Parameters
        ----------
        values : array
            One per row of ``past.at(wave)``; nan = no answer.
        """
        if wave not in self.rakings:
            return None
        y = np.asarray(values, dtype=np.float64)[self.known[wave]]
        if np.isfinite(y).sum() < past.min_cell:
            return None
        return weighted_mean(y, self.rakings[wave], scale=scale, confidence=past.confidence)


def weigh(past: Survey, *, margins: Sequence[str] = (), trim: float = 3.0) -> Weights:
    """Which weights make the responses of each wave look like the customers of its day?

    Parameters
    ----------
    past : Survey
    margins : sequence of str
        Groups whose shares among the customers are met; empty: all groups of the report.
    trim : float
        Most that a response's weight is raised over the mean.

    Returns
    -------
    Weights

    Raises
    ------
    ParamError
        For a margin that is not among the groups.

    Notes
    -----
    Levels with fewer than five answers are joined, because nobody can stand for so many others. Responses whose customer is
    not known have no place among the customers: they count in the unweighted figures only.
    """
    unknown = [name for name in margins if name not in past.groups]
    if unknown:
        raise ParamError([Problem("margins:", f"no group '{name}'", did_you_mean(name, past.groups)) for name in unknown])
    names = tuple(margins or past.groups)
    rakings: dict[str, Raking] = {}
    known: dict[str, NDArray[np.bool_]] = {}
    reasons: dict[str, Text] = {}
    for wave in past.waves:
        found = _raked(past, wave, names, trim)
        if isinstance(found, Text):
            reasons[wave] = found
        else:
            known[wave], rakings[wave] = found
    return Weights(names, trim, rakings, known, reasons)


def _raked(past: Survey, wave: str, names: tuple[str, ...], trim: float) -> Text | tuple[NDArray[np.bool_], Raking]:
    if not names:
        return Text("nothing is known of customers that could be weighted by")
    rows = past.at(wave)
    people = rows[[f"group:{name}" for name in names]].set_axis(list(names), axis=1)
    known = np.asarray((people != UNKNOWN).any(axis=1))
    if known.sum() < past.min_cell:
        return Text("{n} answers of known customers are too few", {"n": Quantity(int(known.sum()), "count")})
    if known.mean() < LEAST_KNOWN:
        return Text(
            "of {share} of the answers the customer is not known", {"share": Quantity(1 - float(known.mean()), "share")}
        )
    base = past.margins[past.margins["wave"] == wave]
    kept: dict[str, dict[object, float]] = {}
    levels = people[known].reset_index(drop=True)
    for name in names:
        sizes = base[base["margin"] == name].set_index("level")["customers"].astype("float64").to_dict()
        levels[name], goal = _joined(levels[name], sizes)
        if len(goal) > 1:
            kept[name] = {level: float(size) for level, size in goal.items()}
    if not kept:
        return Text("no group is large enough to be weighted by")
    try:
        return known, rake(levels, kept, most=trim)
    except ModelError as err:
        return err.text


def _joined(levels: pd.Series[str], sizes: Mapping[object, float]) -> tuple[pd.Series[str], dict[object, float]]:
    """Levels and their customers, those with few answers or no customers joined into one."""
    answers = levels.value_counts()
    small = {one for one in {*sizes, *answers.index} if answers.get(one, 0) < FEWEST_PER_LEVEL or sizes.get(one, 0) <= 0}
    if small and answers.reindex(list(small)).sum() < FEWEST_PER_LEVEL:
        rest = {one: answers[one] for one in answers.index if one not in small}
        small |= {min(rest, key=lambda one: (rest[one], str(one)))} if rest else set()
    goal: dict[object, float] = {}
    for level, size in sizes.items():
        name = REST if level in small else level
        goal[name] = goal.get(name, 0.0) + size
    return levels.where(~levels.isin(small), REST), {level: size for level, size in goal.items() if size > 0}
