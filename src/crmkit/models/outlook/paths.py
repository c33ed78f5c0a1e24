"""How does a short series go on, by each of a few plain methods? Point forecasts and the spread that each method expects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crmkit.models.basics.estimates import Floats

# neighbours' correlation, and the part of the scatter that is the measurement's own error
CORRELATIONS = np.linspace(0.0, 0.95, 20)
NOISE = (0.0, 0.3, 0.6, 0.9)


@dataclass(frozen=True, eq=False)
class Path:
    """A forecast of the next steps.

    Parameters
    ----------
    mean : array, shape (ahead,)
    cover : array, shape (ahead, ahead)
        Covariance of the errors that the method expects of itself.
    """

    mean: Floats
    cover: Floats


def last(z: Floats, ahead: int, noise: Floats) -> Path:
    """As the last value: the rule that every method has to beat."""
    steps = np.diff(z)
    return Path(np.full(ahead, z[-1]), _of_shocks(np.ones(ahead), float(np.mean(steps**2))))


def smoothed(z: Floats, ahead: int, noise: Floats) -> Path:
    """A level that follows the series: simple exponential smoothing, by statsmodels."""
    return _smoothed(z, ahead, trend=False)


def damped(z: Floats, ahead: int, noise: Floats) -> Path:
    """A level with a trend that dies out: damped exponential smoothing, by statsmodels."""
    return _smoothed(z, ahead, trend=True)


def level(z: Floats, ahead: int, noise: Floats) -> Path:
    """Around one level, neighbours alike: restricted likelihood with AR(1) errors."""
    return _regressed(z, ahead, noise, line=False)


def line(z: Floats, ahead: int, noise: Floats) -> Path:
    """Along a straight line, neighbours alike: restricted likelihood with AR(1) errors."""
    return _regressed(z, ahead, noise, line=True)


def together(paths: Sequence[Path]) -> Path:
    """The mean of several paths; where they differ is doubt."""
    means = np.array([path.mean for path in paths])
    apart = means - means.mean(0)
    return Path(means.mean(0), np.mean([path.cover for path in paths], axis=0) + apart.T @ apart / len(means))


METHODS: Mapping[str, Callable[[Floats, int, Floats], Path]] = {
    "last": last,
    "smoothed": smoothed,
    "damped": damped,
    "level": level,
    "line": line,
}


def _smoothed(z: Floats, ahead: int, *, trend: bool) -> Path:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    if np.ptp(z) == 0:
        return Path(np.full(ahead, z[-1]), np.zeros((ahead, ahead)))
    # the optimiser's steps know no unit
    middle, unit = float(z.mean()), float(z.std())
    with warnings.catch_warnings():
        # a short series often has its best smoothing at a border, which is an answer
        warnings.simplefilter("ignore")
        found = ETSModel((z - middle) / unit, error="add", trend="add" if trend else None, damped_trend=trend).fit(disp=False)
    alpha = float(found.smoothing_level)
    beta, phi = (float(found.smoothing_trend), float(found.damping_trend)) if trend else (0.0, 0.0)
    later = np.arange(1, ahead)
    grown = np.cumsum(phi**later) if trend else np.zeros(ahead - 1)
    felt = np.concatenate([[1.0], alpha + beta * grown])
    rest = unit * np.asarray(found.resid, dtype=np.float64)
    free = max(1, len(z) - (4 if trend else 2))
    mean = middle + unit * np.asarray(found.forecast(ahead), dtype=np.float64)
    return Path(mean, _of_shocks(felt, float((rest**2).sum()) / free))


def _of_shocks(felt: Floats, variance: float) -> Floats:
    """Covariance of the errors, where the shock of a step is felt so much 0, 1, 2 ... steps later."""
    place = np.arange(len(felt))
    back = place[:, None] - place
    matrix = np.where(back >= 0, felt[np.maximum(back, 0)], 0.0)
    return np.asarray(variance * matrix @ matrix.T)


def _regressed(z: Floats, ahead: int, noise: Floats, *, line: bool) -> Path:
    n = len(z)
    time = np.arange(n, dtype=np.float64)
    design = np.column_stack([np.ones(n), time - time.mean()])[:, : 2 if line else 1]
    later = np.column_stack([np.ones(ahead), np.arange(n, n + ahead) - time.mean()])[:, : design.shape[1]]
    if np.ptp(z) == 0:
        return Path(np.full(ahead, z[-1]), np.zeros((ahead, ahead)))
    gap = np.abs(time[:, None] - time)
    mean_noise = float(np.mean(noise**2))
    own = np.diag(noise**2 / mean_noise) if mean_noise > 0 else np.eye(n)
    rhos, parts = (one.ravel() for one in np.meshgrid(CORRELATIONS, NOISE if mean_noise > 0 else (0.0,), indexing="ij"))
    cover = (1 - parts)[:, None, None] * rhos[:, None, None] ** gap + parts[:, None, None] * own
    inverse = np.linalg.inv(cover)
    information = design.T @ inverse @ design
    doubt = np.linalg.inv(information)
    beta = doubt @ (design.T @ inverse @ z)[..., None]
    rest = z - (design @ beta)[..., 0]
    q = np.maximum(np.einsum("mi,mij,mj->m", rest, inverse, rest), 1e-300)
    free = n - design.shape[1]
    logs = np.linalg.slogdet(cover)[1] + np.linalg.slogdet(information)[1]
    best = int(np.argmax(-0.5 * (logs + free * np.log(q))))
    rho, part, scale = float(rhos[best]), float(parts[best]), q[best] / free
    # what the newest values say of the next ones beyond the line
    known = (1 - part) * rho ** (np.arange(n, n + ahead)[:, None] - time)
    pull = known @ inverse[best]
    mean = later @ beta[best, :, 0] + pull @ rest[best]
    open_ = later - pull @ design
    steps = np.arange(ahead)
    future = (1 - part) * rho ** np.abs(steps[:, None] - steps) + part * np.eye(ahead)
    whole = scale * (future - pull @ known.T + open_ @ doubt[best] @ open_.T)
    return Path(mean, whole)


def season(z: Floats, period: int) -> Floats:
    """By how much does each place of the period differ from the others? Drawn towards none as far as the years disagree.

    Parameters
    ----------
    z : array, shape (n,)
    period : int
        Steps of a year; 0 or 1: no season.

    Returns
    -------
    array, shape (period,)
        Effect of step ``i`` at ``i % period``; sums to 0. All 0 below two full periods, or where the years do not agree.

    Notes
    -----
    Effects beside a straight line, by least squares; F is the mean square between places over that within. Below
    the 95th percentile of F there is no season, above it effects are multiplied by ``1 - 1/F``.
    """
    from scipy.stats import f

    n = len(z)
    if period < 2 or n < 2 * period:
        return np.zeros(max(period, 1))
    place = np.arange(n) % period
    time = np.arange(n, dtype=np.float64) - (n - 1) / 2
    design = np.column_stack([(place[:, None] == np.arange(period)).astype(np.float64), time])
    full = np.linalg.lstsq(design, z, rcond=None)[0]
    straight = np.column_stack([np.ones(n), time])
    plain = z - straight @ np.linalg.lstsq(straight, z, rcond=None)[0]
    rest = z - design @ full
    free, more = n - period - 1, period - 1
    inside = float(rest @ rest) / free
    between = (float(plain @ plain) - float(rest @ rest)) / more
    if inside <= 0 or between / inside < f.ppf(0.95, more, free):
        return np.zeros(period) if inside > 0 or between <= 0 else full[:period] - full[:period].mean()
    return np.asarray((1 - inside / between) * (full[:period] - full[:period].mean()))
