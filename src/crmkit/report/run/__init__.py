"""Run the reports of clients: what must be run, in which order, how it ended, and what is kept of it."""

from crmkit.report.run.clients import run_clients
from crmkit.report.run.outcome import Outcome, exit_code

__all__ = ["Outcome", "exit_code", "run_clients"]
