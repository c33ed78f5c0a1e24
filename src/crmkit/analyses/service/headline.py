"""What should the reader know first?"""

from __future__ import annotations

from crmkit.analyses.service.outcomes import outcomes
from crmkit.analyses.service.process import bottlenecks, process_map
from crmkit.analyses.service.read import RESOLUTION, RESPONSE, Service
from crmkit.analyses.service.teams import teams
from crmkit.analyses.service.waiting import by_group, closed_only, told_in_time, waits
from crmkit.analyses.service.weeks import flow, in_time
from crmkit.core.results import Finding, worst_first

MOST = 7


def headline(past: Service) -> list[Finding]:
    """The findings that lead the report: at most seven, the worst first."""
    first = waits(past)
    solved = told_in_time(past, first.table, RESOLUTION)
    made = (
        by_group(past, RESPONSE),
        in_time(past),
        by_group(past, RESOLUTION),
        closed_only(past),
        teams(past),
        process_map(past),
        bottlenecks(past),
        flow(past),
        outcomes(past),
    )
    found = [first.finding, solved, *(one.finding for one in made)]
    return worst_first(one for one in found if one is not None)[:MOST]
