"""Which customers were active in which month?"""

from __future__ import annotations

from crmkit.analyses.audit.activity import Activity
from crmkit.analyses.audit.history import History


def activity(past: History) -> Activity | None:
    """Who was active when; None where nothing says so."""
    return past.who
