"""What is to be done? Actions with owner, dates, expected effect and the day on which it can be seen; goals; files."""

from crmkit.analyses.audit.plan.actions import Action, Aim, Dates, Means, Price, library, months_needed
from crmkit.analyses.audit.plan.plan import Plan, make_plan, people_table, plan_table, states
from crmkit.analyses.audit.plan.smart import Known, Wanted, smart, wanted_of

__all__ = [
    "Action",
    "Aim",
    "Dates",
    "Known",
    "Means",
    "Plan",
    "Price",
    "Wanted",
    "library",
    "make_plan",
    "months_needed",
    "people_table",
    "plan_table",
    "smart",
    "states",
    "wanted_of",
]
