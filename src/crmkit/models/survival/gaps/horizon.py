"""After which silence may a shop say that a customer does not come back? The horizon, what it gets wrong, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, ParamError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.models.basics.estimates import critical
from crmkit.models.survival.curves.curves import limits, product_limit
from crmkit.models.survival.curves.influence import Influence, influence, influence_at
from crmkit.models.survival.data.observed import Counts, Observed, check_observed, count_at_risk, group_codes, one_of, total
from crmkit.models.survival.gaps.rhythm import NOBODY_TWICE

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FALSE_LIMIT = 0.2
LEAST_AT_RISK = 20
FOLLOWED_SHARE = 0.5  # a horizon is followed for at least as long again
POINTS = 40
REQUIRED = ("value", "high")

TOO_SHORT = Text("the data follow {n} {n:gap|gaps} for more than a day; too few for any horizon, {least} are needed", {})
NO_HORIZON = Text(
    "no horizon up to {longest} days: of the customers silent for so long, {share} still came back, more than {limit}"
)
GOES_ON = Text(
    "customers still come back when the data end; seen for twice as long, {share} of those called lost would have come back"
)


@dataclass(frozen=True, eq=False)
class Horizon:
    """The silence after which a customer counts as lost, or why there is none.

    Parameters
    ----------
    days : float or None
        The shortest one within the limit; None where no horizon in the data is.
    limit : float
        Largest share of false alarms that was allowed.
    false_share, low, high : float
        Share of the customers silent for so long who came back later, with its interval; of the longest horizon that could be
        judged where `days` is None.
    called_share : float
        Share of gaps that last so long.
    longest, followed : float
        Longest horizon that can be judged, and until when gaps are followed.
    reason : Text or None
        Why there is no horizon.
    warnings : tuple of Text
    table : pandas.DataFrame
        From :func:`horizon_table`.
    """

    days: float | None
    limit: float
    false_share: float
    low: float
    high: float
    called_share: float
    longest: float
    followed: float
    reason: Text | None
    warnings: tuple[Text, ...]
    table: pd.DataFrame


class Followed(NamedTuple):
    """The curve of the gaps and until when it rests on enough of them."""

    seen: Observed
    counts: Counts
    value: Floats
    greenwood: Floats
    until: float
    codes: Ints | None
    of: Influence | None


def horizon_table(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    horizons: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Of the customers called lost after each silence, how many come back later, and how late is the call?

    Parameters
    ----------
    durations : array_like >= 0, shape (n,)
        All gaps, open ones too, in days.
    event_observed : array_like of 0/1, shape (n,)
        Whether a purchase ended the gap.
    horizons : array_like > 0, optional
        Silences to look at; from the median ended gap to the longest that can be judged where left out.
    entry : array_like, shape (n,), optional
        Silence at which a gap came under observation, for gaps met on a day.
    customer : array_like, shape (n,), optional
        For errors by customer.
    copies : array_like, shape (n,), optional
        Gaps per row.
    confidence : float

    Returns
    -------
    pandas.DataFrame
        A row per horizon: `horizon`; `called_share` (of gaps that last longer: alarms per purchase); `called`, `returned`
        (gaps seen to last longer, and those of them that a purchase has ended); `false_share`, `low`, `high` (of the called,
        who come back by `followed`); `extended_share` (the same if the data went on for as long again and customers came back
        at the rate of their last half); `usual_gaps` (the horizon in median gaps: so many usual purchases late is the call);
        `followed`; `allowed` (at most half of `followed`).

    Raises
    ------
    ModelError
        When no gap has ended, or fewer than 20 gaps last for more than a day.

    Notes
    -----
    false_share = 1 - S(u) / S(H), S the Kaplan-Meier curve of the gaps with open ones censored and u, `followed`, the last time
    at which at least 20 gaps are under observation. `returned / called` would take open gaps for lost customers. Who comes back
    after u is not seen, so the share is that within the time followed; a horizon beyond half of u has too little after it.
    Every alarm counts once: who is silent for long twice is called twice, and both calls can be false. Intervals: log-log,
    by customer where given, else Greenwood's; exact where nobody or everybody has come back.
    """
    own = _follow(durations, event_observed, entry, customer, copies)
    asked = _grid(own) if horizons is None else np.atleast_1d(np.asarray(horizons, dtype=np.float64))
    if not len(asked) or not (np.isfinite(asked) & (asked > 0)).all():
        raise ParamError(Problem("horizons", f"are {asked.tolist()}", "times above 0, in the unit of the gaps"))
    return _table(own, asked, confidence)


def choose_horizon(
    durations: ArrayLike,
    event_observed: ArrayLike,
    *,
    limit: float = FALSE_LIMIT,
    entry: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    copies: ArrayLike | None = None,
    step: float = 1.0,
    require: str = "value",
    confidence: float = 0.95,
) -> Horizon:
    """After which silence do at most so many of those called lost come back?

    Parameters
    ----------
    durations, event_observed, entry, customer, copies, confidence
        As for :func:`horizon_table`.
    limit : float
        Largest share of false alarms, between 0 and 1.
    step : float
        The horizon is rounded up to a multiple of it.
    require : {"value", "high"}
        What may not exceed the limit: the estimate, or the upper end of its interval.

    Returns
    -------
    Horizon
        With `days` None and a `reason` where no horizon that can be judged keeps the limit.

    Raises
    ------
    ParamError
        For a limit outside 0 to 1.
    ModelError
        As for :func:`horizon_table`.

    Notes
    -----
    The shortest horizon, because each day more is a day that a customer who has gone is not spoken to. Where nobody leaves, a
    long enough record has none; `warnings` says where the record is not long enough to tell.
    """
    one_of(require, REQUIRED, "require")
    if not 0 < limit < 1:
        raise ParamError(Problem("limit", f"is {limit}", "a share between 0 and 1, for example 0.2"))
    own = _follow(durations, event_observed, entry, customer, copies)
    longest = np.floor(FOLLOWED_SHARE * own.until / step + 1e-9) * step

    def row(days: float) -> pd.Series[float]:
        return _table(own, np.array([days]), confidence).iloc[0]

    if longest < step:
        raise ModelError(_too_short(own))
    end = row(longest)
    table = _table(own, _grid(own, step), confidence)
    fits = bool(end[_asked(require)] <= limit)
    if not fits:
        said = {"longest": Quantity(longest, "number"), "share": Quantity(end["false_share"], "share")}
        reason = Text(NO_HORIZON.template, said | {"limit": Quantity(limit, "share")})
        return _horizon(None, limit, end, longest, own.until, reason, table)
    low, high = 0, round(longest / step)  # the share falls with the horizon, so halving finds the shortest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if row(middle * step)[_asked(require)] <= limit else (middle, high)
    return _horizon(high * step, limit, row(high * step), longest, own.until, None, table)


def _table(own: Followed, asked: Floats, confidence: float) -> pd.DataFrame:
    import pandas as pd

    reach, median = critical(confidence), _time_of(own, 0.5)
    here, end = _value(own, asked), float(_value(own, np.array([own.until]))[0])
    stay = np.where(asked < own.until, np.divide(end, here, out=np.zeros_like(here), where=here > 0), np.nan)
    low, high = _filled(own, asked, stay, *limits(np.nan_to_num(stay), _variance(own, asked), reach, "log-log"), confidence)
    longer = own.seen.time > asked[:, None]
    table = pd.DataFrame(
        {
            "horizon": asked,
            "called_share": here,
            "called": longer @ own.seen.weight,
            "returned": longer @ (own.seen.weight * own.seen.event),
            "false_share": 1 - stay,
            "low": 1 - high,
            "high": 1 - low,
            "extended_share": 1 - stay * np.exp(-_late_rate(own) * own.until),
            "usual_gaps": asked / median,
            "followed": own.until,
            "allowed": asked <= FOLLOWED_SHARE * own.until,
        }
    )
    return table.where(table["horizon"] < own.until, table.assign(low=np.nan, high=np.nan, extended_share=np.nan))


def _asked(require: str) -> str:
    return "false_share" if require == "value" else "high"


def _horizon(
    days: float | None,
    limit: float,
    row: pd.Series[float],
    longest: float,
    until: float,
    reason: Text | None,
    table: pd.DataFrame,
) -> Horizon:
    warnings = []
    if days is not None and row["extended_share"] > limit:
        warnings.append(Text(GOES_ON.template, {"share": Quantity(row["extended_share"], "share")}))
    return Horizon(
        days,
        limit,
        float(row["false_share"]),
        float(row["low"]),
        float(row["high"]),
        float(row["called_share"]),
        float(longest),
        until,
        reason,
        tuple(warnings),
        table,
    )


def _follow(
    durations: ArrayLike,
    event_observed: ArrayLike,
    entry: ArrayLike | None,
    customer: ArrayLike | None,
    copies: ArrayLike | None,
) -> Followed:
    seen = check_observed(durations, event_observed, entry=entry, copies=copies)
    if not seen.event.any():
        raise ModelError(NOBODY_TWICE)
    counts = count_at_risk(seen)
    value, greenwood = product_limit(counts)
    many = np.flatnonzero(counts.at_risk >= LEAST_AT_RISK)
    until = float(counts.time[many[-1]]) if len(many) else 0.0
    codes = None if customer is None else group_codes(customer, len(seen.time), what="customer")[0]
    own = Followed(seen, counts, value, greenwood, until, codes, None if codes is None else influence(seen))
    if until <= 1:
        raise ModelError(_too_short(own))
    return own


def _too_short(own: Followed) -> Text:
    n = float(own.seen.weight[own.seen.time > 1].sum())
    return Text(TOO_SHORT.template, {"n": Quantity(n, "count"), "least": Quantity(LEAST_AT_RISK, "count")})


def _value(own: Followed, times: Floats) -> Floats:
    return np.concatenate([[1.0], own.value])[np.searchsorted(own.counts.time, times, side="right")]


def _time_of(own: Followed, share: float) -> float:
    """When so many of those who come back by the end have come back."""
    back = 1 - own.value
    return float(own.counts.time[int(np.argmax(back >= share * back[-1] - 1e-12))])


def _grid(own: Followed, step: float = 1.0) -> Floats:
    first, longest = _time_of(own, 0.5), FOLLOWED_SHARE * own.until
    grid = np.linspace(min(first, longest), longest, POINTS)
    return np.asarray(np.unique(np.maximum(np.floor(grid / step), 1) * step))


def _variance(own: Followed, horizons: Floats) -> Floats:
    """Of log S(u) - log S(H)."""
    upto = np.concatenate([[0.0], own.greenwood])
    if own.codes is None or own.of is None:
        at = [upto[np.searchsorted(own.counts.time, time, side="right")] for time in (own.until, horizons)]
        return np.asarray(np.maximum(at[0] - at[1], 0.0))
    end, size = influence_at(own.of, own.until), int(own.codes.max()) + 1
    return np.array([(total(own.codes, end - influence_at(own.of, float(h)), size) ** 2).sum() for h in horizons])


def _filled(own: Followed, asked: Floats, stay: Floats, low: Floats, high: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of the share that stays away where nobody or everybody has come back: exact, of so many customers."""
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    for k in np.flatnonzero((stay <= 0) | (stay >= 1)):
        members = own.seen.time >= (asked[k] if stay[k] <= 0 else own.until)
        n = float(own.seen.weight[members].sum()) if own.codes is None else float(len(np.unique(own.codes[members])))
        if stay[k] <= 0:
            low[k], high[k] = 0.0, beta.ppf(1 - tail, 1, n)
        else:
            low[k], high[k] = beta.ppf(tail, n, 1), 1.0
    return low, high


def _late_rate(own: Followed) -> float:
    """At which rate do gaps end in the last half of the time followed?"""
    half, end = _value(own, np.array([own.until / 2, own.until]))
    return float(np.log(half / end) / (own.until / 2)) if end > 0 else np.inf
