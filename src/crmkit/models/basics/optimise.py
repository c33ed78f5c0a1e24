"""Where is the likelihood highest, and how sharply does it fall off there?

L-BFGS on the logarithms of the parameters comes near; Newton steps with a differenced analytic gradient finish, and leave the
Hessian that standard errors need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

LOWEST, HIGHEST = -15.0, 20.0  # of a log-parameter
STEP = 1e-5  # central difference of an analytic gradient: error about 1e-10
WIDE_STEP = 1e-3  # of a difference of fourth order: error about 1e-13
CLEAR = 4.0  # of a log-likelihood's curvature: a standard error of 0.5; below, the Hessian is taken finely
NEARBY = 1e-4  # a Hessian from so near gives standard errors that are right to about as much
FLAT = 1e-12
CONVERGED = 1e-8
MOST_STEPS = 60
SETTLED = 1e-15  # of a log-likelihood
TINY = 1e-14


@dataclass(frozen=True, eq=False)
class Optimum:
    """A minimum of a mean negative log-likelihood over log-parameters.

    Parameters
    ----------
    theta : array, shape (k,)
        Log-parameters.
    value : float
        Objective there.
    gradient : array, shape (k,)
        Derivatives with respect to the log-parameters, per customer.
    hessian : array, shape (k, k)
        Second derivatives with respect to the log-parameters, per customer.
    iterations : int
        L-BFGS iterations and Newton steps.
    """

    theta: Floats
    value: float
    gradient: Floats
    hessian: Floats
    iterations: int

    @property
    def gradient_norm(self) -> float:
        """The largest absolute derivative."""
        return float(np.abs(self.gradient).max())


def minimise(objective: Objective, start: Floats) -> Optimum:
    """Where is a smooth function of log-parameters lowest?

    Parameters
    ----------
    objective : callable
        Returns the value and the gradient at a vector of log-parameters.
    start : array, shape (k,)
        First guess.

    Returns
    -------
    Optimum
        The point reached; whether it is good enough is for :mod:`crmkit.models.basics.edges` to say.
    """
    from scipy.optimize import minimize

    bounds = [(LOWEST, HIGHEST)] * len(start)
    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-6}
    reached = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return polish(objective, np.asarray(reached.x, dtype=np.float64), int(reached.nit))


def polish(objective: Objective, theta: Floats, iterations: int = 0) -> Optimum:
    """What is the exact minimum near a point, and the Hessian there?

    Notes
    -----
    The Hessian of the first point serves the later steps, which are then as cheap as a gradient and still gain several digits
    each; it is taken anew where they moved visibly. A step is kept only if the gradient became smaller.
    """
    value, gradient = objective(theta)
    hessian, made_at = hessian_at(objective, theta), theta
    for _ in range(8):
        if np.abs(gradient).max() < FLAT:
            break
        if np.abs(theta - made_at).max() > 1e-2:
            hessian, made_at = hessian_at(objective, theta), theta
        step = _newton_step(hessian, gradient)
        if step is None or np.abs(step).max() > 1.0:
            break
        further = np.clip(theta - step, LOWEST, HIGHEST)
        new_value, new_gradient = objective(further)
        if not np.abs(new_gradient).max() < np.abs(gradient).max():
            break
        theta, value, gradient, iterations = further, new_value, new_gradient, iterations + 1
    if np.abs(theta - made_at).max() > NEARBY:
        hessian = hessian_at(objective, theta)
    return Optimum(theta, float(value), np.asarray(gradient), hessian, iterations)


def hessian_at(objective: Objective, theta: Floats, *, fine: bool = False) -> Floats:
    """How do the derivatives change around a point? `fine` takes four gradients wider apart instead of two close by.

    Notes
    -----
    Gradients end in rounding of 1e-16 and more, which two close by divide by 1e-5: enough, unless a direction is nearly flat.
    """
    k = len(theta)
    hessian = np.empty((k, k))
    for i, unit in enumerate(np.eye(k)):
        shift = unit * (WIDE_STEP if fine else STEP)
        near = objective(theta + shift)[1] - objective(theta - shift)[1]
        if fine:
            far = objective(theta + 2 * shift)[1] - objective(theta - 2 * shift)[1]
            hessian[i] = (8 * near - far) / (12 * WIDE_STEP)
        else:
            hessian[i] = near / (2 * STEP)
    return (hessian + hessian.T) / 2


def settle(objective: Objective, optimum: Optimum, customers: int, *, beyond: float) -> Optimum:
    """Go on from where a search stopped, along flat directions too.

    Parameters
    ----------
    objective : callable
        As for :func:`minimise`.
    optimum : Optimum
        Where the search stopped.
    customers : int
        How many the mean is over: a gradient that is nothing per customer may be much for a million.
    beyond : float
        Size of a log-parameter at which to stop: there is no maximum short of it.

    Returns
    -------
    Optimum
        The point itself where Newton's next step would gain less than 1e-15 of log-likelihood.

    Notes
    -----
    Newton steps of length 1 at most, upwards where the likelihood curves the wrong way; halved until the objective falls.
    """
    for _ in range(MOST_STEPS):
        curvature, axes = np.linalg.eigh(optimum.hessian)
        slope = axes.T @ optimum.gradient
        gain = customers * float((slope**2 / np.maximum(np.abs(curvature), TINY)).sum()) / 2
        if not np.isfinite(gain) or (gain < SETTLED and curvature.min() > 0) or np.abs(optimum.theta).max() > beyond + 1:
            break
        step = axes @ (slope / np.maximum(np.abs(curvature), TINY))
        further = _lower(objective, optimum, step / max(1.0, float(np.abs(step).max())))
        if further is None:
            break
        optimum = further
    curvature = np.linalg.eigvalsh(optimum.hessian) if np.isfinite(optimum.hessian).all() else np.array([CLEAR])
    if customers * curvature.min() < CLEAR:
        return replace(optimum, hessian=hessian_at(objective, optimum.theta, fine=True))
    return optimum


def _lower(objective: Objective, optimum: Optimum, step: Floats) -> Optimum | None:
    for _ in range(6):
        theta = np.clip(optimum.theta - step, LOWEST, HIGHEST)
        value, gradient = objective(theta)
        smaller = np.abs(gradient).max() < np.abs(optimum.gradient).max()
        if value < optimum.value or (smaller and value < optimum.value + FLAT):
            return Optimum(theta, float(value), gradient, hessian_at(objective, theta), optimum.iterations + 1)
        step = step / 2
    return None


def log_covariance(optimum: Optimum, n: int) -> Floats:
    """How far may the log-parameters be off? The inverse of the Hessian of the whole log-likelihood."""
    return np.asarray(np.linalg.inv(optimum.hessian * n))


def _newton_step(hessian: Floats, gradient: Floats) -> Floats | None:
    try:
        return np.asarray(np.linalg.solve(hessian, gradient))
    except np.linalg.LinAlgError:
        return None
