"""Would all customers have said the same as those who answered? Weights that give each group its part, and their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.analyses.satisfaction.estimates import CES, CSAT, NPS, TOP, contribution, main_scores
from crmkit.analyses.satisfaction.labels import SCORE_COLUMNS, group_label, quantity, too_few
from crmkit.analyses.satisfaction.population import REST, UNKNOWN
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.errors import ModelError, ParamError, Problem, did_you_mean
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.purchases.calibrated import Mean, weighted_mean
from crmkit.models.survey.weighting import Raking, rake

if TYPE_CHECKING:
    import pandas as pd

FEWEST_PER_LEVEL = 5
LEAST_KNOWN = 0.5
AS_ANSWERED, OF_ALL = mark("as answered"), mark("all customers, weighted")
UNWEIGHTED = Text("no weights could be made: {reason}")


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
    unknown = [name for name in margins if name not in past.population.groups]
    if unknown:
        raise ParamError(
            [Problem("margins:", f"no group '{name}'", did_you_mean(name, past.population.groups)) for name in unknown]
        )
    names = tuple(margins or past.population.groups)
    rakings: dict[str, Raking] = {}
    known: dict[str, NDArray[np.bool_]] = {}
    reasons: dict[str, Text] = {}
    for wave in past.waves.names:
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
        return Text("{n} {n:answer|answers} of known customers {n:is|are} too few", {"n": Quantity(int(known.sum()), "count")})
    if known.mean() < LEAST_KNOWN:
        return Text(
            "of {share} of the answers the customer is not known", {"share": Quantity(1 - float(known.mean()), "share")}
        )
    base = past.population.margins[past.population.margins["wave"] == wave]
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


def weighted_score(
    past: Survey, weights: Weights, wave: str, item: Item, *, top: bool = False
) -> tuple[float, float, float, float] | None:
    """Score of all customers: value, low, high, effective n; None without weights. Satisfaction with `top` as a share."""
    share = top and item.kind != "nps"
    found = weights.mean(past, wave, contribution(item, past.at(wave), top=share), scale="logit" if share else "linear")
    if found is None:
        return None
    ends = (-100.0, 100.0) if item.kind == "nps" else (0.0, 1.0) if share else (item.low, item.high)
    return found.value, max(found.low, ends[0]), min(found.high, ends[1]), found.effective_n


def weighting(past: Survey, weights: Weights) -> Result:
    """Would all customers have given the same scores as those who answered?

    Returns
    -------
    Result
        Table ``group, measure, value, low, high, n, unit, method``: each score of the wave as answered, and weighted to the
        customers (calibrated standard errors; n is the effective one).
    """
    name, title = "satisfaction_weighting", Text("Scores as answered, and weighted to all customers")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    if past.waves.reported not in weights.rakings:
        return not_assessed(name, title, Text(UNWEIGHTED.template, {"reason": weights.reasons[past.waves.reported]}))
    listed: list[dict[str, object]] = []
    for row in main_scores(past, past.current):
        item, top = _source(past, str(row["group"]))
        found = weighted_score(past, weights, past.waves.reported, item, top=top)
        if found is None:
            continue
        value, low, high, n = found
        weighted = {**row, "measure": OF_ALL, "value": value, "low": low, "high": high, "n": n, "method": mark("calibrated")}
        listed += [{**row, "measure": AS_ANSWERED}, weighted]
    if not listed:
        return not_assessed(name, title, Text("there are too few answers"))
    table = estimates(listed)
    table.attrs["confidence"] = past.confidence
    raking = weights.rakings[past.waves.reported]
    note = Text(
        "Raked to {margins} of {base} customers; weights up to {trim} times the mean, {trimmed} of the answers held there, "
        "largest gap {gap} percentage points. Design effect {deff} (Kish), effective n {n} of {answers}, largest weight "
        "{ratio} times the median. Standard errors know the margins.",
        {
            "margins": in_a_row([group_label(name) for name in weights.margins]),
            "base": Quantity(0 if past.population.customers is None else len(past.population.customers), "count"),
            "trim": Quantity(weights.trim, "number"),
            "trimmed": Quantity(raking.trimmed_share, "share"),
            "gap": Quantity(100 * raking.largest_gap, "points"),
            "deff": Quantity(raking.design_effect, "score"),
            "n": Quantity(raking.effective_n, "count"),
            "answers": Quantity(len(raking.weights), "count"),
            "ratio": Quantity(raking.largest_ratio, "score"),
        },
    )
    return Result(name, "table", title, table, SCORE_COLUMNS, finding=_weighting_finding(table), note=note)


def _source(past: Survey, label: str) -> tuple[Item, bool]:
    """The item behind a leading score, and whether it is a share."""
    kind = "nps" if label == NPS else "csat" if label in (CSAT, TOP) else "ces"
    return past.of_kind(kind)[0], label not in (NPS, CSAT, CES)


def _weighting_finding(table: pd.DataFrame) -> Finding:
    moved: list[tuple[float, pd.Series[Any], pd.Series[Any]]] = []
    for _, pair in table.groupby("group", sort=False):
        before, after = pair.iloc[0], pair.iloc[1]
        width = max(float(before["high"]) - float(before["low"]), 1e-12)
        moved.append((abs(float(after["value"]) - float(before["value"])) / width, before, after))
    size, before, after = max(moved, key=lambda one: one[0])
    numbers: dict[str, Quantity | Text | str] = {
        "score": Text(str(before["group"])),
        "before": Quantity(before["value"], before["unit"]),
        "after": quantity(after),
    }
    evidence = ("satisfaction_weighting",)
    if size < 0.25:
        text = Text("Weighting hardly changes the scores: those who answered speak for the customers in what is known.")
        return Finding("satisfaction.weighting", "good", True, text, evidence=evidence)
    text = Text(
        "Weighted to all customers, {score} is {after} instead of {before}: who answered is not like who kept silent.", numbers
    )
    return Finding("satisfaction.weighting", "info", None, text, evidence=evidence)
