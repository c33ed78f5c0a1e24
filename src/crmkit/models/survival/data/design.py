"""From a table of covariates to the numbers of a model: dummies, their grouping into terms, and faults named by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError, Problem, counted, did_you_mean, rows

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Term:
    """One covariate and the columns of numbers it stands for.

    Parameters
    ----------
    name : str
        Column of the table of covariates.
    levels : tuple
        Levels with a column of their own; empty for a number.
    reference : object
        The level that the others are compared with; None for a number.
    start, stop : int
        Its columns, `start <= column < stop`.
    """

    name: str
    levels: tuple[Any, ...]
    reference: Any
    start: int
    stop: int


@dataclass(frozen=True)
class Design:
    """The terms of a model, and the names of its columns of numbers, for example ``plan[year]``."""

    terms: tuple[Term, ...]
    columns: tuple[str, ...]


def make_design(covariates: pd.DataFrame, *, references: Mapping[str, Any] | None = None, called: str = "covariates") -> Design:
    """Which columns of numbers does a model of these covariates need?

    Parameters
    ----------
    covariates : pandas.DataFrame
        A column per covariate. Numbers and booleans enter as they are; text and categories become a dummy per level.
    references : mapping of column to level, optional
        With which level the others are compared; the first one (of a category's own order, else sorted) where not given.
    called : str
        What the table is in the words of who gave it.

    Raises
    ------
    ModelError
        For missing values, dates, an unknown column or level; all at once, by name.
    """
    import pandas as pd

    wanted = dict(references or {})
    faults = [
        Problem(f"references: column '{name}'", "does not exist", did_you_mean(name, map(str, covariates.columns)))
        for name in wanted
        if name not in covariates.columns
    ]
    terms: list[Term] = []
    names: list[str] = []
    for name in covariates.columns:
        column = covariates[name]
        faults += _missing(column, str(name), called)
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            terms.append(Term(str(name), (), None, len(names), len(names) + 1))
            names.append(str(name))
            continue
        if pd.api.types.is_datetime64_any_dtype(column):
            faults.append(Problem(f"{called}: column '{name}'", "holds dates", "turn it into a number, for example days until"))
            continue
        levels = _levels(column)
        reference = wanted.get(str(name), levels[0] if levels else None)
        if levels and reference not in levels:
            faults.append(
                Problem(
                    f"references: column '{name}'",
                    f"has no level '{reference}'",
                    did_you_mean(str(reference), map(str, levels)),
                )
            )
            continue
        others = tuple(level for level in levels if level != reference)
        terms.append(Term(str(name), others, reference, len(names), len(names) + len(others)))
        names += [f"{name}[{level}]" for level in others]
    if not len(covariates.columns):
        faults.append(Problem(f"{called}:", "there are no columns", "at least one is needed"))
    if faults:
        raise ModelError(faults)
    return Design(tuple(terms), tuple(names))


def encode(design: Design, covariates: pd.DataFrame, *, strict: bool = True) -> Floats:
    """The covariates as numbers, in the columns of a design.

    Parameters
    ----------
    design : Design
    covariates : pandas.DataFrame
        Must have the design's columns; others are ignored.
    strict : bool
        Whether missing values and unknown levels are refused; otherwise the whole term is nan there.

    Returns
    -------
    array of float64, shape (n, columns)

    Raises
    ------
    ModelError
        For a missing column, and, if strict, for missing values and unknown levels, by name.
    """
    import pandas as pd

    faults = [
        Problem(f"covariates: column '{term.name}'", "is missing", did_you_mean(term.name, map(str, covariates.columns)))
        for term in design.terms
        if term.name not in covariates.columns
    ]
    if faults:
        raise ModelError(faults)
    out = np.zeros((len(covariates), len(design.columns)), order="F")
    for term in design.terms:
        column = covariates[term.name]
        if strict:
            faults += _missing(column, term.name, "covariates")
        if term.reference is None:
            out[:, term.start] = pd.to_numeric(column, errors="coerce").astype("float64")
            continue
        known = (term.reference, *term.levels)
        code = pd.Categorical(column, categories=list(known)).codes
        for k in range(len(term.levels)):
            out[:, term.start + k] = code == k + 1
        unknown = np.flatnonzero((code < 0) & column.notna().to_numpy())
        if strict and len(unknown):
            level = column.iloc[unknown[0]]
            what = f"has the level '{level}' in {counted(len(unknown), 'row')}, which the model has not seen"
            faults.append(Problem(f"covariates: column '{term.name}'", what, did_you_mean(str(level), map(str, known))))
        out[code < 0, term.start : term.stop] = np.nan
    if faults:
        raise ModelError(faults)
    return out


def natural_spline(x: Floats, knots: Floats) -> Floats:
    """A basis of curves that are cubic between the knots and straight beyond the outer ones, without the constant.

    Parameters
    ----------
    x : array, shape (n,)
    knots : array, shape (k,)
        Rising and different.

    Returns
    -------
    array, shape (n, k - 1)
        x itself, and k - 2 truncated cubes, in units of the distance of the outer knots; x alone for fewer than three knots.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009), The Elements of Statistical Learning, section 5.2.1.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])).shape
    (3, 2)
    """
    at = np.asarray(knots, dtype=np.float64)
    if (np.diff(at) <= 0).any():
        raise ModelError("spline: the knots must rise")
    if len(at) < 3:
        return np.asarray(x, dtype=np.float64)[:, None]
    width = at[-1] - at[0]

    def cubes(k: int) -> Floats:
        return np.asarray((np.maximum(x - at[k], 0) ** 3 - np.maximum(x - at[-1], 0) ** 3) / (at[-1] - at[k]) / width**2)

    last = cubes(len(at) - 2)
    return np.column_stack([x, *[cubes(k) - last for k in range(len(at) - 2)]])


def check_columns(design: Design, X: Floats, *, weight: Floats, events: Floats) -> None:
    """Can the effects of these columns be told apart, and does each occur among leavers and stayers?

    Parameters
    ----------
    design : Design
    X : array of shape (n, columns)
        From :func:`encode`, a row per customer or per pattern.
    weight, events : arrays of shape (n,)
        Customers per row, and how many of them left.

    Raises
    ------
    ModelError
        Names the columns that are constant, that are sums of others (and which), or that separate: all or none of whose
        customers leave, so that the effect would be infinite.
    """
    total = weight.sum()
    mean = weight @ X / total
    spread = np.sqrt(np.maximum(weight @ (X - mean) ** 2 / total, 0.0))
    faults = []
    constant = spread <= TOLERANCE * np.maximum(1.0, np.abs(mean))
    for j in np.flatnonzero(constant):
        faults.append(Problem(f"covariates: '{design.columns[j]}'", f"is {mean[j]:g} for every customer", "leave it out"))
    for j in np.flatnonzero(~constant):
        faults += _separation(design.columns[j], X[:, j], weight, events)
    if not constant.any():
        faults += _collinear(design, X, weight)
    if faults:
        raise ModelError(faults)


def inflation(design: Design, X: Floats, *, weight: Floats | None = None) -> Floats:
    """By which factor does correlation with the other columns widen each variance (VIF)? Array per column, 1 or more."""
    w = np.ones(len(X)) if weight is None else weight
    centred = X - w @ X / w.sum()
    gram = (centred * w[:, None]).T @ centred
    scale = np.sqrt(np.diag(gram))
    return np.asarray(np.diag(np.linalg.inv(gram / np.outer(scale, scale))))


def dependent_columns(X: Floats, *, weight: Floats | None = None) -> dict[int, list[int]]:
    """Which columns follow exactly from those before them, and from which?

    Parameters
    ----------
    X : array of shape (n, columns)
        No column is constant.
    weight : array of shape (n,), optional

    Returns
    -------
    dict
        Place of the column: places of the columns that it is a sum of, up to a constant.
    """
    w = np.ones(len(X)) if weight is None else weight
    mean = w @ X / w.sum()
    Z = (X - mean) / np.sqrt(w @ (X - mean) ** 2 / w.sum())
    gram = (Z * w[:, None]).T @ Z / w.sum()
    found: dict[int, list[int]] = {}
    kept = [0]
    for j in range(1, len(gram)):
        explained = np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, j])
        if gram[j, j] - gram[j, kept] @ explained > TOLERANCE:
            kept.append(j)
        else:
            found[j] = [kept[k] for k in np.flatnonzero(np.abs(explained) > 1e-6)]
    return found


def _collinear(design: Design, X: Floats, weight: Floats) -> list[Problem]:
    faults = []
    for j, sources in dependent_columns(X, weight=weight).items():
        partners = ", ".join(f"'{design.columns[k]}'" for k in sources)
        faults.append(
            Problem(f"covariates: '{design.columns[j]}'", f"follows exactly from {partners}", "leave one of them out")
        )
    return faults


def _separation(name: str, x: Floats, weight: Floats, events: Floats) -> list[Problem]:
    left = x[events > 0]
    if not len(left):
        return []
    if not all(((part == 0) | (part == 1)).all() for part in (x[:100], x)):  # most numbers are told by their first few
        return []
    found = []
    for value in (0.0, 1.0):
        have = x == value
        customers, leavers = weight[have].sum(), events[have].sum()
        if leavers == 0 or leavers >= customers:
            what = (
                f"separates: of the {customers:g} customers with the value {value:g}, {'none' if leavers == 0 else 'all'} left"
            )
            if leavers == 0:  # all leaving is no infinite effect in a model of times
                found.append(Problem(f"covariates: '{name}'", what, "join the level with another, or leave the column out"))
    return found


def _levels(column: pd.Series[Any]) -> tuple[Any, ...]:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(column.cat.remove_unused_categories().cat.categories)
    return tuple(sorted(column.dropna().unique(), key=str))


def _missing(column: pd.Series[Any], name: str, called: str) -> list[Problem]:
    import pandas as pd

    empty = column.isna().to_numpy()
    if pd.api.types.is_float_dtype(column):
        empty = empty | np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    found = np.flatnonzero(empty)
    if not len(found):
        return []
    where = rows(found[:5].tolist(), len(found))
    what = f"is missing or infinite in {len(found)} of {len(column)} rows ({where})"
    return [Problem(f"{called}: column '{name}'", what, "fill it in and say how, or leave these customers out and count them")]
