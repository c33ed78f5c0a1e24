"""What has a company agreed upon: how fast it answers, when a case is late, what a record ought to hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.data.summaries.standing import ACTIVE_DAYS
from crmkit.data.tables import TABLES

REQUIRED = ("name", "email", "phone", "region")
# names a record, so each has it
NOT_ASKED = ("customer_id",)


@dataclass(frozen=True)
class Rules:
    """What the company has agreed upon; the defaults are the kit's placeholders.

    Parameters
    ----------
    sla_hours, ack_hours : float
        Hours within which a ticket, and a complaint, ought to be answered.
    idle_hours : float
        Hours between two steps of a case after which it waits.
    norm_hours : float
        Hours after which an open ticket is late.
    notice_days, answer_days, adopt_days : int
        Days that a report of the outcome, an answer to feedback, and the evaluation of a suggestion may take.
    effect_days : int
        Days after a campaign in which purchases count for it.
    margin : float
        Part of revenue that counts as gain, above 0 and at most 1.
    active_days : int
        Within how many days an active customer without a contract has bought.
    required : sequence of str
        Columns of the table of customers that a record ought to fill.

    Raises
    ------
    ParamError
        For a limit below what is possible, a margin that is no share, or a column that no table of customers has.
    """

    sla_hours: float = 8.0
    ack_hours: float = 24.0
    idle_hours: float = 1.0
    norm_hours: float = 120.0
    notice_days: int = 7
    answer_days: int = 14
    adopt_days: int = 30
    effect_days: int = 90
    margin: float = 1.0
    active_days: int = ACTIVE_DAYS
    required: Sequence[str] = REQUIRED

    def __post_init__(self) -> None:
        least: dict[str, tuple[float, str]] = {
            "sla_hours": (0.1, "0.1 hours or more are needed"),
            "ack_hours": (0.1, "0.1 hours or more are needed"),
            "idle_hours": (0, "0 hours or more are needed"),
            "norm_hours": (0.1, "0.1 hours or more are needed"),
            "notice_days": (0, "0 days or more are needed"),
            "answer_days": (1, "at least one day is needed"),
            "adopt_days": (1, "at least one day is needed"),
            "effect_days": (1, "at least one day is needed"),
            "active_days": (1, "at least one day is needed"),
        }
        problems = [
            Problem(f"{name}:", f"is {getattr(self, name)}", needed)
            for name, (limit, needed) in least.items()
            if not getattr(self, name) >= limit
        ]
        if not 0 < self.margin <= 1:
            problems.append(Problem("margin:", f"is {self.margin}", "a share above 0 and at most 1 is needed"))
        known = [name for name in TABLES["customers"].columns if name not in NOT_ASKED]
        if not self.required:
            problems.append(
                Problem("required_fields:", "is empty", f"name the columns that a record ought to fill, such as {REQUIRED[0]}")
            )
        problems += [
            Problem("required_fields:", f"the table customers has no column {name!r}", did_you_mean(str(name), known))
            for name in self.required
            if name not in known
        ]
        if problems:
            raise ParamError(problems)
