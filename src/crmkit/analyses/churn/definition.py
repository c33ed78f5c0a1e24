"""When does a customer count as gone, and which customers do the data hold? To be declared before anything is counted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crmkit.core.dates import parse_iso
from crmkit.core.errors import CrmkitError, ParamError, Problem, did_you_mean

KINDS = ("auto", "contractual", "non_contractual")
SAMPLINGS = ("cohort", "last_period")
PERIOD_DAYS = 30


@dataclass(frozen=True)
class Definition:
    """What was declared.

    Parameters
    ----------
    kind : {"auto", "contractual", "non_contractual"}
        Whether customers end a contract, or fall silent; "auto": by the tables that are there.
    horizon_days : int
        How far ahead leaving is predicted.
    grace_days : int
        Contractual: within which a new contract continues the old one.
    sampling : {"cohort", "active", "last_period"}
        Everybody who ever came; only who was there on a day or came later; only who was there when the last 30 days began.
    since : date or None
        That day, for "active".
    """

    kind: str
    horizon_days: int
    grace_days: int
    sampling: str
    since: dt.date | None


def define(*, kind: str = "auto", horizon_days: int = 90, grace_days: int = 0, sampling: str = "cohort") -> Definition:
    """When does a customer count as gone, and which customers do the data hold?

    Parameters
    ----------
    kind : {"auto", "contractual", "non_contractual"}
    horizon_days : int
        At least 1 day.
    grace_days : int
        0 or more days.
    sampling : {"cohort", "last_period"} or str
        A date YYYY-MM-DD says that customers who had left before it are not in the data.

    Raises
    ------
    ParamError
        Everything that cannot be, at once.

    Examples
    --------
    >>> define(kind="contractual", sampling="2024-01-01").sampling
    'active'
    """
    faults: list[Problem] = []
    if kind not in KINDS:
        faults.append(Problem("kind:", f"is '{kind}'", did_you_mean(kind, KINDS)))
    if horizon_days < 1:
        faults.append(Problem("horizon_days:", f"is {horizon_days}", "at least 1 day is needed"))
    if grace_days < 0:
        faults.append(Problem("grace_days:", f"is {grace_days}", "0 or more days are needed"))
    since = None
    if sampling not in SAMPLINGS:
        try:
            since = parse_iso(sampling, where="sampling")
        except CrmkitError:
            allowed = "it is cohort, last_period, or the day YYYY-MM-DD on which observation began"
            faults.append(Problem("sampling:", f"is '{sampling}'", allowed))
    if faults:
        raise ParamError(faults)
    return Definition(kind, horizon_days, grace_days, "active" if since else sampling, since)


def observed_since(rule: Definition, as_of: dt.date) -> dt.date | None:
    """The first day of observation; None where the whole history is there.

    Raises
    ------
    ParamError
        When it is not before the last day that counts.
    """
    if rule.sampling == "last_period":
        return as_of - dt.timedelta(days=PERIOD_DAYS)
    if rule.since is not None and rule.since >= as_of:
        raise ParamError(Problem("sampling:", f"is {rule.since}", f"a day before {as_of} is needed"))
    return rule.since
