"""How do features become the columns of a model? Chosen, filled, held within limits, rare levels joined; always alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.core.errors import ModelError
from crmkit.core.language import mark

if TYPE_CHECKING:
    import pandas as pd

# what is the clock itself or only serves to make others; and what is left out where something better is there
LEFT_OUT = ("tenure_days", "usage_recent", "usage_before", "days_since_csat", "spent", "purchase_days")
INSTEAD = {"mrr": "plan", "days_since_interaction": "usage_change"}
SKEWED = ("purchase_rate", "mean_amount", "known_days", "silence_share", "days_since_last", "mrr", "days_since_interaction")
EDGES = (0.01, 0.99)
MOST_MISSING, FLAG_FROM = 0.9, 0.01
RARE_ROWS, RARE_EVENTS = 50, 5
MOST_LEVELS = 8
REST = "other"
ABSENT = " (none)"
TWIN = 0.97


@dataclass(frozen=True)
class Number:
    """A number: its limits, what fills a gap, whether a gap is told, and whether it counts on a logarithmic scale."""

    name: str
    low: float
    high: float
    fill: float
    told: bool
    log: bool


@dataclass(frozen=True)
class Word:
    """A classification: the levels that stand alone, and the one that all others join."""

    name: str
    levels: tuple[str, ...]
    rest: str


@dataclass(frozen=True)
class Recipe:
    """How features become columns, and which were left out with the reason."""

    numbers: tuple[Number, ...]
    words: tuple[Word, ...]
    dropped: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns made, in order."""
        told = [name for one in self.numbers for name in ((one.name, one.name + ABSENT) if one.told else (one.name,))]
        return (*(one.name for one in self.words), *told)


def learn_recipe(rows: pd.DataFrame, features: Sequence[str], *, chosen: Sequence[str] = ()) -> Recipe:
    """Which features can be used, and how?

    Parameters
    ----------
    rows : DataFrame
        Training rows with ``event_observed``.
    features : sequence of str
        Columns that are there.
    chosen : sequence of str
        Columns that were asked for; empty: all but those that are made of others.

    Returns
    -------
    Recipe
        Constant columns, columns missing nearly always and twins of others are left out, with the reason.
    """
    import pandas as pd

    names = list(chosen) or [name for name in features if name not in LEFT_OUT and INSTEAD.get(name) not in features]
    event = rows["event_observed"].to_numpy(dtype=bool)
    numbers: list[Number] = []
    words: list[Word] = []
    dropped: list[tuple[str, str]] = []
    for name in names:
        column = rows[name]
        if column.isna().mean() > MOST_MISSING:
            dropped.append((name, mark("missing nearly always")))
        elif pd.api.types.is_datetime64_any_dtype(column):
            dropped.append((name, mark("holds dates; turn it into a number, for example days until")))
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            number = _number(name, column, event)
            twin = _twin(number, numbers, rows) if number else None
            if number is None:
                dropped.append((name, mark("the same for nearly everybody")))
            elif twin and name not in chosen:
                dropped.append((name, f"tells the same as {twin}"))
            else:
                numbers.append(number)
        else:
            word = _word(name, column, event)
            if len(word.levels) < 2:
                dropped.append((name, mark("the same for nearly everybody")))
            else:
                words.append(word)
    if not numbers and not words:
        raise ModelError("churn model: there is no column that could explain leaving; every one is constant or missing")
    return _without_doubles(Recipe(tuple(numbers), tuple(words), tuple(dropped)), rows, chosen)


def _without_doubles(recipe: Recipe, rows: pd.DataFrame, chosen: Sequence[str]) -> Recipe:
    """Without what follows exactly from the rest, except what was asked for by name.

    Customers of whom nothing is known are "other" in every classification at once: they are told apart by one of them, and
    stand with the most frequent level in the rest.
    """
    from crmkit.models.survival.data.design import dependent_columns, encode, make_design

    while True:
        made = apply_recipe(recipe, rows)
        design = make_design(made)
        double = next(iter(dependent_columns(encode(design, made))), None)
        if double is None:
            return recipe
        name = next(term.name for term in design.terms if term.start <= double < term.stop)
        word = next((one for one in recipe.words if one.name == name), None)
        if (
            word is not None
            and word.rest == REST
            and len(word.levels) > 2
            and double == design.columns.index(f"{name}[{REST}]")
        ):
            joined = Word(name, tuple(level for level in word.levels if level != REST), word.levels[0])
            recipe = replace(recipe, words=tuple(joined if one is word else one for one in recipe.words))
            continue
        if name.endswith(ABSENT):  # who the gap is in is told by another column
            plain = (replace(one, told=one.told and one.name + ABSENT != name) for one in recipe.numbers)
            recipe = replace(recipe, numbers=tuple(plain))
        elif name in chosen:  # the fit says so, and names both
            return recipe
        else:
            recipe = _left_out(recipe, name, "follows exactly from the others")


def _left_out(recipe: Recipe, name: str, reason: str) -> Recipe:
    return Recipe(
        tuple(one for one in recipe.numbers if one.name != name),
        tuple(one for one in recipe.words if one.name != name),
        (*recipe.dropped, (name, reason)),
    )


def _number(name: str, column: pd.Series[float], event: np.ndarray) -> Number | None:
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    known = values[np.isfinite(values)]
    low, high = (float(x) for x in np.quantile(known, EDGES))
    # a count that is nearly always 0 has its spread beyond the upper limit
    if low == high:
        low, high = float(known.min()), float(np.quantile(known, 0.999))
    inside = np.clip(known, low, high)
    if high <= low or min((inside > low).sum(), (inside < high).sum()) < RARE_ROWS // 2:
        return None
    left = event[np.isfinite(values)]
    if len(np.unique(inside)) == 2 and min(left[inside > low].sum(), left[inside <= low].sum()) < RARE_EVENTS:
        return None
    gap = ~np.isfinite(values)
    told = bool(gap.mean() >= FLAG_FROM and min(event[gap].sum(), event[~gap].sum()) >= RARE_EVENTS)
    log = name in SKEWED and low >= 0
    return Number(name, low, high, float(np.median(inside)), told, log)


def _twin(number: Number, others: Sequence[Number], rows: pd.DataFrame) -> str | None:
    mine = _values(number, rows)
    for one in others:
        if abs(float(np.corrcoef(mine, _values(one, rows))[0, 1])) > TWIN:
            return one.name
    return None


def _word(name: str, column: pd.Series[str], event: np.ndarray) -> Word:
    import pandas as pd

    words = _words(column)
    counts = words.value_counts()
    leavers = pd.Series(event).groupby(words.to_numpy()).sum()
    order = sorted(counts.index, key=lambda level: (-counts[level], level))
    # a level that the client calls like the rest is part of the rest
    able = [one for one in order if one != REST and counts[one] >= RARE_ROWS and leavers[one] >= RARE_EVENTS]
    kept = able[: MOST_LEVELS - 1]
    rest = [one for one in order if one not in kept]
    # what is left over must be able to stand alone, or it joins the smallest level that can
    if rest and (counts[rest].sum() >= RARE_ROWS and leavers[rest].sum() >= RARE_EVENTS):
        return Word(name, (*kept, REST), REST)
    return Word(name, tuple(kept), kept[-1] if kept else REST)


def _words(column: pd.Series[str]) -> pd.Series[str]:
    return column.astype("object").where(column.notna(), REST).astype(str)


def apply_recipe(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns of the model for some customers, and the levels in their order (the most frequent is the reference)."""
    import pandas as pd

    out: dict[str, object] = {}
    for word in recipe.words:
        found = _words(rows[word.name])
        out[word.name] = pd.Categorical(found.where(found.isin(word.levels), word.rest), categories=list(word.levels))
    for number in recipe.numbers:
        out[number.name] = _values(number, rows)
        if number.told:
            out[number.name + ABSENT] = (~np.isfinite(_raw(number, rows))).astype("float64")
    return pd.DataFrame(out, index=rows.index)


def missing_inputs(recipe: Recipe, rows: pd.DataFrame) -> np.ndarray:
    """How many inputs of each customer had to be filled although gaps in them are not part of the model."""
    gaps = [~np.isfinite(_raw(one, rows)) for one in recipe.numbers if not one.told]
    gaps += [rows[one.name].isna().to_numpy() for one in recipe.words]
    return np.sum(gaps, axis=0) if gaps else np.zeros(len(rows), dtype=int)


def _raw(number: Number, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(rows[number.name].to_numpy(dtype="float64", na_value=np.nan))


def _values(number: Number, rows: pd.DataFrame) -> np.ndarray:
    raw = _raw(number, rows)
    filled = np.clip(np.where(np.isfinite(raw), raw, number.fill), number.low, number.high)
    return np.asarray(np.log1p(filled) if number.log else filled)
