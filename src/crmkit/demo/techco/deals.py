"""What does the sale offer to customers under contract, how far does each deal get, and how long does that take?

Stands alone: deals are drawn from a stream of their own and move nothing else of the company.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

STAGES = ("first talk", "demonstration", "offer", "contract")
GOES_ON = (0.7, 0.75, 0.6)  # share of deals that reach the next stage
DEALS, WEEKS = 330, 104
DAYS_TO_WIN, DAYS_TO_LOSE, SPREAD = 45.0, 30.0, 0.6


def add_deals(rng: np.random.Generator, subscriptions: pd.DataFrame, *, as_of: str) -> dict[str, pd.DataFrame]:
    """The table ``opportunities``: offers to customers who are under contract that day.

    Parameters
    ----------
    rng : numpy.random.Generator
        A stream of its own.
    subscriptions : pandas.DataFrame
        ``customer_id, started_at``.
    as_of : str
        Last day of the data.

    Notes
    -----
    A deal passes from stage to stage by chance; who passes all is won. Won deals take 45 days in the median, lost ones 30,
    log-normal. What is not decided on the last day is open, and stands at a stage in proportion to the time that has passed.
    """
    import pandas as pd

    last = pd.Timestamp(as_of)
    first = pd.to_datetime(subscriptions.groupby("customer_id")["started_at"].min())
    ago = rng.integers(0, 7 * WEEKS, DEALS)
    made = last - pd.to_timedelta(ago, unit="D")
    who = rng.choice(first.index.to_numpy(), DEALS)
    known = (first.loc[who].to_numpy() <= made.to_numpy()) & (made <= last)
    passed = np.cumprod(rng.random((DEALS, len(GOES_ON))) < GOES_ON, axis=1).sum(1)
    won = passed == len(GOES_ON)
    days = np.ceil(np.where(won, DAYS_TO_WIN, DAYS_TO_LOSE) * rng.lognormal(0, SPREAD, DEALS))
    closed = made + pd.to_timedelta(days, unit="D")
    decided = np.asarray(closed <= last)
    part = np.minimum(ago / days, 1.0)
    place = np.where(decided, passed, np.floor(part * (passed + 1)).clip(max=passed)).astype(np.int64)
    amount = np.round(rng.lognormal(7.6, 0.7, DEALS), -1)
    table = pd.DataFrame(
        {
            "customer_id": who,
            "created_at": made.strftime("%Y-%m-%d"),
            "stage": np.array(STAGES, dtype=object)[place],
            "amount": amount,
            "closed_at": np.where(decided, closed.strftime("%Y-%m-%d"), ""),
            "won": np.where(decided, np.where(won, "True", "False"), ""),
        }
    )
    table = table[known].sort_values(["created_at", "customer_id"], kind="stable", ignore_index=True)
    table.insert(0, "opportunity_id", [f"D{number + 1:04d}" for number in table.index])
    return {"opportunities": table}
