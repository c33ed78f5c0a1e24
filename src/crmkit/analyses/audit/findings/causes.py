"""Why is it so? Drivers of satisfaction for what customers feel, the place where it happens for what the company does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.findings.evidence import DRIVER_WORDS, MANY_HANDOFFS, UNHAPPY, Grounds
from crmkit.analyses.audit.findings.model import Theme, joined
from crmkit.analyses.audit.read import History
from crmkit.core.language import mark
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.families import holm
from crmkit.models.basics.shares import newcombe

if TYPE_CHECKING:
    import pandas as pd

PLACES = {
    "channel": mark("channel"),
    "team": mark("team"),
    "kind": mark("kind of case"),
    "priority": mark("priority"),
    "category": mark("category"),
    "size": mark("size"),
    "industry": mark("industry"),
    "region": mark("region"),
}
FEWEST = 30
RELEVANT = 0.1
# what follows from how content customers are
DRIVEN = ("satisfaction", "leaving", "complaints")
# kinds of cases in which something was wrong
WRONG = ("complaint", "fault")
MOST_IN = Text("it happens most in {place} {level}: {share} of its cases, against {rest} elsewhere (n = {n})")
WRONG_IN = Text("complaints and faults make up {share} of the cases of {place} {level}, against {rest} elsewhere (n = {n})")
MOST_DRIVERS = 3
NOT_ESTABLISHED = Text("not established")


@dataclass(frozen=True)
class Cause:
    """A cause in words, its names (the strongest first; empty: not established), and how a recommendation calls it."""

    text: Text
    names: tuple[str, ...] = ()
    short: Text | None = None


def cause_of(theme: Theme, past: History, grounds: Grounds, *, confidence: float) -> Cause:
    """Why does a theme miss its criteria?

    Parameters
    ----------
    theme : Theme
    past : History
    grounds : Grounds
    confidence : float

    Returns
    -------
    Cause
        What customers feel, and do because of it: the drivers of ticket satisfaction that stand out from noise and make it
        worse. What the company does, and complaints: the channel, team, kind, priority or category of cases, or the size,
        industry or region of customers, in which it happens more often (Holm over all of them). Otherwise "not established",
        with the reason.
    """
    if theme.id == "complaints":
        found = _placed(theme, past, grounds, confidence)
        return found if found.names else _driven(grounds)
    if theme.id in DRIVEN:
        return _driven(grounds)
    if theme.outcome:
        return Cause(Text("not established: no table of the company shows why"))
    return _placed(theme, past, grounds, confidence)


def _driven(grounds: Grounds) -> Cause:
    ranked = grounds.ranked
    if ranked is None:
        return Cause(Text("not established: {reason}", {"reason": grounds.reason or NOT_ESTABLISHED}))
    sure = ranked[ranked["distinguishable"] & (ranked["effect"] < 0)].head(MOST_DRIVERS)
    if sure.empty:
        return Cause(Text("not established: no trouble in tickets stands out from noise"))
    parts = [
        Text(
            "{name} ({share} of what is explained, {effect} points of satisfaction per standard deviation)",
            {
                "name": Text(DRIVER_WORDS[row["driver"]]),
                "effect": Quantity(row["effect"], "score"),
                "share": Quantity(row["value"], "share", row["low"], row["high"]),
            },
        )
        for row in sure.to_dict("records")
    ]
    said = Text("associated with satisfaction, the strongest first: {parts}", {"parts": joined(parts)})
    names = tuple(sure["driver"])
    return Cause(said, names, joined([Text(DRIVER_WORDS[name]) for name in names[:2]]))


def _placed(theme: Theme, past: History, grounds: Grounds, confidence: float) -> Cause:
    hit = hits(theme, past, grounds.tickets)
    if hit is None or grounds.tickets is None:
        return Cause(Text("not established: the data do not say in which cases it happens"))
    opened = grounds.tickets["opened_at"].dt.date
    now = (opened >= past.current.start) & (opened <= past.current.end)
    rows, hit = grounds.tickets[now], hit[now]
    if theme.id == "complaints":  # which are a kind of case themselves
        rows = rows.drop(columns="kind")
    found = places(rows, hit, confidence=confidence)
    if not len(found) or found["p_value"].iloc[0] >= 1 - confidence or found["value"].iloc[0] < RELEVANT:
        return Cause(Text("not established: it is alike in all channels, teams, kinds of cases and groups of customers"))
    top = found.iloc[0]
    words: dict[str, Quantity | Text | str] = {
        "place": Text(PLACES[str(top["place"])]),
        "level": str(top["level"]),
        "share": Quantity(top["with_it"], "share"),
        "rest": Quantity(top["without"], "share"),
        "n": Quantity(top["n"], "count"),
    }
    said = WRONG_IN if theme.id == "complaints" else MOST_IN
    return Cause(Text(said.template, words), (f"{top['place']}: {top['level']}",), Text("{place} {level}", words))


def places(rows: pd.DataFrame, hit: pd.Series[bool], *, confidence: float) -> pd.DataFrame:
    """Where does something happen more often than elsewhere?

    Returns
    -------
    pandas.DataFrame
        ``place, level, with_it, without, value, low, high, p_value`` (Holm), ``n``; the greatest difference first.
    """
    import pandas as pd

    found = []
    for place in (name for name in PLACES if name in rows):
        for level, here in rows.groupby(place).groups.items():
            inside = rows.index.isin(here)
            if min(inside.sum(), (~inside).sum()) < FEWEST:
                continue
            counts = (hit[~inside].sum(), (~inside).sum(), hit[inside].sum(), inside.sum())
            gap = newcombe(*counts, confidence=confidence)
            found.append(
                (
                    place,
                    level,
                    counts[2] / counts[3],
                    counts[0] / counts[1],
                    *(float(getattr(gap, name)[0]) for name in ("value", "low", "high", "p_value")),
                    int(counts[3]),
                )
            )
    names = ["place", "level", "with_it", "without", "value", "low", "high", "p_value", "n"]
    table = pd.DataFrame(found, columns=names)
    if len(table):
        table["p_value"] = holm(table["p_value"].to_numpy(dtype="float64"))
    return table.sort_values("value", ascending=False, ignore_index=True)


def hits(theme: Theme, past: History, tickets: pd.DataFrame | None) -> pd.Series[bool] | None:
    """In which tickets a theme shows; None where tickets do not show it."""
    if tickets is None:
        return None
    if theme.id == "slow" and "delay_hours" in tickets:
        return ~(tickets["delay_hours"] <= past.rules.sla_hours)
    if theme.id == "complex" and "handoffs" in tickets:
        return tickets["handoffs"] >= MANY_HANDOFFS
    if theme.id == "scattered" and "unmatched" in tickets:
        return tickets["unmatched"] == 1
    if theme.id == "complaints" and "kind" in tickets:
        return tickets["kind"].isin(WRONG)
    if theme.id == "satisfaction" and "csat" in tickets:
        return tickets["csat"] <= UNHAPPY
    return None


def exposed_effect(theme: Theme, grounds: Grounds) -> float:
    """How many points of satisfaction one standard deviation of a theme's trouble costs; nan where not established."""
    ranked = grounds.ranked
    if ranked is None or not theme.driver:
        return float("nan")
    own = ranked[(ranked["driver"] == theme.driver) & ranked["distinguishable"]]
    return float(own["effect"].iloc[0]) if len(own) else float("nan")


def sure_and_negative(value: float) -> bool:
    """Whether an effect is known and makes things worse."""
    return bool(np.isfinite(value) and value < 0)
