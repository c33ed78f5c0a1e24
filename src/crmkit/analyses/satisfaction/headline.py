"""What should the reader know first?"""

from __future__ import annotations

from collections.abc import Sequence

from crmkit.analyses.satisfaction.careless import careless, with_and_without
from crmkit.analyses.satisfaction.changes import changes, group_changes
from crmkit.analyses.satisfaction.drivers.exhibits import importance, importance_performance, ranks
from crmkit.analyses.satisfaction.drivers.fit import Drive
from crmkit.analyses.satisfaction.response import items_left_out, representative, response
from crmkit.analyses.satisfaction.scores import scores
from crmkit.analyses.satisfaction.segments import differences
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.analyses.satisfaction.trend import steps, trend
from crmkit.analyses.satisfaction.turns import turns
from crmkit.analyses.satisfaction.weights import Weights
from crmkit.core.language import in_a_row
from crmkit.core.results import Finding, Quantity, Result, Text


def headline(past: Survey, weights: Weights, work: Drive, *, more: Sequence[Result] = ()) -> list[Finding]:
    """The findings that lead the report, and those that limit how far it can be trusted.

    Parameters
    ----------
    past : Survey
    weights : Weights
    work : Drive
    more : sequence of Result
        Exhibits of other sections whose findings belong to the top.

    Returns
    -------
    list of Finding
        The level, what has changed, where it pays to start, who differs; then what stands against these figures.
    """
    if not past.usable:
        text = Text("Nothing can be said about satisfaction: {reason}.", {"reason": past.reason or Text("")})
        action = Text("Ask your customers, and add the table surveys.")
        return [Finding("satisfaction.nothing", "warning", None, text, action=action)]
    found: list[Finding | None] = [_base(past), scores(past, weights).finding, changes(past, weights).finding]
    found += [turns(past).finding, trend(past).finding, steps(past).finding, importance(past, work).finding]
    found += [importance_performance(past, work).finding, differences(past).finding]
    found += [one.finding for one in more]
    # what holds needs no place at the top
    limits = [response(past), representative(past), careless(past), with_and_without(past), items_left_out(past)]
    limits += [group_changes(past), ranks(past, work)]
    found += [one.finding for one in limits if one.finding is not None and one.finding.passed is False]
    return [finding for finding in found if finding is not None]


def _base(past: Survey) -> Finding | None:
    """A wave that hardly anybody has answered: nothing below can be read."""
    n = int((past.answers.responses["wave"] == past.waves.reported).sum())
    later = _small_waves(past)
    if n < past.min_cell:
        text = Text(
            "Wave {wave} has {n} answers; below {least} no score is shown.",
            {"wave": past.waves.reported, "n": Quantity(n, "count"), "least": Quantity(past.min_cell, "count")},
        )
        return Finding("satisfaction.base", "warning", False, text, evidence=("satisfaction_response",))
    if later is not None:
        return Finding("satisfaction.base", "info", None, later, evidence=("satisfaction_response",))
    return None


def _small_waves(past: Survey) -> Text | None:
    """Which newer waves are left out because hardly anybody has answered yet?"""
    later = (
        past.waves.names[past.waves.names.index(past.waves.reported) + 1 :] if past.waves.reported in past.waves.names else ()
    )
    if not later:
        return None
    n = int(past.answers.responses["wave"].isin(later).sum())
    return Text(
        "{n} {n:answer|answers} of {waves} {n:is|are} not reported; the wave reported is {wave}.",
        {"n": Quantity(n, "count"), "waves": in_a_row(later), "wave": past.waves.reported},
    )
