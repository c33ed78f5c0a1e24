"""What has a company agreed upon: how fast it answers, and when is a case late?"""

from __future__ import annotations

from dataclasses import dataclass

from crmkit.core.errors import ParamError, Problem
from crmkit.data.summaries.standing import ACTIVE_DAYS


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

    Raises
    ------
    ParamError
        For a limit below what is possible, or a margin that is no share.
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
        if problems:
            raise ParamError(problems)
