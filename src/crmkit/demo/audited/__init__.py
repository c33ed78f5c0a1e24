"""Companies whose faults are known, one kind at a time and as great as one likes: what an audit is judged by."""

from crmkit.demo.audited.company import SURVEY, Wishes, simulate_company, truth_of, write_client
from crmkit.demo.audited.levels import AT_TARGET, HEALTHY, PROBLEMS, Levels

__all__ = ["AT_TARGET", "HEALTHY", "PROBLEMS", "SURVEY", "Levels", "Wishes", "simulate_company", "truth_of", "write_client"]
