"""How fast and how well are customers served: waiting, process, channels, teams?

The order of use is that of ``notebooks/service.ipynb``: :func:`read`, then one function per exhibit.
"""

from crmkit.analyses.service.channels import channels, contacts, hours_of_day, staffing
from crmkit.analyses.service.funnel import funnel
from crmkit.analyses.service.headline import headline
from crmkit.analyses.service.outcomes import outcomes
from crmkit.analyses.service.process import bottlenecks, conformance, handed, process_map, ways
from crmkit.analyses.service.read import Rules, Service, read
from crmkit.analyses.service.teams import agents, teams
from crmkit.analyses.service.waiting import by_group, cells, closed_only, waits
from crmkit.analyses.service.weeks import backlog, complaints, flow, in_time

__all__ = [
    "Rules",
    "Service",
    "agents",
    "backlog",
    "bottlenecks",
    "by_group",
    "cells",
    "channels",
    "closed_only",
    "complaints",
    "conformance",
    "contacts",
    "flow",
    "funnel",
    "handed",
    "headline",
    "hours_of_day",
    "in_time",
    "outcomes",
    "process_map",
    "read",
    "staffing",
    "teams",
    "waits",
    "ways",
]
