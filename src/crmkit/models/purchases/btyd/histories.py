"""What does a model say of each customer, computed once for each different history, kinds of customers told apart?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.models.purchases.btyd.covariates import CovariateFit
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.tuples import check_histories, group_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histories:
    """The different purchase histories of some customers, each once, and the way back to every customer.

    Parameters
    ----------
    columns : array, shape (3, rows)
        Repeat purchases, recency and T, in the unit of the models.
    inverse, n : arrays
        Which row each customer has, and how many customers have each row.
    kind : array, shape (rows,)
        Which kind of customer each row belongs to, where models have covariates.
    kinds : sequence of mapping
        Covariates of each kind; empty where models have none.
    """

    columns: Floats
    inverse: Ints
    n: Ints
    kind: Ints
    kinds: Sequence[Mapping[str, float]] = ()

    @property
    def everyone(self) -> Histories:
        """The same with a row per customer, in their order."""
        place = np.arange(len(self.inverse))
        return Histories(self.columns[:, self.inverse], place, np.ones_like(place), self.kind[self.inverse], self.kinds)

    def each(self, model: Fitted | CovariateFit, function: Callable[..., ArrayLike], *beside: Floats) -> Floats:
        """What a function of a model, histories and columns beside them gives for each row, by the parameters of its kind."""
        if not isinstance(model, CovariateFit):
            return np.asarray(function(model, *self.columns, *beside), dtype="float64")
        parts = [(model.at(covariates), self.kind == number) for number, covariates in enumerate(self.kinds)]
        pieces = [
            (own, np.asarray(function(one, *self.columns[:, own], *(column[own] for column in beside)), dtype="float64"))
            for one, own in parts
            if own.any()
        ]
        out = np.empty((*pieces[0][1].shape[:-1], self.columns.shape[1]))
        for own, piece in pieces:
            out[..., own] = piece
        return out


def histories(
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    kind: ArrayLike | None = None,
    kinds: Sequence[Mapping[str, float]] = (),
) -> Histories:
    """Which different histories do these customers have, those of different kinds kept apart?

    Parameters
    ----------
    frequency, recency, T : array_like, shape (customers,)
        As for :func:`crmkit.models.purchases.btyd.tuples`, in the unit of the models.
    kind : array_like of whole numbers, shape (customers,), optional
        Which of ``kinds`` each customer is.
    kinds : sequence of mapping
        Covariates of each kind.

    Returns
    -------
    Histories
        Rows sorted by frequency, recency, T, and kind.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history.

    Examples
    --------
    >>> h = histories([2, 0, 2], [30, 0, 30], [39, 39, 39])
    >>> h.columns.tolist(), h.inverse.tolist(), h.n.tolist()
    ([[0.0, 2.0], [0.0, 30.0], [39.0, 39.0]], [1, 0, 1], [1, 2])
    """
    given = check_histories(frequency, recency, T)
    label = np.zeros(len(given[0])) if kind is None else np.asarray(kind, dtype=np.float64)
    groups = group_rows((*given, label))
    *columns, place = (column.values[column.position] for column in groups.columns)
    return Histories(np.array(columns), groups.inverse, groups.size, place.astype(np.int64), kinds)
