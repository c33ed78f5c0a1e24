"""Which way do cases take, and where do they wait? The directly-follows graph of their events, and what can be read from it.

Events at the same moment are put in the declared order: by the place of their step in the process, then by the number of the
event, then by the name of the step. Other tools leave it to the order of the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNDECLARED = 10**6  # the place of a step that the process does not name: after those that it names


@dataclass(frozen=True, eq=False)
class Log:
    """Events in the order in which they happened, case by case.

    Parameters
    ----------
    case : array of int, shape (n,)
        Number of the case, rising.
    seconds : array of int
        When, rising within a case.
    step, team : array of int
        Place in ``steps`` and ``teams``; -1: not known.
    place : array of int
        Declared place of the step in the process of its case; :data:`UNDECLARED` where it has none.
    begins : array of bool
        Whether the event is the first of its case.
    steps, teams : tuple of str
    """

    case: Ints
    seconds: Ints
    step: Ints
    team: Ints
    place: Ints
    begins: Bools
    steps: tuple[str, ...]
    teams: tuple[str, ...]

    @property
    def cases(self) -> int:
        return int(self.begins.sum())

    @property
    def gap(self) -> Ints:
        """Seconds since the event before of the same case; 0 at its first."""
        return np.where(self.begins, 0, np.diff(self.seconds, prepend=self.seconds[:1]))


def event_log(
    case: ArrayLike,
    moment: ArrayLike,
    activity: Any,
    *,
    place: ArrayLike | None = None,
    number: ArrayLike | None = None,
    team: Any = None,
) -> Log:
    """What happened to each case, in which order?

    Parameters
    ----------
    case : array_like, shape (n,)
        Which case an event belongs to.
    moment : array_like of datetime64, or of int seconds, shape (n,)
    activity : array_like of str, shape (n,)
        The step.
    place : array_like of int, optional
        Declared place of the step, missing (nan or negative) where it has none; it decides among events at the same moment.
    number : array_like, optional
        Of the event, for those that moment and place do not tell apart.
    team : array_like of str, optional
        Who did it.

    Returns
    -------
    Log

    Raises
    ------
    ModelError
        When a case, a moment or a step is missing, or lengths differ.

    Examples
    --------
    >>> log = event_log(["A", "A", "B"], [5, 5, 7], ["solve", "receive", "receive"], place=[2, 1, 1])
    >>> [log.steps[one] for one in log.step], log.cases
    (['receive', 'solve', 'receive'], 2)
    """
    import pandas as pd

    (cases, _), (steps, names) = _codes(case, "case"), _codes(activity, "step")
    teams, team_names = (np.full(len(cases), -1), ()) if team is None else _codes(team, "")
    seconds = np.asarray(moment)
    if seconds.dtype.kind == "M":
        if np.isnat(seconds).any():
            raise ModelError(f"events: row {int(np.flatnonzero(np.isnat(seconds))[0]) + 1} has no moment; leave it out")
        seconds = seconds.astype("datetime64[s]").astype(np.int64)
    declared = np.full(len(cases), UNDECLARED)
    if place is not None:
        given = np.asarray(place, dtype=np.float64)
        declared = np.where(given >= 0, np.nan_to_num(given), UNDECLARED).astype(np.int64)
    if not len(cases) == len(seconds) == len(steps) == len(declared) == len(teams):
        raise ModelError("events: cases, moments, steps, places and teams have different lengths")
    ties = [] if number is None else [pd.factorize(np.asarray(number), sort=True)[0]]
    order = _order(cases, seconds.astype(np.int64), declared, [steps, *ties])
    cases = cases[order]
    begins = np.append(True, cases[1:] != cases[:-1])[: len(cases)]
    return Log(cases, seconds[order], steps[order], teams[order], declared[order], begins, names, team_names)


def _codes(values: Any, what: str) -> tuple[Ints, tuple[str, ...]]:
    """Numbers of texts, in the order of the alphabet; a missing one is refused where `what` names it."""
    import pandas as pd

    series = pd.Series(values)
    codes, found = pd.factorize(series, sort=False)
    if what and (codes < 0).any():
        raise ModelError(f"events: row {int(np.flatnonzero(codes < 0)[0]) + 1} has no {what}; leave it out")
    names = np.asarray(found.astype(str) if len(found) else [], dtype=object)
    if what == "case":  # any order will do
        return codes.astype(np.int64), ()
    order = np.argsort(names, kind="stable")
    rank = np.empty(len(names) + 1, dtype=np.int64)
    rank[order], rank[-1] = np.arange(len(names)), -1
    return rank[codes], tuple(str(names[at]) for at in order)


def _order(case: Ints, seconds: Ints, place: Ints, ties: Sequence[Ints]) -> Ints:
    """Order by case, moment, place, number, step: where case and moment fit into one number, only ties are sorted twice."""
    if not len(case):
        return np.zeros(0, dtype=np.int64)
    span = int(seconds.max() - seconds.min()) + 1
    if span * (int(case.max()) + 1) >= 2**62:
        return np.lexsort((*ties, place, seconds, case))
    key = case * span + (seconds - seconds.min())
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    same = ranked[1:] == ranked[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
        rows = order[tied]
        order[tied] = rows[np.lexsort((*(tie[rows] for tie in ties), place[rows], key[rows]))]
    return order


def follows(log: Log) -> pd.DataFrame:
    """Which step follows which, and how often? The directly-follows graph alone.

    Returns
    -------
    pandas.DataFrame
        ``before, after`` (names), ``n``; in the order of the names.

    Examples
    --------
    >>> follows(event_log(["A", "A", "A"], [0, 1, 2], ["ask", "ask", "solve"])).values.tolist()
    [['ask', 'ask', 1], ['ask', 'solve', 1]]
    """
    import pandas as pd

    names, width = np.asarray([*log.steps, ""], dtype=object), len(log.steps)
    after = np.flatnonzero(~log.begins)
    pairs = np.bincount(log.step[after - 1] * width + log.step[after], minlength=width * width)
    there = np.flatnonzero(pairs)
    return pd.DataFrame({"before": names[there // max(width, 1)], "after": names[there % max(width, 1)], "n": pairs[there]})


def edges(log: Log, *, confidence: float = 0.95) -> pd.DataFrame:
    """Which step follows which, how often, and how long does that take?

    Returns
    -------
    pandas.DataFrame
        A row per pair of steps, that with the longest waiting in all first: ``before, after`` (names), ``n`` (times),
        ``cases``, ``median, p90`` (seconds between them), ``seconds`` (in all), ``share, low, high`` (of the time of all cases,
        0 to 1).

    Notes
    -----
    The interval of a share is that of a ratio of sums over cases, linearised; cases are independent of each other.

    Examples
    --------
    >>> log = event_log(["A", "A", "A", "B", "B"], [0, 10, 40, 0, 20], ["ask", "look", "solve", "ask", "look"])
    >>> edges(log)[["before", "after", "n", "median", "seconds"]].values.tolist()
    [['ask', 'look', 2, 15.0, 30.0], ['look', 'solve', 1, 30.0, 30.0]]
    """
    import pandas as pd

    follows = np.flatnonzero(~log.begins)
    names, width = np.asarray(log.steps, dtype=object), len(log.steps)
    pair = log.step[follows - 1] * width + log.step[follows]
    gap, case = log.gap[follows].astype(np.float64), log.case[follows]
    kinds, key = np.unique(pair, return_inverse=True) if width > 180 else _dense(pair, width * width)
    table = _per_key(key, len(kinds), gap, case, confidence)
    table.insert(0, "before", names[kinds // width] if len(kinds) else [])
    table.insert(1, "after", names[kinds % width] if len(kinds) else [])
    ranked = table.sort_values(["seconds", "n", "before", "after"], ascending=[False, False, True, True], kind="stable")
    return pd.DataFrame(ranked.reset_index(drop=True))


def _dense(pair: Ints, most: int) -> tuple[Ints, NDArray[Any]]:
    """The pairs that occur, and each row's place among them; counted, which is faster than sorting."""
    kinds = np.flatnonzero(np.bincount(pair, minlength=most))
    place = np.zeros(most, dtype=np.uint16)
    place[kinds] = np.arange(len(kinds))
    return kinds.astype(np.int64), place[pair]


def _per_key(key: NDArray[Any], keys: int, gap: Floats, case: Ints, confidence: float) -> pd.DataFrame:
    """Of each key, how often, in how many cases, quantiles of the gap, and its share of all gaps; rows are ordered by case."""
    import pandas as pd

    order = np.argsort(key, kind="stable")
    key, gap, case = key[order].astype(np.int64), gap[order], case[order]
    n = np.bincount(key, minlength=keys)
    last = np.cumsum(n)
    first = last - n  # the rows of a key
    # what one case adds to one key: rows of a key are still ordered by case
    starts = np.flatnonzero(np.append(True, (key[1:] != key[:-1]) | (case[1:] != case[:-1]))[: len(key)])
    added = np.add.reduceat(gap, starts) if len(starts) else np.zeros(0)
    of_key, of_case = key[starts], case[starts]
    whole = np.bincount(of_case, weights=added) if len(added) else np.zeros(0)
    sums, total, cases = np.bincount(of_key, weights=added, minlength=keys), whole.sum(), max(int((whole > 0).sum()), 1)
    squares = np.bincount(of_key, weights=added**2, minlength=keys)
    products = np.bincount(of_key, weights=added * whole[of_case], minlength=keys)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = sums / total
        variance = squares - 2 * share * products + share**2 * (whole**2).sum()
        reach = critical(confidence) * np.sqrt(np.maximum(variance, 0) * cases / max(cases - 1, 1)) / total
    spans: list[tuple[int, int]] = [(int(a), int(b)) for a, b in zip(first, last, strict=True)]
    quantiles = np.array([_quantiles(gap[a:b]) for a, b in spans]).reshape(keys, 2)
    return pd.DataFrame(
        {
            "n": n,
            "cases": np.bincount(of_key, minlength=keys),
            "median": quantiles[:, 0],
            "p90": quantiles[:, 1],
            "seconds": sums,
            "share": share,
            "low": np.maximum(share - reach, 0),
            "high": np.minimum(share + reach, 1),
        }
    )


def _quantiles(gaps: Floats) -> tuple[float, float]:
    """Median and ninth decile, by the places next to them: nothing is sorted."""
    found = []
    for share in (0.5, 0.9):
        at = share * (len(gaps) - 1)
        low, high = int(np.floor(at)), int(np.ceil(at))
        below, above = np.partition(gaps, (low, high))[[low, high]].tolist()
        found.append(below + (at - low) * (above - below))
    return found[0], found[1]


def steps_table(log: Log, *, idle_seconds: float = 3600.0, confidence: float = 0.95) -> pd.DataFrame:
    """How much does each step stand for: events, repeats, and the waiting before it?

    Parameters
    ----------
    log : Log
    idle_seconds : float
        A gap that is longer counts as waiting.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per step, that with the longest waiting before it first: ``step, n`` (events), ``cases``, ``repeats`` (events
        beyond the first of the case), ``in_a_row`` (of these, those that follow themselves), ``declared`` (whether it has a
        place), ``idle`` (seconds of waiting before it), ``share, low, high`` (of all waiting).
    """
    import pandas as pd

    gap = log.gap.astype(np.float64)
    width = len(log.steps)
    table = _per_key(log.step, width, np.where(gap > idle_seconds, gap, 0.0), log.case, confidence)
    same = np.append(False, (log.step[1:] == log.step[:-1]) & ~log.begins[1:])[: len(log.step)]
    placed = np.bincount(log.step, weights=log.place < UNDECLARED, minlength=width) > 0
    found = pd.DataFrame({"step": list(log.steps), "n": table["n"], "cases": table["cases"]})
    found["repeats"] = found["n"] - found["cases"]
    found["in_a_row"] = np.bincount(log.step, weights=same, minlength=width).astype(np.int64)
    found["declared"] = placed
    found["idle"] = table["seconds"]
    found[["share", "low", "high"]] = table[["share", "low", "high"]]
    return found.sort_values(["idle", "n", "step"], ascending=[False, False, True], kind="stable", ignore_index=True)


def handoffs(log: Log) -> pd.DataFrame:
    """Which team hands cases to which, and how long do they wait then?

    Returns
    -------
    pandas.DataFrame
        A row per pair of different teams: ``before, after, n`` (hand-offs), ``median`` (seconds until the next event),
        ``seconds`` (in all); that with most hand-offs first.
    """
    import pandas as pd

    follows = np.flatnonzero(~log.begins)
    before, after = log.team[follows - 1], log.team[follows]
    changed = (before >= 0) & (after >= 0) & (before != after)
    gaps = pd.DataFrame({"before": before[changed], "after": after[changed], "gap": log.gap[follows][changed]})
    found = gaps.groupby(["before", "after"])["gap"].agg(n="size", median="median", seconds="sum").reset_index()
    names = np.asarray([*log.teams, ""], dtype=object)
    found = found.assign(
        before=names[found["before"].to_numpy(dtype=np.int64)], after=names[found["after"].to_numpy(dtype=np.int64)]
    )
    return found.sort_values(["n", "before", "after"], ascending=[False, True, True], kind="stable", ignore_index=True)


def handoffs_per_case(log: Log) -> Ints:
    """How often does each case change the team? In the order of the cases.

    Examples
    --------
    >>> handoffs_per_case(event_log([1, 1, 1, 2], [0, 1, 2, 0], list("abca"), team=["x", "y", "x", "x"])).tolist()
    [2, 0]
    """
    before = np.append(-1, log.team[:-1])[: len(log.team)]
    changed = ~log.begins & (log.team >= 0) & (before >= 0) & (before != log.team)
    return (
        np.add.reduceat(changed.astype(np.int64), np.flatnonzero(log.begins)) if len(log.case) else np.zeros(0, dtype=np.int64)
    )


def variants(log: Log) -> pd.DataFrame:
    """Which ways do cases take, from the first step to the last?

    Returns
    -------
    pandas.DataFrame
        ``steps`` (tuple of names), ``cases``, ``share`` (of all), the most frequent first.

    Examples
    --------
    >>> variants(event_log(["A", "A", "B"], [0, 1, 0], ["ask", "solve", "ask"]))["steps"].tolist()
    [('ask',), ('ask', 'solve')]
    """
    import pandas as pd

    small = log.step.astype(np.uint8 if len(log.steps) < 256 else np.uint32)
    size, held = small.itemsize, small.tobytes()
    starts = np.append(np.flatnonzero(log.begins), len(small)) * size
    counted = Counter(held[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))
    ways = [(tuple(log.steps[one] for one in np.frombuffer(way, small.dtype)), n) for way, n in counted.items()]
    ways.sort(key=lambda one: (-one[1], one[0]))
    table = pd.DataFrame(ways, columns=["steps", "cases"])
    return table.assign(share=table["cases"] / max(log.cases, 1))


def conformance(log: Log, length: ArrayLike) -> pd.DataFrame:
    """Which cases take the declared steps, each of them, in their order?

    Parameters
    ----------
    log : Log
        With the places of its steps.
    length : array_like of int, shape (events,) or one number
        How many steps the process of the event's case has.

    Returns
    -------
    pandas.DataFrame
        A row per case: ``conforms`` (a step may be done several times in a row; none is left out, none is foreign), ``foreign``
        (events without a place), ``back`` (events whose place lies before that of the declared event before), ``skipped``
        (steps of the process that never happened), ``events``.
    """
    import pandas as pd

    at = np.flatnonzero(log.begins)
    if not len(at):
        return pd.DataFrame({name: [] for name in ("conforms", "foreign", "back", "skipped", "events")})
    known = log.place < UNDECLARED
    before = np.append(0, log.place[:-1])
    before[log.begins] = 0
    step = log.place - before
    wrong = ~known | ((step != 1) & ~((step == 0) & ~log.begins))
    declared = np.broadcast_to(np.asarray(length, dtype=np.int64), log.place.shape)[at]
    furthest = np.maximum.reduceat(np.where(known, log.place, 0), at)
    # the declared events alone, each beside the one before it
    lately = np.flatnonzero(known)
    turned = np.zeros(len(known), dtype=bool)
    turned[lately[1:]] = (log.place[lately[1:]] < log.place[lately[:-1]]) & (log.case[lately[1:]] == log.case[lately[:-1]])
    place = np.unique(np.stack([log.case[known], log.place[known]]), axis=1)[0] if known.any() else np.zeros(0, dtype=np.int64)
    reached = np.bincount(place, minlength=int(log.case.max()) + 1)[log.case[at]]
    return pd.DataFrame(
        {
            "conforms": (np.maximum.reduceat(wrong, at) == 0) & (furthest == declared),
            "foreign": np.add.reduceat((~known).astype(np.int64), at),
            "back": np.add.reduceat(turned.astype(np.int64), at),
            "skipped": declared - reached,
            "events": np.diff(np.append(at, len(known))),
        }
    )
