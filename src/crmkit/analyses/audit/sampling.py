"""Could the true value be on the good side of the target? One-sided tests that respect how each number was sampled.

``below(target)`` is the p-value of "the truth is at least the target" against "it is below", ``above(target)`` the other way
round: small where the sample speaks clearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtr, stdtr, stdtrit

from crmkit.models.basics.estimates import critical

Floats = NDArray[np.float64]
EQUAL = 1e-12


class Sampling(Protocol):
    """How a number was sampled, as far as a test needs it."""

    def below(self, target: float) -> float:
        """p-value for "the truth is below the target"."""

    def above(self, target: float) -> float:
        """p-value for "the truth is above the target"."""


@dataclass(frozen=True)
class Share:
    """A share of independent cases; with clusters, hits and n are divided by the design effect.

    Notes
    -----
    Exact binomial tail, by the incomplete beta function, which also takes effective sizes that are no whole numbers.

    References
    ----------
    Korn & Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated from
    survey data, Survey Methodology 24, 193-201.

    Examples
    --------
    >>> round(Share(3, 10).below(0.5), 6), round(Share(3, 10).above(0.5), 6)
    (0.171875, 0.945312)
    """

    hits: float
    n: float

    def below(self, target: float) -> float:
        """Chance of so few hits, or fewer, at the target."""
        if target <= 0 or self.hits >= self.n:
            return 1.0
        return float(betainc(self.n - self.hits, self.hits + 1, 1 - target)) if target < 1 else 0.0

    def above(self, target: float) -> float:
        """Chance of so many hits, or more, at the target."""
        if target >= 1 or self.hits <= 0:
            return 1.0
        return float(betainc(self.hits, self.n - self.hits + 1, target)) if target > 0 else 0.0


@dataclass(frozen=True)
class Located:
    """A mean or a ratio with its standard error, Student's t.

    Examples
    --------
    >>> round(Located(2.0, 0.5, 9).below(3.0), 6)
    0.038276
    """

    value: float
    error: float
    df: float

    def below(self, target: float) -> float:
        """Lower tail."""
        return self._tail(self.value - target)

    def above(self, target: float) -> float:
        """Upper tail."""
        return self._tail(target - self.value)

    def _tail(self, distance: float) -> float:
        if self.error <= EQUAL * max(1.0, abs(self.value)):
            return 0.0 if distance < -EQUAL * max(1.0, abs(self.value)) else 1.0
        return float(stdtr(self.df, distance / self.error))

    def limits(self, confidence: float) -> tuple[float, float]:
        """The two-sided interval."""
        reach = float(stdtrit(self.df, 0.5 + confidence / 2)) * self.error if self.error > 0 else 0.0
        return self.value - reach, self.value + reach


@dataclass(frozen=True, eq=False)
class Waiting:
    """A quantile of times of which some are still running.

    Parameters
    ----------
    time, survival, greenwood : arrays
        Times in ascending order, share still waiting after each, Greenwood's sum up to it.
    waiting : float
        Share still waiting at the quantile; 0.5 for the median.
    n : float
        Cases.

    Notes
    -----
    The quantile lies above the target exactly where more than ``waiting`` still wait at the target. That share is tested with
    the number of cases that would give its variance; without censoring this is the sign test.

    References
    ----------
    Brookmeyer & Crowley (1982), doi:10.2307/2530286.
    """

    time: Floats
    survival: Floats
    greenwood: Floats
    waiting: float
    n: float

    def below(self, target: float) -> float:
        """Fewer wait at the target than may."""
        return self._at(target).below(self.waiting)

    def above(self, target: float) -> float:
        """More wait at the target than may."""
        return self._at(target).above(self.waiting)

    def _at(self, target: float) -> Share:
        last = int(np.searchsorted(self.time, target * (1 + EQUAL), side="right")) - 1
        if last < 0:
            return Share(self.n, self.n)
        kept, spread = float(self.survival[last]), float(self.greenwood[last])
        # at 0 and at 1 the variance says nothing
        n = (1 - kept) / (kept * spread) if 0 < kept < 1 and spread > 0 else self.n
        n = min(n, self.n)
        return Share(kept * n, n)


@dataclass(frozen=True)
class CountRatio:
    """A ratio of two rates, each a count over what it was counted in.

    Notes
    -----
    Given their sum, the first of two Poisson counts is binomial.

    References
    ----------
    Przyborowski & Wilenski (1940), doi:10.1093/biomet/31.3-4.313.

    Examples
    --------
    >>> found = CountRatio(10, 1.0, 20, 1.0)
    >>> found.value, round(found.below(1.0), 6)
    (0.5, 0.049369)
    """

    first: float
    first_in: float
    second: float
    second_in: float

    @property
    def value(self) -> float:
        """The ratio of the rates."""
        return (self.first / self.first_in) / (self.second / self.second_in) if self.second > 0 else float("nan")

    def below(self, target: float) -> float:
        """Too few in the first."""
        return self._share.below(self._at(target))

    def above(self, target: float) -> float:
        """Too many in the first."""
        return self._share.above(self._at(target))

    @property
    def _share(self) -> Share:
        return Share(self.first, self.first + self.second)

    def _at(self, target: float) -> float:
        expected = target * self.first_in
        return expected / (expected + self.second_in)


@dataclass(frozen=True)
class Counted:
    """How many of several kinds reach a share of all; which of them do is uncertain.

    Parameters
    ----------
    counts : tuple of float
        Cases of each kind that can qualify.
    n : float
        All cases.
    floor : float
        Share from which a kind counts.

    Notes
    -----
    "At least m kinds reach the floor" is refused where the m-th best is too rare for it; Bonferroni over the m that would have
    to be among those refused keeps the level.
    """

    counts: tuple[float, ...]
    n: float
    floor: float

    def below(self, target: float) -> float:
        """Fewer kinds than the target reach the floor."""
        wanted = int(np.ceil(target - EQUAL))
        if wanted <= 0:
            return 1.0
        tails = sorted((Share(count, self.n).below(self.floor) for count in self.counts), reverse=True)
        return min(1.0, wanted * tails[wanted - 1]) if wanted <= len(tails) else 0.0

    def above(self, target: float) -> float:
        """More kinds than the target reach the floor."""
        tails = sorted(Share(count, self.n).above(self.floor) for count in self.counts)
        beyond = int(np.floor(target + EQUAL))
        return min(1.0, max(1, len(tails) - beyond) * tails[beyond]) if beyond < len(tails) else 1.0


@dataclass(frozen=True)
class Within:
    """An estimate of which another analysis has stored value and limits.

    Notes
    -----
    The distance to the limit on the side of the target, in normal deviates, is its standard error there: the test agrees with
    the stored interval.
    """

    value: float
    low: float
    high: float
    confidence: float

    def below(self, target: float) -> float:
        """Lower tail, by the distance to the upper limit."""
        return self._tail(self.value - target, self.high - self.value if target > self.value else self.value - self.low)

    def above(self, target: float) -> float:
        """Upper tail, by the distance to the lower limit."""
        return self._tail(target - self.value, self.value - self.low if target < self.value else self.high - self.value)

    def _tail(self, distance: float, reach: float) -> float:
        if not np.isfinite(reach):
            return 1.0
        if reach <= 0:
            return 0.0 if distance < 0 else 1.0
        return float(ndtr(distance / (reach / critical(self.confidence))))
