"""Where is the likelihood highest, and how sharply does it fall off there?

L-BFGS on the logarithms of the parameters comes near; Newton steps with a differenced analytic gradient finish, and leave the
Hessian that standard errors need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmkit.core.errors import ModelError
from crmkit.core.results import Text

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

LOWEST, HIGHEST = -15.0, 20.0  # of a log-parameter; a fit that ends here has no maximum inside
STEP = 1e-5  # central difference of an analytic gradient: error about 1e-10
NEARBY = 1e-4  # a Hessian from so near gives standard errors that are right to about as much
FLAT = 1e-12
CONVERGED = 1e-8


@dataclass(frozen=True, eq=False)
class Optimum:
    """A minimum of a mean negative log-likelihood over log-parameters.

    Parameters
    ----------
    theta : array, shape (k,)
        Log-parameters.
    value : float
        Objective there.
    gradient_norm : float
        Largest absolute derivative with respect to a log-parameter, per customer.
    hessian : array, shape (k, k)
        Second derivatives with respect to the log-parameters, per customer.
    iterations : int
        L-BFGS iterations and Newton steps.
    """

    theta: Floats
    value: float
    gradient_norm: float
    hessian: Floats
    iterations: int


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
        The point reached; whether it is good enough is for :func:`require_maximum` to say.
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
    return Optimum(theta, float(value), float(np.abs(gradient).max()), hessian, iterations)


def hessian_at(objective: Objective, theta: Floats) -> Floats:
    """How do the derivatives change around a point?"""
    k = len(theta)
    hessian = np.empty((k, k))
    for i, shift in enumerate(np.eye(k) * STEP):
        hessian[i] = (objective(theta + shift)[1] - objective(theta - shift)[1]) / (2 * STEP)
    return (hessian + hessian.T) / 2


def require_maximum(optimum: Optimum, names: Sequence[str], what: str) -> None:
    """Is this a maximum of the likelihood inside the allowed range?

    Raises
    ------
    ModelError
        Names the parameter that ran away, or says that the likelihood is flat, and what to try.
    """
    for name, theta in zip(names, optimum.theta, strict=True):
        if not LOWEST + 1.5 < theta < HIGHEST - 1.5:
            towards = Text("zero") if theta < 0 else Text("infinity")
            raise ModelError(
                Text(
                    "{what} cannot be fitted: {name} runs to {towards}, so the customers show no differences that the model "
                    "could measure; take more customers or a longer period, or a model with fewer parts.",
                    {"what": what, "name": name, "towards": towards},
                )
            )
    if optimum.gradient_norm > CONVERGED or not _is_positive(optimum.hessian):
        raise ModelError(
            Text(
                "{what} did not converge: the likelihood is flat or still rising (gradient {gradient} per customer); take "
                "more customers or a longer period, or another model.",
                {"what": what, "gradient": f"{optimum.gradient_norm:.1e}"},
            )
        )


def log_covariance(optimum: Optimum, n: int) -> Floats:
    """How far may the log-parameters be off? The inverse of the Hessian of the whole log-likelihood."""
    return np.asarray(np.linalg.inv(optimum.hessian * n))


def _newton_step(hessian: Floats, gradient: Floats) -> Floats | None:
    try:
        return np.asarray(np.linalg.solve(hessian, gradient))
    except np.linalg.LinAlgError:
        return None


def _is_positive(hessian: Floats) -> bool:
    return bool(np.isfinite(hessian).all() and np.linalg.eigvalsh(hessian).min() > 0)
