"""How grave is a risk? A lookup table from likelihood and impact to a grade, and how sure the grade is.

The table only grades. Ranking within a grade is by expected loss, because products of ranks mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark

Floats = NDArray[np.float64]
Integers = NDArray[np.int_]

GRADES = (mark("low"), mark("medium"), mark("high"), mark("very high"))
LEVELS = 5
EVEN = (0.2, 0.4, 0.6, 0.8)
# one row per likelihood, lowest first; impact grows to the right; places in GRADES
CONSISTENT = ((0, 0, 0, 0, 1), (0, 0, 1, 1, 1), (0, 1, 1, 2, 2), (0, 1, 2, 2, 3), (1, 1, 2, 3, 3))


@dataclass(frozen=True)
class RiskMatrix:
    """A table of grades, and where the levels of likelihood and impact begin.

    Parameters
    ----------
    cells : tuple of 5 tuples of 5 int
        Grade of each cell as a place in ``grades``; rows: likelihood, lowest first; columns: impact.
    likelihood_cuts : tuple of 4 float
        Where levels 2 to 5 begin, between 0 and 1.
    impact_cuts : tuple of 4 float
        Where levels 2 to 5 begin, as shares of the loss at which the scale ends, between 0 and 1.
    grades : tuple of str
        From the least grave.

    Raises
    ------
    ModelError
        When the table or the cuts have another shape or order.
    """

    cells: tuple[tuple[int, ...], ...] = CONSISTENT
    likelihood_cuts: tuple[float, ...] = EVEN
    impact_cuts: tuple[float, ...] = EVEN
    grades: tuple[str, ...] = GRADES

    def __post_init__(self) -> None:
        problems = []
        if len(self.cells) != LEVELS or any(len(row) != LEVELS for row in self.cells):
            problems.append("risk matrix: the table needs 5 rows of 5 grades")
        elif not all(0 <= cell < len(self.grades) for row in self.cells for cell in row):
            problems.append(f"risk matrix: a cell holds no grade; places go from 0 to {len(self.grades) - 1}")
        for name, cuts in (("likelihood_cuts", self.likelihood_cuts), ("impact_cuts", self.impact_cuts)):
            if len(cuts) != LEVELS - 1 or not all(a < b for a, b in zip((0.0, *cuts), (*cuts, 1.0), strict=True)):
                problems.append(f"risk matrix: {name} are {list(cuts)}; 4 rising numbers between 0 and 1 are needed")
        if problems:
            raise ModelError(problems)


@dataclass(frozen=True, eq=False)
class Graded:
    """Grades of risks: `likelihood` and `impact` as levels 1 to 5, `grade` as a place in the matrix's grades."""

    likelihood: Integers
    impact: Integers
    grade: Integers


def grade(matrix: RiskMatrix, likelihood: ArrayLike, impact: ArrayLike) -> Graded:
    """How grave is each risk?

    Parameters
    ----------
    matrix : RiskMatrix
    likelihood : array
        Probabilities, 0 to 1.
    impact : array of the same shape
        Losses as shares of the loss at which the scale ends, 0 or more; what is beyond 1 counts as 1.

    Returns
    -------
    Graded

    Raises
    ------
    ModelError
        For a probability outside 0 to 1, a negative loss, or a missing value.

    Examples
    --------
    >>> found = grade(RiskMatrix(), [0.1, 0.9, 0.7], [0.9, 0.9, 0.5])
    >>> [GRADES[place] for place in found.grade]
    ['medium', 'very high', 'high']
    """
    p, loss = np.broadcast_arrays(np.asarray(likelihood, dtype=np.float64), np.asarray(impact, dtype=np.float64))
    if not ((p >= 0) & (p <= 1)).all():
        raise ModelError("risk matrix: a likelihood lies outside 0 to 1, or is missing")
    if not (loss >= 0).all():
        raise ModelError("risk matrix: an impact is below 0, or is missing")
    rows = np.searchsorted(matrix.likelihood_cuts, p, side="right")
    columns = np.searchsorted(matrix.impact_cuts, loss, side="right")
    return Graded(rows + 1, columns + 1, np.asarray(matrix.cells)[rows, columns])


def stability(matrix: RiskMatrix, likelihood: float, impact: float, *, draws: Sequence[ArrayLike]) -> float:
    """In which share of resamples does a risk keep its grade?

    Parameters
    ----------
    matrix : RiskMatrix
    likelihood, impact : float
        The estimates.
    draws : two arrays of shape (draws,)
        Resampled likelihoods and impacts.

    Returns
    -------
    float
        0 to 1.

    Examples
    --------
    >>> stability(RiskMatrix(), 0.5, 0.5, draws=([0.5, 0.5, 0.1, 0.9], [0.5, 0.55, 0.5, 0.5]))
    0.5
    """
    here = grade(matrix, likelihood, impact).grade
    return float(np.mean(grade(matrix, *draws).grade == here))
